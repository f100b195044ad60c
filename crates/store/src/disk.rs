//! The local disk as an object store that keeps its promises when the power fails.
//!
//! `object_store`'s own local store syncs nothing. Here an object appears whole or not at all and stays: it is written
//! under a temporary name in `tmp/`, synced, renamed into place, and its folder is synced. Folders are created for
//! their owner alone (0700), files too (0600). Listings are in
//! order. Reading and deleting are those of the library's store.
//!
//! Every change passes [`Disk::step`], where the tests let the program die.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::try_join_all;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryFutureExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, RenameTargetMode, Result,
};
use tempfile::NamedTempFile;

use crate::layout;
use upload::Upload;

mod listing;
mod upload;

/// What happens to a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Present {
    /// It stays, and the new one is refused with [`io::ErrorKind::AlreadyExists`].
    Keep,
    /// It makes way for the new one, atomically.
    Replace,
}

/// Many ranges of a file are read in so many lots beside each other, each of at least so many ranges: most of the time goes
/// into memory that is touched for the first time.
const LOTS: usize = 4;
const LEAST_OF_A_LOT: usize = 16;

/// A folder of the local disk.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    root: Arc<FilePath>,
    inner: Arc<LocalFileSystem>,
    #[cfg(test)]
    pub(crate) faults: Arc<crate::faults::Faults>,
}

impl Disk {
    /// The disk below an existing folder.
    pub(crate) fn new(root: &FilePath) -> io::Result<Self> {
        let inner = LocalFileSystem::new_with_prefix(root).map_err(io::Error::other)?;
        Ok(Self {
            root: root.canonicalize()?.into(),
            inner: Arc::new(inner),
            #[cfg(test)]
            faults: Arc::default(),
        })
    }

    /// The folder.
    pub(crate) fn root(&self) -> &FilePath {
        &self.root
    }

    /// Where an object lies.
    pub(crate) fn path(&self, location: &Path) -> PathBuf {
        location.parts().fold(self.root.to_path_buf(), |path, part| path.join(part.as_ref()))
    }

    /// An empty file under a temporary name, removed when dropped.
    pub(crate) fn temporary(&self) -> io::Result<NamedTempFile> {
        self.step()?;
        let folder = self.root.join(layout::TEMPORARY_FOLDER);
        create_folder(&folder)?;
        // tempfile creates with mode 0600.
        tempfile::Builder::new().prefix(layout::TEMPORARY_FILE).tempfile_in(folder)
    }

    /// An empty file without a name.
    pub(crate) fn unnamed(&self) -> io::Result<File> {
        let folder = self.root.join(layout::TEMPORARY_FOLDER);
        create_folder(&folder)?;
        tempfile::tempfile_in(folder)
    }

    /// Gives a finished file its name, for good.
    pub(crate) fn place(&self, file: NamedTempFile, location: &Path, present: Present) -> io::Result<()> {
        let target = self.path(location);
        let folder = target.parent().unwrap_or(&self.root);
        self.step()?;
        sync_file(file.as_file())?;
        create_folder(folder)?;
        self.step()?;
        match present {
            Present::Keep => file.persist_noclobber(&target)?,
            Present::Replace => file.persist(&target)?,
        };
        self.step()?;
        sync_folder(folder)
    }

    /// Writes a small file, for good.
    pub(crate) fn write(&self, location: &Path, content: &[u8], present: Present) -> io::Result<()> {
        let mut file = self.temporary()?;
        file.write_all(content)?;
        self.place(file, location, present)
    }

    /// Renames a file within its folder; that it is not there is no error. The caller syncs the folder.
    pub(crate) fn rename_if_there(&self, from: &FilePath, to: &FilePath) -> io::Result<()> {
        self.step()?;
        ignore_missing(fs::rename(from, to))
    }

    /// Removes a file; that it is not there is no error.
    pub(crate) fn remove_if_there(&self, path: &FilePath) -> io::Result<()> {
        self.step()?;
        ignore_missing(fs::remove_file(path))
    }

    /// Removes a file, or a folder with all that is in it, such as a query leaves that was killed while it sorted.
    pub(crate) fn remove_all_if_there(&self, path: &FilePath) -> io::Result<()> {
        self.step()?;
        let is_folder = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
        ignore_missing(if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) })
    }

    /// Makes the names in a folder last.
    pub(crate) fn sync(&self, folder: &FilePath) -> io::Result<()> {
        self.step()?;
        sync_folder(folder)
    }

    /// Passed before every change.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "under test it fails where it is told to")]
    fn step(&self) -> io::Result<()> {
        Ok(())
    }

    /// Passed before every change: fails from the step on that the test has chosen.
    #[cfg(test)]
    fn step(&self) -> io::Result<()> {
        self.faults.step()
    }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Creates a folder and those above it, for their owner alone, and makes their names last.
pub(crate) fn create_folder(folder: &FilePath) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        create_folder(above)?;
    }
    match private_folder().create(folder) {
        // Another may have been first, or there is a file of that name.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return if folder.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) };
        }
        result => result?,
    }
    sync_folder(above.unwrap_or(FilePath::new(".")))
}

