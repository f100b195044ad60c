//! Saved searches are put into `annals.toml` of the archive, and taken out of it.

use std::fs;
use std::io;
use std::path::Path;

use index::Query;
use query::Library;
use store::{Access, Archive, Watched};

use super::delivery::webhook;
use super::{AddArgs, From, unknown};
use crate::commands::query::pointed_at;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::negation::unshielded;
use crate::replace::replace_alike;
use crate::settings::{FILE, WatchFileError, with_watch, without_watch};

/// Saves a search. It has told nothing yet, and looks on what is archived from now on, or from where it was told to.
pub(super) async fn add(args: AddArgs, context: &Context) -> Result<Exit, CommandError> {
    let AddArgs { name, words, webhook: address, from } = args;
    let query = words.iter().map(|word| unshielded(word)).collect::<Vec<_>>().join(" ");
    Query::parse_at(&query, context.clock.now()).map_err(|error| pointed_at(&query, &error))?;
    if let Some(address) = &address {
        webhook(address, context)?;
    }
    if context.settings.watches().iter().any(|entry| entry.name == name.to_string()) {
        return Err(CommandError::usage(format!("a search is saved as `{name}` already"))
            .hint(format!("edit it in {FILE}, or `annals watch remove {name}` first")));
    }
    let path = context.archive.join(FILE);
    let archive = context.open_archive(if path.exists() { Access::Create } else { Access::Existing }).await?;
    let file = text_of(&path)?;
    let changed = with_watch(&file, &name, &query, address.as_deref()).map_err(|error| not_changed(error, &path))?;
    archive.keep_watched(&name, &begun(&archive, from).await?)?;
    written(&path, &changed)?;
    context.output.note(format_args!(
        "saved the search `{name}` in {}; `annals watch run` looks for what is new",
        path.display()
    ));
    Ok(Exit::Done)
}

/// What a search has seen that has not been run yet: all that is archived, but for what it looks back on.
pub(super) async fn begun(archive: &Archive, from: Option<From>) -> Result<Watched, CommandError> {
    let mut hours = Library::new(archive.clone(), None).publications().await?;
    hours.retain(|hour, _| !from.is_some_and(|from| from.includes(*hour)));
    Ok(Watched::from_hours(hours))
}

/// Takes a search out of the file, and what it told out of the archive.
pub(super) async fn remove(name: &str, context: &Context) -> Result<Exit, CommandError> {
    if !context.settings.watches().iter().any(|entry| entry.name == name) {
        return Err(unknown(name, context));
    }
    let archive = context.open_archive(Access::Existing).await?;
    let path = context.archive.join(FILE);
    let changed = without_watch(&text_of(&path)?, name).map_err(|error| not_changed(error, &path))?;
    written(&path, &changed)?;
    if let Ok(name) = name.parse() {
        archive.forget_watched(&name)?;
    }
    context.output.note(format_args!("the search `{name}` is saved no more"));
    Ok(Exit::Done)
}

fn text_of(path: &Path) -> Result<String, CommandError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => {
            read.map_err(|error| CommandError::usage(error).while_doing(format!("could not read {}", path.display())))
        }
    }
}

fn written(path: &Path, text: &str) -> Result<(), CommandError> {
    replace_alike(path, text.as_bytes())
        .map_err(|error| CommandError::usage(error).while_doing(format!("could not write {}", path.display())))
}

fn not_changed(error: WatchFileError, path: &Path) -> CommandError {
    let error = CommandError::usage(error).while_doing(format!("could not change {}", path.display()));
    error.hint("edit that file by hand")
}
