//! The table `attachments`: what is known of each file that messages speak of, a row for each.
//!
//! The rows of a day are in one file, which is written anew when some of them change, in one commit with those of other
//! days; so there are as many files as days. A file also says, in its tags, of which hours the messages have been looked
//! through, and in which publication: an hour of which nothing is new is not looked at again. A day without attachments
//! has a file without rows.
//!
//! The table is made by the first row. Until then the archive has none, and there is nothing to read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use chat::{Attachment, AttachmentKind, Hour, Position};
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use object_store::path::Path;
use tokio::sync::OnceCell;

use crate::error::{Error, is_gone};
use crate::layout;
use crate::live::{Live, LiveFile};
use crate::open::{Archive, Clock};
use crate::site::Site;
use crate::staged::{NewFile, StagedFile};
use crate::table::{ATTEMPTS, Kind, Outcome, PAUSE, Plan, Table};
use crate::tags;

/// How often a file that is gone is answered by a fresh look. Each time, another writer has replaced it.
const LOOKS: usize = 10;

/// What is new of attachments.
#[derive(Debug, Clone, Default)]
pub struct AttachmentUpdate {
    /// The hours whose messages were looked through, and in which publication. All their rows are replaced by those in
    /// `rows`.
    pub listed: BTreeMap<Hour, String>,
    /// Rows. Of an hour that is not in `listed`, each takes the place of the one with its key.
    pub rows: Vec<Attachment>,
}

/// The table, if there is one yet.
pub(crate) struct Attachments {
    site: Site,
    clock: Clock,
    table: OnceCell<Table>,
}

/// The rows of a day that have been read, and the files that they are from.
struct Day {
    files: Vec<Arc<LiveFile>>,
    rows: BTreeMap<(Position, AttachmentKind), Attachment>,
    listed: BTreeMap<Hour, String>,
}

impl Attachments {
    pub(crate) fn new(site: Site, clock: Clock) -> Self {
        Self { site, clock, table: OnceCell::new() }
    }

    /// The table; `None` as long as nobody has written a row.
    pub(crate) async fn existing(&self) -> Result<Option<&Table>, Error> {
        let log = Path::from(Kind::Attachments.name()).join("_delta_log");
        let has_log = || async { self.site.has_any(&log).await.map_err(Error::file("list", &self.site.path(&log))) };
        if self.table.initialized() || has_log().await? { self.table().await.map(Some) } else { Ok(None) }
    }

    async fn table(&self) -> Result<&Table, Error> {
        let opened = || Table::new(Kind::Attachments, &self.site, Arc::clone(&self.clock)).opened();
        self.table.get_or_try_init(opened).await
    }
}

impl Archive {
    /// Whether there is a table of attachments: from the first [`Archive::update_attachments`] on.
    ///
    /// # Errors
    ///
    /// When the table cannot be opened.
    pub async fn has_attachments(&self) -> Result<bool, Error> {
        Ok(self.attachment_table().existing().await?.is_some())
    }

    /// What is known of the attachments of the messages of these hours, in the order of the messages.
    ///
    /// # Errors
    ///
    /// When the table cannot be read.
    pub async fn attachments(&self, hours: &Range<Hour>) -> Result<Vec<Attachment>, Error> {
        let mut rows = Vec::new();
        self.each_attachment(hours, |row| rows.push(row)).await?;
        Ok(rows)
    }

    /// Hands out what [`Archive::attachments`] gives, and holds those of one day at a time.
    ///
    /// # Errors
    ///
    /// When the table cannot be read.
    pub async fn each_attachment(&self, hours: &Range<Hour>, mut take: impl FnMut(Attachment)) -> Result<(), Error> {
        let Some(table) = self.attachment_table().existing().await? else { return Ok(()) };
        let live = table.live().await?;
        let files = live.files().filter(|file| file.hours().iter().any(|hour| hours.contains(hour)));
        let days: BTreeSet<String> = files.map(|file| day_of(file.path()).to_owned()).collect();
        for day in days {
            let rows = Day::read_anew(table, &day).await?.rows.into_values();
            rows.filter(|row| hours.contains(&row.position.source_hour)).for_each(&mut take);
        }
        Ok(())
    }

