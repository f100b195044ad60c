//! From a record to columns and back.

use std::collections::BTreeSet;

use chat::{BodyType, Message};
use decode::{Limits, fingerprint, rebuild, value_fingerprint};
use proptest::prelude::*;

use crate::exact::Json;
use crate::harness::{decode, decode_text, gzip, message, samples};
use crate::hostile::record;

/// Writes a value in one of many spellings.
fn spelt(value: &Json, seed: u64) -> String {
    let mut state = seed;
    let mut text = String::new();
    value.write(&mut text, &mut || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    });
    text.trim().to_owned()
}

/// The record comes back as it was.
fn check(record: &str) {
    let rebuilt = rebuild(&message(record)).unwrap();
    assert_eq!(Json::parse(&rebuilt), Json::parse(record), "\nserved:  {record}\nrebuilt: {rebuilt}");
}

/// The record, on one line, is nested too deep: its bytes are kept.
fn check_set_aside(record: &str) {
    let line = record.replace(['\n', '\r'], " ");
    let decoded = decode_text(line.as_bytes());
    assert_eq!((decoded.messages.len(), decoded.dead_letters.len()), (0, 1), "{line}");
    let dead = &decoded.dead_letters[0];
    assert_eq!((dead.reason, &*dead.bytes), (chat::Reason::TooDeep, line.as_bytes()));
}

