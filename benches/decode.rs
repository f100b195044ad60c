//! Bytes of an hour file to messages: `cargo bench -- decode`.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

use crate::input::INPUT;

/// Unpacking, framing and reading.
#[divan::bench]
fn packed(bencher: Bencher<'_, '_>) {
    decode_all(bencher, &INPUT.packed);
}

/// Framing and reading alone.
#[divan::bench]
fn unpacked(bencher: Bencher<'_, '_>) {
    decode_all(bencher, &INPUT.lines);
}

/// The same lines with a member that nobody knows, so that none of them takes the short way of ordinary messages.
#[divan::bench]
fn unpacked_odd(bencher: Bencher<'_, '_>) {
    let mut odd = Vec::with_capacity(INPUT.lines.len() * 2);
    for line in INPUT.lines.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(b"{") {
            Some(members) => odd.extend([&b"{\"schema\":2,"[..], members].concat()),
            None => odd.extend_from_slice(line),
        }
    }
    decode_all(bencher, &odd);
}

fn decode_all(bencher: Bencher<'_, '_>, bytes: &[u8]) {
    bencher
        .counter(BytesCount::of_slice(&INPUT.lines))
        .counter(ItemsCount::new(INPUT.counts.messages))
        .bench_local(|| count(bytes));
}

fn count(bytes: &[u8]) -> usize {
    let mut decoder = decode::Decoder::new(bytes, INPUT.origin(), decode::Limits::default());
    let mut messages = 0;
    while let Some(batch) = decoder.next_batch().expect("the input is sound") {
        messages += batch.messages.len();
    }
    messages
}
