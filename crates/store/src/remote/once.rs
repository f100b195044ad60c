//! What never changes in a bucket, asked for once.
//!
//! To open a table each commit since its last checkpoint is read twice, and the foot of the checkpoint five times, in ranges of some
//! bytes; and a small file of a table is read as a whole by whoever wants its footer, or its rows. On a disk that is nothing; in a bucket
//! each is a request of some tens of milliseconds, most of them one after another. Commits, checkpoints and files of tables are written
//! once under names of their own. So the first time that one is asked for it is fetched and kept, and who wants it meanwhile waits for it.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::OnceCell;

use crate::reader::FOOTER_HINT;

/// A commit or checkpoint that is kept: commits have some kilobytes, and the checkpoint of a thousand hours half a megabyte.
const LARGEST: u64 = 1 << 20;
/// All that is kept.
const KEPT: u64 = 16 << 20;

/// The objects of a bucket.
#[derive(Debug)]
pub(crate) struct Once {
    objects: Arc<dyn ObjectStore>,
    shelf: Mutex<Shelf>,
}

/// An object, and which bytes of it; all without a range.
type Piece = (Path, Option<Range<u64>>);

/// What was met.
#[derive(Debug, Default)]
struct Shelf {
    pieces: HashMap<Piece, Arc<OnceCell<Kept>>>,
    /// Those that were fetched, the oldest first.
    order: VecDeque<Piece>,
    bytes: u64,
}

/// What was fetched.
#[derive(Debug, Clone)]
struct Kept {
    meta: ObjectMeta,
    attributes: Attributes,
    range: Range<u64>,
    /// `None` for an object that is too large.
    content: Option<Bytes>,
}

impl Once {
    pub(crate) fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, shelf: Mutex::default() }
    }

    /// What is kept of a piece, fetched if it was not met before.
    async fn kept(&self, piece: &Piece) -> Result<Kept> {
        let cell = Arc::clone(self.shelf().pieces.entry(piece.clone()).or_default());
        let mut is_new = false;
        let fetched = cell.get_or_try_init(|| {
            is_new = true;
            self.fetch(piece)
        });
        let fetched = fetched.await.cloned();
        match &fetched {
            Ok(kept) if is_new => self.shelf().put(piece, kept.bytes()),
            Ok(_) => {}
            // What is not there may come.
            Err(_) => self.shelf().forget(piece),
        }
        fetched
    }

    async fn fetch(&self, (location, range): &Piece) -> Result<Kept> {
        let options = GetOptions { range: range.clone().map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.objects.get_opts(location, options).await?;
        let (meta, attributes, range) = (found.meta.clone(), found.attributes.clone(), found.range.clone());
        let content = if range.end - range.start <= LARGEST { Some(found.bytes().await?) } else { None };
        Ok(Kept { meta, attributes, range, content })
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn put(&mut self, piece: &Piece, bytes: u64) {
        self.order.push_back(piece.clone());
        self.bytes += bytes;
        while self.bytes > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            let cell = self.pieces.remove(&oldest);
            self.bytes -= cell.as_ref().and_then(|cell| cell.get()).map_or(0, Kept::bytes);
        }
    }

    fn forget(&mut self, piece: &Piece) {
        if self.pieces.get(piece).is_some_and(|cell| !cell.initialized()) {
            self.pieces.remove(piece);
        }
    }
}

impl Kept {
    fn bytes(&self) -> u64 {
        self.content.as_ref().map_or(0, |content| content.len() as u64)
    }

    /// These bytes of the object; `None` where the store itself is to answer.
    fn part(&self, range: &Range<u64>) -> Option<Bytes> {
        let content = self.content.as_ref()?;
        let within = |at: u64| usize::try_from(at.checked_sub(self.range.start)?).ok();
        let (start, end) = (within(range.start)?, within(range.end)?);
        (start <= end && end <= content.len()).then(|| content.slice(start..end))
    }

    /// What was asked for; `None` as above.
    fn answer(self, options: &GetOptions) -> Option<GetResult> {
        let all = self.range.clone();
        let range = options.range.as_ref().map_or(Some(all), |range| range.as_range(self.meta.size).ok())?;
        let bytes = self.part(&range)?;
        let payload = GetResultPayload::Stream(futures::stream::once(async { Ok(bytes) }).boxed());
        Some(GetResult { payload, meta: self.meta, range, attributes: self.attributes })
    }
}

/// The piece to be kept that holds what is asked for, if there is one: a whole commit or checkpoint, or all of a small file.
fn piece_of(location: &Path, range: Option<&GetRange>) -> Option<Piece> {
    if is_of_a_log(location) {
        return Some((location.clone(), None));
    }
    // So readers ask for a file that has no more than that.
    match range {
        Some(GetRange::Bounded(range))
            if range.start == 0 && range.end <= FOOTER_HINT as u64 && location.as_ref().ends_with(".parquet") =>
        {
            Some((location.clone(), Some(range.clone())))
        }
        _ => None,
    }
}

/// Whether an object is a commit or a checkpoint.
fn is_of_a_log(location: &Path) -> bool {
    let mut parts = location.parts().rev();
    let (name, folder) = (parts.next(), parts.next());
    let is_within = folder.is_some_and(|folder| folder.as_ref() == "_delta_log");
    is_within && name.is_some_and(|name| name.as_ref().starts_with(|letter: char| letter.is_ascii_digit()))
}

