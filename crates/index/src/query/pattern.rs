//! Words of which only the shape is known: by a regular expression, by wildcards, or by how few slips lead to them.
//!
//! A pattern is one automaton. The index walks its dictionary with it and a scan each word, so that they agree.

use std::fmt;
use std::sync::Arc;

use tantivy::Term;
use tantivy::query::{DfaWrapper, FuzzyTermQuery};
use tantivy::schema::Field;
use tantivy_fst::{Automaton, Regex};

use super::among::Among;
use crate::characters::class;
use crate::script::Class;

/// What a word must look like, from its beginning to its end.
#[derive(Clone)]
pub(crate) enum Pattern {
    /// A word that at most so many slips lead to: a letter too many, too few or another, or two neighbours swapped.
    Fuzzy {
        /// The word, folded.
        word: String,
        /// `1 <= distance <= SLIPS`.
        distance: u8,
        automaton: Arc<Among<DfaWrapper>>,
    },
    /// A word that a regular expression describes.
    Regex {
        /// The expression, as it is given to the automaton.
        expression: String,
        automaton: Arc<Among<Regex>>,
    },
}

/// The most slips that may lead to a word: with three, words of four letters are all alike.
pub(crate) const SLIPS: u8 = 2;

impl Pattern {
    /// Words near this folded one; `None` when the distance is too large.
    pub(crate) fn fuzzy(word: &str, distance: u8) -> Option<Self> {
        // An automaton is of no field.
        let term = Term::from_field_text(Field::from_field_id(0), word);
        let query = FuzzyTermQuery::new(term, distance, true);
        let automaton = (distance <= SLIPS).then(|| query.automaton().ok()).flatten()?;
        // A picture, or a pair of characters, is as near as a short word.
        let automaton = Arc::new(Among::new(automaton, Some(|first| class(first) == Class::Word)));
        Some(Self::Fuzzy { word: word.to_owned(), distance, automaton })
    }

    /// Words and pictures that a regular expression of folded characters describes.
    ///
    /// # Errors
    ///
    /// What is wrong with the expression.
    pub(crate) fn regex(expression: String) -> Result<Self, String> {
        Self::among(expression, Some(|first| matches!(class(first), Class::Word | Class::Symbol)))
    }

    fn among(expression: String, may_begin: Option<fn(char) -> bool>) -> Result<Self, String> {
        if expression.len() > LONGEST_EXPRESSION || repeated(&expression) > MOST_REPEATED {
            return Err(TOO_MUCH.to_owned());
        }
        match Regex::new(&expression) {
            Ok(automaton) => Ok(Self::Regex { expression, automaton: Arc::new(Among::new(automaton, may_begin)) }),
            Err(error) => Err(reason(&error)),
        }
    }

    /// What begins in a way and goes on by wildcards: `*` is anything, `?` one character.
    ///
    /// # Errors
    ///
    /// When there are too many wildcards.
    pub(crate) fn wildcards(prefix: &str, glob: &str) -> Result<Self, String> {
        let mut expression = String::new();
        prefix.chars().for_each(|c| push_literal(c, &mut expression));
        for c in glob.chars() {
            match c {
                '*' => expression.push_str("(?s:.)*"),
                '?' => expression.push_str("(?s:.)"),
                other => push_literal(other, &mut expression),
            }
        }
        Self::among(expression, None)
    }

    pub(crate) fn is(&self, word: &str) -> bool {
        match self {
            Self::Fuzzy { automaton, .. } => accepts(&**automaton, word),
            Self::Regex { automaton, .. } => accepts(&**automaton, word),
        }
    }
}

/// The longest expression in bytes, and the most that it may repeat something: they bound the work of building an automaton.
const LONGEST_EXPRESSION: usize = 1 << 10;
const MOST_REPEATED: usize = 128;

const TOO_MUCH: &str = "it describes too much; make it shorter";

/// How often the innermost of nested repetitions can be repeated, or more.
fn repeated(expression: &str) -> usize {
    let counts = expression.split('{').skip(1).filter_map(|behind| behind.split_once('}'));
    let greatest = |(count, _): (&str, &str)| {
        count.split(',').filter_map(|number| number.trim().parse::<usize>().ok()).max().unwrap_or(1).max(1)
    };
    counts.map(greatest).fold(1, usize::saturating_mul)
}

