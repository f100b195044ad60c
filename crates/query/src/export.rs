//! Rows of an archive for other programs.
//!
//! An [`Export`] says which rows, in which columns and form. [`to_stream`], [`to_file`] and [`to_folder`] hand them out at
//! once, [`since_last`] what was published since it was asked last. Hours are read one after the other, in order, and little
//! more than two row groups are held. What appears in a folder or as a file, on this machine or in a bucket, is whole, and has a
//! [`Manifest`].
//!
//! A [`Chronicle`] hands the rows themselves out, in the order in which they were sent.
//!
//! No index is asked: a query is held against each row, so that hours which the index does not hold are there too.

#[cfg(feature = "sql")]
mod answers;
mod choice;
mod chronicle;
mod error;
mod firsts;
mod manifest;
mod mask;
mod messages;
mod parts;
mod place;
mod redact;
mod settling;
mod since_last;
mod tables;

use std::borrow::Cow;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use archive::Promotion;
use chat::{Hour, Message, Timestamp, show_time};
use decode::RebuildError;
use index::Query;
use store::Archive;

#[cfg(feature = "sql")]
pub use answers::{AnswerError, AnswerExport};
pub use choice::Choice;
pub use chronicle::{Chronicle, Placed};
pub use error::ExportError;
use firsts::Firsts;
pub use manifest::{ColumnFacts, FileFacts, HourFacts, Manifest, MaskFacts, Options, SinceLast};
pub use mask::{Mask, MaskText, ShortKey};
use messages::{Forming, Messages};
use parts::{NextFile, Out, Parts};
pub use place::Destination;
use place::Place;
pub use since_last::since_last;
use tables::Tables;

/// What is to be exported.
#[derive(Clone)]
pub struct Export {
    /// Only messages sent at or after this instant.
    pub since: Option<Timestamp>,
    /// Only messages sent before this instant.
    pub until: Option<Timestamp>,
    /// Only messages that match, with the text that the query was read from.
    pub query: Option<(String, Query)>,
    /// Each message once, of the earliest hour that has it; else every row.
    pub once: bool,
    /// In which form.
    pub format: Format,
    /// The columns that are named, in their order; none for every column there is, see [`Export::secrets`]. Not for
    /// [`Format::Ndjson`], which has the whole record.
    pub columns: Vec<String>,
    /// The promoted columns of the archive, of which some may be among the columns.
    pub promotions: Vec<Promotion>,
    /// Whether share secrets are handed out.
    pub secrets: Secrets,
    /// How messages are masked.
    pub mask: Option<Mask>,
    /// The program, as it is called in a manifest.
    pub program: String,
    /// The time that is noted in a manifest.
    pub now: Timestamp,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An Arrow IPC file.
    Arrow,
    /// RFC 4180.
    Csv,
    /// The records, rebuilt: a JSON object a line.
    Ndjson,
    /// Parquet.
    Parquet,
}

impl Format {
    /// The word for it, which is the ending of its files too.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Arrow => "arrow",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

/// Whether share secrets are handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// As they are.
    Kept,
    /// Not where they are named so, in the columns and members whose names end in `secret`, nor in the URLs of files.
    LeftOut,
}

/// What was exported, and where it is.
#[derive(Debug)]
pub struct Exported {
    /// What it holds.
    pub manifest: Manifest,
    /// The folder or file, or its address in a bucket; `None` for a stream, and when there was nothing, of which nothing is left behind.
    pub place: Option<PathBuf>,
}

/// Whether somebody asked for an end.
pub type IsStopped<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// The column by which rows that were handed out before are replaced.
const MERGE_KEY: &str = "source_hour";

/// Bytes at which a file of a folder ends: what warehouses like to load at once.
const FILE_BYTES: u64 = 128 << 20;

/// Exports into a stream.
///
/// # Errors
///
/// [`ExportError`]; the stream may have taken some bytes.
pub async fn to_stream(
    archive: &Archive,
    export: &Export,
    out: Box<dyn Write + Send>,
    is_stopped: IsStopped<'_>,
) -> Result<Exported, ExportError> {
    let next = the_stream(out);
    let mut tables = Tables::open(archive).await?;
    let hours: Vec<Hour> = tables.publications().into_keys().collect();
    let written = export.write(&mut tables, &hours, next, u64::MAX, is_stopped).await?;
    Ok(Exported { manifest: export.manifest(archive, written), place: None })
}

/// The one file that is a stream.
fn the_stream(out: Box<dyn Write + Send>) -> NextFile<'static> {
    let mut out = Some(out);
    Box::new(move |_| {
        let out = out.take().unwrap_or_else(|| Box::new(std::io::sink()));
        Ok(("the output".to_owned(), Out::Stream(out)))
    })
}

