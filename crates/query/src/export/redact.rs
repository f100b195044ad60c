//! Texts without the numbers and addresses that name a person.
//!
//! | found | becomes |
//! | --- | --- |
//! | an e-mail address | `[email]` |
//! | 18 digits, the last perhaps `X`, with the checksum of a Chinese identity number | `[id]` |
//! | 13 to 19 digits that end in their check digit (Luhn), as card numbers do | `[card]` |
//! | 7 to 15 digits, as telephone numbers have | `[phone]` |
//!
//! Digits count in any of the scripts that chats use, and may be parted by single spaces, dots, dashes or parentheses. Of
//! digits that can be read in several ways the longest is taken, so that rather too much is left out than too little:
//! other long numbers and dates with a time go too. A date alone, `2026-03-14`, stays.

use std::ops::Range;

/// The text with what was found replaced.
pub(super) fn redacted(text: &str) -> String {
    let text = replaced(text, emails(text));
    replaced(&text, numbers(&text))
}

/// What is replaced: bytes on the borders of characters, and the word in their place.
type Found = (Range<usize>, &'static str);

/// The text with these words in it; the ranges are in order and apart.
fn replaced(text: &str, found: Vec<Found>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (range, word) in found {
        out.push_str(text.get(done..range.start).unwrap_or_default());
        out.push_str(word);
        done = range.end;
    }
    out + text.get(done..).unwrap_or_default()
}

fn emails(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let done = found.last().map_or(0, |(range, _)| range.end);
        found.extend(email_around(text, at).filter(|range| range.start >= done).map(|range| (range, "[email]")));
    }
    found
}

/// The address around its `@`. Its letters are ASCII, so that it ends where Chinese goes on without a space.
fn email_around(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_local = |byte: &&u8| byte.is_ascii_alphanumeric() || b"._%+-'".contains(*byte);
    let is_domain = |byte: &&u8| byte.is_ascii_alphanumeric() || b".-".contains(*byte);
    let local = bytes[..at].iter().rev().take_while(is_local).count();
    let domain = bytes[at + 1..].iter().take_while(is_domain).count();
    let name = text.get(at + 1..at + 1 + domain)?.trim_end_matches(['.', '-']);
    let is_address = local > 0 && name.contains('.');
    is_address.then(|| at - local..at + 1 + name.len())
}

/// A digit as it stands in a text.
struct Digit {
    value: u8,
    at: Range<usize>,
    /// Whether it follows the one before without anything between.
    is_close: bool,
}

/// `X` as the last digit of an identity number.
const TEN: u8 = 10;

fn numbers(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for run in runs(text) {
        let mut from = 0;
        while from < run.len() {
            from = match longest(&run, from) {
                Some((until, word)) => {
                    found.push((run[from].at.start..run[until - 1].at.end, word));
                    until
                }
                None => group_end(&run, from),
            };
        }
    }
    found
}

/// The digits of a text, those together that are parted by no more than a separator.
fn runs(text: &str) -> Vec<Vec<Digit>> {
    let mut runs: Vec<Vec<Digit>> = Vec::new();
    let mut gap = usize::MAX;
    for (at, letter) in text.char_indices() {
        let ends_id = matches!(letter, 'x' | 'X') && gap == 0 && runs.last().is_some_and(|run| run.len() == 17);
        match digit(letter).or(ends_id.then_some(TEN)) {
            Some(value) => {
                let digit = Digit { value, at: at..at + letter.len_utf8(), is_close: gap == 0 };
                match runs.last_mut() {
                    Some(run) if gap <= LONGEST_GAP => run.push(digit),
                    _ => runs.push(vec![digit]),
                }
                gap = 0;
            }
            None if SEPARATORS.contains(&letter) => gap = gap.saturating_add(1),
            None => gap = usize::MAX,
        }
    }
    runs
}

const SEPARATORS: [char; 9] = [' ', '-', '.', '(', ')', '\u{a0}', '\u{2010}', '\u{2011}', '\u{2013}'];

/// As in `(0532) 555`.
const LONGEST_GAP: usize = 2;

