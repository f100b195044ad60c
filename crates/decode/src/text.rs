//! Strings of JSON: reading them into text, comparing keys, writing them.

use std::borrow::Cow;

use crate::json::Value;

/// A string, as nearly as a column can hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    /// The text, with U+FFFD for each U+0000 and each lone surrogate.
    pub(crate) value: Cow<'a, str>,
    /// Whether nothing had to be replaced.
    pub(crate) exact: bool,
}

/// Reads the string that a value is.
pub(crate) fn of<'a>(string: Value<'_, 'a>) -> Text<'a> {
    if string.is_escaped() {
        read(string.raw())
    } else {
        Text { value: Cow::Borrowed(unquoted(string.raw())), exact: true }
    }
}

/// Whether the string that a value is says just this text.
pub(crate) fn is(string: Value<'_, '_>, text: &str) -> bool {
    if string.is_escaped() {
        let read = read(string.raw());
        read.exact && read.value == text
    } else {
        unquoted(string.raw()) == text
    }
}

/// Reads a string as written, quotes included. Warehouses choke on U+0000, and no `str` holds a lone surrogate: both
/// are replaced.
pub(crate) fn read(raw: &str) -> Text<'_> {
    unescaped(unquoted(raw))
}

/// Reads what is between the quotes of a string.
pub(crate) fn unescaped(inner: &str) -> Text<'_> {
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Text { value: Cow::Borrowed(inner), exact: true };
    }
    let mut value = String::with_capacity(inner.len());
    let mut exact = true;
    for piece in pieces(inner) {
        match piece {
            Piece::Char('\0') | Piece::Surrogate(_) => {
                value.push(char::REPLACEMENT_CHARACTER);
                exact = false;
            }
            Piece::Char(char) => value.push(char),
            Piece::Plain(text) => value.push_str(text),
        }
    }
    Text { value: Cow::Owned(value), exact }
}

/// A string as written, quotes included, without its escapes; `None` when it has none.
pub(crate) fn without_escapes(raw: &str) -> Option<String> {
    memchr::memchr(b'\\', raw.as_bytes())?;
    Some(format!("\"{}\"", read(raw).value))
}

/// The exact value of a string as written, in UTF-8 in which lone surrogates have their three bytes too.
pub(crate) fn exact_bytes(raw: &str) -> Cow<'_, [u8]> {
    let inner = unquoted(raw);
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner.as_bytes());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    for piece in pieces(inner) {
        match piece {
            Piece::Char(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Piece::Plain(text) => bytes.extend_from_slice(text.as_bytes()),
            Piece::Surrogate(unit) => {
                let [high, low] = unit.to_be_bytes();
                bytes.extend([0xe0 | high >> 4, 0x80 | (high & 0x0f) << 2 | low >> 6, 0x80 | low & 0x3f]);
            }
        }
    }
    Cow::Owned(bytes)
}

/// Appends a text as a JSON string.
pub(crate) fn write(out: &mut String, text: &str) {
    out.push('"');
    let mut left = text;
    loop {
        let (plain, after) = left.split_at(plain_length(left));
        out.push_str(plain);
        let mut chars = after.chars();
        let Some(char) = chars.next() else { break };
        write_escape(out, char);
        left = chars.as_str();
    }
    out.push('"');
}

/// Bytes before the first character that needs an escape, which is ASCII.
fn plain_length(text: &str) -> usize {
    /// What a processor compares at once.
    const STRIDE: usize = 32;
    let needs_escape = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    let (strides, _) = text.as_bytes().as_chunks::<STRIDE>();
    // Without a way out in the middle, so that a stride is compared in one step.
    let is_plain = |stride: &&[u8; STRIDE]| !stride.iter().fold(false, |found, byte| found | needs_escape(byte));
    let passed = STRIDE * strides.iter().take_while(is_plain).count();
    let rest = &text.as_bytes()[passed..];
    passed + rest.iter().position(needs_escape).unwrap_or(rest.len())
}

fn write_escape(out: &mut String, char: char) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    match char {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        control => {
            let code = control as usize;
            out.push_str("\\u00");
            out.extend([HEX[code >> 4 & 15], HEX[code & 15]]);
        }
    }
}

