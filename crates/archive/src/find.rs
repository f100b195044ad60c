//! A few rows of a file, without reading the others.
//!
//! A file is sorted by hour and time, and its footer knows the least and greatest of both on every page. So the pages
//! where a key can be are known before any is read; of those the key columns are read, and of what then matches the
//! rest. A file that says less about itself is read more widely, and gives the same rows.

use std::collections::BTreeSet;
use std::ops::Range;

use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use chat::{Hour, Message, Part, Timestamp};
use futures::stream::{self, StreamExt as _};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, RowFilter, RowSelection, RowSelectionPolicy};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use crate::bounds::{Bound, Stretch};
use crate::columns::Messages;
use crate::error::Error;
use crate::lent::Batches;
use crate::read::{OpenFile, Rows, checked_footer};
use sought::{Sought as _, WantedIds, WantedKeys, read_sought};

mod sought;

/// What finds one row of a file: all that files are sorted by, but the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The hour the message was served in.
    pub source_hour: Hour,
    /// When it was sent, to the microsecond.
    pub sent_at: Option<Timestamp>,
    /// The part of the hour.
    pub part: Part,
    /// The line in the part.
    pub line: u64,
}

/// Which columns of a row are read. A column that is not read is as in [`Message::at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Projection {
    /// All that the file has.
    #[default]
    All,
    /// These, by name, and those by which a row is known: its [`Key`] and its id.
    Only(&'static [&'static str]),
}

/// A span of time; one without bounds has the messages without a time, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// Only messages sent at or after this instant, to the microsecond below.
    pub since: Option<Timestamp>,
    /// Only messages sent before this instant, or in the microsecond that it is in.
    pub until: Option<Timestamp>,
}

/// Rows of a file that need be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// In order and apart from each other.
    pub rows: Vec<Range<usize>>,
    /// How many rows the file has.
    pub of: usize,
}

/// The columns of a [`Key`].
const KEY_COLUMNS: [&str; 4] = ["source_hour", "sent_at", "part", "line"];

/// The messages with these keys, in the order of the file, at most one for each key. A key that the file does not hold
/// gives nothing.
///
/// # Errors
///
/// As [`crate::read_all`].
pub async fn read_keys<R>(reader: R, keys: &[Key], projection: Projection) -> Result<Vec<Message<'static>>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    let mut wanted = WantedKeys::new(keys);
    let mut rows = read_sought(reader, &mut wanted, |name| projection.has_besides_key(name)).await?;
    // The columns of the key are not unpacked once more: it is known what they hold.
    for (row, (position, sent_at)) in rows.iter_mut().zip(wanted.found) {
        (row.position, row.sent_at) = (position, sent_at);
    }
    Ok(rows)
}

impl Projection {
    fn has_besides_key(self, name: &str) -> bool {
        let is_asked_for = match self {
            Self::All => true,
            Self::Only(columns) => name == "msg_id" || columns.contains(&name),
        };
        is_asked_for && !KEY_COLUMNS.contains(&name)
    }
}

/// Where in a file the rows with these keys can be, as its footer says.
///
/// # Errors
///
/// As [`crate::read_all`].
pub async fn rows_near<R>(mut reader: R, keys: &[Key]) -> Result<Near, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    let footer = checked_footer(&mut reader, PageIndexPolicy::Optional).await?;
    let (metadata, wanted) = (footer.metadata(), WantedKeys::new(keys));
    let groups = 0..metadata.num_row_groups();
    Ok(Near::within(metadata, groups.map(|group| (group, wanted.candidates(metadata, group)))))
}

/// The messages with these ids, in the order of the file; several where an id recurs.
///
/// The service's ids grow with time, so that the page index narrows the search to a few pages; among ids of another
/// making it may have to read the whole column.
///
/// # Errors
///
/// As [`crate::read_all`].
pub async fn find_ids<R>(reader: R, ids: &[&str]) -> Result<Vec<Message<'static>>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    read_sought(reader, &mut WantedIds::new(ids), |_| true).await
}

/// The messages of an hour, in the order of the file. In a file of a whole day little else is read.
///
/// # Errors
///
/// As [`crate::read_all`].
pub async fn read_hour<R>(reader: R, hour: Hour) -> Result<Rows<Message<'static>>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    rows_of(OpenFile::open(reader, PageIndexPolicy::Optional).await?, &BTreeSet::from([hour]))
}

