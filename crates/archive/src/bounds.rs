//! What a file says of the rows of a group or a page without their being read.

use std::ops::Range;

use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;

/// A value of a column, or one that none of its values passes. Texts are compared by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bound {
    /// A whole number, or the microseconds of a time.
    Int(i64),
    /// A text, perhaps cut.
    Bytes(Vec<u8>),
}

/// Rows of a row group next to each other, and what is known of one column there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stretch {
    /// Counted from the first of the row group.
    pub(crate) rows: Range<usize>,
    /// How many are null, if that is known; `nulls <= rows.len()`.
    pub(crate) nulls: Option<u64>,
    /// No value is less, if that is known.
    pub(crate) min: Option<Bound>,
    /// No value is greater, if that is known.
    pub(crate) max: Option<Bound>,
}

impl Stretch {
    /// The pages of a column in a row group; the whole group if the file has no page index.
    pub(crate) fn of_pages(metadata: &ParquetMetaData, group: usize, name: &str) -> Vec<Self> {
        let row_group = metadata.row_group(group);
        let whole = || Self::of_group(row_group, name).unwrap_or_else(|| Self::unknown(0..rows(row_group)));
        pages(metadata, group, name).unwrap_or_else(|| vec![whole()])
    }

    /// A column in a whole row group.
    pub(crate) fn of_group(group: &RowGroupMetaData, name: &str) -> Option<Self> {
        let statistics = group.column(position(group, name)?).statistics()?;
        let (min, max) = match statistics {
            Statistics::ByteArray(texts) => (texts.min_opt().map(Bound::text), texts.max_opt().map(Bound::text)),
            Statistics::Int32(numbers) => (numbers.min_opt().map(Bound::int), numbers.max_opt().map(Bound::int)),
            Statistics::Int64(numbers) => (numbers.min_opt().map(Bound::int), numbers.max_opt().map(Bound::int)),
            _ => return None,
        };
        Some(Self { rows: 0..rows(group), nulls: statistics.null_count_opt(), min, max })
    }

    /// Whether a row may have this value; `None` is null.
    pub(crate) fn may_hold(&self, value: Option<&Bound>) -> bool {
        match value {
            None => self.nulls != Some(0),
            Some(value) => {
                !self.is_null()
                    && self.min.as_ref().is_none_or(|min| min <= value)
                    && self.max.as_ref().is_none_or(|max| value <= max)
            }
        }
    }

    /// Whether a row may have a number from one to another.
    pub(crate) fn may_be_within(&self, least: i64, greatest: i64) -> bool {
        !self.is_null()
            && self.min.as_ref().is_none_or(|min| *min <= Bound::Int(greatest))
            && self.max.as_ref().is_none_or(|max| *max >= Bound::Int(least))
    }

    /// Whether all rows are known to be null.
    pub(crate) fn is_null(&self) -> bool {
        self.nulls.is_some_and(|nulls| usize::try_from(nulls) == Ok(self.rows.len()))
    }

    fn unknown(rows: Range<usize>) -> Self {
        Self { rows, nulls: None, min: None, max: None }
    }
}

impl Bound {
    fn text(text: impl AsRef<[u8]>) -> Self {
        Self::Bytes(text.as_ref().to_vec())
    }

    fn int<N: Copy + Into<i64>>(number: &N) -> Self {
        Self::Int((*number).into())
    }
}

fn pages(metadata: &ParquetMetaData, group: usize, name: &str) -> Option<Vec<Stretch>> {
    let row_group = metadata.row_group(group);
    let column = position(row_group, name)?;
    let offsets = metadata.offset_index()?.get(group)?.get(column)?.page_locations();
    let index = metadata.column_index()?.get(group)?.get(column)?;
    let starts = offsets.iter().map(|page| usize::try_from(page.first_row_index).unwrap_or(0));
    let ends = starts.clone().skip(1).chain([rows(row_group)]);
    let of_pages = starts.zip(ends).enumerate().map(|(page, (start, end))| page_of(index, page, start..end));
    (knows_pages(index) == Some(offsets.len())).then(|| of_pages.collect())
}

/// How many pages the index has bounds of; `None` when it has none of a kind that we look at.
fn knows_pages(index: &ColumnIndexMetaData) -> Option<usize> {
    match index {
        ColumnIndexMetaData::BYTE_ARRAY(pages) => usize::try_from(pages.num_pages()).ok(),
        ColumnIndexMetaData::INT64(pages) => usize::try_from(pages.num_pages()).ok(),
        _ => None,
    }
}

fn page_of(index: &ColumnIndexMetaData, page: usize, rows: Range<usize>) -> Stretch {
    let nulls = index.null_count(page).and_then(|nulls| u64::try_from(nulls).ok());
    match index {
        ColumnIndexMetaData::BYTE_ARRAY(pages) => {
            let (min, max) = (pages.min_value(page).map(Bound::text), pages.max_value(page).map(Bound::text));
            Stretch { rows, nulls, min, max }
        }
        ColumnIndexMetaData::INT64(pages) => {
            let (min, max) = (pages.min_value(page).map(Bound::int), pages.max_value(page).map(Bound::int));
            Stretch { rows, nulls, min, max }
        }
        _ => Stretch::unknown(rows),
    }
}

fn position(group: &RowGroupMetaData, name: &str) -> Option<usize> {
    group.columns().iter().position(|column| column.column_path().parts() == [name])
}

fn rows(group: &RowGroupMetaData) -> usize {
    usize::try_from(group.num_rows()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(nulls: Option<u64>, min: Option<i64>, max: Option<i64>) -> Stretch {
        Stretch { rows: 0..10, nulls, min: min.map(Bound::Int), max: max.map(Bound::Int) }
    }

    #[test]
    fn what_is_not_known_is_not_ruled_out() {
        let seven = Bound::Int(7);
        for (stretch, holds_seven, holds_null) in [
            (stretch(Some(0), Some(7), Some(7)), true, false),
            (stretch(Some(1), Some(3), Some(9)), true, true),
            (stretch(Some(1), Some(8), Some(9)), false, true),
            (stretch(Some(1), Some(3), Some(6)), false, true),
            (stretch(Some(10), None, None), false, true),
            (stretch(None, None, None), true, true),
            (stretch(Some(0), None, Some(6)), false, false),
        ] {
            assert_eq!(stretch.may_hold(Some(&seven)), holds_seven, "{stretch:?}");
            assert_eq!(stretch.may_hold(None), holds_null, "{stretch:?}");
        }
    }
}
