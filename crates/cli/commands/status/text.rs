//! The status for a terminal.

use chat::State;

use crate::commands::status::calendar::{Alike, Cell, Day, Mark, Row, rows};
use crate::commands::status::facts::{Facts, Failure};
use crate::commands::status::words::{advice, attachments, counted, freshness, hours, moment, time_left, verdict};
use crate::error::CommandError;
use crate::output::{Format, Output, bytes, visible};

/// Gaps, failures, and hours at risk, that are listed; the calendar and `--json` show the rest.
const LISTED: usize = 24;

/// Prints everything.
///
/// # Errors
///
/// When stdout takes nothing.
pub(super) fn print(facts: &Facts, last_days: usize, output: &Output) -> Result<(), CommandError> {
    let Some(bounds) = facts.bounds() else { return Ok(output.line(verdict(facts))?) };
    let app = facts.app.as_ref().map_or_else(|| "an app not yet known".to_owned(), ToString::to_string);
    output.line(format_args!("{}: {}", visible(&app), verdict(facts)))?;
    let span = format!("{} from {} to {}", hours(bounds.hours()), bounds.first, bounds.last);
    output.line(format_args!("{span}, as of {}\n", moment(facts.coverage.now)))?;
    let paint = if output.colours_on_stdout() { Paint::Colours } else { Paint::Nothing };
    output.line(calendar(&facts.days, last_days, paint))?;
    output.line(totals(facts).join("\n"))?;
    list_gaps(facts, output)?;
    list_at_risk(facts, output)?;
    list_failures(facts, output)?;
    if let Some(advice) = advice(facts) {
        output.line(format_args!("\n{advice}"))?;
    }
    Ok(())
}

/// Whether letters are painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    /// The letters carry everything.
    Nothing,
    /// Colours help the eye.
    Colours,
}

/// The calendar with its ruler and its legend.
#[must_use]
pub(super) fn calendar(days: &[Day], last_days: usize, paint: Paint) -> String {
    let rows = rows(days, last_days);
    let width = rows.iter().map(|row| messages(row).to_string().len()).max().unwrap_or(0).max("messages".len());
    let ruler = format!("{:16}{:<24}  {:>width$}\n", "UTC", "0     6     12    18", "messages");
    let rows = rows.iter().map(|row| match row {
        Row::Day(day) => format!("{:16}{}  {:>width$}\n", day.name(), painted(&day.cells, paint), messages(row)),
        Row::Days(days, how) => format!("{:16}{:<24}  {:>width$}\n", until(days), alike(days, *how), messages(row)),
    });
    let marks = Mark::SHOWN.iter().filter(|mark| is_seen(days, **mark));
    let legend: Vec<String> = marks.map(|mark| format!("{} {}", mark.letter(), mark.words())).collect();
    format!("{ruler}{}\n{}\n", rows.collect::<String>(), legend.join("   "))
}

fn messages(row: &Row<'_>) -> u64 {
    match row {
        Row::Day(day) => day.messages(),
        Row::Days(days, _) => days.iter().map(Day::messages).sum(),
    }
}

fn is_seen(days: &[Day], mark: Mark) -> bool {
    days.iter().any(|day| day.cells.iter().any(|cell| cell.mark == mark))
}

/// The last of several days, below the days that it goes with: `to  2026-03-13`.
fn until(days: &[Day]) -> String {
    days.last().map(|day| format!("to  {}", day.date())).unwrap_or_default()
}

/// `(312 complete days)`.
fn alike(days: &[Day], how: Alike) -> String {
    let how = match how {
        Alike::Complete => "complete",
        Alike::All(mark) => mark.words(),
    };
    format!("({} {how} days)", days.len())
}

/// The letters of a day, those that are alike painted together.
fn painted(cells: &[Cell; 24], paint: Paint) -> String {
    let runs = cells.chunk_by(|cell, next| cell.mark == next.mark);
    runs.map(|run| {
        let letters: String = run.iter().map(|cell| cell.mark.letter()).collect();
        match run.first().and_then(|cell| colour(cell.mark)).filter(|_| paint == Paint::Colours) {
            Some(colour) => format!("\u{1b}[{colour}m{letters}\u{1b}[0m"),
            None => letters,
        }
    })
    .collect()
}

