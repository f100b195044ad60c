//! Filters, ranges of time, order, limit, copies.

use std::collections::BTreeSet;

use chat::{BodyType, Conversation, Hour, Message, Sink, Timestamp};
use index::{Order, Query, Request};

use crate::{ask, message, nine, open, rows, take_in};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn sent(hour: Hour, line: u64, time: &str, text: &str) -> Message<'static> {
    Message { sent_at: Some(at(time)), ..message(hour, line, text) }
}

fn with_id(hour: Hour, line: u64, id: &'static str, text: &str) -> Message<'static> {
    Message { msg_id: Some(id.into()), ..message(hour, line, text) }
}

fn said(
    line: u64,
    from: &'static str,
    to: &'static str,
    conversation: &Conversation<'_>,
    body: BodyType,
) -> Message<'static> {
    Message {
        sender: Some(from.into()),
        recipient: Some(to.into()),
        conversation: Some(conversation.key().into()),
        body_type: Some(body),
        ..message(nine(), line, "tide gauge")
    }
}

#[test]
fn filters_look_at_sender_recipient_conversation_and_type() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let group = Conversation::GroupChat("231904417783810");
    let messages = [
        said(1, "Mara_Voss", "teo-77", &Conversation::Chat("Mara_Voss", "teo-77"), BodyType::Txt),
        said(2, "teo-77", "Mara_Voss", &Conversation::Chat("teo-77", "Mara_Voss"), BodyType::Img),
        said(3, "teo-77", "231904417783810", &group, BodyType::Txt),
        said(4, "a b", "x:y", &Conversation::Thread("x:y"), BodyType::Custom),
    ];
    take_in(&catalogue, nine(), "v", &messages);
    for (typed, lines) in [
        ("from:mara_voss", vec!["09/1"]),
        ("from:mara", vec![]),
        ("to:MARA_VOSS tide", vec!["09/2"]),
        ("in:chat:teo-77:mara_voss", vec!["09/1", "09/2"]),
        ("in:chat:Mara_Voss:teo-77 type:img", vec!["09/2"]),
        ("in:231904417783810", vec!["09/3"]),
        ("in:groupchat:231904417783810", vec!["09/3"]),
        ("in:chatroom:231904417783810", vec![]),
        ("in:x:y", vec!["09/4"]),
        ("from:\"a b\" \"tide gauge\"", vec!["09/4"]),
        ("type:txt", vec!["09/1", "09/3"]),
        ("from:teo-77 to:231904417783810 tide", vec!["09/3"]),
        ("from:teo-77 nothing", vec![]),
        ("", vec!["09/1", "09/2", "09/3", "09/4"]),
    ] {
        assert_eq!(rows(&catalogue.search(&ask(typed)).unwrap()), lines, "index: {typed}");
        let query = Query::parse(typed).unwrap();
        let scanned: Vec<_> = messages.iter().filter(|message| query.matches(message)).collect();
        assert_eq!(scanned.len(), lines.len(), "scan: {typed}");
    }
}

#[test]
fn all_texts_are_searched_and_phrases_stay_within_one() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let photo = Message {
        filename: Some("north mole.jpg".into()),
        addr: Some("码头".into()),
        action: Some("ring".into()),
        custom_event: Some("gift".into()),
        secret: Some("hush".into()),
        url: Some("https://files.example.com/hush".into()),
        ext: Some("{\"k\":\"hush\"}".into()),
        ..message(nine(), 1, "look at the")
    };
    take_in(&catalogue, nine(), "v", std::slice::from_ref(&photo));
    for (typed, total) in [
        ("look mole 码头 ring gift", 1),
        ("\"north mole\"", 1),
        ("\"the north\"", 0),
        ("\"jpg 码\"", 0),
        ("hush", 0),
        ("files", 0),
    ] {
        assert_eq!(catalogue.search(&ask(typed)).unwrap().total, total, "{typed}");
        assert_eq!(u64::from(Query::parse(typed).unwrap().matches(&photo)), total, "{typed}");
    }
}

