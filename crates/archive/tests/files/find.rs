//! Single rows are found, and little else is read.

use std::borrow::Cow;

use archive::{
    Batch, Batches, Error, Key, Projection, Sent, Settings, find_ids, read_columns, read_hour, read_keys, read_sent,
    read_statistics,
};
use chat::{Hour, Message, Position, RETAINED_PARTS, Timestamp};
use futures::TryStreamExt as _;
use futures::executor::block_on;

use crate::messages::{file_of, hour, key, ordinary_hour, small, write};
use crate::reader::{Reader, all};

fn found(reader: &Reader, keys: &[Key]) -> Vec<Message<'static>> {
    block_on(read_keys(reader.clone(), keys, Projection::All)).unwrap()
}

/// Three hours with strays and messages without time in each.
fn three_hours() -> Vec<Message<'static>> {
    let mut messages: Vec<_> = (0..3).flat_map(|hours| ordinary_hour(hour().plus(hours), 5_000)).collect();
    for (index, message) in messages.iter_mut().enumerate() {
        match index % 100 {
            7 => message.sent_at = None,
            8 => message.sent_at = Some(Timestamp::UNIX_EPOCH),
            9 => message.position.part = 3,
            10 => message.msg_id = None,
            _ => {}
        }
    }
    messages
}

#[test]
fn every_key_finds_its_row_and_no_other() {
    let messages = three_hours();
    let reader = Reader::new(write(&messages, small()).out);
    for message in messages.iter().step_by(97).chain(&messages[100..112]) {
        assert_eq!(found(&reader, &[key(message)]), std::slice::from_ref(message));
    }
}

#[test]
fn of_a_row_only_what_was_asked_for_is_read() {
    let messages = three_hours();
    let reader = Reader::new(write(&messages, small()).out);
    let wanted = &messages[200];
    reader.bytes_read();
    let whole = found(&reader, &[key(wanted)]);
    let bytes_of_all = reader.bytes_read();
    let rows = block_on(read_keys(reader.clone(), &[key(wanted)], Projection::Only(&["sender"]))).unwrap();
    let bytes_of_one = reader.bytes_read();
    let known = Message { msg_id: wanted.msg_id.clone(), sent_at: wanted.sent_at, ..Message::at(wanted.position) };
    assert_eq!(whole, std::slice::from_ref(wanted));
    assert_eq!(rows, [Message { sender: wanted.sender.clone(), ..known }]);
    assert!(bytes_of_one < bytes_of_all, "{bytes_of_one} bytes of {bytes_of_all}");
}

#[test]
fn an_hour_is_read_alone() {
    let messages = three_hours();
    let reader = Reader::new(write(&messages, small()).out);
    for hours in [0, 1, 2, 3] {
        let hour = hour().plus(hours);
        let mut expected: Vec<_> = messages.iter().filter(|message| message.position.source_hour == hour).collect();
        reader.bytes_read();
        let rows = all(read_hour(reader.clone(), hour));
        assert!(reader.bytes_read() < reader.len() / 2, "the other hours were read too");
        let mut rows: Vec<_> = rows.iter().collect();
        rows.sort_by_key(|row| row.position);
        expected.sort_by_key(|row| row.position);
        assert!(rows == expected, "{hour}: {} rows and not {}", rows.len(), expected.len());
    }
}

