//! What a table is: its fields, each with the way from a row to a cell and back.

use std::array::from_fn;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef, TimeUnit};
use chat::{Hour, Timestamp, show_time};

use crate::error::Error;

/// The number of the format, the value of `annals.format` in every file's metadata and in the properties of the tables.
///
/// It goes up when a program of before would read the rows wrongly, and such a program refuses them. This one reads every
/// number up to its own: columns come at the end, may be null, and are null in the files that do not have them.
///
/// | number | since then |
/// | --- | --- |
/// | 1 | |
/// | 2 | rows that are no longer served (`retained_at`), and how many (`retained`, `added`) |
/// | 3 | the message that an event speaks of (`about`); rows of before have null there |
/// | 4 | columns of the archive's own (promoted); programs of before would leave them out when they write a file anew |
pub const FORMAT: u32 = 4;

/// A column of a table, as it is documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type in the words of SQL: `string`, `int`, `bigint`, `double`, `timestamp`, `binary`.
    pub type_word: &'static str,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it holds.
    pub doc: &'static str,
    /// The [`FORMAT`] that it came with.
    pub since: u32,
    /// Whether [`crate::Statistics`] has its bounds.
    pub has_bounds: bool,
}

/// A table: a type of rows, and the fields that write them down.
pub(crate) trait Table: Sized + 'static {
    /// A row; one that is read borrows from what was read, or owns all it has.
    type Row<'a>;
    /// The fields, in the order of the files. New ones go to the end.
    const FIELDS: &'static [Field<Self>];
    /// Leading fields by which files are sorted, ascending, nulls last.
    const SORTED_BY: &'static [&'static str];

    /// The fields that came after the first format, each with the [`FORMAT`] that it came with.
    const LATER: &'static [(&'static str, u32)];

    /// A row before any cell was put into it.
    fn blank<'a>() -> Self::Row<'a>;

    /// The row with its own copy of everything.
    fn owned(row: Self::Row<'_>) -> Self::Row<'static>;

    /// The documented columns.
    fn columns() -> Vec<Column> {
        Self::FIELDS.iter().map(Field::column).collect()
    }

    /// The schema of the table's files.
    fn schema() -> SchemaRef {
        Arc::new(Schema::new(Self::FIELDS.iter().map(Field::to_arrow).collect::<Vec<_>>()))
    }
}

/// A column of a table with all that reading and writing it takes.
pub(crate) struct Field<T: Table> {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) nullable: bool,
    pub(crate) packing: Packing,
    pub(crate) bounds: Bounds,
    pub(crate) cell: Cell<T>,
}

/// How a column is encoded before it is compressed, by what its values are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Few values, often repeated: a dictionary.
    Repeated,
    /// Numbers near each other: DELTA_BINARY_PACKED.
    Near,
    /// Texts that begin alike: DELTA_BYTE_ARRAY.
    AlikeAtFirst,
    /// Texts without likeness: DELTA_LENGTH_BYTE_ARRAY.
    Unlike,
    /// Nothing that an encoding would find and zstd would not: PLAIN.
    Plain,
}

/// For what pieces of a file the least and greatest value of a column are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bounds {
    /// The row groups alone, which costs nothing.
    Groups,
    /// The log of the table too, so that whole files are skipped.
    Files,
    /// Pages too, so that single rows are found.
    Pages,
}

