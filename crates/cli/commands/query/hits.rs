//! Messages as a list, a page or a file.

use std::borrow::Cow;

use archive::{Projection, Promotion};
use chat::{Message, Sink as _};
use clap::ValueEnum;
use index::{Changes, Query};
use query::{Answer, Found, Group, Library, Line, Question};

use crate::commands::message::{COLUMNS, LISTED, cells, gist, promoted_cells, promoted_names, without_secrets};
use crate::commands::query::cursor::Cursor;
use crate::commands::query::{Args, asked, chat_page};
use crate::context::Context;
use crate::error::CommandError;
use crate::output::{Cell, Format, Output, WriteError};

/// In which form messages are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Columns for a person
    Table,
    /// One JSON object a line
    Jsonl,
    /// RFC 4180, with a header; nothing between two commas is null, "" is an empty text
    Csv,
    /// A file with the columns of the table
    Parquet,
    /// A page that reads as a chat, without scripts
    Html,
}

impl Form {
    /// The form asked for, or the one that suits the reader.
    pub(super) fn chosen(form: Option<Self>, json: bool, output: &Output) -> Self {
        match form {
            Some(form) => form,
            None if json || !output.is_terminal() => Self::Jsonl,
            None => Self::Table,
        }
    }

    /// What is read of the messages to print them so.
    pub(super) fn projection(self) -> Projection {
        match self {
            Self::Table | Self::Html => Projection::Only(&LISTED),
            Self::Jsonl | Self::Csv | Self::Parquet => Projection::All,
        }
    }

    /// The form of a list, if it is one.
    pub(super) fn list(self) -> Option<Format> {
        match self {
            Self::Table => Some(Format::Table),
            Self::Jsonl => Some(Format::Jsonl),
            Self::Csv => Some(Format::Csv),
            Self::Parquet | Self::Html => None,
        }
    }
}

/// Refuses `--context` where the form cannot tell a hit from what was said around it.
///
/// # Errors
///
/// When it is asked for in a Parquet file, whose columns are those of the table.
pub(super) fn refuse_what_has_no_place(args: &Args, context: &Context) -> Result<(), CommandError> {
    let form = Form::chosen(args.format, args.json, &context.output);
    if args.context.is_none() || form != Form::Parquet {
        return Ok(());
    }
    let refusal = CommandError::usage("a Parquet file of hits has no place for the messages around them");
    Err(refusal.hint("leave --context away, or choose --format jsonl, csv, table or html"))
}

/// Prints the hits, with what was said around them if that was asked for.
///
/// # Errors
///
/// When the rows around them cannot be read, or the output fails.
pub(super) async fn print(
    args: &Args,
    question: &Question,
    answer: Answer,
    library: &Library,
    context: &Context,
) -> Result<(), CommandError> {
    let form = Form::chosen(args.format, args.json, &context.output);
    let promotions = library.promotions().await?;
    let (total, shown, next) = (answer.total, answer.hits.len() as u64, answer.next);
    let cursor = next.map(|place| Cursor::write(place, &asked(args)));
    match (form, args.context) {
        (Form::Parquet, _) => parquet(answer.hits, &promotions, context)?,
        (Form::Html, around) => {
            let groups = groups(answer.hits, around, question.projection, library).await?;
            context.output.raw(chat_page::page(&groups, &question.query, &args.text()).as_bytes())?;
        }
        (list, Some(around)) => {
            let groups = groups(answer.hits, Some(around), question.projection, library).await?;
            let format = list.list().unwrap_or(Format::Jsonl);
            let cursor = cursor.as_deref().filter(|_| format == Format::Jsonl);
            group_rows(&groups, &question.query, format, &promotions, cursor, context)?;
        }
        (list, None) => rows(answer.hits, args, &question.query, list, &promotions, cursor.as_deref(), context)?,
    }
    if let Some(cursor) = cursor {
        context.output.note(format_args!(
            "{shown} of {total} messages; --limit shows more, and the next page is\n--cursor {cursor}"
        ));
    }
    Ok(())
}