/// Exports into one file, which replaces one that is there, and a manifest beside it, `FILE.manifest.json`.
///
/// # Errors
///
/// [`ExportError`]; then what was there stands.
pub async fn to_file(
    archive: &Archive,
    export: &Export,
    to: &Destination,
    is_stopped: IsStopped<'_>,
) -> Result<Exported, ExportError> {
    let place = Place::of_file(archive, to)?;
    let next: NextFile<'_> = Box::new(|_| Ok((place.name(), place.create(&place.name())?)));
    let mut tables = Tables::open(archive).await?;
    let hours: Vec<Hour> = tables.publications().into_keys().collect();
    let written = export.write(&mut tables, &hours, next, u64::MAX, is_stopped).await;
    let manifest = match written {
        Ok(written) if written.rows() > 0 => export.manifest(archive, written),
        written => {
            place.leave()?;
            return Ok(Exported { manifest: export.manifest(archive, written?), place: None });
        }
    };
    let place = place.appear_as_file(&manifest)?;
    Ok(Exported { manifest, place: Some(place) })
}

/// Exports into a folder that is not there yet, or empty, with a manifest.
///
/// # Errors
///
/// [`ExportError`]; then the folder is as it was.
pub async fn to_folder(
    archive: &Archive,
    export: &Export,
    to: &Destination,
    is_stopped: IsStopped<'_>,
) -> Result<Exported, ExportError> {
    let mut place = Place::of_folder(archive, to)?;
    let mut tables = Tables::open(archive).await?;
    let hours: Vec<Hour> = tables.publications().into_keys().collect();
    let written = export.write_folder(&mut tables, &hours, &place, is_stopped).await;
    let manifest = match written {
        Ok(written) if written.rows() > 0 => export.manifest(archive, written),
        written => {
            place.leave()?;
            return Ok(Exported { manifest: export.manifest(archive, written?), place: None });
        }
    };
    place.write_manifest(&manifest)?;
    let place = place.appear_as_folder()?;
    Ok(Exported { manifest, place: Some(place) })
}

/// What was written.
struct Written {
    schema: Vec<ColumnFacts>,
    files: Vec<FileFacts>,
    /// Each with its publication and its rows.
    hours: Vec<(Hour, String, u64)>,
}

impl Written {
    fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    fn manifest(self, archive: &Archive, asked: Asked<'_>) -> Manifest {
        let hours = self.hours.iter().map(|(hour, publication, rows)| HourFacts {
            hour: hour.key(),
            publication: publication.clone(),
            rows: *rows,
            replaces: false,
        });
        Manifest {
            version: manifest::VERSION,
            program: asked.program.to_owned(),
            created_at: show_time(asked.now),
            app: archive.app().map(|app| app.to_string()),
            format: asked.format.word().to_owned(),
            options: asked.options,
            since_last: None,
            merge_key: Some(MERGE_KEY.to_owned()),
            rows: self.rows(),
            bytes: self.files.iter().map(|file| file.bytes).sum(),
            hours: hours.collect(),
            schema: self.schema,
            files: self.files,
        }
    }
}

/// Who asked for what, and when.
struct Asked<'a> {
    program: &'a str,
    now: Timestamp,
    format: Format,
    options: Options,
}

