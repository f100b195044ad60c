//! The calendar as a drawing. Each hour has its letter besides its colour, and says the rest when pointed at.

use maud::{Markup, html};

use crate::commands::status::calendar::{Alike, Cell, Day, Mark, Row, rows};
use crate::commands::status::words::counted;

/// From one hour to the next, and from one day to the next.
const STEP: usize = 18;
/// What an hour takes of that.
const SIDE: usize = 15;
/// Where the hours begin, right of the names of the days.
const LEFT: usize = 116;
/// Where the days begin, below the ruler.
const TOP: usize = 22;
/// Where the totals of the days end.
const RIGHT: usize = LEFT + 24 * STEP + 100;
/// From the top of a row to the line that its letters stand on.
const BASE: usize = 11;

/// The calendar. Of the last days each has a row of its own.
#[must_use]
pub(super) fn calendar(days: &[Day], last_days: usize) -> Markup {
    let rows = rows(days, last_days);
    let height = TOP + rows.len() * STEP + 4;
    let view = format!("0 0 {} {height}", RIGHT + 4);
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(view) width=(RIGHT + 4) height=(height) role="img"
            aria-labelledby="calendar-title calendar-description" {
            title id="calendar-title" { "The hours of " (days.len()) " days" }
            desc id="calendar-description" { (description(days)) }
            @for hour in (0..24).step_by(6) {
                text class="faint" x=(LEFT + hour * STEP) y=(BASE) { (format!("{hour:02}")) }
            }
            text class="faint total" x=(RIGHT) y=(BASE) { "messages" }
            @for (at, row) in rows.iter().enumerate() { (drawn(row, TOP + at * STEP)) }
        }
    }
}

/// What the letters and colours mean, as far as they are seen.
#[must_use]
pub(super) fn legend(days: &[Day]) -> Markup {
    let is_seen = |mark: &Mark| days.iter().any(|day| day.cells.iter().any(|cell| cell.mark == *mark));
    let seen: Vec<Mark> = Mark::SHOWN.into_iter().filter(is_seen).collect();
    let (width, height) = (seen.len() * 100, STEP + 4);
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height)
            role="img" aria-label="What the letters mean" {
            @for (at, mark) in seen.into_iter().enumerate() {
                g class=(class(mark)) {
                    (square(at * 100, 2, mark))
                    text x=(at * 100 + STEP + 4) y=(2 + BASE) { (mark.words()) }
                }
            }
        }
    }
}

/// What a listener is told instead of the drawing; the letters below it have every hour.
fn description(days: &[Day]) -> String {
    let of = |mark: Mark| days.iter().flat_map(|day| &day.cells).filter(|cell| cell.mark == mark).count() as u64;
    let seen = Mark::SHOWN.into_iter().filter(|mark| of(*mark) > 0);
    let parts: Vec<String> = seen.map(|mark| format!("{} {}", counted(of(mark), "hour"), mark.words())).collect();
    format!("A row for each day with a square for each hour: {}.", parts.join(", "))
}

fn drawn(row: &Row<'_>, top: usize) -> Markup {
    match row {
        Row::Day(day) => one(day, top),
        Row::Days(days, how) => several(days, *how, top),
    }
}

fn one(day: &Day, top: usize) -> Markup {
    html! {
        g {
            text x="0" y=(top + BASE) { (day.name()) }
            @for (hour, cell) in day.cells.iter().enumerate() {
                @if cell.mark != Mark::Outside {
                    g class=(class(cell.mark)) {
                        title { (told(day, hour, cell)) }
                        (square(LEFT + hour * STEP, top, cell.mark))
                    }
                }
            }
            (total(day.messages(), top))
        }
    }
}

/// A bar in the colour of what the days have in common.
fn several(days: &[Day], how: Alike, top: usize) -> Markup {
    let (mark, how) = match how {
        Alike::Complete => (Mark::Done, "complete"),
        Alike::All(mark) => (mark, mark.words()),
    };
    let last = days.last().map(Day::date).unwrap_or_default();
    html! {
        g class=(class(mark)) {
            text class="faint" x="0" y=(top + BASE) { "to  " (last) }
            rect x=(LEFT) y=(top) width=(24 * STEP - (STEP - SIDE)) height=(SIDE) rx="2" {}
            text class="letter words" x=(LEFT + 4) y=(top + BASE) { (days.len()) " " (how) " days" }
            (total(days.iter().map(Day::messages).sum(), top))
        }
    }
}

fn total(messages: u64, top: usize) -> Markup {
    html! { text class="total" x=(RIGHT) y=(top + BASE) { (messages) } }
}

fn square(left: usize, top: usize, mark: Mark) -> Markup {
    html! {
        rect x=(left) y=(top) width=(SIDE) height=(SIDE) rx="2" {}
        text class="letter" x=(left + SIDE / 2) y=(top + BASE) aria-hidden="true" { (mark.letter()) }
    }
}

/// `Sat 2026-03-14 09:00 UTC: done, 12 messages`.
fn told(day: &Day, hour: usize, cell: &Cell) -> String {
    let words = format!("{} {hour:02}:00 UTC: {}", day.name(), cell.mark.words());
    if cell.mark == Mark::Done { format!("{words}, {}", counted(cell.messages, "message")) } else { words }
}

/// The name of the mark in the style sheet.
fn class(mark: Mark) -> String {
    mark.words().replace(' ', "-")
}
