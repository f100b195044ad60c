//! Generated hours, counted again by a plain reader that shares nothing with the writer.

use std::collections::{BTreeMap, HashSet};

use chat::{App, Hour, MessageId};
use emulator::corpus::{self, Counts, LANDMARKS, Options, Rates};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

fn nine() -> Hour {
    "2026031409".parse().unwrap()
}

fn hour(options: &Options, hour: Hour) -> (Vec<u8>, Counts) {
    let mut bytes = Vec::new();
    let counts = corpus::write_hour(options, hour, &mut bytes).unwrap();
    (bytes, counts)
}

/// Everything often enough to be in one hour.
fn lively() -> Options {
    let rates = Rates {
        duplicates: 10_000,
        reordered: 10_000,
        conflicts: 10_000,
        strays: 10_000,
        blank_lines: 10_000,
        dead_letters: 10_000,
        glued: 10_000,
        swapped: 10_000,
        carriage_returns: 10_000,
        escaped: 10_000,
        odd_shapes: 100_000,
        events: 30_000,
        bom: 500_000,
        unterminated: 500_000,
    };
    Options { messages_per_hour: 5000, rates, ..Options::default() }
}

#[derive(Default)]
struct Reader {
    counts: Counts,
    records: HashSet<String>,
    ids: HashSet<String>,
    glued: u64,
    carriage_returns: u64,
    escaped: u64,
    types: BTreeMap<String, u64>,
    texts: Vec<String>,
}

impl Reader {
    fn read(hour: Hour, bytes: &[u8]) -> Self {
        let mut reader = Self::default();
        reader.counts.bytes = bytes.len() as u64;
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            reader.carriage_returns += u64::from(line.ends_with(b"\r\n"));
            reader.line(hour, line);
        }
        reader
    }

    fn line(&mut self, hour: Hour, line: &[u8]) {
        if line.iter().all(u8::is_ascii_whitespace) {
            self.counts.lines += 1;
            self.counts.blank_lines += 1;
            return;
        }
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_slice(line).into_iter().collect();
        match values {
            Ok(values) if values.iter().all(Value::is_object) => {
                self.glued += u64::from(values.len() > 1);
                self.escaped += u64::from(line.windows(2).any(|pair| pair == b"\\u"));
                values.iter().for_each(|record| self.record(hour, record));
            }
            _ => {
                self.counts.lines += 1;
                self.counts.dead_letters += 1;
            }
        }
    }

    fn record(&mut self, hour: Hour, record: &Value) {
        self.counts.lines += 1;
        if !self.records.insert(record.to_string()) {
            self.counts.duplicates += 1;
            return;
        }
        self.counts.messages += 1;
        let id = record["msg_id"].as_str().unwrap().to_owned();
        let time = &record["timestamp"];
        let millis = time.as_i64().unwrap_or_else(|| time.as_str().unwrap().parse().unwrap());
        let time = chat::Timestamp::from_timestamp_millis(millis).unwrap();
        self.counts.strays += u64::from(Hour::containing(time) != hour);
        self.counts.conflicts += u64::from(!self.ids.insert(id));
        let body = &record["payload"]["bodies"][0];
        let name = body["type"].as_str().unwrap_or("none");
        *self.types.entry(name.to_owned()).or_default() += 1;
        *self.types.entry(record["chat_type"].as_str().unwrap().to_owned()).or_default() += 1;
        if name == "txt" {
            self.texts.push(body["msg"].as_str().unwrap_or_default().to_owned());
        }
    }
}

#[test]
fn a_plain_reader_counts_the_same() {
    for seed in 0..6 {
        let options = Options { seed, ..lively() };
        let (bytes, counts) = hour(&options, nine());
        let reader = Reader::read(nine(), &bytes);
        assert_eq!(reader.counts, counts, "seed {seed}");
        assert!(counts.tally().is_conserved());
        assert_eq!(counts.lines, corpus::lines(&options, nine()));
    }
}

#[test]
fn everything_odd_is_there() {
    let (bytes, counts) = hour(&lively(), nine());
    let reader = Reader::read(nine(), &bytes);
    for (name, count) in [
        ("duplicates", counts.duplicates),
        ("conflicts", counts.conflicts),
        ("strays", counts.strays),
        ("blank lines", counts.blank_lines),
        ("dead letters", counts.dead_letters),
        ("glued", reader.glued),
        ("carriage returns", reader.carriage_returns),
        ("escaped", reader.escaped),
    ] {
        assert!(count > 20, "{name}: {count}");
    }
    for name in [
        "txt",
        "img",
        "audio",
        "video",
        "file",
        "loc",
        "cmd",
        "custom",
        "sticker",
        "chat",
        "groupchat",
        "chatroom",
        "GroupChat",
        "recall",
        "edit",
        "read_ack",
        "delivery_ack",
        "channel_ack",
        "notify",
        "roster",
    ] {
        assert!(reader.types.contains_key(name), "{name}");
    }
}

