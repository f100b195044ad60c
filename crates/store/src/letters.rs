//! The dead letters of an hour: those of the publication that stands.
//!
//! They are put before the messages, and not in one commit with them. So where two writers publish one hour, the letters
//! of one may end up beside the messages of the other, or those of a writer that was second beside the row of the one
//! that was first. Each writer therefore looks again after the ledger has its row, and puts right what it can: it holds
//! on to the bytes of its own letters and of those that it took away. As the one whose row comes last looks last, and
//! whoever changed the letters looks at the ledger once more, the letters come to be those of the newest row.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::sync::Arc;

use chat::{Entry, Hour, State};
use deltalake::kernel::Add;

use crate::error::{Error, is_gone};
use crate::layout;
use crate::live::{Live, LiveFile};
use crate::open::Archive;
use crate::publish::{Mode, Publisher};
use crate::rest::Rest;
use crate::rewrite::Selection;
use crate::staged::{NewFile, StagedFile};
use crate::steps::step;
use crate::table::{ATTEMPTS, Outcome, PAUSE, Plan};
use crate::tags;

impl Archive {
    /// Whether the dead letters of an hour are those of its publication `entry`, as far as the log tells, and their files on the disk
    /// if it is one. Nothing is read for that.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub async fn holds_letters(&self, entry: &Entry) -> Result<bool, Error> {
        let table = self.dead_letter_table();
        let live = table.live().await?;
        let holders = live.holders(entry.hour);
        Ok(may_be_of(entry, holders) && holders.iter().all(|file| !self.site().lacks(&table.location(file.path()))))
    }
}

