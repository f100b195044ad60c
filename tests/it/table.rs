//! Reading the tables of an archive directly, beside the program.

use std::path::Path;
use std::sync::Arc;

use chat::{DeadLetter, Message, Sink as _, Timestamp};
use futures::TryStreamExt as _;
use store::{Access, Archive, Mode, Publication};

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

/// What the tables hold of one hour.
pub(crate) struct Hour {
    /// Its messages, sorted by where they stood.
    pub(crate) messages: Vec<Message<'static>>,
    /// Its dead letters, the same.
    pub(crate) letters: Vec<DeadLetter<'static>>,
}

/// Publishes the one hour of an archive with other rows, and with what the ledger said of it before.
pub(crate) fn rewrite(archive: &Path, change: impl FnOnce(&mut Hour)) {
    let mut hour = Hour { messages: messages(archive), letters: Vec::new() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(|| -> Timestamp { std::time::SystemTime::now().into() });
        let archive = Archive::open(archive, Access::Existing, clock).await.unwrap();
        let entry = archive.entries().await.unwrap().into_values().next().unwrap();
        hour.letters = archive.dead_letters(Some(entry.hour)).await.unwrap();
        change(&mut hour);
        let spill = archive.clone();
        let settings = archive::Settings::default();
        let mut rows =
            archive::Writer::new(archive.stage_file().unwrap(), move || spill.spill_file(), settings).unwrap();
        rows.write(&hour.messages).unwrap();
        let rows = rows.finish().unwrap();
        let mut letters = archive::DeadLetterWriter::new(archive.stage_file().unwrap(), settings).unwrap();
        letters.write(&hour.letters).unwrap();
        let letters = letters.finish().unwrap();
        let mode = Mode::Replace(entry.files.clone());
        let publication = Publication {
            entry,
            messages: Some((rows.out, rows.statistics, rows.rows)),
            dead_letters: Some((letters.out, letters.rows)),
        };
        archive.publish(publication, mode).await.unwrap();
    });
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
