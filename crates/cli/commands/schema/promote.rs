//! `annals schema --promote`.

use archive::{MemberPlace, Promotion, Root};
use decode::{Place, columns_of};
use ingest::{Filled, Fitted, Fitting, Workshop};
use serde_json::{Value, json};
use store::Access;

use super::VERSION;
use crate::commands::compact::compaction;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Format, bytes, visible};

/// What is to be promoted, and how.
#[derive(Debug, clap::Args)]
pub(super) struct PromoteArgs {
    /// Give a member a column of its own in `messages`, for the past too; can be repeated. PLACE is ext.order_id,
    /// ext.order."a.b", payload.operation, …; TYPE is string, int64, float64, bool, timestamp or json
    #[arg(long, value_name = "PLACE:TYPE", conflicts_with = "drift")]
    pub(super) promote: Vec<String>,

    /// The name of the column, in place of the one that is made of PLACE: once for each --promote, in their order
    #[arg(long = "as", value_name = "NAME", requires = "promote")]
    names: Vec<String>,

    /// Only say what --promote would do
    #[arg(long, requires = "promote")]
    dry_run: bool,
}

/// Adds the columns, and fills them in the files that are there.
///
/// # Errors
///
/// When there is no such place or type, a name is not to be, or the archive cannot be read or written.
pub(super) async fn run(args: &PromoteArgs, as_json: bool, context: &Context) -> Result<Exit, CommandError> {
    let wanted = args.promotions()?;
    let archive = context.open_archive(Access::Existing).await?;
    let workshop = context.workshop(archive, None, None);
    let known = workshop.archive.promotions().await?;
    // One of before stays: it is filled like the others.
    wanted.iter().filter(|wanted| !known.contains(wanted)).try_for_each(|wanted| has_no_column(&wanted.place))?;
    let mut joined = known.clone();
    wanted.iter().try_for_each(|promotion| promotion.clone().join(&mut joined)).map_err(refused)?;
    let fitting = tokio::select! {
        biased;
        () = workshop.stop.cancelled() => return Ok(Exit::Interrupted),
        fitting = workshop.fit(&wanted) => fitting.map_err(CommandError::from)?,
    };
    let is_new = |promotion: &Promotion| !known.contains(promotion);
    let done = if args.dry_run {
        let (files, rows) = to_fill(&workshop, wanted.iter().any(is_new)).await?;
        Done { files, rows, ..Done::default() }
    } else {
        workshop.archive.promote(&wanted).await?;
        let filled = workshop.fill(compaction(context)).await.map_err(CommandError::from)?;
        Done::of(filled)
    };
    let told = Told { fitting: &fitting, known: &known, is_dry: args.dry_run, done: &done };
    if as_json {
        context.output.json(&told.json())?;
    } else {
        told.print(context)?;
    }
    done.warn(context);
    Ok(done.exit())
}

impl PromoteArgs {
    fn promotions(&self) -> Result<Vec<Promotion>, CommandError> {
        if !self.names.is_empty() && self.names.len() != self.promote.len() {
            let error = CommandError::usage("--as is to be given once for each --promote, or not at all");
            return Err(error.hint("promote those that keep the name of their place by a command of their own"));
        }
        let names = self.names.iter().map(|name| Some(name.as_str())).chain(std::iter::repeat(None));
        let promotion = |(text, name): (&String, Option<&str>)| Promotion::new(text, name).map_err(refused);
        self.promote.iter().zip(names).map(promotion).collect()
    }
}

fn refused(error: archive::PromotionError) -> CommandError {
    use archive::PromotionError::{Name, Place, Taken, TooMany, Type};
    let hint = match &error {
        Name { .. } => "--as NAME gives the column another name",
        Place { .. } | Type(_) => "`annals schema --drift` lists names with their places and types",
        Taken { .. } => "a column stays what it is: promote it under another name with --as",
        TooMany => "a column of type json holds a whole object: see docs/schema.md",
    };
    CommandError::usage(error).hint(hint)
}

/// Refuses a member that a column of the program has: a promoted one would have it only where it was written oddly.
fn has_no_column(place: &MemberPlace) -> Result<(), CommandError> {
    let object = match place.root {
        Root::Ext => Place::Ext,
        Root::Record => Place::Record,
        Root::Payload => Place::Payload,
        Root::Body => Place::Body,
    };
    let Some(columns) = place.names.first().and_then(|name| columns_of(object, name)) else { return Ok(()) };
    let word = if columns.len() == 1 { "column" } else { "columns" };
    let error = match columns {
        [] => CommandError::usage(format!("the members of {place} have columns, or places of their own"))
            .hint("name a member: payload.NAME, or body.NAME of the first body"),
        ["ext"] => {
            CommandError::usage(format!("{place} is in the column `ext`")).hint("write ext.NAME for a member of it")
        }
        columns => CommandError::usage(format!("{place} is in the {word} `{}`", columns.join("` and `")))
            .hint("`annals schema` lists the columns that there are"),
    };
    Err(error)
}

