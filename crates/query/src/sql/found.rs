//! The rows that the index names, and which of them a batch has.

use std::collections::HashMap;

use archive::Key;
use chat::Hour;
use datafusion::arrow::array::{AsArray as _, Int32Array, Int64Array, StringViewArray};
use datafusion::arrow::datatypes::{Int32Type, Int64Type};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::ScalarFunctionArgs;
use index::Hit;
use rustc_hash::FxHashMap;

/// Rows of which it is worth knowing on what pages they are: where there are more, hardly a page has none.
const MOST_SOUGHT: usize = 50_000;

/// A row of an hour: part and line, and its score.
type Row = (i32, i64, f32);

/// The rows of one hour, by part and line, sorted.
type Rows = Vec<Row>;

/// The rows that the index names.
#[derive(Debug)]
pub(super) struct Found {
    /// What was asked and how much was found: alike for the same question to the same index.
    label: String,
    hours: HashMap<String, Rows>,
    /// The keys of all of them, if they are few.
    keys: Option<Vec<Key>>,
}

/// Hits as the index hands them over.
#[derive(Default)]
pub(super) struct Gathered {
    hours: FxHashMap<Hour, Rows>,
    /// Those of the first ones.
    keys: Vec<Key>,
    count: usize,
}

impl Gathered {
    pub(super) fn add(&mut self, hit: &Hit) {
        // As the columns have it. What no row can have is what no row has.
        let (part, line) = (i32::try_from(hit.part).unwrap_or(-1), i64::try_from(hit.line).unwrap_or(-1));
        self.hours.entry(hit.source_hour).or_default().push((part, line, hit.score));
        self.count += 1;
        if self.count <= MOST_SOUGHT {
            let Hit { source_hour, sent_at, part, line, .. } = *hit;
            self.keys.push(Key { source_hour, sent_at, part, line });
        }
    }

    /// What was found for a question.
    pub(super) fn found(self, asked: &str) -> Found {
        let Self { hours, keys, count } = self;
        let label = format!("index['{asked}': {count} rows in {} hours]", hours.len());
        let sorted = hours.into_iter().map(|(hour, mut rows)| {
            rows.sort_unstable_by_key(|(part, line, _)| (*part, *line));
            (hour.key(), rows)
        });
        Found { label, hours: sorted.collect(), keys: (count <= MOST_SOUGHT).then_some(keys) }
    }
}

impl Found {
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Whether there is a row of this hour among them.
    pub(super) fn has_hour(&self, hour: Hour) -> bool {
        self.hours.contains_key(&hour.key())
    }

    /// The keys of the rows in these hours; in all, if none is named. `None` when there are so many that it is not worth
    /// seeking them.
    pub(super) fn keys_in(&self, hours: &[Hour]) -> Option<Vec<Key>> {
        let is_sought = |key: &&Key| hours.is_empty() || hours.contains(&key.source_hour);
        Some(self.keys.as_ref()?.iter().filter(is_sought).copied().collect())
    }

    /// The score of each row; `None` for one that was not found.
    pub(super) fn each<'a>(&'a self, batch: &'a KeyBatch) -> impl Iterator<Item = Option<f32>> + 'a {
        // Rows of an hour lie together: they are told by their views, which hold all of so short a text.
        let mut last: Option<(u128, &[Row])> = None;
        let keys = batch.hours.views().iter().zip(batch.parts.values()).zip(batch.lines.values());
        keys.enumerate().map(move |(row, ((view, part), line))| {
            let rows = match last {
                Some((known, rows)) if known == *view => rows,
                _ => last.insert((*view, self.rows_of(batch.hours.value(row)))).1,
            };
            let place = rows.binary_search_by_key(&(*part, *line), |(part, line, _)| (*part, *line)).ok()?;
            Some(rows[place].2)
        })
    }

    fn rows_of(&self, hour: &str) -> &[Row] {
        self.hours.get(hour).map_or(&[], Vec::as_slice)
    }
}

/// The keys of a batch of rows.
pub(super) struct KeyBatch {
    hours: StringViewArray,
    parts: Int32Array,
    lines: Int64Array,
}

impl KeyBatch {
    pub(super) fn of(arguments: &ScalarFunctionArgs) -> Result<Self> {
        let [hours, parts, lines] = arguments.args.as_slice() else { return plan_err!("a key has three columns") };
        let rows = arguments.number_rows;
        Ok(Self {
            hours: hours.to_array(rows)?.as_string_view().clone(),
            parts: parts.to_array(rows)?.as_primitive::<Int32Type>().clone(),
            lines: lines.to_array(rows)?.as_primitive::<Int64Type>().clone(),
        })
    }
}
