//! Reading the tables of an archive directly, beside the program.

use std::path::Path;
use std::sync::Arc;

use chat::{Message, Timestamp};
use futures::TryStreamExt as _;
use store::{Access, Archive};

/// Every row of `messages`, sorted by where it stood.
pub(crate) fn messages(archive: &Path) -> Vec<Message<'static>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(|| -> Timestamp { std::time::SystemTime::now().into() });
        let archive = Archive::open(archive, Access::Existing, clock).await.unwrap();
        let snapshot = archive.snapshot().await.unwrap();
        let mut rows = Vec::new();
        for file in snapshot.files() {
            let batches = archive::read_all(snapshot.reader(file)).await.unwrap();
            rows.extend(batches.try_concat().await.unwrap());
        }
        rows.sort_by_key(|row: &Message<'_>| row.position);
        rows
    })
}

/// How many Parquet files the promised glob `messages/date=*/*.parquet` meets.
pub(crate) fn data_files(archive: &Path) -> usize {
    let messages = archive.join("messages");
    if !messages.exists() {
        return 0;
    }
    crate::scene::files_below(&messages)
        .iter()
        .filter(|path| !path.starts_with("_delta_log") && path.extension().is_some_and(|it| it == "parquet"))
        .count()
}
