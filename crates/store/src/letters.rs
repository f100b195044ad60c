//! The dead letters of an hour: those of the publication that stands.
//!
//! They are put before the messages, and not in one commit with them. So where two writers publish one hour, the letters
//! of one may end up beside the messages of the other, or those of a writer that was second beside the row of the one
//! that was first. Each writer therefore looks again after the ledger has its row, and puts right what it can: it holds
//! on to the bytes of its own letters and of those that it took away. As the one whose row comes last looks last, and
//! whoever changed the letters looks at the ledger once more, the letters come to be those of the newest row.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::sync::Arc;

use chat::{Entry, Hour, State};
use deltalake::kernel::Add;

use crate::error::Error;
use crate::layout;
use crate::live::Live;
use crate::publish::{Mode, Publisher, removals};
use crate::staged::StagedFile;
use crate::steps::step;
use crate::table::{Outcome, Plan};
use crate::tags;

/// How often the letters are put right. Each time, another writer has published the hour.
const LOOKS: usize = 10;

/// The dead letters of the hour that is being published.
pub(crate) struct Letters<'a> {
    publisher: &'a Publisher<'a>,
    hour: Hour,
    at_hand: Vec<AtHand>,
}

/// Letters that can be put, whatever becomes of their file.
struct AtHand {
    origin: String,
    stats: String,
    bytes: Arc<File>,
}

impl<'a> Letters<'a> {
    pub(crate) fn new(publisher: &'a Publisher<'a>, hour: Hour) -> Self {
        Self { publisher, hour, at_hand: Vec::new() }
    }

    /// Puts the letters of a publication in place of those that the hour had, or that an interrupted run left.
    pub(crate) async fn put(
        &mut self,
        entry: &Entry,
        letters: Option<(StagedFile, u64)>,
        mode: &Mode,
    ) -> Result<(), Error> {
        let wanted = letters.is_some().then(|| tags::origin_of(entry));
        // If just these letters are there, an hour that may turn out not to be new is left as it is.
        let changes_nothing = *mode == Mode::New && agree(&self.live().await?, wanted.as_deref());
        let mut add = Vec::new();
        if let Some((file, rows)) = letters {
            let stats = format!(r#"{{"numRecords":{rows}}}"#);
            let bytes = file.open().map_err(Error::file("open", self.publisher.disk.root()))?;
            let origin = tags::origin_of(entry);
            if !changes_nothing {
                add.push(self.place(file, &origin, stats.clone()).await?);
            }
            self.at_hand.push(AtHand { origin, stats, bytes: Arc::new(bytes) });
        }
        if changes_nothing { Ok(()) } else { self.commit(add, |_held| false).await }
    }

    /// Makes the letters those of the row that stands.
    pub(crate) async fn follow(&mut self, standing: &Entry) -> Result<(), Error> {
        let mut standing = standing.clone();
        for _ in 0..LOOKS {
            if !self.put_right(&standing).await? {
                break;
            }
            if let Some(newest) = self.publisher.ledger.newest_of(self.hour).await? {
                standing = newest;
            }
        }
        Ok(())
    }

    /// Whether something had to be changed.
    async fn put_right(&mut self, standing: &Entry) -> Result<bool, Error> {
        // A row that was made up for a file of others does not know its letters.
        if standing.state != State::Done || standing.sha256.is_empty() {
            return Ok(false);
        }
        let origin = tags::origin_of(standing);
        let wanted = (standing.tally.dead_letters > 0).then_some(origin.as_str());
        if agree(&self.live().await?, wanted) {
            return Ok(false);
        }
        let mut add = Vec::new();
        if let Some(origin) = wanted {
            // Without them, whoever published the hour is still at it, and will put them.
            let Some(letters) = self.at_hand.iter().find(|letters| letters.origin == origin) else { return Ok(false) };
            let (stats, bytes) = (letters.stats.clone(), Arc::clone(&letters.bytes));
            let copy = self.copy(bytes).await?;
            add.push(self.place(copy, origin, stats).await?);
        }
        self.commit(add, |held| agree(held, wanted)).await?;
        Ok(true)
    }

    /// Replaces the letters, unless those that are live will do.
    async fn commit(&mut self, add: Vec<Add>, will_do: impl Fn(&[Add]) -> bool) -> Result<(), Error> {
        let (hour, table) = (self.hour, self.publisher.dead_letters);
        let plan = |live: &Live| {
            let remove = removals(hour, live)?;
            Ok(if will_do(&remove) { Plan::Stop(()) } else { Plan::Commit { remove, add: add.clone() } })
        };
        let committed = table.commit(plan).await?;
        step("letters.committed");
        let useless = match committed {
            Outcome::Committed { removed } => {
                removed.iter().for_each(|file| self.hold_on_to(file));
                removed
            }
            Outcome::Stopped(()) => add,
        };
        self.publisher.discard(table, &useless).await;
        step("letters.discarded");
        Ok(())
    }

    /// Keeps the bytes of letters that were taken away at hand.
    fn hold_on_to(&mut self, file: &Add) {
        let path = self.publisher.disk.path(&self.publisher.dead_letters.location(&file.path));
        if let (Some(origin), Some(stats), Ok(bytes)) =
            (tags::origin(file.tags.as_ref()), file.stats.clone(), File::open(path))
        {
            self.at_hand.push(AtHand { origin: origin.to_owned(), stats, bytes: Arc::new(bytes) });
        }
    }

    /// The live letters of the hour.
    async fn live(&self) -> Result<Vec<Add>, Error> {
        let live = self.publisher.dead_letters.live().await?;
        removals(self.hour, &live)
    }

    async fn copy(&self, bytes: Arc<File>) -> Result<StagedFile, Error> {
        let disk = self.publisher.disk.clone();
        let copied = tokio::task::spawn_blocking(move || {
            let mut staged = StagedFile::new(&disk)?;
            (&*bytes).seek(SeekFrom::Start(0))?;
            io::copy(&mut &*bytes, &mut staged)?;
            Ok(staged)
        });
        let root = self.publisher.disk.root();
        copied.await.map_err(io::Error::from).flatten().map_err(Error::file("write into", root))
    }

    async fn place(&self, file: StagedFile, origin: &str, stats: String) -> Result<Add, Error> {
        let (hour, publisher) = (self.hour, self.publisher);
        step("letters.place");
        let add = publisher.place(publisher.dead_letters, file, layout::data_file(hour), stats, hour).await?;
        step("letters.placed");
        Ok(Add { tags: Some(tags::of_letters(hour, origin)), ..add })
    }
}

/// Whether the live letters of an hour are just those that are wanted.
fn agree(held: &[Add], wanted: Option<&str>) -> bool {
    match held {
        [] => wanted.is_none(),
        [file] => wanted.is_some() && tags::origin(file.tags.as_ref()) == wanted,
        _ => false,
    }
}