#[test]
fn nothing_passes_for_something_else() {
    let values = [r#""""#, "[]", "{}", "null", "0", "0.0", r#""0""#, "[0]", r#""\u0000""#, r#"{"":[]}"#, r#"{"":""}"#];
    for (place, value) in values.iter().enumerate() {
        let same = values.iter().filter(|other| Json::parse(other) == Json::parse(value));
        assert_eq!(same.collect::<Vec<_>>(), [&values[place]]);
    }
}

#[test]
fn every_sample_comes_back() {
    for line in String::from_utf8(samples()).unwrap().lines() {
        check(line);
    }
}

#[test]
fn odd_records_come_back() {
    for record in [
        "{}",
        r#"{"payload":{}}"#,
        r#"{"payload":null}"#,
        r#"{"payload":{"bodies":[]}}"#,
        r#"{"payload":{"bodies":[{}]}}"#,
        r#"{"payload":{"bodies":[{},{}]}}"#,
        r#"{"payload":{"bodies":[null,{"type":"txt"}]}}"#,
        r#"{"payload":{"bodies":null}}"#,
        r#"{"payload":{"ext":null}}"#,
        r#"{"payload":{"ext":""}}"#,
        r#"{"payload":{"bodies":[{"type":"img","size":{}}]}}"#,
        r#"{"payload":{"bodies":[{"type":"img","size":{"width":1}}]}}"#,
        r#"{"payload":{"bodies":[{"type":"img","size":{"width":1,"width":1}}]}}"#,
        r#"{"payload":{"bodies":[{"type":"img","size":{"width":1,"depth":1}}]}}"#,
        r#"{"payload":{"bodies":[{"type":"custom","customExts":{"a":1,"a":2}}]}}"#,
        r#"{"payload":{"bodies":[{"type":"custom","customExts":[{"a":1,"b":2},{"a":3},4,[{"c":5}]]}]}}"#,
        r#"{"payload":{"bodies":[{"subType":"sub_combine","title":"a\nb","summary":"c"}]}}"#,
        r#"{"payload":{"bodies":[{"subType":"sub_combine","summary":"c\nd"}]}}"#,
        r#"{"payload":{"bodies":[{"subType":"sub_combine","title":""}]}}"#,
        r#"{"msg_id":"1","msg_id":"2"}"#,
        r#"{"msg_id":"1","msg\u005fid":"2"}"#,
        r#"{"x":1,"\u0078":2}"#,
        r#"{"\ud800":1,"\ud801":2,"\ufffd":3,"":4,"\u0000":5}"#,
        r#"{"msg_id":1412077346056423435,"timestamp":"1773478800"}"#,
        r#"{"timestamp":1773478800000.5,"from":"","to":null}"#,
        r#"{"timestamp":-0,"payload":{"bodies":[{"type":"audio","file_length":-0,"length":-0}]}}"#,
        r#"{"chat_type":"edit","payload":{"bodies":[{"type":"custom","customEvent":"x"}]}}"#,
    ] {
        check(record);
    }
}

#[test]
fn the_deepest_record_comes_back_and_a_deeper_one_is_a_dead_letter() {
    let nested = |depth: usize| format!(r#"{{"payload":{{"ext":{}1{}}}}}"#, "[".repeat(depth), "]".repeat(depth));
    check(&nested(126));
    assert_eq!(decode_text(nested(127).as_bytes()).dead_letters[0].reason, chat::Reason::TooDeep);
    let limits = Limits { depth: usize::MAX, ..Limits::default() };
    let deepest = decode(&*gzip(nested(Limits::MAX_DEPTH - 2).as_bytes()), limits).unwrap();
    assert!(fingerprint(&deepest.messages[0]) != 0 && rebuild(&deepest.messages[0]).is_ok());
    let deeper = decode(&*gzip(nested(2_000_000).as_bytes()), limits).unwrap();
    assert_eq!(deeper.dead_letters.len(), 1);
}

#[test]
fn megabytes_come_back_wherever_they_stand() {
    let long = "\u{7801}\\u0000\\ud800\\\"x ".repeat(100_000);
    assert!(long.len() > 1 << 20);
    for record in [
        format!(r#"{{"msg_id":"{long}"}}"#),
        format!(r#"{{"{long}":"{long}"}}"#),
        format!(r#"{{"payload":{{"ext":{{"{long}":["{long}"]}}}}}}"#),
        format!(r#"{{"payload":{{"bodies":[{{"type":"txt","msg":"{long}"}},{{"msg":"{long}"}}]}}}}"#),
        format!(r#"{{"payload":{{"bodies":[{{"type":"custom","customExts":[{{"{long}":1}},{{"{long}":2}}]}}]}}}}"#),
        format!(r#"{{"payload":{{"from":"{long}","from":"{long}"}}}}"#),
        format!(r#"{{"payload":{{"ext":{}}}}}"#, "1".repeat(2 << 20)),
    ] {
        check(&record);
    }
}

/// The lines that `rest` keeps whole: exactly those in which a key of the record, of its payload or of its first body
/// occurs twice, however it is spelt.
#[test]
fn a_line_is_kept_whole_when_a_key_of_the_three_objects_occurs_twice() {
    for (record, is_kept) in [
        (r#"{"a":1,"a":1}"#, true),
        (r#"{"msg_id":"1","msg\u005fid":"1"}"#, true),
        (r#"{"payload":{"x":1,"\u0078":1}}"#, true),
        (r#"{"payload":{"bodies":[{"msg":"a","msg":"b"}]}}"#, true),
        (r#"{"payload":{"bodies":[{"":1,"":1}]}}"#, true),
        (r#"{"payload":{"bodies":{"msg":"a","msg":"b"}}}"#, false),
        (r#"{"payload":{"bodies":[{},{"msg":"a","msg":"b"}]}}"#, false),
        (r#"{"payload":{"ext":{"a":1,"a":2}}}"#, false),
        (r#"{"payload":{"meta":{"a":1,"a":2}}}"#, false),
        (r#"{"payload":{"bodies":[{"type":"img","size":{"width":1,"width":2}}]}}"#, false),
        (r#"{"x":{"a":1,"a":2},"payload":{"bodies":[{"type":"custom","customExts":{"a":1,"a":2}}]}}"#, false),
    ] {
        let rest = message(record).rest.unwrap_or_default();
        assert_eq!(rest.starts_with(r#"{"line":"#), is_kept, "{record} {rest}");
        check(record);
    }
}

#[test]
fn a_plain_message_leaves_no_rest() {
    let lines = samples();
    let plain = decode_text(&lines).messages.iter().filter(|message| message.rest.is_none()).count();
    assert_eq!(plain, 29);
}

#[test]
fn what_no_decoder_wrote_is_refused() {
    let good = message(r#"{"msg_id":"1","payload":{"ext":{},"bodies":[{"type":"txt","msg":"a"}]},"x":1}"#);
    for rest in ["", "[]", "{", "{}x", r#"{"other":{}}"#, r#"{"record":[]}"#, r#"{"without":{}}"#, r#"{"line":1}"#] {
        let message = Message { rest: Some(rest.into()), ..good.clone() };
        assert_eq!(rebuild(&message).unwrap_err().column, "rest", "{rest}");
    }
    for (column, message) in [
        ("ext", Message { ext: Some("{".into()), ..good.clone() }),
        ("custom_exts", Message { custom_exts: Some("a".into()), ..good.clone() }),
    ] {
        assert_eq!(rebuild(&message).unwrap_err().column, column);
    }
}

#[test]
fn fingerprints_differ_when_anything_is_said_otherwise() {
    let records = [
        r#"{"msg_id":"1"}"#,
        r#"{"msg_id":1}"#,
        r#"{"msg_id":"1","payload":null}"#,
        r#"{"msg_id":"1","payload":{}}"#,
        r#"{"msg_id":"1","payload":{"ext":{"a":1}}}"#,
        r#"{"msg_id":"1","payload":{"ext":{"a":1.0}}}"#,
        r#"{"msg_id":"1","payload":{"ext":{"a":"1"}}}"#,
        r#"{"msg_id":"1","payload":{"ext":{"a":[1,2]}}}"#,
        r#"{"msg_id":"1","payload":{"ext":{"a":[2,1]}}}"#,
        r#"{"msg_id":"1","payload":{"ext":{"a":{"b":1},"c":2}}}"#,
        r#"{"msg_id":"1","payload":{"ext":{"a":{"b":2},"c":1}}}"#,
        r#"{"msg_id":"1","payload":{"ext":{"a":3,"a":4}}}"#,
        r#"{"msg_id":"1","payload":{"ext":{"a":4,"a":3}}}"#,
        r#"{"msg_id":"1","payload":{"ext":{"a":4}}}"#,
        r#"{"msg_id":"1","payload":{"ext":{"a":"\ud800"}}}"#,
        r#"{"msg_id":"1","payload":{"ext":{"a":"\ud801"}}}"#,
        r#"{"msg_id":"1","payload":{"bodies":[{"type":"txt","msg":"a\u0000"}]}}"#,
        r#"{"msg_id":"1","payload":{"bodies":[{"type":"txt","msg":"a\ufffd"}]}}"#,
        r#"{"msg_id":"1","payload":{"bodies":[{"type":"txt","msg":"a","x":1}]}}"#,
        r#"{"msg_id":"1","payload":{"bodies":[{"type":"loc","lat":1}]}}"#,
        r#"{"msg_id":"1","payload":{"bodies":[{"type":"loc","lng":1}]}}"#,
    ];
    let messages: Vec<_> = records.iter().map(|record| message(record)).collect();
    let prints: BTreeSet<_> = messages.iter().map(fingerprint).collect();
    let of_values: BTreeSet<_> = messages.iter().map(|message| value_fingerprint(message).unwrap()).collect();
    assert_eq!((prints.len(), of_values.len()), (records.len(), records.len()));
}

/// A row of which no column but `rest` says anything.
fn row(rest: String) -> Message<'static> {
    Message { rest: Some(rest.into()), ..Message::at(message("{}").position) }
}

/// The row of a version that had no columns at all.
fn without_columns(record: &str) -> Message<'static> {
    row(format!(r#"{{"line":{}}}"#, serde_json::to_string(record).unwrap()))
}

#[test]
fn what_another_version_put_into_other_columns_has_the_same_value() {
    let edit =
        r#"{"msg_id":"1","chat_type":"edit","from":"a","payload":{"from":"a","bodies":[{"type":"txt","msg":"x"}]}}"#;
    let now = message(edit);
    assert_eq!((now.body_type, now.text.as_deref()), (Some(BodyType::Event), Some("x")));
    let bodies = r#"{"payload":{"bodies":[{"msg":"x","type":"txt"}]}}"#;
    let before = Message { body_type: None, text: None, rest: Some(bodies.into()), ..now.clone() };
    let long_before = Message { sender: None, msg_id: None, ..before.clone() };
    let members =
        r#"{"record":{"from":"a","msg_id":"\u0031"},"payload":{"from":"a","bodies":[{"type":"txt","msg":"x"}]}}"#;
    let long_before = Message { rest: Some(members.into()), ..long_before };
    for other in [&before, &long_before, &without_columns(edit)] {
        assert_ne!(fingerprint(other), fingerprint(&now));
        assert_eq!(value_fingerprint(other), value_fingerprint(&now), "{:?}", rebuild(other));
    }
    let changed = Message { rest: Some(bodies.replace('x', "y").into()), ..before };
    assert_ne!(value_fingerprint(&changed), value_fingerprint(&now));
}

#[test]
fn a_row_without_a_record_has_no_value() {
    for rest in ["", "{", r#"{"line":""}"#, r#"{"line":"{} {}"}"#, r#"{"line":5}"#, r#"{"record":5}"#] {
        assert_eq!(value_fingerprint(&row(rest.to_owned())).unwrap_err().column, "rest", "{rest}");
    }
}

proptest! {
    // `PROPTEST_CASES=20000 cargo test -p annals-decode round_trip` tries more.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(600),
        max_global_rejects: u32::MAX,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_record_comes_back(value in record(), seed in any::<u64>()) {
        let record = spelt(&value, seed);
        if value.depth() <= Limits::default().depth {
            check(&record);
        } else {
            check_set_aside(&record);
        }
    }

    #[test]
    fn order_and_spelling_do_not_change_the_fingerprint(record in record(), seeds in any::<(u64, u64)>()) {
        prop_assume!(!record.has_repeated_keys() && record.depth() <= Limits::default().depth);
        let one = message(&spelt(&record, seeds.0));
        let other = message(&spelt(&record.reversed(), seeds.1));
        prop_assert_eq!(fingerprint(&one), fingerprint(&other));
        let value = value_fingerprint(&one).unwrap();
        prop_assert_eq!(Ok(value), value_fingerprint(&other));
        prop_assert_eq!(Ok(value), value_fingerprint(&without_columns(&spelt(&record.reversed(), seeds.1))));
    }

    #[test]
    fn no_column_holds_what_warehouses_refuse(value in record(), seed in any::<u64>()) {
        prop_assume!(value.depth() <= Limits::default().depth);
        let message = message(&spelt(&value, seed));
        let numbers = [message.duration_s, message.width, message.height, message.lat, message.lng];
        prop_assert!(numbers.into_iter().flatten().all(f64::is_finite));
        let texts = [&message.msg_id, &message.chat_type, &message.sender, &message.recipient, &message.conversation,
            &message.direction, &message.text, &message.filename, &message.url, &message.action, &message.ext, &message.rest];
        prop_assert!(texts.into_iter().flatten().all(|text| !text.contains('\0')));
    }
}
