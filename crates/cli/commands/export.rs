//! `annals export`.

#[cfg(feature = "sql")]
mod answer;

use std::path::{Path, PathBuf};

use archive::Promotion;
use clap::ValueEnum;
use index::Query;
use query::export::{
    Destination, Export, ExportError, Exported, Format, Mask, MaskText, Secrets, is_secret, since_last, to_file,
    to_folder, to_stream,
};
use store::{Access, ExportName, Place, PlaceError};

use crate::commands::message::promoted_names;
use crate::commands::query::pointed_at;
use crate::commands::span::TimeSpan;
use crate::context::Context;
use crate::error::{CommandError, is_unread};
use crate::exit::Exit;
use crate::output::{WriteError, bytes};
use crate::settings::{GivenSecret, nearest};

/// Hand messages out as files for other programs
///
/// Every message of the tables, or those of a range of their time, or those that match a query: as Parquet, CSV or an Arrow file
/// with the columns of the table `messages`, or as the original records, a JSON object a line. A folder gets files of some
/// 130 MB and `manifest.json`, which names the files, their hashes, rows, hours, columns and what was asked for. Nothing
/// appears before it is whole, and a killed run leaves nothing that the next one does not remove. No search index is needed.
///
/// With --since-last NAME only hours that were published since the last export of that name, each of them whole and just once:
/// into DIR/NAME-000001, DIR/NAME-000002 and so on. An hour that was published anew is handed out again, and its manifest says
/// that its rows replace those with the same `source_hour`. The archive keeps up to where it was.
///
/// With --sql QUERY the rows are what a query in SQL answers, as `annals sql` has it; in ndjson each is an object with the columns of
/// the answer, and no record. With --mask the query sees the masked messages and nothing of the others. With --since-last NAME its
/// table `messages` has the rows of new hours alone, and its answer a column `source_hour`.
///
/// In a bucket (s3://, gs://, az://) files are sent in parts as they are written, and appear, the manifest last, when all are there.
/// The environment says who may use it, as for an archive in a bucket (docs/buckets.md).
///
/// Share secrets are left out unless --with-secrets is given. docs/export.md has all of it: the forms of CSV, the manifest, and what
/// --mask does to each column.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals export --to week --since 2026-03-09 --until 2026-03-16
  annals export --to harbour.csv --query 'harbour type:txt' --columns msg_id,sent_at,sender,text
  annals export --to - --format ndjson | gzip > records.ndjson.gz
  annals export --to warehouse --since-last nightly
  annals export --to s3://lake/chat --since-last nightly
  annals export --to analysts --mask --mask-key key.txt --mask-text redact
  annals export --to senders.csv --sql 'SELECT sender, count(*) AS said FROM messages_once GROUP BY sender'
  annals export --to daily --since-last daily --sql 'SELECT source_hour, chat_type, count(*) AS said FROM messages GROUP BY 1, 2'

Exit codes: 0 done; 1 no message matched or the query has no answer, and nothing was written; 2 usage, or the target could not
be written.")]
pub(crate) struct Args {
    /// Where to: a folder that is new or empty, a file (by its ending .parquet, .csv, .ndjson, .jsonl or .arrow), the same in a bucket
    /// (s3://BUCKET/PREFIX, gs://…, az://…), or - for stdout
    #[arg(long, value_name = "DIR|FILE|-")]
    to: PathBuf,

    #[command(flatten)]
    span: TimeSpan,

    /// Only messages that match, in the language of `annals query`
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,

    /// What this query in SQL answers, in place of messages
    #[arg(long, value_name = "QUERY", conflicts_with_all = ["since", "until", "query", "columns", "once"])]
    sql: Option<String>,

    /// In which form: by default as the ending of FILE says, ndjson on stdout, and parquet in a folder
    #[arg(long, value_enum)]
    format: Option<Form>,

    /// Only these columns, in this order; all but the secrets by default
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    columns: Vec<String>,

    /// Only hours published since the last export of this name
    #[arg(long, value_name = "NAME")]
    since_last: Option<ExportName>,

    /// Each message once, of the earliest hour that has it; else every row, also copies in later hours
    #[arg(long)]
    once: bool,

    /// With the share secrets of files
    #[arg(long, conflicts_with = "mask")]
    with_secrets: bool,

    /// A copy for analysts: hashes in place of the ids of users and groups, and nothing that could tell who they are
    #[arg(long, requires = "mask_key")]
    mask: bool,

    /// The file with the key of the hashes, 16 bytes or more
    #[arg(long, value_name = "FILE", requires = "mask")]
    mask_key: Option<PathBuf>,

    /// What becomes of texts under --mask: left out, or their addresses and numbers replaced
    #[arg(long, value_enum, value_name = "HOW", requires = "mask", default_value_t = Texts::Drop)]
    mask_text: Texts,