/// The files that a column is to be filled in, and their rows: all, if it is new.
async fn to_fill(workshop: &Workshop, is_new: bool) -> Result<(u64, u64), CommandError> {
    let files = if is_new {
        workshop.archive.snapshot().await?.files().to_vec()
    } else {
        workshop.archive.unfilled().await?.files
    };
    Ok((files.len() as u64, files.iter().map(|file| file.rows).sum()))
}

/// What was done, or would be.
#[derive(Default)]
struct Done {
    files: u64,
    rows: u64,
    bytes_before: u64,
    bytes_after: u64,
    left: u64,
    foreign: u64,
    failures: Vec<(String, String)>,
}

impl Done {
    fn of(filled: Filled) -> Self {
        let Filled { written, left, foreign, failures } = filled;
        let failures = failures.into_iter().map(|(file, error)| (file, CommandError::from(error).in_one_line()));
        Self {
            files: written.files_before,
            rows: written.rows,
            bytes_before: written.bytes_before,
            bytes_after: written.bytes_after,
            left,
            foreign,
            failures: failures.collect(),
        }
    }

    /// Says which files lack a column still, and why.
    fn warn(&self, context: &Context) {
        for (file, error) in &self.failures {
            let error = visible(error);
            context.output.warn(format_args!("messages/{file} was not written anew and stays as it is: {error}"));
        }
        if self.left > 0 {
            let files = self.left;
            context
                .output
                .warn(format_args!("{files} files are left: run it again, or any fetch or compact, to go on"));
        }
        if self.foreign > 0 {
            let files = self.foreign;
            context.output.warn(format_args!(
                "{files} files were written by another program and stay without the columns: load their hours again"
            ));
        }
    }

    fn exit(&self) -> Exit {
        if self.foreign > 0 || !self.failures.is_empty() {
            return Exit::HoursFailed;
        }
        if self.left > 0 { Exit::Interrupted } else { Exit::Done }
    }
}

/// What is told of it.
struct Told<'a> {
    fitting: &'a Fitting,
    known: &'a [Promotion],
    is_dry: bool,
    done: &'a Done,
}

impl Told<'_> {
    fn print(&self, context: &Context) -> Result<(), CommandError> {
        let mut rows = context.output.rows(Format::Table, &["column", "type", "place", "filled", "unfit"]);
        for Fitted { promotion, filled, unfit } in &self.fitting.columns {
            let (kind, place) = (promotion.kind.to_string(), promotion.place.to_string());
            rows.push(&[
                promotion.column.as_str().into(),
                kind.into(),
                place.into(),
                (*filled).into(),
                (*unfit).into(),
            ])?;
        }
        rows.finish()?;
        let Done { files, rows, bytes_before, bytes_after, .. } = self.done;
        let messages = self.fitting.messages;
        if self.is_dry {
            context
                .output
                .note(format_args!("of {messages} messages; {files} files of {rows} rows would be written anew"));
        } else {
            let (before, after) = (bytes(*bytes_before), bytes(*bytes_after));
            context.output.note(format_args!(
                "of {messages} messages; {files} files of {rows} rows were written anew: {before} became {after}"
            ));
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let column = |fitted: &Fitted| {
            let mut column = fitted_json(fitted);
            column["new"] = (!self.known.contains(&fitted.promotion)).into();
            column
        };
        let failure = |(file, error): &(String, String)| json!({ "file": file, "error": error });
        json!({
            "version": VERSION,
            "dry_run": self.is_dry,
            "messages": self.fitting.messages,
            "columns": self.fitting.columns.iter().map(column).collect::<Vec<_>>(),
            "files": self.done.files,
            "rows": self.done.rows,
            "bytes_before": self.done.bytes_before,
            "bytes_after": self.done.bytes_after,
            "left": self.done.left,
            "foreign": self.done.foreign,
            "failures": self.done.failures.iter().map(failure).collect::<Vec<_>>(),
        })
    }
}

/// A promoted column, and what rows have for it.
pub(super) fn fitted_json(Fitted { promotion, filled, unfit }: &Fitted) -> Value {
    json!({
        "column": promotion.column,
        "place": promotion.place.to_string(),
        "type": promotion.kind.to_string(),
        "filled": filled,
        "unfit": unfit,
    })
}
