//! How a part is cut into reads, members and batches never changes the answer.

use decode::Limits;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::harness::{Decoded, Drip, decode, gzip, samples};

/// Pieces of which odd files are made.
const PIECES: [&[u8]; 28] = [
    b"\n",
    b"\n",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b"\r",
    b"\x0c",
    b"\xef\xbb\xbf",
    b"\xef\xbb",
    b"{}",
    br#"{"msg_id":"1","payload":{"bodies":[{"type":"txt","msg":"\u0000 \ud800 \n"}]}}"#,
    "{\"msg_id\":\"2\",\"x\":\"码头 🚢\"}".as_bytes(),
    b"{\"msg_id\":\"3\",\"msg_id\":\"4\"}",
    b"{\"a\":\n[1,\n2]\n}",
    b"{\"a\":",
    b"{\"a\":[",
    b"{\"a",
    b"]",
    b"}",
    b",",
    b"\"",
    b"1",
    b"nul",
    b"junk",
    b"\xff",
    b"[[[[[[[[[[[[",
    b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

fn limits() -> Limits {
    Limits { line: 100, depth: 8, ..Limits::default() }
}

/// Every line is accounted for, once.
fn check_conserved(decoded: &Decoded) {
    let messages = decoded.messages.iter().map(|message| message.position.line);
    let mut lines: Vec<u64> = messages.chain(decoded.dead_letters.iter().map(|dead| dead.position.line)).collect();
    lines.sort_unstable();
    assert!(lines.windows(2).all(|pair| pair[0] < pair[1]), "one row at most for a line");
    assert!(lines.last().is_none_or(|last| *last <= decoded.lines));
    assert_eq!(lines.len() as u64 + decoded.blank_lines, decoded.lines);
}

#[test]
fn one_byte_at_a_time_is_the_same() {
    let packed = gzip(&samples());
    let whole = decode(&*packed, Limits::default()).unwrap();
    assert_eq!(decode(Drip::new(&packed, &[1]), Limits::default()).unwrap(), whole);
    let plain = samples();
    assert_eq!(decode(Drip::new(&plain, &[1]), Limits::default()).unwrap(), whole);
    for batch_bytes in [1, 100, 5000] {
        for batch_messages in [1, 7] {
            let limits = Limits { batch_bytes, batch_messages, ..Limits::default() };
            assert_eq!(decode(&*packed, limits).unwrap(), whole);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_cut_changes_the_answer(
        pieces in vec(select(PIECES.to_vec()), 0..40),
        cuts in vec(any::<prop::sample::Index>(), 0..4),
        sizes in vec(1..40_usize, 1..5),
        batch_bytes in 1..300_usize,
        batch_messages in 1..5_usize,
    ) {
        let text = pieces.concat();
        let whole = decode(&*gzip(&text), limits()).unwrap();
        check_conserved(&whole);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).chain([text.len()]).collect();
        ends.sort_unstable();
        let starts = std::iter::once(&0).chain(&ends);
        let members: Vec<u8> = starts.zip(&ends).flat_map(|(start, end)| gzip(&text[*start..*end])).collect();
        let narrow = Limits { batch_bytes, batch_messages, ..limits() };
        prop_assert_eq!(decode(Drip::new(&members, &sizes), narrow).unwrap(), whole);
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(decoded) = decode(&*bytes, limits()) {
            check_conserved(&decoded);
        }
        check_conserved(&decode(&*gzip(&bytes), limits()).unwrap());
    }
}
