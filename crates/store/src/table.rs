//! A Delta table, and how it is changed.
//!
//! Every commit is made against a fresh snapshot: the plan of a change sees the live files, the commit is tried as the
//! very next version, and if another writer took that version, the plan is made again. The library's own retries, which
//! would commit an old plan after a new version, are off. Each commit also carries the application transaction
//! `annals`, so that writers which do rebase (compactions by other engines) conflict with ours.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use archive::FORMAT;
use chat::Timestamp;
use deltalake::DeltaTableError;
use deltalake::kernel::engine::arrow_conversion::TryFromArrow;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{
    Action, Add, DataType, MetadataExt as _, Remove, StructField, StructType, Transaction, Version,
};
use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::state::DeltaTableState;
use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use tokio::sync::{Mutex, MutexGuard};
use url::Url;

use crate::error::{Error, is_read_only};
use crate::layout::PARTITION;
use crate::open::Clock;
use crate::reader::Reader;
use crate::steps::step;

/// Commits between two checkpoints of a log; Delta's own default. A reader replays at most this many commits.
const CHECKPOINT_INTERVAL: u64 = 10;
/// How often a commit is tried. Each loss means that another writer won, so only a crowd gets here.
pub(crate) const ATTEMPTS: u32 = 100;
/// The wait after the first loss; it grows with each.
pub(crate) const PAUSE: Duration = Duration::from_millis(2);
/// The application id of the transaction in every commit.
const APPLICATION: &str = "annals";
/// The table property that holds the format number.
const FORMAT_PROPERTY: &str = "annals.format";

/// What makes the three tables differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    DeadLetters,
    Hours,
    Messages,
}

/// One Delta table of the archive.
pub(crate) struct Table {
    kind: Kind,
    store: Arc<dyn ObjectStore>,
    log: LogStoreRef,
    clock: Clock,
    /// Held while a commit is made, so that the users of one handle do not contend.
    state: Mutex<State>,
}

/// The newest version that is known.
struct State {
    delta: DeltaTableState,
    /// Its files, taken out of `delta` once a version.
    files: Arc<Vec<Add>>,
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

/// Why one try of a commit failed.
enum Failure {
    /// Another writer was first.
    Conflict,
    Other(DeltaTableError),
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DeadLetters => "dead_letters",
            Self::Hours => "hours",
            Self::Messages => "messages",
        }
    }

    fn columns(self) -> Result<Vec<StructField>, DeltaTableError> {
        let schema = match self {
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
            Self::DeadLetters | Self::Messages => &[PARTITION],
            Self::Hours => &[],
        }
    }
}

