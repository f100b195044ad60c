//! A data file, ready for `archive`'s readers.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

/// Bytes asked for first, in the hope that the whole footer and page index are among them; files up to this are read at once.
pub(crate) const FOOTER_HINT: usize = 64 << 10;

/// The same for large files, whose footers have about an eighth of a percent of them.
const MOST_HINTED: usize = 1 << 20;

/// Footers that are kept, in bytes: that of a day of 4.7 million messages has 2.5 MB and takes 1.5 ms to read.
const FOOTERS: usize = 64 << 20;

/// The footers with page index that were read last. A file never changes, and its name is not used again.
#[derive(Default)]
pub(crate) struct Footers {
    kept: Mutex<Kept>,
    /// Those that are just being read: who wants one of them too waits for it, and finds it kept.
    reading: Mutex<HashMap<Path, Weak<Turn>>>,
}

/// The right to read a footer.
type Turn = tokio::sync::Mutex<()>;

#[derive(Default)]
struct Kept {
    bytes: usize,
    /// The one that was wanted last is the last.
    footers: VecDeque<(Path, Arc<ParquetMetaData>)>,
}

impl Footers {
    fn get(&self, path: &Path) -> Option<Arc<ParquetMetaData>> {
        let mut kept = self.lock();
        let place = kept.footers.iter().position(|(known, _)| known == path)?;
        let found = kept.footers.remove(place)?;
        let footer = Arc::clone(&found.1);
        kept.footers.push_back(found);
        Some(footer)
    }

    fn put(&self, path: &Path, footer: &Arc<ParquetMetaData>) {
        let mut kept = self.lock();
        if kept.footers.iter().any(|(known, _)| known == path) {
            return;
        }
        kept.bytes += footer.memory_size();
        kept.footers.push_back((path.clone(), Arc::clone(footer)));
        while kept.bytes > FOOTERS
            && let Some((_, oldest)) = kept.footers.pop_front()
        {
            kept.bytes -= oldest.memory_size();
        }
    }

    fn turn(&self, path: &Path) -> Arc<Turn> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = reading.get(path).and_then(Weak::upgrade) {
            return turn;
        }
        reading.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        reading.insert(path.clone(), Arc::downgrade(&turn));
        turn
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Footers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Footers").field("kept", &self.lock().footers.len()).finish()
    }
}

/// Reads one file of a table, as `archive::read_all` and `archive::read_keys` want it.
#[derive(Debug, Clone)]
pub struct Reader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
    footers: Arc<Footers>,
    /// All of a file that is no larger than what is read for its footer alone.
    whole: Option<Bytes>,
}

impl Reader {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, path: Path, size: u64, footers: Arc<Footers>) -> Self {
        Self { store, path, size, footers, whole: None }
    }

    /// How many bytes the file has.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// How many bytes the file has now, which are others than the log says when it was cut.
    pub(crate) async fn length(&self) -> Result<u64> {
        Ok(self.store.head(&self.path).await.map_err(external)?.size)
    }

    /// All of a small file, read once.
    async fn whole(&mut self) -> Result<Option<&Bytes>> {
        if self.whole.is_none() && self.size <= FOOTER_HINT as u64 {
            self.whole = Some(self.store.get_range(&self.path, 0..self.size).await.map_err(external)?);
        }
        Ok(self.whole.as_ref())
    }

    async fn footer(&mut self, options: Option<&ArrowReaderOptions>) -> Result<Arc<ParquetMetaData>> {
        let size = self.size;
        let reader =
            ParquetMetaDataReader::new().with_arrow_reader_options(options).with_prefetch_hint(Some(hint(size)));
        Ok(Arc::new(reader.load_and_finish(self, size).await?))
    }
}

fn part(whole: &Bytes, range: &Range<u64>) -> Result<Bytes> {
    let bounds = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    let is_within = |(start, end): &(usize, usize)| start <= end && *end <= whole.len();
    let cut = || ParquetError::EOF(format!("the file ends at byte {}, before {}", whole.len(), range.end));
    bounds.filter(is_within).map(|(start, end)| whole.slice(start..end)).ok_or_else(cut)
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move {
            if let Some(whole) = self.whole().await? {
                return part(whole, &range);
            }
            self.store.get_range(&self.path, range).await.map_err(external)
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move {
            if let Some(whole) = self.whole().await? {
                return ranges.iter().map(|range| part(whole, range)).collect();
            }
            self.store.get_ranges(&self.path, &ranges).await.map_err(external)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let (footers, path) = (Arc::clone(&self.footers), self.path.clone());
            // Who reads a file from end to end needs no page index, and will not come back.
            let is_for_pages = options.is_some_and(|options| options.column_index_policy() != PageIndexPolicy::Skip);
            if !is_for_pages {
                return match footers.get(&path) {
                    Some(footer) => Ok(footer),
                    None => self.footer(options).await,
                };
            }
            let turn = footers.turn(&path);
            let _turn = turn.lock().await;
            if let Some(footer) = footers.get(&path) {
                return Ok(footer);
            }
            let footer = self.footer(options).await?;
            footers.put(&path, &footer);
            Ok(footer)
        }
        .boxed()
    }
}

/// How much is read for the footer of a file of so many bytes.
fn hint(size: u64) -> usize {
    usize::try_from(size >> 9).unwrap_or(MOST_HINTED).clamp(FOOTER_HINT, MOST_HINTED)
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::disk::Disk;

    /// The second time it is not there any more.
    #[tokio::test]
    async fn a_small_file_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("small");
        fs::write(&file, "0123456789").unwrap();
        let disk = Arc::new(Disk::new(folder.path()).unwrap());
        let mut reader = Reader::new(disk, Path::from("small"), 10, Arc::default());
        assert_eq!(reader.get_bytes(2..4).await.unwrap(), "23");
        fs::remove_file(file).unwrap();
        assert_eq!(reader.get_byte_ranges(vec![0..1, 8..10]).await.unwrap(), ["0", "89"]);
        assert!(matches!(reader.get_bytes(9..11).await, Err(ParquetError::EOF(_))));
    }

    #[tokio::test]
    async fn a_footer_is_read_once_by_readers_beside_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let schema = parse_message_type("message rows { required int32 row; }").unwrap();
        let mut bytes = Vec::new();
        SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::default()).unwrap().close().unwrap();
        fs::write(folder.path().join("rows"), &bytes).unwrap();
        let (disk, footers) = (Arc::new(Disk::new(folder.path()).unwrap()), Arc::<Footers>::default());
        let reader = || {
            let store = Arc::<Disk>::clone(&disk);
            Reader::new(store, Path::from("rows"), bytes.len() as u64, Arc::clone(&footers))
        };
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let (mut one, mut other) = (reader(), reader());
        let (one, other) = tokio::join!(one.get_metadata(Some(&options)), other.get_metadata(Some(&options)));
        assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
        assert!(footers.reading.lock().unwrap().values().all(|turn| turn.strong_count() == 0));
    }

    #[test]
    fn more_is_read_for_the_footer_of_a_large_file() {
        let expected = [(0, FOOTER_HINT), (30 << 20, FOOTER_HINT), (246 << 20, 492 << 10), (1 << 40, MOST_HINTED)];
        assert_eq!(expected.map(|(size, _)| (size, hint(size))), expected);
    }

    #[tokio::test]
    async fn a_file_that_was_cut_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cut"), "01234").unwrap();
        let disk = Arc::new(Disk::new(folder.path()).unwrap());
        let mut reader = Reader::new(disk, Path::from("cut"), 10, Arc::default());
        assert!(reader.get_bytes(8..10).await.is_err());
    }
}