#[test]
fn without_oddities_each_line_is_one_message_in_order() {
    let options = Options { rates: Rates::NONE, messages_per_hour: 5000, ..Options::default() };
    let (bytes, counts) = hour(&options, nine());
    assert_eq!(counts.messages, counts.lines);
    let text = String::from_utf8(bytes).unwrap();
    let mut last = (0, 0);
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let (time, id) = (record["timestamp"].as_i64().unwrap(), record["msg_id"].as_str().unwrap());
        let number: u64 = id.parse().unwrap();
        assert!((time, number) > last, "{line}");
        last = (time, number);
        assert_eq!(MessageId::new(id).sent_at().unwrap().timestamp_millis(), time);
        assert!(line.starts_with("{\"chat_type\"") || line.starts_with("{\"msg_id\""));
    }
}

#[test]
fn an_hour_is_the_same_bytes_every_time() {
    let options = lively();
    let (first, _) = hour(&options, nine());
    hour(&options, nine().next());
    assert_eq!(hour(&options, nine()).0, first);
    assert_ne!(hour(&Options { seed: 1, ..lively() }, nine()).0, first);
    assert_ne!(hour(&options, nine().plus(24)).0, first);
}

/// Benches and other people's tests rest on this. When the traffic is changed on purpose, so is the number.
#[test]
fn the_default_hour_never_changes_by_accident() {
    let (bytes, _) = hour(&Options::default(), nine());
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "6f9ac2b498109376dd8e328eaf4dfbe10fb86b099d1c73ead76257077fb349a0");
}

#[test]
fn every_day_holds_its_landmarks_once() {
    for options in [Options::default(), Options { messages_per_hour: 1, ..Options::default() }] {
        for day in ["2026031400", "2026112400"] {
            let midnight: Hour = day.parse().unwrap();
            let mut texts = Vec::new();
            for of_day in 0..24 {
                let hour = midnight.plus(of_day);
                let reader = Reader::read(hour, &self::hour(&options, hour).0);
                texts.extend(reader.texts.into_iter().map(|text| (hour.of_day(), text)));
            }
            for (of_day, landmark) in LANDMARKS {
                let found: Vec<_> = texts.iter().filter(|(_, text)| text.contains(landmark)).collect();
                assert_eq!(found, [&(of_day, landmark.to_owned())], "{day}");
            }
        }
    }
}

#[test]
fn people_speak_many_scripts_and_seldom_say_the_same() {
    let (bytes, _) = hour(&Options { messages_per_hour: 10_000, ..Options::default() }, nine());
    let texts = Reader::read(nine(), &bytes).texts;
    for (name, script) in [
        ("Latin", 'a'..='z'),
        ("Han", '一'..='鿿'),
        ("Kana", 'ぁ'..='ヿ'),
        ("Hangul", '가'..='힣'),
        ("Arabic", 'ء'..='ي'),
        ("Thai", 'ก'..='ฮ'),
        ("Cyrillic", 'А'..='я'),
        ("Devanagari", 'अ'..='ह'),
        ("Hebrew", 'א'..='ת'),
        ("emoji", '🌀'..='🫿'),
    ] {
        let count = texts.iter().filter(|text| text.chars().any(|char| script.contains(&char))).count();
        assert!(count > 8, "{name}: {count} of {}", texts.len());
    }
    let distinct: HashSet<_> = texts.iter().filter(|text| text.chars().count() > 12).collect();
    let long = texts.iter().filter(|text| text.chars().count() > 12).count();
    assert!(distinct.len() * 10 > long * 9, "{} of {long}", distinct.len());
}

#[test]
fn some_talk_a_lot_and_most_a_little() {
    let options = Options { rates: Rates::NONE, messages_per_hour: 20_000, ..Options::default() };
    let (bytes, _) = hour(&options, nine());
    let mut senders: BTreeMap<String, u64> = BTreeMap::new();
    for line in String::from_utf8(bytes).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        *senders.entry(record["payload"]["from"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let mut counts: Vec<_> = senders.values().copied().collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    let total: u64 = counts.iter().sum();
    assert!(counts.len() > 350, "{} senders", counts.len());
    let top: u64 = counts.iter().take(40).sum();
    assert!(top * 10 > total * 5, "a tenth of the users says {top} of {total}");
}

#[test]
fn decorated_addresses_name_the_app() {
    let app = App::new("org-x", "app_y");
    let options = Options { app: app.clone(), ..lively() };
    let (bytes, _) = hour(&options, nine());
    let decorated: Vec<String> = bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter_map(|record| record["from"].as_str().map(str::to_owned))
        .filter(|from| from.contains('#'))
        .collect();
    assert!(!decorated.is_empty());
    for address in decorated {
        let name = app.undecorated(&address);
        assert!(!name.contains('#') && !name.contains('@'), "{address}");
    }
}

#[test]
fn an_hour_of_nothing_is_no_bytes() {
    let options = Options { messages_per_hour: 0, ..Options::default() };
    assert_eq!(hour(&options, nine()), (Vec::new(), Counts::default()));
}

#[test]
fn a_writer_that_fails_ends_the_hour() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _bytes: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = corpus::write_hour(&Options::default(), nine(), &mut Full).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}
