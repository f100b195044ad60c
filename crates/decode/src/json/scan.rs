//! Finding the end of a value, and all values within it.

use super::value::{Kind, Span, Token};

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
}

/// What comes after a value within the one being read.
enum After {
    /// Nothing: the whole value ends here.
    Done(usize),
    /// Another value, here, perhaps with a key.
    Value(usize, Span),
}

impl Scanner {
    /// A scanner of values no deeper than this.
    pub(crate) fn new(depth: usize) -> Self {
        Self { depth, open: Vec::new() }
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

    fn value(&mut self, text: &[u8], tape: &mut Vec<Token>) -> Result<usize, Fault> {
        let base = tape.len();
        let (mut at, mut key) = (after_space(text, 0), Span::NONE);
        loop {
            let (kind, end) = simple(text, at)?;
            let index = tape.len();
            tape.push(Token::new(kind, key, Span::new(at, end), index + 1 - base));
            let after = match kind {
                Kind::Array | Kind::Object => self.enter(text, at, index, kind)?,
                _ => None,
            };
            match after.map_or_else(|| self.leave(text, end, tape, base), Ok)? {
                After::Done(end) => return Ok(end),
                After::Value(next, next_key) => (at, key) = (next, next_key),
            }
        }
    }

    /// Steps into the container that opens at `at`; `None` when it is empty.
    fn enter(&mut self, text: &[u8], at: usize, index: usize, kind: Kind) -> Result<Option<After>, Fault> {
        if self.open.len() == self.depth {
            return Err(Fault::TooDeep(at));
        }
        self.open.push(index);
        let first = after_space(text, at + 1);
        if byte(text, first)? == kind.closing() {
            return Ok(None);
        }
        inside(text, first, kind).map(Some)
    }

    /// Goes on after a value, closing what closes.
    fn leave(&mut self, text: &[u8], end: usize, tape: &mut [Token], base: usize) -> Result<After, Fault> {
        let mut end = end;
        while let Some(&index) = self.open.last() {
            let kind = tape[index].kind;
            let at = after_space(text, end);
            match byte(text, at)? {
                b',' => return inside(text, after_space(text, at + 1), kind),
                close if close == kind.closing() => {
                    end = at + 1;
                    tape[index].close(end, tape.len() - base);
                    self.open.pop();
                }
                _ => return Err(Fault::Syntax(at)),
            }
        }
        Ok(After::Done(end))
    }
}

/// The next element, or the next key and where its value begins.
fn inside(text: &[u8], at: usize, kind: Kind) -> Result<After, Fault> {
    if kind == Kind::Array {
        return Ok(After::Value(at, Span::NONE));
    }
    if byte(text, at)? != b'"' {
        return Err(Fault::Syntax(at));
    }
    let end = string(text, at)?;
    let colon = after_space(text, end);
    if byte(text, colon)? != b':' {
        return Err(Fault::Syntax(colon));
    }
    Ok(After::Value(after_space(text, colon + 1), Span::new(at, end)))
}

/// The value at `at` as far as it can be read without a stack: of a container only the bracket.
fn simple(text: &[u8], at: usize) -> Result<(Kind, usize), Fault> {
    match byte(text, at)? {
        b'"' => Ok((Kind::String, string(text, at)?)),
        b'{' => Ok((Kind::Object, at + 1)),
        b'[' => Ok((Kind::Array, at + 1)),
        b'-' | b'0'..=b'9' => Ok((Kind::Number, number(text, at)?)),
        b't' => word(text, at, b"true").map(|end| (Kind::True, end)),
        b'f' => word(text, at, b"false").map(|end| (Kind::False, end)),
        b'n' => word(text, at, b"null").map(|end| (Kind::Null, end)),
        _ => Err(Fault::Syntax(at)),
    }
}

fn byte(text: &[u8], at: usize) -> Result<u8, Fault> {
    text.get(at).copied().ok_or(Fault::End)
}

fn after_space(text: &[u8], at: usize) -> usize {
    let mut at = at;
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

fn number(text: &[u8], at: usize) -> Result<usize, Fault> {
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

/// The end of the string whose opening quote is at `at`.
fn string(text: &[u8], at: usize) -> Result<usize, Fault> {
    let mut at = at + 1;
    loop {
        at += plain_length(&text[at..]);
        match byte(text, at)? {
            b'"' => return Ok(at + 1),
            b'\\' => at = escape(text, at)?,
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

/// How many bytes come before the first quote, backslash or control character. Eight at a time: most of a record is
/// text.
fn plain_length(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    // Sets the high bit of each byte below `bound`. Borrows can set further ones above the lowest, never below it.
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGHS;
    let (chunks, _) = text.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = quote | backslash | below(word, 0x20);
        if found != 0 {
            return index * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let done = chunks.len() * 8;
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    text[done..].iter().position(special).map_or(text.len(), |index| done + index)
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
                    assert_eq!(plain_length(&text), place);
                    text[place] = 0x20;
                    assert_eq!(plain_length(&text), length);
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
