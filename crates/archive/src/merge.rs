//! Several files of a table to one, with the columns of today.
//!
//! Files whose hours do not overlap are read one after the other, each opened when its turn comes; only those that do
//! are open together and merged row by row. So memory grows with the files of one hour and not with those of a day.
//!
//! Of a file that is read alone, large row groups go into the new one as they are (see [`crate::copy`]). Small ones are
//! decoded, and encoded together with their neighbours.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray, new_null_array};
use arrow::compute::filter_record_batch;
use chat::Hour;
use futures::executor::{block_on, block_on_stream};
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _, TryFutureExt as _};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use crate::columns::{DeadLetters, Messages};
use crate::copy::StoredGroup;
use crate::error::Error;
use crate::file::TableFile;
use crate::promotion::Promotion;
use crate::read::{OpenFile, checked_footer, is_of_today};
use crate::settings::Settings;
use crate::sort::{Merge, Run};
use crate::table::Table;
use crate::write::Written;

/// A file to take rows from.
#[derive(Debug)]
pub struct Piece<R> {
    /// The file, sorted as [`crate::Writer`] does it.
    pub reader: R,
    /// No row of it is of an hour before or after these.
    pub hours: RangeInclusive<Hour>,
}

/// What was put into one file.
#[derive(Debug)]
pub struct Merged<W> {
    /// The file.
    pub file: Written<W>,
    /// How many rows each hour has in it.
    pub rows: BTreeMap<Hour, u64>,
}

/// Writes the messages of these hours, out of all files, into one file, sorted, with these promoted columns, which are filled
/// anew unless a file has all of them. Blocks, and may be called where a reader
/// needs a runtime only from a thread of it that may block.
///
/// # Errors
///
/// When a file cannot be read, or the output fails.
pub fn merge_messages<R, W>(
    pieces: Vec<Piece<R>>,
    hours: &BTreeSet<Hour>,
    out: W,
    settings: &Settings,
    promotions: &[Promotion],
) -> Result<Merged<W>, Error>
where
    R: AsyncFileReader + Clone + Unpin + Send + 'static,
    W: Write + Send,
{
    let file = TableFile::<W, Messages>::new(out, settings, promotions)?;
    merge(pieces, hours, file, |runs| Ok(Box::new(Merge::new(runs)?)))
}

/// Writes the dead letters of these hours, out of all files, into one file: file after file, each in its order. Blocks as
/// [`merge_messages`] does.
///
/// # Errors
///
/// As [`merge_messages`].
pub fn merge_dead_letters<R, W>(
    pieces: Vec<Piece<R>>,
    hours: &BTreeSet<Hour>,
    out: W,
    settings: &Settings,
) -> Result<Merged<W>, Error>
where
    R: AsyncFileReader + Clone + Unpin + Send + 'static,
    W: Write + Send,
{
    let file = TableFile::<W, DeadLetters>::new(out, settings, &[])?;
    merge(pieces, hours, file, |runs| Ok(Box::new(runs.into_iter().flatten())))
}

fn merge<T, R, W>(
    pieces: Vec<Piece<R>>,
    hours: &BTreeSet<Hour>,
    file: TableFile<W, T>,
    joined: fn(Vec<Run<'static>>) -> Result<Run<'static>, Error>,
) -> Result<Merged<W>, Error>
where
    T: Table<Row<'static>: Send>,
    R: AsyncFileReader + Clone + Unpin + Send + 'static,
    W: Write + Send,
{
    let mut merging =
        Merging { file, keys: Arc::new(hours.iter().map(|hour| hour.key()).collect()), counts: BTreeMap::new() };
    for group in groups(pieces) {
        match <[Piece<R>; 1]>::try_from(group) {
            Ok([alone]) => merging.take_over(alone.reader)?,
            Err(group) => {
                let runs = group.into_iter().map(|piece| rows::<T, R>(piece.reader, Arc::clone(&merging.keys)));
                merging.write(joined(runs.collect())?)?;
            }
        }
    }
    let Merging { file, mut counts, .. } = merging;
    let rows = hours.iter().filter_map(|hour| Some((*hour, counts.remove(&hour.key())?))).collect();
    Ok(Merged { file: file.finish()?, rows })
}

/// A file into which others are put.
struct Merging<W: Write + Send, T> {
    file: TableFile<W, T>,
    /// The hours whose rows are wanted.
    keys: Arc<BTreeSet<String>>,
    /// The rows of each so far.
    counts: BTreeMap<String, u64>,
}

/// What becomes of row groups next to each other.
enum Portion<'a> {
    /// It goes into the new file as it is, with all its rows of one hour.
    Copied(StoredGroup<'a>, String),
    /// Their rows are read.
    Read(Vec<usize>),
}

impl<W, T> Merging<W, T>
where
    T: Table<Row<'static>: Send>,
    W: Write + Send,
{
    /// Adds the rows of a file whose hours no other file has.
    fn take_over<R>(&mut self, mut reader: R) -> Result<(), Error>
    where
        R: AsyncFileReader + Clone + Unpin + Send + 'static,
    {
        let footer = block_on(checked_footer(&mut reader, PageIndexPolicy::Optional))?;
        for portion in self.portions(footer.metadata()) {
            match portion {
                Portion::Copied(group, hour) => {
                    self.file.copy(&group, &mut reader)?;
                    *self.counts.entry(hour).or_default() += group.rows() as u64;
                }
                Portion::Read(groups) => {
                    let file = OpenFile::<R, T>::with_footer(reader.clone(), footer.clone())?.groups(groups);
                    self.write(wanted::<T>(file.batches()?, Arc::clone(&self.keys)))?;
                }
            }
        }
        Ok(())
    }

    fn portions<'m>(&self, metadata: &'m ParquetMetaData) -> Vec<Portion<'m>> {
        let is_of_today = is_of_today(metadata.file_metadata());
        let mut portions = Vec::new();
        for group in StoredGroup::all(metadata) {
            let hour =
                group.hour().filter(|hour| is_of_today && self.keys.contains(hour) && self.file.can_copy(&group));
            match (hour, portions.last_mut()) {
                (Some(hour), _) => portions.push(Portion::Copied(group, hour)),
                (None, Some(Portion::Read(groups))) => groups.push(group.index()),
                (None, _) => portions.push(Portion::Read(vec![group.index()])),
            }
        }
        portions
    }

    fn write(&mut self, run: Run<'_>) -> Result<(), Error> {
        for batch in run {
            let batch = batch?;
            count(&batch, &mut self.counts)?;
            self.file.write(&batch)?;
        }
        Ok(())
    }
}