/// The messages of an hour that were sent within a span, in the order of the file. `columns` has `source_hour` and `sent_at`, and
/// `None` is all. Pages with none of them are not read.
///
/// # Errors
///
/// As [`crate::read_all`].
pub async fn read_sent<R>(reader: R, columns: Option<&[&str]>, hour: Hour, sent: Sent) -> Result<Batches, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    let mut file = OpenFile::open(reader, PageIndexPolicy::Optional).await?;
    if let Some(columns) = columns {
        file = file.only(columns);
    }
    let hours = BTreeSet::from([hour]);
    let found = if sent == Sent::default() { of_hours(file, &hours) } else { sent_within(file, &hours, sent) };
    found.map_or_else(|| Ok(stream::empty().boxed()), OpenFile::lent)
}

/// The messages of these hours, in the order of the file, in these columns alone; a column that is not read is as in
/// [`Message::at`]. `columns` has `source_hour`.
///
/// # Errors
///
/// As [`crate::read_all`].
pub async fn read_columns<R>(
    reader: R,
    columns: &[&str],
    hours: &BTreeSet<Hour>,
) -> Result<Rows<Message<'static>>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    debug_assert!(columns.contains(&"source_hour"), "rows are chosen by their hour");
    rows_of(OpenFile::open(reader, PageIndexPolicy::Optional).await?.only(columns), hours)
}

/// The rows of these hours.
fn rows_of<R>(file: OpenFile<R, Messages>, hours: &BTreeSet<Hour>) -> Result<Rows<Message<'static>>, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    of_hours(file, hours).map_or_else(|| Ok(stream::empty().boxed()), OpenFile::rows)
}

/// The file without the rows of other hours; `None` when it has no others.
fn of_hours<R>(file: OpenFile<R, Messages>, hours: &BTreeSet<Hour>) -> Option<OpenFile<R, Messages>>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    let keys: BTreeSet<String> = hours.iter().map(|hour| hour.key()).collect();
    let bounds: Vec<_> = keys.iter().map(|key| Some(Bound::Bytes(key.as_bytes().to_vec()))).collect();
    let selected = Selected::new(file.metadata(), |metadata, group| {
        holding(&Stretch::of_pages(metadata, group, "source_hour"), &bounds)
    });
    if selected.groups.is_empty() {
        return None;
    }
    Some(file.filtered(selected, &["source_hour"], move |batch| {
        let hours = column(batch, "source_hour")?.as_string::<i32>();
        Ok(hours.iter().map(|hour| Some(hour.is_some_and(|hour| keys.contains(hour)))).collect())
    }))
}

/// The file without rows of other hours and such as were not sent within a span; `None` when it has no others.
fn sent_within<R>(file: OpenFile<R, Messages>, hours: &BTreeSet<Hour>, sent: Sent) -> Option<OpenFile<R, Messages>>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    let keys: BTreeSet<String> = hours.iter().map(|hour| hour.key()).collect();
    let bounds: Vec<_> = keys.iter().map(|key| Some(Bound::Bytes(key.as_bytes().to_vec()))).collect();
    let (least, greatest) = sent.micros();
    let selected = Selected::new(file.metadata(), |metadata, group| {
        let of_hours = holding(&Stretch::of_pages(metadata, group, "source_hour"), &bounds);
        let pages = Stretch::of_pages(metadata, group, "sent_at");
        let within = pages.into_iter().filter(|page| page.may_be_within(least, greatest)).map(|page| page.rows);
        common(&of_hours, &joined(within.collect()))
    });
    if selected.groups.is_empty() {
        return None;
    }
    Some(file.filtered(selected, &["source_hour", "sent_at"], move |batch| {
        let hours = column(batch, "source_hour")?.as_string::<i32>();
        let times = column(batch, "sent_at")?.as_primitive::<TimestampMicrosecondType>();
        let is_within = |time: Option<i64>| time.is_some_and(|time| (least..=greatest).contains(&time));
        let is_meant =
            |(hour, time): (Option<&str>, _)| hour.is_some_and(|hour| keys.contains(hour)) && is_within(time);
        Ok(hours.iter().zip(times.iter()).map(|row| Some(is_meant(row))).collect())
    }))
}

impl Sent {
    /// The first and the last microsecond.
    fn micros(self) -> (i64, i64) {
        let micros = |time: Timestamp| time.timestamp_micros();
        (self.since.map_or(i64::MIN, micros), self.until.map_or(i64::MAX, micros))
    }
}

