//! Regular expressions, folded as words are.
//!
//! A letter and the marks that belong to it become what they are folded to: nothing, a character, or a group, so that `ß+` is
//! `(?:ss)+`. Of a class, which has room for single characters only, each becomes what it alone is folded to, or stays. What
//! stands behind a backslash stays.

use crate::characters::Character;
use crate::fold::fold;

use super::pattern::push_literal;

/// Folds a regular expression. One that is malformed stays so.
pub(super) fn folded(expression: &str) -> String {
    let mut into = String::with_capacity(expression.len());
    let mut open_classes = 0_usize;
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let is_in_class = open_classes > 0;
        let (piece, after) = rest.split_at_checked(length(rest, first, is_in_class)).unwrap_or((rest, ""));
        match first {
            '[' => open_classes += 1,
            ']' => open_classes = open_classes.saturating_sub(1),
            _ => {}
        }
        match first {
            _ if is_sign(first) => into.push_str(piece),
            _ if is_in_class => into.push(folded_alone(first)),
            _ => push_folded(piece, &mut into),
        }
        rest = after;
    }
    into
}

/// A space or a colon that a regular expression asks for: no word has one. Colons have other meanings in classes and groups.
pub(super) fn sign_of_no_word(expression: &str) -> Option<char> {
    let (mut open_classes, mut is_literal) = (0_usize, false);
    expression.char_indices().find_map(|(at, c)| {
        let was_literal = is_literal;
        is_literal = c == '\\' && !was_literal;
        match c {
            '[' if !was_literal => open_classes += 1,
            ']' if !was_literal => open_classes = open_classes.saturating_sub(1),
            _ => {}
        }
        let before = expression.get(..at).unwrap_or("");
        let flags = before.rsplit_once("(?").map(|(_, flags)| flags);
        let is_of_a_group = flags.is_some_and(|flags| flags.chars().all(|c| c.is_ascii_alphabetic() || c == '-'));
        let is_asked = open_classes == 0 && (c.is_whitespace() || c == ':' && !is_of_a_group);
        is_asked.then_some(c)
    })
}

/// The bytes of the first piece: what belongs to a backslash or an opening bracket, any other sign, a character of a class,
/// or all letters up to the next sign.
fn length(rest: &str, first: char, is_in_class: bool) -> usize {
    match first {
        '\\' => rest.chars().take(2).map(char::len_utf8).sum(),
        // A bracket that closes is the first of its class where it would leave it empty.
        '[' => ["[^]", "[]"].into_iter().find(|opening| rest.starts_with(opening)).map_or(1, str::len),
        _ if is_in_class || is_sign(first) => first.len_utf8(),
        _ => rest.find(is_sign).unwrap_or(rest.len()),
    }
}

fn is_sign(c: char) -> bool {
    matches!(c, '\\' | '[' | ']' | '.' | '^' | '$' | '*' | '+' | '?' | '(' | ')' | '{' | '}' | '|')
}

fn folded_alone(c: char) -> char {
    Character::of(c).folded().filter(|folded| !folded.is_whitespace()).unwrap_or(c)
}

fn push_folded(letters: &str, into: &mut String) {
    let mut characters = Vec::new();
    fold(letters, &mut characters);
    for cluster in characters.chunk_by(|(_, from), (_, next)| from == next) {
        match cluster {
            [(only, _)] => into.push(*only),
            several => {
                into.push_str("(?:");
                several.iter().for_each(|(c, _)| push_literal(*c, into));
                into.push(')');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_become_what_words_are_folded_to() {
        for (expression, expected) in [
            ("Colou?r(S)?", "colou?r(s)?"),
            ("Straße", "stra(?:ss)e"),
            ("Œ.*|Ĳ+", "(?:oe).*|(?:ij)+"),
            ("na\u{ef}ve", "naive"),
            ("nai\u{308}ve", "naive"),
            ("e\u{301}?", "e?"),
            ("か\u{3099}+ｶﾞ", "が+ガ"),
            ("\u{1112}\u{1161}\u{11AB}.", "한."),
            ("👩🏽\u{200D}🔧*", "(?:👩\u{200D}🔧)*"),
            ("½", "(?:1⁄2)"),
            ("…", r"(?:\.\.\.)"),
            ("[É-Ü]ß[^]ẞ]", "[e-u](?:ss)[^]ẞ]"),
            ("[]É]É", "[]e]e"),
            ("[[:alpha:]É]ß", "[[:alpha:]e](?:ss)"),
            (r"\D\[ß", r"\D\[(?:ss)"),
            ("(", "("),
            ("a\\", "a\\"),
        ] {
            assert_eq!(folded(expression), expected, "{expression}");
        }
    }

    #[test]
    fn spaces_and_colons_are_of_no_word() {
        for (expression, sign) in [
            ("tide ebb", Some(' ')),
            ("tide(s| ebb)", Some(' ')),
            ("https?:.*casino", Some(':')),
            (r"a\:b", Some(':')),
            ("(?:a|b)c", None),
            ("(?i-s:a)[^: ]+[[:alpha:]]", None),
            (r"\[:", Some(':')),
        ] {
            assert_eq!(sign_of_no_word(expression), sign, "{expression}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_word_describes_itself(word in "[a-zA-Zà-öø-ÿœßĳΈ-ΊΑ-Ρά-ώА-ёא-תअ-ह👍👩🔧]{1,8}") {
            let pattern = super::super::Pattern::regex(folded(&word)).unwrap();
            proptest::prop_assert!(pattern.is(&crate::fold::folded(&word)));
        }
    }
}