/// The messages around the hits; without any, the hits that follow one another in the same conversation.
async fn groups(
    hits: Vec<Found>,
    around: Option<usize>,
    projection: Projection,
    library: &Library,
) -> Result<Vec<Group>, CommandError> {
    if let Some(around) = around {
        let messages: Vec<_> = hits.into_iter().map(|hit| hit.message).collect();
        return Ok(library.around(&messages, around, projection).await?);
    }
    let mut groups: Vec<Group> = Vec::new();
    for hit in hits {
        let line = Line { message: hit.message, is_hit: true, changes: hit.changes, missing_before: Vec::new() };
        let place = |line: &Line| line.message.conversation.clone();
        match groups.last_mut().filter(|group| group.lines.last().map(place) == Some(place(&line))) {
            Some(group) => group.lines.push(line),
            None => groups.push(Group { lines: vec![line] }),
        }
    }
    Ok(groups)
}

fn rows(
    hits: Vec<Found>,
    args: &Args,
    query: &Query,
    form: Form,
    promotions: &[Promotion],
    cursor: Option<&str>,
    context: &Context,
) -> Result<(), CommandError> {
    let score = |hit: &Found| args.explain.then(|| Cell::from(f64::from(hit.score)));
    if form == Form::Table {
        let columns = ["sent_at", "sender", "conversation", "text"].into_iter().chain(args.explain.then_some("score"));
        let mut rows = context.output.rows(Format::Table, &columns.collect::<Vec<_>>());
        for hit in &hits {
            let row = table_row(&hit.message, hit.changes, query);
            rows.push(&row.into_iter().chain(score(hit)).collect::<Vec<_>>())?;
        }
        return Ok(rows.finish()?);
    }
    let columns = COLUMNS.into_iter().chain(promoted_names(promotions)).chain(CHANGES);
    let columns: Vec<_> = columns.chain(args.explain.then_some("score")).collect();
    let mut rows = context.output.rows(form.list().unwrap_or(Format::Jsonl), &columns);
    let last = hits.len().saturating_sub(1);
    for (at, hit) in hits.into_iter().enumerate() {
        let score = score(&hit);
        let promoted = promoted_cells(promotions, &hit.message);
        let row = cells(hit.message).into_iter().chain(promoted).chain(marks(hit.changes));
        let row: Vec<_> = row.chain(score).collect();
        rows.push_with(&row, cursor.filter(|_| at == last).map(|cursor| ("cursor", Cell::from(cursor))))?;
    }
    Ok(rows.finish()?)
}

/// The columns that say what became of a message.
pub(in crate::commands) const CHANGES: [&str; 2] = ["recalled", "edited"];

/// The cells of [`CHANGES`].
pub(in crate::commands) fn marks(changes: Changes) -> [Cell; 2] {
    [Cell::Truth(changes.is_recalled), Cell::Truth(changes.is_edited)]
}

/// The columns that say where a message stands among others.
const AROUND: [&str; 3] = ["hit", "group", "missing_before"];

/// Prints messages with those around them: groups are counted from 1.
///
/// # Errors
///
/// When the output fails.
pub(in crate::commands) fn group_rows(
    groups: &[Group],
    query: &Query,
    format: Format,
    promotions: &[Promotion],
    cursor: Option<&str>,
    context: &Context,
) -> Result<(), WriteError> {
    if format == Format::Table {
        return group_table(groups, query, context);
    }
    let columns: Vec<_> = COLUMNS.into_iter().chain(promoted_names(promotions)).chain(CHANGES).chain(AROUND).collect();
    let mut rows = context.output.rows(format, &columns);
    let lines = (1_u64..).zip(groups).flat_map(|(number, group)| group.lines.iter().map(move |line| (number, line)));
    let last = groups.iter().map(|group| group.lines.len()).sum::<usize>().saturating_sub(1);
    for (at, (number, line)) in lines.enumerate() {
        let missing = line.missing_before.len() as u64;
        let place = [Cell::Truth(line.is_hit), Cell::from(number), Cell::from(missing)];
        let promoted = promoted_cells(promotions, &line.message);
        let row = cells(line.message.clone()).into_iter().chain(promoted).chain(marks(line.changes));
        let row: Vec<_> = row.chain(place).collect();
        rows.push_with(&row, cursor.filter(|_| at == last).map(|cursor| ("cursor", Cell::from(cursor))))?;
    }
    rows.finish()
}

