//! Damaged files: none of them gives fewer messages than it should without saying so.

use std::path::PathBuf;

use chat::Reason;
use decode::{FileError, Limits};

use crate::harness::{Decoded, decode, gzip, samples};

#[test]
fn a_file_cut_at_any_byte_is_an_error() {
    let packed = gzip(&samples());
    assert!(decode(&*packed, Limits::default()).is_ok());
    for cut in 1..packed.len() {
        let error = decode(&packed[..cut], Limits::default()).unwrap_err();
        assert!(matches!(error, FileError::Truncated { packed, .. } if packed == cut as u64), "{cut}: {error}");
    }
}

#[test]
fn a_second_member_cut_at_any_byte_is_an_error() {
    let (first, second) = (gzip(b"{\"msg_id\":\"1\"}\n"), gzip(b"{\"msg_id\":\"2\"}\n"));
    for cut in 1..second.len() {
        let bytes = [&*first, &[0; 9], &second[..cut]].concat();
        assert!(decode(&*bytes, Limits::default()).is_err(), "{cut}");
    }
}

#[test]
fn a_flipped_bit_is_an_error_or_of_no_consequence() {
    let text = &samples()[..2000];
    let packed = gzip(text);
    let whole = decode(&*packed, Limits::default()).unwrap();
    for place in 0..packed.len() * 8 {
        let mut bytes = packed.clone();
        bytes[place / 8] ^= 1 << (place % 8);
        if let Ok(decoded) = decode(&*bytes, Limits::default()) {
            assert_eq!(decoded, whole, "bit {place}");
            assert!(place < 80, "only the time, the name and such of a header may change");
        }
    }
}

#[test]
fn an_error_stays_an_error() {
    let packed = gzip(&samples());
    let mut decoder = decode::Decoder::new(&packed[..packed.len() - 4], crate::harness::origin(), Limits::default());
    let mut errors = 0;
    for _ in 0..100 {
        match decoder.next_batch() {
            Ok(Some(_)) => assert_eq!(errors, 0),
            Ok(None) => panic!("a cut file has no end"),
            Err(_) => errors += 1,
        }
    }
    assert!(errors > 90);
}

#[test]
fn a_reader_that_fails_is_named() {
    struct Failing;
    impl std::io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let error = decode(Failing, Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "the file could not be read at byte 0");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the disk is gone");
}

#[test]
fn the_unpacked_size_is_bounded() {
    let bomb = gzip(&vec![b'\n'; 10_000_000]);
    let limits = Limits { unpacked: 9_999_999, ..Limits::default() };
    assert!(matches!(decode(&*bomb, limits), Err(FileError::TooLarge { limit: 9_999_999 })));
    let limits = Limits { unpacked: 10_000_000, ..Limits::default() };
    assert_eq!(decode(&*bomb, limits).unwrap().blank_lines, 10_000_000);
}

fn damaged(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/damaged")).join(name)
}

fn open(name: &str) -> Result<Decoded, FileError> {
    decode(std::fs::File::open(damaged(name)).unwrap(), Limits::default())
}

/// Files of `data/damaged` that hold lines: their messages, the reasons of their dead letters, their blank lines.
const WHOLE: [(&str, usize, &[Reason], u64); 13] = [
    ("blank.gz", 2, &[], 3),
    ("broken-lines.gz", 2, &[Reason::Incomplete, Reason::Syntax, Reason::NotAnObject], 0),
    ("byte-order-mark.gz", 2, &[], 0),
    ("carriage-return.gz", 2, &[], 0),
    ("empty", 0, &[], 0),
    ("glued.gz", 3, &[Reason::Syntax], 0),
    ("invalid-utf8.gz", 1, &[Reason::InvalidUtf8], 0),
    ("long-line.gz", 2, &[Reason::TooLong], 0),
    ("members.gz", 3, &[], 0),
    ("nothing.gz", 0, &[], 0),
    ("padded.gz", 2, &[], 0),
    ("plain.ndjson", 2, &[], 0),
    ("spread.gz", 2, &[], 0),
];

#[test]
fn what_can_be_read_is_read() {
    for (name, messages, reasons, blank_lines) in WHOLE {
        let decoded = open(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found: Vec<Reason> = decoded.dead_letters.iter().map(|dead| dead.reason).collect();
        assert_eq!((decoded.messages.len(), &*found, decoded.blank_lines), (messages, reasons, blank_lines), "{name}");
    }
}

/// Files of `data/damaged` that are no good, and what is said of them.
const BAD: [(&str, &str); 6] = [
    ("checksum.gz", "the file is damaged at byte"),
    ("cut.gz", "the file is cut short at byte"),
    ("error.xml", "the file is neither gzip nor JSON lines"),
    ("junk-behind.gz", "there is something after the last gzip member"),
    ("page.html", "the file is neither gzip nor JSON lines"),
    ("tail-cut.gz", "the file is cut short at byte"),
];

#[test]
fn what_cannot_be_read_is_refused() {
    for (name, said) in BAD {
        let error = open(name).expect_err(name).to_string();
        assert!(error.contains(said), "{name}: {error}");
        assert!(!error.contains("msg"), "no text of the file is shown: {error}");
    }
}

/// Whether something on its way has unpacked it makes no difference.
#[test]
fn lines_that_were_not_packed_are_read_as_packed_ones() {
    for text in ["broken\n{\"msg_id\":\"1\"}\n", "\n\n\n", "\"}\n\n{\"msg_id\":\"1\"}\n{\"msg_id\"\n", "\u{feff}\n{}"] {
        let found = |bytes: &[u8]| {
            let decoded = decode(bytes, Limits::default()).unwrap();
            let reasons: Vec<Reason> = decoded.dead_letters.iter().map(|dead| dead.reason).collect();
            (decoded.messages.len(), reasons, decoded.blank_lines)
        };
        assert_eq!(found(text.as_bytes()), found(&gzip(text.as_bytes())), "{text}");
    }
}

#[test]
fn no_file_is_forgotten() {
    let known: Vec<&str> =
        WHOLE.iter().map(|row| row.0).chain(BAD.iter().map(|row| row.0)).chain(["README.md"]).collect();
    for entry in std::fs::read_dir(damaged("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name.as_str()), "{name} has no row");
    }
}
