//! A run of saved searches over what was archived since the last one.

use std::collections::BTreeSet;

use chat::Hour;
use index::Query;
use query::{Due, Library, mark};
use store::{Access, Archive, WatchName, Watched};
use tokio_util::sync::CancellationToken;

use super::delivery::{Batch, Of, Receiver, Subject, webhook};
use super::edit::begun;
use super::{From, RunArgs, unknown};
use crate::commands::query::pointed_at;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Format;
use crate::settings::{Watch, WatchEntry};

/// Hits whose rows are read at once.
const PAGE: usize = 1_000;

/// Hours that are named; the others are counted.
const NAMED: usize = 10;

/// Runs the searches that are named, or all. What keeps one from running keeps no other from it.
///
/// # Errors
///
/// When a name is none, there is no archive, or stdout takes nothing.
pub(super) async fn run(args: &RunArgs, context: &Context) -> Result<Exit, CommandError> {
    let entries = chosen(&args.names, context)?;
    let archive = context.open_archive(Access::Existing).await?;
    if entries.is_empty() {
        context.output.note("no search is saved; `annals watch add NAME QUERY` saves one");
        return Ok(Exit::Done);
    }
    let library = Library::new(archive.clone(), context.index_what_is_behind(&archive, None).await?);
    let (format, stop) = (args.chosen(&context.output), context.stop.token());
    let look = Look { archive, library, from: args.from, format, stop, context };
    let mut exits = Vec::new();
    for entry in entries {
        if look.stop.is_cancelled() {
            exits.push(Exit::Interrupted);
            break;
        }
        match look.at(entry).await {
            Ok(exit) => exits.push(exit),
            Err(error) if error.is_broken_pipe() => return Err(error),
            Err(error) => {
                exits.push(error.exit());
                context.output.error(&error.while_doing(format!("the search `{}` failed", entry.name)));
            }
        }
    }
    Ok(Exit::worst(exits))
}

/// Runs all searches, as after a fetch.
///
/// # Errors
///
/// As [`run`].
pub(in crate::commands) async fn all(context: &Context) -> Result<Exit, CommandError> {
    run(&RunArgs::default(), context).await
}

/// What is wrong with a search as it stands in the settings, or with what the archive knows to be told.
pub(super) fn problem(entry: &WatchEntry, archive: Option<&Archive>, context: &Context) -> Option<CommandError> {
    let looked_at = || {
        let (watch, _) = read(entry, context)?;
        watch.webhook.map_or(Ok(()), |url| webhook(&url, context).map(|_| ()))?;
        archive.map_or(Ok(()), |archive| told(archive, &watch.name).map(|_| ()))
    };
    looked_at().err()
}

/// What a search has told; `None` before its first run.
fn told(archive: &Archive, name: &WatchName) -> Result<Option<Watched>, CommandError> {
    archive.watched(name).map_err(|error| match error {
        // Nothing tells what was in it, and `verify` looks at messages.
        store::Error::Damaged { .. } => CommandError::usage(error).hint(format!(
            "`annals watch remove {name}` and `annals watch add {name} QUERY --from HOUR` begin anew: with an hour from before \
             its last good run nothing is missed, and hits since then are told once more"
        )),
        other => other.into(),
    })
}

fn chosen<'a>(names: &[String], context: &'a Context) -> Result<Vec<&'a WatchEntry>, CommandError> {
    let entries = context.settings.watches();
    let missing = names.iter().find(|name| !entries.iter().any(|entry| entry.name == **name));
    if let Some(name) = missing {
        return Err(unknown(name, context));
    }
    Ok(entries.iter().filter(|entry| names.is_empty() || names.contains(&entry.name)).collect())
}

/// The search and its query. Whatever is wrong was written by hand: it fails the search, and not the command.
fn read(entry: &WatchEntry, context: &Context) -> Result<(Watch, Query), CommandError> {
    let watch = entry.read().map_err(|error| CommandError::from(error).ending_with(Exit::HoursFailed))?;
    let query = Query::parse_at(&watch.query, context.clock.now()).map_err(|error| {
        let error = pointed_at(&watch.query, &error).ending_with(Exit::HoursFailed);
        error.while_doing(format!("{}: `watch.{}.query` is no query", watch.place, watch.name))
    })?;
    Ok((watch, query))
}

/// What searches are run with.
struct Look<'a> {
    archive: Archive,
    library: Library,
    from: Option<From>,
    format: Format,
    stop: CancellationToken,
    context: &'a Context,
}

/// A search that is running.
struct Running<'a> {
    look: &'a Look<'a>,
    name: WatchName,
    subject: Subject<'a>,
    receiver: Receiver,
    /// What was told and what is about to be: it is kept when all of it was told.
    watched: Watched,
    batch: Batch,
    told: u64,
}