fn private_folder() -> fs::DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes"))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Makes the content of a file last.
pub(crate) fn sync_file(file: &File) -> io::Result<()> {
    if SYNCS { file.sync_all() } else { Ok(()) }
}

#[cfg(unix)]
fn sync_folder(folder: &FilePath) -> io::Result<()> {
    if SYNCS { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Folders cannot be opened as files here; the file system keeps names by itself.
#[cfg(not(unix))]
fn sync_folder(_folder: &FilePath) -> io::Result<()> {
    Ok(())
}

/// No power fails in the tests that let the program die hundreds of times; those in `tests/` sync.
const SYNCS: bool = !cfg!(test);

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disk({})", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for Disk {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let present = match options.mode {
            PutMode::Create => Present::Keep,
            PutMode::Overwrite => Present::Replace,
            PutMode::Update(_) => return Err(not_implemented("PutMode::Update")),
        };
        let (disk, to) = (self.clone(), location.clone());
        blocking(location, move || {
            let mut file = disk.temporary()?;
            payload.iter().try_for_each(|chunk| file.write_all(chunk))?;
            disk.place(file, &to, present)
        })
        .await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let disk = self.clone();
        let file = blocking(location, move || disk.temporary()).await?;
        Ok(Box::new(Upload::new(self.clone(), location.clone(), file)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let at_once = ranges.chunks(ranges.len().div_ceil(LOTS).max(LEAST_OF_A_LOT));
        let read = at_once.map(|ranges| self.inner.get_ranges(location, ranges));
        Ok(try_join_all(read).await?.into_iter().flatten().collect())
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let disk = self.clone();
        let stepped = locations.and_then(move |location| {
            let stepped = disk.step().map_err(|source| store_error(&location, source));
            async move { stepped.map(|()| location) }
        });
        self.inner.delete_stream(stepped.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let (disk, prefix, offset) = (self.clone(), prefix.cloned(), offset.clone());
        let listed = async move {
            let folder = prefix.clone().unwrap_or_default();
            let files = blocking(&folder, move || listing::behind(&disk.root, prefix.as_ref(), &offset)).await?;
            Ok(stream::iter(files.into_iter().map(Ok)))
        };
        listed.try_flatten_stream().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let present = match options.mode {
            CopyMode::Create => Present::Keep,
            CopyMode::Overwrite => Present::Replace,
        };
        let (disk, source, target) = (self.clone(), self.path(from), to.clone());
        blocking(from, move || {
            let mut file = disk.temporary()?;
            io::copy(&mut File::open(source)?, &mut file)?;
            disk.place(file, &target, present)
        })
        .await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let mode = match options.target_mode {
            RenameTargetMode::Create => CopyMode::Create,
            RenameTargetMode::Overwrite => CopyMode::Overwrite,
        };
        self.copy_opts(from, to, CopyOptions::new().with_mode(mode)).await?;
        let (disk, source) = (self.clone(), self.path(from));
        blocking(from, move || disk.remove_if_there(&source)).await
    }
}

/// The same objects in the order of their names, which readers of a log rely on and folders do not keep.
fn sorted(objects: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    let collected = objects.try_collect::<Vec<_>>().map_ok(|mut objects| {
        objects.sort_unstable_by(|one, other| one.location.cmp(&other.location));
        stream::iter(objects.into_iter().map(Ok))
    });
    collected.try_flatten_stream().boxed()
}

/// Does file work where it may wait.
async fn blocking<T, F>(location: &Path, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|source| store_error(location, source)),
        Err(source) => Err(Error::JoinError { source }),
    }
}

fn store_error(location: &Path, source: io::Error) -> Error {
    let path = location.to_string();
    match source.kind() {
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: source.into() },
        io::ErrorKind::NotFound => Error::NotFound { path, source: source.into() },
        // The library has one word for both.
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::PermissionDenied { path, source: source.into() }
        }
        _ => Error::Generic { store: "Disk", source: format!("{path}: {source}").into() },
    }
}

