//! Recursive descent over a query, with the place of every piece.

use std::ops::Range;

use chat::BodyType;

use super::field::{Field, body_type_meant_by};
use super::phrase::Phrase;
use super::{Node, QueryError};

/// The longest query in bytes: far more than anyone types, and a bound on the work that one question makes.
const LONGEST_QUERY: usize = 16 << 10;

/// Opening quotes, each with the one that closes it. Telephones type the curly ones.
const QUOTES: [(char, char); 2] = [('"', '"'), ('“', '”')];

pub(super) fn parse(text: &str) -> Result<Node, QueryError> {
    if text.len() > LONGEST_QUERY {
        let end = text.floor_char_boundary(LONGEST_QUERY);
        let message = format!("the query is longer than {LONGEST_QUERY} bytes");
        return Err(QueryError::new(end..text.len(), message));
    }
    let mut parser = Parser { text, at: 0 };
    let mut nodes = Vec::new();
    let mut empty = None;
    while parser.skip_space() {
        let begin = parser.at;
        match parser.clause()? {
            Some(node) => nodes.push(node),
            None => empty = Some(begin..parser.at),
        }
    }
    match empty {
        Some(at) if nodes.is_empty() => Err(nothing_to_look_for(text, at)),
        _ => Ok(Node::All(nodes)),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

/// A text of the query: what it says, and where it stands, quotes included.
struct Value {
    text: String,
    at: Range<usize>,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Whether anything is left after white space.
    fn skip_space(&mut self) -> bool {
        self.at = self.text.len() - self.rest().trim_start().len();
        self.at < self.text.len()
    }

    /// `None` when there is nothing in it to look for, like a dash between two words.
    fn clause(&mut self) -> Result<Option<Node>, QueryError> {
        if let Some(field) = self.field()? {
            return self.filter(field).map(Some);
        }
        let value = self.value()?;
        Ok(Phrase::of(&value.text).map(Node::Phrase))
    }

    /// The field that begins here, its colon taken.
    fn field(&mut self) -> Result<Option<Field>, QueryError> {
        let begin = self.at;
        let Some((name, _)) = self.rest().split_once(':') else { return Ok(None) };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') {
            return Ok(None);
        }
        let end = begin + name.len() + 1;
        if let Some(field) = Field::named(name) {
            self.at = end;
            return Ok(Some(field));
        }
        let followed =
            self.text.get(end..).is_some_and(|rest| rest.starts_with(|c: char| !c.is_whitespace() && c != '/'));
        match Field::meant_by(&name.replace('_', "")).filter(|_| followed) {
            Some(field) => Err(no_such_field(name, field, begin..end)),
            None => Ok(None),
        }
    }

    fn filter(&mut self, field: Field) -> Result<Node, QueryError> {
        let colon = self.at;
        let begin = colon - field.name().len() - 1;
        if self.rest().is_empty() || self.rest().starts_with(char::is_whitespace) {
            return Err(no_value(field, begin..colon));
        }
        let value = self.value()?;
        if value.text.is_empty() {
            return Err(no_value(field, begin..value.at.end));
        }
        let folded = field.fold(&value.text).ok_or_else(|| no_such_type(&value))?;
        Ok(Node::Is(field, folded))
    }

    fn value(&mut self) -> Result<Value, QueryError> {
        let first = self.rest().chars().next();
        match QUOTES.into_iter().find(|(open, _)| first == Some(*open)) {
            Some((open, close)) => self.quoted(open, close),
            None => Ok(self.word()),
        }
    }

    fn word(&mut self) -> Value {
        let begin = self.at;
        let text = self.rest().split(char::is_whitespace).next().unwrap_or("");
        self.at += text.len();
        Value { text: text.to_owned(), at: begin..self.at }
    }

    fn quoted(&mut self, open: char, close: char) -> Result<Value, QueryError> {
        let begin = self.at;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((offset, c)) = characters.next() {
            if c == close {
                self.at = begin + offset + c.len_utf8();
                return Ok(Value { text, at: begin..self.at });
            }
            let escaped = (c == '\\').then(|| characters.clone().next()).flatten().map(|(_, next)| next);
            match escaped.filter(|next| matches!(next, '\\' | '"')) {
                Some(next) => {
                    text.push(next);
                    characters.next();
                }
                None => text.push(c),
            }
        }
        Err(no_closing_quote(self.text, begin..begin + open.len_utf8(), close))
    }
}

fn no_such_field(name: &str, meant: Field, at: Range<usize>) -> QueryError {
    let suggestion = format!("{}:", meant.name());
    QueryError::new(at, format!("there is no field `{name}:`, did you mean `{suggestion}`?")).suggesting(suggestion)
}

fn no_value(field: Field, at: Range<usize>) -> QueryError {
    let name = field.name();
    QueryError::new(at, format!("`{name}:` needs a value right after the colon"))
}

fn no_such_type(value: &Value) -> QueryError {
    let word = &value.text;
    let words: Vec<_> = BodyType::ALL.into_iter().map(BodyType::word).collect();
    let list = words.join(", ");
    match body_type_meant_by(word) {
        Some(meant) => {
            let message = format!("there is no type `{word}`, did you mean `{meant}`? The types are {list}");
            QueryError::new(value.at.clone(), message).suggesting(meant.word().to_owned())
        }
        None => QueryError::new(value.at.clone(), format!("there is no type `{word}`; the types are {list}")),
    }
}

fn no_closing_quote(text: &str, at: Range<usize>, close: char) -> QueryError {
    let rest = text.get(at.start..).unwrap_or("").trim_end();
    let suggestion = format!("{rest}{close}");
    QueryError::new(at.start..text.len(), format!("the quote is not closed: `{close}` is missing"))
        .suggesting(suggestion)
}

fn nothing_to_look_for(text: &str, at: Range<usize>) -> QueryError {
    let word = text.get(at.clone()).unwrap_or("");
    QueryError::new(at, format!("`{word}` has no letter, digit or picture to look for"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(field: Field, value: &str) -> Node {
        Node::Is(field, value.to_owned())
    }

    fn phrase(text: &str) -> Node {
        Node::Phrase(Phrase::of(text).unwrap())
    }

    #[test]
    fn queries_are_read_as_people_mean_them() {
        for (text, nodes) in [
            ("", vec![]),
            (" \t ", vec![]),
            ("tide gauge", vec![phrase("tide"), phrase("gauge")]),
            ("\"tide gauge\"", vec![phrase("tide gauge")]),
            ("“tide gauge”  x", vec![phrase("tide gauge"), phrase("x")]),
            (r#""say \"hi\"""#, vec![phrase("say hi")]),
            ("from:Mara_Voss", vec![is(Field::From, "mara_voss")]),
            ("FROM:\"odd name\" tide", vec![is(Field::From, "odd name"), phrase("tide")]),
            ("to:a:b", vec![is(Field::To, "a:b")]),
            ("in:231904417783810", vec![is(Field::In, "231904417783810")]),
            ("in:chat:b:a type:IMG", vec![is(Field::In, "chat:a:b"), is(Field::Type, "img")]),
            (
                "http://x 10:30 note: re:x a:b",
                vec![phrase("http x"), phrase("10 30"), phrase("note"), phrase("re x"), phrase("a b")],
            ),
            ("tide — !", vec![phrase("tide")]),
            ("5\" 你好。\"好 的\"", vec![phrase("5"), phrase("你好 好"), phrase("的")]),
        ] {
            assert_eq!(parse(text), Ok(Node::All(nodes)), "{text}");
        }
    }

    #[test]
    fn a_mistake_is_shown_and_what_was_meant_is_offered() {
        let types = "txt, img, audio, video, file, loc, cmd, custom, combine, event, unknown";
        for (text, at, message, suggestion) in [
            ("tide frm:mara", "frm:", "there is no field `frm:`, did you mean `from:`?".to_owned(), Some("from:")),
            ("sender:x", "sender:", "there is no field `sender:`, did you mean `from:`?".to_owned(), Some("from:")),
            (
                "body_type:x",
                "body_type:",
                "there is no field `body_type:`, did you mean `type:`?".to_owned(),
                Some("type:"),
            ),
            ("from: mara", "from:", "`from:` needs a value right after the colon".to_owned(), None),
            ("in:", "in:", "`in:` needs a value right after the colon".to_owned(), None),
            ("to:\"\"", "to:\"\"", "`to:` needs a value right after the colon".to_owned(), None),
            (
                "type:image",
                "image",
                format!("there is no type `image`, did you mean `img`? The types are {types}"),
                Some("img"),
            ),
            ("type:sticker", "sticker", format!("there is no type `sticker`; the types are {types}"), None),
            (
                "你好 \"tide gauge ",
                "\"tide gauge ",
                "the quote is not closed: `\"` is missing".to_owned(),
                Some("\"tide gauge\""),
            ),
            ("—", "—", "`—` has no letter, digit or picture to look for".to_owned(), None),
            ("\"\"", "\"\"", "`\"\"` has no letter, digit or picture to look for".to_owned(), None),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(text.get(error.at.clone()), Some(at), "{text}");
            assert_eq!(error.message, message, "{text}");
            assert_eq!(error.suggestion.as_deref(), suggestion, "{text}");
        }
    }

    #[test]
    fn a_query_has_a_length() {
        let error = parse(&"é".repeat(LONGEST_QUERY)).unwrap_err();
        assert_eq!(error.at.start, LONGEST_QUERY);
    }
}