    /// The hours whose messages have been looked through for attachments, and in which publication.
    ///
    /// # Errors
    ///
    /// When the log of the table cannot be read.
    pub async fn listed(&self) -> Result<BTreeMap<Hour, String>, Error> {
        let Some(table) = self.attachment_table().existing().await? else { return Ok(BTreeMap::new()) };
        let live = table.live().await?;
        Ok(live.files().flat_map(|file| tags::listed(file.add.tags.as_ref())).collect())
    }

    /// Writes down what is new of attachments, all of it in one commit.
    ///
    /// # Errors
    ///
    /// When the table cannot be read or written.
    pub async fn update_attachments(&self, update: &AttachmentUpdate) -> Result<(), Error> {
        let days = update.days();
        if days.is_empty() {
            return Ok(());
        }
        let work = self.running().begin()?;
        let table = self.attachment_table().table().await?;
        for attempt in 1..=ATTEMPTS {
            match self.try_update(table, update, &days).await {
                Ok(true) => {
                    work.done();
                    return Ok(());
                }
                Ok(false) => {}
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE * attempt).await;
        }
        Err(Error::Contended { table: table.name(), attempts: ATTEMPTS })
    }

    /// Tries it; `false` when another writer was first at one of the days.
    async fn try_update(
        &self,
        table: &Table,
        update: &AttachmentUpdate,
        days: &BTreeSet<String>,
    ) -> Result<bool, Error> {
        let live = table.live().await?;
        let (mut remove, mut add) = (Vec::new(), Vec::new());
        for day in days {
            let mut before = Day::read(table, &live, day).await?;
            for file in &before.files {
                table.prove(file).await?;
            }
            before.take_in(update, day);
            remove.append(&mut before.files);
            add.extend(before.write(self, table).await?);
        }
        let is_as_seen = |live: &Live| {
            let of_days = live.files().filter(|file| days.contains(day_of(file.path())));
            of_days.count() == remove.len() && remove.iter().all(|file| live.file(file.path()).is_some())
        };
        let plan = |live: &Live| {
            let commit =
                || Plan::Commit { remove: remove.iter().map(|file| file.add.clone()).collect(), add: add.clone() };
            Ok(if is_as_seen(live) { commit() } else { Plan::Stop(()) })
        };
        let (useless, is_done) = match table.commit(plan).await? {
            Outcome::Committed { removed } => (removed, true),
            Outcome::Stopped(()) => (add, false),
        };
        self.running().discard(table, &useless).await;
        Ok(is_done)
    }
}

impl AttachmentUpdate {
    /// The days that it is about, as their folders are called.
    fn days(&self) -> BTreeSet<String> {
        let hours = self.listed.keys().copied().chain(self.rows.iter().map(|row| row.position.source_hour));
        hours.map(layout::day_folder).collect()
    }
}

impl Day {
    /// Reads the rows of a day as they are now.
    async fn read_anew(table: &Table, day: &str) -> Result<Self, Error> {
        let mut looks = 1;
        loop {
            let live = table.live().await?;
            match Self::read(table, &live, day).await {
                Err(error) if is_gone(&error) && looks < LOOKS => looks += 1,
                other => return other,
            }
        }
    }

    async fn read(table: &Table, live: &Live, day: &str) -> Result<Self, Error> {
        let files: Vec<_> = live.files().filter(|file| day_of(file.path()) == day).cloned().collect();
        let rows = read_all(table, files.iter()).await?;
        let listed = files.iter().flat_map(|file| tags::listed(file.add.tags.as_ref())).collect();
        Ok(Self { files, rows: rows.into_iter().map(|row| (row.key(), row)).collect(), listed })
    }

