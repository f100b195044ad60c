//! Numbers in place of messages: `--count`, `--facet`, `--histogram`.

use chat::{Timestamp, show_time};
use clap::ValueEnum;
use index::{By, Counts, Unit};
use query::Answer;

use crate::commands::query::Args;
use crate::commands::query::chart::{self, Histogram};
use crate::commands::query::hits::Form;
use crate::context::Context;
use crate::error::CommandError;
use crate::output::{Cell, Format};
use crate::replace::replace;

/// What messages are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Facet {
    /// The sender
    From,
    /// The recipient
    To,
    /// The conversation
    In,
    /// The type of the first body
    Type,
    /// The day in UTC
    Day,
}

/// The stretches of time that messages are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stretch {
    /// From one whole hour to the next
    Hour,
    /// From midnight to midnight
    Day,
    /// From Monday to Monday
    Week,
    /// From the first of a month to the next
    Month,
}

impl Facet {
    pub(crate) fn by(self) -> By {
        match self {
            Self::From => By::Value(index::Facet::From),
            Self::To => By::Value(index::Facet::To),
            Self::In => By::Value(index::Facet::In),
            Self::Type => By::Value(index::Facet::Type),
            Self::Day => By::Time(Unit::Day),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::To => "to",
            Self::In => "in",
            Self::Type => "type",
            Self::Day => "day",
        }
    }
}

impl Stretch {
    pub(crate) fn by(self) -> By {
        By::Time(self.unit())
    }

    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::Hour => Unit::Hour,
            Self::Day => Unit::Day,
            Self::Week => Unit::Week,
            Self::Month => Unit::Month,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The beginning of a stretch, no more exact than it need be.
    pub(crate) fn name(self, begin: Timestamp) -> String {
        let text = show_time(begin);
        let length = match self {
            Self::Hour => "2026-03-14T09".len(),
            Self::Day | Self::Week => "2026-03-14".len(),
            Self::Month => "2026-03".len(),
        };
        text.get(..length).unwrap_or(&text).to_owned()
    }
}

/// Prints what was asked for.
///
/// # Errors
///
/// When the form has no place for counts, or the output fails.
pub(super) fn print(args: &Args, answer: &Answer, context: &Context) -> Result<(), CommandError> {
    let format = format(args, context)?;
    if args.count {
        return Ok(context.output.line(answer.total)?);
    }
    for (facet, counts) in args.facet.iter().zip(&answer.counts) {
        print_facet(*facet, counts, args.facet_limit, format, context)?;
    }
    if let (Some(stretch), Some(Counts::Times { counts, without })) = (args.histogram, answer.counts.last()) {
        let histogram = Histogram::of(stretch, counts, *without);
        histogram.print(format, context)?;
        if let Some(path) = &args.svg {
            let svg = chart::drawing(&histogram, &args.text());
            replace(path, svg.as_bytes()).map_err(|error| {
                CommandError::usage(error)
                    .while_doing(format!("could not write {}", path.display()))
                    .hint("name a file in a folder that is there and can be written to")
            })?;
        }
    }
    Ok(())
}

/// A list has one header in CSV, so there is one list.
fn format(args: &Args, context: &Context) -> Result<Format, CommandError> {
    let format = Form::chosen(args.format, args.json, &context.output).list().ok_or_else(|| {
        CommandError::usage("counts are printed as a table, JSON lines or CSV")
            .hint("choose one of these with --format; --svg FILE draws a histogram")
    })?;
    if format == Format::Csv && args.counted_by().len() > 1 {
        return Err(
            CommandError::usage("CSV has room for one list").hint("ask for one --facet or --histogram at a time")
        );
    }
    Ok(format)
}

fn print_facet(
    facet: Facet,
    counts: &Counts,
    limit: usize,
    format: Format,
    context: &Context,
) -> Result<(), CommandError> {
    let (values, without) = by_frequency(counts);
    let shown = values.iter().take(limit).map(|(value, count)| (Cell::from(value.as_str()), *count));
    let none = (without > 0).then_some((Cell::Nothing, without));
    let list: Vec<(Cell, u64)> = shown.chain(none).collect();
    if format == Format::Table {
        let mut rows = context.output.rows(format, &[facet.word(), "messages"]);
        for (value, count) in list {
            let value = if value == Cell::Nothing { Cell::from("(none)") } else { value };
            rows.push(&[value, Cell::from(count)])?;
        }
        rows.finish()?;
    } else {
        let mut rows = context.output.rows(format, &["facet", "value", "count"]);
        for (value, count) in list {
            rows.push(&[Cell::from(facet.word()), value, Cell::from(count)])?;
        }
        rows.finish()?;
    }
    if values.len() > limit {
        let all = values.len();
        context.output.note(format_args!("{limit} of {all} values of {}; --facet-limit shows more", facet.word()));
    }
    Ok(())
}

/// The values with the most messages first, and the messages without one.
fn by_frequency(counts: &Counts) -> (Vec<(String, u64)>, u64) {
    match counts {
        Counts::Values { counts, without } => {
            (counts.iter().map(|(value, count)| (value.to_string(), *count)).collect(), *without)
        }
        Counts::Times { counts, without } => {
            let mut days: Vec<_> = counts.iter().map(|(day, count)| (Stretch::Day.name(*day), *count)).collect();
            days.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            (days, *without)
        }
    }
}