#[test]
fn a_range_of_time_is_half_open_and_means_when_it_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    take_in(
        &catalogue,
        nine(),
        "v",
        &[
            sent(nine(), 1, "2026-03-14T09:00:00Z", "word"),
            sent(nine(), 2, "2026-03-14T09:59:59.999Z", "word"),
            sent(nine(), 3, "2026-03-14T10:00:00Z", "word"),
            sent(nine(), 4, "1969-12-31T23:59:59.999999Z", "word"),
            message(nine(), 5, "word"),
        ],
    );
    for (since, until, lines) in [
        (Some("2026-03-14T09:00:00Z"), Some("2026-03-14T10:00:00Z"), vec!["09/1", "09/2"]),
        (Some("2026-03-14T09:00:00.000001Z"), None, vec!["09/2", "09/3"]),
        (Some("2026-03-14T09:00:00.000000001Z"), None, vec!["09/2", "09/3"]),
        (None, Some("2026-03-14T09:00:00Z"), vec!["09/4"]),
        (None, Some("2026-03-14T09:00:00.000000001Z"), vec!["09/4", "09/1"]),
        (Some("2027-01-01T00:00:00Z"), None, vec![]),
        (Some("2026-03-14T10:00:00Z"), Some("2026-03-14T09:00:00Z"), vec![]),
        (None, None, vec!["09/4", "09/1", "09/2", "09/3", "09/5"]),
    ] {
        for typed in ["word", ""] {
            let request = Request { since: since.map(at), until: until.map(at), ..ask(typed) };
            let found = catalogue.search(&request).unwrap();
            assert_eq!(
                (rows(&found), found.total),
                (lines.iter().map(ToString::to_string).collect(), lines.len() as u64)
            );
        }
    }
}

#[test]
fn hits_come_in_the_order_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let next = nine().next();
    take_in(
        &catalogue,
        next,
        "v",
        &[sent(next, 1, "2026-03-14T10:00:01Z", "tide tide tide"), message(next, 2, "tide")],
    );
    take_in(
        &catalogue,
        nine(),
        "v",
        &[
            sent(nine(), 1, "2026-03-14T09:00:01Z", "tide and much more than that"),
            sent(nine(), 2, "2026-03-14T09:00:02Z", "tide"),
            sent(nine(), 3, "2026-03-14T09:00:02Z", "tide"),
        ],
    );
    for (order, lines) in [
        (Order::Relevance, ["10/1", "09/2", "09/3", "10/2", "09/1"]),
        (Order::Newest, ["10/1", "09/2", "09/3", "09/1", "10/2"]),
        (Order::Oldest, ["09/1", "09/2", "09/3", "10/1", "10/2"]),
    ] {
        for limit in 0..=6 {
            let found = catalogue.search(&Request { order, limit, ..ask("tide") }).unwrap();
            let expected: Vec<_> = lines.iter().take(limit).copied().collect();
            assert_eq!(
                (rows(&found), found.total),
                (expected.iter().map(ToString::to_string).collect(), 5),
                "{order:?}"
            );
        }
    }
    let scored = catalogue.search(&Request { order: Order::Relevance, ..ask("tide") }).unwrap();
    assert!(scored.hits.iter().all(|hit| hit.score > 0.0));
    let filtered = catalogue.search(&Request { order: Order::Relevance, ..ask("") }).unwrap();
    assert_eq!(rows(&filtered), ["10/1", "09/2", "09/3", "09/1", "10/2"]);
    assert!(filtered.hits.iter().all(|hit| hit.score == 0.0));
}

/// More messages than a search keeps at once.
#[test]
fn the_first_of_many_are_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let seconds = |line: u64| line * 37 % 300;
    let time = |line: u64| at("2026-03-14T09:00:00Z") + std::time::Duration::from_secs(seconds(line));
    let messages: Vec<_> =
        (1..=300).map(|line| Message { sent_at: Some(time(line)), ..message(nine(), line, "word") }).collect();
    take_in(&catalogue, nine(), "v", &messages);
    let mut oldest: Vec<u64> = (1..=300).collect();
    oldest.sort_by_key(|line| seconds(*line));
    let newest: Vec<_> = oldest.iter().rev().copied().collect();
    for (order, lines) in [(Order::Oldest, &oldest), (Order::Newest, &newest), (Order::Relevance, &newest)] {
        for limit in [1, 5, 150, 299] {
            let found = catalogue.search(&Request { order, limit, ..ask("word") }).unwrap();
            let expected: Vec<_> = lines.iter().take(limit).map(|line| format!("09/{line}")).collect();
            assert_eq!((rows(&found), found.total), (expected, 300), "{order:?} {limit}");
        }
    }
}

