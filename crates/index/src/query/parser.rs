//! Recursive descent over a query, with the place of every piece.

mod fuzzy;
mod loose;

use std::ops::Range;

use chat::Timestamp;

use super::expression;
use super::field::{Field, meant_by};
use super::signs::{self, CLOSINGS, COLONS, DASHES, OPENINGS, QUOTES, STARS, TILDES};
use super::value::{Style, Value};
use super::{Node, Pattern, Place, QueryError};
use crate::characters::class;
use crate::script::Class;

/// The longest query in bytes: far more than anyone types, and a bound on the work that one question makes.
const LONGEST_QUERY: usize = 16 << 10;

/// Groups and negations within one another: far more than anyone follows, and the stack holds them.
const DEEPEST: usize = 64;

pub(super) fn parse(text: &str, now: Option<Timestamp>) -> Result<Node, QueryError> {
    if text.len() > LONGEST_QUERY {
        return Err(QueryError::new(0..text.len(), format!("the query is longer than {LONGEST_QUERY} bytes")));
    }
    let mut parser = Parser { text, now, at: 0, depth: 0, groups: 0, loose: 0, is_quote_open: false, empty: None };
    match (parser.any(None)?, parser.empty) {
        (Some(node), _) => Ok(node),
        (None, Some(at)) => Err(nothing_to_look_for(text, at)),
        (None, None) => Ok(Node::All(Vec::new())),
    }
}

