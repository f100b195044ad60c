//! Finding the end of a value, and all values within it.

use super::value::{Kind, Span, Token, Value};

/// Why no value could be read. Positions are byte offsets in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The text ends, and what there is could begin a value.
    End,
    /// No value has this byte here.
    Syntax(usize),
    /// This bracket is deeper than the limit.
    TooDeep(usize),
}

/// Reads values, and keeps its stack from one to the next.
#[derive(Debug)]
pub(crate) struct Scanner {
    /// How many containers may be open at a time.
    depth: usize,
    /// The containers that are open, as indices of the whole tape; `open.len() <= depth`.
    open: Vec<usize>,
    /// The tape of what is skipped.
    skipped: Vec<Token>,
}

impl Scanner {
    /// A scanner of values no deeper than this.
    pub(crate) fn new(depth: usize) -> Self {
        Self { depth, open: Vec::new(), skipped: Vec::new() }
    }

    /// Reads the value at the start of `text`, appends its tokens to `tape` and returns where it ends. A number or word
    /// at the end of the text counts as complete. After a fault the tape is as it was.
    ///
    /// `text.len() <= u32::MAX`; it need not be UTF-8, strings are taken byte for byte.
    pub(crate) fn scan(&mut self, text: &[u8], tape: &mut Vec<Token>) -> Result<usize, Fault> {
        let base = tape.len();
        self.open.clear();
        let end = self.value(text, tape);
        if end.is_err() {
            tape.truncate(base);
        }
        end
    }

    /// The value that a text is, scanned onto this tape in place of what is there; `None` when it is not one value.
    pub(crate) fn whole<'t, 'a>(&mut self, text: &'a str, tape: &'t mut Vec<Token>) -> Option<Value<'t, 'a>> {
        tape.clear();
        let end = self.scan(text.as_bytes(), tape).ok()?;
        text.get(end..)?.trim().is_empty().then(|| Value::whole(text, tape))
    }

    /// How many containers may be open at a time.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// The end of the value at the start of `text`, which is so many levels down; nothing when it cannot be read.
    pub(crate) fn skip(&mut self, text: &[u8], level: usize) -> Option<usize> {
        let mut tape = std::mem::take(&mut self.skipped);
        tape.clear();
        let depth = self.depth;
        self.depth -= level.min(depth);
        let end = self.scan(text, &mut tape);
        self.depth = depth;
        self.skipped = tape;
        end.ok()
    }

    fn value(&mut self, text: &[u8], tape: &mut Vec<Token>) -> Result<usize, Fault> {
        let base = tape.len();
        let (mut at, mut key) = (after_space(text, 0), Span::NONE);
        loop {
            let Simple { kind, escaped, mut end } = simple(text, at)?;
            let index = tape.len();
            tape.push(Token::new(kind, escaped, key, Span::new(at, end), index + 1 - base));
            if matches!(kind, Kind::Array | Kind::Object) {
                if self.open.len() == self.depth {
                    return Err(Fault::TooDeep(at));
                }
                self.open.push(index);
                let first = after_space(text, end);
                if byte(text, first)? != kind.closing() {
                    (at, key) = inside(text, first, kind)?;
                    continue;
                }
            }
            // A value has ended, and perhaps containers end with it.
            loop {
                let Some(&index) = self.open.last() else { return Ok(end) };
                let kind = tape[index].kind;
                let after = after_space(text, end);
                match byte(text, after)? {
                    b',' => {
                        (at, key) = inside(text, after_space(text, after + 1), kind)?;
                        break;
                    }
                    close if close == kind.closing() => {
                        end = after + 1;
                        let next = tape.len() - base;
                        tape[index].close(end, next);
                        self.open.pop();
                    }
                    _ => return Err(Fault::Syntax(after)),
                }
            }
        }
    }
}

/// Where the next element begins, or behind the next key its value; and the key.
fn inside(text: &[u8], at: usize, kind: Kind) -> Result<(usize, Span), Fault> {
    if kind == Kind::Array {
        return Ok((at, Span::NONE));
    }
    if byte(text, at)? != b'"' {
        return Err(Fault::Syntax(at));
    }
    let (end, _) = string(text, at)?;
    let colon = after_space(text, end);
    if byte(text, colon)? != b':' {
        return Err(Fault::Syntax(colon));
    }
    Ok((after_space(text, colon + 1), Span::new(at, end)))
}

/// A value as far as it can be read without a stack: of a container only the bracket.
struct Simple {
    kind: Kind,
    escaped: bool,
    end: usize,
}

fn simple(text: &[u8], at: usize) -> Result<Simple, Fault> {
    let (kind, end) = match byte(text, at)? {
        b'"' => {
            let (end, escaped) = string(text, at)?;
            return Ok(Simple { kind: Kind::String, escaped, end });
        }
        b'{' => (Kind::Object, at + 1),
        b'[' => (Kind::Array, at + 1),
        b'-' | b'0'..=b'9' => (Kind::Number, number(text, at)?),
        b't' => (Kind::True, word(text, at, b"true")?),
        b'f' => (Kind::False, word(text, at, b"false")?),
        b'n' => (Kind::Null, word(text, at, b"null")?),
        _ => return Err(Fault::Syntax(at)),
    };
    Ok(Simple { kind, escaped: false, end })
}

fn byte(text: &[u8], at: usize) -> Result<u8, Fault> {
    text.get(at).copied().ok_or(Fault::End)
}

