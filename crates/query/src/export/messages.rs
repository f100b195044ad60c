//! Messages as they stand in the files of an export.
//!
//! They are put into that form apart from being written, several batches at once.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::Arc;

use archive::{Batch, Extract, Extracted, Extractor};
use chat::{Message, Sink as _};
use decode::Rebuilder;
use tokio::task::JoinHandle;

use super::error::ExportError;
use super::firsts::Firsts;
use super::parts::{Form, Hashed, PartError};
use super::{Export, Format};

/// Bytes of an ordinary record; space for a batch of these is taken at once.
const LINE_BYTES: usize = 512;

/// What an export makes of messages.
pub(super) struct Messages {
    export: Export,
    /// `None` for all rows.
    firsts: Option<Firsts>,
    /// `None` for records.
    extractor: Option<Arc<Extractor>>,
}

/// Rows in the form of a file.
pub(super) enum Formed {
    Lines { lines: String, rows: u64 },
    Table(Extracted),
}

pub(super) enum File {
    Lines(Box<Hashed>),
    Table(Box<Extract<Hashed>>),
}

impl Messages {
    pub(super) fn new(export: &Export, firsts: Option<Firsts>) -> Result<Self, ExportError> {
        let form = match export.format {
            Format::Arrow => Some(archive::Form::Arrow),
            Format::Csv => Some(archive::Form::Csv),
            Format::Ndjson => None,
            Format::Parquet => Some(archive::Form::Parquet),
        };
        let columns = export.chosen_columns();
        let extractor = form.map(|form| Extractor::new(form, &columns, &export.promotions)).transpose();
        let extractor = extractor.map_err(unwritable)?.map(Arc::new);
        Ok(Self { export: export.clone(), firsts, extractor })
    }

    /// Those rows of a batch of a file that are asked for, as they are asked for.
    fn form(&self, batch: &Batch, file: &str) -> Result<Formed, ExportError> {
        match &self.extractor {
            Some(extractor) => {
                let mut rows = extractor.begin();
                self.each_piece(batch, file, |messages| rows.append(messages).map_err(unwritable))?;
                Ok(Formed::Table(rows.finish().map_err(unwritable)?))
            }
            None => {
                let lines = String::with_capacity(batch.rows() * LINE_BYTES);
                let (mut rebuilder, mut lines, mut rows) = (Rebuilder::default(), lines, 0);
                self.each_piece(batch, file, |messages| {
                    rows += messages.len() as u64;
                    messages.iter().try_for_each(|message| append_line(message, &mut rebuilder, &mut lines))
                })?;
                Ok(Formed::Lines { lines, rows })
            }
        }
    }

    fn each_piece(
        &self,
        batch: &Batch,
        file: &str,
        mut take: impl FnMut(&[Message<'_>]) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        for messages in batch.messages() {
            let mut messages = messages.map_err(|source| ExportError::Rows { file: file.to_owned(), source })?;
            let is_first = |message: &Message<'_>| self.firsts.as_ref().is_none_or(|firsts| firsts.is_first(message));
            // In place: a message is large.
            messages.retain(|message| self.export.choice().has(message) && is_first(message));
            messages.iter_mut().try_for_each(|message| self.export.hide(message))?;
            take(&messages)?;
        }
        Ok(())
    }
}

impl Formed {
    pub(super) fn rows(&self) -> u64 {
        match self {
            Self::Lines { rows, .. } => *rows,
            Self::Table(extracted) => extracted.rows(),
        }
    }
}

impl Form for Arc<Messages> {
    type Rows = Formed;
    type File = File;

    fn begin(&self, out: Hashed) -> Result<File, PartError> {
        Ok(match &self.extractor {
            Some(extractor) => File::Table(Box::new(Extract::of(Arc::clone(extractor), out)?)),
            None => File::Lines(Box::new(out)),
        })
    }

    fn write(&self, file: &mut File, rows: &Formed) -> Result<u64, PartError> {
        match (file, rows) {
            (File::Table(table), Formed::Table(extracted)) => table.add(extracted)?,
            (File::Lines(out), Formed::Lines { lines, .. }) => out.write_all(lines.as_bytes())?,
            _ => unreachable!("the rows were formed for files of this form"),
        }
        Ok(rows.rows())
    }

