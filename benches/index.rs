//! Messages to the full-text index: `cargo bench -- index`.

use chat::Sink as _;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

use crate::input::INPUT;

/// Decoding and indexing, into an empty folder each time.
#[divan::bench(sample_count = 10)]
fn take_in(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(&INPUT.lines))
        .counter(ItemsCount::new(INPUT.counts.messages))
        .with_inputs(|| tempfile::tempdir().expect("a temporary folder"))
        .bench_local_values(|folder| {
            let catalogue = index::Catalogue::open(folder.path(), index::Settings::default()).expect("an empty folder");
            let mut writer = catalogue.take_in(INPUT.hour, "1").expect("nobody else writes");
            let mut decoder = decode::Decoder::new(INPUT.lines.as_slice(), INPUT.origin(), decode::Limits::default());
            while let Some(batch) = decoder.next_batch().expect("the input is sound") {
                writer.write(&batch.messages).expect("the folder takes every write");
            }
            writer.finish().expect("the folder takes every write")
        });
}