/// Also to a fraction of a microsecond, with times from nowhere and without a time.
#[test]
fn what_was_sent_within_a_span_is_read_and_little_else() {
    let messages = three_hours();
    let reader = Reader::new(write(&messages, small()).out);
    let at = |millis: i64| hour().start() + std::time::Duration::from_millis(u64::try_from(millis).unwrap());
    let second = hour().plus(1);
    let spans = [
        (None, None),
        (Some(at(3_700_000)), Some(at(3_800_000))),
        (Some(at(3_700_000) + std::time::Duration::from_nanos(1)), None),
        (None, Some(at(3_700_000) + std::time::Duration::from_nanos(1))),
        (None, Some(Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(1))),
        (Some(at(90_000_000)), None),
    ];
    for (since, until) in spans {
        let has_bounds = since.is_some() || until.is_some();
        let is_within = |message: &Message<'_>| match message.sent_at {
            Some(time) => since.is_none_or(|since| time >= since) && until.is_none_or(|until| time < until),
            None => !has_bounds,
        };
        reader.bytes_read();
        let rows = lent(read_sent(reader.clone(), None, second, Sent { since, until }));
        let read = reader.bytes_read();
        let mut rows: Vec<_> = rows.iter().filter(|row| is_within(row)).collect();
        let of_hour = messages.iter().filter(|message| message.position.source_hour == second);
        let mut expected: Vec<_> = of_hour.filter(|message| is_within(message)).collect();
        rows.sort_by_key(|row| row.position);
        expected.sort_by_key(|row| row.position);
        assert!(rows == expected, "{since:?} {until:?}: {} rows and not {}", rows.len(), expected.len());
        assert!(!has_bounds || rows.len() > 1_000 || read < reader.len() / 6, "{read} of {} bytes", reader.len());
    }
    let columns = ["source_hour", "sent_at", "line"];
    let sent = Sent { since: Some(at(3_700_000)), until: None };
    let rows = lent(read_sent(reader, Some(&columns), second, sent));
    assert!(!rows.is_empty() && rows.iter().all(|row| row.sender.is_none() && row.sent_at >= sent.since));
}

#[test]
fn few_long_messages_are_lent_at_once() {
    let long = |line| Message {
        text: Some(format!("{line}{}", "潮汐表 ".repeat(100_000)).into()),
        ..Message::at(Position { source_hour: hour(), part: 0, line })
    };
    let messages: Vec<_> = (1..=40).map(long).collect();
    let reader = Reader::new(write(&messages, Settings::default()).out);
    let batches = read_sent(reader, None, hour(), Sent::default());
    let batches: Vec<Batch> = block_on(async { batches.await?.try_collect().await }).unwrap();
    assert!(batches.iter().all(|batch| batch.rows() <= 8), "{:?}", batches.iter().map(Batch::rows).max());
    assert_eq!(batches.iter().map(Batch::rows).sum::<usize>(), 40);
}

/// The rows of batches, read whole and from every row on.
fn lent(batches: impl Future<Output = Result<Batches, Error>>) -> Vec<Message<'static>> {
    let batches: Vec<Batch> = block_on(async { batches.await?.try_collect().await }).unwrap();
    let rows = |batch: &Batch| -> Vec<Message<'static>> {
        let pieces = batch.messages().map(Result::unwrap);
        pieces.flatten().map(Message::into_owned).collect()
    };
    let all = batches.iter().flat_map(|batch| {
        assert_eq!(batch.rows(), rows(batch).len());
        rows(batch)
    });
    let all: Vec<_> = all.collect();
    if let Some(first) = batches.into_iter().next() {
        let (known, count) = (rows(&first), first.rows());
        let mut left = first;
        for passed in [1, 511, 513, count].into_iter().take_while(|passed| *passed <= count) {
            let gone = count - left.rows();
            left = left.without_first(passed - gone);
            assert!(rows(&left) == known[passed..], "without the first {passed} of {count}");
        }
    }
    all
}

