//! Where records end, on small texts.

use chat::Reason;
use decode::Limits;

use crate::harness::{Decoded, decode, decode_text, gzip};

/// What a line became, and where it stood.
#[derive(Debug, PartialEq)]
enum Seen<'a> {
    Message(&'a str),
    Dead(Reason, &'a [u8]),
}

use Reason::{Incomplete, InvalidUtf8, NotAnObject, Syntax, TooDeep, TooLong};
use Seen::{Dead, Message};

fn seen(decoded: &Decoded) -> Vec<Seen<'_>> {
    let messages = decoded.messages.iter().map(|m| (m.position.line, Message(m.msg_id.as_deref().unwrap_or("-"))));
    let dead = decoded.dead_letters.iter().map(|d| (d.position.line, Dead(d.reason, &d.bytes)));
    let mut all: Vec<_> = messages.chain(dead).collect();
    all.sort_by_key(|(line, _)| *line);
    all.into_iter().map(|(_, seen)| seen).collect()
}

fn check(text: impl AsRef<[u8]>, expected: &[Seen<'_>], blank_lines: u64) {
    let text = text.as_ref();
    let decoded = decode_text(text);
    assert_eq!(seen(&decoded), expected, "{}", String::from_utf8_lossy(text));
    assert_eq!(decoded.blank_lines, blank_lines);
    assert_eq!(decoded.lines, expected.len() as u64 + blank_lines);
    for dead in &decoded.dead_letters {
        let start = usize::try_from(dead.offset).unwrap();
        assert_eq!(&text[start..start + dead.bytes.len()], &*dead.bytes, "the offset leads to the bytes");
    }
}

const A: &str = r#"{"msg_id":"a"}"#;
const B: &str = r#"{"msg_id":"b","payload":{"ext":{"x":[1,"}"]}}}"#;

#[test]
fn lines_end_in_every_way() {
    let two = [Message("a"), Message("b")];
    check("", &[], 0);
    check(format!("{A}\n{B}\n"), &two, 0);
    check(format!("{A}\n{B}"), &two, 0);
    check(format!("{A}\r\n{B}\r\n"), &two, 0);
    check(format!("\u{feff}{A}\n{B}"), &two, 0);
    check(format!("\u{feff}{A}\n\u{feff}{B}"), &two, 0);
    check(format!("  {A}\t \n {B} "), &two, 0);
}

#[test]
fn blank_lines_are_counted() {
    check("\n", &[], 1);
    check("\n\n \n\t\r\n", &[], 4);
    check(format!("\n{A}\n\n{B}\n \n"), &[Message("a"), Message("b")], 3);
    check(format!("{A}\n  "), &[Message("a")], 1);
    check("\u{feff}", &[], 0);
    check("\u{feff}\n", &[], 1);
}

#[test]
fn glued_objects_are_records_each() {
    check(format!("{A}{B}{A}\n{B}"), &[Message("a"), Message("b"), Message("a"), Message("b")], 0);
    check(format!("{A} \t{B} \n"), &[Message("a"), Message("b")], 0);
    check(format!("{A},{B}\n{B}"), &[Message("a"), Dead(Syntax, format!(",{B}").as_bytes()), Message("b")], 0);
    check(format!("{A}junk\r\n{B}"), &[Message("a"), Dead(Syntax, b"junk"), Message("b")], 0);
    check(format!("{A} [1]\n"), &[Message("a"), Dead(NotAnObject, b"[1]")], 0);
    check(format!("{A}{{\"msg\n{B}"), &[Message("a"), Dead(Incomplete, b"{\"msg"), Message("b")], 0);
}

/// What the pages of the columns say of `line`.
#[test]
fn a_line_is_what_is_counted_and_not_where_it_ends() {
    let lines = |text: &str| {
        let decoded = decode_text(text.as_bytes());
        let messages = decoded.messages.iter().map(|message| message.position.line).collect::<Vec<_>>();
        (messages, decoded.dead_letters.iter().map(|letter| letter.position.line).collect::<Vec<_>>())
    };
    assert_eq!(lines(&format!("{A}\n\njunk\n{B}")), (vec![1, 4], vec![3]), "as the lines of the file");
    assert_eq!(lines(&format!("{A}}}\n{B}\njunk")), (vec![1, 3], vec![2, 4]), "behind a record on its line");
    assert_eq!(lines(&format!("{A}{A}\n{B}\njunk")), (vec![1, 2, 3], vec![4]), "two records on a line");
    assert_eq!(lines(&format!("{{\n\n}}\n{B}\njunk")), (vec![1, 2], vec![3]), "a record over three lines");
    assert_eq!(lines(&format!("{{\n]\n{B}\n")), (vec![3], vec![1, 2]), "each line of what is no record");
}

#[test]
fn an_object_may_be_spread_over_lines() {
    let pretty = "{\n  \"msg_id\": \"a\",\n  \"payload\": {\n    \"ext\": [1,\r\n 2\n]\n  }\n}\n";
    check(pretty, &[Message("a")], 0);
    check(format!("{pretty}{B}\n{pretty}"), &[Message("a"), Message("b"), Message("a")], 0);
    check(format!("{{\"msg_id\":\"a\"\n}}{B}"), &[Message("a"), Message("b")], 0);
    check("{\"msg_id\"\n\n:\n\n\"a\"}", &[Message("a")], 0);
}

#[test]
fn a_cut_line_takes_no_other_with_it() {
    let whole = r#"{"chat_type":"chat","payload":{"ext":{"n":12.5e1},"bodies":[{"msg":"码头\n","type":"txt"}]},"msg_id":"b","x":[true,null]}"#;
    for cut in 1..whole.len() {
        let start = &whole.as_bytes()[..cut];
        let dead = || Dead(Incomplete, start);
        check([start, b"\n", whole.as_bytes(), b"\n"].concat(), &[dead(), Message("b")], 0);
        check(
            [start, b"\r\n", whole.as_bytes(), b"\r\n", whole.as_bytes()].concat(),
            &[dead(), Message("b"), Message("b")],
            0,
        );
        check([whole.as_bytes(), b"\n", start].concat(), &[Message("b"), dead()], 0);
        check([start, b"\n\n", whole.as_bytes()].concat(), &[dead(), Message("b")], 1);
    }
}

#[test]
fn what_is_no_object_is_a_dead_letter() {
    for (line, reason) in [
        ("[]", NotAnObject),
        (r#"[{"msg_id":"a"}]"#, NotAnObject),
        ("\"text\"", NotAnObject),
        ("-12.5", NotAnObject),
        (" null ", NotAnObject),
        ("1 2", Syntax),
        ("[1", Incomplete),
        ("\"text", Incomplete),
        ("tru", Incomplete),
        ("<html>", Syntax),
        ("{a:1}", Syntax),
        ("{'a':1}", Syntax),
        ("{\"a\":1,}", Syntax),
        ("{\"a\":01}", Syntax),
        ("{\"a\":\"\t\"}", Syntax),
        ("{\"a\":NaN}", Syntax),
        ("{\"a\":\"\\x\"}", Syntax),
        ("}", Syntax),
        ("\0\0\0", Syntax),
    ] {
        check(format!("{line}\n{A}"), &[Dead(reason, line.as_bytes()), Message("a")], 0);
        check(format!("{A}\n{line}"), &[Message("a"), Dead(reason, line.as_bytes())], 0);
    }
}

#[test]
fn bytes_that_are_no_utf8_are_a_dead_letter() {
    let bad: &[u8] = b"{\"msg_id\":\"\xff\"}";
    check([bad, b"\n", A.as_bytes()].concat(), &[Dead(InvalidUtf8, bad), Message("a")], 0);
    check([A.as_bytes(), bad, B.as_bytes()].concat(), &[Message("a"), Dead(InvalidUtf8, bad), Message("b")], 0);
    check(b"\xffjunk\n", &[Dead(InvalidUtf8, b"\xffjunk")], 0);
    check(b"{\"a\xc0\n", &[Dead(InvalidUtf8, b"{\"a\xc0")], 0);
    let ordinary: &[u8] = b"{\"msg_id\":\"7\",\"timestamp\":1773478800000,\"to\":\"b\",\"from\":\"a\",\"chat_type\":\"chat\",\"payload\":{\"bodies\":[{\"type\":\"txt\",\"msg\":\"caf\xe9\"}],\"from\":\"a\",\"to\":\"b\"}}";
    check([ordinary, A.as_bytes()].concat(), &[Dead(InvalidUtf8, ordinary), Message("a")], 0);
    let surrogate: &[u8] = b"{\"msg_id\":\"\xed\xa0\xbd\"}";
    check(surrogate, &[Dead(InvalidUtf8, surrogate)], 0);
}

#[test]
fn nesting_is_bounded() {
    let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    check(format!("{deep}\n{A}"), &[Dead(TooDeep, deep.as_bytes()), Message("a")], 0);
    let list = "[".repeat(1_000_000);
    check(format!("{list}\n{A}"), &[Dead(TooDeep, list.as_bytes()), Message("a")], 0);
    let lines = "{\"a\":\n".repeat(500);
    let decoded = decode_text(lines.as_bytes());
    assert!(decoded.dead_letters.iter().all(|dead| dead.reason == Incomplete) && decoded.dead_letters.len() == 500);
}

fn check_short(text: &str, expected: &[Seen<'_>]) {
    let limits = Limits { line: 20, ..Limits::default() };
    let decoded = decode(&*gzip(text.as_bytes()), limits).unwrap();
    assert_eq!(seen(&decoded), expected, "{text}");
}

#[test]
fn an_over_long_line_keeps_its_start() {
    let fits = r#"{"msg_id":"1234567"}"#;
    let long = r#"{"msg_id":"12345678"}"#;
    let start = &long.as_bytes()[..20];
    assert_eq!(fits.len(), 20);
    check_short(
        &format!("{fits}\n{long}\n{A}\n{long}"),
        &[Message("1234567"), Dead(TooLong, start), Message("a"), Dead(TooLong, start)],
    );
    check_short(&format!("{}\n{A}", "x".repeat(5000)), &[Dead(TooLong, &[b'x'; 20]), Message("a")]);
    check_short(&format!("{}\n{A}", " ".repeat(21)), &[Dead(TooLong, &[b' '; 20]), Message("a")]);
    // The bound is on a record: a line of many may be longer.
    check_short(&format!("{A}{A} {A}\n{A}"), &[Message("a"), Message("a"), Message("a"), Message("a")]);
    check_short(
        "{\"msg_id\"\n:\n\"1234567890\"}\n",
        &[Dead(Incomplete, b"{\"msg_id\""), Dead(Syntax, b":"), Dead(Syntax, b"\"1234567890\"}")],
    );
}

#[test]
fn a_default_line_holds_sixteen_mebibytes() {
    let long = |length: usize| format!(r#"{{"msg_id":"a","x":"{}"}}"#, "y".repeat(length - 21));
    let limit = Limits::default().line;
    let text = format!("{}\n{}\n{A}", long(limit), long(limit + 1));
    let decoded = decode_text(text.as_bytes());
    assert_eq!((decoded.messages.len(), decoded.dead_letters.len()), (2, 1));
    assert_eq!(decoded.dead_letters[0].reason, TooLong);
    assert_eq!(decoded.dead_letters[0].bytes.len(), Limits::KEPT_OF_LONG_LINE);
    assert_eq!(decoded.dead_letters[0].offset, limit as u64 + 1);
}

#[test]
fn a_batch_is_no_larger_than_asked() {
    let text = format!("{A}\n").repeat(10);
    let limits = Limits { batch_messages: 3, ..Limits::default() };
    let packed = gzip(text.as_bytes());
    let mut decoder = decode::Decoder::new(&*packed, crate::harness::origin(), limits);
    let mut sizes = Vec::new();
    while let Some(batch) = decoder.next_batch().unwrap() {
        sizes.push(batch.messages.len());
    }
    assert_eq!(sizes, [3, 3, 3, 1]);
}

#[test]
fn the_end_stays_the_end_and_a_decoder_may_change_threads() {
    let mut decoder = decode::Decoder::new(A.as_bytes(), crate::harness::origin(), Limits::default());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(decoder.next_batch().unwrap().unwrap().lines(), 1);
            assert!(decoder.next_batch().unwrap().is_none() && decoder.next_batch().unwrap().is_none());
        });
    });
}

#[test]
fn a_hostile_file_costs_no_more_than_the_depth_allows() {
    // Lines that each begin an object and never end one, between which others close brackets: the worst for joining.
    let text = "{\"a\":[\n1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,\n".repeat(20_000);
    let decoded = decode_text(text.as_bytes());
    assert_eq!(decoded.dead_letters.len(), 40_000);
    let spread = format!("{{\"msg_id\":\"a\",\"x\":[{}1]}}", "1,\n".repeat(1_000_000));
    assert_eq!(decode_text(spread.as_bytes()).messages.len(), 1);
}
