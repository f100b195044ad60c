//! Days × hours: how each hour stands, as one letter.

use std::collections::{BTreeMap, BTreeSet};

use chat::{Entry, Hour, State};
use ingest::{Coverage, Habits};

/// How an hour stands, for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// Archived.
    Done,
    /// The service had no messages.
    Empty,
    /// Not archived, and so young that the service may not have it yet: nothing is wrong.
    ToCome,
    /// Nobody has got it, although the service should have it.
    Missing,
    /// The last attempt went wrong.
    Failed,
    /// Missing or failed, and gone before long.
    AtRisk,
    /// The service no longer has it, and nobody has got it.
    Lost,
    /// No run was to get it: it lies before the first hour that the service was asked for.
    Unpromised,
    /// Not in the range, or not over yet.
    Outside,
}

impl Mark {
    /// Those that a legend explains, the good ones first.
    pub(super) const SHOWN: [Self; 8] = [
        Self::Done,
        Self::Empty,
        Self::ToCome,
        Self::Missing,
        Self::Failed,
        Self::AtRisk,
        Self::Lost,
        Self::Unpromised,
    ];

    /// The letter in the calendar. It carries the whole meaning, and every terminal has it.
    #[must_use]
    pub(super) fn letter(self) -> char {
        match self {
            Self::Done => '#',
            Self::Empty => '.',
            Self::ToCome => '~',
            Self::Missing => '?',
            Self::Failed => 'x',
            Self::AtRisk => '!',
            Self::Lost => 'L',
            Self::Unpromised => '-',
            Self::Outside => ' ',
        }
    }

    /// The words of the legend.
    #[must_use]
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Empty => "empty",
            Self::ToCome => "to come",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::AtRisk => "at risk",
            Self::Lost => "lost",
            Self::Unpromised => "unpromised",
            // Said only of whole days, and these are in the range.
            Self::Outside => "future",
        }
    }

    /// Whether an hour that stands so is not archived although it should be.
    #[must_use]
    pub(super) fn is_gap(self) -> bool {
        matches!(self, Self::Missing | Self::Failed | Self::AtRisk | Self::Lost)
    }

    fn is_settled_well(self) -> bool {
        matches!(self, Self::Done | Self::Empty)
    }
}

/// An hour of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// How it stands.
    pub(super) mark: Mark,
    /// Its state; `None` outside the range, and where nothing is promised.
    pub(super) state: Option<State>,
    /// Messages of the newest hour file.
    pub(super) messages: u64,
    /// Bytes as served.
    pub(super) bytes: u64,
}

/// A day in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Day {
    /// Its first hour.
    pub(super) midnight: Hour,
    /// Its hours in order.
    pub(super) cells: [Cell; 24],
}

/// Days that are all alike, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alike {
    /// Every hour is archived or empty.
    Complete,
    /// Every hour stands like this.
    All(Mark),
}

/// A row of the calendar: one day, or several that follow each other and are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row<'a> {
    /// A day.
    Day(&'a Day),
    /// Two days or more.
    Days(&'a [Day], Alike),
}

impl Day {
    /// `2026-03-14`.
    #[must_use]
    pub(super) fn date(&self) -> String {
        self.midnight.date().to_string()
    }

    /// `Sat 2026-03-14`.
    #[must_use]
    pub(super) fn name(&self) -> String {
        self.midnight.start().format("%a %Y-%m-%d").to_string()
    }

    /// The hours as 24 letters.
    #[must_use]
    pub(super) fn letters(&self) -> String {
        self.cells.iter().map(|cell| cell.mark.letter()).collect()
    }

    /// How many hours are in a state.
    #[must_use]
    pub(super) fn count(&self, state: State) -> usize {
        self.cells.iter().filter(|cell| cell.state == Some(state)).count()
    }

    /// The messages of the day's hour files.
    #[must_use]
    pub(super) fn messages(&self) -> u64 {
        self.cells.iter().map(|cell| cell.messages).sum()
    }

    /// The bytes of the day's hour files, as served.
    #[must_use]
    pub(super) fn bytes(&self) -> u64 {
        self.cells.iter().map(|cell| cell.bytes).sum()
    }

    fn is_to_come(&self) -> bool {
        self.cells.iter().all(|cell| cell.mark == Mark::Outside)
    }

    fn alike(&self) -> Option<Alike> {
        if self.is_to_come() {
            return Some(Alike::All(Mark::Outside));
        }
        let mut marks = self.cells.iter().map(|cell| cell.mark).filter(|mark| *mark != Mark::Outside);
        let first = marks.next()?;
        if first.is_settled_well() {
            return marks.all(Mark::is_settled_well).then_some(Alike::Complete);
        }
        marks.all(|mark| mark == first).then_some(Alike::All(first))
    }
}

/// The days of a range, oldest first: from the day of its first hour to that of its last.
#[must_use]
pub(super) fn days(coverage: &Coverage, entries: &BTreeMap<Hour, Entry>, habits: &Habits) -> Vec<Day> {
    let at_risk: BTreeSet<Hour> = coverage.at_risk().map(|(hour, _)| hour).collect();
    let open: BTreeSet<Hour> = coverage.deadlines.iter().map(|(hour, _)| *hour).collect();
    let mark = |hour: Hour, state: State| match state {
        State::Done => Mark::Done,
        State::Empty => Mark::Empty,
        State::Lost => Mark::Lost,
        _ if hour.end() > coverage.now => Mark::Outside,
        _ if at_risk.contains(&hour) => Mark::AtRisk,
        State::Failed => Mark::Failed,
        State::Pending if open.contains(&hour) && !habits.is_ready(hour, coverage.now) => Mark::ToCome,
        State::Pending => Mark::Missing,
    };
    let cell = |hour: Hour| {
        let Some(&state) = coverage.states.get(&hour) else {
            let is_unpromised = hour.end() <= coverage.now && coverage.unpromised.binary_search(&hour).is_ok();
            return if is_unpromised { UNPROMISED } else { OUTSIDE };
        };
        let done = entries.get(&hour).filter(|_| state == State::Done);
        Cell {
            mark: mark(hour, state),
            state: Some(state),
            messages: done.map_or(0, |entry| entry.tally.messages),
            bytes: done.map_or(0, |entry| entry.bytes),
        }
    };
    let Some((first, last)) = coverage.bounds() else { return Vec::new() };
    let midnight = first.plus(-i64::from(first.of_day()));
    let midnights = (midnight.number()..=last.number()).step_by(24).map(Hour::from_number);
    midnights
        .map(|midnight| Day { midnight, cells: std::array::from_fn(|at| cell(midnight.plus(at as i64))) })
        .collect()
}

const OUTSIDE: Cell = Cell { mark: Mark::Outside, state: None, messages: 0, bytes: 0 };
const UNPROMISED: Cell = Cell { mark: Mark::Unpromised, ..OUTSIDE };

/// The rows of a calendar: the last days each for itself, and the days before and the future ones too, unless they are alike.
#[must_use]
pub(super) fn rows(days: &[Day], last: usize) -> Vec<Row<'_>> {
    let begun = days.iter().rposition(|day| !day.is_to_come()).map_or(0, |at| at + 1);
    let (begun, future) = days.split_at(if last < days.len() { begun } else { days.len() });
    let (earlier, last) = begun.split_at(begun.len().saturating_sub(last));
    drawn_together(earlier).chain(last.iter().map(Row::Day)).chain(drawn_together(future)).collect()
}

