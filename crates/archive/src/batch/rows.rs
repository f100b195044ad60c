//! Batches to rows.

use arrow::array::{Array, ArrayAccessor, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, Schema, TimestampMicrosecondType};
use chat::{Hour, Timestamp};

use crate::error::Error;
use crate::table::{Cell, Field, Table};

/// The columns of a table as a file has them: found by name, their types checked. Columns that the file does not have
/// are null, if they may be; columns that the table does not have are not read.
pub(crate) struct Columns<T: Table> {
    present: Vec<&'static Field<T>>,
}

impl<T: Table> Columns<T> {
    /// The columns of a file with this schema.
    pub(crate) fn of(schema: &Schema) -> Result<Self, Error> {
        let mut present = Vec::with_capacity(T::FIELDS.len());
        for field in T::FIELDS {
            match schema.column_with_name(field.name) {
                Some((_, found)) if *found.data_type() == field.cell.data_type() => present.push(field),
                Some((_, found)) => {
                    return Err(Error::ColumnType {
                        column: field.name,
                        expected: field.cell.data_type().to_string(),
                        found: found.data_type().to_string(),
                    });
                }
                None if field.nullable => {}
                None => return Err(Error::MissingColumn(field.name)),
            }
        }
        Ok(Self { present })
    }

    /// Leaves the other columns out.
    pub(crate) fn retain(&mut self, names: &[&str]) {
        self.present.retain(|field| names.contains(&field.name));
    }

    /// The names of the columns to read.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.present.iter().map(|field| field.name)
    }

    /// The rows of a batch that was read with these columns.
    pub(crate) fn rows<'a>(&self, batch: &'a RecordBatch) -> Result<Vec<T::Row<'a>>, Error> {
        let mut rows: Vec<_> = (0..batch.num_rows()).map(|_| T::blank()).collect();
        for field in &self.present {
            let array = batch.column_by_name(field.name).ok_or(Error::MissingColumn(field.name))?;
            if !field.nullable && array.null_count() > 0 {
                return Err(field.refuse("null"));
            }
            put(field, array, &mut rows)?;
        }
        Ok(rows)
    }
}

fn put<'a, T: Table>(field: &Field<T>, array: &'a dyn Array, rows: &mut [T::Row<'a>]) -> Result<(), Error> {
    match &field.cell {
        Cell::Bytes { set, .. } => each(array.as_binary::<i32>(), rows, |row, bytes| {
            set(row, bytes);
            Ok(())
        }),
        Cell::Count { set, .. } => each(array.as_primitive::<Int64Type>(), rows, |row, count| {
            set(row, u64::try_from(count).map_err(|_| field.refuse(count))?);
            Ok(())
        }),
        Cell::Hour { set, .. } => {
            let mut hours = Hours::default();
            each(array.as_string::<i32>(), rows, |row, key| {
                set(row, hours.read(key).ok_or_else(|| field.refuse(key))?);
                Ok(())
            })
        }
        Cell::Long { set, .. } => each(array.as_primitive::<Int64Type>(), rows, |row, number| {
            set(row, number);
            Ok(())
        }),
        Cell::Real { set, .. } => each(array.as_primitive::<Float64Type>(), rows, |row, number| {
            set(row, number);
            Ok(())
        }),
        Cell::Small { set, .. } => each(array.as_primitive::<Int32Type>(), rows, |row, number| {
            let known = u32::try_from(number).is_ok_and(|number| set(row, number));
            if known { Ok(()) } else { Err(field.refuse(number)) }
        }),
        Cell::Text { set, .. } => {
            each(
                array.as_string::<i32>(),
                rows,
                |row, text| {
                    if set(row, text) { Ok(()) } else { Err(field.refuse(text)) }
                },
            )
        }
        Cell::Time { set, .. } => each(array.as_primitive::<TimestampMicrosecondType>(), rows, |row, micros| {
            set(row, Timestamp::from_timestamp_micros(micros).ok_or_else(|| field.refuse(micros))?);
            Ok(())
        }),
    }
}

/// Calls `set` with each row and its cell, unless it is null.
fn each<A: ArrayAccessor, R>(
    array: A,
    rows: &mut [R],
    mut set: impl FnMut(&mut R, A::Item) -> Result<(), Error>,
) -> Result<(), Error> {
    for (index, row) in rows.iter_mut().enumerate().filter(|(index, _)| array.is_valid(*index)) {
        set(row, array.value(index))?;
    }
    Ok(())
}

/// Reads hours; most rows have the hour of the row before.
#[derive(Default)]
struct Hours {
    last: Option<(String, Hour)>,
}

impl Hours {
    fn read(&mut self, key: &str) -> Option<Hour> {
        match &self.last {
            Some((known, hour)) if known == key => Some(*hour),
            _ => {
                let hour = Hour::from_key(key).ok()?;
                self.last = Some((key.to_owned(), hour));
                Some(hour)
            }
        }
    }
}
