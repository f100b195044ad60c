//! A Delta table, and how it is changed.
//!
//! Every commit is made against a fresh snapshot: the plan of a change sees the live files, the commit is tried as the
//! very next version, and if another writer took that version, the plan is made again. The library's own retries, which
//! would commit an old plan after a new version, are off.
//!
//! Other engines do rebase: what they planned in view of an old version they commit after a new one, unless that conflicts.
//! A commit that takes rows away conflicts with whatever was planned on their files. One that only moves rows into other
//! files does not, to delta-rs: it would commit the same rows once more. So such a commit says the table's metadata again, as
//! they were, and every engine gives up what it planned before. Each commit also carries the application transaction
//! `annals`, by which two writers of ours conflict even where a library rebases one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use archive::{FORMAT, Promotion};
use chat::{Hour, Timestamp};
use deltalake::DeltaTableError;
use deltalake::kernel::engine::arrow_conversion::TryFromArrow;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::kernel::{Action, Add, DataType, Metadata, MetadataExt as _, Remove, StructField, StructType};
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::state::DeltaTableState;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use crate::error::{Error, is_read_only};
use crate::layout::PARTITION;
use crate::live::Live;
use crate::log::{CHECKPOINT_INTERVAL, Failure, Log, State};
use crate::open::Clock;
use crate::promotion;
use crate::reader::{Footers, Reader};
use crate::site::Site;

/// How often a commit is tried. Each loss means that another writer won, so only a crowd gets here.
pub(crate) const ATTEMPTS: u32 = 100;
/// The wait after the first loss; it grows with each.
pub(crate) const PAUSE: Duration = Duration::from_millis(2);
/// How long a log keeps the commits behind a checkpoint, and the checkpoints. The library's 30 days are for those who look
/// at versions of before, whose files are not there any more.
const LOG_RETENTION: &str = "interval 1 days";
/// How long a checkpoint goes on to name files that are no longer part of the table, see [`Site::remembers_removed`].
const REMOVED_RETENTION: &str = "delta.deletedFileRetentionDuration";
/// The table property that holds the format number.
const FORMAT_PROPERTY: &str = "annals.format";
/// The table property that names the columns of which the log has bounds. Without it a reader takes it that it has those of
/// all, and delta-rs passes over files by bounds that are not there.
const BOUNDED_PROPERTY: &str = "delta.dataSkippingStatsColumns";

/// What makes the tables differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Attachments,
    DeadLetters,
    Hours,
    Messages,
}

/// One Delta table of the archive.
pub(crate) struct Table {
    kind: Kind,
    store: Arc<dyn ObjectStore>,
    remembers_removed: Duration,
    log: Log,
    clock: Clock,
    footers: Arc<Footers>,
    /// None until the log is first read. Held while a commit is made, so that the users of one handle do not contend.
    state: Mutex<Option<State>>,
}

/// What a change wants, in view of the live files.
pub(crate) enum Plan<T> {
    /// These files instead of those; nothing is committed when both are empty.
    Commit { remove: Vec<Add>, add: Vec<Add> },
    /// Nothing any more.
    Stop(T),
}

/// What became of a change.
pub(crate) enum Outcome<T> {
    /// It is in the log, or there was nothing to do. These files are live no more.
    Committed { removed: Vec<Add> },
    /// The plan stopped it.
    Stopped(T),
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Attachments => "attachments",
            Self::DeadLetters => "dead_letters",
            Self::Hours => "hours",
            Self::Messages => "messages",
        }
    }

    /// The value of [`BOUNDED_PROPERTY`]; `None` where the log has the number of rows alone.
    fn bounded(self) -> Option<String> {
        let columns = match self {
            Self::Attachments => archive::attachment_columns(),
            Self::DeadLetters => return None,
            Self::Hours => archive::entry_columns(),
            Self::Messages => archive::columns(),
        };
        let bounded: Vec<_> = columns.iter().filter(|column| column.has_bounds).map(|column| column.name).collect();
        Some(bounded.join(","))
    }

    fn columns(self) -> Result<Vec<StructField>, DeltaTableError> {
        let schema = match self {
            Self::Attachments => archive::attachment_schema(),
            Self::DeadLetters => archive::dead_letter_schema(),
            Self::Hours => archive::entry_schema(),
            Self::Messages => archive::message_schema(),
        };
        let mut columns: Vec<StructField> = StructType::try_from_arrow(schema.as_ref())?.fields().cloned().collect();
        columns.extend(self.partitions().iter().map(|name| StructField::nullable(*name, DataType::DATE)));
        Ok(columns)
    }

    fn partitions(self) -> &'static [&'static str] {
        match self {
            Self::Attachments | Self::DeadLetters | Self::Messages => &[PARTITION],
            Self::Hours => &[],
        }
    }
}