    /// Print the manifest on stdout
    #[arg(long)]
    json: bool,
}

/// What made an export.
const PROGRAM: &str = concat!("annals ", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The columns, as Parquet
    Parquet,
    /// The columns by RFC 4180 with a header; nothing between two commas is null, "" is an empty text
    Csv,
    /// The records, rebuilt with the values that the service sent: a JSON object a line
    Ndjson,
    /// The columns, as an Arrow IPC file
    Arrow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Texts {
    /// Left out
    Drop,
    /// E-mail addresses, telephone, card and Chinese identity numbers are replaced
    Redact,
}

/// Exports.
///
/// # Errors
///
/// When something is asked for that there is not, there is no archive, or the target cannot be written.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let target = Target::of(&args, context)?;
    if let Some(query) = &args.sql {
        return answered(query, &args, &target, context).await;
    }
    let archive = context.open_archive(Access::Existing).await?;
    let export = args.export(&target, archive.promotions().await?, context)?;
    let stop = context.stop.token();
    let is_stopped = || stop.is_cancelled();
    let exported = match (&target, &args.since_last) {
        (Target::Folder(to), Some(name)) => since_last(&archive, &export, to, name, &is_stopped).await,
        (Target::Folder(to), None) => to_folder(&archive, &export, to, &is_stopped).await,
        (Target::File(to), _) => to_file(&archive, &export, to, &is_stopped).await,
        (Target::Stdout, _) => to_stream(&archive, &export, context.output.stream(), &is_stopped).await,
    };
    match exported {
        Err(ExportError::Stopped) => Ok(Exit::Interrupted),
        Err(error) if target == Target::Stdout && is_unread(&error) => {
            Err(WriteError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe)).into())
        }
        exported => tell(&exported?, args.json, &target, context),
    }
}

#[cfg(feature = "sql")]
async fn answered(query: &str, args: &Args, target: &Target, context: &Context) -> Result<Exit, CommandError> {
    answer::run(query, args, target, context).await
}

#[cfg(not(feature = "sql"))]
async fn answered(_query: &str, _args: &Args, _target: &Target, _context: &Context) -> Result<Exit, CommandError> {
    Err(super::sql::is_missing())
}

fn tell(exported: &Exported, as_json: bool, target: &Target, context: &Context) -> Result<Exit, CommandError> {
    let manifest = &exported.manifest;
    let is_answer = manifest.options.sql.is_some();
    let is_nothing = exported.place.is_none() && manifest.rows == 0;
    if is_nothing {
        let why = if is_answer { "the answer has no rows" } else { "no message matched" };
        context.output.note(format_args!("{why}: nothing was written"));
        return Ok(Exit::NothingFound);
    }
    let hours = manifest.hours.iter().filter(|hour| hour.rows > 0).count();
    let what = match (is_answer, manifest.rows) {
        (true, 1) => "1 row".to_owned(),
        (true, rows) => format!("{rows} rows"),
        (false, rows) => format!("{rows} messages of {hours} hours"),
    };
    match &exported.place {
        _ if as_json => context.output.json(manifest)?,
        Some(place) if *target != Target::Stdout => {
            let files = match manifest.files.len() {
                1 => "1 file".to_owned(),
                many => format!("{many} files"),
            };
            let size = bytes(manifest.bytes);
            context.output.line(format_args!("{what} in {}: {files}, {size}", place.display()))?;
        }
        _ => context.output.note(what),
    }
    Ok(Exit::Done)
}

/// Where to.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    File(Destination),
    Folder(Destination),
    Stdout,
}

impl Target {
    fn of(args: &Args, context: &Context) -> Result<Self, CommandError> {
        let target = if args.to == Path::new("-") {
            Self::Stdout
        } else {
            let place = Place::parse(args.to.as_os_str()).map_err(no_target)?;
            let is_file = is_file(&place, form_of(&args.to));
            let to = Destination { place, variables: context.clouds.clone() };
            if is_file { Self::File(to) } else { Self::Folder(to) }
        };
        match &target {
            Self::Stdout if args.json => {
                Err(CommandError::usage("stdout takes the messages or the manifest, not both")
                    .hint("export into a folder or file, or leave out --json"))
            }
            Self::File(_) | Self::Stdout if args.since_last.is_some() => {
                Err(CommandError::usage("--since-last exports into a folder, where nothing is lost or comes twice")
                    .hint("give --to a folder: each export gets one of its own below it"))
            }
            _ => Ok(target),
        }
    }
}

/// Whether a file is meant, with this form by its ending, and no folder.
fn is_file(place: &Place, form: Option<Form>) -> bool {
    match place {
        Place::Bucket(bucket) => form.is_some() && bucket.above().is_some(),
        Place::Folder(path) => path.is_file() || (!path.is_dir() && form.is_some()),
    }
}

