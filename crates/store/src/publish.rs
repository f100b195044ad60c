//! How an hour gets into the tables.
//!
//! The order is `dead_letters`, `messages`, `hours`, each one commit. An hour is there from the commit to `messages` on:
//! its `add` action carries the ledger entry, from which a lost row of `hours` is rebuilt. A data file takes its name
//! just before its commit and is never changed; what it replaces is removed from disk right after. Where that held other
//! hours too, the commit adds a file with these (see [`crate::rest`]).
//!
//! Of several writers of one hour, the last to commit to `messages` has published it. The ledger follows it (see
//! [`crate::standing`]), and the dead letters follow the ledger (see [`crate::letters`]).

use archive::Statistics;
use chat::{Entry, Hour, State, Timestamp};

use crate::error::{Error, is_gone};
use crate::foreign::refuse_scattered;
use crate::layout;
use crate::ledger::Ledger;
use crate::letters::Letters;
use crate::live::{Live, LiveFile};
use crate::rest::Rest;
use crate::running::Running;
use crate::site::Site;
use crate::staged::{NewFile, StagedFile};
use crate::standing::{Standing, published};
use crate::steps::step;
use crate::table::{ATTEMPTS, Outcome, PAUSE, Plan, Table};
use crate::tags;

/// An hour, ready to be published.
#[derive(Debug)]
pub struct Publication {
    /// Its row in the ledger; the state is `done`, `files` is filled in.
    pub entry: Entry,
    /// The file of its messages, what the writer says of it, and its rows. A file without rows is dropped.
    pub messages: Option<(StagedFile, Statistics, u64)>,
    /// The file of its dead letters, and its rows. A file without rows is dropped.
    pub dead_letters: Option<(StagedFile, u64)>,
}

/// What is to happen when the hour is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: whoever was first wins.
    New,
    /// It is replaced in one commit, if these files ([`Entry::files`] of the publication to replace) hold it, or none do.
    /// Held by others by now, it is left as it is: what was made in view of the ones is no good in place of the others.
    Replace(Vec<String>),
    /// The same for an hour whose dead letters were read once more, and whose served bytes are nowhere else: the letters
    /// that it has now replace those that it had when all else is done. Until then a line is there twice, and never not
    /// at all; see [`crate::Archive::settle_letters`].
    Reread(Vec<String>),
}

impl Mode {
    /// Whether what is there of an hour, in this file, stays. Of a file that another program wrote anew, and that does not say
    /// of which publication its rows are, the ledger says it; it has `newest`.
    fn keeps(&self, file: &LiveFile, hour: Hour, newest: Option<&Entry>) -> bool {
        let is_told = file.told(hour).is_some();
        let newest = newest.filter(|newest| newest.state == State::Done);
        match self {
            // Statistics of several hours may span one that was never published.
            Self::New => is_told || file.is_sure() || newest.is_some(),
            Self::Replace(files) | Self::Reread(files) => {
                let is_named = file.publications(hour).any(|name| files.iter().any(|file| file == name));
                let is_known = || newest.map_or(!file.is_sure(), |newest| newest.files == *files);
                !is_named && (is_told || !is_known())
            }
        }
    }
}

/// What became of a publication.
#[derive(Debug, Clone, PartialEq)]
pub enum Published {
    /// The hour is there, with this entry, which is not the one given: another writer was first, or replaced the hour just
    /// after it was published. If the entry names other bytes ([`Entry::sha256`]) than those at hand, publish again in
    /// its place ([`Mode::Replace`]).
    AlreadyThere(Entry),
    /// The hour is published, with this row in the ledger.
    Done(Entry),
}

impl Published {
    fn entry(&self) -> &Entry {
        match self {
            Self::AlreadyThere(entry) | Self::Done(entry) => entry,
        }
    }
}

/// What publishing needs of an archive.
pub(crate) struct Publisher<'a> {
    pub(crate) site: &'a Site,
    pub(crate) dead_letters: &'a Table,
    pub(crate) messages: &'a Table,
    pub(crate) ledger: &'a Ledger,
    pub(crate) running: &'a Running,
    pub(crate) now: Timestamp,
}

