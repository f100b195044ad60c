//! The dead letters of an hour, a batch at a time, so that a damaged hour need not fit into memory.

use chat::{DeadLetter, Hour, Position};
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::error::{Error, is_gone};
use crate::open::Archive;

/// How often a file that is gone is answered by a fresh look. Each time, another writer has replaced the hour.
const LOOKS: usize = 10;

/// Reads the lines of an hour that were set aside, in the order in which they stood.
///
/// Where another writer replaces the hour meanwhile, reading goes on behind the last line that was handed out, among the
/// letters that are there then.
pub struct LetterReader {
    archive: Archive,
    hour: Hour,
    batches: Option<Batches>,
    /// Letters up to here were handed out before the last look.
    behind: Option<Position>,
    /// The last letter that was handed out.
    last: Option<Position>,
    looks: usize,
}

type Batches = BoxStream<'static, Result<Vec<DeadLetter<'static>>, Error>>;

impl LetterReader {
    pub(crate) fn new(archive: Archive, hour: Hour) -> Self {
        Self { archive, hour, batches: None, behind: None, last: None, looks: 0 }
    }

    /// The next letters; `None` when there are no more. A batch is never empty.
    ///
    /// # Errors
    ///
    /// When the table cannot be read.
    pub async fn next_batch(&mut self) -> Result<Option<Vec<DeadLetter<'static>>>, Error> {
        loop {
            match self.read_on().await {
                Err(error) if is_gone(&error) && self.looks < LOOKS => self.look_again(),
                other => return other,
            }
        }
    }

    fn look_again(&mut self) {
        self.looks += 1;
        self.batches = None;
        self.behind = self.last;
    }

    async fn read_on(&mut self) -> Result<Option<Vec<DeadLetter<'static>>>, Error> {
        let mut batches = match self.batches.take() {
            Some(batches) => batches,
            None => batches_of(&self.archive, self.hour).await?,
        };
        while let Some(mut letters) = batches.try_next().await? {
            letters.retain(|letter| letter.position.source_hour == self.hour && Some(letter.position) > self.behind);
            if let Some(last) = letters.last() {
                self.last = Some(last.position);
                self.batches = Some(batches);
                return Ok(Some(letters));
            }
        }
        // Read on after its end, it stays at its end.
        self.batches = Some(stream::empty().boxed());
        Ok(None)
    }
}

/// What the files say that hold the letters of an hour now; nearly always there is one.
async fn batches_of(archive: &Archive, hour: Hour) -> Result<Batches, Error> {
    let table = archive.dead_letter_table();
    let mut files = Vec::new();
    for file in table.live().await?.holders(hour) {
        let (name, path) = (table.name(), file.path().to_owned());
        let rows = archive::read_dead_letters(table.reader(&path, file.size())).await;
        let rows = rows.map_err(Error::rows(name, &path))?;
        files.push(rows.map_err(move |error| Error::rows(name, &path)(error)));
    }
    Ok(stream::iter(files).flatten().boxed())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::crash::support::{self, Wanted, hour, publication, wanted};
    use crate::{Compaction, Mode};

    /// More than are read at a time.
    const MANY: u64 = 1_500;

    async fn an_archive(folder: &TempDir) -> Archive {
        let archive = support::open(folder.path()).await;
        for number in 0..3 {
            let hour = publication(&archive, Wanted { dead_letters: MANY, ..wanted(number, 1) }).unwrap();
            archive.publish(hour, Mode::New).await.unwrap();
        }
        archive
    }

    async fn read(reader: &mut LetterReader) -> Vec<DeadLetter<'static>> {
        let mut letters = Vec::new();
        while let Some(batch) = reader.next_batch().await.unwrap() {
            assert!(!batch.is_empty());
            letters.extend(batch);
        }
        letters
    }

    #[tokio::test]
    async fn the_letters_of_an_hour_come_in_order_and_once() {
        let folder = TempDir::new().unwrap();
        let archive = an_archive(&folder).await;
        assert_eq!(archive.hours_with_dead_letters().await.unwrap(), [hour(0), hour(1), hour(2)]);
        let expected = archive.dead_letters(Some(hour(1))).await.unwrap();
        assert_eq!(expected.len() as u64, MANY);
        let mut reader = archive.letter_reader(hour(1));
        assert!(read(&mut reader).await == expected);
        assert_eq!(reader.next_batch().await.unwrap(), None, "it stays at its end");
        assert_eq!(archive.letter_reader(hour(3)).next_batch().await.unwrap(), None);
    }

    #[tokio::test]
    async fn where_the_file_is_gone_reading_goes_on_in_its_successor() {
        let folder = TempDir::new().unwrap();
        let archive = an_archive(&folder).await;
        let expected = archive.dead_letters(Some(hour(1))).await.unwrap();
        let mut reader = archive.letter_reader(hour(1));
        let mut letters = reader.next_batch().await.unwrap().expect("there are many");
        assert!((letters.len() as u64) < MANY);
        let compaction = Compaction { file_bytes: 1 << 30, settings: archive::Settings::default() };
        archive.compact(hour(1), compaction).await.unwrap();
        // As when a read fails because the file is gone.
        reader.look_again();
        letters.extend(read(&mut reader).await);
        assert!(letters == expected, "{} letters", letters.len());
    }
}
