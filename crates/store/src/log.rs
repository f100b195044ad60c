//! The log of a table, followed commit by commit.
//!
//! The library takes every live file out of the log anew at each version, about 30 µs for each. Here a version is the one
//! before and the actions of one commit, so a commit, and a look whether there is one, cost the same whatever the table
//! holds. The library reads the log when a table is opened, whenever a commit says more than which files come and go, and
//! to write a checkpoint; and it decides what may be written at all.
//!
//! A checkpoint says anew what the table holds, so it costs the more the more there is. It waits for a commit for each
//! [`BYTES_A_COMMIT`] of the one before, and so takes the same part of each commit however large the table is: after
//! [`CHECKPOINT_INTERVAL`] commits in most tables, after some 160 with 20,000 hours in files of days.

use std::collections::HashMap;
use std::sync::Arc;

use chat::Timestamp;
use deltalake::checkpoints::{cleanup_metadata, create_checkpoint};
use deltalake::kernel::transaction::{CommitData, PROTOCOL, TransactionError};
use deltalake::kernel::{Action, Transaction, Version};
use deltalake::logstore::{CommitOrBytes, LogStoreRef, StorageConfig, default_logstore, get_actions};
use deltalake::protocol::DeltaOperation;
use deltalake::table::state::DeltaTableState;
use deltalake::{DeltaTable, DeltaTableError};
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use crate::live::Live;
use crate::steps::step;

/// Commits between two checkpoints of a small table; Delta's own default.
pub(crate) const CHECKPOINT_INTERVAL: u64 = 10;
/// For each so many bytes of a checkpoint, the next one waits for a commit. No commit adds more to the log than this and
/// itself, and who reads a checkpoint of 10 MB replays 160 commits at most.
const BYTES_A_COMMIT: u64 = 64 << 10;
/// The application id of the transaction in every commit.
const APPLICATION: &str = "annals";
/// Where a log says which checkpoint is its newest.
const HINT: &str = "_delta_log/_last_checkpoint";

/// The log of a table.
pub(crate) struct Log {
    name: &'static str,
    store: LogStoreRef,
}

/// The newest version that is known.
pub(crate) struct State {
    /// A version with the same columns and properties, `delta.version() <= live.version()`.
    pub(crate) delta: DeltaTableState,
    pub(crate) live: Arc<Live>,
    /// The newest checkpoint, as far as the log said at the last look.
    checkpoint: Option<Checkpoint>,
}

/// Why one try of a commit failed.
pub(crate) enum Failure {
    /// Another writer was first.
    Conflict,
    Other(DeltaTableError),
}

/// What a log says of its newest checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checkpoint {
    version: Version,
    /// Other writers may leave it out.
    #[serde(default)]
    size_in_bytes: u64,
}

impl Log {
    /// The log of a table of the archive below `store`. The location names the table alone, because the store's root is
    /// the archive: so an archive can be moved, and its folder may have any name. The scheme is our own; `file` would be
    /// looked up on disk by the library.
    pub(crate) fn new(name: &'static str, store: &Arc<dyn ObjectStore>) -> Self {
        let location = Url::parse(&format!("annals:///{name}/")).expect("a table's name is letters and `_`");
        let below = Arc::new(PrefixStore::new(Arc::clone(store), name));
        Self { name, store: default_logstore(below, Arc::clone(store), &location, &StorageConfig::default()) }
    }

    pub(crate) fn store(&self) -> LogStoreRef {
        Arc::clone(&self.store)
    }

