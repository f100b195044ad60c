//! `annals verify --search`.

use std::ops::Range;

use chat::Hour;
use index::Query;
use ingest::{Finding, Searched, Searches};
use serde_json::{Value, json};
use store::Archive;

use super::Args;
use crate::commands::query::pointed_at;
use crate::context::Context;
use crate::error::CommandError;

/// The searches that are asked for.
pub(super) fn asked_for(args: &Args, context: &Context) -> Result<Option<Searches>, CommandError> {
    let now = context.clock.now();
    let parse = |text: &String| Query::parse_at(text, now).map_err(|error| pointed_at(text, &error));
    let given = args.query.iter().map(|text| Ok((text.clone(), parse(text)?))).collect::<Result<_, CommandError>>()?;
    Ok(args.search.then_some(Searches { made: args.queries, seed: args.seed, given }))
}

/// Puts the searches. An index that cannot be read was found to be so before.
pub(super) async fn put(
    context: &Context,
    archive: Archive,
    range: Range<Hour>,
    searches: &Searches,
    findings: &mut Vec<Finding>,
) -> Result<Option<Searched>, CommandError> {
    let Ok(catalogue) = context.read_catalogue() else { return Ok(None) };
    let room = context.reading_room(archive, catalogue, None);
    match room.verify_search(range, searches).await {
        Ok((searched, found)) => {
            findings.extend(found);
            Ok(Some(searched))
        }
        Err(ingest::Error::Index(error)) => {
            let finding = Finding::of_index(error);
            if !findings.contains(&finding) {
                findings.push(finding);
            }
            Ok(None)
        }
        // That a file cannot be read is a finding already, by its name.
        Err(ingest::Error::Rows { .. }) if !findings.is_empty() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The most queries: each is held in memory, with what it finds.
const MOST_QUERIES: usize = 1_000_000;

pub(super) fn queries(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number <= MOST_QUERIES);
    number.ok_or_else(|| format!("it is a whole number up to {MOST_QUERIES}"))
}

pub(super) fn json_of(searched: &Searched, seed: u64) -> Value {
    json!({
        "seed": seed,
        "queries": searched.queries,
        "differing": searched.differing,
        "messages": searched.messages,
        "matches": searched.matches,
        "hours": searched.hours,
        "not_indexed": searched.not_indexed.iter().map(|hour| hour.key()).collect::<Vec<_>>(),
    })
}

/// Hours that are named when they were left out.
const NAMED_HOURS: usize = 10;

pub(super) fn print(searched: &Searched, context: &Context) -> Result<(), CommandError> {
    context.output.line(format_args!(
        "{} searches of {} messages in {} hours: {} matches agreed on, {} searches differ",
        searched.queries, searched.messages, searched.hours, searched.matches, searched.differing
    ))?;
    if !searched.not_indexed.is_empty() {
        let named: Vec<_> = searched.not_indexed.iter().take(NAMED_HOURS).map(ToString::to_string).collect();
        let more = if searched.not_indexed.len() > NAMED_HOURS { ", …" } else { "" };
        context.output.note(format_args!(
            "{} hours that the index does not hold were left out: {}{more}",
            searched.not_indexed.len(),
            named.join(", ")
        ));
    }
    Ok(())
}
