//! Writing JSON text, member by member, in the order that the caller chooses.

use std::fmt::Write as _;

/// Appends a string literal.
pub(crate) fn quote(text: &str, into: &mut String) {
    into.push('"');
    for char in text.chars() {
        match char {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            '\0'..='\x1f' => unicode_escape(u16::try_from(u32::from(char)).unwrap_or_default(), into),
            _ => into.push(char),
        }
    }
    into.push('"');
}

/// The literal of a string.
pub(crate) fn quoted(text: &str) -> String {
    let mut literal = String::new();
    quote(text, &mut literal);
    literal
}

/// The same JSON value in ASCII only, with slashes escaped too, as some producers write.
pub(crate) fn escaped(line: &str) -> String {
    let mut ascii = String::with_capacity(line.len() * 2);
    let mut units = [0; 2];
    let mut after_backslash = false;
    for char in line.chars() {
        match char {
            '/' if !after_backslash => ascii.push_str("\\/"),
            '\0'..='\x7f' => ascii.push(char),
            _ => {
                for unit in char.encode_utf16(&mut units) {
                    unicode_escape(*unit, &mut ascii);
                }
            }
        }
        after_backslash = char == '\\' && !after_backslash;
    }
    ascii
}

fn unicode_escape(unit: u16, into: &mut String) {
    let _infallible = write!(into, "\\u{unit:04x}");
}

/// An object in the making.
pub(crate) struct Members<'a> {
    into: &'a mut String,
    empty: bool,
}

impl<'a> Members<'a> {
    pub(crate) fn open(into: &'a mut String) -> Self {
        into.push('{');
        Self { into, empty: true }
    }

    /// A member whose value is a string.
    pub(crate) fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.key(key);
        quote(value, self.into);
        self
    }

    /// A member whose value is JSON already.
    pub(crate) fn raw(&mut self, key: &str, value: &str) -> &mut Self {
        self.key(key);
        self.into.push_str(value);
        self
    }

    /// A member whose value is a whole number.
    pub(crate) fn number(&mut self, key: &str, value: i64) -> &mut Self {
        self.key(key);
        let _infallible = write!(self.into, "{value}");
        self
    }

    /// Members that are JSON already, without braces; none when empty.
    pub(crate) fn members(&mut self, members: &str) -> &mut Self {
        if !members.is_empty() {
            self.comma();
            self.into.push_str(members);
        }
        self
    }

    /// A member whose value is an object.
    pub(crate) fn object(&mut self, key: &str) -> Members<'_> {
        self.key(key);
        Members::open(self.into)
    }

    pub(crate) fn close(&mut self) {
        self.into.push('}');
    }

    fn key(&mut self, key: &str) {
        self.comma();
        quote(key, self.into);
        self.into.push(':');
    }

    fn comma(&mut self) {
        if !self.empty {
            self.into.push(',');
        }
        self.empty = false;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_character_reads_back() {
        let text: String = ('\0'..='\u{2fff}').chain(['😀', '\u{10ffff}', '/', '"', '\\']).collect();
        let literal = quoted(&text);
        assert_eq!(serde_json::from_str::<String>(&literal).unwrap(), text);
        let ascii = escaped(&literal);
        assert!(ascii.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&ascii).unwrap(), text);
        assert_eq!(escaped(r#""\/ \\/ \"/""#), r#""\/ \\\/ \"\/""#);
    }

    #[test]
    fn members_are_separated() {
        let mut json = String::new();
        let mut members = Members::open(&mut json);
        members.text("a", "\"").raw("b", "[1]").members("").members("\"c\":2").number("d", -1);
        members.object("e").text("f", "").close();
        members.close();
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value, serde_json::json!({"a": "\"", "b": [1], "c": 2, "d": -1, "e": {"f": ""}}));
    }
}
