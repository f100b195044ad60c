//! A bucket in which an archive lies, and the folder that this machine has for it.
//!
//! An object appears whole when its upload ends, or not at all: nothing is renamed. Files of tables and parts of served
//! bytes get names that nobody else gives, so they are written without a condition, and as often as need be. What has one
//! name for all (the archive's identity, lists of parts, notes) is written on the condition that it is as it was read.
//!
//! Nothing that readers may still want is removed at once: see [`crate::sweep`].
//!
//! The rest of this crate is partly code that waits for nothing. It asks here, and the answer is waited for on a thread of
//! its own, whatever runs on the threads of the program meanwhile.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path as FilePath, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{
    Attribute, AttributeValue, Attributes, Error, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    UpdateVersion, WriteMultipart,
};
use tempfile::NamedTempFile;
use tokio::runtime::{Handle, Runtime};
use uuid::Uuid;

use crate::disk::{Disk, Present};
use crate::layout;
use crate::remote::once::Once;

pub(crate) mod connect;
mod once;

/// Files up to this are uploaded in one request, larger ones in parts of it; downloads come in ranges of it.
pub(crate) const PIECE: usize = 16 << 20;
/// Parts that are on their way at once. Together with [`PIECE`] this bounds the memory of an upload.
pub(crate) const PARTS: usize = 4;
/// Small objects and folders that are asked for at once.
const AT_ONCE: usize = 32;

/// The codes with which stores say that there is no such bucket: S3 and Google, Azure. The library hands them on in its text.
const NO_BUCKET: [&str; 2] = ["<Code>NoSuchBucket</Code>", "<Code>ContainerNotFound</Code>"];

/// Under which an object with one name for all says which write it is from. Azure takes letters, digits and `_` alone, and
/// proxies before other stores drop headers with a `_`.
const WRITER: Attribute = Attribute::Metadata(Cow::Borrowed("annalswrite"));

/// A bucket. Cheap to clone; clones are one handle.
#[derive(Clone)]
pub(crate) struct Remote {
    inner: Arc<Inner>,
}

struct Inner {
    root: PathBuf,
    desk: Disk,
    objects: Arc<dyn ObjectStore>,
    grace: Grace,
    /// Of each small object that was read or written, the version; `None` for one that was not there.
    versions: Mutex<HashMap<Path, Option<UpdateVersion>>>,
    requests: Requests,
}

/// How long what is part of nothing stays in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// A file that was replaced, for those who are reading it; `replaced <= LONGEST_REPLACED`.
    pub replaced: Duration,
    /// An object that never became part of anything, for a run that may still be at it; `SHORTEST_ORPHANED <= orphaned`.
    pub orphaned: Duration,
}

impl Grace {
    /// The log says when a file was replaced for twice as long as that, because clocks differ.
    pub const LONGEST_REPLACED: Duration = Duration::from_secs(24 * 60 * 60);
    /// Longer than it takes from the first upload of a run to the commit, and than clocks differ: stores turn away who is
    /// a quarter of an hour off.
    pub const SHORTEST_ORPHANED: Duration = Duration::from_secs(60 * 60);
}

impl Default for Grace {
    /// An hour for readers, and a day for runs, of which an upload and its commit lie minutes apart.
    fn default() -> Self {
        Self { replaced: Duration::from_secs(60 * 60), orphaned: Duration::from_secs(24 * 60 * 60) }
    }
}

