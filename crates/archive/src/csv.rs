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

/// A file that begins with a header.
pub(crate) struct Csv<W> {
    out: W,
}

impl<W: Write> Csv<W> {
    pub(crate) fn new(mut out: W, schema: &Schema) -> Result<Self, Error> {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        out.write_all((names.join(",") + LINE_END).as_bytes()).map_err(output)?;
        Ok(Self { out })
    }

    /// Adds what [`append_lines`] gave.
    pub(crate) fn write(&mut self, lines: &[u8]) -> Result<(), Error> {
        self.out.write_all(lines).map_err(output)
    }

    pub(crate) fn finish(mut self) -> Result<W, Error> {
        self.out.flush().map_err(output)?;
        Ok(self.out)
    }
}

/// Appends a line for each row.
pub(crate) fn append_lines(lines: &mut Vec<u8>, batch: &RecordBatch) -> Result<(), Error> {
    let cells: Vec<_> = batch.columns().iter().map(|column| cell(column)).collect::<Result<_, _>>()?;
    lines.reserve(batch.num_rows() * LINE_BYTES);
    for row in 0..batch.num_rows() {
        let mut comma = "";
        for (column, write) in batch.columns().iter().zip(&cells) {
            lines.extend_from_slice(comma.as_bytes());
            comma = ",";
            if column.is_valid(row) {
                write(lines, row).map_err(output)?;
            }
        }
        lines.extend_from_slice(LINE_END.as_bytes());
    }
    Ok(())
}

const LINE_END: &str = "\r\n";

/// Bytes of an ordinary line of messages; space for a batch of these is taken at once.
const LINE_BYTES: usize = 384;

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
    // Without a way out in the middle, so that many bytes are compared in one step.
    let is_special = |byte: &u8| matches!(byte, b'"' | b',' | b'\r' | b'\n');
    if !text.is_empty() && !text.as_bytes().iter().fold(false, |found, byte| found | is_special(byte)) {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    out.push(b'"');
    for (index, piece) in text.split('"').enumerate() {
        out.extend_from_slice(if index > 0 { b"\"\"" } else { b"" });
        out.extend_from_slice(piece.as_bytes());
    }
    out.push(b'"');
    Ok(())
}

fn output(error: io::Error) -> Error {
    ArrowError::IoError("could not write CSV".to_owned(), error).into()
}