/// The type of a cell, how it is read off a row, and how it is put back. A `set` that gives `false` does not know the
/// value.
pub(crate) enum Cell<T: Table> {
    /// Bytes, `BINARY`.
    Bytes { get: for<'m, 'a> fn(&'m T::Row<'a>) -> &'m [u8], set: for<'a> fn(&mut T::Row<'a>, &'a [u8]) },
    /// What is counted: `BIGINT`, never negative.
    Count { get: for<'m, 'a> fn(&'m T::Row<'a>) -> u64, set: for<'a> fn(&mut T::Row<'a>, u64) },
    /// An hour: `STRING`, ten digits.
    Hour { get: for<'m, 'a> fn(&'m T::Row<'a>) -> Hour, set: for<'a> fn(&mut T::Row<'a>, Hour) },
    /// A whole number: `BIGINT`.
    Long { get: for<'m, 'a> fn(&'m T::Row<'a>) -> Option<i64>, set: for<'a> fn(&mut T::Row<'a>, i64) },
    /// A measured number: `DOUBLE`.
    Real { get: for<'m, 'a> fn(&'m T::Row<'a>) -> Option<f64>, set: for<'a> fn(&mut T::Row<'a>, f64) },
    /// A small whole number: `INT`, never negative.
    Small { get: for<'m, 'a> fn(&'m T::Row<'a>) -> Option<u32>, set: for<'a> fn(&mut T::Row<'a>, u32) -> bool },
    /// A text: `STRING`. It is read off a stride of rows at a time, because most columns are texts.
    Text { get: for<'m, 'a> fn(&[&'m T::Row<'a>]) -> Strided<'m>, set: for<'a> fn(&mut T::Row<'a>, &'a str) -> bool },
    /// An instant: `TIMESTAMP` in UTC, to the microsecond.
    Time { get: for<'m, 'a> fn(&'m T::Row<'a>) -> Option<Timestamp>, set: for<'a> fn(&mut T::Row<'a>, Timestamp) },
}

/// Rows of which cells are read at a time: they stay in the processor's cache from column to column.
pub(crate) const STRIDE: usize = 16;

/// The texts of a stride of rows in one column.
pub(crate) type Strided<'m> = [Option<Cow<'m, str>>; STRIDE];

/// The texts of the rows, which are at most a stride.
pub(crate) fn strided<'m, R>(rows: &[&'m R], text: impl Fn(&'m R) -> Option<Cow<'m, str>>) -> Strided<'m> {
    from_fn(|row| rows.get(row).and_then(|row| text(row)))
}

impl<T: Table> Field<T> {
    fn column(&self) -> Column {
        let since = T::LATER.iter().find(|(name, _)| *name == self.name).map_or(1, |(_, format)| *format);
        Column {
            name: self.name,
            type_word: self.cell.type_word(),
            nullable: self.nullable,
            doc: self.doc,
            since,
            has_bounds: self.bounds != Bounds::Groups,
        }
    }

    fn to_arrow(&self) -> ArrowField {
        ArrowField::new(self.name, self.cell.data_type(), self.nullable)
    }

    /// The error for a value that this column cannot hold.
    pub(crate) fn refuse(&self, value: impl fmt::Display) -> Error {
        Error::Value { column: self.name, value: value.to_string().chars().take(40).collect() }
    }
}

impl<T: Table> Cell<T> {
    pub(crate) fn data_type(&self) -> DataType {
        match self {
            Self::Bytes { .. } => DataType::Binary,
            Self::Count { .. } | Self::Long { .. } => DataType::Int64,
            Self::Hour { .. } | Self::Text { .. } => DataType::Utf8,
            Self::Real { .. } => DataType::Float64,
            Self::Small { .. } => DataType::Int32,
            Self::Time { .. } => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// The value of a row as text, which differs where the cells of a file do; `None` where the cell is null.
    pub(crate) fn text<'m>(&self, row: &'m T::Row<'_>) -> Option<Cow<'m, str>> {
        match self {
            Self::Bytes { get, .. } => Some(get(row).escape_ascii().to_string().into()),
            Self::Count { get, .. } => Some(get(row).to_string().into()),
            Self::Hour { get, .. } => Some(get(row).key().into()),
            Self::Long { get, .. } => get(row).map(|number| number.to_string().into()),
            Self::Real { get, .. } => get(row).map(|number| format!("{number:?}").into()),
            Self::Small { get, .. } => get(row).map(|number| number.to_string().into()),
            Self::Text { get, .. } => get(&[row])[0].take(),
            Self::Time { get, .. } => get(row).map(|time| show_time(time).into()),
        }
    }

    fn type_word(&self) -> &'static str {
        match self {
            Self::Bytes { .. } => "binary",
            Self::Count { .. } | Self::Long { .. } => "bigint",
            Self::Hour { .. } | Self::Text { .. } => "string",
            Self::Real { .. } => "double",
            Self::Small { .. } => "int",
            Self::Time { .. } => "timestamp",
        }
    }
}