/// A stretch of the inside of a string.
enum Piece<'a> {
    /// An escaped character, of one escape or of a pair.
    Char(char),
    /// Text without escapes.
    Plain(&'a str),
    /// An escaped half of a pair without the other.
    Surrogate(u16),
}

fn pieces(inner: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut left = inner;
    std::iter::from_fn(move || {
        let (plain, escape) = match memchr::memchr(b'\\', left.as_bytes()) {
            Some(0) => {
                let (piece, after) = unescape(left);
                left = after;
                return Some(piece);
            }
            Some(at) => left.split_at(at),
            None => (left, ""),
        };
        left = escape;
        (!plain.is_empty()).then_some(Piece::Plain(plain))
    })
}

/// Reads the escape that `text` begins with; the scanner has checked its form.
fn unescape(text: &str) -> (Piece<'_>, &str) {
    let (escape, after) = text.split_at_checked(2).unwrap_or((text, ""));
    let char = match escape.as_bytes().last() {
        Some(b'u') => return unescape_unit(after),
        Some(b'b') => '\x08',
        Some(b'f') => '\x0c',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(other) => char::from(*other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (Piece::Char(char), after)
}

/// Reads the four digits after `\u`, and a second such escape when the two are a pair.
fn unescape_unit(text: &str) -> (Piece<'_>, &str) {
    let (unit, after) = hex_unit(text);
    let pair = after.strip_prefix("\\u").map(hex_unit);
    if let Some((low, behind)) = pair
        && let Some(Ok(char)) = char::decode_utf16([unit, low]).next()
        && char > '\u{ffff}'
    {
        return (Piece::Char(char), behind);
    }
    let piece = char::from_u32(u32::from(unit)).map_or(Piece::Surrogate(unit), Piece::Char);
    (piece, after)
}

fn hex_unit(text: &str) -> (u16, &str) {
    let (digits, after) = text.split_at_checked(4).unwrap_or((text, ""));
    (u16::from_str_radix(digits, 16).unwrap_or(0xfffd), after)
}

fn unquoted(raw: &str) -> &str {
    raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read() {
        for (raw, value, exact) in [
            (r#""""#, "", true),
            (r#""a码""#, "a码", true),
            (r#""\n\r\t\b\f\"\\\/""#, "\n\r\t\x08\x0c\"\\/", true),
            (r#""\u4f60\uD83D\udea2!""#, "你🚢!", true),
            (r#""\u0000""#, "\u{fffd}", false),
            (r#""\ufffd""#, "\u{fffd}", true),
            (r#""\ud83d""#, "\u{fffd}", false),
            (r#""\ud83dx\udea2""#, "\u{fffd}x\u{fffd}", false),
            (r#""\ud83d\ud83d\udea2""#, "\u{fffd}🚢", false),
            (r#""\ud83d\u0041""#, "\u{fffd}A", false),
            (r#""\udea2\ud83d""#, "\u{fffd}\u{fffd}", false),
        ] {
            assert_eq!(read(raw), Text { value: value.into(), exact }, "{raw}");
        }
    }

    #[test]
    fn exact_bytes_tell_surrogates_apart() {
        assert_eq!(&*exact_bytes(r#""\ud83d""#), [0xed, 0xa0, 0xbd]);
        assert_eq!(exact_bytes(r#""\uD83D""#), exact_bytes(r#""\ud83d""#));
        assert_ne!(exact_bytes(r#""\ud83d""#), exact_bytes(r#""\ud83e""#));
        assert_eq!(exact_bytes(r#""\u4f60\ud83d\udea2\u0000""#), exact_bytes(r#""你🚢\u0000""#));
    }

    #[test]
    fn what_is_written_reads_back() {
        let text: String = (0..0x300).filter_map(char::from_u32).chain("码\u{2028}🚢".chars()).collect();
        let mut raw = String::new();
        write(&mut raw, &text);
        assert_eq!(serde_json::from_str::<String>(&raw).unwrap(), text);
        assert_eq!(*exact_bytes(&raw), *text.as_bytes());
    }
}
