//! Counting by value, going on behind a place, and leaving hours out.

use chat::{BodyType, Hour, Message, Timestamp, parse_time};
use index::{By, Catalogue, Changes, Counts, Facet, Order, Request, Unit};

use crate::{ask, message, nine, open, rows, take_in};

fn at(text: &str) -> Timestamp {
    parse_time(text).unwrap()
}

/// A message of `sender` in a group.
fn said(hour: Hour, line: u64, sender: &'static str, time: &str) -> Message<'static> {
    Message {
        sender: Some(sender.into()),
        recipient: Some("G7".into()),
        conversation: Some("groupchat:G7".into()),
        body_type: Some(BodyType::Txt),
        sent_at: Some(at(time)),
        msg_id: Some(format!("{}{line:03}", hour.number()).into()),
        ..message(hour, line, "tide")
    }
}

fn counted(catalogue: &Catalogue, by: By, query: &str) -> Counts {
    let request = Request { limit: 0, counted_by: vec![by], ..ask(query) };
    catalogue.search(&request).unwrap().counts.remove(0)
}

fn values(counts: Counts) -> (Vec<(String, u64)>, u64) {
    match counts {
        Counts::Values { counts, without } => {
            (counts.into_iter().map(|(value, count)| (value.to_string(), count)).collect(), without)
        }
        Counts::Times { .. } => panic!("asked for values"),
    }
}

#[test]
fn every_message_is_counted_once_by_the_first_value_that_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let next = nine().next();
    let first = [
        said(nine(), 1, "Mara", "2026-03-14T09:00:00Z"),
        said(nine(), 2, "teo", "2026-03-14T09:30:00Z"),
        message(nine(), 3, "tide"),
    ];
    take_in(&catalogue, nine(), "v", &first);
    // A copy of the first message, and a new one.
    let copy = Message { position: message(next, 1, "").position, ..first[0].clone() };
    take_in(&catalogue, next, "v", &[copy, said(next, 2, "mara", "2026-03-15T00:00:00Z")]);
    for query in ["", "tide"] {
        let of = |facet| values(counted(&catalogue, By::Value(facet), query));
        assert_eq!(of(Facet::From), (vec![("mara".into(), 2), ("teo".into(), 1)], 1), "{query:?}");
        assert_eq!(of(Facet::To), (vec![("g7".into(), 3)], 1));
        assert_eq!(of(Facet::In), (vec![("groupchat:g7".into(), 3)], 1), "the bare id is not counted");
        assert_eq!(of(Facet::Type), (vec![("txt".into(), 3)], 1));
        for (unit, expected) in [
            (Unit::Hour, vec![("2026-03-14T09", 2), ("2026-03-15T00", 1)]),
            (Unit::Day, vec![("2026-03-14", 2), ("2026-03-15", 1)]),
            (Unit::Week, vec![("2026-03-09", 3)]),
            (Unit::Month, vec![("2026-03-01", 3)]),
        ] {
            let counts = expected.into_iter().map(|(begin, count)| (at(begin), count)).collect();
            assert_eq!(counted(&catalogue, By::Time(unit), query), Counts::Times { counts, without: 1 }, "{unit:?}");
        }
    }
    let found = catalogue.search(&Request { limit: 0, ..ask("") }).unwrap();
    assert_eq!((found.hits.len(), found.total, found.counts_copies), (0, 4, false));
}

/// More rows than are compared with one another, so that copies are looked for in the whole index.
#[test]
fn of_many_messages_each_is_counted_once_too() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let next = nine().next();
    let lines = 0..150_000_u64;
    let of = |hour: Hour, number: u64| Message {
        msg_id: Some(number.to_string().into()),
        ..message(hour, number % 150_000 + 1, "tide")
    };
    take_in(&catalogue, nine(), "v", &lines.clone().map(|number| of(nine(), number)).collect::<Vec<_>>());
    // The last thousand once more, and others.
    take_in(&catalogue, next, "v", &lines.map(|number| of(next, number + 149_000)).collect::<Vec<_>>());
    for _ in 0..2 {
        for query in ["", "tide"] {
            let found = catalogue.search(&Request { limit: 3, order: Order::Newest, ..ask(query) }).unwrap();
            assert_eq!((found.total, found.counts_copies), (299_000, false), "{query:?}");
        }
    }
    // What is known of copies is forgotten when the index changes.
    catalogue.drop_hours(&[next]).unwrap();
    assert_eq!(catalogue.search(&ask("tide")).unwrap().total, 150_000);
}