#[test]
fn a_message_of_several_hours_is_shown_once_with_its_earliest_hour() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let hours: Vec<_> = (0..3).map(|later| nine().plus(later)).collect();
    // The later hours first: which one came first must not matter.
    for hour in hours.iter().rev() {
        let mut messages: Vec<_> = (1..=100).map(|line| message(*hour, line, "no id")).collect();
        messages.push(with_id(*hour, 101, "1412077346211612694", "tide"));
        messages.push(with_id(*hour, 102, "1412077346211612694", "tide, edited"));
        messages.push(with_id(*hour, 103, "5K07Q-3f-9b21c", "tide"));
        take_in(&catalogue, *hour, "v", &messages);
    }
    take_in(&catalogue, nine().plus(5), "v", &[with_id(nine().plus(5), 1, "5K07Q-3f-9b21c", "tide and ebb")]);
    let found = catalogue.search(&ask("tide")).unwrap();
    assert_eq!((rows(&found), found.total), (vec!["09/101".to_owned(), "09/102".to_owned(), "09/103".to_owned()], 3));
    assert!(!found.counts_copies);
    // The earliest of those that match: only the last hour has the ebb.
    assert_eq!(rows(&catalogue.search(&ask("ebb")).unwrap()), ["14/1"]);
    assert_eq!(catalogue.search(&ask("id")).unwrap().total, 300);
    for limit in [1, 2, 3] {
        let found = catalogue.search(&Request { limit, order: Order::Newest, ..ask("tide") }).unwrap();
        assert_eq!((found.hits.len(), found.total), (limit, 3));
        assert!(found.hits.iter().all(|hit| hit.source_hour == nine()));
    }
    let copies = catalogue.find_id("5K07Q-3f-9b21c").unwrap();
    assert_eq!(
        copies.iter().map(|hit| hit.source_hour).collect::<Vec<_>>(),
        [hours[0], hours[1], hours[2], nine().plus(5)]
    );
    assert_eq!(catalogue.find_id("9").unwrap(), []);
}

/// The copies fill more than what is looked at beyond the limit, so that the search has to look again.
#[test]
fn copies_do_not_crowd_out_other_hits() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let ids: Vec<&'static str> = (0..200).map(|id| &*Box::leak(id.to_string().into_boxed_str())).collect();
    let (early, late) = (nine(), nine().next());
    let copy = |hour: Hour, time: &str| -> Vec<_> {
        (1..)
            .zip(&ids)
            .map(|(line, id)| Message { sent_at: Some(at(time)), ..with_id(hour, line, id, "word") })
            .collect()
    };
    take_in(&catalogue, early, "v", &copy(early, "2026-03-14T09:00:00Z"));
    take_in(&catalogue, late, "v", &copy(late, "2026-03-14T10:00:00Z"));
    let found = catalogue.search(&Request { limit: 3, order: Order::Newest, ..ask("word") }).unwrap();
    assert_eq!((rows(&found), found.total), (vec!["09/1".to_owned(), "09/2".to_owned(), "09/3".to_owned()], 200));
}

#[test]
fn a_hit_is_the_key_of_the_row() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let mut row = sent(nine(), u64::from(u32::MAX) + 9, "2026-03-14T09:00:00.123456Z", "word");
    row.position.part = 3;
    row.msg_id = Some("1412077346056423435".into());
    let mut writer = catalogue.take_in(nine(), "v").unwrap();
    writer.write(&[row.clone()]).unwrap();
    writer.finish().unwrap();
    let hit = catalogue.search(&ask("word")).unwrap().hits[0];
    assert_eq!((hit.source_hour, hit.part, hit.line), (nine(), 3, row.position.line));
    assert_eq!((hit.sent_at, hit.message), (row.sent_at, 1_412_077_346_056_423_436));
}

