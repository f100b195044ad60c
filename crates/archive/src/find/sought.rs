//! Rows that are sought by what some of their columns hold, and what else is read of them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use chat::{Hour, Message, Position, Timestamp};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use super::{KEY_COLUMNS, Key, column, common, holding, joined};
use crate::batch::Columns;
use crate::bounds::{Bound, Stretch};
use crate::columns::Messages;
use crate::error::Error;
use crate::pick::{Picked, Picker};
use crate::read::checked_footer;

/// Row groups of which pages are read with one request, and held.
const GROUPS_AT_ONCE: usize = 8;

/// The rows of a file that are sought, in its order, in the columns that are asked for.
pub(super) async fn read_sought<R>(
    mut reader: R,
    sought: &mut impl Sought,
    is_asked_for: impl Fn(&str) -> bool,
) -> Result<Vec<Message<'static>>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    let footer = checked_footer(&mut reader, PageIndexPolicy::Optional).await?;
    let mut columns = Columns::<Messages>::of(footer.schema())?;
    let names: Vec<_> = columns.names().filter(|name| is_asked_for(name)).collect();
    columns.retain(&names);
    let mut picker = Picker::new(reader, Arc::clone(footer.metadata()));
    let candidates = |group| Picked { group, rows: sought.candidates(footer.metadata(), group) };
    let near = (0..footer.metadata().num_row_groups()).map(candidates);
    let near: Vec<_> = near.filter(|near| !near.rows.is_empty()).collect();
    let mut found = Vec::new();
    for near in near.chunks(GROUPS_AT_ONCE) {
        let mut picked = Vec::with_capacity(near.len());
        for (near, known_by) in near.iter().zip(picker.read(near, sought.columns()).await?) {
            let rows = near.rows.iter().cloned().flatten().zip(sought.matching(&known_by)?);
            let rows = joined(rows.filter(|(_, is_sought)| *is_sought).map(|(row, _)| row..row + 1).collect());
            picked.push(Picked { group: near.group, rows });
        }
        picked.retain(|picked| !picked.rows.is_empty());
        for batch in picker.read(&picked, &names).await? {
            found.extend(columns.rows(&batch)?.into_iter().map(Message::into_owned));
        }
    }
    Ok(found)
}

/// Rows that are sought by what some of their columns hold.
pub(super) trait Sought {
    /// The columns.
    fn columns(&self) -> &'static [&'static str];

    /// The rows of a row group that may be sought, as the footer says, in order and apart from each other.
    fn candidates(&self, metadata: &ParquetMetaData, group: usize) -> Vec<Range<usize>>;

    /// Which rows of a batch are sought. Batches are given in the order of the file.
    fn matching(&mut self, batch: &RecordBatch) -> Result<Vec<bool>, ArrowError>;
}

/// Keys to be found.
pub(super) struct WantedKeys {
    /// Sorted, without repetition.
    keys: Vec<WantedKey>,
    /// The times of each hour among them, as the footer has both.
    times_of_hour: BTreeMap<Bound, Vec<Option<Bound>>>,
    /// Which of them were found.
    is_found: Vec<bool>,
    /// The rows that were found, in the order of the file.
    pub(super) found: Vec<Place>,
}

/// Where a row stands, and when it was sent.
type Place = (Position, Option<Timestamp>);

/// A key as the columns hold it. The time comes first: by it nearly every other row is told from the one that is sought.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct WantedKey {
    sent_at: Option<i64>,
    line: i64,
    part: i32,
    source_hour: String,
    /// The same.
    hour: Hour,
}

impl WantedKeys {
    pub(super) fn new(keys: &[Key]) -> Self {
        let mut keys: Vec<_> = keys.iter().filter_map(WantedKey::new).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut times_of_hour: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for key in &keys {
            let hour = Bound::Bytes(key.source_hour.as_bytes().to_vec());
            times_of_hour.entry(hour).or_default().push(key.sent_at.map(Bound::Int));
        }
        Self { times_of_hour, is_found: vec![false; keys.len()], keys, found: Vec::new() }
    }

    /// Whether one of the keys has this time. The times of nearly all rows are told from them by the first and the last.
    fn has_time(&self, time: Option<i64>) -> bool {
        let is_between = self.keys.first().is_some_and(|first| first.sent_at <= time)
            && self.keys.last().is_some_and(|last| time <= last.sent_at);
        is_between && self.keys.binary_search_by_key(&time, |key| key.sent_at).is_ok()
    }

