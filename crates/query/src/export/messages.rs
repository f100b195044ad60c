//! Messages as they stand in the files of an export.

use std::io::Write as _;

use archive::{Extract, Promotion};
use chat::{Message, Sink as _};

use super::error::ExportError;
use super::parts::{Form, Hashed, PartError};
use super::{Format, Secrets};

/// Which columns of messages, in which form.
pub(super) struct Messages<'a> {
    pub(super) format: Format,
    pub(super) columns: Vec<&'a str>,
    pub(super) promotions: &'a [Promotion],
    pub(super) secrets: Secrets,
}

pub(super) enum File {
    Lines(Hashed),
    Table(Box<Extract<Hashed>>),
}

impl Form for Messages<'_> {
    type Rows = [Message<'static>];
    type File = File;

    fn begin(&self, out: Hashed) -> Result<File, PartError> {
        let form = match self.format {
            Format::Arrow => archive::Form::Arrow,
            Format::Csv => archive::Form::Csv,
            Format::Ndjson => return Ok(File::Lines(out)),
            Format::Parquet => archive::Form::Parquet,
        };
        Ok(File::Table(Box::new(Extract::promoting(out, form, &self.columns, self.promotions)?)))
    }

    fn write(&self, file: &mut File, rows: &[Message<'static>]) -> Result<u64, PartError> {
        match file {
            File::Table(table) => table.write(rows)?,
            File::Lines(out) => {
                let mut write = |row| Ok::<_, PartError>(out.write_all(line(row, self.secrets)?.as_bytes())?);
                rows.iter().try_for_each(&mut write)?;
            }
        }
        Ok(rows.len() as u64)
    }

    fn end(&self, file: File) -> Result<Hashed, PartError> {
        match file {
            File::Lines(out) => Ok(out),
            File::Table(table) => Ok(table.finish()?),
        }
    }
}

/// The record of a row with its line end.
fn line(row: &Message<'_>, secrets: Secrets) -> Result<String, ExportError> {
    let rebuilt = decode::rebuild(row).and_then(|record| match secrets {
        Secrets::Kept => Ok(record),
        Secrets::LeftOut => decode::record_without_secrets(&record).map(std::borrow::Cow::into_owned),
    });
    let failed = |source| ExportError::Rebuild { hour: row.position.source_hour, line: row.position.line, source };
    let mut line = rebuilt.map_err(failed)?;
    // A record that was kept as it was served may stand on several lines; between its tokens any white space is the same.
    if line.contains(['\n', '\r']) {
        line = line.replace(['\n', '\r'], " ");
    }
    line.push('\n');
    Ok(line)
}
