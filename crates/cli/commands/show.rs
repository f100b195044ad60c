//! `annals show`.

mod served;

use archive::{Projection, Promotion};
use chat::{Entry, Message, Part, RETAINED_PARTS};
use index::{Changes, Query};
use query::Library;
use serde_json::Value;
use store::{Access, Archive, RawPart};

use crate::commands::message::{COLUMNS, cells, promoted_cells, promoted_names};
use crate::commands::query::{CHANGES, around, group_rows, marks};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format};

/// Show one message whole, with where it came from
///
/// Prints every column that the message fills, whether it was recalled or edited, the hour, part and line it was served in, the
/// file with its SHA-256, when its hour was archived as it is, and the state of that hour. When several hours hold the id, all
/// are shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals show 874788964261693432
  annals show 874788964261693432 --raw
  annals show 874788964261693432 --rebuilt
  annals show 874788964261693432 --context 5
  annals show 874788964261693432 --json

Exit codes: 0 it was found; 1 it was not; 2 its served line is no longer kept, of no hour.")]
pub(crate) struct Args {
    /// The id of the message
    #[arg(value_name = "MSG_ID")]
    pub(crate) id: String,

    /// Print the line as it was served, byte for byte
    #[arg(long, conflicts_with_all = ["json", "rebuilt", "context"])]
    pub(crate) raw: bool,

    /// Print the record as JSON with the members and values that the service sent, put together again from the row
    #[arg(long, conflicts_with_all = ["json", "context"])]
    pub(crate) rebuilt: bool,

    /// Print so many messages of the same conversation before and after it
    #[arg(long, value_name = "N", value_parser = around)]
    pub(crate) context: Option<usize>,

    /// Print the row as one JSON object with the names of the columns
    #[arg(long)]
    pub(crate) json: bool,
}

/// Shows a message.
///
/// # Errors
///
/// When there is no archive or it cannot be read.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let archive = context.open_archive(Access::Existing).await?;
    let (messages, changes) = with_id(&args.id, &archive, context).await?;
    if messages.is_empty() {
        context.output.note(format_args!("no message has the id {}", args.id));
        return Ok(Exit::NothingFound);
    }
    if let Some(around) = args.context {
        show_context(&messages, around, args.json, &archive, context).await?;
        return Ok(Exit::Done);
    }
    if args.raw {
        return print_served(&messages, &archive, context);
    }
    let entries = archive.entries().await.map_err(CommandError::from)?;
    let promotions = archive.promotions().await?;
    for message in messages {
        let entry = entries.get(&message.position.source_hour);
        let parts = archive.raw_parts(message.position.source_hour).map_err(CommandError::from)?;
        let source = Source { entry, parts, promotions: &promotions, changes };
        if args.rebuilt {
            let record = decode::rebuild(&message).map_err(CommandError::usage)?;
            context.output.line(record)?;
        } else if args.json {
            context.output.json(&source.json(message))?;
        } else {
            source.print(message, context)?;
        }
    }
    Ok(Exit::Done)
}