/// Whether the files that hold the letters of an hour hold those of an entry, for all that is known: another program that writes a
/// file anew does not say where its letters are from, and a row of the ledger that was made up for such a file knows of none.
fn may_be_of(entry: &Entry, holders: &[Arc<LiveFile>]) -> bool {
    let is_theirs = |file: &Arc<LiveFile>| {
        tags::origin(file.add.tags.as_ref(), entry.hour).is_none_or(|origin| tags::is_origin_of(&origin, entry))
    };
    entry.sha256.is_empty() || (!holders.is_empty() || entry.tally.dead_letters == 0) && holders.iter().all(is_theirs)
}

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
        let changes_nothing = *mode == Mode::New && self.agree(&*self.live().await?, wanted.as_deref());
        let mut add = Vec::new();
        if let Some((file, rows)) = letters {
            self.hold(entry, &file, rows)?;
            if !changes_nothing {
                add.push(self.place(file, &tags::origin_of(entry), stats_of(rows)).await?);
            }
        }
        if changes_nothing { Ok(()) } else { self.commit(add, None).await }
    }

    /// Takes the letters of a publication without putting them: [`Letters::follow`] does, when the publication stands.
    pub(crate) fn have_at_hand(&mut self, entry: &Entry, letters: Option<(StagedFile, u64)>) -> Result<(), Error> {
        letters.map_or(Ok(()), |(file, rows)| self.hold(entry, &file, rows))
    }

    fn hold(&mut self, entry: &Entry, file: &StagedFile, rows: u64) -> Result<(), Error> {
        let bytes = file.open().map_err(Error::file("open", self.publisher.site.root()))?;
        self.at_hand.push(AtHand { origin: tags::origin_of(entry), stats: stats_of(rows), bytes: Arc::new(bytes) });
        Ok(())
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
        if self.agree(&*self.live().await?, wanted) {
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
        self.commit(add, Some(wanted)).await?;
        Ok(true)
    }

    /// Replaces the letters, unless those that are live are the ones `unless` says.
    async fn commit(&mut self, add: Vec<Add>, unless: Option<Option<&str>>) -> Result<(), Error> {
        for attempt in 1..=ATTEMPTS {
            match self.try_commit(&add, unless).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if is_gone(&error) => self.publisher.dead_letters.refuse_lost(self.hour).await?,
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE * attempt).await;
        }
        Err(Error::Contended { table: self.publisher.dead_letters.name(), attempts: ATTEMPTS })
    }

    /// Tries it; `false` when the letters lie in other files by now, beside those of other hours.
    async fn try_commit(&mut self, add: &[Add], unless: Option<Option<&str>>) -> Result<bool, Error> {
        let (hour, table) = (self.hour, self.publisher.dead_letters);
        let Publisher { ledger, site, now, .. } = *self.publisher;
        let rest = Rest::of(hour, &*self.live().await?, table, ledger, site, now).await?;
        let taken_out = match self.take_out(&rest).await {
            Ok(taken_out) => taken_out,
            Err(error) => {
                // Another writer took the file away, and whoever tries again writes the rest of the next one.
                let useless: Vec<_> = rest.add().cloned().into_iter().collect();
                self.publisher.running.discard(table, &useless).await;
                return Err(error);
            }
        };
        let plan = |live: &Live| {
            if unless.is_some_and(|wanted| self.agree(live, wanted)) {
                return Ok(Plan::Stop(true));
            }
            Ok(rest.removals(hour, live).map_or(Plan::Stop(false), |remove| Plan::Commit {
                remove,
                add: add.iter().chain(rest.add()).cloned().collect(),
            }))
        };
        let committed = table.commit(plan).await?;
        step("letters.committed");
        let (useless, is_settled) = match committed {
            Outcome::Committed { removed } => {
                let is_shared = |file: &Add| rest.shared().iter().any(|shared| shared.path() == file.path);
                removed.iter().filter(|file| !is_shared(file)).for_each(|file| self.hold_on_to(file));
                self.at_hand.extend(taken_out);
                (removed, true)
            }
            Outcome::Stopped(true) => (add.iter().chain(rest.add()).cloned().collect(), true),
            Outcome::Stopped(false) => (rest.add().cloned().into_iter().collect(), false),
        };
        self.publisher.running.discard(table, &useless).await;
        step("letters.discarded");
        Ok(is_settled)
    }

    /// Keeps the bytes of letters that were taken away at hand.
    fn hold_on_to(&mut self, file: &Add) {
        let location = self.publisher.dead_letters.location(&file.path);
        if let (Some(origin), Some(stats), Ok(Some(bytes))) =
            (tags::origin(file.tags.as_ref(), self.hour), file.stats.clone(), self.publisher.site.open(&location))
        {
            self.at_hand.push(AtHand { origin, stats, bytes: Arc::new(bytes) });
        }
    }

    /// The letters of the hour out of a file that holds those of others too.
    async fn take_out(&self, rest: &Rest) -> Result<Option<AtHand>, Error> {
        let Some(file) = rest.shared().first() else { return Ok(None) };
        let Some(origin) = tags::origin(file.add.tags.as_ref(), self.hour) else { return Ok(None) };
        let (publisher, hours) = (self.publisher, [self.hour].into());
        let selection = Selection { table: publisher.dead_letters, files: rest.shared(), hours };
        let written = selection.write(publisher.site, archive::Settings::default()).await?;
        let bytes = written.file.open().map_err(Error::file("open", publisher.site.root()))?;
        Ok(Some(AtHand { origin, stats: stats_of(written.rows), bytes: Arc::new(bytes) }))
    }

    async fn live(&self) -> Result<Arc<Live>, Error> {
        self.publisher.dead_letters.live().await
    }

    /// Whether the live letters of the hour are just those that are wanted.
    fn agree(&self, live: &Live, wanted: Option<&str>) -> bool {
        let origin = |file: &LiveFile| tags::origin(file.add.tags.as_ref(), self.hour);
        match live.holders(self.hour) {
            [] => wanted.is_none(),
            [file] => wanted.is_some() && origin(file).as_deref() == wanted,
            _ => false,
        }
    }

    async fn copy(&self, bytes: Arc<File>) -> Result<StagedFile, Error> {
        let site = self.publisher.site.clone();
        let failed = Error::file("write into", self.publisher.site.root());
        let copied = tokio::task::spawn_blocking(move || {
            let mut staged = StagedFile::new(&site)?;
            let copied = (&*bytes).seek(SeekFrom::Start(0)).and_then(|_| io::copy(&mut &*bytes, &mut staged));
            copied.map_err(Error::file("write into", site.root()))?;
            Ok(staged)
        });
        copied.await.map_err(|error| failed(error.into()))?
    }

    async fn place(&self, file: StagedFile, origin: &str, stats: String) -> Result<Add, Error> {
        let (hour, publisher) = (self.hour, self.publisher);
        step("letters.place");
        let tags = tags::of_letters(&BTreeMap::from([(hour, origin.to_owned())]));
        let file = NewFile { file, path: layout::data_file(hour), stats, tags, hour };
        let add = file.place(publisher.site, publisher.dead_letters, publisher.now, true).await?;
        step("letters.placed");
        Ok(add)
    }
}

/// The statistics of a file of letters.
pub(crate) fn stats_of(rows: u64) -> String {
    format!(r#"{{"numRecords":{rows}}}"#)
}
