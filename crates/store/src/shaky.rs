//! A bucket in memory that may die, or whose answers may get lost.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What happens to requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// All of them are answered.
    None,
    /// From the change with this number on all are refused, as if the process had been killed before it. Where those lie
    /// that change nothing makes no difference.
    DieAfter(i64),
    /// Each that changes something is made again although it has succeeded, as when its answer was lost.
    LostAnswers,
}

/// A bucket in memory. Clones are one bucket, each with faults of its own.
#[derive(Debug, Clone)]
pub(crate) struct Shaky {
    inner: Arc<InMemory>,
    left: Arc<AtomicI64>,
    fault: Fault,
}

impl Shaky {
    pub(crate) fn new() -> Self {
        Self::of(InMemory::new())
    }

    /// Another bucket with the same content.
    pub(crate) fn copied(&self) -> Self {
        Self::of(self.inner.fork())
    }

    /// The same bucket with these faults.
    pub(crate) fn with(&self, fault: Fault) -> Self {
        let steps = if let Fault::DieAfter(steps) = fault { steps } else { i64::MAX };
        Self { inner: Arc::clone(&self.inner), left: Arc::new(AtomicI64::new(steps)), fault }
    }

    fn of(inner: InMemory) -> Self {
        Self { inner: Arc::new(inner), left: Arc::new(AtomicI64::new(i64::MAX)), fault: Fault::None }
    }

    /// Whether a request was refused.
    pub(crate) fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    /// Passed before every request that changes something.
    fn step(&self) -> Result<()> {
        if self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Ok(());
        }
        self.left.store(-1, Ordering::SeqCst);
        self.look()
    }

    /// Passed before every other.
    fn look(&self) -> Result<()> {
        if self.is_dead() { Err(Error::Generic { store: "Shaky", source: "killed here".into() }) } else { Ok(()) }
    }
}

impl fmt::Display for Shaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shaky")
    }
}

#[async_trait]
impl ObjectStore for Shaky {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.step()?;
        let put = self.inner.put_opts(location, payload.clone(), options.clone()).await;
        if self.fault == Fault::LostAnswers && put.is_ok() {
            return self.inner.put_opts(location, payload, options).await;
        }
        put
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.step()?;
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.look()?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let shaky = self.clone();
        let stepped = locations.map(move |location| shaky.step().and(location));
        self.inner.delete_stream(stepped.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.look() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.look()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.step()?;
        self.inner.copy_opts(from, to, options).await
    }
}
