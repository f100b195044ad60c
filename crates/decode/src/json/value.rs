//! Walking a tape.

use std::ops::Range;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Array,
    False,
    Null,
    Number,
    Object,
    String,
    True,
}

impl Kind {
    /// The byte that closes a container; of other values an impossible one.
    pub(super) fn closing(self) -> u8 {
        match self {
            Self::Array => b']',
            Self::Object => b'}',
            _ => 0,
        }
    }
}

/// Bytes of a text; `start <= end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(super) const NONE: Self = Self { start: 0, end: 0 };

    #[expect(clippy::cast_possible_truncation, reason = "a text is no longer than `Limits::MAX_LINE`")]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// These bytes of the text, which must begin and end beside ASCII.
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.range()).expect("tokens begin and end beside ASCII")
    }
}

/// One value on a tape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(super) kind: Kind,
    /// Whether it is a string with escapes.
    escaped: bool,
    /// Its key with the quotes; nothing for elements and for the whole.
    key: Span,
    value: Span,
    /// The index of the token after this value and all within it, counted from the first token of the whole.
    next: u32,
}

impl Token {
    #[expect(clippy::cast_possible_truncation, reason = "a text has no more values than bytes")]
    pub(super) fn new(kind: Kind, escaped: bool, key: Span, value: Span, next: usize) -> Self {
        Self { kind, escaped, key, value, next: next as u32 }
    }

    /// Completes a container.
    pub(super) fn close(&mut self, end: usize, next: usize) {
        *self = Self::new(self.kind, false, self.key, Span::new(self.value.start as usize, end), next);
    }
}

/// A value in a text. `'t` is the tape's life, `'a` the text's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'t, 'a> {
    text: &'a str,
    tape: &'t [Token],
    /// `index < tape.len()`.
    index: usize,
}

impl<'t, 'a> Value<'t, 'a> {
    /// The whole that was scanned from this text onto this tape; the tape is not empty.
    pub(crate) fn whole(text: &'a str, tape: &'t [Token]) -> Self {
        debug_assert!(!tape.is_empty(), "a scanned value has a token");
        Self { text, tape, index: 0 }
    }

    /// Where it is on the tape; the whole is at 0.
    #[expect(clippy::cast_possible_truncation, reason = "a text has no more values than bytes")]
    pub(crate) fn place(self) -> u32 {
        self.index as u32
    }

    /// The value at a place of the same tape.
    pub(crate) fn at(self, place: u32) -> Self {
        Self { index: place as usize, ..self }
    }

    pub(crate) fn kind(self) -> Kind {
        self.tape[self.index].kind
    }

    /// The value as written.
    pub(crate) fn raw(self) -> &'a str {
        self.tape[self.index].value.of(self.text)
    }

    /// Whether it is a string with escapes; one without says what is written between its quotes.
    pub(crate) fn is_escaped(self) -> bool {
        self.tape[self.index].escaped
    }

    /// The value when it is of this kind.
    pub(crate) fn only(self, kind: Kind) -> Option<Self> {
        (self.kind() == kind).then_some(self)
    }

    /// The members of an object, each with its key as written, quotes included; the elements of an array, each with an
    /// empty key; nothing of other values.
    pub(crate) fn children(self) -> impl Iterator<Item = (&'a str, Self)> {
        let until = self.tape[self.index].next as usize;
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            let child = Self { index, ..self };
            let token = self.tape.get(index).filter(|_| index < until)?;
            index = token.next as usize;
            Some((token.key.of(self.text), child))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scanner;
    use super::*;

    #[test]
    fn children_are_walked_without_what_is_within_them() {
        let text = r#"{"a":[1,[2]],"b":{"c":{}},"":null}"#;
        let mut tape = Vec::new();
        Scanner::new(8).scan(text.as_bytes(), &mut tape).unwrap();
        let whole = Value::whole(text, &tape);
        let seen: Vec<_> = whole.children().map(|(key, value)| (key, value.raw(), value.children().count())).collect();
        assert_eq!(seen, [("\"a\"", "[1,[2]]", 2), ("\"b\"", r#"{"c":{}}"#, 1), ("\"\"", "null", 0)]);
        assert_eq!(whole.raw(), text);
    }
}