impl Table {
    /// A table of the archive at a site. Its log is read when it is first needed, and made if there is none.
    pub(crate) fn new(kind: Kind, site: &Site, clock: Clock) -> Self {
        let (store, remembers_removed) = (site.objects(), site.remembers_removed());
        let log = Log::new(kind.name(), &store);
        Self { kind, store, remembers_removed, log, clock, footers: Arc::default(), state: Mutex::new(None) }
    }

    /// The table with its log read.
    pub(crate) async fn opened(self) -> Result<Self, Error> {
        let state = self.read().await?;
        Ok(Self { state: Mutex::new(Some(state)), ..self })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// The files of the newest version.
    pub(crate) async fn live(&self) -> Result<Arc<Live>, Error> {
        Ok(Arc::clone(&self.fresh().await?.live))
    }

    /// The columns of the newest version.
    pub(crate) async fn schema(&self) -> Result<Arc<StructType>, Error> {
        Ok(self.fresh().await?.delta.schema())
    }

    /// The promoted columns of the newest version.
    pub(crate) async fn promotions(&self) -> Result<Vec<Promotion>, Error> {
        promotion::of_table(&self.fresh().await?.delta)
    }

    /// Adds promoted columns that the table does not have, and gives all.
    pub(crate) async fn promote(&self, wanted: &[Promotion]) -> Result<Vec<Promotion>, Error> {
        let mut state = self.fresh().await?;
        for attempt in 1..=ATTEMPTS {
            self.upgrade(&mut state).await?;
            let known = promotion::of_table(&state.delta)?;
            let Some(promotions) = promotion::joined(&state.delta, wanted)? else { return Ok(known) };
            let failed = Error::table(self.name());
            let (action, operation) = match promotion::change(&state.delta, &promotions, known.len()) {
                Ok(change) => change,
                Err(error) => return Err(failed(error)),
            };
            match self.log.try_commit(&mut state, vec![action], operation).await {
                Ok(()) => return Ok(promotions),
                Err(Failure::Conflict) => tokio::time::sleep(PAUSE * attempt).await,
                Err(Failure::Other(error)) => return Err(failed(error)),
            }
            self.refresh(&mut state).await?;
        }
        Err(Error::Contended { table: self.name(), attempts: ATTEMPTS })
    }

    /// The format of the newest version, from the properties of the table.
    pub(crate) async fn format(&self) -> Result<Option<String>, Error> {
        Ok(self.fresh().await?.delta.metadata().configuration().get(FORMAT_PROPERTY).cloned())
    }

    /// How long the table remembers what was removed.
    #[cfg(test)]
    pub(crate) async fn remembered(&self) -> Result<Duration, Error> {
        Ok(self.fresh().await?.delta.table_config().deleted_file_retention_duration.unwrap_or(Duration::MAX))
    }

    /// The files that were taken out of the table, and when, as far as the log still says.
    pub(crate) async fn removed(&self) -> Result<HashMap<String, Timestamp>, Error> {
        let mut state = self.fresh().await?;
        self.log.removed(&mut state).await.map_err(Error::table(self.name()))
    }

    /// Where a file lies below the archive.
    pub(crate) fn location(&self, file: &str) -> Path {
        Path::from(self.name()).parts().chain(Path::from(file).parts()).collect()
    }

    /// A reader of a file of this table.
    pub(crate) fn reader(&self, file: &str, size: u64) -> Reader {
        Reader::new(Arc::clone(&self.store), self.location(file), size, Arc::clone(&self.footers))
    }

    /// Fails if a file that holds an hour is in the newest version, and not in the store. For who met a file that is gone: what
    /// another writer replaced is in no newer version.
    pub(crate) async fn refuse_lost(&self, hour: Hour) -> Result<(), Error> {
        for file in self.live().await?.holders(hour) {
            let found = self.store.head(&self.location(file.path())).await;
            let is_gone = matches!(found, Err(object_store::Error::NotFound { .. }));
            // It may have been replaced since.
            if is_gone && self.live().await?.file(file.path()).is_some() {
                return Err(Error::Lost { table: self.name(), file: file.path().to_owned() });
            }
        }
        Ok(())
    }

    /// Makes a change. `plan` is asked again whenever another writer was first.
    ///
    /// A table of an older format gets the columns that came since before anything is written to it, and one that a newer
    /// program has changed meanwhile is refused.
    pub(crate) async fn commit<T>(
        &self,
        mut plan: impl FnMut(&Live) -> Result<Plan<T>, Error>,
    ) -> Result<Outcome<T>, Error> {
        let mut state = self.fresh().await?;
        for attempt in 1..=ATTEMPTS {
            self.upgrade(&mut state).await?;
            let (remove, add) = match plan(&state.live)? {
                Plan::Commit { remove, add } => (remove, add),
                Plan::Stop(reason) => return Ok(Outcome::Stopped(reason)),
            };
            if remove.is_empty() && add.is_empty() {
                return Ok(Outcome::Committed { removed: remove });
            }
            let changes = self.changes(&remove, add, state.delta.metadata());
            let operation = self.operation(remove.is_empty());
            match self.log.try_commit(&mut state, changes, operation).await {
                Ok(()) => return Ok(Outcome::Committed { removed: remove }),
                Err(Failure::Conflict) => tokio::time::sleep(PAUSE * attempt).await,
                Err(Failure::Other(error)) => return Err(Error::table(self.name())(error)),
            }
            self.refresh(&mut state).await?;
        }
        Err(Error::Contended { table: self.name(), attempts: ATTEMPTS })
    }

    /// Gives a table of an older format the columns that came since, says of which the log has bounds, and lets a table that
    /// was copied from a folder into a bucket remember what was removed. Only the log changes: in the files that are there the new columns are null.
    async fn upgrade(&self, state: &mut State) -> Result<(), Error> {
        for attempt in 1..=ATTEMPTS {
            let found = format_of(self.name(), &state.delta)?;
            let is_up_to_date = found == FORMAT && says_what_is_bounded(self.kind, &state.delta);
            if is_up_to_date && !forgets_within(&state.delta, self.remembers_removed) {
                return Ok(());
            }
            let failed = |source| Error::Upgrade { table: self.name(), found, source: Box::new(source) };
            let (action, operation) = upgraded(self.kind, &state.delta, self.remembers_removed).map_err(failed)?;
            match self.log.try_commit(state, vec![action], operation).await {
                Ok(()) => {}
                Err(Failure::Conflict) => tokio::time::sleep(PAUSE * attempt).await,
                Err(Failure::Other(error)) => return Err(failed(error)),
            }
            // Whoever was first may have upgraded it too, or written some rows.
            self.refresh(state).await?;
        }
        Err(Error::Contended { table: self.name(), attempts: ATTEMPTS })
    }

    /// The newest version.
    async fn fresh(&self) -> Result<MappedMutexGuard<'_, State>, Error> {
        let mut state = self.state.lock().await;
        let mut known = match state.take() {
            Some(known) => known,
            None => self.read().await?,
        };
        self.refresh(&mut known).await?;
        Ok(MutexGuard::map(state, |state| state.insert(known)))
    }