/// What is passed over when nobody counts is nothing that would have come: equal scores, several segments, hours that are
/// left out, deleted rows, copies and places to go on from.
#[test]
fn the_first_are_the_same_when_nobody_counts() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let texts = ["tide", "the tide and the ebb", "ebb", "tide tide ebb", "résumé of the tide", "resume"];
    let senders = ["ann", "bo"].into_iter().cycle().take(20).chain(["cy"]).collect::<Vec<_>>();
    for hour in (0..6).rev().map(|number| nine().plus(number)) {
        let messages: Vec<_> = (1..=200_u64)
            .map(|line| {
                let seconds = line * 37 % 100 + u64::try_from(hour.number() % 3).unwrap() * 40;
                let sent_at = at("2026-03-14T09:00:00Z") + std::time::Duration::from_secs(seconds);
                let id = format!("{}", if line % 50 == 0 { line } else { line + 1000 * hour.number().unsigned_abs() });
                let text = texts[usize::try_from(line * 7 % 6).unwrap()];
                Message {
                    sent_at: (line % 31 != 0).then_some(sent_at),
                    msg_id: Some(id.into()),
                    sender: senders.get(usize::try_from(line).unwrap() % senders.len()).map(|name| (*name).into()),
                    ..message(hour, line, text)
                }
            })
            .collect();
        // All of one instant, the last of their segment: they come by their rows alone.
        let of_one_instant = (201..=260).map(|line| sent(hour, line, "2026-03-14T10:00:00Z", "slack water"));
        take_in(&catalogue, hour, "v", &messages.into_iter().chain(of_one_instant).collect::<Vec<_>>());
    }
    take_in(&catalogue, nine().plus(2), "w", &[message(nine().plus(2), 1, "tide"), message(nine().plus(2), 2, "ebb")]);
    let mut compared = 0;
    let until = Some(at("2026-03-14T09:01:30Z"));
    for typed in [
        "tide",
        "tide ebb",
        "tide OR ebb",
        "\"the tide\"",
        "\"tide tide\"",
        "\"tide and the\"",
        "resume",
        "résumé OR ebb",
        "tide -ebb",
        "slack",
        "",
        "tide from:ann",
        "tide from:cy",
        "\"the tide\" ebb from:(ann OR cy)",
        "\"the tide\" from:bo -from:cy",
        "(tide OR ebb) after:2026-03-14T09:00:20Z before:2026-03-14T09:01:10Z",
        "resume (from:ann after:2026-03-14T09:00:40Z)",
        "tide after:2026-03-15",
        "-tide after:2026-03-14T09:00:40Z",
    ] {
        for order in [Order::Relevance, Order::Newest, Order::Oldest] {
            for (without, until) in [(BTreeSet::new(), None), ([nine(), nine().plus(4)].into(), until)] {
                let mut after = None;
                for limit in [1, 3, 70, 400] {
                    let counted = Request { order, limit, after, until, without: without.clone(), ..ask(typed) };
                    let all = catalogue.search(&counted).unwrap();
                    let first = catalogue.search(&Request { counted: false, ..counted }).unwrap();
                    assert_eq!(first.hits, all.hits, "{typed:?} {order:?} {limit} {until:?}");
                    compared += all.hits.len();
                    after = all.hits.last().map(index::Hit::place).or(after);
                }
            }
        }
    }
    assert!(compared > 5_000, "{compared}");
    let lines = |hour: u8, last| (201..=last).map(move |line| format!("{hour:02}/{line}"));
    let expected: Vec<_> = lines(9, 260).chain(lines(10, 240)).collect();
    for order in [Order::Relevance, Order::Newest, Order::Oldest] {
        let found = catalogue.search(&Request { order, limit: 100, ..ask("slack") }).unwrap();
        assert_eq!(rows(&found), expected, "{order:?}");
    }
}

/// Lists of several windows, words that are rare and words that are everywhere, and messages of many lengths.
#[test]
fn the_best_of_several_words_are_the_same_when_nobody_counts() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    // One message of so many has the word.
    let words: [(&str, u64); 6] =
        [("water", 2), ("tide", 7), ("ebb", 11), ("slack", 40), ("gale", 900), ("eddy", 4_001)];
    for hour in (0..2).map(|number| nine().plus(number)) {
        let has = |line: u64, every: u64| (line.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40).is_multiple_of(every);
        let text = |line: u64| {
            let said = words.iter().filter(|(_, every)| has(line ^ every, *every));
            let again = |(word, every): &(&str, u64)| format!("{word} ").repeat(1 + usize::from(line % every == 1));
            said.map(again).collect::<String>() + &"and ".repeat(usize::try_from(line % 9).unwrap())
        };
        let messages: Vec<_> = (1..=10_000).map(|line| message(hour, line, &text(line))).collect();
        take_in(&catalogue, hour, "v", &messages);
    }
    let mut compared = 0;
    for typed in [
        "tide OR ebb",
        "water OR eddy",
        "eddy OR gale OR water",
        "water OR squall",
        "water OR slack",
        "slack OR gale OR eddy OR tide OR water OR ebb",
        "ebb OR ebb OR gale",
        "gale OR nowhere",
        "nowhere OR never",
        "(tide OR slack OR gale) -ebb",
    ] {
        for limit in [1, 10, 500] {
            let counted = Request { order: Order::Relevance, limit, ..ask(typed) };
            let all = catalogue.search(&counted).unwrap();
            let first = catalogue.search(&Request { counted: false, ..counted }).unwrap();
            assert_eq!(first.hits, all.hits, "{typed:?} {limit}");
            compared += all.hits.len();
        }
    }
    assert!(compared > 2_000, "{compared}");
}
