//! What holds of any bytes. Each function panics where it does not.
//!
//! These are the bodies of the fuzz targets in `fuzz/`. They stand here so that an ordinary test makes the same calls, on
//! what the fuzzer found and on the samples.

mod exact;
mod part;

use chat::{App, Hour, Message, Position};

use self::exact::Json;
use self::part::{Decoded, check_length, in_pieces, packed};
use crate::fingerprint::{fingerprint, value_fingerprint};
use crate::json::{Scanner, Value};
use crate::limits::Limits;
use crate::unpack::MAGIC;
use crate::{meaning, plain};

/// All that the fuzzer makes is one batch. The batches are small because each decoder zeroes the room for one, which would
/// be most of the work.
const WIDE: Limits =
    Limits { line: 16 << 20, unpacked: 64 << 30, depth: 128, batch_messages: 4096, batch_bytes: 16 << 10 };
/// What the fuzzer makes runs into these.
const NARROW: Limits = Limits { line: 100, depth: 6, ..WIDE };

/// The bytes are a part, as they are and packed: in which pieces it is read and handed out does not matter, every line is
/// accounted for once, dead letters stand where they say, and the limits are kept.
pub fn decode(bytes: &[u8]) {
    // What begins like gzip would be unpacked once more.
    let packed = Some(packed(bytes)).filter(|_| !bytes.starts_with(&MAGIC));
    for (limits, piece) in [(WIDE, 1), (NARROW, 13)] {
        let served = in_pieces(bytes, limits, piece);
        if let Some(packed) = &packed {
            let text = in_pieces(packed, limits, piece).expect("what was packed is whole");
            text.check_offsets(bytes);
            assert!(
                served.is_err() || served.is_ok_and(|served| served == text),
                "a text is the same when it is packed"
            );
        }
    }
    if let Some(packed) = &packed {
        check_length(bytes.len() as u64, packed);
    }
}

/// Each line that is a record comes back: its JSON value from the columns, and the columns from that.
pub fn rebuild(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        for app in [None, Some(app())] {
            if let Some((record, message)) = whole_record(line, app.clone()) {
                check_rebuilt(record, &message, app);
            }
        }
    }
}

/// The record that the bytes begin with says the same when it is read the short way and the general one. Returns whether
/// the short way is open to it.
pub fn both_ways(bytes: &[u8]) -> bool {
    let Some((plain, end)) = plain::scan(bytes, &mut Scanner::new(WIDE.depth)) else { return false };
    let mut tape = Vec::new();
    assert_eq!(Scanner::new(WIDE.depth).scan(bytes, &mut tape), Ok(end), "both see the same end");
    let Ok(record) = std::str::from_utf8(&bytes[..end]) else { return true };
    for app in [None, Some(app())] {
        let short = plain.message(record, position());
        let mut general = Message::at(position());
        meaning::read(Value::whole(record, &tape), app.as_ref(), &mut general);
        assert_eq!(short, general, "{record}");
    }
    true
}

fn app() -> App {
    "harbor-org#lantern".parse().expect("an app's key has this form")
}

fn hour() -> Hour {
    "2026031409".parse().expect("an hour has this form")
}

fn position() -> Position {
    Position { source_hour: hour(), part: 0, line: 1 }
}

/// The record that a line is, and its message; nothing when there is more on the line, or less.
fn whole_record(line: &[u8], app: Option<App>) -> Option<(&str, Message<'static>)> {
    let decoded = Decoded::of(line, app, WIDE).ok()?;
    let [message] = decoded.messages.try_into().ok().filter(|_| decoded.lines == 1)?;
    // What JSON does not know as white space, and the decoder lets pass about a record.
    let around = ['\u{feff}', ' ', '\t', '\r', '\u{b}', '\u{c}'];
    let record = std::str::from_utf8(line).expect("a message is UTF-8").trim_matches(around);
    Some((record, message))
}

fn check_rebuilt(record: &str, message: &Message<'_>, app: Option<App>) {
    let rebuilt = crate::rebuild(message).expect("what the decoder wrote can be rebuilt");
    assert_eq!(Json::parse(&rebuilt), Json::parse(record), "\nserved:  {record}\nrebuilt: {rebuilt}");
    let (_, again) = whole_record(rebuilt.as_bytes(), app).expect("what was rebuilt is a record");
    assert_eq!(again, *message, "\nserved:  {record}\nrebuilt: {rebuilt}");
    assert_eq!(fingerprint(&again), fingerprint(message), "{record}");
    assert_eq!(value_fingerprint(&again), value_fingerprint(message), "{record}");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::body::SIZE;
    use crate::record::Level;

    /// Keys that are read where they stand.
    const OTHERS: [&str; 4] = ["thread", "id", "messageId", "msg_parent_id"];

    fn path(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
    }

    /// What the fuzzer found for a target.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let folder = path("fuzz/corpus").join(target);
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(files.len() > 20, "{target} has a corpus");
        files.iter().map(|file| fs::read(file).unwrap()).collect()
    }

    fn samples() -> Vec<u8> {
        fs::read(path("../../data/samples.ndjson")).unwrap()
    }

    #[test]
    fn what_was_found_is_decoded_alike_in_all_pieces() {
        corpus("decode").iter().for_each(|bytes| decode(bytes));
        decode(&samples());
        for file in fs::read_dir(path("../../data/damaged")).unwrap() {
            decode(&fs::read(file.unwrap().path()).unwrap());
        }
    }

    #[test]
    fn what_was_found_comes_back() {
        corpus("rebuild").iter().for_each(|bytes| rebuild(bytes));
        rebuild(&samples());
    }

    #[test]
    fn what_was_found_is_read_alike_both_ways() {
        let found = corpus("both_ways").iter().filter(|bytes| both_ways(bytes)).count();
        let samples = samples().split(|byte| *byte == b'\n').filter(|line| both_ways(line)).count();
        assert!(found >= 20 && samples >= 28, "the short way is open to {found} and {samples}");
    }

    #[test]
    fn the_dictionary_has_every_key() {
        let dictionary = fs::read_to_string(path("fuzz/keys.dict")).unwrap();
        let (keys, _words) = dictionary.split_once("\n# Words.\n").unwrap();
        let listed = keys.lines().filter_map(|line| line.strip_prefix("\"\\\"")?.strip_suffix("\\\"\""));
        let fields = Level::ALL.into_iter().flat_map(Level::fields).map(|(_, name)| *name);
        let known: BTreeSet<&str> = fields.chain(SIZE).chain(OTHERS).collect();
        assert_eq!(listed.collect::<BTreeSet<_>>(), known);
    }
}
