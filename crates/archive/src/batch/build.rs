//! Rows to batches.

use std::array::from_fn;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder as _, ArrayRef, BinaryBuilder, Float64Builder, Int32Builder, Int64Builder, PrimitiveBuilder,
    RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{ArrowPrimitiveType, SchemaRef};
use chat::Hour;

use crate::error::Error;
use crate::table::{Cell, Field, Table};

/// Collects rows into one batch.
pub(crate) struct Builder<T: Table> {
    schema: SchemaRef,
    columns: Vec<(&'static Field<T>, Cells)>,
    rows: usize,
}

/// Rows between two looks at the size.
const STRIDE: usize = 16;

/// The cells of one column so far.
enum Cells {
    Bytes(BinaryBuilder),
    /// The last hour and its text: nearly every row has the same, and formatting it costs more than all other columns.
    Hour(StringBuilder, Option<(Hour, String)>),
    Long(Int64Builder),
    Real(Float64Builder),
    Small(Int32Builder),
    Text(StringBuilder),
    Time(TimestampMicrosecondBuilder),
}

impl<T: Table> Builder<T> {
    /// Texts and bytes of a row may be this long. `STRIDE * LONGEST + CHUNK_BYTES < 2 GiB`, what an Arrow string array
    /// holds; a line of the service has at most 16 MiB.
    const LONGEST: usize = 64 << 20;
    /// Rows of a full chunk.
    const CHUNK_ROWS: usize = 8_192;
    /// Bytes of a full chunk.
    const CHUNK_BYTES: usize = 8 << 20;

    pub(crate) fn new(schema: SchemaRef) -> Self {
        let columns = T::FIELDS.iter().map(|field| (field, Cells::of(field))).collect();
        Self { schema, columns, rows: 0 }
    }

    /// Adds rows, and hands each chunk that is full to `take`.
    pub(crate) fn append(
        &mut self,
        rows: &[&T::Row<'_>],
        mut take: impl FnMut(RecordBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for stride in rows.chunks(STRIDE) {
            for (field, cells) in &mut self.columns {
                cells.append(field, stride, Self::LONGEST)?;
            }
            self.rows += stride.len();
            if self.rows >= Self::CHUNK_ROWS || self.bytes() >= Self::CHUNK_BYTES {
                take(self.finish()?)?;
            }
        }
        Ok(())
    }

    /// The rows since the last full chunk, perhaps none.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch, Error> {
        self.rows = 0;
        let arrays = self.columns.iter_mut().map(|(_, cells)| cells.finish()).collect();
        Ok(RecordBatch::try_new(SchemaRef::clone(&self.schema), arrays)?)
    }

    fn bytes(&self) -> usize {
        self.columns.iter().map(|(_, cells)| cells.bytes()).sum()
    }
}

impl Cells {
    fn of<T: Table>(field: &Field<T>) -> Self {
        match field.cell {
            Cell::Bytes { .. } => Self::Bytes(BinaryBuilder::new()),
            Cell::Count { .. } | Cell::Long { .. } => Self::Long(Int64Builder::new()),
            Cell::Hour { .. } => Self::Hour(StringBuilder::new(), None),
            Cell::Real { .. } => Self::Real(Float64Builder::new()),
            Cell::Small { .. } => Self::Small(Int32Builder::new()),
            Cell::Text { .. } => Self::Text(StringBuilder::new()),
            Cell::Time { .. } => Self::Time(TimestampMicrosecondBuilder::new().with_data_type(field.cell.data_type())),
        }
    }

