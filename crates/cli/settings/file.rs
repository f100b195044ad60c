//! Settings in a TOML file: one level of sections, each value a text, a number or `true`/`false`; below `[watch]` one more.

use std::fmt;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::settings::watches;

/// A line and a column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Position {
    fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Self { line, column }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The kind of value that a section without settings is.
pub(crate) const EMPTY_SECTION: &str = "an empty section";

/// One `key = value` of the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// `section.key`, the key alone when it stands in no section, or the section alone when it is empty.
    pub(crate) name: String,
    /// The value as text; the kind of value when it is none that a setting can have.
    pub(crate) value: Result<String, &'static str>,
    /// Where the key is.
    pub(crate) position: Position,
}

/// Why the text is no TOML.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) position: Position,
}

/// Reads every assignment of a TOML text, in the order of the text.
///
/// # Errors
///
/// [`SyntaxError`] when it is no TOML. Whether the settings exist is for the caller to say.
pub(crate) fn read(text: &str) -> Result<Vec<Assignment>, SyntaxError> {
    let document = DeTable::parse(text).map_err(|error| SyntaxError {
        message: error.message().to_owned(),
        position: Position::of(text, error.span().map_or(0, |span| span.start)),
    })?;
    let mut found = Vec::new();
    collect(document.get_ref(), "", &mut found);
    found.sort_by_key(|(span, ..)| span.start);
    let assignment = |(span, name, value): (Range<usize>, _, _)| Assignment {
        name,
        value,
        position: Position::of(text, span.start),
    };
    Ok(found.into_iter().map(assignment).collect())
}

type Found = (Range<usize>, String, Result<String, &'static str>);

fn collect(table: &DeTable<'_>, section: &str, found: &mut Vec<Found>) {
    for (key, value) in table {
        let name = if section.is_empty() { key.get_ref().to_string() } else { format!("{section}.{}", key.get_ref()) };
        match value.get_ref() {
            DeValue::Table(inner) if inner.is_empty() && may_hold_tables(section) => {
                found.push((key.span(), name, Err(EMPTY_SECTION)));
            }
            DeValue::Table(inner) if may_hold_tables(section) => collect(inner, &name, found),
            value => found.push((key.span(), name, as_text(value))),
        }
    }
}

/// Sections stand in no section, but for saved searches: each is a table in `[watch]`.
fn may_hold_tables(section: &str) -> bool {
    section.is_empty() || section == watches::SECTION
}

fn as_text(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Ok(truth.to_string()),
        other => Err(other.type_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_and_values(text: &str) -> Vec<(String, Result<String, &'static str>)> {
        read(text).unwrap().into_iter().map(|assignment| (assignment.name, assignment.value)).collect()
    }

    #[test]
    fn values_become_text() {
        let text = "top = 1\n[b]\nx = 'é'\n[a]\ny = 1_000\nz = true\nw = [1]\n\"q.r\" = 0.5\n[a.deep]\nv = 2";
        let expected = [
            ("top", Ok("1")),
            ("b.x", Ok("é")),
            ("a.y", Ok("1000")),
            ("a.z", Ok("true")),
            ("a.w", Err("array")),
            ("a.q.r", Err("float")),
            ("a.deep", Err("table")),
        ];
        let expected =
            expected.map(|(name, value): (&str, Result<&str, _>)| (name.to_owned(), value.map(String::from)));
        assert_eq!(names_and_values(text), expected);
    }

    #[test]
    fn positions_count_lines_and_characters() {
        let found = read("[a]\nx = 1\n  é = 2").unwrap_or_default();
        assert!(found.is_empty(), "a bare key is ASCII: {found:?}");
        let found = read("[a]\nx = 1\r\n  y = 2").unwrap();
        assert_eq!(found[1].position, Position { line: 3, column: 3 });
        assert_eq!(Position::of("é = 1", 3).column, 3);
    }

    #[test]
    fn a_mistake_is_pointed_at() {
        let error = read("[api]\nzone = UTC\n").unwrap_err();
        assert_eq!(error.position, Position { line: 2, column: 8 });
        let error = read("[api]\nzone = 'UTC'\nzone = '+08:00'\n").unwrap_err();
        assert_eq!((error.message.as_str(), error.position.line), ("duplicate key", 3));
    }
}