#[inline]
pub(crate) fn after_space(text: &[u8], at: usize) -> usize {
    let mut at = at;
    if text.get(at).is_some_and(|byte| *byte > b' ') {
        return at;
    }
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

fn word(text: &[u8], at: usize, word: &[u8]) -> Result<usize, Fault> {
    for (index, expected) in word.iter().enumerate() {
        if byte(text, at + index)? != *expected {
            return Err(Fault::Syntax(at + index));
        }
    }
    Ok(at + word.len())
}

/// The end of the number at `at`, where there is a digit or a minus.
pub(crate) fn number(text: &[u8], at: usize) -> Result<usize, Fault> {
    let start = if text[at] == b'-' { at + 1 } else { at };
    let mut end = if byte(text, start)? == b'0' { start + 1 } else { digits(text, start)? };
    if text.get(end) == Some(&b'.') {
        end = digits(text, end + 1)?;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let signed = matches!(text.get(end + 1), Some(b'+' | b'-'));
        end = digits(text, end + 1 + usize::from(signed))?;
    }
    Ok(end)
}

/// At least one digit.
fn digits(text: &[u8], at: usize) -> Result<usize, Fault> {
    if !byte(text, at)?.is_ascii_digit() {
        return Err(Fault::Syntax(at));
    }
    let mut end = at + 1;
    while text.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    Ok(end)
}

/// The end of the string whose opening quote is at `at`, and whether it has escapes.
#[inline(always)]
pub(crate) fn string(text: &[u8], at: usize) -> Result<(usize, bool), Fault> {
    let end = plain_end(text, at + 1);
    if text.get(end) == Some(&b'"') { Ok((end + 1, false)) } else { odd_string(text, end) }
}

/// The rest of a string from its first escape on, unless it ends or breaks off there.
#[cold]
fn odd_string(text: &[u8], at: usize) -> Result<(usize, bool), Fault> {
    let mut at = at;
    loop {
        match byte(text, at)? {
            b'"' => return Ok((at + 1, true)),
            b'\\' => at = plain_end(text, escape(text, at)?),
            _ => return Err(Fault::Syntax(at)),
        }
    }
}

/// The end of the escape whose backslash is at `at`.
fn escape(text: &[u8], at: usize) -> Result<usize, Fault> {
    match byte(text, at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
        b'u' => {
            for digit in at + 2..at + 6 {
                if !byte(text, digit)?.is_ascii_hexdigit() {
                    return Err(Fault::Syntax(digit));
                }
            }
            Ok(at + 6)
        }
        _ => Err(Fault::Syntax(at + 1)),
    }
}

/// Where the first quote, backslash or control character is from `at` on, or the text ends. Eight bytes at a time: most
/// of a record is text.
#[inline(always)]
pub(crate) fn plain_end(text: &[u8], at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    // Sets the high bit of each byte below `bound`. Borrows can set further ones above the lowest, never below it.
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGHS;
    let mut at = at;
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = quote | backslash | below(word, 0x20);
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(text: &str) -> Result<usize, Fault> {
        Scanner::new(8).scan(text.as_bytes(), &mut Vec::new())
    }

    #[test]
    fn a_value_ends_where_it_ends() {
        for (text, end) in [
            ("{}", Ok(2)),
            (" { } {", Ok(4)),
            (r#"{"a":[1,2],"b":{}}x"#, Ok(18)),
            (r#""a\"\\\u12aF" "#, Ok(13)),
            ("-0.5e+10,", Ok(8)),
            ("01", Ok(1)),
            ("[[[[[[[[]]]]]]]]", Ok(16)),
            ("[[[[[[[[[]]]]]]]]]", Err(Fault::TooDeep(8))),
            ("", Err(Fault::End)),
            ("{", Err(Fault::End)),
            (r#"{"a"#, Err(Fault::End)),
            (r#"{"a":tru"#, Err(Fault::End)),
            (r#"{"a":-"#, Err(Fault::End)),
            (r#"{"a":1"#, Err(Fault::End)),
            (r#""\u12"#, Err(Fault::End)),
            ("[1,]", Err(Fault::Syntax(3))),
            (r#"{"a":1,}"#, Err(Fault::Syntax(7))),
            ("{a:1}", Err(Fault::Syntax(1))),
            (r#"{"a" 1}"#, Err(Fault::Syntax(5))),
            ("[1}", Err(Fault::Syntax(2))),
            ("\"a\nb\"", Err(Fault::Syntax(2))),
            (r#""\x""#, Err(Fault::Syntax(2))),
            ("1.x", Err(Fault::Syntax(2))),
            ("nul!", Err(Fault::Syntax(3))),
            ("<html>", Err(Fault::Syntax(0))),
        ] {
            assert_eq!(scan(text), end, "{text}");
        }
    }

    #[test]
    fn a_special_byte_is_found_at_every_place() {
        for special in [b'"', b'\\', 0, 0x1f] {
            for length in 0..40 {
                for place in 0..length {
                    let mut text = vec![0xff; length];
                    text[place] = special;
                    assert_eq!(plain_end(&text, 0), place);
                    text[place] = 0x20;
                    assert_eq!(plain_end(&text, 0), length);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn serde_json_agrees_on_what_is_json(text in r#"[\[\]{}",:0-9eE.+\-tfn \\u"ab]{0,24}"#) {
            let ours = Scanner::new(100).scan(text.as_bytes(), &mut Vec::new());
            let whole = ours.is_ok_and(|end| after_space(text.as_bytes(), end) == text.len());
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            prop_assert_eq!(whole, theirs);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut tape = Vec::new();
            if let Ok(end) = Scanner::new(8).scan(&bytes, &mut tape) {
                prop_assert!(end <= bytes.len() && !tape.is_empty());
            } else {
                prop_assert!(tape.is_empty());
            }
        }
    }
}
