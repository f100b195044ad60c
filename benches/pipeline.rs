//! A whole hour, from the file on disk to published rows and documents: `cargo bench -- pipeline`.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::{Arc, LazyLock};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use ingest::{Habits, Settings, Settled, Workshop};
use store::{Access, Archive};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::input::INPUT;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("threads can be started"));

/// Tables and index, as `annals load` does it.
#[divan::bench(sample_count = 10)]
fn with_index(bencher: Bencher<'_, '_>) {
    load(bencher, true);
}

/// Tables alone, as `annals load --no-index` does it.
#[divan::bench(sample_count = 10)]
fn without_index(bencher: Bencher<'_, '_>) {
    load(bencher, false);
}

fn load(bencher: Bencher<'_, '_>, indexed: bool) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("2026031409.gz");
    std::fs::write(&file, &INPUT.packed).expect("the folder takes a file");
    bencher
        .counter(BytesCount::of_slice(&INPUT.lines))
        .counter(ItemsCount::new(INPUT.counts.messages))
        .with_inputs(|| RUNTIME.block_on(workshop(indexed)))
        .bench_local_values(|(folder, workshop)| {
            let files = BTreeMap::from([(INPUT.hour, vec![file.clone()])]);
            let report =
                RUNTIME.block_on(workshop.load(files, Settled::Keep, &|_, _| ())).expect("the archive is ours");
            assert_eq!(report.tally.messages, INPUT.counts.messages);
            folder
        });
}

async fn workshop(indexed: bool) -> (TempDir, Workshop) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clock: ingest::Clock = Arc::new(|| std::time::SystemTime::now().into());
    let archive = Archive::open(folder.path(), Access::Create, clock.clone()).await.expect("an empty folder");
    let catalogue = indexed.then(|| {
        index::Catalogue::open(&archive.root().join("index"), index::Settings::default()).expect("an empty folder")
    });
    let settings = Settings {
        archive: archive::Settings::default(),
        decode: decode::Limits::default(),
        habits: Habits::default(),
        workers: NonZero::<usize>::MIN,
        second_run: ingest::SecondRun::Wait,
        zone: None,
    };
    let (spare, stop) = (archive::Spare::default(), Default::default());
    let workshop = Workshop { archive, catalogue, app: None, clock, settings, spare, stop, version: "bench" };
    (folder, workshop)
}