/// The terminal's code of a colour.
fn colour(mark: Mark) -> Option<&'static str> {
    match mark {
        Mark::Done => Some("32"),
        Mark::Empty | Mark::ToCome | Mark::Unpromised => Some("2"),
        Mark::Missing => Some("33"),
        Mark::Failed => Some("33;1"),
        Mark::AtRisk => Some("31;1"),
        Mark::Lost => Some("37;41;1"),
        Mark::Outside => None,
    }
}

fn totals(facts: &Facts) -> Vec<String> {
    let (coverage, tally) = (&facts.coverage, &facts.coverage.tally);
    let states = crate::commands::summary::IN_ORDER.map(|state| format!("{} {state}", coverage.hours(state).count()));
    let mut lines = vec![
        states.join(", "),
        format!(
            "{} lines: {} messages, {} duplicates, {} dead letters, {} blank; {} as served",
            tally.lines,
            tally.messages,
            tally.duplicates,
            tally.dead_letters,
            tally.blank_lines,
            bytes(coverage.bytes)
        ),
    ];
    if !coverage.unpromised.is_empty() {
        let why = "before the first hour that the service was asked for, or between hours that came from files";
        lines.push(format!("{} unpromised: {why}", hours(coverage.unpromised.len() as u64)));
    }
    if !facts.grown.is_empty() {
        let added = facts.grown.iter().map(|(_, added)| added).sum();
        let grew = format!("{} grew by {}", hours(facts.grown.len() as u64), counted(added, "message"));
        let it = if facts.grown.len() == 1 { "it was" } else { "they were" };
        lines.push(format!("{grew} after {it} first archived"));
    }
    if tally.retained > 0 {
        let kept = format!("{} of {}", counted(tally.retained, "message"), hours(facts.retained.len() as u64));
        lines.push(format!("{kept} kept that the newest hour files no longer have"));
    }
    if facts.not_indexed > 0 {
        lines.push(format!("{} still to be indexed", hours(facts.not_indexed)));
    }
    lines.extend(attachments(facts));
    lines.extend(freshness(facts));
    lines
}

fn list_gaps(facts: &Facts, output: &Output) -> Result<(), CommandError> {
    if facts.gaps.is_empty() {
        return Ok(());
    }
    output.line("")?;
    let mut rows = output.rows(Format::Table, &["not archived", "hours", "which"]);
    for gap in facts.gaps.iter().take(LISTED) {
        let state = if gap.state == State::Pending { Mark::Missing.words() } else { gap.state.word() };
        rows.push(&[state.into(), gap.span.hours().into(), gap.span.to_string().into()])?;
    }
    rows.finish()?;
    say_what_is_left_out(facts.gaps.len(), "gap", output)
}

fn list_failures(facts: &Facts, output: &Output) -> Result<(), CommandError> {
    if facts.failures.is_empty() {
        return Ok(());
    }
    output.line("")?;
    let mut rows = output.rows(Format::Table, &["went wrong", "hour is", "last tried", "why"]);
    for failure in facts.failures.iter().take(LISTED) {
        let Failure { hour, state, at, error } = failure;
        rows.push(&[hour.to_string().into(), state.word().into(), moment(*at).into(), error.as_str().into()])?;
    }
    rows.finish()?;
    say_what_is_left_out(facts.failures.len(), "hour", output)
}

fn list_at_risk(facts: &Facts, output: &Output) -> Result<(), CommandError> {
    let at_risk: Vec<_> = facts.coverage.at_risk().collect();
    if at_risk.is_empty() {
        return Ok(());
    }
    output.line("")?;
    let mut rows = output.rows(Format::Table, &["at risk", "lost in", "at"]);
    for (hour, lost_at) in at_risk.iter().take(LISTED) {
        let left = time_left(*lost_at, facts.coverage.now);
        rows.push(&[hour.to_string().into(), left.into(), moment(*lost_at).into()])?;
    }
    rows.finish()?;
    say_what_is_left_out(at_risk.len(), "hour", output)
}

fn say_what_is_left_out(count: usize, one: &str, output: &Output) -> Result<(), CommandError> {
    match count.saturating_sub(LISTED) as u64 {
        0 => Ok(()),
        more => Ok(output.line(format_args!("and {} more; --json has them all", counted(more, one)))?),
    }
}
