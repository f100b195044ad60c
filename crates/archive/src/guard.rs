//! The Parquet library trusts the lengths within a file, and panics where a damaged one has others. That must not end the
//! program: it is an error of the file, like other damage.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::RecordBatch;
use futures::future::FutureExt as _;
use futures::stream::{BoxStream, Stream, StreamExt as _};
use parquet::errors::ParquetError;

use crate::error::Error;

/// Runs what reads a file; a panic of the library is [`Error::Broken`].
pub(crate) fn guarded<T, E: Into<Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_panic| Error::Broken)?.map_err(Into::into)
}

/// The same of what waits for bytes.
pub(crate) async fn guarded_wait<T, E: Into<Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_panic| Error::Broken)?.map_err(Into::into)
}

/// The same of batches; none comes behind a panic.
pub(crate) fn guarded_batches(
    batches: impl Stream<Item = Result<RecordBatch, ParquetError>> + Send + 'static,
) -> BoxStream<'static, Result<RecordBatch, Error>> {
    let batches = AssertUnwindSafe(batches).catch_unwind();
    batches.map(|batch| Ok(batch.map_err(|_panic| Error::Broken)??)).boxed()
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::stream;

    use super::*;

    #[test]
    fn a_panic_is_damage_of_the_file() {
        let broken = || -> Result<u8, ParquetError> { panic!("slice index starts at 7 but ends at 3") };
        assert!(matches!(guarded(broken), Err(Error::Broken)));
        assert!(matches!(block_on(guarded_wait(async { broken() })), Err(Error::Broken)));
        assert_eq!(guarded(|| Ok::<_, ParquetError>(7)).unwrap(), 7);
        let batches = stream::iter(0..3).map(move |_| broken().map(|_| unreachable!("it panics")));
        let batches: Vec<_> = block_on(guarded_batches(batches).collect());
        assert!(matches!(batches.as_slice(), [Err(Error::Broken)]));
    }
}
