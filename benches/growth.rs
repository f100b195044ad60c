//! What an hour costs when the archive has many: `cargo bench --bench growth`, or with a number of hours, `-- 20000`.
//!
//! Small hours are published one after the other into one archive, and each day is compacted when it is over, as a run
//! does it. Printed are, at some sizes, the median time of the last hours, what a fresh handle needs to open the archive
//! and to read its ledger, and the files that are live then.

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
/// Hours that lie as files of their own until their day is closed: three days, as long as the service keeps them.
const OPEN: i64 = 72;

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() {
    let most = std::env::args().filter_map(|argument| argument.parse().ok()).next_back().unwrap_or(20_000);
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let folder = tempfile::tempdir().expect("a temporary folder");
    println!("hours  publish_ms  compact_ms  open_ms  open_and_ledger_ms  files");
    runtime.block_on(grow(folder.path(), most));
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
async fn grow(root: &Path, most: i64) {
    let archive = Archive::open(root, Access::Create, clock()).await.expect("an empty folder");
    let compaction = Compaction { file_bytes: 256 << 20, settings: Settings::default() };
    let (mut published, mut compacted) = (Vec::new(), Vec::new());
    for number in 1..=most {
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
            let files = archive.snapshot().await.expect("the log can be read").files().len();
            let (open, ledger) = opened(root).await;
            let (publish, compact) = (median(&published, LAST), median(&compacted, 10));
            println!("{number:5}  {publish:10.1}  {compact:10.1}  {open:7.1}  {ledger:18.1}  {files:5}");
        }
    }
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
