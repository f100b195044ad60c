//! A row group that is being encoded, column after column, by whoever is idle.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::{thread, vec};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};

use crate::batch::Spare;
use crate::error::Error;

/// The writers of a column, of which only a nested one has several.
pub(crate) type Leaves = Vec<ArrowColumnWriter>;

/// The encoded columns of a row group, each with its leaves.
pub(crate) type Chunks = Vec<Vec<ArrowColumnChunk>>;

/// The columns of a row group. Each is encoded as a whole, if nothing calls away: what its compressor knows stays in the
/// processor's cache, and one is at work at a time for each core.
pub(crate) struct Encoding {
    schema: SchemaRef,
    spare: Spare,
    columns: Mutex<Columns>,
    /// A column is done.
    done: Condvar,
}

struct Columns {
    /// Those that nobody is at, the next one last.
    left: Vec<Column>,
    /// How many others somebody is at.
    begun: usize,
    /// Those that are done, by their place.
    encoded: Vec<Option<Encoded>>,
}

/// What became of a column; a panic is kept for whoever wants it.
type Encoded = thread::Result<Result<Vec<ArrowColumnChunk>, Error>>;

/// A column that is not done.
struct Column {
    place: usize,
    leaves: Leaves,
    /// Its rows that are not encoded yet: their memory goes as it is done.
    rows: vec::IntoIter<ArrayRef>,
}

/// Columns of a row group that are perhaps not encoded yet.
#[derive(Clone, Default)]
pub struct Unencoded(Weak<Encoding>);

impl Unencoded {
    /// Encodes columns until something else is to be done, or there are none left. The answer is whether any was encoded.
    pub fn encode_until(&self, is_enough: impl Fn() -> bool) -> bool {
        let Some(encoding) = self.0.upgrade() else { return false };
        let mut has_helped = false;
        while !is_enough() && encoding.encode_one(&is_enough) {
            has_helped = true;
        }
        has_helped
    }

    /// Encodes all columns when nobody else is at any: rows that wait for others who are busy take memory and no less time.
    /// On a thread of a pool.
    pub fn encode_unless_others_do(&self) {
        let Some(encoding) = self.0.upgrade() else { return };
        if encoding.columns().are_left_alone() {
            encoding.call(rayon::current_num_threads() - 1);
            self.encode_until(|| false);
        }
    }
}

impl Encoding {
    /// The columns of these rows, which are given back to `spare` as they are done.
    pub(crate) fn new(batches: &[RecordBatch], schema: SchemaRef, columns: Vec<Leaves>, spare: &Spare) -> Self {
        let encoded = columns.iter().map(|_| None).collect();
        let rows = |place| batches.iter().map(|batch| ArrayRef::clone(batch.column(place))).collect::<Vec<_>>();
        let column = |(place, leaves)| Column { place, leaves, rows: rows(place).into_iter() };
        let left = columns.into_iter().enumerate().rev().map(column).collect();
        let (columns, spare) = (Mutex::new(Columns { left, begun: 0, encoded }), spare.clone());
        Self { schema, spare, columns, done: Condvar::new() }
    }

    /// For others who may help.
    pub(crate) fn unencoded(self: &Arc<Self>) -> Unencoded {
        Unencoded(Arc::downgrade(self))
    }

    /// Asks for so many threads of the pool to help as soon as they are idle.
    pub(crate) fn call(self: &Arc<Self>, threads: usize) {
        for _ in 0..threads {
            let columns = self.unencoded();
            rayon::spawn(move || {
                columns.encode_until(|| false);
            });
        }
    }

    /// Encodes what nobody is at, and waits for what others are at.
    pub(crate) fn finish(&self) -> Result<Chunks, Error> {
        let encoded = loop {
            while self.encode_one(&|| false) {}
            let columns = self.done.wait_while(self.columns(), |columns| columns.left.is_empty() && columns.begun > 0);
            let mut columns = columns.unwrap_or_else(PoisonError::into_inner);
            if columns.left.is_empty() {
                break std::mem::take(&mut columns.encoded);
            }
        };
        encoded.into_iter().flatten().map(|column| column.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    }

    /// Encodes a column, or puts it back when it is enough before its end. False when there was none.
    fn encode_one(&self, is_enough: &impl Fn() -> bool) -> bool {
        let Some(column) = self.columns().take() else { return false };
        let place = column.place;
        // A panic is for whoever wants the row group, not for those who help.
        let encoded = catch_unwind(AssertUnwindSafe(|| self.encode(column, is_enough)));
        let mut columns = self.columns();
        columns.begun -= 1;
        match encoded {
            Ok(Ok(Done::Part(column))) => columns.left.push(column),
            Ok(Ok(Done::All(chunks))) => columns.encoded[place] = Some(Ok(Ok(chunks))),
            Ok(Err(error)) => columns.encoded[place] = Some(Ok(Err(error))),
            Err(panic) => columns.encoded[place] = Some(Err(panic)),
        }
        self.done.notify_all();
        true
    }

    fn encode(&self, mut column: Column, is_enough: &impl Fn() -> bool) -> Result<Done, Error> {
        let field = self.schema.field(column.place);
        loop {
            if is_enough() && !column.rows.as_slice().is_empty() {
                return Ok(Done::Part(column));
            }
            let Some(rows) = column.rows.next() else { break };
            for (leaf, cells) in column.leaves.iter_mut().zip(compute_leaves(field, &rows)?) {
                leaf.write(&cells)?;
            }
            self.spare.put(column.place, rows);
        }
        Ok(Done::All(column.leaves.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?))
    }

    fn columns(&self) -> MutexGuard<'_, Columns> {
        self.columns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Columns {
    fn take(&mut self) -> Option<Column> {
        let column = self.left.pop()?;
        self.begun += 1;
        Some(column)
    }

    fn are_left_alone(&self) -> bool {
        self.begun == 0 && !self.left.is_empty()
    }
}

/// How far a column came.
enum Done {
    Part(Column),
    All(Vec<ArrowColumnChunk>),
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    /// One column, of which the schema knows nothing.
    fn lacking() -> Arc<Encoding> {
        let text = Schema::new(vec![Field::new("text", DataType::Utf8, true)]);
        let batch = RecordBatch::new_empty(Arc::new(text));
        Arc::new(Encoding::new(&[batch], Arc::new(Schema::empty()), vec![Vec::new()], &Spare::none()))
    }

    #[test]
    fn a_panic_is_for_whoever_wants_the_row_group() {
        let encoding = lacking();
        assert!(encoding.unencoded().encode_until(|| false), "who helps goes on");
        assert!(!encoding.unencoded().encode_until(|| false), "there is nothing else to do");
        assert!(catch_unwind(AssertUnwindSafe(|| encoding.finish())).is_err());
    }

    #[test]
    fn nobody_encodes_what_is_not_wanted_any_more() {
        let columns = lacking().unencoded();
        assert!(!columns.encode_until(|| false));
    }
}