    async fn read(&self) -> Result<State, Error> {
        let name = self.name();
        let mut state = open_log(self.kind, &self.log, self.remembers_removed).await.map_err(Error::table(name))?;
        match self.upgrade(&mut state).await {
            // Who may only read, reads it as it is.
            Err(error) if is_read_only(&error) => tracing::info!(table = name, %error, "the table stays as it is"),
            other => other?,
        }
        Ok(state)
    }

    async fn refresh(&self, state: &mut State) -> Result<(), Error> {
        self.log.refresh(state).await.map_err(Error::table(self.name()))
    }

    fn changes(&self, remove: &[Add], add: Vec<Add>, metadata: &Metadata) -> Vec<Action> {
        // As the files that come in their place: a merge changes no data.
        let (now, data_change) = ((self.clock)(), add.first().is_none_or(|add| add.data_change));
        let is_move = !data_change && !remove.is_empty();
        // Unchanged: nothing else makes delta-rs give up what it has planned on the files that are moved.
        let again = is_move.then(|| Action::Metadata(metadata.clone()));
        let removed = remove.iter().map(|file| Action::Remove(removal(file, now, data_change)));
        removed.chain(add.into_iter().map(Action::Add)).chain(again).collect()
    }

    fn operation(&self, only_adds: bool) -> DeltaOperation {
        DeltaOperation::Write {
            mode: if only_adds { SaveMode::Append } else { SaveMode::Overwrite },
            partition_by: Some(self.kind.partitions().iter().map(|name| (*name).to_owned()).collect()),
            predicate: None,
        }
    }
}

