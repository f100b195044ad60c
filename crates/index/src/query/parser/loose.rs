//! Parentheses right behind a word, which belong to it or open a group.
//!
//! Texts have them: `tide(s)`, `f(x y)`, `hi:(`. They belong to the word, unless there is an operator or a field in them, which
//! would mean something else if they did: `a(b OR c)` is `a (b OR c)`.

use super::super::field::{Field, meant_by};
use super::super::signs::{CLOSINGS, DASHES, OPENINGS};
use super::{character, name_and_value};

/// Whether the parenthesis that a text begins with, right behind a word, opens a group.
pub(super) fn opens_a_group(text: &str) -> bool {
    match closed(text) {
        Some(inside) => is_asked(inside),
        // Before a space it is a face.
        None => behind(text).is_some_and(|inside| !inside.starts_with(char::is_whitespace) && is_asked(inside)),
    }
}

/// What stands in the parenthesis that a text begins with; `None` when it is not closed.
fn closed(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let end = text.find(|c| {
        if OPENINGS.contains(&c) {
            depth += 1;
        } else if CLOSINGS.contains(&c) {
            depth = depth.saturating_sub(1);
        }
        depth == 0
    })?;
    behind(text.get(..end)?)
}

/// What stands behind the first character.
fn behind(text: &str) -> Option<&str> {
    text.get(character(text, 0).end..)
}

/// Whether there is an operator or a field in it.
fn is_asked(inside: &str) -> bool {
    let pieces = inside.split_inclusive(|c: char| OPENINGS.contains(&c) || c.is_whitespace()).map(str::trim);
    let mut pieces = pieces.filter(|piece| !piece.is_empty()).enumerate().peekable();
    while let Some((at, piece)) = pieces.next() {
        let piece = piece.trim_start_matches(DASHES);
        let is_operator = match piece.trim_end_matches(OPENINGS) {
            "NOT" => true,
            "OR" | "AND" => at > 0,
            _ => false,
        };
        if (is_operator && pieces.peek().is_some()) || is_a_filter(piece) {
            return true;
        }
    }
    false
}

fn is_a_filter(piece: &str) -> bool {
    name_and_value(piece)
        .is_some_and(|(name, value)| !value.is_empty() && (Field::named(name).is_some() || meant_by(name).is_some()))
}
