//! The index answers what a scan answers, whatever the text and the query.

use index::{Order, Query, Request};
use proptest::prelude::*;
use proptest::sample::select;

use crate::{ask, message, nine, open, rows, take_in};

/// Pieces of many scripts, few enough of each that random texts share them.
const PIECES: &[&str] = &[
    "潮", "汐", "表", "體", "体", "か", "カ", "ｶ", "ﾞ", "ー", "한", "국", "ㅋ", "ㅏ", "ㄳ", "ไ", "ท", "น้", "ำ", "ខ", "្",
    "မ", "့", "a", "B", "ß", "SS", "İ", "ı", "é", "e\u{301}", "Ж", "Ё", "ש", "ּ", "م", "ُ", "ـ", "ी", "ह", "क्", "7", "１",
    "½", "👩", "\u{200D}", "🔧", "🏽", "👍", "🇳", "🇴", "\u{FE0F}", "✨", " ", " ", " ", ".", "-", "_", "'", "，", "。",
    ":", "@", "(", "\u{200B}", "\u{AD}", "\u{200C}", "\n", "ﬁ", "㍿", "™",
];

fn text(pieces: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = String> {
    prop::collection::vec(select(PIECES), pieces).prop_map(|pieces| pieces.concat())
}

/// A part of one of the texts, quoted or not, sometimes with a part of another.
fn part(texts: &[String], choice: &(prop::sample::Index, usize, usize, bool)) -> String {
    let (which, start, length, quoted) = choice;
    let characters: Vec<char> = which.get(texts).chars().collect();
    let start = start % characters.len().max(1);
    let part: String = characters.into_iter().skip(start).take(*length).filter(|c| *c != '"').collect();
    if *quoted { format!("\"{part}\"") } else { part }
}

/// The same as something that is not there, goes on, is near, or is an expression.
fn shaped(part: &str, shape: usize) -> String {
    let part = part.trim();
    match shape {
        0 => format!("-{part}"),
        1 => format!("{part}*"),
        2 => format!("{part}~1"),
        6 => "a7~2".to_owned(),
        7 => "/.{1,2}/".to_owned(),
        3 => format!("/{}.*/", part.replace(|c: char| c.is_ascii_punctuation() || c.is_whitespace(), "")),
        4 => format!("({part} OR ab)"),
        5 => format!("NOT ({part} -\"潮 汐\")"),
        _ => part.to_owned(),
    }
}

fn choice() -> impl Strategy<Value = (prop::sample::Index, usize, usize, bool)> {
    (any::<prop::sample::Index>(), 0..20_usize, 1..7_usize, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn index_and_scan_agree(
        texts in prop::collection::vec(text(0..16), 1..24),
        choices in prop::collection::vec((choice(), prop::option::of(choice()), 0..14_usize), 24),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = open(folder.path());
        let messages: Vec<_> = (1..).zip(&texts).map(|(line, text)| message(nine(), line, text)).collect();
        take_in(&catalogue, nine(), "v", &messages);
        for (first, second, shape) in &choices {
            let mut typed = shaped(&part(&texts, first), *shape);
            if let Some(second) = second {
                typed = format!("{typed} {}", part(&texts, second));
            }
            let Ok(query) = Query::parse(&typed) else { continue };
            let found = catalogue.search(&ask(&typed)).unwrap();
            let scanned: Vec<_> = messages
                .iter()
                .filter(|message| query.matches(message))
                .map(|message| format!("09/{}", message.position.line))
                .collect();
            prop_assert_eq!(rows(&found), &*scanned, "{:?} in {:?}", typed, texts);
            prop_assert_eq!(found.total, scanned.len() as u64);
            let best = catalogue.search(&Request { order: Order::Relevance, ..ask(&typed) }).unwrap();
            prop_assert_eq!(best.total, scanned.len() as u64, "by relevance: {:?}", typed);
            // Sums of several scores may be rounded in another way.
            if second.is_none() && first.3 && *shape > 7 {
                let request = Request { order: Order::Relevance, limit: 2, counted: false, ..ask(&typed) };
                let hits = catalogue.search(&request).unwrap().hits;
                prop_assert_eq!(hits.as_slice(), best.hits.get(..best.hits.len().min(2)).unwrap(), "first: {:?}", typed);
            }
            let mut lines = Vec::new();
            catalogue.each_row(&query, |row| lines.push(format!("09/{}", row.line))).unwrap();
            lines.sort_unstable();
            let mut scanned = scanned;
            scanned.sort_unstable();
            prop_assert_eq!(lines, scanned, "each row: {:?}", typed);
        }
    }

    #[test]
    fn what_is_shown_lies_on_characters_and_is_found_again(text in text(0..24), choice in choice()) {
        let typed = part(std::slice::from_ref(&text), &choice);
        let Ok(query) = Query::parse(&typed) else { return Ok(()) };
        let ranges = query.highlight(&text);
        prop_assert!(ranges.is_sorted_by(|one, other| one.end < other.start), "{:?}", ranges);
        for range in &ranges {
            prop_assert!(range.start < range.end);
            prop_assert!(text.get(range.clone()).is_some(), "{:?} of {:?}", range, text);
        }
        let is_wanted = !typed.contains('-') && query != Query::parse("").unwrap();
        prop_assert!(!is_wanted || !query.matches(&message(nine(), 1, &text)) || !ranges.is_empty());
    }

    #[test]
    fn any_substring_of_a_dense_run_is_found(
        run in "[潮汐表更新体かカー한국ไทยមရ]{1,12}", start in 0..12_usize, length in 1..6_usize, before in "[a ，]{0,2}", after in "[b 。]{0,2}",
    ) {
        let characters: Vec<char> = run.chars().collect();
        let substring: String = characters.iter().cycle().skip(start % characters.len()).take(length).collect();
        prop_assume!(run.contains(&substring));
        let text = format!("{before}{run}{after}");
        let query = Query::parse(&substring).unwrap();
        prop_assert!(query.matches(&message(nine(), 1, &text)), "{} in {}", substring, text);
        let shown: Vec<_> = query.highlight(&text).into_iter().map(|range| text.get(range).unwrap()).collect();
        prop_assert!(shown.iter().all(|part| part.contains(&substring)), "{:?} of {}", shown, text);
    }
}
