//! What a query in SQL answers, as the files of an export.
//!
//! Nothing is known of where a row of an answer comes from, but for its column `source_hour`: an export that goes on from the
//! last one asks for it, so that its rows can be replaced when their hour is published anew.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use chat::Hour;
use datafusion::arrow::array::{AsArray as _, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef, SchemaRef};
use index::Catalogue;
use store::{Archive, ExportName};

use super::manifest::{ColumnFacts, Manifest, Options};
use super::parts::{Form, Hashed, NextFile, PartError, Parts};
use super::place::{Destination, Place};
use super::since_last::{Next, Wanted};
use super::{
    Asked, ExportError, Exported, FILE_BYTES, Format, IsStopped, MERGE_KEY, Mask, Secrets, Written, the_stream,
};
use crate::sql::{self, Answer, Chosen, Database, File, Seen, SqlError};

/// How often it is looked whether somebody asked for an end.
const STOPPED: Duration = Duration::from_millis(50);

/// Why the answer to a query was not exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The query was not answered.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// Two columns of the answer have one name.
    #[error("the answer has two columns `{name}`")]
    Twins {
        /// The name.
        name: String,
    },
    /// An answer that goes on from the last one does not say of which hours its rows are.
    #[error("the answer has no column `{MERGE_KEY}` with the hour of each row as text")]
    NoHour,
    /// A row of an answer that goes on from the last one is of an hour that was not published since.
    #[error("the answer has rows of the hour `{hour}`, which was not published since the last export")]
    ForeignHour {
        /// What the row says.
        hour: String,
    },
    /// Hours that the query searched are not in the index, and would never be looked through again.
    #[error("{hours} archived hours are not indexed yet and cannot be searched")]
    NotIndexed {
        /// How many.
        hours: usize,
    },
}

/// A query in SQL whose answer is to be exported.
pub struct AnswerExport {
    /// The query.
    pub query: String,
    /// In which form; a row of [`Format::Ndjson`] is an object with the columns of the answer.
    pub format: Format,
    /// What the query may use and see.
    pub options: sql::Options,
    /// The program, as it is called in a manifest.
    pub program: String,
}

impl AnswerExport {
    /// Exports into a stream.
    ///
    /// # Errors
    ///
    /// [`ExportError`]; the stream may have taken some bytes.
    pub async fn to_stream(
        &self,
        archive: &Archive,
        database: &Database,
        out: Box<dyn Write + Send>,
        is_stopped: IsStopped<'_>,
    ) -> Result<Exported, ExportError> {
        let written = self.write(database, the_stream(out), u64::MAX, None, is_stopped).await?;
        Ok(Exported { manifest: self.manifest(archive, written), place: None })
    }

    /// Exports into one file, as [`super::to_file`] does.
    ///
    /// # Errors
    ///
    /// [`ExportError`]; then what was there stands.
    pub async fn to_file(
        &self,
        archive: &Archive,
        database: &Database,
        to: &Destination,
        is_stopped: IsStopped<'_>,
    ) -> Result<Exported, ExportError> {
        let place = Place::of_file(archive, to)?;
        let next: NextFile<'_> = Box::new(|_| Ok((place.name(), place.create(&place.name())?)));
        let written = self.write(database, next, u64::MAX, None, is_stopped).await;
        self.appear(archive, place, written, Place::appear_as_file)
    }

    /// Exports into a folder, as [`super::to_folder`] does.
    ///
    /// # Errors
    ///
    /// [`ExportError`]; then the folder is as it was.
    pub async fn to_folder(
        &self,
        archive: &Archive,
        database: &Database,
        to: &Destination,
        is_stopped: IsStopped<'_>,
    ) -> Result<Exported, ExportError> {
        let place = Place::of_folder(archive, to)?;
        let written = self.write_folder(database, &place, None, is_stopped).await;
        self.appear(archive, place, written, |mut place, manifest| {
            place.write_manifest(manifest)?;
            place.appear_as_folder()
        })
    }

