//! Rows to batches.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, SchemaRef, TimestampMicrosecondType};
use chat::Hour;

use super::cells::{Numbers, Texts};
use super::held;
use super::spare::Spare;
use crate::error::Error;
use crate::table::{Cell, Field, STRIDE, Table};

/// Collects rows into one batch.
pub(crate) struct Builder<T: Table> {
    schema: SchemaRef,
    columns: Vec<(&'static Field<T>, Cells)>,
    rows: usize,
    spare: Spare,
}

/// The cells of one column so far.
enum Cells {
    Bytes(Texts),
    /// The last hour and its text: nearly every row has the same, and formatting it costs more than all other columns.
    Hour(Texts, Option<(Hour, String)>),
    Long(Numbers<Int64Type>),
    Real(Numbers<Float64Type>),
    Small(Numbers<Int32Type>),
    Text(Texts),
    Time(Numbers<TimestampMicrosecondType>),
}

impl<T: Table> Builder<T> {
    /// Texts and bytes of a row may be this long. `STRIDE * LONGEST + CHUNK_BYTES < 2 GiB`, what an Arrow array of texts
    /// holds; a line of the service has at most 16 MiB.
    const LONGEST: usize = 64 << 20;
    /// Rows of a full chunk.
    const CHUNK_ROWS: usize = 8_192;
    /// Bytes of a full chunk.
    const CHUNK_BYTES: usize = 8 << 20;

    /// Of batches with texts held as bytes, for files.
    pub(crate) fn new() -> Self {
        Self::in_memory_of(Spare::none())
    }

    /// The same, in the memory of columns that are not needed any more.
    pub(crate) fn in_memory_of(spare: Spare) -> Self {
        let columns = T::FIELDS.iter().map(|field| (field, Cells::of(field))).collect();
        Self { schema: held(&T::schema()), columns, rows: 0, spare }
    }

    /// Adds rows, and hands each chunk that is full to `take`.
    pub(crate) fn append(
        &mut self,
        rows: &[&T::Row<'_>],
        mut take: impl FnMut(RecordBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for stride in rows.chunks(STRIDE) {
            for (field, cells) in &mut self.columns {
                cells.append(field, stride, Self::LONGEST)?;
            }
            self.rows += stride.len();
            if self.rows >= Self::CHUNK_ROWS || self.size() >= Self::CHUNK_BYTES {
                take(self.finish()?)?;
            }
        }
        Ok(())
    }

    /// The rows since the last full chunk, perhaps none.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch, Error> {
        self.rows = 0;
        let spare = &self.spare;
        let finish = |(place, (field, cells)): (usize, &mut (&Field<T>, Cells))| cells.finish(field, spare.take(place));
        let arrays = self.columns.iter_mut().enumerate().map(finish).collect();
        Ok(RecordBatch::try_new(SchemaRef::clone(&self.schema), arrays)?)
    }

    fn size(&self) -> usize {
        self.columns.iter().map(|(_, cells)| cells.size()).sum()
    }
}

impl Cells {
    fn of<T: Table>(field: &Field<T>) -> Self {
        match field.cell {
            Cell::Bytes { .. } => Self::Bytes(Texts::new()),
            Cell::Count { .. } | Cell::Long { .. } => Self::Long(Numbers::new()),
            Cell::Hour { .. } => Self::Hour(Texts::new(), None),
            Cell::Real { .. } => Self::Real(Numbers::new()),
            Cell::Small { .. } => Self::Small(Numbers::new()),
            Cell::Text { .. } => Self::Text(Texts::new()),
            Cell::Time { .. } => Self::Time(Numbers::new()),
        }
    }

    /// Adds the cells of a stride of rows.
    fn append<T: Table>(&mut self, field: &Field<T>, rows: &[&T::Row<'_>], longest: usize) -> Result<(), Error> {
        match (self, &field.cell) {
            (Self::Bytes(cells), Cell::Bytes { get, .. }) => {
                for bytes in rows.iter().copied().map(get) {
                    within(field, cells.append(&[Some(bytes)]), longest)?;
                }
            }
            (Self::Hour(cells, last), Cell::Hour { get, .. }) => {
                rows.iter().copied().map(get).for_each(|hour| append_hour(cells, last, hour));
            }
            (Self::Long(cells), Cell::Count { get, .. }) => {
                let counts = rows.iter().copied().map(get);
                if let Some(count) = counts.clone().find(|count| i64::try_from(*count).is_err()) {
                    return Err(field.refuse(count));
                }
                cells.append(counts.map(|count| Some(count.cast_signed())));
            }
            (Self::Long(cells), Cell::Long { get, .. }) => cells.append(rows.iter().copied().map(get)),
            (Self::Real(cells), Cell::Real { get, .. }) => cells.append(rows.iter().copied().map(get)),
            (Self::Small(cells), Cell::Small { get, .. }) => {
                let numbers = rows.iter().copied().map(get);
                if let Some(number) = numbers.clone().flatten().find(|number| i32::try_from(*number).is_err()) {
                    return Err(field.refuse(number));
                }
                cells.append(numbers.map(|number| number.map(u32::cast_signed)));
            }
            (Self::Text(cells), Cell::Text { get, .. }) => {
                within(field, cells.append(&get(rows)[..rows.len()]), longest)?;
            }
            (Self::Time(cells), Cell::Time { get, .. }) => {
                cells.append(rows.iter().map(|row| get(row).map(|time| time.timestamp_micros())));
            }
            _ => unreachable!("cells are made by `Cells::of` of the same field"),
        }
        Ok(())
    }

    fn size(&self) -> usize {
        match self {
            Self::Bytes(cells) | Self::Hour(cells, _) | Self::Text(cells) => cells.size(),
            Self::Long(cells) => cells.size(),
            Self::Real(cells) => cells.size(),
            Self::Small(cells) => cells.size(),
            Self::Time(cells) => cells.size(),
        }
    }

    /// The column so far. The next begins in the memory of a used one.
    fn finish<T: Table>(&mut self, field: &Field<T>, used: Option<ArrayRef>) -> ArrayRef {
        match self {
            Self::Bytes(cells) | Self::Hour(cells, _) | Self::Text(cells) => Arc::new(cells.finish(used)),
            Self::Long(cells) => Arc::new(cells.finish(used)),
            Self::Real(cells) => Arc::new(cells.finish(used)),
            Self::Small(cells) => Arc::new(cells.finish(used)),
            Self::Time(cells) => Arc::new(cells.finish(used).with_data_type(field.cell.data_type())),
        }
    }
}

fn append_hour(cells: &mut Texts, last: &mut Option<(Hour, String)>, hour: Hour) {
    let key = match last {
        Some((known, key)) if *known == hour => key,
        _ => &mut last.insert((hour, hour.key())).1,
    };
    cells.append(&[Some(key.as_str())]);
}

fn within<T: Table>(field: &Field<T>, length: usize, longest: usize) -> Result<(), Error> {
    if length <= longest { Ok(()) } else { Err(field.refuse(format!("a text of {length} bytes"))) }
}