async fn open_log(kind: Kind, log: &Log, remembers_removed: Duration) -> Result<State, DeltaTableError> {
    if let Some(state) = log.open().await? {
        return Ok(state);
    }
    let created = create_log(kind, log, remembers_removed).await;
    match log.open().await? {
        Some(state) => Ok(state),
        None => Err(created.err().unwrap_or_else(|| DeltaTableError::NotATable(kind.name().to_owned()))),
    }
}

async fn create_log(kind: Kind, log: &Log, remembers_removed: Duration) -> Result<(), DeltaTableError> {
    let configuration = [
        ("delta.checkpointInterval", Some(CHECKPOINT_INTERVAL.to_string())),
        ("delta.logRetentionDuration", Some(LOG_RETENTION.to_owned())),
        (REMOVED_RETENTION, Some(interval(remembers_removed))),
        (FORMAT_PROPERTY, Some(FORMAT.to_string())),
    ];
    let bounded = kind.bounded().map(|columns| (BOUNDED_PROPERTY, Some(columns)));
    CreateBuilder::new()
        .with_log_store(log.store())
        .with_table_name(kind.name())
        .with_columns(kind.columns()?)
        .with_partition_columns(kind.partitions().iter().copied())
        .with_configuration(configuration.into_iter().chain(bounded))
        // Else only Delta's own properties are allowed.
        .with_raise_if_key_not_exists(false)
        .with_commit_properties(CommitProperties::default().with_max_retries(0))
        .await
        .map(drop)
}

/// The format of a table; one that is newer than this program is refused.
fn format_of(name: &'static str, state: &DeltaTableState) -> Result<u32, Error> {
    let text = state.metadata().configuration().get(FORMAT_PROPERTY);
    let found = text.and_then(|text| text.parse().ok()).unwrap_or(u64::from(FORMAT));
    u32::try_from(found).ok().filter(|found| *found <= FORMAT).ok_or(Error::NewerFormat {
        path: name.into(),
        found,
        newest: u64::from(FORMAT),
    })
}

/// What gives a table all columns and the number of this format.
fn upgraded(
    kind: Kind,
    delta: &DeltaTableState,
    remembers_removed: Duration,
) -> Result<(Action, DeltaOperation), DeltaTableError> {
    let mut columns = kind.columns()?;
    // Whatever others have added stays.
    let is_own = |field: &StructField| columns.iter().any(|own| own.name() == field.name());
    let others: Vec<_> = delta.schema().fields().filter(|field| !is_own(field)).cloned().collect();
    columns.extend(others);
    let metadata = delta.metadata().clone().with_schema(&StructType::try_new(columns.clone())?)?;
    let metadata = metadata.add_config_key(FORMAT_PROPERTY.to_owned(), FORMAT.to_string())?;
    let metadata = match kind.bounded() {
        Some(columns) => metadata.add_config_key(BOUNDED_PROPERTY.to_owned(), columns)?,
        None => metadata,
    };
    let metadata = if forgets_within(delta, remembers_removed) {
        metadata.add_config_key(REMOVED_RETENTION.to_owned(), interval(remembers_removed))?
    } else {
        metadata
    };
    Ok((Action::Metadata(metadata), DeltaOperation::AddColumn { fields: columns }))
}

/// Whether the properties of a table name the columns of which the log has bounds.
fn says_what_is_bounded(kind: Kind, delta: &DeltaTableState) -> bool {
    kind.bounded().is_none_or(|columns| delta.metadata().configuration().get(BOUNDED_PROPERTY) == Some(&columns))
}

/// Whether a table forgets sooner than that what was removed. The library's own time is a week.
fn forgets_within(delta: &DeltaTableState, wanted: Duration) -> bool {
    delta.table_config().deleted_file_retention_duration.is_some_and(|remembered| remembered < wanted)
}

/// A length of time as properties of tables have it.
fn interval(length: Duration) -> String {
    format!("interval {} hours", length.as_secs() / 3600)
}

fn removal(file: &Add, now: Timestamp, data_change: bool) -> Remove {
    Remove {
        path: file.path.clone(),
        data_change,
        deletion_timestamp: Some(now.timestamp_millis()),
        extended_file_metadata: Some(true),
        size: Some(file.size),
        partition_values: Some(file.partition_values.clone()),
        ..Remove::default()
    }
}

/// A file to add. `data_change` is false when its rows were in the table before.
pub(crate) fn addition(path: String, size: u64, at: Timestamp, stats: String, data_change: bool) -> Add {
    Add {
        path,
        size: i64::try_from(size).unwrap_or(i64::MAX),
        modification_time: at.timestamp_millis(),
        data_change,
        stats: Some(stats),
        partition_values: HashMap::new(),
        ..Add::default()
    }
}