impl Remote {
    /// The archive whose objects are these. `root` is how it is called, `desk` the folder that this machine has for it.
    pub(crate) fn new(
        root: PathBuf,
        desk: Disk,
        grace: Grace,
        requests: Requests,
        objects: Arc<dyn ObjectStore>,
    ) -> Self {
        let objects = Arc::new(Once::new(objects));
        let inner = Inner { root, desk, objects, grace, versions: Mutex::default(), requests };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner.objects)
    }

    pub(crate) fn root(&self) -> &FilePath {
        &self.inner.root
    }

    pub(crate) fn desk(&self) -> &Disk {
        &self.inner.desk
    }

    pub(crate) fn grace(&self) -> Grace {
        self.inner.grace
    }

    /// The address of the bucket alone, for messages.
    pub(crate) fn bucket(&self) -> String {
        let root = self.inner.root.to_string_lossy();
        root.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
    }

    /// The address of an object, for messages.
    pub(crate) fn path(&self, location: &Path) -> PathBuf {
        location.parts().fold(self.inner.root.clone(), |path, part| path.join(part.as_ref()))
    }

    /// Uploads a finished file under a name that nobody else gives.
    pub(crate) fn place(&self, file: NamedTempFile, location: &Path) -> io::Result<()> {
        let length = file.as_file().metadata()?.len();
        let (objects, location, mut bytes) = (self.objects(), location.clone(), file.reopen()?);
        self.wait(async move {
            if length <= PIECE as u64 {
                let mut whole = Vec::with_capacity(usize::try_from(length).unwrap_or(PIECE));
                bytes.read_to_end(&mut whole)?;
                objects.put(&location, whole.into()).await.map_err(io_error)?;
                return Ok(());
            }
            upload_in_parts(&*objects, &location, &mut bytes).await
        })
    }

    /// Writes a small object: a new one, or in place of the one that was read or written last.
    pub(crate) fn write(&self, location: &Path, content: &[u8], present: Present) -> io::Result<()> {
        let mode = match (present, self.versions().get(location).cloned()) {
            (Present::Keep, _) | (_, Some(None)) => PutMode::Create,
            (Present::Replace, Some(Some(version))) => PutMode::Update(version),
            (Present::Replace, None) => PutMode::Overwrite,
        };
        let writer = AttributeValue::from(Uuid::new_v4().simple().to_string());
        let attributes = Attributes::from_iter([(WRITER, writer.clone())]);
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        let (objects, at, payload) = (self.objects(), location.clone(), content.to_vec());
        match self.wait(async move { objects.put_opts(&at, payload.into(), options).await.map_err(io_error) }) {
            Ok(put) => {
                let version = UpdateVersion { e_tag: put.e_tag, version: put.version };
                self.versions().insert(location.clone(), Some(version));
                Ok(())
            }
            // A request whose answer was lost is made again, and then finds what it has written itself.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let (found, _) = self.fetch(location)?;
                if found == Some(writer) { Ok(()) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a small object, and remembers which version of it that was.
    pub(crate) fn read(&self, location: &Path) -> io::Result<Option<Vec<u8>>> {
        Ok(self.fetch(location)?.1)
    }

    /// Who wrote an object, and what.
    fn fetch(&self, location: &Path) -> io::Result<(Option<AttributeValue>, Option<Vec<u8>>)> {
        let (objects, at) = (self.objects(), location.clone());
        let found = self.wait(async move {
            let Some(found) = missing_is_none(objects.get(&at).await)? else { return Ok(None) };
            let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
            let writer = found.attributes.get(&WRITER).cloned();
            Ok(Some((version, writer, found.bytes().await.map_err(io_error)?.to_vec())))
        })?;
        let (version, found) = match found {
            Some((version, writer, content)) => (Some(version), (writer, Some(content))),
            None => (None, (None, None)),
        };
        self.versions().insert(location.clone(), version);
        Ok(found)
    }

    /// Downloads an object into a file without a name.
    pub(crate) fn open(&self, location: &Path) -> io::Result<Option<File>> {
        let mut file = self.inner.desk.unnamed()?;
        let (objects, at) = (self.objects(), location.clone());
        self.wait(async move {
            let Some(meta) = missing_is_none(objects.head(&at).await)? else { return Ok(None) };
            for start in (0..meta.size).step_by(PIECE) {
                let piece = objects.get_range(&at, start..meta.size.min(start + PIECE as u64)).await;
                file.write_all(&piece.map_err(io_error)?)?;
            }
            file.seek(SeekFrom::Start(0))?;
            Ok(Some(file))
        })
    }

    pub(crate) fn has(&self, location: &Path) -> io::Result<bool> {
        let (objects, at) = (self.objects(), location.clone());
        self.wait(async move { Ok(missing_is_none(objects.head(&at).await)?.is_some()) })
    }

    pub(crate) async fn has_any(&self, prefix: &Path) -> io::Result<bool> {
        let first = self.inner.objects.list(Some(prefix)).next().await;
        first.transpose().map_err(io_error).map(|first| first.is_some())
    }

    /// What lies below a prefix, in order; all there is without one.
    pub(crate) fn list(&self, prefix: Option<&Path>) -> io::Result<Vec<ObjectMeta>> {
        let (objects, prefix) = (self.objects(), prefix.cloned());
        let mut found: Vec<ObjectMeta> =
            self.wait(async move { objects.list(prefix.as_ref()).try_collect().await.map_err(io_error) })?;
        found.sort_unstable_by(|one, other| one.location.cmp(&other.location));
        Ok(found)
    }

    /// What lies below each of some prefixes, in no order.
    pub(crate) fn list_all(&self, prefixes: Vec<Path>) -> io::Result<Vec<ObjectMeta>> {
        let objects = self.objects();
        self.wait(async move {
            let list = |prefix: Path| {
                let objects = Arc::clone(&objects);
                async move { objects.list(Some(&prefix)).try_collect::<Vec<_>>().await.map_err(io_error) }
            };
            stream::iter(prefixes).map(list).buffer_unordered(AT_ONCE).try_concat().await
        })
    }

    /// Reads small objects that are not to be written, each as it is when its turn comes; `None` for one that is not there.
    pub(crate) fn read_all(&self, locations: Vec<Path>) -> io::Result<Vec<Option<Vec<u8>>>> {
        let objects = self.objects();
        self.wait(async move {
            let read = |location: Path| {
                let objects = Arc::clone(&objects);
                async move {
                    let Some(found) = missing_is_none(objects.get(&location).await)? else { return Ok(None) };
                    Ok(Some(found.bytes().await.map_err(io_error)?.to_vec()))
                }
            };
            stream::iter(locations).map(read).buffered(AT_ONCE).try_collect().await
        })
    }

    /// Whether the bucket is there, whatever is in it.
    pub(crate) fn is_there(&self) -> io::Result<bool> {
        match self.first() {
            Err(error) if NO_BUCKET.iter().any(|code| error.to_string().contains(code)) => Ok(false),
            listed => listed.map(|_| true),
        }
    }

    /// The name of something that lies in the bucket below the prefix of the archive.
    pub(crate) fn first(&self) -> io::Result<Option<String>> {
        let objects = self.objects();
        self.wait(async move {
            let first = objects.list(None).next().await.transpose().map_err(io_error)?;
            Ok(first.map(|first| first.location.to_string()))
        })
    }

    pub(crate) fn remove(&self, location: &Path) -> io::Result<()> {
        let (objects, at) = (self.objects(), location.clone());
        self.wait(async move { missing_is_none(objects.delete(&at).await).map(drop) })
    }

    /// Leaves a mark that work has begun, see [`crate::running`].
    pub(crate) fn mark(&self) -> io::Result<Path> {
        let name = format!("{}{}", layout::TEMPORARY_FILE, Uuid::new_v4().simple());
        let (objects, location) = (self.objects(), Path::from(layout::TEMPORARY_FOLDER).join(name));
        let at = location.clone();
        self.wait(async move { objects.put(&at, Vec::new().into()).await.map_err(io_error) })?;
        Ok(location)
    }

    /// Begins work on the threads of requests.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        work: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> Waiting<T> {
        self.inner.requests.begin(work)
    }

    fn wait<T: Send + 'static>(&self, work: impl Future<Output = io::Result<T>> + Send + 'static) -> io::Result<T> {
        self.begin(work).wait()
    }

    fn versions(&self) -> MutexGuard<'_, HashMap<Path, Option<UpdateVersion>>> {
        self.inner.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Remote {
    fn eq(&self, other: &Self) -> bool {
        self.inner.root == other.inner.root
    }
}

impl Eq for Remote {}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("root", &self.inner.root).finish_non_exhaustive()
    }
}

