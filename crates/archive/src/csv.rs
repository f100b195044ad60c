//! Batches as CSV by RFC 4180.
//!
//! Libraries for CSV write null and an empty text alike; here they differ, as PostgreSQL and DuckDB read them.

use std::io::{self, Write};

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chat::{Timestamp, show_time};

use crate::error::Error;

/// Writes a header and then rows.
pub(crate) struct Csv<W> {
    out: W,
    /// The lines of a batch.
    lines: Vec<u8>,
}

impl<W: Write> Csv<W> {
    pub(crate) fn new(mut out: W, schema: &Schema) -> Result<Self, Error> {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        out.write_all((names.join(",") + LINE_END).as_bytes()).map_err(output)?;
        Ok(Self { out, lines: Vec::new() })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.lines.clear();
        let cells: Vec<_> = batch.columns().iter().map(|column| cell(column)).collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let mut comma = "";
            for (column, write) in batch.columns().iter().zip(&cells) {
                self.lines.extend_from_slice(comma.as_bytes());
                comma = ",";
                if column.is_valid(row) {
                    write(&mut self.lines, row).map_err(output)?;
                }
            }
            self.lines.extend_from_slice(LINE_END.as_bytes());
        }
        self.out.write_all(&self.lines).map_err(output)
    }

    pub(crate) fn finish(mut self) -> Result<W, Error> {
        self.out.flush().map_err(output)?;
        Ok(self.out)
    }
}

const LINE_END: &str = "\r\n";

const FORMAT: FormatOptions<'static> = FormatOptions::new();

/// Writes the cell of a row that is not null.
type Cell<'a> = Box<dyn Fn(&mut Vec<u8>, usize) -> io::Result<()> + 'a>;

fn cell(column: &dyn Array) -> Result<Cell<'_>, Error> {
    Ok(match column.data_type() {
        DataType::Boolean => {
            let column = column.as_boolean();
            Box::new(|out, row| write!(out, "{}", column.value(row)))
        }
        DataType::Float64 => {
            let column = column.as_primitive::<Float64Type>();
            Box::new(|out, row| write!(out, "{}", column.value(row)))
        }
        DataType::Int32 => {
            let column = column.as_primitive::<Int32Type>();
            Box::new(|out, row| write!(out, "{}", column.value(row)))
        }
        DataType::Int64 => {
            let column = column.as_primitive::<Int64Type>();
            Box::new(|out, row| write!(out, "{}", column.value(row)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let column = column.as_primitive::<TimestampMicrosecondType>();
            Box::new(|out, row| write_time(out, column.value(row)))
        }
        DataType::Utf8 => {
            let column = column.as_string::<i32>();
            Box::new(|out, row| write_text(out, column.value(row)))
        }
        DataType::LargeUtf8 => {
            let column = column.as_string::<i64>();
            Box::new(|out, row| write_text(out, column.value(row)))
        }
        // What no table has, and a query may give: days, sums of decimals, lists.
        _ => {
            let texts = ArrayFormatter::try_new(column, &FORMAT)?;
            Box::new(move |out, row| write_text(out, &texts.value(row).try_to_string().map_err(io::Error::other)?))
        }
    })
}

fn write_time(out: &mut Vec<u8>, micros: i64) -> io::Result<()> {
    let time = Timestamp::from_timestamp_micros(micros).map(show_time);
    out.write_all(time.unwrap_or_default().as_bytes())
}

fn write_text(out: &mut Vec<u8>, text: &str) -> io::Result<()> {
    if !text.is_empty() && !text.contains(['"', ',', '\r', '\n']) {
        return out.write_all(text.as_bytes());
    }
    write!(out, "\"{}\"", text.replace('"', "\"\""))
}

fn output(error: io::Error) -> Error {
    ArrowError::IoError("could not write CSV".to_owned(), error).into()
}
