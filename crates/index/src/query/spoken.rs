//! A query as it was understood.

use std::fmt;

use chat::{Timestamp, show_time};

use crate::columns::Column;
use crate::query::{Node, Part, Phrase, Place, Query, Span, Whole};

impl fmt::Display for Query {
    /// The tokens that are looked for, folded: consecutive ones in quotes, with `…` behind one that may go on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everything() {
            return f.write_str("every message");
        }
        self.root.fmt(f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(nodes) => joined(nodes, " AND ", f),
            Self::Any(nodes) => {
                f.write_str("(")?;
                joined(nodes, " OR ", f)?;
                f.write_str(")")
            }
            Self::Not(node) if matches!(**node, Self::All(_)) => write!(f, "NOT ({node})"),
            Self::Not(node) => write!(f, "NOT {node}"),
            Self::Words(Place::Text, phrase) => phrase.fmt(f),
            Self::Words(Place::File, phrase) => write!(f, "file:{phrase}"),
            Self::Like(pattern) => write!(f, "{pattern:?}"),
            Self::Is(column, whole) => write!(f, "{}:{whole}", name(*column)),
            Self::Sent(span) => span.fmt(f),
        }
    }
}

/// The nodes that ask for something.
fn joined(nodes: &[Node], word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let asked: Vec<_> = nodes.iter().filter(|node| !node.is_everything()).map(ToString::to_string).collect();
    f.write_str(&asked.join(word))
}

fn name(column: Column) -> &'static str {
    match column {
        Column::From => "from",
        Column::To => "to",
        Column::In => "in",
        Column::Type => "type",
        Column::Facts => "fact",
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |part: &Part| match part {
            Part::Exact(token) => token.clone(),
            Part::Starts(first) => format!("{first}…"),
        };
        let parts: Vec<_> = self.parts().iter().map(part).collect();
        write!(f, "\"{}\"", parts.join(" "))
    }
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(value) => write!(f, "{value:?}"),
            Self::Starts(value) => write!(f, "{value:?}…"),
            Self::Like(pattern) => write!(f, "{pattern:?}"),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |micros: i64| show_time(Timestamp::from_timestamp_micros(micros).unwrap_or_default());
        let since = self.since.map(|since| format!(" from {}", time(since))).unwrap_or_default();
        let until = self.until.map(|until| format!(" before {}", time(until))).unwrap_or_default();
        write!(f, "sent{since}{until}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_understood_is_what_is_looked_for() {
        for (typed, expected) in [
            ("", "every message"),
            ("Café tide", "\"cafe\" AND \"tide\""),
            ("teo-77 from:Mara", "\"teo 77\" AND from:\"mara\""),
            ("港", "\"港…\""),
            ("(tide OR ebb) -type:img", "(\"tide\" OR \"ebb\") AND NOT type:\"img\""),
            ("slipwy~1 from:m*", "slipwy~1 AND from:\"m\"…"),
            ("after:2026-03-14", "sent from 2026-03-14T00:00:00Z"),
            ("event:recall", "fact:\"event=recall\""),
        ] {
            assert_eq!(Query::parse(typed).unwrap().to_string(), expected);
        }
        let both = Query::parse("").unwrap().and(Query::in_conversation("chat:Teo:mara"));
        assert_eq!(both.to_string(), "in:\"chat:mara:teo\"");
    }
}