/// The line of each row as it was served. Of those of which it is not kept it is said why not, as long as there is another.
fn print_served(messages: &[Message<'_>], archive: &Archive, context: &Context) -> Result<Exit, CommandError> {
    let (mut is_any_kept, mut gone) = (false, Vec::new());
    for message in messages {
        match served::line(message, archive, context) {
            Ok(line) => {
                context.output.raw(&line)?;
                is_any_kept = true;
            }
            Err(error) => gone.push(error),
        }
    }
    let failure = if is_any_kept { None } else { gone.pop() };
    gone.iter().for_each(|error| context.output.warn(error.in_one_line()));
    failure.map_or(Ok(Exit::Done), Err)
}

/// What was said around the message. Of several hours that hold it, each has its surroundings.
async fn show_context(
    messages: &[Message<'static>],
    around: usize,
    json: bool,
    archive: &Archive,
    context: &Context,
) -> Result<(), CommandError> {
    let nothing = Query::parse("").map_err(CommandError::usage)?;
    let library = Library::new(archive.clone(), context.index_what_is_behind(archive, None).await?);
    let groups = library.around(messages, around, Projection::All).await?;
    let format = if json || !context.output.is_terminal() { Format::Jsonl } else { Format::Table };
    Ok(group_rows(&groups, &nothing, format, &archive.promotions().await?, None, context)?)
}

/// The messages and what became of them.
type Known = (Vec<Message<'static>>, Option<Changes>);

/// The messages, also when the index is damaged: then every hour is looked into, and nothing tells what became of them.
async fn with_id(id: &str, archive: &Archive, context: &Context) -> Result<Known, CommandError> {
    let found = match context.read_catalogue() {
        Ok(catalogue) => known(id, &Library::new(archive.clone(), catalogue)).await,
        Err(error) => Err(error.into()),
    };
    match found {
        Err(query::Error::Index(error)) => {
            context.warn_of_index(error);
            Ok((Library::new(archive.clone(), None).with_id(id).await?, None))
        }
        found => Ok(found?),
    }
}

async fn known(id: &str, library: &Library) -> Result<Known, query::Error> {
    Ok((library.with_id(id).await?, library.changes_of(id).await?))
}

/// Where a message came from, and what became of it.
struct Source<'a> {
    entry: Option<&'a Entry>,
    parts: Option<Vec<RawPart>>,
    promotions: &'a [Promotion],
    /// `None` where there is no index that could tell.
    changes: Option<Changes>,
}

impl Source<'_> {
    fn json(&self, message: Message<'_>) -> Value {
        let place = self.place(message.position.part);
        let columns = self.columns(message).chain(CHANGES.into_iter().zip(self.changes()));
        let columns = columns.map(|(name, cell)| (name.to_owned(), cell.to_json()));
        let mut object: serde_json::Map<String, Value> = columns.collect();
        let place = place.into_iter().map(|(name, cell)| (name.to_owned(), cell.to_json()));
        object.insert("provenance".to_owned(), place.collect::<serde_json::Map<_, _>>().into());
        object.into()
    }

    /// Every column that the message fills, what became of it, and below them where it came from.
    fn print(&self, message: Message<'_>, context: &Context) -> Result<(), CommandError> {
        let part = message.position.part;
        let mut rows = context.output.rows(Format::Table, &["column", "value"]);
        let changes = CHANGES.into_iter().zip(self.changes()).filter(|(_, cell)| *cell == Cell::Truth(true));
        let cells = self.columns(message).chain(changes).chain(self.place(part));
        for (name, cell) in cells.filter(|(_, cell)| *cell != Cell::Nothing) {
            rows.push(&[Cell::from(name), cell])?;
        }
        rows.finish()?;
        if part >= RETAINED_PARTS {
            context
                .output
                .note("the service no longer serves it in this hour: there is no served file, only the row is kept");
        }
        Ok(())
    }

    fn changes(&self) -> [Cell; CHANGES.len()] {
        self.changes.map_or([Cell::Nothing, Cell::Nothing], marks)
    }

    fn columns(&self, message: Message<'_>) -> impl Iterator<Item = (&str, Cell)> {
        let promoted = promoted_names(self.promotions).zip(promoted_cells(self.promotions, &message));
        COLUMNS.into_iter().zip(cells(message)).chain(promoted)
    }

    fn place(&self, part: Part) -> [(&'static str, Cell); 5] {
        let raw = self.parts.as_ref().and_then(|parts| parts.iter().find(|raw| raw.part == part));
        [
            ("served_file", Cell::from(raw.map(|raw| raw.path.display().to_string()))),
            ("served_sha256", Cell::from(raw.map(|raw| raw.sha256.clone()))),
            ("archived_at", Cell::from(self.entry.map(|entry| entry.at))),
            ("archived_by", Cell::from(self.entry.map(|entry| format!("{} (annals {})", entry.source, entry.version)))),
            ("hour_state", Cell::from(self.entry.map(|entry| entry.state.word().to_owned()))),
        ]
    }
}