fn no_target(error: PlaceError) -> CommandError {
    let error = match error {
        PlaceError::UnknownScheme { scheme } => CommandError::usage(format!("nothing can be exported to {scheme}://")),
        error => CommandError::usage(error),
    };
    error.hint("give --to a folder, a file, or s3://, gs:// or az:// with a bucket and a prefix")
}

/// The form that the ending of a file names.
fn form_of(path: &Path) -> Option<Form> {
    // `folder.csv/` is a folder.
    if path.as_os_str().to_string_lossy().ends_with(std::path::is_separator) {
        return None;
    }
    match path.extension()?.to_str()? {
        "arrow" => Some(Form::Arrow),
        "csv" => Some(Form::Csv),
        "jsonl" | "ndjson" => Some(Form::Ndjson),
        "parquet" => Some(Form::Parquet),
        _ => None,
    }
}

impl Args {
    fn export(&self, target: &Target, promotions: Vec<Promotion>, context: &Context) -> Result<Export, CommandError> {
        let (since, until) = self.span.bounds()?;
        let format = self.form(target).into();
        Ok(Export {
            since,
            until,
            query: self.query.as_ref().map(|text| read_query(text)).transpose()?,
            once: self.once,
            format,
            columns: self.columns(format, &promotions)?,
            promotions,
            secrets: if self.with_secrets { Secrets::Kept } else { Secrets::LeftOut },
            mask: self.mask_key.as_ref().map(|path| self.mask(path, context)).transpose()?,
            program: PROGRAM.to_owned(),
            now: context.clock.now(),
        })
    }

    fn form(&self, target: &Target) -> Form {
        let by_target = match target {
            Target::File(_) => form_of(&self.to).unwrap_or(Form::Parquet),
            Target::Folder(_) => Form::Parquet,
            Target::Stdout => Form::Ndjson,
        };
        self.format.unwrap_or(by_target)
    }

    /// The columns that are named.
    fn columns(&self, format: Format, promotions: &[Promotion]) -> Result<Vec<String>, CommandError> {
        let all = || archive::columns().iter().map(|column| column.name).chain(promoted_names(promotions));
        if format == Format::Ndjson && !self.columns.is_empty() {
            return Err(CommandError::usage("ndjson has whole records and no columns")
                .hint("leave out --columns, or give --format csv, parquet or arrow"));
        }
        for (place, name) in self.columns.iter().enumerate() {
            if !all().any(|known| known == name) {
                let error = CommandError::usage(format!("table `messages` has no column `{name}`"));
                return Err(match nearest(name, all()) {
                    Some(meant) => error.hint(format!("did you mean `{meant}`?")),
                    None => error.hint("`annals schema` lists the columns"),
                });
            }
            if is_secret(name) && !self.with_secrets {
                let error = format!("the column `{name}` holds share secrets");
                return Err(CommandError::usage(error).hint("add --with-secrets to hand them out"));
            }
            if self.columns[..place].contains(name) {
                return Err(CommandError::usage(format!("the column `{name}` is named twice")).hint("name it once"));
            }
        }
        Ok(self.columns.clone())
    }

    fn mask(&self, path: &Path, context: &Context) -> Result<Mask, CommandError> {
        const NAME: &str = "--mask-key";
        let given = GivenSecret { text: None, file: Some((NAME, path.to_owned())) };
        given.warning().into_iter().for_each(|warning| context.output.warn(warning));
        let key = given.read(NAME)?;
        let key = key.as_ref().map_or("", chat::Secret::reveal);
        let mask = Mask::new(key.as_bytes(), self.mask_text.into());
        mask.map_err(|error| CommandError::usage(error).hint("`openssl rand -hex 32 > key.txt` makes one"))
    }
}

fn read_query(text: &str) -> Result<(String, Query), CommandError> {
    let query = Query::parse(text).map_err(|error| pointed_at(text, &error))?;
    Ok((text.to_owned(), query))
}

impl From<Form> for Format {
    fn from(form: Form) -> Self {
        match form {
            Form::Arrow => Self::Arrow,
            Form::Csv => Self::Csv,
            Form::Ndjson => Self::Ndjson,
            Form::Parquet => Self::Parquet,
        }
    }
}

impl From<Texts> for MaskText {
    fn from(texts: Texts) -> Self {
        match texts {
            Texts::Drop => Self::Drop,
            Texts::Redact => Self::Redact,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_file_says_its_form() {
        for (path, expected) in [
            ("x.csv", Some(Form::Csv)),
            ("a/x.jsonl", Some(Form::Ndjson)),
            ("x.parquet", Some(Form::Parquet)),
            ("x.csv/", None),
            ("2026.03", None),
            ("week", None),
        ] {
            assert_eq!(form_of(Path::new(path)), expected, "{path}");
        }
    }
}
