//! Hours that follow each other, drawn together.

use std::fmt;

use chat::Hour;

/// More would fill the screen; `--json` has them all.
const SHOWN: usize = 8;

/// Hours that follow each other; `first <= last`, and both are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first hour.
    pub(super) first: Hour,
    /// The last hour.
    pub(super) last: Hour,
}

impl Span {
    /// How many hours there are.
    #[must_use]
    pub(super) fn hours(self) -> u64 {
        (self.last.number() - self.first.number()).unsigned_abs() + 1
    }
}

impl fmt::Display for Span {
    /// `2026-03-14T09Z to 2026-03-14T11Z`, or the one hour alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { self.first.fmt(f) } else { write!(f, "{} to {}", self.first, self.last) }
    }
}

/// Draws hours that follow each other together; they come in order.
#[must_use]
pub(super) fn spans(hours: impl IntoIterator<Item = Hour>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for hour in hours {
        match spans.last_mut() {
            Some(span) if span.last.next() == hour => span.last = hour,
            _ => spans.push(Span { first: hour, last: hour }),
        }
    }
    spans
}

/// The hours in words, the first eight spans of them: `2026-03-14T09Z to 2026-03-14T11Z, 2026-03-15T00Z`.
#[must_use]
pub(super) fn in_words(hours: impl IntoIterator<Item = Hour>) -> String {
    let spans = spans(hours);
    let mut words: Vec<String> = spans.iter().take(SHOWN).map(ToString::to_string).collect();
    match spans.len().saturating_sub(SHOWN) {
        0 => {}
        1 => words.push("and 1 more span".to_owned()),
        more => words.push(format!("and {more} more spans")),
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(number: i64) -> Hour {
        Hour::from_key("2026031409").unwrap().plus(number)
    }

    #[test]
    fn hours_that_follow_each_other_are_drawn_together() {
        assert_eq!(in_words([]), "");
        assert_eq!(in_words([hour(0), hour(1), hour(3)]), "2026-03-14T09Z to 2026-03-14T10Z, 2026-03-14T12Z");
        let lengths: Vec<u64> = spans([hour(0), hour(1), hour(3)]).into_iter().map(Span::hours).collect();
        assert_eq!(lengths, [2, 1]);
    }

    #[test]
    fn many_spans_are_counted_and_not_shown() {
        assert!(in_words((0..9).map(|at| hour(2 * at))).ends_with(", and 1 more span"));
        assert!(in_words((0..10).map(|at| hour(2 * at))).ends_with(", and 2 more spans"));
    }
}
