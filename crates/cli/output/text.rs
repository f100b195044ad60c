//! Text from outside, made fit for a terminal.

use std::ops::Range;

use unicode_segmentation::GraphemeCursor;

/// How many characters of a text a table shows.
const EXCERPT: usize = 300;
/// How many of them stand in front of the first mark.
const LEAD: usize = 60;

/// A piece of a text: marked or not.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) is_marked: bool,
}

/// The text with everything shown that a terminal would obey: control characters as pictures, line ends as `↵`, tabs as
/// spaces, and characters that reverse the direction of what follows by their number.
#[must_use]
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' => shown.push('↵'),
            '\t' => shown.push(' '),
            '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + u32::from(character))),
            '\u{7f}' => shown.push('␡'),
            '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(character.escape_unicode());
            }
            _ => shown.push(character),
        }
    }
    shown
}

/// A page or drawing with everything replaced that HTML and XML forbid even when it is escaped: control characters by their
/// pictures or numbers. Line ends and tabs stay.
#[must_use]
pub(crate) fn without_controls(markup: String) -> String {
    let is_forbidden = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
            || matches!(c, '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}')
    };
    if !markup.contains(is_forbidden) {
        return markup;
    }
    let mut shown = String::with_capacity(markup.len());
    for character in markup.chars() {
        match character {
            '\0'..='\u{7f}' if is_forbidden(character) => shown.push_str(&visible(character.encode_utf8(&mut [0; 4]))),
            other if is_forbidden(other) => shown.extend(other.escape_unicode()),
            other => shown.push(other),
        }
    }
    shown
}