    /// Exports the answer about the hours that were published since the last export of this name, as
    /// [`super::since_last`] does: the table `messages` has their rows and no others.
    ///
    /// # Errors
    ///
    /// [`ExportError`]; then nothing was handed out.
    pub async fn since_last(
        &self,
        archive: &Archive,
        catalogue: Option<Catalogue>,
        below: &Destination,
        name: &ExportName,
        is_stopped: IsStopped<'_>,
    ) -> Result<Exported, ExportError> {
        let wanted = Wanted { format: self.format, options: self.facts(), all: Vec::new() };
        let next = Next::begin(archive, below, name, &wanted)?;
        match self.written_since(archive, catalogue, &next, is_stopped).await {
            Ok((written, publications)) => next.hand_out(self.manifest(archive, written), publications),
            Err(error) => {
                next.place.leave()?;
                Err(error)
            }
        }
    }

    async fn written_since(
        &self,
        archive: &Archive,
        catalogue: Option<Catalogue>,
        next: &Next<'_>,
        is_stopped: IsStopped<'_>,
    ) -> Result<(Written, BTreeMap<Hour, String>), ExportError> {
        let (seen, chosen) = Seen::settled(archive, |publications| next.changed(publications)).await?;
        let database = Database::of(seen, catalogue, &self.options, Some(&chosen.with_rows)).await?;
        let written = self.write_folder(&database, &next.place, Some(&chosen), is_stopped).await?;
        match database.not_searched() {
            0 => Ok((written, chosen.publications)),
            hours => Err(AnswerError::NotIndexed { hours }.into()),
        }
    }

    async fn write_folder(
        &self,
        database: &Database,
        place: &Place,
        chosen: Option<&Chosen>,
        is_stopped: IsStopped<'_>,
    ) -> Result<Written, ExportError> {
        let next: NextFile<'_> = Box::new(|number| {
            let name = format!("rows-{number:05}.{}", self.format.word());
            let out = place.create(&name)?;
            Ok((name, out))
        });
        self.write(database, next, FILE_BYTES, chosen, is_stopped).await
    }

    async fn write(
        &self,
        database: &Database,
        next: NextFile<'_>,
        most_bytes: u64,
        chosen: Option<&Chosen>,
        is_stopped: IsStopped<'_>,
    ) -> Result<Written, ExportError> {
        let mut answer = until(is_stopped, database.ask(&self.query)).await?;
        let schema = answer.schema();
        refuse_twins(&schema)?;
        let mut hours = chosen.map(|chosen| Hours::of(chosen, &schema)).transpose()?;
        let columns = columns(&schema);
        let mut parts = Parts::new(Rows { format: self.format, schema }, next, most_bytes);
        let mut has_begun = false;
        while let Some(rows) = until(is_stopped, next_rows(&mut answer, has_begun)).await? {
            hours.as_mut().map_or(Ok(()), |hours| hours.count(&rows))?;
            if rows.num_rows() > 0 {
                has_begun = true;
                parts.write(&rows)?;
            }
        }
        Ok(Written { schema: columns, hours: hours.map(Hours::counted).unwrap_or_default(), files: parts.finish()? })
    }

    fn appear(
        &self,
        archive: &Archive,
        place: Place,
        written: Result<Written, ExportError>,
        appear: impl FnOnce(Place, &Manifest) -> Result<std::path::PathBuf, ExportError>,
    ) -> Result<Exported, ExportError> {
        let manifest = match written {
            Ok(written) if written.rows() > 0 => self.manifest(archive, written),
            written => {
                place.leave()?;
                return Ok(Exported { manifest: self.manifest(archive, written?), place: None });
            }
        };
        let place = appear(place, &manifest)?;
        Ok(Exported { manifest, place: Some(place) })
    }
}

impl From<SqlError> for ExportError {
    fn from(error: SqlError) -> Self {
        Self::Answer(error.into())
    }
}

impl AnswerExport {
    fn manifest(&self, archive: &Archive, written: Written) -> Manifest {
        let asked = Asked { program: &self.program, now: self.options.now, format: self.format, options: self.facts() };
        let merge_key = (!written.hours.is_empty()).then(|| MERGE_KEY.to_owned());
        Manifest { merge_key, ..written.manifest(archive, asked) }
    }