impl Table {
    /// Opens a table of the archive below `store`, and creates it if there is none.
    pub(crate) async fn open(kind: Kind, store: Arc<dyn ObjectStore>, clock: Clock) -> Result<Self, Error> {
        let name = kind.name();
        let log = log_of(name, &store);
        let delta = open_log(kind, &log).await.map_err(Error::table(name))?;
        let table = Self { kind, store, log, clock, state: Mutex::new(State::of(delta)) };
        match table.upgrade(&mut *table.state.lock().await).await {
            // Who may only read, reads it as it is.
            Err(error) if is_read_only(&error) => tracing::info!(table = name, %error, "the table stays as it is"),
            other => other?,
        }
        Ok(table)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// The newest version and its files.
    pub(crate) async fn live(&self) -> Result<(Version, Arc<Vec<Add>>), Error> {
        let state = self.fresh().await?;
        Ok((state.delta.version(), Arc::clone(&state.files)))
    }

    /// Where a file lies below the archive.
    pub(crate) fn location(&self, file: &str) -> Path {
        Path::from(self.name()).parts().chain(Path::from(file).parts()).collect()
    }

    /// A reader of a file of this table.
    pub(crate) fn reader(&self, file: &str, size: u64) -> Reader {
        Reader::new(Arc::clone(&self.store), self.location(file), size)
    }

    /// Makes a change. `plan` is asked again whenever another writer was first.
    ///
    /// A table of an older format gets the columns that came since before anything is written to it, and one that a newer
    /// program has changed meanwhile is refused.
    pub(crate) async fn commit<T>(
        &self,
        mut plan: impl FnMut(&[Add]) -> Result<Plan<T>, Error>,
    ) -> Result<Outcome<T>, Error> {
        let mut state = self.fresh().await?;
        for attempt in 1..=ATTEMPTS {
            self.upgrade(&mut state).await?;
            let (remove, add) = match plan(&state.files)? {
                Plan::Commit { remove, add } => (remove, add),
                Plan::Stop(reason) => return Ok(Outcome::Stopped(reason)),
            };
            if remove.is_empty() && add.is_empty() {
                return Ok(Outcome::Committed { removed: remove });
            }
            let (changes, operation) = (self.changes(&remove, add), self.operation(remove.is_empty()));
            match self.try_commit(&mut state, changes, operation).await {
                Ok(()) => return Ok(Outcome::Committed { removed: remove }),
                Err(Failure::Conflict) => tokio::time::sleep(PAUSE * attempt).await,
                Err(Failure::Other(error)) => return Err(Error::table(self.name())(error)),
            }
            self.refresh(&mut state).await?;
        }
        Err(Error::Contended { table: self.name(), attempts: ATTEMPTS })
    }

    /// Gives a table of an older format the columns that came since. Only the log changes: in the files that are there
    /// the new columns are null.
    async fn upgrade(&self, state: &mut State) -> Result<(), Error> {
        for attempt in 1..=ATTEMPTS {
            let found = format_of(self.name(), &state.delta)?;
            if found == FORMAT {
                return Ok(());
            }
            let failed = |source| Error::Upgrade { table: self.name(), found, source: Box::new(source) };
            let (action, operation) = upgraded(self.kind, &state.delta).map_err(failed)?;
            match self.try_commit(state, vec![action], operation).await {
                Ok(()) => {}
                Err(Failure::Conflict) => tokio::time::sleep(PAUSE * attempt).await,
                Err(Failure::Other(error)) => return Err(failed(error)),
            }
            // Whoever was first may have upgraded it too, or written some rows.
            self.refresh(state).await?;
        }
        Err(Error::Contended { table: self.name(), attempts: ATTEMPTS })
    }

    async fn fresh(&self) -> Result<MutexGuard<'_, State>, Error> {
        let mut state = self.state.lock().await;
        self.refresh(&mut state).await?;
        Ok(state)
    }

    async fn refresh(&self, state: &mut State) -> Result<(), Error> {
        let known = state.delta.version();
        state.delta.update(self.log.as_ref(), None).await.map_err(Error::table(self.name()))?;
        if state.delta.version() != known {
            state.files = files(&state.delta);
        }
        Ok(())
    }

    /// Tries to commit the next version after `state`, which becomes that version.
    async fn try_commit(
        &self,
        state: &mut State,
        actions: Vec<Action>,
        operation: DeltaOperation,
    ) -> Result<(), Failure> {
        let next = state.delta.version() + 1;
        let committed = async {
            let builder = CommitBuilder::from(properties(next)).with_actions(actions);
            builder
                .build(Some(&state.delta), Arc::clone(&self.log), operation)
                .into_prepared_commit_future()
                .await?
                .await
        };
        step("log.commit");
        let after = committed.await.map_err(Failure::from)?;
        step("log.committed");
        let version = after.version;
        // From here on the change is in the log, whatever becomes of checkpoint and clean-up.
        match after.await {
            Ok(done) => *state = State::of(done.snapshot()),
            Err(error) => {
                tracing::warn!(table = self.name(), version, %error, "could not tidy up the log after a commit");
                state.delta.update(self.log.as_ref(), None).await.map_err(Failure::Other)?;
                state.files = files(&state.delta);
            }
        }
        step("log.tidied");
        Ok(())
    }

