//! What an hour costs when the archive has many: `cargo bench --bench growth`, or with a number of hours, `-- 20000`, and
//! with a folder where the archive stays, and grows further the next time, `-- 20000 /tmp/grown`.
//!
//! Small hours are published one after the other into one archive, and each day is compacted when it is over, as a run
//! does it. Printed are, at some sizes, the time of the last hours, as median and as mean (which has the checkpoints and
//! merges that some of them come to), that of the last compactions, what a fresh handle needs to open the archive and to
//! read its ledger, and the files: those of `messages` that are live, and all in the folders of the tables.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::{Settings, Writer};
use chat::{Entry, Hour, Message, Position, Sink as _, State, Tally, Timestamp};
use store::{Access, Archive, Clock, Compaction, Mode, Publication};

/// The sizes that are looked at.
const SIZES: [i64; 6] = [100, 1_000, 2_500, 5_000, 10_000, 20_000];
/// Hours whose median is a figure.
const LAST: usize = 50;
/// Hours whose mean is one: as many as the ledger puts together at least once.
const MANY: usize = 250;
/// Compactions whose median is one.
const DAYS: usize = 10;
/// Hours that lie as files of their own until their day is closed: three days, as long as the service keeps them.
const OPEN: i64 = 72;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let most = arguments.first().map_or(20_000, |number| number.parse().expect("a number of hours"));
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    if let Some(folder) = arguments.get(1) {
        runtime.block_on(grow(Path::new(folder), most));
    } else {
        let folder = tempfile::tempdir().expect("a temporary folder");
        runtime.block_on(grow(folder.path(), most));
    }
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
async fn grow(root: &Path, most: i64) {
    println!("hours  publish_ms  publish_mean_ms  compact_ms  open_ms  open_and_ledger_ms  live_files  files");
    let archive = Archive::open(root, Access::Create, clock()).await.expect("an empty folder");
    let compaction = Compaction { file_bytes: 256 << 20, settings: Settings::default() };
    let (mut published, mut compacted) = (Vec::new(), Vec::new());
    let there = archive.entries().await.expect("the ledger can be read").len();
    for number in i64::try_from(there).expect("it is small") + 1..=most {
        let began = Instant::now();
        let publication = publication(&archive, hour(number));
        archive.publish(publication, Mode::New).await.expect("the archive is ours");
        published.push(began.elapsed());
        if number > OPEN && number % 24 == 0 {
            let began = Instant::now();
            archive.compact(hour(number - OPEN), compaction).await.expect("the archive is ours");
            compacted.push(began.elapsed());
        }
        if SIZES.contains(&number) || number == most {
            let live = archive.snapshot().await.expect("the log can be read").files().len();
            let files = ["messages", "dead_letters", "hours"].map(|table| files_in(&root.join(table)));
            let (open, ledger) = opened(root).await;
            println!(
                "{number:5}  {:10.1}  {:15.1}  {:10.1}  {open:7.1}  {ledger:18.1}  {live:10}  {:5}",
                median(&published, LAST),
                mean(&published, MANY),
                median(&compacted, DAYS),
                files.iter().sum::<usize>(),
            );
        }
    }
}

/// How many files are in a folder and those below it.
fn files_in(folder: &Path) -> usize {
    let entries =
        std::fs::read_dir(folder).expect("it is a folder").map(|entry| entry.expect("it can be listed").path());
    entries.map(|path| if path.is_dir() { files_in(&path) } else { 1 }).sum()
}

/// Milliseconds that a fresh handle needs, without and with a look at every hour; the best of five.
async fn opened(root: &Path) -> (f64, f64) {
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        let began = Instant::now();
        let archive = Archive::open(root, Access::Existing, clock()).await.expect("it is an archive");
        best.0 = best.0.min(began.elapsed());
        archive.entries().await.expect("the ledger can be read");
        best.1 = best.1.min(began.elapsed());
    }
    (millis(best.0), millis(best.1))
}

fn median(times: &[Duration], of_last: usize) -> f64 {
    let mut last = times[times.len().saturating_sub(of_last)..].to_vec();
    last.sort_unstable();
    last.get(last.len() / 2).copied().map_or(0.0, millis)
}

fn mean(times: &[Duration], of_last: usize) -> f64 {
    let last = &times[times.len().saturating_sub(of_last)..];
    last.iter().copied().map(millis).sum::<f64>() / last.len() as f64
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn clock() -> Clock {
    Arc::new(|| std::time::SystemTime::now().into())
}

fn hour(number: i64) -> Hour {
    Hour::from_key("2024010100").expect("ten digits").plus(number)
}

fn publication(archive: &Archive, hour: Hour) -> Publication {
    const MESSAGES: u64 = 20;
    let spill = archive.clone();
    let out = archive.stage_file().expect("the folder can be written");
    let mut writer = Writer::new(out, move || spill.spill_file(), Settings::default()).expect("it is a file");
    let rows: Vec<_> = (1..=MESSAGES).map(|line| message(hour, line)).collect();
    writer.write(&rows).expect("rows fit");
    let written = writer.finish().expect("rows fit");
    let entry = Entry {
        sha256: vec![format!("{:064x}", hour.number())],
        tally: Tally { lines: MESSAGES, messages: MESSAGES, ..Tally::default() },
        min_sent_at: written.min_sent_at,
        max_sent_at: written.max_sent_at,
        source: "fetch".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Entry::new(hour, std::time::SystemTime::now().into(), State::Done)
    };
    Publication { entry, messages: Some((written.out, written.statistics, written.rows)), dead_letters: None }
}

fn message(hour: Hour, line: u64) -> Message<'static> {
    let millis = hour.start().timestamp_millis() + i64::try_from(line).expect("it is small");
    Message {
        msg_id: Some(format!("{}{line:04}", hour.number()).into()),
        sent_at: Timestamp::from_timestamp_millis(millis),
        text: Some(format!("The tide turns for the {line}th time.").into()),
        ..Message::at(Position { source_hour: hour, part: 0, line })
    }
}