fn not_implemented(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: "Disk".to_owned() }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;
    use tempfile::TempDir;

    use super::*;

    async fn content(disk: &Disk, location: &str) -> Vec<u8> {
        disk.get(&Path::from(location)).await.unwrap().bytes().await.unwrap().to_vec()
    }

    #[tokio::test]
    async fn what_is_created_twice_stays_as_it_was() {
        let folder = TempDir::new().unwrap();
        let disk = Disk::new(folder.path()).unwrap();
        let path = Path::from("log/0.json");
        disk.put_opts(&path, "one".into(), PutMode::Create.into()).await.unwrap();
        let again = disk.put_opts(&path, "two".into(), PutMode::Create.into()).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
        assert_eq!(content(&disk, "log/0.json").await, b"one");
        disk.put(&path, "three".into()).await.unwrap();
        assert_eq!(content(&disk, "log/0.json").await, b"three");
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn ranges_come_in_the_order_in_which_they_are_asked_for() {
        let folder = TempDir::new().unwrap();
        let disk = Disk::new(folder.path()).unwrap();
        let (path, bytes): (_, Vec<u8>) = (Path::from("x"), (0..=u8::MAX).collect());
        disk.put(&path, bytes.clone().into()).await.unwrap();
        for count in [0, 1, LEAST_OF_A_LOT, LEAST_OF_A_LOT + 1, LOTS * LEAST_OF_A_LOT + 3, 200] {
            // From the end to the beginning, and each over the next.
            let ranges: Vec<_> = (0..count as u64).rev().map(|start| start..start + 50).collect();
            let expected: Vec<_> = (0..count).rev().map(|start| bytes[start..start + 50].to_vec()).collect();
            assert_eq!(disk.get_ranges(&path, &ranges).await.unwrap(), expected, "{count} ranges");
        }
        let too_far: Vec<_> = (0..100).map(|number| number * 3..number * 3 + 1).collect();
        assert!(disk.get_ranges(&path, &too_far).await.is_err());
        assert!(matches!(disk.get_ranges(&Path::from("y"), &too_far[..1]).await, Err(Error::NotFound { .. })));
    }

    #[tokio::test]
    async fn many_writers_have_one_winner() {
        let folder = TempDir::new().unwrap();
        let disk = Disk::new(folder.path()).unwrap();
        let writers = (0..16).map(|number| {
            let disk = disk.clone();
            async move { disk.put_opts(&Path::from("x"), format!("{number}").into(), PutMode::Create.into()).await }
        });
        let won = futures::future::join_all(writers).await.into_iter().filter(Result::is_ok).count();
        assert_eq!(won, 1);
    }

    #[tokio::test]
    async fn parts_may_be_written_in_any_order() {
        let folder = TempDir::new().unwrap();
        let disk = Disk::new(folder.path()).unwrap();
        let path = Path::from("a/b");
        let mut upload = disk.put_multipart(&path).await.unwrap();
        let (first, second) = (upload.put_part("one,".into()), upload.put_part("two".into()));
        second.await.unwrap();
        first.await.unwrap();
        assert!(disk.head(&path).await.is_err(), "it appears whole");
        upload.complete().await.unwrap();
        assert_eq!(content(&disk, "a/b").await, b"one,two");
        let mut upload = disk.put_multipart(&path).await.unwrap();
        upload.put_part("three".into()).await.unwrap();
        upload.abort().await.unwrap();
        assert_eq!(content(&disk, "a/b").await, b"one,two");
    }

    #[tokio::test]
    async fn listings_are_in_order() {
        let folder = TempDir::new().unwrap();
        let disk = Disk::new(folder.path()).unwrap();
        for name in ["log/2", "log/10", "log/0", "log/1", "else/3"] {
            disk.put(&Path::from(name), "".into()).await.unwrap();
        }
        let listed = |offset: &'static str| {
            let listed = disk.list_with_offset(Some(&Path::from("log")), &Path::from(offset));
            listed.map_ok(|object| object.location.to_string()).try_collect::<Vec<_>>()
        };
        assert_eq!(listed("log").await.unwrap(), ["log/0", "log/1", "log/10", "log/2"]);
        assert_eq!(listed("log/1").await.unwrap(), ["log/10", "log/2"]);
        disk.put(&Path::from("log/11/below"), "".into()).await.unwrap();
        std::os::unix::fs::symlink(folder.path().join("log/0"), folder.path().join("log/3")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("nowhere"), folder.path().join("log/4")).unwrap();
        assert_eq!(listed("log/10").await.unwrap(), ["log/11/below", "log/2", "log/3"]);
        let library = disk.inner.list_with_offset(Some(&Path::from("log")), &Path::from("log/10"));
        let mut library: Vec<_> = library.map_ok(|object| object.location.to_string()).try_collect().await.unwrap();
        library.sort();
        assert_eq!(library, listed("log/10").await.unwrap());
        assert!(disk.list_with_offset(Some(&Path::from("no")), &Path::from("no/1")).next().await.is_none());
    }

    #[tokio::test]
    async fn copies_and_renames_keep_what_is_there_if_asked() {
        let folder = TempDir::new().unwrap();
        let disk = Disk::new(folder.path()).unwrap();
        let (one, two, three) = (Path::from("1"), Path::from("2"), Path::from("3"));
        disk.put(&one, "one".into()).await.unwrap();
        disk.copy(&one, &two).await.unwrap();
        assert!(matches!(disk.copy_if_not_exists(&one, &two).await, Err(Error::AlreadyExists { .. })));
        disk.rename_if_not_exists(&two, &three).await.unwrap();
        assert!(matches!(disk.rename_if_not_exists(&one, &three).await, Err(Error::AlreadyExists { .. })));
        assert!(disk.head(&two).await.is_err() && disk.head(&one).await.is_ok());
        assert!(matches!(disk.delete(&two).await, Err(Error::NotFound { .. })));
    }
}
