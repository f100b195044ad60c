//! A reader over bytes that counts what is asked of it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use archive::{Error, Rows};
use bytes::Bytes;
use futures::executor::block_on;
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryStreamExt as _};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

#[derive(Clone)]
pub(crate) struct Reader {
    file: Bytes,
    read: Arc<AtomicU64>,
}

impl Reader {
    pub(crate) fn new(file: Vec<u8>) -> Self {
        Self { file: file.into(), read: Arc::default() }
    }

    /// How many bytes were read since the last time this was asked.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.swap(0, Ordering::Relaxed)
    }

    pub(crate) fn len(&self) -> u64 {
        self.file.len() as u64
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        self.read.fetch_add(range.end - range.start, Ordering::Relaxed);
        let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
        let bytes = (start <= end && end <= self.file.len()).then(|| self.file.slice(start..end));
        let bytes = bytes.ok_or_else(|| ParquetError::EOF(format!("{range:?}")));
        async move { bytes }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        let length = self.len();
        async move {
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            reader.load_and_finish(self, length).await.map(Arc::new)
        }
        .boxed()
    }
}

/// All rows of a file.
pub(crate) fn all<T>(rows: impl Future<Output = std::result::Result<Rows<T>, Error>>) -> Vec<T> {
    block_on(async { rows.await?.try_concat().await }).unwrap()
}
