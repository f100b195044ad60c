//! What the rows of an hour say that the ledger says, too.

use std::collections::BTreeMap;

use chat::{Entry, Hour, Message, Timestamp, show_time};

use super::finding::Finding;

/// What the rows of an hour say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    strays: u64,
    retained: u64,
    min_sent_at: Option<Timestamp>,
    max_sent_at: Option<Timestamp>,
}

impl Facts {
    pub(super) fn add(&mut self, row: &Message<'_>) {
        let is_retained = row.retained_at.is_some();
        self.retained += u64::from(is_retained);
        // The ledger counts those alone that are still served.
        self.strays += u64::from(!is_retained && row.is_stray());
        if let Some(time) = row.sent_at {
            self.min_sent_at = Some(self.min_sent_at.map_or(time, |known| known.min(time)));
            self.max_sent_at = Some(self.max_sent_at.map_or(time, |known| known.max(time)));
        }
    }

    /// Where the ledger says something else. A row of it that was made up from the table knows nothing of its own.
    pub(super) fn hold_against(self, entry: &Entry) -> Vec<Finding> {
        if entry.sha256.is_empty() {
            return Vec::new();
        }
        let time = |time: Option<Timestamp>| time.map_or_else(|| "none".to_owned(), show_time);
        let told = [
            ("strays", entry.tally.strays.to_string(), self.strays.to_string()),
            ("retained", entry.tally.retained.to_string(), self.retained.to_string()),
            ("min_sent_at", time(entry.min_sent_at), time(self.min_sent_at)),
            ("max_sent_at", time(entry.max_sent_at), time(self.max_sent_at)),
        ];
        let differ = told.into_iter().filter(|(_, ledger, rows)| ledger != rows);
        let finding = |(what, ledger, found)| Finding::Ledger { hour: entry.hour, what, ledger, found };
        differ.map(finding).collect()
    }
}

/// The facts of each hour.
pub(super) type FactsOfHours = BTreeMap<Hour, Facts>;

#[cfg(test)]
mod tests {
    use chat::{Position, State, Tally};

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn row(sent_at: Option<&str>) -> Message<'static> {
        let position = Position { source_hour: "2026031409".parse().unwrap(), part: 0, line: 1 };
        Message { sent_at: sent_at.map(time), ..Message::at(position) }
    }

    #[test]
    fn what_the_ledger_says_otherwise_is_named() {
        let mut facts = Facts::default();
        let late = "2026-03-14T10:00:00Z";
        for sent_at in [Some("2026-03-14T09:30:00Z"), None, Some(late)] {
            facts.add(&row(sent_at));
        }
        facts.add(&Message { retained_at: Some(Timestamp::UNIX_EPOCH), ..row(Some("2026-03-14T08:00:00Z")) });

        let (hour, at) = (row(None).position.source_hour, Timestamp::UNIX_EPOCH);
        let entry = Entry {
            sha256: vec!["7".to_owned()],
            tally: Tally { strays: 1, retained: 1, ..Tally::default() },
            min_sent_at: Some(time("2026-03-14T08:00:00Z")),
            max_sent_at: Some(time(late)),
            ..Entry::new(hour, at, State::Done)
        };
        assert_eq!(facts.hold_against(&entry), []);

        let other = Entry { tally: Tally::default(), min_sent_at: None, max_sent_at: None, ..entry };
        let named: Vec<_> = facts.hold_against(&other).iter().map(ToString::to_string).collect();
        assert_eq!(
            named,
            [
                "2026-03-14T09Z: the ledger has 0 as `strays`, the archive holds 1",
                "2026-03-14T09Z: the ledger has 0 as `retained`, the archive holds 1",
                "2026-03-14T09Z: the ledger has none as `min_sent_at`, the archive holds 2026-03-14T08:00:00Z",
                "2026-03-14T09Z: the ledger has none as `max_sent_at`, the archive holds 2026-03-14T10:00:00Z",
            ]
        );
        assert_eq!(facts.hold_against(&Entry { sha256: Vec::new(), ..other }), [], "it was made up from the table");
    }
}