impl Look<'_> {
    async fn at(&self, entry: &WatchEntry) -> Result<Exit, CommandError> {
        let (watch, query) = read(entry, self.context)?;
        let receiver = match &watch.webhook {
            None => Receiver::Print(self.format),
            Some(address) => {
                Receiver::Post(webhook(address, self.context).map_err(|error| error.ending_with(Exit::HoursFailed))?)
            }
        };
        let Some(_turn) = self.archive.watch_turn(&watch.name)? else {
            return Err(CommandError::usage("another run of it is at work").hint("wait until it is done"));
        };
        let watched = self.watched(&watch.name).await?;
        let subject = Subject { name: watch.name.to_string(), text: &watch.query, query: &query };
        let (name, batch) = (watch.name.clone(), Batch::default());
        Running { look: self, name, subject, receiver, watched, batch, told: 0 }.run().await
    }

    /// What a search has told, without the hours that it looks back on. These are due from now on, whatever becomes of this run.
    async fn watched(&self, name: &WatchName) -> Result<Watched, CommandError> {
        let known = told(&self.archive, name)?;
        if known.is_none() && self.from.is_none() {
            self.context.output.note(format_args!("{name}: looks on what is archived from now on; --from looks back"));
        }
        let mut watched = match known {
            Some(watched) => watched,
            None => begun(&self.archive, self.from).await?,
        };
        if let Some(from) = self.from {
            watched.hours.retain(|hour, _| !from.includes(*hour));
            self.archive.keep_watched(name, &watched)?;
        }
        Ok(watched)
    }
}

impl Running<'_> {
    async fn run(mut self) -> Result<Exit, CommandError> {
        let look = self.look;
        let due = look.library.due(&self.watched.hours).await?;
        self.name_what_is_not_indexed(&due.not_indexed);
        let with_hits: BTreeSet<Hour> = match due.hours.is_empty() {
            true => BTreeSet::new(),
            false => look.library.hours_with(self.subject.query)?,
        };
        for (&hour, publication) in &due.hours {
            if look.stop.is_cancelled() {
                return Ok(Exit::Interrupted);
            }
            if with_hits.contains(&hour) {
                self.hour(&due, hour, publication).await?;
            }
            self.watched.hours.insert(hour, publication.clone());
        }
        if !self.batch.is_empty() {
            self.tell(Of { hour: Hour::from_number(0), publication: "", truncated: false }).await?;
        }
        look.archive.keep_watched(&self.name, &self.watched)?;
        self.say_how_many();
        Ok(Exit::Done)
    }

    async fn hour(&mut self, due: &Due, hour: Hour, publication: &str) -> Result<(), CommandError> {
        let (mut after, library) = (None, &self.look.library);
        loop {
            let (found, next) = library.in_hour(due, hour, self.subject.query, after, PAGE).await?;
            for hit in found {
                let mark = mark(&hit.message);
                if self.watched.was_told(mark) {
                    continue;
                }
                if self.receiver.is_full(&self.batch, &hit) {
                    self.tell(Of { hour, publication, truncated: true }).await?;
                }
                self.watched.note_told(hour, mark);
                self.batch.push(hit);
                self.told += 1;
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        if self.receiver.parts_hours() && !self.batch.is_empty() {
            self.tell(Of { hour, publication, truncated: false }).await?;
        }
        Ok(())
    }

    /// Tells the batch, and notes for good that it was told.
    async fn tell(&mut self, of: Of<'_>) -> Result<(), CommandError> {
        self.receiver.tell(&mut self.batch, of, &self.subject, self.look.context).await?;
        Ok(self.look.archive.keep_watched(&self.name, &self.watched)?)
    }

    fn name_what_is_not_indexed(&self, hours: &[Hour]) {
        if hours.is_empty() {
            return;
        }
        let named: Vec<_> = hours.iter().take(NAMED).map(Hour::to_string).collect();
        let others = hours.len().saturating_sub(NAMED);
        let others = if others == 0 { String::new() } else { format!(" and {others} others") };
        self.look.context.output.warn(format_args!(
            "{}: hours that are not indexed yet stay due: {}{others}",
            self.name,
            named.join(", ")
        ));
    }

    fn say_how_many(&self) {
        let messages = match self.told {
            1 => "1 new message".to_owned(),
            told => format!("{told} new messages"),
        };
        let way = match &self.receiver {
            Receiver::Post(webhook) if self.told > 0 => format!(", posted to {}", webhook.host()),
            _ => String::new(),
        };
        self.look.context.output.note(format_args!("{}: {messages}{way}", self.name));
    }
}
