//! How a promoted column may be called.

use super::place::{MemberPlace, Root};
use crate::columns::columns;
use crate::portable::{LONGEST_NAME, RESERVED};

/// The column that is in the names of folders.
const PARTITION: &str = "date";

/// Words that some warehouse takes for SQL where a column's name stands. Names that are made of a place have a `_` within,
/// and are none.
const WORDS: [&str; 87] = [
    "all",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "between",
    "both",
    "by",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "cross",
    "cube",
    "current",
    "default",
    "delete",
    "desc",
    "describe",
    "distinct",
    "drop",
    "else",
    "end",
    "escape",
    "except",
    "exists",
    "false",
    "fetch",
    "filter",
    "following",
    "for",
    "foreign",
    "from",
    "full",
    "function",
    "grant",
    "group",
    "grouping",
    "having",
    "hash",
    "if",
    "in",
    "inner",
    "insert",
    "intersect",
    "interval",
    "into",
    "is",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "natural",
    "new",
    "no",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "primary",
    "range",
    "right",
    "row",
    "rows",
    "select",
    "set",
    "some",
    "table",
    "then",
    "to",
    "true",
    "union",
    "user",
    "where",
];

/// The name of a column by the place that it holds: its words, small, with `_` between. The root comes first, and no
/// column of the program begins like that.
pub(super) fn of(place: &MemberPlace) -> String {
    let mut name = place.root.word().to_owned();
    for member in &place.names {
        name.push('_');
        snake(member, &mut name);
    }
    name
}

fn snake(member: &str, out: &mut String) {
    let letters: Vec<char> = member.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let is_small_next = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        // `orderId` and `HTTPStatus` have two words.
        let begins_a_word = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase() || before.is_ascii_digit() || (before.is_ascii_uppercase() && is_small_next)
            });
        if begins_a_word || !letter.is_ascii_alphanumeric() {
            part(out);
        }
        if letter.is_ascii_alphanumeric() {
            out.push(letter.to_ascii_lowercase());
        }
    }
}

/// Ends a word, unless one has just ended.
fn part(out: &mut String) {
    if !out.ends_with('_') {
        out.push('_');
    }
}

/// What is wrong with a name, if anything is.
pub(super) fn check(name: &str) -> Result<(), &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if Root::ALL.iter().any(|root| name.trim_end_matches('_') == root.word()) && name.ends_with('_') {
        Err("would have a name without a letter of its place: give it a name of its own")
    } else if name.is_empty() || name.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) {
        Err("has no name, or one that begins with a digit")
    } else if !name.bytes().all(is_plain) {
        Err("is to be named in lower case, with letters, digits and underscores of ASCII")
    } else if name.len() > LONGEST_NAME {
        Err("has a name of more than the 63 bytes that PostgreSQL keeps: give it a shorter one")
    } else if name == PARTITION || columns().iter().any(|column| column.name == name) {
        Err("is one of the table's own: give it another name")
    } else if RESERVED.iter().any(|word| name.starts_with(word)) {
        Err("has a name that BigQuery or Delta keep for themselves: give it another one")
    } else if name.ends_with("secret") {
        Err("has a name that share secrets have: give it another one")
    } else if WORDS.contains(&name) {
        Err("has a name that is a word of SQL: give it another one")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is named after a place can never be what a later version wants to call a column of its own.
    #[test]
    fn no_column_of_the_program_is_named_like_a_place() {
        let of_places = |name: &&str| Root::ALL.iter().any(|root| name.starts_with(&format!("{}_", root.word())));
        let clashing: Vec<_> = columns().iter().map(|column| column.name).filter(of_places).collect();
        assert_eq!(clashing, ["body_type"], "it was there before; `body.type` is refused");
    }

    #[test]
    fn the_words_are_told_apart_at_a_glance() {
        assert!(WORDS.windows(2).filter(|pair| pair[0] >= pair[1]).count() <= 1, "they are in order");
        assert_eq!(check("order_id"), Ok(()));
    }
}
