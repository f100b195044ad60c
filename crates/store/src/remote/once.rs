//! What never changes of the logs in a bucket, asked for once.
//!
//! To open a table each commit since its last checkpoint is read twice, and the foot of the checkpoint five times, in ranges of some
//! bytes. On a disk that is nothing; in a bucket each is a request of some tens of milliseconds, most of them one after another. Commits
//! and checkpoints are written once under names of their own. So the first time that one is asked for all of it is fetched and kept.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// An object that is kept: commits have some kilobytes, and the checkpoint of a thousand hours half a megabyte.
const LARGEST: u64 = 1 << 20;
/// All that are kept.
const KEPT: u64 = 16 << 20;

/// The objects of a bucket.
#[derive(Debug)]
pub(crate) struct Once {
    objects: Arc<dyn ObjectStore>,
    kept: Mutex<VecDeque<Kept>>,
}

/// An object that was met, the oldest first.
#[derive(Debug, Clone)]
struct Kept {
    meta: ObjectMeta,
    attributes: Attributes,
    /// `None` for one that is too large.
    content: Option<Bytes>,
}

impl Once {
    pub(crate) fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, kept: Mutex::default() }
    }

    /// An object of a log, fetched if it was not met before.
    async fn whole(&self, location: &Path) -> Result<Kept> {
        let known = self.lock().iter().find(|kept| kept.meta.location == *location).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = self.objects.get_opts(location, GetOptions::default()).await?;
        let (meta, attributes) = (found.meta.clone(), found.attributes.clone());
        let content = if meta.size <= LARGEST { Some(found.bytes().await?) } else { None };
        let kept = Kept { meta, attributes, content };
        self.keep(kept.clone());
        Ok(kept)
    }

    fn keep(&self, object: Kept) {
        let mut kept = self.lock();
        kept.push_back(object);
        while kept.iter().map(Kept::bytes).sum::<u64>() > KEPT {
            kept.pop_front();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn bytes(&self) -> u64 {
        self.content.as_ref().map_or(0, |content| content.len() as u64)
    }

    /// What was asked for; `None` where the store itself is to answer.
    fn answer(self, options: &GetOptions) -> Option<GetResult> {
        let content = self.content?;
        let all = 0..self.meta.size;
        let range = options.range.as_ref().map_or(Some(all), |range| range.as_range(self.meta.size).ok())?;
        let bounds: Range<usize> = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
        let bytes = content.slice(bounds);
        let payload = GetResultPayload::Stream(futures::stream::once(async { Ok(bytes) }).boxed());
        Some(GetResult { payload, meta: self.meta, range, attributes: self.attributes })
    }
}

/// Whether an object is a commit or a checkpoint.
fn is_for_good(location: &Path) -> bool {
    let mut parts = location.parts().rev();
    let (name, folder) = (parts.next(), parts.next());
    let is_of_a_log = folder.is_some_and(|folder| folder.as_ref() == "_delta_log");
    is_of_a_log && name.is_some_and(|name| name.as_ref().starts_with(|letter: char| letter.is_ascii_digit()))
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
        if is_for_good(location)
            && is_plain(&options)
            && let Some(answer) = self.whole(location).await?.answer(&options)
        {
            return Ok(answer);
        }
        self.objects.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if is_for_good(location)
            && let Some(content) = self.whole(location).await?.content
        {
            let part = |range: &Range<u64>| {
                let bounds = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
                (bounds.start <= bounds.end && bounds.end <= content.len()).then(|| content.slice(bounds))
            };
            if let Some(parts) = ranges.iter().map(part).collect() {
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
        let end = GetOptions { range: Some(object_store::GetRange::Suffix(3)), ..GetOptions::default() };
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
        let held: u64 = once.lock().iter().map(Kept::bytes).sum();
        assert!((KEPT / 2..=KEPT).contains(&held), "{held}");
    }
}