    fn append<T: Table>(&mut self, field: &Field<T>, rows: &[&T::Row<'_>], longest: usize) -> Result<(), Error> {
        match (self, &field.cell) {
            (Self::Bytes(cells), Cell::Bytes { get, .. }) => {
                for bytes in rows.iter().copied().map(get) {
                    within(field, bytes.len(), longest)?;
                    cells.append_value(bytes);
                }
            }
            (Self::Hour(cells, last), Cell::Hour { get, .. }) => {
                rows.iter().copied().map(get).for_each(|hour| append_hour(cells, last, hour));
            }
            (Self::Long(cells), Cell::Count { get, .. }) => {
                for count in rows.iter().copied().map(get) {
                    cells.append_value(i64::try_from(count).map_err(|_| field.refuse(count))?);
                }
            }
            (Self::Long(cells), Cell::Long { get, .. }) => append_numbers(cells, rows.iter().copied().map(get)),
            (Self::Real(cells), Cell::Real { get, .. }) => append_numbers(cells, rows.iter().copied().map(get)),
            (Self::Small(cells), Cell::Small { get, .. }) => {
                for number in rows.iter().copied().map(get) {
                    let small = number.map(i32::try_from).transpose();
                    cells.append_option(small.map_err(|_| field.refuse(number.unwrap_or_default()))?);
                }
            }
            (Self::Text(cells), Cell::Text { get, .. }) => {
                let texts: [_; STRIDE] = from_fn(|row| rows.get(row).and_then(|row| get(row)));
                if let Some(text) = texts.iter().flatten().max_by_key(|text| text.len()) {
                    within(field, text.len(), longest)?;
                    texts.into_iter().take(rows.len()).for_each(|text| cells.append_option(text));
                } else {
                    cells.append_nulls(rows.len());
                }
            }
            (Self::Time(cells), Cell::Time { get, .. }) => {
                append_numbers(cells, rows.iter().map(|row| get(row).map(|time| time.timestamp_micros())));
            }
            _ => unreachable!("cells are made by `Cells::of` of the same field"),
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Bytes(cells) => cells.values_slice().len(),
            Self::Hour(cells, _) | Self::Text(cells) => cells.values_slice().len(),
            Self::Long(cells) => size_of_val(cells.values_slice()),
            Self::Real(cells) => size_of_val(cells.values_slice()),
            Self::Small(cells) => size_of_val(cells.values_slice()),
            Self::Time(cells) => size_of_val(cells.values_slice()),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bytes(cells) => fitted(cells.finish()),
            Self::Hour(cells, _) | Self::Text(cells) => texts(cells),
            Self::Long(cells) => numbers(cells),
            Self::Real(cells) => numbers(cells),
            Self::Small(cells) => numbers(cells),
            Self::Time(cells) => numbers(cells),
        }
    }
}

fn append_hour(cells: &mut StringBuilder, last: &mut Option<(Hour, String)>, hour: Hour) {
    match last {
        Some((known, key)) if *known == hour => cells.append_value(key),
        _ => {
            let (_, key) = last.insert((hour, hour.key()));
            cells.append_value(key);
        }
    }
}

/// Columns that belong to some types of body alone are nearly always null in all rows of a stride.
fn append_numbers<P: ArrowPrimitiveType>(
    cells: &mut PrimitiveBuilder<P>,
    numbers: impl ExactSizeIterator<Item = Option<P::Native>> + Clone,
) {
    if numbers.clone().all(|number| number.is_none()) {
        cells.append_nulls(numbers.len());
    } else {
        numbers.for_each(|number| cells.append_option(number));
    }
}

/// The next chunk will be about as long: it begins with the space for it, and need not grow into it.
fn texts(cells: &mut StringBuilder) -> ArrayRef {
    let (rows, bytes) = (cells.len(), cells.values_slice().len());
    let array = cells.finish();
    *cells = StringBuilder::with_capacity(rows, bytes + bytes / 16);
    fitted(array)
}

/// As [`texts`].
fn numbers<P: ArrowPrimitiveType>(cells: &mut PrimitiveBuilder<P>) -> ArrayRef {
    let array = cells.finish();
    *cells = PrimitiveBuilder::with_capacity(array.len()).with_data_type(array.data_type().clone());
    fitted(array)
}

/// Builders double their space; what is held until it is sorted must not be half empty.
fn fitted(mut array: impl Array + 'static) -> ArrayRef {
    array.shrink_to_fit();
    Arc::new(array)
}

fn within<T: Table>(field: &Field<T>, length: usize, longest: usize) -> Result<(), Error> {
    if length <= longest { Ok(()) } else { Err(field.refuse(format!("a text of {length} bytes"))) }
}