/// The digits of ASCII, full width, Arabic, Persian, Devanagari, Bengali, Thai, Lao, Burmese and Khmer.
fn digit(letter: char) -> Option<u8> {
    const ZEROS: [char; 10] = ['0', '０', '٠', '۰', '०', '০', '๐', '໐', '၀', '០'];
    let value = |zero: &char| u32::from(letter).checked_sub(u32::from(*zero)).filter(|value| *value < 10);
    ZEROS.iter().find_map(value).and_then(|value| u8::try_from(value).ok())
}

/// The longest stretch of whole groups from here on that is something, where it ends, and the word for it.
fn longest(run: &[Digit], from: usize) -> Option<(usize, &'static str)> {
    let mut ends = Vec::new();
    let mut until = from;
    while until < run.len() && until - from < MOST_DIGITS {
        until = group_end(run, until);
        ends.push(until);
    }
    ends.into_iter().rev().find_map(|until| Some((until, word(&run[from..until])?)))
}

/// No number that is looked for has more.
const MOST_DIGITS: usize = 19;

fn group_end(run: &[Digit], from: usize) -> usize {
    let close = run[from + 1..].iter().take_while(|digit| digit.is_close).count();
    from + 1 + close
}

fn word(digits: &[Digit]) -> Option<&'static str> {
    let values: Vec<u8> = digits.iter().map(|digit| digit.value).collect();
    match values.len() {
        18 if is_identity_number(&values) => Some("[id]"),
        _ if values.contains(&TEN) => None,
        13..=19 if passes_luhn(&values) => Some("[card]"),
        8 if is_date(digits) => None,
        7..=15 => Some("[phone]"),
        _ => None,
    }
}

/// ISO 7064 MOD 11-2, as GB 11643 has it.
fn is_identity_number(digits: &[u8]) -> bool {
    let remainder = digits.iter().fold(0, |sum, digit| (sum * 2 + u32::from(*digit)) % 11);
    remainder == 1
}

fn passes_luhn(digits: &[u8]) -> bool {
    let weighed = digits.iter().rev().enumerate().map(|(place, digit)| match place % 2 {
        0 => u32::from(*digit),
        _ => u32::from(*digit) * 2 / 10 + u32::from(*digit) * 2 % 10,
    });
    weighed.sum::<u32>() % 10 == 0
}

/// Four, two and two digits that name a day.
fn is_date(digits: &[Digit]) -> bool {
    let number = |range: Range<usize>| digits[range].iter().fold(0, |sum, digit| sum * 10 + u32::from(digit.value));
    let parted: Vec<usize> = (1..digits.len()).filter(|place| !digits[*place].is_close).collect();
    parted == [4, 6]
        && (1900..2200).contains(&number(0..4))
        && (1..=12).contains(&number(4..6))
        && (1..=31).contains(&number(6..8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_person_is_replaced() {
        for (text, expected) in [
            ("write to Mara.Voss+x@mail.example.com, please", "write to [email], please"),
            ("邮箱mara@example.com谢谢", "邮箱[email]谢谢"),
            ("a@b.c d@e.f.", "[email] [email]."),
            ("@teo-77 see you @ 5", "@teo-77 see you @ 5"),
            ("call +49 (0532) 555-0199 now", "call +[phone] now"),
            ("我的手机13800138000，谢谢", "我的手机[phone]，谢谢"),
            ("138 0013 8000", "[phone]"),
            ("１３８００１３８０００", "[phone]"),
            ("٠١٢٣٤٥٦٧٨٩", "[phone]"),
            ("4111 1111 1111 1111", "[card]"),
            ("card 5555555555554444 of 13800138000", "card [card] of [phone]"),
            ("11010519491231002X", "[id]"),
            ("身份证11010519491231002x号", "身份证[id]号"),
            ("440524188001010014", "[id]"),
            // One digit wrong.
            ("110105194912310021", "110105194912310021"),
            ("4111111111111112", "4111111111111112"),
            ("on 2026-03-14 at 9", "on 2026-03-14 at 9"),
            ("in 2026, 12 of 345678", "in 2026, 12 of 345678"),
            ("", ""),
            ("v1.2.3 and 10:30", "v1.2.3 and 10:30"),
        ] {
            assert_eq!(redacted(text), expected, "{text}");
        }
    }

    #[test]
    fn two_numbers_beside_each_other_are_two() {
        assert_eq!(redacted("13800138000 4111111111111111"), "[phone] [card]");
        assert_eq!(redacted("4111111111111111 13800138000"), "[card] [phone]");
    }
}