/// The beginning of bytes from outside as text, somewhat more than a table shows of it. Bytes that are no UTF-8 are shown by
/// their numbers.
#[must_use]
pub(crate) fn beginning(bytes: &[u8]) -> String {
    // No character has more bytes.
    let most = (EXCERPT + 1) * 4;
    let mut text = String::new();
    for chunk in bytes.get(..most).unwrap_or(bytes).utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// The part of a text around its first mark, as visible pieces; `…` stands for what was left out.
#[must_use]
pub(crate) fn excerpt(text: &str, marks: &[Range<usize>]) -> Vec<Piece> {
    let window = window(text, marks.first().map_or(0, |mark| mark.start));
    let mut pieces = Vec::new();
    let mut at = window.start;
    for mark in marks {
        let (start, end) = (mark.start.clamp(at, window.end), mark.end.clamp(at, window.end));
        push(&mut pieces, text.get(at..start), false);
        push(&mut pieces, text.get(start..end), true);
        at = end;
    }
    push(&mut pieces, text.get(at..window.end), false);
    if window.start > 0 {
        pieces.insert(0, Piece { text: "…".to_owned(), is_marked: false });
    }
    if window.end < text.len() {
        pieces.push(Piece { text: "…".to_owned(), is_marked: false });
    }
    pieces
}

/// The bytes of at most [`EXCERPT`] characters, from about [`LEAD`] characters before `focus`. Nothing is cut that people see
/// as one, such as a letter with its vowel signs or a family, unless it alone is longer.
fn window(text: &str, focus: usize) -> Range<usize> {
    let before = text.get(..focus).unwrap_or("");
    let start = before.char_indices().rev().nth(LEAD - 1).map_or(0, |(at, _)| at);
    let start = boundary_from(text, start).min(focus);
    let rest = text.get(start..).unwrap_or("");
    let end = rest.char_indices().nth(EXCERPT).map_or(text.len(), |(at, _)| boundary_up_to(text, start + at, focus));
    start..end
}

/// The first place from `at` on where nothing is cut.
fn boundary_from(text: &str, at: usize) -> usize {
    let next = || GraphemeCursor::new(at, text.len(), true).next_boundary(text, 0).ok().flatten();
    if is_boundary(text, at) { at } else { next().unwrap_or(at) }
}

/// The last place up to `at`, but behind `focus`, where nothing is cut; `at` if there is none.
fn boundary_up_to(text: &str, at: usize, focus: usize) -> usize {
    let previous = || GraphemeCursor::new(at, text.len(), true).prev_boundary(text, 0).ok().flatten();
    if is_boundary(text, at) { at } else { previous().filter(|previous| *previous > focus).unwrap_or(at) }
}

fn is_boundary(text: &str, at: usize) -> bool {
    GraphemeCursor::new(at, text.len(), true).is_boundary(text, 0).unwrap_or(true)
}

fn push(pieces: &mut Vec<Piece>, text: Option<&str>, is_marked: bool) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        pieces.push(Piece { text: visible(text), is_marked });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces in one text, marks in brackets.
    fn shown(text: &str, marks: &[(usize, usize)]) -> String {
        let marks: Vec<_> = marks.iter().map(|(start, end)| *start..*end).collect();
        let one = |piece: Piece| if piece.is_marked { format!("[{}]", piece.text) } else { piece.text };
        excerpt(text, &marks).into_iter().map(one).collect()
    }

    #[test]
    fn a_terminal_is_not_obeyed() {
        for (text, expected) in [
            ("plain, 港口, שלום, 👩‍👩‍👧", "plain, 港口, שלום, 👩‍👩‍👧"),
            ("a\u{1b}[31mred\u{7}", "a␛[31mred␇"),
            ("one\r\ntwo\nthree\rfour\tfive", "one↵two↵three␍four five"),
            ("\0\u{7f}\u{9b}2J", "␀␡\\u{9b}2J"),
            ("abc\u{202e}fdp.exe", "abc\\u{202e}fdp.exe"),
        ] {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn markup_has_no_controls() {
        for (markup, expected) in [
            ("<p>a\tb\r\nc</p>", "<p>a\tb\r\nc</p>"),
            ("<p>\u{1b}[31m\u{7}\0\u{7f}</p>", "<p>␛[31m␇␀␡</p>"),
            ("<p>\u{9b}2J\u{fffe} 港口</p>", "<p>\\u{9b}2J\\u{fffe} 港口</p>"),
        ] {
            assert_eq!(without_controls(markup.to_owned()), expected);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_numbers() {
        for (bytes, expected) in [
            (&b"{\"a\":\xff\xfe1}"[..], r#"{"a":\xff\xfe1}"#),
            ("\u{6e2f}\u{53e3}".as_bytes(), "\u{6e2f}\u{53e3}"),
            (b"", ""),
        ] {
            assert_eq!(beginning(bytes), expected);
        }
        let long = beginning(&[0xe6, 0xb8, 0xaf].repeat(1000));
        assert!((EXCERPT + 1..1000).contains(&long.chars().count()), "{long}");
    }

    #[test]
    fn marks_stay_on_their_characters() {
        assert_eq!(shown("the \u{7}harbour wall", &[(5, 12)]), "the ␇[harbour] wall");
        assert_eq!(shown("去港口吧", &[(3, 9)]), "去[港口]吧");
        assert_eq!(shown("ab", &[(0, 1), (1, 2)]), "[a][b]");
        assert_eq!(shown("", &[]), "");
    }

    #[test]
    fn long_texts_are_cut_around_the_first_mark() {
        let text = format!("{}needle{}", "é".repeat(1000), "z".repeat(1000));
        let expected = format!("…{}[needle]{}…", "é".repeat(LEAD), "z".repeat(EXCERPT - LEAD - 6));
        assert_eq!(shown(&text, &[(2000, 2006)]), expected);
        assert_eq!(shown(&"z".repeat(EXCERPT), &[]), "z".repeat(EXCERPT));
    }

    #[test]
    fn nothing_is_cut_that_is_seen_as_one() {
        let family = "👩\u{200D}👩\u{200D}👧";
        for (letter, size) in [("कि", 2), (family, 5), ("e\u{301}", 2), ("🇳🇴", 2)] {
            for shift in 0..size {
                let text = format!("{}{}needle{}", letter.repeat(100), "x".repeat(shift), letter.repeat(200));
                let at = letter.len() * 100 + shift;
                let shown = shown(&text, &[(at, at + "needle".len())]);
                let (lead, rest) = shown.split_once(&format!("{}[needle]", "x".repeat(shift))).unwrap();
                for part in [lead, rest] {
                    let letters = part.trim_matches('…').matches(letter).count();
                    assert_eq!(part.trim_matches('…'), letter.repeat(letters), "{shown}");
                    assert!(letters >= LEAD / size - 1, "{shown}");
                }
            }
        }
        let marks = "\u{301}".repeat(1000);
        assert_eq!(shown(&format!("e{marks} needle e{marks}"), &[(2002, 2008)]), "… [needle] …");
        assert_eq!(shown(&format!("e{marks}"), &[(0, 2001)]), format!("[e{}]…", "\u{301}".repeat(EXCERPT - 1)));
    }

    #[test]
    fn marks_that_fit_no_text_do_no_harm() {
        assert_eq!(shown("abc", &[(2, 9)]), "ab[c]");
        assert_eq!(shown("é", &[(1, 2)]), "");
    }
}