fn accepts<A: Automaton>(automaton: &A, word: &str) -> bool {
    let mut state = automaton.start();
    for byte in word.bytes() {
        if !automaton.can_match(&state) {
            return false;
        }
        state = automaton.accept(&state, byte);
    }
    automaton.is_match(&state)
}

/// Adds a character that stands for itself.
pub(super) fn push_literal(c: char, into: &mut String) {
    if c.is_ascii_punctuation() {
        into.push('\\');
    }
    into.push(c);
}

/// One line of what the automaton's builder says, whose kinds of errors have no names outside of it.
fn reason(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let known = REASONS.into_iter().find(|(begins, _)| text.starts_with(begins)).map(|(_, reason)| reason.to_owned());
    known.unwrap_or_else(|| text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
}

/// How errors begin, and what is said instead.
const REASONS: [(&str, &str); 4] = [
    ("Empty match operators", "`^` and `$` are not needed: the whole word is meant"),
    ("Word boundary operators", "`\\b` is not needed: the whole word is meant"),
    ("Lazy reptition operators", "lazy repetition such as `*?` means nothing here"),
    ("Compiled regex exceeds", TOO_MUCH),
];

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fuzzy { word, distance, .. }, Self::Fuzzy { word: other, distance: of_other, .. }) => {
                (word, distance) == (other, of_other)
            }
            (Self::Regex { expression, .. }, Self::Regex { expression: other, .. }) => expression == other,
            _ => false,
        }
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fuzzy { word, distance, .. } => write!(f, "{word}~{distance}"),
            Self::Regex { expression, .. } => write!(f, "/{expression}/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::expression::folded;

    #[test]
    fn a_slip_is_a_letter_more_less_or_other_or_a_swap() {
        let pattern = Pattern::fuzzy("harbour", 1).unwrap();
        for (word, expected) in [
            ("harbour", true),
            ("harbor", true),
            ("harrbour", true),
            ("harbiur", true),
            ("habrour", true),
            ("arbor", false),
            ("", false),
        ] {
            assert_eq!(pattern.is(word), expected, "{word}");
        }
        assert!(Pattern::fuzzy("harbour", 3).is_none());
    }

    /// What stands in the index besides words is not near one, nor described.
    #[test]
    fn pairs_of_characters_are_no_words() {
        let (near, described) = (Pattern::fuzzy("hi", 2).unwrap(), Pattern::regex(".{1,2}".to_owned()).unwrap());
        for (term, is_near, is_described) in [
            ("ho", true, true),
            ("7", true, true),
            ("я", true, true),
            ("👍", false, true),
            ("@", false, false),
            ("潮汐", false, false),
            ("火", false, false),
            ("한국", false, false),
            ("ไท", false, false),
            ("𠀀", false, false),
            ("", false, false),
        ] {
            assert_eq!((near.is(term), described.is(term)), (is_near, is_described), "{term}");
        }
        assert!(Pattern::wildcards("", "潮?").unwrap().is("潮汐"), "values are no words");
    }

    #[test]
    fn wildcards_stand_for_what_is_between() {
        let pattern = Pattern::wildcards("file=", "*report?(1).pdf").unwrap();
        for (word, expected) in [
            ("file=report-(1).pdf", true),
            ("file=年报 report (1).pdf", true),
            ("file=report(1).pdf", false),
            ("file=report-(1).pdfx", false),
            ("report-(1).pdf", false),
        ] {
            assert_eq!(pattern.is(word), expected, "{word}");
        }
    }

    #[test]
    fn an_expression_is_of_the_whole_folded_word() {
        let pattern = Pattern::regex(folded(r"CAF[ÉE]s?\d*")).unwrap();
        assert!(pattern.is("cafe") && pattern.is("cafes2"));
        assert!(!pattern.is("cafeteria") && !pattern.is("le cafe"));
        for (expression, word) in [("œ.*", "oeuvre"), ("(straß|ĳ)+e", "strassije"), ("nai\u{308}ve", "naive")] {
            assert!(Pattern::regex(folded(expression)).unwrap().is(word), "{expression}");
        }
        for (expression, expected) in [
            ("(", "unclosed group"),
            ("^a", "not needed"),
            ("a*?", "means nothing"),
            (r"a\b", "not needed"),
            ("(a{1,20}){1,20}", "too much"),
            (&"a".repeat(2000), "too much"),
        ] {
            let reason = Pattern::regex(expression.to_owned()).unwrap_err();
            assert!(reason.contains(expected), "{expression}: {reason}");
        }
    }
}