    /// The newest version; `None` when there is no log.
    pub(crate) async fn open(&self) -> Result<Option<State>, DeltaTableError> {
        match DeltaTableState::try_new(self.store.as_ref(), None).await {
            Ok(delta) => Ok(Some(State::of(delta, &Live::default(), None))),
            Err(DeltaTableError::NotATable(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Goes on to the newest version.
    pub(crate) async fn refresh(&self, state: &mut State) -> Result<(), DeltaTableError> {
        while let Some(bytes) = self.store.read_commit_entry(state.next()).await? {
            match get_actions(state.next(), &bytes) {
                Ok(actions) if says_files_alone(&actions, &state.delta) => state.go_on(actions),
                // Also what this program does not know, which the library may.
                _ => self.reload(state).await?,
            }
        }
        // Commits are cleaned away behind a checkpoint alone.
        state.checkpoint = self.newest_checkpoint().await?;
        if state.checkpoint.is_some_and(|checkpoint| checkpoint.version > state.live.version()) {
            self.reload(state).await?;
        }
        Ok(())
    }

    /// Tries to commit the next version after `state`, which becomes that version.
    pub(crate) async fn try_commit(
        &self,
        state: &mut State,
        actions: Vec<Action>,
        operation: DeltaOperation,
    ) -> Result<(), Failure> {
        let version = state.next();
        PROTOCOL.can_commit(&state.delta, &actions, &operation)?;
        let transaction = Transaction::new(APPLICATION, i64::try_from(version).unwrap_or(i64::MAX));
        let data = CommitData::new(actions, operation, HashMap::new(), vec![transaction]);
        let bytes = data.get_bytes()?;
        step("log.commit");
        match self.store.write_commit_entry(version, CommitOrBytes::LogBytes(bytes.clone()), Uuid::new_v4()).await {
            // A request whose answer was lost is made again, and then finds the commit that it has made itself.
            Err(TransactionError::VersionAlreadyExists(_)) if self.has(version, &bytes).await? => {}
            other => other?,
        }
        step("log.committed");
        // From here on the change is in the log, whatever becomes of checkpoint and clean-up.
        if says_files_alone(&data.actions, &state.delta) {
            state.go_on(data.actions);
        } else {
            self.reload(state).await?;
        }
        if is_checkpoint_due(version, state.checkpoint)
            && let Err(error) = self.tidy(state).await
        {
            tracing::warn!(table = self.name, version, %error, "could not tidy up the log after a commit");
        }
        step("log.tidied");
        Ok(())
    }

    /// Whether a version of the log is just these bytes. No two commits are: they name their files, and their time.
    async fn has(&self, version: Version, bytes: &[u8]) -> Result<bool, DeltaTableError> {
        Ok(self.store.read_commit_entry(version).await?.is_some_and(|found| found == bytes))
    }

    /// Writes a checkpoint, and takes away the commits that have expired behind one.
    async fn tidy(&self, state: &mut State) -> Result<(), DeltaTableError> {
        state.delta.update(self.store.as_ref(), Some(state.live.version())).await?;
        let mut table = DeltaTable::new(self.store());
        table.state = Some(state.delta.clone());
        create_checkpoint(&table, None).await?;
        if cleanup_metadata(&table, None).await? > 0 {
            self.reload(state).await?;
        }
        Ok(())
    }

    /// The files that were taken out of the table, and when. A file that is put in again is not among them.
    pub(crate) async fn removed(&self, state: &mut State) -> Result<HashMap<String, Timestamp>, DeltaTableError> {
        self.reload(state).await?;
        let removed = state.delta.all_tombstones(self.store.as_ref()).map_ok(|file| {
            let at = file.deletion_timestamp().and_then(Timestamp::from_timestamp_millis);
            (file.path().into_owned(), at.unwrap_or_default())
        });
        removed.try_collect().await
    }

    async fn reload(&self, state: &mut State) -> Result<(), DeltaTableError> {
        let delta = DeltaTableState::try_new(self.store.as_ref(), None).await?;
        *state = State::of(delta, &state.live, state.checkpoint);
        Ok(())
    }

    /// The newest checkpoint, as far as the log says.
    async fn newest_checkpoint(&self) -> Result<Option<Checkpoint>, DeltaTableError> {
        match self.store.object_store(None).get(&Path::from(HINT)).await {
            Ok(found) => Ok(serde_json::from_slice(&found.bytes().await?).ok()),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl State {
    fn of(delta: DeltaTableState, before: &Live, checkpoint: Option<Checkpoint>) -> Self {
        let data = delta.log_data();
        #[expect(deprecated, reason = "nothing else hands out a file's tags")]
        let files = data.iter().map(|view| view.add_action());
        let live = Arc::new(Live::of(delta.version(), files, before));
        Self { delta, live, checkpoint }
    }

    fn next(&self) -> Version {
        self.live.version() + 1
    }

    fn go_on(&mut self, actions: Vec<Action>) {
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        for action in actions {
            match action {
                Action::Add(add) => added.push(add),
                Action::Remove(remove) => removed.push(remove.path),
                _ => {}
            }
        }
        Arc::make_mut(&mut self.live).go_on(removed, added);
    }
}

/// Whether a checkpoint is to be written behind a commit. Where that fails, or several writers come to it while one is
/// at it, the next turn is as many commits later again.
fn is_checkpoint_due(version: Version, newest: Option<Checkpoint>) -> bool {
    let since = (version + 1).saturating_sub(newest.map_or(0, |checkpoint| checkpoint.version + 1));
    let bytes = newest.map_or(0, |checkpoint| checkpoint.size_in_bytes);
    since > 0 && since.is_multiple_of(CHECKPOINT_INTERVAL.max(bytes / BYTES_A_COMMIT))
}

/// Whether a commit changes nothing but which files are live. One that moves rows says the metadata again, see [`crate::table`].
fn says_files_alone(actions: &[Action], delta: &DeltaTableState) -> bool {
    actions.iter().all(|action| match action {
        Action::Add(add) => add.deletion_vector.is_none(),
        Action::Metadata(metadata) => metadata == delta.metadata(),
        Action::Remove(_) | Action::Txn(_) | Action::CommitInfo(_) | Action::Cdc(_) => true,
        _ => false,
    })
}

impl From<TransactionError> for Failure {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::VersionAlreadyExists(_) => Self::Conflict,
            error => Self::Other(error.into()),
        }
    }
}

impl From<DeltaTableError> for Failure {
    fn from(error: DeltaTableError) -> Self {
        match error {
            DeltaTableError::VersionAlreadyExists(_) => Self::Conflict,
            error => Self::Other(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_waits_the_longer_the_more_it_says() {
        let of = |version, size_in_bytes| Some(Checkpoint { version, size_in_bytes });
        for (newest, due) in [
            (None, vec![9, 19, 29]),
            (of(9, 0), vec![19, 29]),
            (of(9, 640 << 10), vec![19, 29]),
            (of(9, 1 << 20), vec![25]),
            // Another writer wrote it at a version of its own choice, or after this one had looked.
            (of(13, 0), vec![23]),
            (of(40, 0), vec![]),
        ] {
            let found: Vec<_> = (0..30).filter(|version| is_checkpoint_due(*version, newest)).collect();
            assert_eq!(found, due, "{newest:?}");
        }
        assert!(is_checkpoint_due(169, of(9, 10 << 20)));
    }

    #[test]
    fn what_others_say_of_a_checkpoint_may_be_little() {
        let read = |json: &str| serde_json::from_str::<Checkpoint>(json).ok();
        assert_eq!(read(r#"{"version":7,"size":3}"#), Some(Checkpoint { version: 7, size_in_bytes: 0 }));
        assert_eq!(read("{"), None);
    }
}