fn drawn_together(days: &[Day]) -> impl Iterator<Item = Row<'_>> {
    let alike = days.chunk_by(|day, next| day.alike().is_some() && day.alike() == next.alike());
    alike.map(|days| match days {
        [day] => Row::Day(day),
        // A chunk of several was made because they are alike.
        days => days.first().and_then(Day::alike).map_or(Row::Days(days, Alike::Complete), |how| Row::Days(days, how)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day for each text of 24 letters, from 2026-03-01 on.
    fn days_of(texts: &[&str]) -> Vec<Day> {
        let mark = |letter: u8| {
            *Mark::SHOWN.iter().find(|mark| mark.letter() as u32 == u32::from(letter)).unwrap_or(&Mark::Outside)
        };
        let cell = |letter: u8| Cell { mark: mark(letter), ..OUTSIDE };
        let midnight = |at: usize| Hour::from_key("2026030100").unwrap().plus(24 * at as i64);
        let day = |(at, text): (usize, &&str)| Day {
            midnight: midnight(at),
            cells: std::array::from_fn(|hour| cell(text.as_bytes()[hour])),
        };
        texts.iter().enumerate().map(day).collect()
    }

    const BEGUN: &str = "         #######.#######";
    const FULL: &str = "########################";
    const HOLED: &str = "####x###################";
    const LOST: &str = "LLLLLLLLLLLLLLLLLLLLLLLL";

    /// The rows in short: a day by its letters, several by their number.
    fn rows_of(texts: &[&str], last: usize) -> Vec<String> {
        let days = days_of(texts);
        let short = |row: &Row<'_>| match row {
            Row::Day(day) => day.letters(),
            Row::Days(days, how) => format!("{} {how:?}", days.len()),
        };
        rows(&days, last).iter().map(short).collect()
    }

    #[test]
    fn complete_days_of_long_ago_are_drawn_together() {
        let texts = [BEGUN, FULL, FULL, HOLED, FULL, FULL, FULL];
        assert_eq!(rows_of(&texts, 1), ["3 Complete", HOLED, "2 Complete", FULL]);
        assert_eq!(rows_of(&texts, 2), ["3 Complete", HOLED, FULL, FULL, FULL]);
        assert_eq!(rows_of(&texts, usize::MAX), texts);
        assert!(rows_of(&[], 1).is_empty());
    }

    #[test]
    fn a_day_that_is_not_complete_is_seen_however_old() {
        assert_eq!(
            rows_of(&[LOST, LOST, LOST, FULL, HOLED, HOLED, FULL], 1),
            ["3 All(Lost)", FULL, HOLED, HOLED, FULL]
        );
    }

    #[test]
    fn what_nobody_promised_and_what_is_to_come_is_drawn_together() {
        let (unpromised, partly) = ("------------------------", "---------------#########");
        let (today, future) = ("########                ", "                        ");
        let texts = [unpromised, unpromised, partly, FULL, today, future, future, future];
        assert_eq!(
            rows_of(&texts, 2),
            ["2 All(Unpromised)", partly, FULL, today, "3 All(Outside)"],
            "the last days are those that have begun"
        );
        assert_eq!(rows_of(&texts, usize::MAX), texts);
    }

    #[test]
    fn every_letter_is_another() {
        let letters: BTreeSet<char> = Mark::SHOWN.iter().map(|mark| mark.letter()).collect();
        assert_eq!(letters.len(), Mark::SHOWN.len());
        assert!(letters.iter().all(char::is_ascii_graphic), "{letters:?}");
    }
}