    fn end(&self, file: File) -> Result<Hashed, PartError> {
        match file {
            File::Lines(out) => Ok(*out),
            File::Table(table) => Ok(table.finish()?),
        }
    }
}

/// Batches that are put into their form, one on each core; they come back in their order.
pub(super) struct Forming {
    messages: Arc<Messages>,
    at_work: VecDeque<JoinHandle<Result<Formed, ExportError>>>,
    cores: usize,
}

impl Forming {
    pub(super) fn new(messages: &Arc<Messages>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { messages: Arc::clone(messages), at_work: VecDeque::new(), cores }
    }

    /// Begins with a batch of a file.
    pub(super) fn begin(&mut self, batch: Batch, file: &str) {
        let (messages, file) = (Arc::clone(&self.messages), file.to_owned());
        self.at_work.push_back(tokio::task::spawn_blocking(move || messages.form(&batch, &file)));
    }

    /// Whether every core has one, and the oldest should be waited for before another is begun.
    pub(super) fn is_full(&self) -> bool {
        self.at_work.len() > self.cores
    }

    /// The oldest batch in its form; `None` when there is none.
    pub(super) async fn next(&mut self) -> Result<Option<Formed>, ExportError> {
        let Some(oldest) = self.at_work.pop_front() else { return Ok(None) };
        oldest.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())).map(Some)
    }
}

/// Appends the record of a row with its line end.
fn append_line(row: &Message<'_>, rebuilder: &mut Rebuilder, lines: &mut String) -> Result<(), ExportError> {
    let start = lines.len();
    let failed = |source| ExportError::Rebuild { hour: row.position.source_hour, line: row.position.line, source };
    rebuilder.append(row, lines).map_err(failed)?;
    // A record that was kept as it was served may stand on several lines; between its tokens any white space is the same.
    // Without a way out in the middle, many bytes are compared in one step.
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    if lines.as_bytes()[start..].iter().fold(false, |found, byte| found | is_end(byte)) {
        let line = lines.split_off(start);
        lines.push_str(&line.replace(['\n', '\r'], " "));
    }
    lines.push('\n');
    Ok(())
}

fn unwritable(source: archive::Error) -> ExportError {
    ExportError::Write { name: "the rows".to_owned(), source }
}

#[cfg(test)]
mod tests {
    use archive::{Sent, Settings, Writer, read_sent};
    use chat::{Hour, Position};
    use futures::TryStreamExt as _;

    use super::super::Secrets;
    use super::super::tests::records_of_all;
    use super::*;

    #[tokio::test]
    async fn batches_come_back_in_their_order() {
        let hour = Hour::from_number(500_000);
        let message = |line: u64| Message {
            msg_id: Some(line.to_string().into()),
            ..Message::at(Position { source_hour: hour, part: 0, line })
        };
        let ids = || (100_000..160_000).map(message);
        let mut writer = Writer::new(Vec::new(), tempfile::tempfile, Settings::default()).unwrap();
        writer.write(&ids().collect::<Vec<_>>()).unwrap();
        let reader = std::io::Cursor::new(writer.finish().unwrap().out);
        let batches = read_sent(reader, None, hour, Sent::default()).await.unwrap();
        let batches: Vec<Batch> = batches.try_collect().await.unwrap();
        let messages = Arc::new(Messages::new(&records_of_all(Secrets::Kept), None).unwrap());
        let mut forming = Forming { cores: 3, ..Forming::new(&messages) };
        let mut records = String::new();
        let mut take = |formed| match formed {
            Formed::Lines { lines, .. } => records.push_str(&lines),
            Formed::Table(_) => panic!("records are lines"),
        };
        let mut were_full = 0;
        for batch in batches {
            forming.begin(batch, "file");
            if forming.is_full() {
                were_full += 1;
                take(forming.next().await.unwrap().unwrap());
            }
        }
        while let Some(formed) = forming.next().await.unwrap() {
            take(formed);
        }
        assert!(were_full > 1, "they were on their way together");
        let expected: Vec<String> = ids().map(|message| decode::rebuild(&message).unwrap()).collect();
        assert!(records.lines().eq(expected), "in their order");
    }
}