struct Parser<'a> {
    text: &'a str,
    now: Option<Timestamp>,
    /// What lies before is read: `at <= text.len()`, on a character boundary.
    at: usize,
    depth: usize,
    /// Groups that are open.
    groups: usize,
    /// Parentheses that were opened within words, like that of `f(x y)`: they may be closed within others.
    loose: usize,
    /// Whether a quote was opened within a word, like that of `say"x y"`.
    is_quote_open: bool,
    /// The last piece that has nothing to look for.
    empty: Option<Range<usize>>,
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

    /// Alternatives, up to the end of the group; all of a field if there is one.
    fn any(&mut self, field: Option<&Field>) -> Result<Option<Node>, QueryError> {
        let mut nodes = Vec::new();
        loop {
            nodes.extend(self.all(field)?);
            match self.operator("OR") {
                Some(end) => self.at = end,
                None => return Ok(joined(nodes, Node::Any)),
            }
        }
    }

    /// Clauses that must all match, up to an `OR`.
    fn all(&mut self, field: Option<&Field>) -> Result<Option<Node>, QueryError> {
        let mut nodes = Vec::new();
        let mut is_begun = false;
        while self.skip_space() && !self.is_at_the_end_of_a_group() {
            if is_begun && self.operator("OR").is_some() {
                break;
            }
            if let Some(end) = self.operator("AND").filter(|_| is_begun) {
                self.at = end;
                continue;
            }
            is_begun = true;
            let begin = self.at;
            match self.clause(field)? {
                Some(node) => nodes.push(node),
                None => self.empty = Some(begin..self.at),
            }
        }
        Ok(joined(nodes, Node::All))
    }

    fn is_at_the_end_of_a_group(&self) -> bool {
        self.groups > 0 && self.rest().starts_with(CLOSINGS)
    }

    /// The end of an operator that stands here, in capitals, with something behind it. Else it is a word.
    fn operator(&self, name: &str) -> Option<usize> {
        let after = self.rest().strip_prefix(name)?;
        let next = after.trim_start();
        let is_apart = next.len() < after.len() || next.starts_with(OPENINGS);
        let is_last = next.is_empty() || (self.groups > 0 && next.starts_with(CLOSINGS));
        (is_apart && !is_last).then_some(self.at + name.len())
    }

    /// `None` when there is nothing in it to look for, like a dash between two words.
    fn clause(&mut self, field: Option<&Field>) -> Result<Option<Node>, QueryError> {
        let begin = self.at;
        if let Some(end) = self.negation() {
            self.at = end;
            self.skip_space();
            let node = self.deeper(begin, |parser| parser.clause(field))?;
            return Ok(node.map(|node| Node::Not(Box::new(node))));
        }
        if self.rest().starts_with(OPENINGS) {
            return self.group(field);
        }
        match field {
            Some(field) => self.value_of(field, begin).map(Some),
            None => match self.field()? {
                Some(field) => self.filter(&field, begin).map(Some),
                None => self.words(),
            },
        }
    }

    /// The end of what negates the clause behind it. Two dashes begin the name of a flag, which is a word.
    fn negation(&self) -> Option<usize> {
        let after = self.rest().strip_prefix(DASHES);
        let negates = |after: &&str| {
            let next = after.chars().next();
            next.is_some_and(|c| {
                !(c.is_whitespace() || DASHES.contains(&c) || CLOSINGS.contains(&c) && self.groups > 0)
            })
        };
        after.filter(negates).map(|after| self.text.len() - after.len()).or_else(|| self.operator("NOT"))
    }

    /// Goes behind the next character.
    fn step(&mut self) {
        self.at = character(self.text, self.at).end;
    }

    fn group(&mut self, field: Option<&Field>) -> Result<Option<Node>, QueryError> {
        let begin = self.at;
        self.step();
        self.groups += 1;
        let node = self.deeper(begin, |parser| parser.any(field))?;
        if !self.rest().starts_with(CLOSINGS) {
            return Err(no_closing_parenthesis(self.text, begin));
        }
        self.step();
        self.groups -= 1;
        Ok(node)
    }

    fn deeper<T>(
        &mut self,
        begin: usize,
        read: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        if self.depth == DEEPEST {
            let message = format!("more than {DEEPEST} groups and negations stand within one another");
            return Err(QueryError::new(character(self.text, begin), message));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// The field that begins here, its colon taken.
    fn field(&mut self) -> Result<Option<Field>, QueryError> {
        let begin = self.at;
        if let Some((field, value)) = Field::quoted(self.rest()) {
            self.at = self.text.len() - value.len();
            return Ok(Some(field));
        }
        let Some((name, value)) = name_and_value(self.rest()) else { return Ok(None) };
        let end = self.text.len() - value.len();
        if let Some(field) = Field::named(name) {
            self.at = end;
            return Ok(Some(field));
        }
        let is_followed = value.starts_with(|c: char| !c.is_whitespace() && c != '/');
        // Behind a colon of full width stands text, more often than a mistake.
        let is_typed = self.text.get(begin..end).is_some_and(|typed| typed.ends_with(':'));
        match meant_by(name).filter(|_| is_followed && is_typed) {
            Some(meant) => Err(no_such_field(name, &meant, begin..end)),
            None => Ok(None),
        }
    }

    /// What stands behind a field, which began at `begin`.
    fn filter(&mut self, field: &Field, begin: usize) -> Result<Node, QueryError> {
        let rest = self.rest();
        if rest.is_empty() || rest.starts_with(char::is_whitespace) || self.is_at_the_end_of_a_group() {
            return Err(self.no_value(begin..self.at));
        }
        if rest.starts_with(OPENINGS) {
            return self.group(Some(field))?.ok_or_else(|| self.no_value(begin..self.at));
        }
        self.value_of(field, begin)
    }

    fn value_of(&mut self, field: &Field, begin: usize) -> Result<Node, QueryError> {
        let value = self.value()?;
        if value.text.is_empty() {
            return Err(self.no_value(begin..value.at.end));
        }
        value.of_field(field, self.now)
    }

    fn no_value(&self, at: Range<usize>) -> QueryError {
        let written = self.text.get(at.clone()).unwrap_or("");
        match written.split_once(COLONS) {
            Some((name, _)) => QueryError::new(at, format!("`{name}:` needs a value right after the colon")),
            None => QueryError::new(at, "there is no value here".to_owned()),
        }
    }

    fn words(&mut self) -> Result<Option<Node>, QueryError> {
        if let Some(node) = self.expression()? {
            return Ok(Some(node));
        }
        let value = self.value()?;
        match self.near(&value)? {
            Some(node) => Ok(Some(node)),
            None => Ok(value.words().map(|phrase| Node::Words(Place::Text, phrase))),
        }
    }

    /// Words near one that ends in `~`, or behind whose quotes it stands.
    fn near(&mut self, value: &Value) -> Result<Option<Node>, QueryError> {
        if value.style == Style::Bare {
            let written = self.text.get(value.at.clone()).unwrap_or("");
            let Some((word, slips)) = written.rsplit_once(TILDES) else { return Ok(None) };
            return fuzzy::near(word, slips, value.at.start + word.len()..value.at.end);
        }
        let rest = self.rest();
        let length = rest.find(is_end).unwrap_or(rest.len());
        let Some(slips) = rest.get(..length).and_then(|behind| behind.strip_prefix(TILDES)) else { return Ok(None) };
        let end = self.at + length;
        let near = fuzzy::near(&value.text, slips, self.at..end)?;
        if near.is_some() {
            self.at = end;
        }
        Ok(near)
    }

    /// A regular expression between two slashes, with no other slash in it: a path is none.
    fn expression(&mut self) -> Result<Option<Node>, QueryError> {
        let read = self.rest().strip_prefix('/').and_then(|rest| rest.split_once('/'));
        let Some((expression, after)) = read else { return Ok(None) };
        let is_apart = after.is_empty() || after.starts_with(is_end);
        if expression.is_empty() || expression.starts_with(char::is_whitespace) || !is_apart {
            return Ok(None);
        }
        let at = self.at..self.at + expression.len() + 2;
        self.at = at.end;
        if let Some(sign) = expression::sign_of_no_word(expression) {
            return Err(no_word(expression, sign, at));
        }
        let folded = expression::folded(expression);
        if folded.contains(|c| class(c) == Class::Dense) {
            return Err(no_expression(expression, at));
        }
        let pattern = Pattern::regex(folded).map_err(|reason| {
            QueryError::new(at, format!("`/{expression}/` is no regular expression of a word: {reason}"))
        })?;
        Ok(Some(Node::Like(pattern)))
    }

    fn value(&mut self) -> Result<Value, QueryError> {
        let first = self.rest().chars().next();
        match QUOTES.into_iter().find(|(open, _)| first == Some(*open)) {
            Some((open, close)) => self.quoted(open, close),
            None => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value, QueryError> {
        let begin = self.at;
        let rest = self.rest();
        let mut open = 0;
        let mut is_word = false;
        let mut length = rest.len();
        for (offset, c) in rest.char_indices() {
            is_word |= class(c) != Class::Separator;
            let ends = if OPENINGS.contains(&c) {
                let opens = open == 0 && is_word && loose::opens_a_group(rest.get(offset..).unwrap_or(""));
                open += usize::from(!opens);
                opens
            } else if CLOSINGS.contains(&c) && open > 0 {
                open -= 1;
                false
            } else if CLOSINGS.contains(&c) && self.groups == 0 {
                self.close_loose(begin..begin + offset)?;
                false
            } else {
                is_end(c)
            };
            if ends {
                length = offset;
                break;
            }
        }
        self.loose += open;
        self.at = begin + length;
        let text = rest.get(..length).unwrap_or("").to_owned();
        if text.ends_with(':') && self.rest().starts_with(OPENINGS) {
            return Err(no_field_of_a_group(&text, begin..self.at));
        }
        self.close_loose_quotes(&text, begin)?;
        Ok(Value { text: signs::plain(text), at: begin..self.at, style: Style::Bare })
    }

    /// A parenthesis that closes nothing is a mistake behind a word. Behind signs it is a face, behind a number a list.
    fn close_loose(&mut self, before: Range<usize>) -> Result<(), QueryError> {
        let end = before.end;
        match self.loose.checked_sub(1) {
            Some(left) => {
                self.loose = left;
                Ok(())
            }
            None if self.text.get(before).is_some_and(|word| word.contains(char::is_alphabetic)) => {
                let message = "the parenthesis was not opened: `(` is missing, or put the text in quotes".to_owned();
                Err(QueryError::new(character(self.text, end), message))
            }
            None => Ok(()),
        }
    }

    /// A quote that closes nothing is a mistake at the end of a word. Behind a digit it means inches, within a word it opens.
    fn close_loose_quotes(&mut self, text: &str, begin: usize) -> Result<(), QueryError> {
        let word = text.trim_end_matches(STARS);
        let mut before = None;
        for (offset, c) in word.char_indices() {
            let after_a_digit = before.replace(c).is_some_and(|before: char| before.is_ascii_digit());
            let Some((open, close)) = QUOTES.into_iter().find(|(open, close)| [*open, *close].contains(&c)) else {
                continue;
            };
            let end = offset + c.len_utf8();
            if self.is_quote_open {
                self.is_quote_open = c != close;
            } else if end < word.len() {
                self.is_quote_open = c == open && !after_a_digit;
            } else if !after_a_digit && word.contains(char::is_alphabetic) {
                let message = format!("the quote was not opened: `{open}` is missing");
                return Err(QueryError::new(begin + offset..begin + end, message));
            }
        }
        Ok(())
    }

    fn quoted(&mut self, open: char, close: char) -> Result<Value, QueryError> {
        let begin = self.at;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((offset, c)) = characters.next() {
            if c == close {
                self.at = begin + offset + c.len_utf8();
                let style = self.style_behind_quotes();
                return Ok(Value { text, at: begin..self.at, style });
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

    /// Takes the `*` right behind a closing quote.
    fn style_behind_quotes(&mut self) -> Style {
        let ends = |rest: &str| rest.is_empty() || rest.starts_with(is_end);
        if !self.rest().strip_prefix(STARS).is_some_and(ends) {
            return Style::Quoted;
        }
        self.step();
        Style::QuotedStart
    }
}

/// One node is itself, of several all or any must match.
fn joined(mut nodes: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Option<Node> {
    if nodes.len() > 1 { Some(join(nodes)) } else { nodes.pop() }
}

/// What stands before the first colon, if it may be the name of a field, and what stands behind.
fn name_and_value(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once(COLONS)?;
    let is_odd = |c: char| {
        let is_a_quote = QUOTES.iter().any(|(open, close)| [*open, *close].contains(&c));
        c.is_whitespace() || is_a_quote || OPENINGS.contains(&c) || CLOSINGS.contains(&c) || c == '/'
    };
    (!name.is_empty() && !name.contains(is_odd) && !value.starts_with("//")).then_some((name, value))
}

/// Whether what stands before a character is over.
fn is_end(c: char) -> bool {
    c.is_whitespace() || CLOSINGS.contains(&c)
}

/// The place of the character that begins at a byte.
fn character(text: &str, at: usize) -> Range<usize> {
    at..at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
}

/// Nothing would ever be found.
fn no_word(expression: &str, sign: char, at: Range<usize>) -> QueryError {
    let sign = if sign == ':' { "colon" } else { "space" };
    let message = format!(
        "`/{expression}/` describes no word, for no word has a {sign} in it: describe one word, or put quotes around the text"
    );
    QueryError::new(at, message)
}

fn no_such_field(name: &str, meant: &str, at: Range<usize>) -> QueryError {
    let suggestion = format!("{meant}:");
    QueryError::new(at, format!("there is no field `{name}:`, did you mean `{suggestion}`?")).suggesting(suggestion)
}

fn no_field_of_a_group(name: &str, at: Range<usize>) -> QueryError {
    let message = format!("there is no field `{name}`: put a space before the parenthesis, or the text in quotes");
    QueryError::new(at, message)
}

/// Of a text without spaces the index has no words that could be described.
fn no_expression(expression: &str, at: Range<usize>) -> QueryError {
    let message =
        format!("`/{expression}/` describes no word: of a script without spaces any piece is found as it stands");
    let is_plain = expression.chars().all(|c| class(c) != Class::Separator);
    if !is_plain {
        return QueryError::new(at, message);
    }
    QueryError::new(at, format!("{message}, did you mean `{expression}`?")).suggesting(expression.to_owned())
}

fn no_closing_quote(text: &str, at: Range<usize>, close: char) -> QueryError {
    let rest = text.get(at.start..).unwrap_or("").trim_end();
    let suggestion = format!("{rest}{close}");
    QueryError::new(at.start..text.len(), format!("the quote is not closed: `{close}` is missing"))
        .suggesting(suggestion)
}

fn no_closing_parenthesis(text: &str, begin: usize) -> QueryError {
    let rest = text.get(begin..).unwrap_or("").trim_end();
    QueryError::new(character(text, begin), "the parenthesis is not closed: `)` is missing".to_owned())
        .suggesting(format!("{rest})"))
}

fn nothing_to_look_for(text: &str, at: Range<usize>) -> QueryError {
    let word = text.get(at.clone()).unwrap_or("");
    QueryError::new(at, format!("`{word}` has no letter, digit or picture to look for"))
}

#[cfg(test)]
mod tests;