    fn take_in(&mut self, update: &AttachmentUpdate, day: &str) {
        let is_of_day = |hour: Hour| layout::day_folder(hour) == day;
        self.rows.retain(|(position, _), _| !update.listed.contains_key(&position.source_hour));
        let new = update.rows.iter().filter(|row| is_of_day(row.position.source_hour));
        self.rows.extend(new.map(|row| (row.key(), row.clone())));
        let listed = update.listed.iter().filter(|(hour, _)| is_of_day(**hour));
        self.listed.extend(listed.map(|(hour, publication)| (*hour, publication.clone())));
    }

    /// Writes the file of the day, which is not in the table yet; none where there is nothing to say.
    async fn write(&self, archive: &Archive, table: &Table) -> Result<Option<Add>, Error> {
        let hours: BTreeSet<Hour> =
            self.listed.keys().copied().chain(self.rows.keys().map(|(position, _)| position.source_hour)).collect();
        let Some(first) = hours.first().copied() else { return Ok(None) };
        let (site, rows) = (archive.site().clone(), self.rows.values().cloned().collect::<Vec<_>>());
        let path = layout::day_file(first);
        let name = path.clone();
        let written = tokio::task::spawn_blocking(move || {
            let staged = StagedFile::new(&site)?;
            archive::write_attachments(staged, &rows).map_err(Error::rows(Kind::Attachments.name(), &name))
        });
        let written =
            written.await.map_err(|error| Error::file("write into", archive.root())(error.into())).flatten()?;
        let tags = tags::of_attachments(&hours.into_iter().collect::<Vec<_>>(), &self.listed);
        let stats = written.statistics.to_delta_json();
        let file = NewFile { file: written.out, path, stats, tags, hour: first };
        file.place(archive.site(), table, archive.now(), true).await.map(Some)
    }
}

/// The folder that a file lies in.
fn day_of(path: &str) -> &str {
    path.split_once('/').map_or("", |(folder, _)| folder)
}

async fn read_all(table: &Table, files: impl Iterator<Item = &Arc<LiveFile>>) -> Result<Vec<Attachment>, Error> {
    let mut rows: HashMap<_, Attachment> = HashMap::new();
    for file in files {
        let failed = |error| Error::rows(table.name(), file.path())(error);
        let reader = table.reader(file.path(), file.size());
        let mut batches = archive::read_attachments(reader).await.map_err(failed)?;
        while let Some(batch) = batches.try_next().await.map_err(failed)? {
            rows.extend(batch.into_iter().map(|row| (row.key(), row)));
        }
    }
    Ok(rows.into_values().collect())
}

#[cfg(test)]
mod tests {
    use chat::{AttachmentState, Timestamp};

    use super::*;
    use crate::open::Access;

    fn hour(number: i64) -> Hour {
        Hour::from_key("2026031422").unwrap().plus(number)
    }

    fn row(number: i64, line: u64) -> Attachment {
        let position = Position { source_hour: hour(number), part: 0, line };
        let url = format!("https://a1.example.com/o/a/chatfiles/{line}");
        Attachment::new(position, AttachmentKind::File, url, hour(number).start())
    }

    async fn archive(folder: &std::path::Path) -> Archive {
        Archive::open(folder, Access::Create, Arc::new(|| Timestamp::UNIX_EPOCH)).await.unwrap()
    }

    fn all() -> Range<Hour> {
        Hour::from_number(i64::MIN)..Hour::from_number(i64::MAX)
    }

    fn listed(hours: &[(i64, &str)]) -> BTreeMap<Hour, String> {
        hours.iter().map(|(number, publication)| (hour(*number), (*publication).to_owned())).collect()
    }