#[test]
fn many_keys_find_their_rows_in_the_order_of_the_file() {
    let messages = three_hours();
    let reader = Reader::new(write(&messages, small()).out);
    let sought: Vec<_> = messages.iter().step_by(41).collect();
    let mut keys: Vec<_> = sought.iter().map(|message| key(message)).rev().collect();
    keys.push(keys[0]);
    let rows = found(&reader, &keys);
    assert_eq!(rows.len(), sought.len());
    let order: Vec<_> = rows.iter().map(|row| (row.position.source_hour, row.sent_at.is_none(), row.sent_at)).collect();
    assert!(order.is_sorted());
    let mut lines: Vec<_> = rows.iter().map(|row| row.position).collect();
    let mut expected: Vec<_> = sought.iter().map(|row| row.position).collect();
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

/// Pages of texts that are unpacked in part: several rows of a page and of several, close to each other and far apart.
#[test]
fn a_text_is_whole_wherever_it_stands_in_its_page() {
    let mut messages = ordinary_hour(hour(), 40_000);
    for (index, message) in messages.iter_mut().enumerate() {
        let sentence = format!("{index} 潮汐表 of slipway {}. ", index.wrapping_mul(0x9E37_79B9) % 100_003);
        message.text = (index % 7 != 3).then(|| sentence.repeat(index % 11).into());
    }
    let reader = Reader::new(file_of(&messages));
    let last = messages.len() - 1;
    let dense = 8_000..8_400;
    for sought in
        [vec![0], vec![last], vec![5, 8_191, 8_192, 30_000], vec![100, 4_000, 39_000], dense.step_by(3).collect()]
    {
        let keys: Vec<_> = sought.iter().map(|row| key(&messages[*row])).collect();
        let expected: Vec<_> = sought.iter().map(|row| messages[*row].clone()).collect();
        assert!(found(&reader, &keys) == expected, "rows {sought:?}");
    }
    for row in (0..messages.len()).step_by(1_009) {
        assert!(found(&reader, &[key(&messages[row])]) == messages[row..=row], "row {row}");
    }
}

#[test]
fn what_is_served_and_what_is_no_longer_are_two_rows() {
    let mut messages = ordinary_hour(hour(), 3_000);
    // Each was served with another text before, and before that with a third: all that differs in the key is the part.
    for publication in 1..=2 {
        let kept = messages[..3_000].iter().step_by(7).cloned().map(|mut message| {
            message.position.part += publication * RETAINED_PARTS;
            message.retained_at = Timestamp::from_timestamp_millis(i64::from(publication));
            message.text = Some(format!("kept {publication}").into());
            message
        });
        let kept: Vec<_> = kept.collect();
        messages.extend(kept);
    }
    let reader = Reader::new(write(&messages, small()).out);
    for message in messages.iter().step_by(7).take(20).chain(messages[3_000..].iter().step_by(41)) {
        assert_eq!(found(&reader, &[key(message)]), std::slice::from_ref(message));
    }
    let id = messages[7].msg_id.as_deref().unwrap();
    let parts: Vec<_> = block_on(find_ids(reader, &[id])).unwrap().iter().map(|row| row.position.part).collect();
    assert_eq!(parts, [0, 1_000, 2_000], "what is served comes first");
}

#[test]
fn a_key_that_is_not_there_finds_nothing() {
    let messages = ordinary_hour(hour(), 5_000);
    let reader = Reader::new(write(&messages, small()).out);
    let there = key(&messages[2_500]);
    let micro_later = there.sent_at.map(|time| Timestamp::from_timestamp_micros(time.timestamp_micros() + 1).unwrap());
    for absent in [
        Key { line: there.line + 1, ..there },
        Key { part: 1, ..there },
        Key { sent_at: micro_later, ..there },
        Key { sent_at: None, ..there },
        Key { source_hour: there.source_hour.next(), ..there },
        Key { source_hour: Hour::from_number(0), ..there },
        Key { line: u64::MAX, ..there },
        Key { part: u32::MAX, ..there },
    ] {
        assert_eq!(found(&reader, &[absent]), [], "{absent:?}");
    }
    assert_eq!(found(&reader, &[]), []);
    assert_eq!(found(&Reader::new(file_of(&[])), &[there]), []);
}

#[test]
fn two_rows_with_one_key_are_found_once() {
    let mut messages = ordinary_hour(hour(), 10);
    messages[4].position = messages[5].position;
    messages[4].sent_at = messages[5].sent_at;
    let reader = Reader::new(file_of(&messages));
    assert_eq!(found(&reader, &[key(&messages[5])]).len(), 1);
}

/// Many pages, so that one of them is little.
fn hundred_pages() -> (Vec<Message<'static>>, Reader) {
    let messages = ordinary_hour(hour(), 100_000);
    let file = write(&messages, Settings { page_rows: 1_000, ..Settings::default() }).out;
    (messages, Reader::new(file))
}

#[test]
fn one_row_is_found_through_its_page() {
    let (messages, reader) = hundred_pages();
    block_on(read_statistics(reader.clone())).unwrap();
    let footer = reader.bytes_read();
    for line in [0, 1, 50_000, 99_999] {
        assert_eq!(found(&reader, &[key(&messages[line])]), [messages[line].clone()]);
        let read = reader.bytes_read();
        assert!(read - footer < reader.len() / 20, "{read} of {} bytes, {footer} of them footer", reader.len());
    }
}

#[test]
fn a_key_outside_of_the_file_costs_no_more_than_its_footer() {
    let messages = ordinary_hour(hour(), 20_000);
    let reader = Reader::new(file_of(&messages));
    let elsewhere = Key { source_hour: hour().next(), ..key(&messages[0]) };
    assert_eq!(found(&reader, &[elsewhere]), []);
    assert!(reader.bytes_read() < reader.len() / 20);
}

#[test]
fn ids_find_all_their_rows() {
    let mut messages = three_hours();
    messages[14_000].msg_id = messages[3].msg_id.clone();
    messages[40].msg_id = Some(Cow::Borrowed("5K07Q-3f-9b21c"));
    let reader = Reader::new(write(&messages, small()).out);
    let twice = messages[3].msg_id.clone().unwrap();
    let rows = block_on(find_ids(reader.clone(), &[&twice, "5K07Q-3f-9b21c", "absent", "", "5K07Q"])).unwrap();
    let lines: Vec<_> = rows.iter().map(|row| row.position).collect();
    assert_eq!(lines, [messages[3].position, messages[40].position, messages[14_000].position]);
    assert_eq!(block_on(find_ids(reader, &[])).unwrap(), []);
}

#[test]
fn one_id_is_found_through_its_page() {
    let (messages, reader) = hundred_pages();
    block_on(read_statistics(reader.clone())).unwrap();
    let footer = reader.bytes_read();
    let id = messages[77_777].msg_id.clone().unwrap();
    assert_eq!(block_on(find_ids(reader.clone(), &[&id])).unwrap(), [messages[77_777].clone()]);
    let read = reader.bytes_read();
    assert!(read - footer < reader.len() / 20, "{read} of {} bytes", reader.len());
}

#[test]
fn hours_are_read_in_the_columns_that_are_named() {
    let messages = three_hours();
    let reader = Reader::new(write(&messages, small()).out);
    let read = |hours: &[i64]| {
        let hours = hours.iter().map(|hours| hour().plus(*hours)).collect();
        let rows = block_on(read_columns(reader.clone(), &["source_hour", "line", "ext"], &hours)).unwrap();
        block_on(rows.try_concat()).unwrap()
    };
    for hours in [&[1][..], &[0, 2], &[]] {
        let of = |message: &Message<'static>| Message {
            ext: message.ext.clone(),
            ..Message::at(Position { part: 0, ..message.position })
        };
        let wanted = messages
            .iter()
            .filter(|message| hours.iter().any(|hours| message.position.source_hour == hour().plus(*hours)));
        let mut expected: Vec<_> = wanted.map(of).collect();
        let mut rows = read(hours);
        expected.sort_by_key(|row| row.position);
        rows.sort_by_key(|row| row.position);
        assert_eq!(rows, expected, "{hours:?}");
    }
    assert_eq!(read(&[7]), []);
}

#[test]
fn columns_that_are_not_named_are_not_read() {
    let (_, reader) = hundred_pages();
    let rows = block_on(read_columns(reader.clone(), &["source_hour"], &[hour()].into())).unwrap();
    assert_eq!(block_on(rows.try_concat()).unwrap().len(), 100_000);
    assert!(reader.bytes_read() < reader.len() / 10, "{} of {} bytes", reader.bytes_read(), reader.len());
}

/// Callers read on worker threads of an async runtime.
#[test]
fn reading_may_move_between_threads() {
    fn check(_: impl Send) {}
    let reader = Reader::new(file_of(&[]));
    check(read_keys(reader.clone(), &[], Projection::All));
    check(find_ids(reader.clone(), &[]));
    check(archive::read_all(reader.clone()));
    check(archive::read_entries(reader));
}
