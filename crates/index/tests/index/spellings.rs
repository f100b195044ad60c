//! Accents are folded, and the exact spelling comes first all the same.

use index::{Order, Request};

use crate::{ask, message, nine, open, take_in};

#[test]
fn the_exact_spelling_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let texts = [
        "cafe cafe cafe cafe",
        "a café with a long menu, and more words than the others have, to be scored lower by itself",
        "CAFE\u{301}",
        "cafe and café",
        "résumé of the tide",
        "resume the tide tide tide",
        "شُكْراً",
        "شكرا شكرا",
        "nothing of it",
    ];
    let messages: Vec<_> = (1..).zip(texts).map(|(line, text)| message(nine(), line, text)).collect();
    take_in(&catalogue, nine(), "v", &messages);
    for (typed, first, others) in [
        ("café", vec![2, 3, 4], vec![1]),
        ("Cafe", vec![1, 4], vec![2, 3]),
        ("résumé tide", vec![5], vec![6]),
        ("\"resume the\"", vec![6], vec![]),
        ("resume", vec![6], vec![5]),
        ("\"résumé of\"", vec![5], vec![]),
        ("شكرا", vec![8], vec![7]),
        ("شُكْراً", vec![7], vec![8]),
        ("café OR tide", vec![2, 3, 4, 5, 6], vec![1]),
    ] {
        let found = catalogue.search(&Request { order: Order::Relevance, ..ask(typed) }).unwrap();
        let lines: Vec<u64> = found.hits.iter().map(|hit| hit.line).collect();
        let (mut head, mut tail) = (lines.clone(), lines.clone());
        head.truncate(first.len());
        tail.drain(..first.len().min(lines.len()));
        head.sort_unstable();
        tail.sort_unstable();
        assert_eq!((head, tail), (first, others), "{typed}: {lines:?}");
        assert!(found.hits.iter().all(|hit| hit.score > 0.0));
    }
}

/// Where nothing is scored nothing is favoured, and the same is found.
#[test]
fn order_by_time_knows_no_spelling() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    take_in(&catalogue, nine(), "v", &[message(nine(), 1, "cafe"), message(nine(), 2, "café")]);
    let found = catalogue.search(&ask("café")).unwrap();
    assert_eq!((found.total, found.hits[0].line), (2, 1));
}