    #[tokio::test]
    async fn there_is_no_table_before_the_first_row() {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive(folder.path()).await;
        assert_eq!(archive.attachments(&all()).await.unwrap(), []);
        assert!(archive.listed().await.unwrap().is_empty());
        archive.update_attachments(&AttachmentUpdate::default()).await.unwrap();
        assert!(!folder.path().join("attachments").exists());
    }

    #[tokio::test]
    async fn each_attachment_has_one_row_in_one_file_of_its_day() {
        let folder = tempfile::tempdir().unwrap();
        let first = archive(folder.path()).await;
        let rows = vec![row(0, 1), row(0, 2), row(1, 1), row(2, 7)];
        let of_hours = listed(&[(0, "a"), (1, "b"), (2, "c"), (30, "none")]);
        first.update_attachments(&AttachmentUpdate { listed: of_hours.clone(), rows: rows.clone() }).await.unwrap();
        let mut stored = Attachment { state: AttachmentState::Stored, length: Some(7), ..row(0, 2) };
        stored.sha256 = Some("ab".to_owned());
        let update = AttachmentUpdate { rows: vec![stored.clone()], ..AttachmentUpdate::default() };
        first.update_attachments(&update).await.unwrap();
        // Another handle reads what this one wrote.
        let second = archive(folder.path()).await;
        let expected = vec![row(0, 1), stored, row(1, 1), row(2, 7)];
        assert_eq!(second.attachments(&all()).await.unwrap(), expected);
        assert_eq!(second.attachments(&(hour(1)..hour(2))).await.unwrap(), [row(1, 1)]);
        assert_eq!(second.listed().await.unwrap(), of_hours);
        let live = second.attachment_table().existing().await.unwrap().unwrap().live().await.unwrap();
        assert_eq!(live.len(), 3, "a file for each day, also for the one without rows");
    }

    #[tokio::test]
    async fn an_hour_that_is_listed_again_keeps_no_row_of_before() {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive(folder.path()).await;
        let update = AttachmentUpdate { listed: listed(&[(0, "a"), (1, "b")]), rows: vec![row(0, 1), row(1, 1)] };
        archive.update_attachments(&update).await.unwrap();
        let update = AttachmentUpdate { listed: listed(&[(0, "a2")]), rows: vec![row(0, 5)] };
        archive.update_attachments(&update).await.unwrap();
        assert_eq!(archive.attachments(&all()).await.unwrap(), [row(0, 5), row(1, 1)]);
        assert_eq!(archive.listed().await.unwrap(), listed(&[(0, "a2"), (1, "b")]));
    }

    #[tokio::test]
    async fn writers_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let writers = futures::future::join_all((0..4).map(|_| archive(folder.path()))).await;
        let write = |(line, archive): (u64, &Archive)| {
            let (archive, rows) = (archive.clone(), vec![row(0, line)]);
            async move { archive.update_attachments(&AttachmentUpdate { rows, ..AttachmentUpdate::default() }).await }
        };
        for written in futures::future::join_all((1..).zip(&writers).map(write)).await {
            written.unwrap();
        }
        let lines: Vec<_> = writers[0].attachments(&all()).await.unwrap().iter().map(|row| row.position.line).collect();
        assert_eq!(lines, [1, 2, 3, 4]);
    }

    #[tokio::test]
    async fn what_a_killed_writer_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let first = archive(folder.path()).await;
        first
            .update_attachments(&AttachmentUpdate { rows: vec![row(0, 1)], ..AttachmentUpdate::default() })
            .await
            .unwrap();
        drop(first);
        let left = folder.path().join("attachments").join(layout::day_file(hour(0)));
        std::fs::write(&left, "a file that no log names").unwrap();
        std::fs::write(folder.path().join("tmp/.tmpx"), "the mark of a run that died").unwrap();
        let second = archive(folder.path()).await;
        assert!(!left.exists());
        assert_eq!(second.attachments(&all()).await.unwrap(), [row(0, 1)]);
    }
}