impl Export {
    /// Writes the rows of these hours, which are in order, as the files of a folder.
    async fn write_folder(
        &self,
        tables: &mut Tables,
        hours: &[Hour],
        place: &Place,
        is_stopped: IsStopped<'_>,
    ) -> Result<Written, ExportError> {
        let next: NextFile<'_> = Box::new(|number| {
            let name = format!("messages-{number:05}.{}", self.format.word());
            let out = place.create(&name)?;
            Ok((name, out))
        });
        self.write(tables, hours, next, FILE_BYTES, is_stopped).await
    }

    async fn write(
        &self,
        tables: &mut Tables,
        hours: &[Hour],
        next: NextFile<'_>,
        most_bytes: u64,
        is_stopped: IsStopped<'_>,
    ) -> Result<Written, ExportError> {
        let firsts = if self.once { Some(self.firsts(tables, hours).await?) } else { None };
        let messages = Arc::new(Messages::new(self, firsts)?);
        let (mut forming, mut parts) = (Forming::new(&messages), Parts::new(messages, next, most_bytes));
        let read = self.columns_to_read();
        let mut written = Vec::with_capacity(hours.len());
        for hour in hours {
            let mut rows = tables.read(*hour, read.as_deref(), self.choice()).await?;
            let mut count = 0;
            while let Some(batch) = rows.next().await? {
                if is_stopped() {
                    return Err(ExportError::Stopped);
                }
                forming.begin(batch, rows.file());
                if forming.is_full() {
                    count += write_next(&mut forming, &mut parts).await?.unwrap_or_default();
                }
            }
            while let Some(more) = write_next(&mut forming, &mut parts).await? {
                count += more;
            }
            written.push((*hour, rows.publication().to_owned(), count));
        }
        Ok(Written { schema: self.schema(), files: parts.finish()?, hours: written })
    }

    /// The first rows among those of all hours up to the last of these.
    async fn firsts(&self, tables: &mut Tables, hours: &[Hour]) -> Result<Firsts, ExportError> {
        let last = hours.last().copied();
        let all: Vec<Hour> = tables.publications().into_keys().filter(|hour| Some(*hour) <= last).collect();
        Firsts::of(tables, &all).await
    }

    /// Those of the columns that it takes to choose and to write; `None` for all.
    fn columns_to_read(&self) -> Option<Vec<&str>> {
        if self.format == Format::Ndjson || self.query.is_some() {
            return None;
        }
        let to_choose = ["msg_id", "source_hour", "sent_at"];
        let chosen = self.chosen_columns();
        let promoted = self.promotions.iter().filter(|promotion| chosen.contains(&promotion.column.as_str()));
        let to_promote: Vec<&str> = promoted.map(|promotion| promotion.place.column()).collect();
        Some(chosen.into_iter().chain(to_choose).chain(to_promote).collect())
    }

    /// The columns of the files, in their order; none for records.
    fn chosen_columns(&self) -> Vec<&str> {
        if self.format == Format::Ndjson {
            Vec::new()
        } else if self.columns.is_empty() {
            self.all_columns()
        } else {
            self.columns.iter().map(String::as_str).collect()
        }
    }

    /// Every column that may be handed out: the program's own, then the promoted ones.
    fn all_columns(&self) -> Vec<&str> {
        let own = archive::columns().iter().map(|column| column.name);
        let all = own.chain(self.promotions.iter().map(|promotion| promotion.column.as_str()));
        all.filter(|name| self.secrets == Secrets::Kept || !is_secret(name)).collect()
    }

    fn choice(&self) -> Choice<'_> {
        Choice { since: self.since, until: self.until, query: self.query.as_ref().map(|(_, query)| query) }
    }

    /// Leaves what is not handed out.
    fn hide(&self, message: &mut Message<'_>) -> Result<(), ExportError> {
        if let Some(mask) = &self.mask {
            let whole = std::mem::replace(message, Message::at(message.position));
            *message = mask.masked(whole);
        }
        if self.secrets == Secrets::LeftOut {
            message.hide_share_secrets();
            message.rest = cleaned(message.rest.take(), decode::rest_without_secrets).map_err(unreadable(message))?;
            // In the column they are the app's own; a record has none wherever they stand.
            if self.format == Format::Ndjson {
                let attributes = cleaned(message.custom_exts.take(), decode::record_without_secrets);
                message.custom_exts = attributes.map_err(unreadable(message))?;
            }
        }
        Ok(())
    }

    fn manifest(&self, archive: &Archive, written: Written) -> Manifest {
        let options = self.options();
        written.manifest(archive, Asked { program: &self.program, now: self.now, format: self.format, options })
    }

    fn options(&self) -> Options {
        Options {
            since: self.since.map(show_time),
            until: self.until.map(show_time),
            query: self.query.as_ref().map(|(text, _)| text.clone()),
            sql: None,
            once: self.once,
            with_secrets: self.secrets == Secrets::Kept,
            mask: self.mask.as_ref().map(Mask::facts),
            columns: self.chosen_columns().into_iter().map(str::to_owned).collect(),
        }
    }

    fn schema(&self) -> Vec<ColumnFacts> {
        let columns = self.options().columns.into_iter().filter_map(|name| {
            let own = archive::columns().iter().find(|column| column.name == name);
            let promoted = self.promotions.iter().find(|promotion| promotion.column == name);
            let (type_word, nullable) = match own {
                Some(column) => (column.type_word, column.nullable),
                None => (promoted?.kind.type_word(), true),
            };
            Some(ColumnFacts { name, type_word: type_word.to_owned(), nullable })
        });
        columns.collect()
    }
}

/// Whether a column holds share secrets.
#[must_use]
pub fn is_secret(column: &str) -> bool {
    column.ends_with("secret")
}

/// Writes the oldest rows that are formed, and says how many there were; `None` when there is nothing to wait for.
async fn write_next(forming: &mut Forming, parts: &mut Parts<'_, Arc<Messages>>) -> Result<Option<u64>, ExportError> {
    let Some(formed) = forming.next().await? else { return Ok(None) };
    if formed.rows() > 0 {
        parts.write(&formed)?;
    }
    Ok(Some(formed.rows()))
}