impl Publisher<'_> {
    pub(crate) async fn publish(&self, publication: Publication, mode: Mode) -> Result<Published, Error> {
        let Publication { mut entry, messages, dead_letters } = publication;
        let hour = entry.hour;
        if entry.state != State::Done {
            return Err(Error::NotDone { hour });
        }
        if mode == Mode::New
            && let Some(present) = self.present(hour).await?
        {
            return self.already_there(present).await;
        }
        if mode != Mode::New {
            self.refuse_irreplaceable(hour).await?;
        }
        self.ledger.date(&mut entry).await?;
        let mut letters = Letters::new(self, hour);
        let dead_letters = dead_letters.filter(|(_file, rows)| *rows > 0);
        match mode {
            Mode::New | Mode::Replace(_) => letters.put(&entry, dead_letters, &mode).await?,
            Mode::Reread(_) => letters.have_at_hand(&entry, dead_letters)?,
        }
        let rows = messages.filter(|(_file, _statistics, rows)| *rows > 0);
        let published = match self.put_messages(&mut entry, rows, &mode).await? {
            Some(present) => self.already_there(present).await?,
            None => self.record(entry).await?,
        };
        letters.follow(published.entry()).await?;
        Ok(published)
    }

    /// Makes the dead letters of an hour those of the publication that stands, if that is this one.
    pub(crate) async fn settle_letters(
        &self,
        entry: &Entry,
        dead_letters: Option<(StagedFile, u64)>,
    ) -> Result<(), Error> {
        let mut letters = Letters::new(self, entry.hour);
        letters.have_at_hand(entry, dead_letters.filter(|(_file, rows)| *rows > 0))?;
        match self.ledger.newest_of(entry.hour).await? {
            Some(standing) if standing.files == entry.files => letters.follow(&standing).await,
            _ => Ok(()),
        }
    }

    /// The entry of an hour that is published: it has a live file, or the ledger says that it has no messages.
    async fn present(&self, hour: Hour) -> Result<Option<Entry>, Error> {
        let live = self.messages.live().await?;
        let known = self.ledger.newest_of(hour).await?;
        if let Some(file) = holder(hour, &live)
            && Mode::New.keeps(file, hour, known.as_ref())
        {
            return Ok(Some(file.entry(hour, None, self.now)));
        }
        Ok(known.filter(|entry| entry.state == State::Done && entry.tally.rows() == 0))
    }

    /// Fails when what is there of an hour cannot be taken out of its file. Before the letters are replaced: they would be those of
    /// rows that never come.
    async fn refuse_irreplaceable(&self, hour: Hour) -> Result<(), Error> {
        for table in [self.messages, self.dead_letters] {
            let live = table.live().await?;
            refuse_scattered(hour, &live, table)?;
            if live.holders(hour).iter().any(|file| file.hours().len() > 1) {
                table.refuse_lost(hour).await?;
            }
        }
        Ok(())
    }

    /// Completes the ledger if whoever was first has not come to it.
    async fn already_there(&self, present: Entry) -> Result<Published, Error> {
        let live = self.messages.live().await?;
        let known = self.ledger.newest_of(present.hour).await?;
        let standing = match published(present.hour, known.as_ref(), &live, self.now) {
            Some(Standing::New(row)) => self.ledger.record(&[row]).await?.pop(),
            Some(Standing::Known(known)) => Some(known),
            None => known.filter(|known| known.state == State::Done),
        };
        Ok(Published::AlreadyThere(standing.unwrap_or(present)))
    }

    /// Records what was published, unless it has been replaced meanwhile.
    async fn record(&self, entry: Entry) -> Result<Published, Error> {
        let standing = self.ledger.record(std::slice::from_ref(&entry)).await?.pop();
        let standing = standing.expect("one row is answered by one");
        let is_mine = (&standing.files, &standing.sha256) == (&entry.files, &entry.sha256);
        Ok(if is_mine { Published::Done(standing) } else { Published::AlreadyThere(standing) })
    }

    /// Replaces the messages of an hour, unless what is there is to stay: then its entry comes back.
    async fn put_messages(
        &self,
        entry: &mut Entry,
        rows: Option<(StagedFile, Statistics, u64)>,
        mode: &Mode,
    ) -> Result<Option<Entry>, Error> {
        let hour = entry.hour;
        let mut add = Vec::new();
        entry.files.clear();
        if let Some((file, statistics, _rows)) = rows {
            let path = layout::data_file(hour);
            entry.files.push(path.clone());
            step("messages.place");
            let tags = tags::of_entries(std::slice::from_ref(entry), &statistics.promoted);
            let file = NewFile { file, path, stats: statistics.to_delta_json(), tags, hour };
            let file = file.place(self.site, self.messages, self.now, true).await?;
            step("messages.placed");
            add.push(file);
        }
        for attempt in 1..=ATTEMPTS {
            let newest = self.ledger.newest_of(hour).await?;
            let rest = match self.rest(hour, mode, newest.as_ref()).await {
                Err(error) if is_gone(&error) => self.messages.refuse_lost(hour).await.map(|()| None),
                other => other.map(Some),
            };
            let rest = match rest {
                Ok(Some(rest)) => rest,
                // Another writer has replaced the file.
                Ok(None) => {
                    tokio::time::sleep(PAUSE * attempt).await;
                    continue;
                }
                Err(error) => {
                    self.running.discard(self.messages, &add).await;
                    return Err(error);
                }
            };
            let plan = |live: &Live| match holder(hour, live) {
                Some(file) if mode.keeps(file, hour, newest.as_ref()) => {
                    Ok(Plan::Stop(Some(file.entry(hour, None, self.now))))
                }
                _ => Ok(rest.removals(hour, live).map_or(Plan::Stop(None), |remove| Plan::Commit {
                    remove,
                    add: add.iter().chain(rest.add()).cloned().collect(),
                })),
            };
            match self.messages.commit(plan).await? {
                Outcome::Committed { removed } => {
                    step("messages.committed");
                    self.running.discard(self.messages, &removed).await;
                    step("messages.discarded");
                    return Ok(None);
                }
                Outcome::Stopped(Some(present)) => {
                    add.extend(rest.add().cloned());
                    self.running.discard(self.messages, &add).await;
                    return Ok(Some(present));
                }
                Outcome::Stopped(None) => {
                    let useless = rest.add().map_or(&[][..], std::slice::from_ref);
                    self.running.discard(self.messages, useless).await;
                }
            }
            tokio::time::sleep(PAUSE * attempt).await;
        }
        Err(Error::Contended { table: self.messages.name(), attempts: ATTEMPTS })
    }

    /// The other hours of the file that holds this one, if it is to be replaced.
    async fn rest(&self, hour: Hour, mode: &Mode, newest: Option<&Entry>) -> Result<Rest, Error> {
        let live = self.messages.live().await?;
        if holder(hour, &live).is_some_and(|file| mode.keeps(file, hour, newest)) {
            return Ok(Rest::default());
        }
        Rest::of(hour, &live, self.messages, self.ledger, self.site, self.now).await
    }
}

/// The live file that holds an hour: the one that says so, or else the first that may.
fn holder(hour: Hour, live: &Live) -> Option<&LiveFile> {
    let holders = live.holders(hour);
    holders.iter().find(|file| file.told(hour).is_some()).or(holders.first()).map(AsRef::as_ref)
}
