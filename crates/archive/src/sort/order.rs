//! Telling rows that come in order from those that do not, before they fill any column.

use std::cmp::Ordering;

use chat::{Hour, Message, Timestamp};

use super::chunk::NullsLast;

/// Splits rows into those that go on with what was ordered before, and the others.
#[derive(Default)]
pub(crate) struct Splitter {
    last: Option<Last>,
}

/// The key of the last row in order.
struct Last {
    hour: Hour,
    sent_at: Timestamp,
    msg_id: Option<String>,
    place: (u32, u64),
}

/// Some rows, split.
pub(crate) struct Split<'r, 'a> {
    /// Sorted, and after all that were so before.
    pub(crate) ordered: Vec<&'r Message<'a>>,
    /// The others.
    pub(crate) others: Vec<&'r Message<'a>>,
}

impl Splitter {
    /// Splits a batch. What only changed places within it is put right.
    ///
    /// A row that was sent after its hour, or at no known time, is never among the ordered ones: none of the rows to come
    /// would follow it. Nor is one that was sent before: others may belong before it until the last has come.
    pub(crate) fn split<'r, 'a>(&mut self, batch: &'r [Message<'a>]) -> Split<'r, 'a> {
        let mut rows: Vec<_> = batch.iter().collect();
        rows.sort_by(|one, other| compare(one, other));
        let behind = self.last.as_ref().map_or(0, |last| rows.partition_point(|row| last.is_after(row)));
        let mut others = rows[..behind].to_vec();
        let mut ordered = Vec::with_capacity(rows.len() - behind);
        for row in &rows[behind..] {
            if is_within_its_hour(row) { ordered.push(*row) } else { others.push(*row) }
        }
        self.last = ordered.last().and_then(|row| Last::of(row)).or(self.last.take());
        Split { ordered, others }
    }
}

impl Last {
    fn of(row: &Message<'_>) -> Option<Self> {
        Some(Self {
            hour: row.position.source_hour,
            sent_at: row.sent_at?,
            msg_id: row.msg_id.as_deref().map(str::to_owned),
            place: (row.position.part, row.position.line),
        })
    }

    fn is_after(&self, row: &Message<'_>) -> bool {
        let Self { hour, sent_at, msg_id, place } = self;
        let last = (NullsLast::Value(*sent_at), NullsLast::from(msg_id.as_deref()), *place);
        compare_hours(*hour, row.position.source_hour).then_with(|| last.cmp(&key(row))).is_gt()
    }
}

/// The order of the files, see [`super::chunk::SortKey`].
fn compare(one: &Message<'_>, other: &Message<'_>) -> Ordering {
    let hours = compare_hours(one.position.source_hour, other.position.source_hour);
    hours.then_with(|| key(one).cmp(&key(other)))
}

/// As texts, which is how the column has them: beyond the year 9999 that is another order.
fn compare_hours(one: Hour, other: Hour) -> Ordering {
    if one == other { Ordering::Equal } else { one.key().cmp(&other.key()) }
}

type Key<'a> = (NullsLast<Timestamp>, NullsLast<&'a str>, (u32, u64));

fn key<'a>(row: &'a Message<'_>) -> Key<'a> {
    let place = (row.position.part, row.position.line);
    (row.sent_at.into(), row.msg_id.as_deref().into(), place)
}

fn is_within_its_hour(row: &Message<'_>) -> bool {
    row.sent_at.is_some() && !row.is_stray()
}