impl<R> OpenFile<R, Messages>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    fn filtered(
        mut self,
        selected: Selected,
        filter_columns: &[&str],
        mut matches: impl FnMut(&RecordBatch) -> Result<BooleanArray, ArrowError> + Send + 'static,
    ) -> Self {
        let mask = ProjectionMask::columns(self.parquet.parquet_schema(), filter_columns.iter().copied());
        let filter = ArrowPredicateFn::new(mask, move |batch| matches(&batch));
        self.parquet = self
            .parquet
            .with_row_groups(selected.groups)
            .with_row_selection(selected.rows)
            .with_row_filter(RowFilter::new(vec![Box::new(filter)]))
            // Both of these would read pages that hold nothing sought, to save decoding that is nothing here.
            .with_row_selection_policy(RowSelectionPolicy::Selectors)
            .with_max_predicate_cache_size(0);
        self
    }
}

/// The rows that need be looked at.
struct Selected {
    groups: Vec<usize>,
    /// Counted through the rows of `groups`.
    rows: RowSelection,
}

impl Selected {
    /// `candidates` gives the rows of a row group that may match, in order and apart from each other.
    fn new(metadata: &ParquetMetaData, candidates: impl Fn(&ParquetMetaData, usize) -> Vec<Range<usize>>) -> Self {
        let found = (0..metadata.num_row_groups()).map(|group| (group, candidates(metadata, group)));
        let found: Vec<_> = found.filter(|(_, rows)| !rows.is_empty()).collect();
        let groups = found.iter().map(|(group, _)| *group).collect();
        let Near { rows, of } = Near::within(metadata, found.into_iter());
        Self { groups, rows: RowSelection::from_consecutive_ranges(rows.into_iter(), of) }
    }
}

impl Near {
    /// Rows of these row groups, counted through them.
    fn within(metadata: &ParquetMetaData, groups: impl Iterator<Item = (usize, Vec<Range<usize>>)>) -> Self {
        let (mut rows, mut before) = (Vec::new(), 0);
        for (group, found) in groups {
            rows.extend(found.into_iter().map(|rows| before + rows.start..before + rows.end));
            before += usize::try_from(metadata.row_group(group).num_rows()).unwrap_or(0);
        }
        Self { rows: joined(rows), of: before }
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn arrow::array::Array, ArrowError> {
    let missing = || ArrowError::SchemaError(format!("no column `{name}`"));
    batch.column_by_name(name).map(AsRef::as_ref).ok_or_else(missing)
}

/// The rows of the stretches that may hold one of these values.
fn holding(stretches: &[Stretch], values: &[Option<Bound>]) -> Vec<Range<usize>> {
    let may_match = |stretch: &&Stretch| values.iter().any(|value| stretch.may_hold(value.as_ref()));
    joined(stretches.iter().filter(may_match).map(|stretch| stretch.rows.clone()).collect())
}

/// The same rows in order, with touching ranges joined.
fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// The rows that are in both; each side is in order and joined.
fn common(ones: &[Range<usize>], others: &[Range<usize>]) -> Vec<Range<usize>> {
    let (mut ones, mut others) = (ones.iter().peekable(), others.iter().peekable());
    let mut common = Vec::new();
    while let (Some(one), Some(other)) = (ones.peek(), others.peek()) {
        let both = one.start.max(other.start)..one.end.min(other.end);
        if !both.is_empty() {
            common.push(both);
        }
        let shorter = if one.end < other.end { &mut ones } else { &mut others };
        shorter.next();
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_meet_are_joined() {
        assert_eq!(joined(vec![7..9, 0..2, 2..4, 3..4]), [0..4, 7..9]);
    }

    #[test]
    fn what_is_in_both_is_common() {
        let check = |ones: &[Range<usize>], others: &[Range<usize>], expected: &[usize]| {
            assert_eq!(common(ones, others).into_iter().flatten().collect::<Vec<_>>(), expected);
        };
        check(&[0..4, 7..9], &[1..2, 3..8], &[1, 3, 7]);
        check(&[0..4, 4..8], &[2..6, 9..9], &[2, 3, 4, 5]);
        check(&[0..4, 9..9], &[4..8, 9..9], &[]);
        check(&[], &[4..8, 9..9], &[]);
    }
}