/// The threads on which requests are made, and waited for by code that waits for nothing else.
pub(crate) struct Requests {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Requests {
    pub(crate) fn new() -> io::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("requests").enable_all().build();
        Ok(Self { runtime: Some(runtime?) })
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.runtime.as_ref().expect("it is there until it is dropped").handle()
    }

    /// Begins work that is done on these threads.
    fn begin<T: Send + 'static>(&self, work: impl Future<Output = io::Result<T>> + Send + 'static) -> Waiting<T> {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        self.handle().spawn(async move {
            // Nobody hears it when the caller has died.
            let _unheard = tell.send(work.await);
        });
        Waiting { told }
    }
}

/// Work that was begun on the threads of requests.
pub(crate) struct Waiting<T> {
    told: Receiver<io::Result<T>>,
}

impl<T> Waiting<T> {
    /// Waits for it, on the thread that calls.
    pub(crate) fn wait(self) -> io::Result<T> {
        self.told.recv().map_err(|_| io::Error::other("the program is ending"))?
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        // Threads that work for nobody any more are not waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// An upload that ends early is taken back by the store, or by the bucket's own rule for unfinished ones.
async fn upload_in_parts(objects: &dyn ObjectStore, location: &Path, bytes: &mut File) -> io::Result<()> {
    let upload = objects.put_multipart(location).await.map_err(io_error)?;
    let mut upload = WriteMultipart::new_with_chunk_size(upload, PIECE);
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        if bytes.take(PIECE as u64).read_to_end(&mut piece)? == 0 {
            upload.finish().await.map_err(io_error)?;
            return Ok(());
        }
        upload.wait_for_capacity(PARTS).await.map_err(io_error)?;
        upload.put(piece.into());
    }
}

fn missing_is_none<T>(result: object_store::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(Error::NotFound { .. }) => Ok(None),
        other => other.map(Some).map_err(io_error),
    }
}

/// The words of the local disk for what an object store says.
pub(crate) fn io_error(error: Error) -> io::Error {
    let kind = match &error {
        Error::AlreadyExists { .. } | Error::NotModified { .. } | Error::Precondition { .. } => {
            io::ErrorKind::AlreadyExists
        }
        Error::NotFound { .. } => io::ErrorKind::NotFound,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
