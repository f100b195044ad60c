//! Messages that borrow from the batch in which they were read: for who looks at each once and keeps none.

use std::sync::Arc;

use arrow::array::RecordBatch;
use chat::Message;
use futures::stream::{BoxStream, StreamExt as _};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::file::metadata::ParquetMetaData;

use crate::batch::Columns;
use crate::columns::Messages;
use crate::error::Error;
use crate::guard::guarded_batches;
use crate::read::OpenFile;

/// Batches as they are read, in the order of the file.
pub type Batches = BoxStream<'static, Result<Batch, Error>>;

/// Some rows of a file, in their order.
pub struct Batch {
    columns: Arc<Columns<Messages>>,
    /// In pieces of so many rows as stay in a processor's cache as messages.
    pieces: Vec<RecordBatch>,
}

impl Batch {
    /// Rows that are decoded at a time.
    const ROWS: usize = 8_192;
    /// Bytes that are, of rows so long that these are fewer rows; several batches are on their way at once.
    const BYTES: usize = 8 << 20;
    /// Rows of a piece.
    const PIECE_ROWS: usize = 512;

    fn of(columns: Arc<Columns<Messages>>, rows: &RecordBatch) -> Self {
        let starts = (0..rows.num_rows()).step_by(Self::PIECE_ROWS);
        let piece = |start| rows.slice(start, Self::PIECE_ROWS.min(rows.num_rows() - start));
        Self { columns, pieces: starts.map(piece).collect() }
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.pieces.iter().map(RecordBatch::num_rows).sum()
    }

    /// The same without so many rows at its beginning.
    #[must_use]
    pub fn without_first(mut self, rows: usize) -> Self {
        let mut left = rows;
        for piece in &mut self.pieces {
            let passed = left.min(piece.num_rows());
            left -= passed;
            *piece = piece.slice(passed, piece.num_rows() - passed);
        }
        self
    }

    /// The messages, some at a time, in their order.
    ///
    /// # Errors
    ///
    /// When a value is none that this program knows.
    pub fn messages(&self) -> impl Iterator<Item = Result<Vec<Message<'_>>, Error>> {
        self.pieces.iter().map(|piece| self.columns.rows(piece))
    }
}

impl<R> OpenFile<R, Messages>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    /// The rows, to be borrowed.
    pub(crate) fn lent(self) -> Result<Batches, Error> {
        let Self { parquet, columns } = self;
        let batch_rows = batch_rows(parquet.metadata());
        let (batches, columns) = (guarded_batches(parquet.with_batch_size(batch_rows).build()?), Arc::new(columns));
        Ok(batches.map(move |rows| Ok(Batch::of(Arc::clone(&columns), &rows?))).boxed())
    }
}

/// Rows of a batch of a file, by how long they are where they are longest, before compression.
fn batch_rows(metadata: &ParquetMetaData) -> usize {
    let row_bytes = metadata.row_groups().iter().map(|group| group.total_byte_size() / group.num_rows().max(1));
    let longest = row_bytes.max().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or_default();
    (Batch::BYTES / longest.max(1)).clamp(1, Batch::ROWS)
}