    fn take(&mut self, row: (Option<i64>, i64, i32, &str)) -> bool {
        let place = self.keys.binary_search_by(|key| key.cells().cmp(&row));
        let Ok(place) = place else { return false };
        let is_first = !std::mem::replace(&mut self.is_found[place], true);
        if is_first {
            self.found.push(self.keys[place].place());
        }
        is_first
    }
}

impl Sought for WantedKeys {
    fn columns(&self) -> &'static [&'static str] {
        &KEY_COLUMNS
    }

    fn candidates(&self, metadata: &ParquetMetaData, group: usize) -> Vec<Range<usize>> {
        let row_group = metadata.row_group(group);
        let (hours, times) = (Stretch::of_group(row_group, "source_hour"), Stretch::of_group(row_group, "sent_at"));
        let is_here = |(hour, sent): &(&Bound, &Vec<Option<Bound>>)| {
            hours.as_ref().is_none_or(|all| all.may_hold(Some(hour)))
                && times.as_ref().is_none_or(|all| sent.iter().any(|time| all.may_hold(time.as_ref())))
        };
        let here: Vec<_> = self.times_of_hour.iter().filter(is_here).collect();
        if here.is_empty() {
            return Vec::new();
        }
        let hour_pages = Stretch::of_pages(metadata, group, "source_hour");
        let time_pages = Stretch::of_pages(metadata, group, "sent_at");
        let candidates = here.into_iter().flat_map(|(hour, sent)| {
            let of_hour = holding(&hour_pages, &[Some(hour.clone())]);
            common(&of_hour, &holding(&time_pages, sent))
        });
        joined(candidates.collect())
    }

    /// Of rows with the same key the first.
    fn matching(&mut self, batch: &RecordBatch) -> Result<Vec<bool>, ArrowError> {
        let hours = column(batch, "source_hour")?.as_string::<i32>();
        let times = column(batch, "sent_at")?.as_primitive::<TimestampMicrosecondType>();
        let parts = column(batch, "part")?.as_primitive::<Int32Type>();
        let lines = column(batch, "line")?.as_primitive::<Int64Type>();
        let is_sought = |row| {
            let time = times.is_valid(row).then(|| times.value(row));
            self.has_time(time) && self.take((time, lines.value(row), parts.value(row), hours.value(row)))
        };
        Ok((0..batch.num_rows()).map(is_sought).collect())
    }
}

impl WantedKey {
    /// `None` when no row can have it.
    fn new(key: &Key) -> Option<Self> {
        Some(Self {
            sent_at: key.sent_at.map(|time| time.timestamp_micros()),
            line: i64::try_from(key.line).ok()?,
            part: i32::try_from(key.part).ok()?,
            source_hour: key.source_hour.key(),
            hour: key.source_hour,
        })
    }

    fn cells(&self) -> (Option<i64>, i64, i32, &str) {
        (self.sent_at, self.line, self.part, &self.source_hour)
    }

    fn place(&self) -> Place {
        let (part, line) = (self.part.unsigned_abs(), self.line.unsigned_abs());
        let position = Position { source_hour: self.hour, part, line };
        (position, self.sent_at.and_then(Timestamp::from_timestamp_micros))
    }
}

/// Ids to be found.
pub(super) struct WantedIds {
    /// Sorted.
    ids: Vec<String>,
    /// The same, as the footer has them.
    bounds: Vec<Bound>,
}

impl WantedIds {
    pub(super) fn new(ids: &[&str]) -> Self {
        let mut ids: Vec<_> = ids.iter().map(|id| (*id).to_owned()).collect();
        ids.sort_unstable();
        Self { bounds: ids.iter().map(|id| Bound::Bytes(id.as_bytes().to_vec())).collect(), ids }
    }

    fn has(&self, id: &str) -> bool {
        self.ids.binary_search_by(|known| known.as_str().cmp(id)).is_ok()
    }
}

impl Sought for WantedIds {
    fn columns(&self) -> &'static [&'static str] {
        &["msg_id"]
    }

    fn candidates(&self, metadata: &ParquetMetaData, group: usize) -> Vec<Range<usize>> {
        let may_match = |page: &Stretch| self.bounds.iter().any(|id| page.may_hold(Some(id)));
        let pages = Stretch::of_pages(metadata, group, "msg_id");
        joined(pages.into_iter().filter(may_match).map(|page| page.rows).collect())
    }

    fn matching(&mut self, batch: &RecordBatch) -> Result<Vec<bool>, ArrowError> {
        let ids = column(batch, "msg_id")?.as_string::<i32>();
        Ok(ids.iter().map(|id| id.is_some_and(|id| self.has(id))).collect())
    }
}
