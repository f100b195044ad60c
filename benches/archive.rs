//! Messages to a Parquet file: `cargo bench -- archive`.

use chat::{Message, Sink as _};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

use crate::input::INPUT;

/// Sorting, encoding and compressing; the messages are in memory.
#[divan::bench]
fn write(bencher: Bencher<'_, '_>) {
    let messages = messages();
    bencher.counter(BytesCount::of_slice(&INPUT.lines)).counter(ItemsCount::new(messages.len())).bench_local(|| {
        let settings = archive::Settings::default();
        let mut writer = archive::Writer::new(Vec::new(), tempfile::tempfile, settings).expect("the settings hold");
        for batch in messages.chunks(4096) {
            writer.write(batch).expect("memory takes every write");
        }
        writer.finish().expect("memory takes every write").out.len()
    });
}

fn messages() -> Vec<Message<'static>> {
    let mut decoder = decode::Decoder::new(INPUT.lines.as_slice(), INPUT.origin(), decode::Limits::default());
    let mut messages = Vec::new();
    while let Some(batch) = decoder.next_batch().expect("the input is sound") {
        messages.extend(batch.messages.into_iter().map(Message::into_owned));
    }
    messages
}