    fn facts(&self) -> Options {
        Options {
            since: None,
            until: None,
            query: None,
            sql: Some(self.query.clone()),
            once: false,
            with_secrets: self.options.secrets == Secrets::Kept,
            mask: self.options.mask.as_ref().map(Mask::facts),
            columns: Vec::new(),
        }
    }
}

async fn until<T, E: Into<AnswerError>>(
    is_stopped: IsStopped<'_>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, ExportError> {
    let stopped = async {
        while !is_stopped() {
            tokio::time::sleep(STOPPED).await;
        }
    };
    tokio::select! {
        done = work => done.map_err(|error| error.into().into()),
        () = stopped => Err(ExportError::Stopped),
    }
}

async fn next_rows(answer: &mut Answer, has_begun: bool) -> Result<Option<RecordBatch>, SqlError> {
    let rows = answer.next().await.map_err(|error| if has_begun { error.after_beginning() } else { error })?;
    Ok(rows.map(|batch| batch.rows))
}

/// The rows of an answer, in which form.
struct Rows {
    format: Format,
    schema: SchemaRef,
}

impl Form for Rows {
    type Rows = RecordBatch;
    type File = File<Hashed>;

    fn begin(&self, out: Hashed) -> Result<Self::File, PartError> {
        let form = match self.format {
            Format::Arrow => sql::Form::Arrow,
            Format::Csv => sql::Form::Csv,
            Format::Ndjson => sql::Form::Jsonl,
            Format::Parquet => sql::Form::Parquet,
        };
        Ok(File::new(out, form, &self.schema)?)
    }

    fn write(&self, file: &mut Self::File, rows: &RecordBatch) -> Result<u64, PartError> {
        file.write(rows)?;
        Ok(rows.num_rows() as u64)
    }

    fn end(&self, file: Self::File) -> Result<Hashed, PartError> {
        Ok(file.finish()?)
    }
}

/// How many rows there are of each hour.
struct Hours {
    /// The place of the column that says so.
    place: usize,
    publications: BTreeMap<Hour, String>,
    rows: BTreeMap<Hour, u64>,
}

impl Hours {
    fn of(chosen: &Chosen, schema: &SchemaRef) -> Result<Self, AnswerError> {
        let (place, field) = schema.column_with_name(MERGE_KEY).ok_or(AnswerError::NoHour)?;
        if !matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
            return Err(AnswerError::NoHour);
        }
        Ok(Self { place, publications: chosen.publications.clone(), rows: BTreeMap::new() })
    }

    fn count(&mut self, rows: &RecordBatch) -> Result<(), AnswerError> {
        let keys = cast(rows.column(self.place), &DataType::Utf8View).map_err(|_| AnswerError::NoHour)?;
        for key in keys.as_string_view() {
            let key = key.ok_or(AnswerError::NoHour)?;
            let hour = Hour::from_key(key).ok().filter(|hour| self.publications.contains_key(hour));
            let hour = hour.ok_or_else(|| AnswerError::ForeignHour { hour: key.to_owned() })?;
            *self.rows.entry(hour).or_default() += 1;
        }
        Ok(())
    }

    /// The hours, each with its publication and its rows.
    fn counted(self) -> Vec<(Hour, String, u64)> {
        let rows = |hour: &Hour| self.rows.get(hour).copied().unwrap_or_default();
        self.publications.into_iter().map(|(hour, publication)| (hour, publication, rows(&hour))).collect()
    }
}

/// Readers of files take columns by their names.
fn refuse_twins(schema: &SchemaRef) -> Result<(), AnswerError> {
    let mut names = BTreeSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name())) {
        Some(twin) => Err(AnswerError::Twins { name: twin.name().clone() }),
        None => Ok(()),
    }
}

fn columns(schema: &SchemaRef) -> Vec<ColumnFacts> {
    let column = |field: &FieldRef| ColumnFacts {
        name: field.name().clone(),
        type_word: sql::type_word(field.data_type()),
        nullable: field.is_nullable(),
    };
    schema.fields().iter().map(column).collect()
}