/// Rows without an id lie between those that are looked at.
#[test]
fn among_many_those_without_an_id_are_no_copies() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let of = |hour: Hour, number: u64| Message {
        msg_id: (!number.is_multiple_of(10)).then(|| number.to_string().into()),
        ..message(hour, number % 120_000 + 1, "tide")
    };
    take_in(&catalogue, nine(), "v", &(0..120_000).map(|number| of(nine(), number)).collect::<Vec<_>>());
    let next = nine().next();
    take_in(&catalogue, next, "v", &(119_000..239_000).map(|number| of(next, number)).collect::<Vec<_>>());
    let found = catalogue.search(&Request { limit: 3, ..ask("tide") }).unwrap();
    assert_eq!((found.total, found.counts_copies), (240_000 - 900, false));
}

#[test]
fn pages_neither_overlap_nor_skip() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let seconds = |line: u64| line * 37 % 20;
    let messages: Vec<_> = (1..=90)
        .map(|line| {
            let time = at("2026-03-14T09:00:00Z") + std::time::Duration::from_secs(seconds(line));
            let sent_at = (line % 9 > 0).then_some(time);
            Message { sent_at, ..message(nine(), line, if line % 2 == 0 { "word" } else { "word and more" }) }
        })
        .collect();
    take_in(&catalogue, nine(), "v", &messages);
    for order in [Order::Relevance, Order::Newest, Order::Oldest] {
        let whole = rows(&catalogue.search(&Request { order, ..ask("word") }).unwrap());
        for limit in [1, 7, 89] {
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let found = catalogue.search(&Request { order, limit, after, ..ask("word") }).unwrap();
                assert_eq!(found.total, 90, "what lies before is counted too");
                paged.extend(rows(&found));
                match found.hits.last() {
                    Some(last) => after = Some(last.place()),
                    None => break,
                }
            }
            assert_eq!(paged, whole, "{order:?} {limit}");
        }
    }
}

#[test]
fn an_hour_that_is_left_out_is_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let next = nine().next();
    let first = said(nine(), 1, "mara", "2026-03-14T09:00:00Z");
    take_in(&catalogue, nine(), "v", std::slice::from_ref(&first));
    take_in(&catalogue, next, "v", &[Message { position: message(next, 7, "").position, ..first }]);
    for query in ["", "tide"] {
        let request = Request { without: [nine()].into(), counted_by: vec![By::Value(Facet::From)], ..ask(query) };
        let found = catalogue.search(&request).unwrap();
        assert_eq!((rows(&found), found.total), (vec!["10/7".to_owned()], 1), "{query:?}");
        assert_eq!(values(found.counts[0].clone()).0, [("mara".to_owned(), 1)]);
    }
}

#[test]
fn a_message_is_recalled_or_edited_by_what_a_later_hour_says() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let next = nine().next();
    let event = |line: u64, name: &'static str, about: &'static str| Message {
        chat_type: Some(name.into()),
        about: Some(about.into()),
        ..message(next, line, "")
    };
    take_in(&catalogue, nine(), "v", &[Message { msg_id: Some("41".into()), ..message(nine(), 1, "tide") }]);
    take_in(&catalogue, next, "v", &[event(1, "recall", "41"), event(2, "edit", "42"), event(3, "read_ack", "43")]);
    let changes = |id: &str| catalogue.changes_of(id, &[].into()).unwrap();
    assert_eq!(changes("41"), Changes { is_recalled: true, is_edited: false });
    assert_eq!(changes("42"), Changes { is_recalled: false, is_edited: true });
    assert_eq!((changes("43"), changes("44")), (Changes::default(), Changes::default()));
    assert_eq!(catalogue.changes_of("41", &[next].into()).unwrap(), Changes::default(), "an hour that does not count");
}

/// What was archived before keeps its place among messages of the same moment, so that no page skips or repeats it.
#[test]
fn pages_go_on_when_an_hour_is_served_anew_or_an_earlier_copy_is_archived() {
    let at = |hour: Hour, line, id: &'static str| {
        let sent_at = parse_time("2026-03-14T10:30").ok();
        Message { msg_id: Some(id.into()), sent_at, ..message(hour, line, "word") }
    };
    let (earlier, hour) = (nine(), nine().next());
    for order in [Order::Oldest, Order::Newest] {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = open(folder.path());
        let page = |after| catalogue.search(&Request { order, limit: 2, after, ..ask("word") }).unwrap().hits;
        take_in(&catalogue, hour, "one", &[at(hour, 1, "70"), at(hour, 2, "30"), at(hour, 3, "50"), at(hour, 4, "90")]);
        let first = page(None);
        take_in(&catalogue, hour, "two", &[at(hour, 1, "90"), at(hour, 2, "70"), at(hour, 3, "50"), at(hour, 4, "30")]);
        take_in(&catalogue, earlier, "one", &[at(earlier, 1, "70"), at(earlier, 2, "50")]);
        let second = page(first.last().map(index::Hit::place));
        let mut messages: Vec<_> = first.iter().chain(&second).map(|hit| hit.message).collect();
        messages.sort_unstable();
        messages.dedup();
        assert_eq!((messages.len(), first.len() + second.len()), (4, 4), "{order:?}");
    }
}
