//! Files to rows.

use arrow::array::RecordBatch;
use chat::{Attachment, DeadLetter, Entry, Message};
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::file::metadata::{FileMetaData, PageIndexPolicy, ParquetMetaData};

use crate::batch::Columns;
use crate::columns::{Attachments, DeadLetters, Entries, Messages};
use crate::error::Error;
use crate::guard::{guarded_batches, guarded_wait};
use crate::layout::FORMAT_KEY;
use crate::statistics::Statistics;
use crate::table::{FORMAT, Table};

/// Rows as they are read, some at a time.
pub type Rows<T> = BoxStream<'static, Result<Vec<T>, Error>>;

/// Every message of a file, in its order.
///
/// # Errors
///
/// [`Error::Format`] when the file is newer than this program; else when it cannot be read, is damaged, or is no file of
/// messages. What the reader itself said is the [source](std::error::Error::source) of a [`Error::Parquet`].
pub async fn read_all<R>(reader: R) -> Result<Rows<Message<'static>>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    OpenFile::<R, Messages>::open(reader, PageIndexPolicy::Skip).await?.rows()
}

/// Every dead letter of a file, in its order.
///
/// # Errors
///
/// As [`read_all`].
pub async fn read_dead_letters<R>(reader: R) -> Result<Rows<DeadLetter<'static>>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    OpenFile::<R, DeadLetters>::open(reader, PageIndexPolicy::Skip).await?.rows()
}

/// Every ledger entry of a file, in its order.
///
/// # Errors
///
/// As [`read_all`].
pub async fn read_entries<R>(reader: R) -> Result<Vec<Entry>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    OpenFile::<R, Entries>::open(reader, PageIndexPolicy::Skip).await?.rows()?.try_concat().await
}

/// Every row of a file of attachments, in its order.
///
/// # Errors
///
/// As [`read_all`].
pub async fn read_attachments<R>(reader: R) -> Result<Rows<Attachment>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    OpenFile::<R, Attachments>::open(reader, PageIndexPolicy::Skip).await?.rows()
}

/// The statistics of a file of messages, from its footer alone.
///
/// # Errors
///
/// As [`read_all`].
pub async fn read_statistics<R>(reader: R) -> Result<Statistics, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    let file = OpenFile::<R, Messages>::open(reader, PageIndexPolicy::Skip).await?;
    let metadata = file.metadata();
    Ok(Statistics::of::<Messages>(metadata.file_metadata().schema_descr(), metadata.row_groups()))
}

/// What a file says of itself in its footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footer {
    /// The number of the format that it was written in, also one that is newer than this program; `None` when another
    /// program wrote it anew and left the number out.
    pub format: Option<u32>,
    /// Rows of the file.
    pub rows: u64,
}

/// The footer of a file, of whichever table and format.
///
/// # Errors
///
/// [`Error::Format`] when its format is no number; else when it cannot be read, or is damaged.
pub async fn read_footer<R: AsyncFileReader>(mut reader: R) -> Result<Footer, Error> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Skip);
    let metadata = guarded_wait(reader.get_metadata(Some(&options))).await?;
    let file = metadata.file_metadata();
    let number = |text: &str| text.parse().map_err(|_| unknown_format(text));
    Ok(Footer { format: format_of(file).map(number).transpose()?, rows: u64::try_from(file.num_rows()).unwrap_or(0) })
}

/// A file whose footer is read and understood.
pub(crate) struct OpenFile<R, T: Table> {
    pub(crate) parquet: ParquetRecordBatchStreamBuilder<R>,
    pub(crate) columns: Columns<T>,
}

impl<R, T> OpenFile<R, T>
where
    R: AsyncFileReader + Unpin + Send + 'static,
    T: Table<Row<'static>: Send>,
{
    /// Rows that are decoded at a time. A row group has no more bytes than one Arrow array holds, see
    /// [`crate::Settings::row_group_bytes`], so that no batch is too long, whatever its rows.
    const BATCH_ROWS: usize = 1_024;

    pub(crate) async fn open(mut reader: R, page_index: PageIndexPolicy) -> Result<Self, Error> {
        let footer = checked_footer(&mut reader, page_index).await?;
        Self::with_footer(reader, footer)
    }

    /// A file whose footer was read before.
    pub(crate) fn with_footer(reader: R, metadata: ArrowReaderMetadata) -> Result<Self, Error> {
        let columns = Columns::<T>::of(metadata.schema())?;
        let mask = ProjectionMask::columns(metadata.parquet_schema(), columns.names());
        let parquet = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata)
            .with_projection(mask)
            .with_batch_size(Self::BATCH_ROWS);
        Ok(Self { parquet, columns })
    }

    pub(crate) fn metadata(&self) -> &ParquetMetaData {
        self.parquet.metadata()
    }

    /// The same file without the other columns.
    pub(crate) fn only(mut self, names: &[&str]) -> Self {
        self.columns.retain(names);
        let mask = ProjectionMask::columns(self.parquet.parquet_schema(), self.columns.names());
        self.parquet = self.parquet.with_projection(mask);
        self
    }

    /// The same file without the other row groups.
    pub(crate) fn groups(mut self, groups: Vec<usize>) -> Self {
        self.parquet = self.parquet.with_row_groups(groups);
        self
    }

    /// The rows as they lie, in those of the table's columns that the file has.
    pub(crate) fn batches(self) -> Result<BoxStream<'static, Result<RecordBatch, Error>>, Error> {
        Ok(guarded_batches(self.parquet.build()?))
    }

    pub(crate) fn rows(self) -> Result<Rows<T::Row<'static>>, Error> {
        let Self { parquet, columns } = self;
        let batches = guarded_batches(parquet.build()?);
        let owned = move |batch: RecordBatch| {
            let rows = columns.rows(&batch)?.into_iter().map(T::owned);
            Ok(rows.collect())
        };
        Ok(batches.map(move |batch| owned(batch?)).boxed())
    }
}

/// The footer of a file that is not of a newer format.
pub(crate) async fn checked_footer<R: AsyncFileReader>(
    reader: &mut R,
    page_index: PageIndexPolicy,
) -> Result<ArrowReaderMetadata, Error> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_page_index_policy(page_index);
    let footer = guarded_wait(ArrowReaderMetadata::load_async(reader, options)).await?;
    check_format(footer.metadata().file_metadata())?;
    Ok(footer)
}

/// Whether a file says that it was written in the format of today.
pub(crate) fn is_of_today(file: &FileMetaData) -> bool {
    format_of(file).is_some_and(|number| number.parse() == Ok(FORMAT))
}

/// Refuses a file of a newer format. One without a number was rewritten by a program that keeps the columns and drops
/// the rest, as Delta's own tools do; its columns are checked like all others.
fn check_format(file: &FileMetaData) -> Result<(), Error> {
    match format_of(file) {
        Some(number) if number.parse().is_ok_and(|number: u32| (1..=FORMAT).contains(&number)) => Ok(()),
        Some(number) => Err(unknown_format(number)),
        None => Ok(()),
    }
}

fn format_of(file: &FileMetaData) -> Option<&str> {
    let entries = file.key_value_metadata().into_iter().flatten();
    entries.filter(|entry| entry.key == FORMAT_KEY).filter_map(|entry| entry.value.as_deref()).next_back()
}

fn unknown_format(number: &str) -> Error {
    Error::Format { found: number.to_owned(), newest: FORMAT }
}