/// Whether the content alone is asked for, on no condition.
fn is_plain(options: &GetOptions) -> bool {
    let conditions = [&options.if_match, &options.if_none_match, &options.version];
    let times = [options.if_modified_since, options.if_unmodified_since];
    !options.head && conditions.iter().all(|condition| condition.is_none()) && times.iter().all(Option::is_none)
}

impl fmt::Display for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.objects.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Once {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.objects.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if is_plain(&options)
            && let Some(piece) = piece_of(location, options.range.as_ref())
            && let Some(answer) = self.kept(&piece).await?.answer(&options)
        {
            return Ok(answer);
        }
        self.objects.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if is_of_a_log(location) {
            let whole = self.kept(&(location.clone(), None)).await?;
            if let Some(parts) = ranges.iter().map(|range| whole.part(range)).collect() {
                return Ok(parts);
            }
        }
        self.objects.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt as _;
    use object_store::memory::InMemory;

    use super::*;

    const COMMIT: &str = "messages/_delta_log/00000000000000000007.json";
    const CHECKPOINT: &str = "messages/_delta_log/00000000000000000009.checkpoint.parquet";

    /// Puts something else there, as nobody does: what was kept is what was there before.
    #[tokio::test]
    async fn what_is_there_for_good_is_asked_for_once() {
        let objects = Arc::new(InMemory::new());
        let once = Once::new(Arc::<InMemory>::clone(&objects));
        let put = async |name: &str, text: &str| objects.put(&name.into(), text.to_owned().into()).await.unwrap();
        let get = async |name: &str| once.get(&name.into()).await.unwrap().bytes().await.unwrap();
        let others = ["messages/_delta_log/_last_checkpoint", "raw/2026/03/14/2026031409.json", "app.json"];
        for name in [COMMIT, CHECKPOINT].into_iter().chain(others) {
            assert!(once.get(&name.into()).await.is_err(), "what is not there may come");
            put(name, "0123456789").await;
            assert_eq!(get(name).await, "0123456789");
            put(name, "other").await;
            let is_other = others.contains(&name);
            assert_eq!(get(name).await, if is_other { "other" } else { "0123456789" }, "{name}");
        }
        assert_eq!(once.get_range(&CHECKPOINT.into(), 8..10).await.unwrap(), "89");
        assert_eq!(once.get_ranges(&CHECKPOINT.into(), &[0..1, 4..6]).await.unwrap(), ["0", "45"]);
        let end = GetOptions { range: Some(GetRange::Suffix(3)), ..GetOptions::default() };
        assert_eq!(once.get_opts(&CHECKPOINT.into(), end).await.unwrap().bytes().await.unwrap(), "789");
        assert_eq!(once.head(&CHECKPOINT.into()).await.unwrap().size, 5, "its state is the store's to tell");
    }

    #[tokio::test]
    async fn what_is_large_is_left_to_the_store() {
        let objects = Arc::new(InMemory::new());
        let once = Once::new(Arc::<InMemory>::clone(&objects));
        let large = usize::try_from(LARGEST).unwrap() + 1;
        objects.put(&CHECKPOINT.into(), vec![7; large].into()).await.unwrap();
        assert_eq!(once.get_range(&CHECKPOINT.into(), 0..2).await.unwrap(), vec![7; 2]);
        assert_eq!(once.get(&CHECKPOINT.into()).await.unwrap().bytes().await.unwrap().len(), large);
        for number in 0..40 {
            let name = Path::from(format!("messages/_delta_log/{number:020}.json"));
            objects.put(&name, vec![7; large - 1].into()).await.unwrap();
            once.get(&name).await.unwrap();
        }
        let shelf = once.shelf();
        let held: u64 = shelf.pieces.values().filter_map(|cell| cell.get()).map(Kept::bytes).sum();
        assert!(held == shelf.bytes && (KEPT / 2..=KEPT).contains(&held), "{held}");
    }

    /// The first to come puts something else there when it was answered.
    #[tokio::test]
    async fn who_wants_the_same_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(crate::disk::Disk::new(folder.path()).unwrap());
        let once = Once::new(Arc::<crate::disk::Disk>::clone(&disk));
        let (small, path) = ("messages/date=2026-03-14/2026031409-a.parquet", folder.path());
        for name in [COMMIT, small] {
            let path = path.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "0123456789").unwrap();
            let get = async || {
                let found = once.get_range(&name.into(), 0..10).await.unwrap();
                std::fs::write(&path, "other bytes").unwrap();
                found
            };
            let (one, other, third) = tokio::join!(get(), get(), get());
            assert!([one, other, third].iter().all(|found| found == "0123456789"), "{name}");
            let missing: Path = format!("{name}.json").into();
            assert!(once.get_range(&missing, 0..10).await.is_err());
            assert!(once.shelf().pieces.keys().all(|(known, _)| *known != missing));
        }
        assert_eq!(once.get_range(&small.into(), 2..4).await.unwrap(), "he", "another piece of it is the store's");
    }
}
