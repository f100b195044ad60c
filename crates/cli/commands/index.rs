//! `annals index`.

use std::fs;

use index::{Catalogue, FieldBytes, Statistics};
use serde_json::{Map, Value, json};
use store::Access;

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format, bytes};

/// Look at the search index, build it anew, or put it together
///
/// The index is derived: the tables have everything, and `annals index rebuild` makes it again from them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals index stats
  annals index stats --json
  annals index rebuild
  annals index merge

Exit codes: 0 done; 2 there is no index, it is damaged, or another process is writing to it; 130 stopped.")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

/// What to do with the index.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum What {
    /// Print what the index holds and what each field takes
    Stats {
        /// Print it as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Build the index anew from the tables
    ///
    /// The index that is there answers until the new one stands. A rebuild that was stopped or killed goes on where it was when it is
    /// run again.
    Rebuild,
    /// Put all segments together into one, which makes searches a little faster
    Merge,
}

/// Looks at the index, or makes it anew.
///
/// # Errors
///
/// When there is no archive or no index, the index is damaged, or another process is writing to it.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    match args.what {
        What::Stats { json } => stats(json, context).await,
        What::Rebuild => rebuild(context).await,
        What::Merge => merge(context).await,
    }
}

async fn stats(json: bool, context: &Context) -> Result<Exit, CommandError> {
    let statistics = opened(context).await?.statistics().map_err(CommandError::from)?;
    if json {
        context.output.json(&json_of(&statistics))?;
    } else {
        print(&statistics, context)?;
    }
    Ok(Exit::Done)
}

async fn opened(context: &Context) -> Result<Catalogue, CommandError> {
    context.open_archive(Access::Existing).await?;
    context.read_catalogue().map_err(CommandError::from)?.ok_or_else(|| {
        CommandError::usage(format!("there is no search index in {}", context.index_folder().display()))
            .hint("`annals index rebuild` builds it, as the next search does")
    })
}

async fn rebuild(context: &Context) -> Result<Exit, CommandError> {
    let archive = context.open_archive(Access::Existing).await?;
    let next = context.index_folder().with_extension("next");
    let catalogue = context.begin_catalogue(&next)?;
    let workshop = context.workshop(archive, Some(catalogue), None);
    let followed = workshop.follow().await.map_err(CommandError::from)?;
    workshop.close_index().await.map_err(CommandError::from)?;
    if context.stop.give_back() {
        context.output.note("stopped; the same command goes on, and the index that was there still answers");
        return Ok(Exit::Interrupted);
    }
    drop(workshop);
    Catalogue::replace(&context.index_folder(), &next).map_err(CommandError::from)?;
    if followed.unreadable > 0 {
        context.output.warn(format_args!(
            "{} hours could not be indexed, because their messages cannot be read; `annals verify` says more",
            followed.unreadable
        ));
    }
    let documents = opened(context).await?.documents().map_err(CommandError::from)?;
    context.output.line(format_args!("the index was built anew: {documents} messages"))?;
    Ok(Exit::Done)
}

async fn merge(context: &Context) -> Result<Exit, CommandError> {
    let catalogue = opened(context).await?;
    let merged = tokio::task::spawn_blocking(move || {
        let merged = catalogue.merge();
        catalogue.close().and(merged)
    });
    let merged = merged.await.map_err(CommandError::usage)?.map_err(CommandError::from)?;
    context.output.line(match merged {
        0 | 1 => "there is nothing to put together".to_owned(),
        segments => format!("{segments} segments became one"),
    })?;
    Ok(Exit::Done)
}

impl Context {
    /// Opens an index that is being built; one that is of no use is begun anew.
    fn begin_catalogue(&self, folder: &std::path::Path) -> Result<Catalogue, CommandError> {
        match Catalogue::open(folder, self.index_settings()) {
            Err(error) if error.rebuild_helps() => {
                fs::remove_dir_all(folder).map_err(|error| {
                    CommandError::usage(error).while_doing(format!("could not remove {}", folder.display()))
                })?;
                Ok(Catalogue::open(folder, self.index_settings())?)
            }
            opened => Ok(opened?),
        }
    }
}

fn print(statistics: &Statistics, context: &Context) -> Result<(), CommandError> {
    let mut rows = context.output.rows(Format::Table, &["field", "terms", "postings", "positions", "fast", "bytes"]);
    for (name, field) in &statistics.fields {
        let FieldBytes { terms, postings, positions, column } = *field;
        let numbers = [terms, postings, positions, column, field.total()].map(Cell::from);
        rows.push(&[[Cell::from(name.as_str())].as_slice(), &numbers].concat())?;
    }
    rows.finish()?;
    let Statistics { documents, hours, segments, deleted, .. } = statistics;
    Ok(context.output.line(format_args!(
        "{documents} messages of {hours} hours in {segments} segments, {}; {deleted} documents to be removed",
        bytes(statistics.bytes)
    ))?)
}

fn json_of(statistics: &Statistics) -> Value {
    let field = |field: &FieldBytes| {
        json!({
            "terms": field.terms,
            "postings": field.postings,
            "positions": field.positions,
            "fast": field.column,
            "bytes": field.total(),
        })
    };
    let fields: Map<_, _> = statistics.fields.iter().map(|(name, bytes)| (name.clone(), field(bytes))).collect();
    json!({
        "bytes": statistics.bytes,
        "documents": statistics.documents,
        "deleted": statistics.deleted,
        "hours": statistics.hours,
        "segments": statistics.segments,
        "fields": fields,
    })
}