/// Counts the rows of each hour.
fn count(batch: &RecordBatch, counts: &mut BTreeMap<String, u64>) -> Result<(), Error> {
    let hours = source_hours(batch)?;
    let mut first = 0;
    while first < hours.len() {
        let hour = hours.value(first);
        let same = (first..hours.len()).take_while(|row| hours.value(*row) == hour).count();
        *counts.entry(hour.to_owned()).or_default() += same as u64;
        first += same;
    }
    Ok(())
}

fn source_hours(batch: &RecordBatch) -> Result<&StringArray, Error> {
    Ok(batch.column_by_name("source_hour").ok_or(Error::MissingColumn("source_hour"))?.as_string())
}

/// The files in the order of their hours; those that overlap are together.
fn groups<R>(mut pieces: Vec<Piece<R>>) -> Vec<Vec<Piece<R>>> {
    pieces.sort_by_key(|piece| *piece.hours.start());
    let mut groups: Vec<Vec<Piece<R>>> = Vec::new();
    let mut end = None;
    for piece in pieces {
        let (first, last) = (*piece.hours.start(), *piece.hours.end());
        match groups.last_mut() {
            Some(group) if Some(first) <= end => group.push(piece),
            _ => groups.push(vec![piece]),
        }
        end = end.max(Some(last));
    }
    groups
}

/// The rows of a file that are of these hours. The file is opened when the first are asked for.
fn rows<T, R>(reader: R, keys: Arc<BTreeSet<String>>) -> Run<'static>
where
    T: Table<Row<'static>: Send>,
    R: AsyncFileReader + Clone + Unpin + Send + 'static,
{
    let opened = OpenFile::<R, T>::open(reader, PageIndexPolicy::Skip).map(|file| file?.batches());
    wanted::<T>(opened.try_flatten_stream().boxed(), keys)
}

/// Those of the rows that are of these hours.
fn wanted<T: Table>(
    batches: BoxStream<'static, Result<RecordBatch, Error>>,
    keys: Arc<BTreeSet<String>>,
) -> Run<'static> {
    let batches = block_on_stream(batches);
    Box::new(batches.map(move |batch| of_hours(&whole::<T>(&batch?)?, &keys)).filter(|batch| !is_empty(batch)))
}

fn is_empty(batch: &Result<RecordBatch, Error>) -> bool {
    batch.as_ref().is_ok_and(|batch| batch.num_rows() == 0)
}

/// The batch with all columns of the table, in its order. Those that the file does not have are null.
fn whole<T: Table>(batch: &RecordBatch) -> Result<RecordBatch, Error> {
    let schema = T::schema();
    let columns = T::FIELDS.iter().map(|field| match batch.column_by_name(field.name) {
        Some(column) if !field.nullable && column.null_count() > 0 => Err(field.refuse("null")),
        Some(column) => Ok(Arc::clone(column)),
        None => Ok(new_null_array(&field.cell.data_type(), batch.num_rows())),
    });
    Ok(RecordBatch::try_new(schema, columns.collect::<Result<_, _>>()?)?)
}

/// Those rows of a batch that are of these hours.
fn of_hours(batch: &RecordBatch, keys: &BTreeSet<String>) -> Result<RecordBatch, Error> {
    let hours = source_hours(batch)?;
    // Nearly every row has the hour of the row before.
    let mut last: Option<(&str, bool)> = None;
    let wanted: BooleanArray = hours
        .iter()
        .map(|hour| {
            let hour = hour?;
            let is_wanted = last.filter(|(known, _)| *known == hour).map_or_else(|| keys.contains(hour), |(_, is)| is);
            last = Some((hour, is_wanted));
            Some(is_wanted)
        })
        .collect();
    if wanted.true_count() == batch.num_rows() {
        return Ok(batch.clone());
    }
    Ok(filter_record_batch(batch, &wanted)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hours: &[(i64, i64)], expected: &[&[i64]]) {
        let hour = |number| Hour::from_number(500_000).plus(number);
        let pieces = hours.iter().map(|(first, last)| Piece { reader: *first, hours: hour(*first)..=hour(*last) });
        let grouped: Vec<Vec<i64>> =
            groups(pieces.collect()).iter().map(|group| group.iter().map(|piece| piece.reader).collect()).collect();
        assert_eq!(grouped, expected, "{hours:?}");
    }

    #[test]
    fn only_files_that_overlap_are_open_together() {
        check(&[], &[]);
        check(&[(2, 2), (0, 0), (1, 1)], &[&[0], &[1], &[2]]);
        check(&[(9, 9), (0, 23), (24, 24)], &[&[0, 9], &[24]]);
        check(&[(0, 10), (5, 6), (8, 12), (12, 13), (14, 15)], &[&[0, 5, 8, 12], &[14]]);
    }
}