    fn changes(&self, remove: &[Add], add: Vec<Add>) -> Vec<Action> {
        // As the files that come in their place: a merge changes no data.
        let (now, data_change) = ((self.clock)(), add.first().is_none_or(|add| add.data_change));
        let removed = remove.iter().map(|file| Action::Remove(removal(file, now, data_change)));
        removed.chain(add.into_iter().map(Action::Add)).collect()
    }

    fn operation(&self, only_adds: bool) -> DeltaOperation {
        DeltaOperation::Write {
            mode: if only_adds { SaveMode::Append } else { SaveMode::Overwrite },
            partition_by: Some(self.kind.partitions().iter().map(|name| (*name).to_owned()).collect()),
            predicate: None,
        }
    }
}

impl From<DeltaTableError> for Failure {
    fn from(error: DeltaTableError) -> Self {
        match error {
            DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source:
                    TransactionError::CommitConflict(_)
                    | TransactionError::MaxCommitAttempts(_)
                    | TransactionError::VersionAlreadyExists(_),
            } => Self::Conflict,
            error => Self::Other(error),
        }
    }
}

/// The log of a table. The location names the table alone, because the store's root is the archive: so an archive can be
/// moved, and its folder may have any name. The scheme is our own; `file` would be looked up on disk by the library.
fn log_of(name: &str, store: &Arc<dyn ObjectStore>) -> LogStoreRef {
    let location = Url::parse(&format!("annals:///{name}/")).expect("a table's name is letters and `_`");
    let below = Arc::new(PrefixStore::new(Arc::clone(store), name));
    default_logstore(below, Arc::clone(store), &location, &StorageConfig::default())
}

async fn open_log(kind: Kind, log: &LogStoreRef) -> Result<DeltaTableState, DeltaTableError> {
    if !log.is_delta_table_location().await?
        && let Err(error) = create_log(kind, log).await
        // Another process may have been first.
        && !log.is_delta_table_location().await?
    {
        return Err(error);
    }
    DeltaTableState::try_new(log.as_ref(), None).await
}

async fn create_log(kind: Kind, log: &LogStoreRef) -> Result<(), DeltaTableError> {
    let configuration = [
        ("delta.checkpointInterval", Some(CHECKPOINT_INTERVAL.to_string())),
        (FORMAT_PROPERTY, Some(FORMAT.to_string())),
    ];
    CreateBuilder::new()
        .with_log_store(Arc::clone(log))
        .with_table_name(kind.name())
        .with_columns(kind.columns()?)
        .with_partition_columns(kind.partitions().iter().copied())
        .with_configuration(configuration)
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
fn upgraded(kind: Kind, delta: &DeltaTableState) -> Result<(Action, DeltaOperation), DeltaTableError> {
    let columns = kind.columns()?;
    let metadata = delta.metadata().clone().with_schema(&StructType::try_new(columns.clone())?)?;
    let metadata = metadata.add_config_key(FORMAT_PROPERTY.to_owned(), FORMAT.to_string())?;
    Ok((Action::Metadata(metadata), DeltaOperation::AddColumn { fields: columns }))
}

fn properties(next: Version) -> CommitProperties {
    CommitProperties::default()
        .with_application_transaction(Transaction::new(APPLICATION, i64::try_from(next).unwrap_or(i64::MAX)))
        .with_max_retries(0)
        // Looking for expired commits walks the whole log, and they can only go behind a new checkpoint.
        .with_cleanup_expired_logs(Some((next + 1).is_multiple_of(CHECKPOINT_INTERVAL)))
}

impl State {
    fn of(delta: DeltaTableState) -> Self {
        Self { files: files(&delta), delta }
    }
}

fn files(state: &DeltaTableState) -> Arc<Vec<Add>> {
    #[expect(deprecated, reason = "nothing else hands out a file's tags")]
    Arc::new(state.log_data().iter().map(|view| view.add_action()).collect())
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