fn group_table(groups: &[Group], query: &Query, context: &Context) -> Result<(), WriteError> {
    let mut rows = context.output.rows(Format::Table, &["", "sent_at", "sender", "conversation", "text"]);
    for (at, group) in groups.iter().enumerate() {
        if at > 0 {
            rows.push(&["--".into(), Cell::Nothing, Cell::Nothing, Cell::Nothing, Cell::Nothing])?;
        }
        for line in &group.lines {
            if let Some(gap) = gap(line) {
                rows.push(&[Cell::Nothing, Cell::Nothing, Cell::Nothing, Cell::Nothing, Cell::from(gap)])?;
            }
            let [sent_at, sender, conversation, text] = table_row(&line.message, line.changes, query);
            let mark = if line.is_hit { Cell::from(">") } else { Cell::Nothing };
            rows.push(&[mark, sent_at, sender, conversation, text])?;
        }
    }
    rows.finish()
}

/// What is missing before a message, in words.
pub(super) fn gap(line: &Line) -> Option<String> {
    let (first, last) = (line.missing_before.first()?, line.missing_before.last()?);
    let all = last.number() - first.number() + 1;
    Some(match line.missing_before.len() {
        1 => format!("… {first} is not archived …"),
        hours if i64::try_from(hours) == Ok(all) => {
            format!("… {hours} hours from {first} to {last} are not archived …")
        }
        hours => format!("… {hours} of the {all} hours from {first} to {last} are not archived …"),
    })
}

/// A hit as a row for a person.
pub(in crate::commands) fn table_row(message: &Message<'_>, changes: Changes, query: &Query) -> [Cell; 4] {
    let mut text = gist(message);
    let marks = query.highlight(&text);
    for word in words(changes) {
        text.extend([" [", word, "]"]);
    }
    let owned = |text: &Option<Cow<'_, str>>| Cell::from(text.as_deref().map(str::to_owned));
    [Cell::from(message.sent_at), owned(&message.sender), owned(&message.conversation), Cell::Marked { text, marks }]
}

/// What became of a message, in words.
pub(super) fn words(changes: Changes) -> impl Iterator<Item = &'static str> {
    let recalled = changes.is_recalled.then_some("recalled");
    recalled.into_iter().chain(changes.is_edited.then_some("edited"))
}

fn parquet(hits: Vec<Found>, promotions: &[Promotion], context: &Context) -> Result<(), CommandError> {
    if context.output.is_terminal() {
        return Err(CommandError::usage("a Parquet file is nothing for a terminal").hint("add > hits.parquet"));
    }
    let failed = |error: archive::Error| CommandError::usage(error).while_doing("could not write the hits as Parquet");
    let messages: Vec<_> = hits.into_iter().map(|hit| safe(hit.message)).collect();
    let columns: Vec<_> = COLUMNS.into_iter().chain(promoted_names(promotions)).collect();
    let file = archive::Extract::promoting(Vec::new(), archive::Form::Parquet, &columns, promotions);
    let mut file = file.map_err(failed)?;
    file.write(&messages).map_err(failed)?;
    Ok(context.output.raw(&file.finish().map_err(failed)?)?)
}

/// The message without the share secrets in its columns and those that `rest` may quote.
fn safe(mut message: Message<'static>) -> Message<'static> {
    message.hide_share_secrets();
    message.rest = message.rest.map(|rest| Cow::Owned(without_secrets(&rest)));
    message
}

#[cfg(test)]
mod tests {
    use chat::{Hour, Position};

    use super::*;

    #[test]
    fn a_gap_names_no_hour_that_is_archived() {
        for (hours, expected) in [
            (&[][..], None),
            (&[13], Some("… 2026-03-14T13Z is not archived …")),
            (&[12, 13, 14], Some("… 3 hours from 2026-03-14T12Z to 2026-03-14T14Z are not archived …")),
            (&[13, 14, 16], Some("… 3 of the 4 hours from 2026-03-14T13Z to 2026-03-14T16Z are not archived …")),
        ] {
            let missing_before = hours.iter().map(|hour| format!("2026-03-14T{hour}").parse().unwrap()).collect();
            let message = Message::at(Position { source_hour: Hour::from_number(0), part: 0, line: 1 });
            let line = Line { message, is_hit: true, changes: Changes::default(), missing_before };
            assert_eq!(gap(&line).as_deref(), expected);
        }
    }
}