/// A column of JSON without the secrets in it.
fn cleaned<'a>(
    json: Option<Cow<'a, str>>,
    without_secrets: impl Fn(&str) -> Result<Cow<'_, str>, RebuildError>,
) -> Result<Option<Cow<'a, str>>, RebuildError> {
    let Some(json) = json else { return Ok(None) };
    let changed = match without_secrets(&json)? {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(changed),
    };
    Ok(Some(changed.map_or(json, Cow::Owned)))
}

fn unreadable(message: &Message<'_>) -> impl FnOnce(RebuildError) -> ExportError + use<> {
    let (hour, line) = (message.position.source_hour, message.position.line);
    move |source| ExportError::Rebuild { hour, line, source }
}

#[cfg(test)]
mod tests {
    use decode::{Decoder, Limits, Origin, rebuild, record_without_secrets};

    use super::*;

    fn records(text: &str) -> Vec<Message<'static>> {
        let origin = Origin { hour: Hour::from_number(500_000), part: 0, app: None };
        let mut decoder = Decoder::new(text.as_bytes(), origin, Limits::default());
        let mut messages = Vec::new();
        while let Some(batch) = decoder.next_batch().unwrap() {
            assert!(batch.dead_letters.is_empty(), "{text}");
            messages.extend(batch.messages.into_iter().map(Message::into_owned));
        }
        messages
    }

    /// Every record there is.
    pub(super) fn records_of_all(secrets: Secrets) -> Export {
        Export {
            since: None,
            until: None,
            query: None,
            once: false,
            format: Format::Ndjson,
            columns: Vec::new(),
            promotions: Vec::new(),
            secrets,
            mask: None,
            program: String::new(),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    /// Whether they are left out of the columns, as here, or out of the record, as the documentation has it.
    #[test]
    fn a_record_without_secrets_is_the_record_without_secrets() {
        let odd = [
            r#"{"payload":{"bodies":[{"type":"img","secret":"x","thumb_secret":"y","url":"u"}]}}"#,
            r#"{"payload":{"bodies":[{"type":"img","url":"u?share-secret=x&y=1","thumb":"t?share-secret=x","localurl":"?share-secret=x"}]}}"#,
            r#"{"payload":{"bodies":[{"type":"txt","msg":"see u?share-secret=x, and u?share-secret=y"}]}}"#,
            r#"{"payload":{"bodies":[{"type":"loc","addr":"u?share-secret=x"}]}}"#,
            r#"{"payload":{"bodies":[{"type":"file","filename":"u?share-secret=x","file_length":1}]}}"#,
            r#"{"payload":{"bodies":[{"type":"cmd","action":"u?share-secret=x"}]}}"#,
            r#"{"payload":{"bodies":[{"type":"custom","customEvent":"u?share-secret=x","customExts":{"k":"u?share-secret=x"}}]}}"#,
            r#"{"payload":{"bodies":[{"type":"img","secret":7,"SECRET":1,"url":"u"},{"secret":[1],"a":{"b_secret":2,"c":3}}]}}"#,
            r#"{"payload":{"bodies":[{"type":"custom","customExts":[{"client_secret":"x","k":1}]}],"ext":{"secret":"the app's"}}}"#,
            r#"{"payload":{"bodies":[{"type":"img","secret":"x","secret":"y","url":"u"}]},"ext":{"secret":1}}"#,
            r#"{"secret":"x","payload":{"secret":{"a":1},"ext":"a \"secret\"","bodies":[{"type":"txt","msg":"\"secret\":\n"}]}}"#,
            r#"{"payload":{"bodies":[{"type":"file","s\u0065cret":"x","filename":"a"}]}}"#,
        ];
        let samples = include_str!("../../../data/samples.ndjson");
        let mut without = 0;
        for text in samples.lines().chain(odd) {
            for message in records(text) {
                let whole = rebuild(&message).unwrap();
                let expected = record_without_secrets(&whole).unwrap();
                without += usize::from(expected != whole);
                let shown = |secrets| {
                    let mut message = message.clone();
                    records_of_all(secrets).hide(&mut message).unwrap();
                    rebuild(&message).unwrap()
                };
                let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
                assert_eq!(shown(Secrets::Kept), whole);
                let shown = shown(Secrets::LeftOut);
                assert_eq!(record_without_secrets(&shown).unwrap(), shown, "{text}");
                assert!(shown == expected || json(&shown) == json(&expected), "{text}\n{shown}\n{expected}");
            }
        }
        assert!(without > odd.len(), "some have secrets");
    }
}
