//! A histogram: bars of text, rows for programs, and a drawing.

use std::collections::BTreeMap;

use chat::Timestamp;
use maud::{Markup, html};

use crate::commands::query::counts::Stretch;
use crate::context::Context;
use crate::error::CommandError;
use crate::output::{Cell, Format, without_controls};

/// A stretch of time and how many messages it has.
pub(super) type Bar = (Timestamp, u64);

/// A histogram.
pub(super) struct Histogram {
    pub(super) stretch: Stretch,
    pub(super) bars: Vec<Bar>,
    /// Messages without a time: they are of no bar.
    pub(super) without: u64,
}

/// Stretches without messages are put in as long as there are not more than these: a bar each is printed.
const MOST_BARS: usize = 10_000;

/// The stretches from the first with messages to the last, also those without. Where that would be too many, only those with.
fn bars(stretch: Stretch, counts: &BTreeMap<Timestamp, u64>) -> Vec<Bar> {
    let unit = stretch.unit();
    let last = counts.keys().next_back();
    let all = std::iter::successors(counts.keys().next().copied(), |begin| Some(unit.next(*begin)));
    let all = all.take_while(|begin| Some(begin) <= last).take(MOST_BARS + 1);
    let filled: Vec<Bar> = all.map(|begin| (begin, counts.get(&begin).copied().unwrap_or(0))).collect();
    if filled.len() > MOST_BARS { counts.iter().map(|(begin, count)| (*begin, *count)).collect() } else { filled }
}

/// Characters of the longest bar, where there is room.
const LONGEST: usize = 40;

/// Characters of the longest bar where there is no room: a table breaks no column below that.
const SHORTEST: usize = 8;

/// The end of a bar, by eighths of a character.
const ENDS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

impl Histogram {
    /// The bars of what was counted.
    pub(super) fn of(stretch: Stretch, counts: &BTreeMap<Timestamp, u64>, without: u64) -> Self {
        Self { stretch, bars: bars(stretch, counts), without }
    }

    /// Prints the bars, and last how many messages have no time if any have none.
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub(super) fn print(&self, format: Format, context: &Context) -> Result<(), CommandError> {
        let stretch = self.stretch;
        let without = (self.without > 0).then(|| Cell::from(self.without));
        if format == Format::Table {
            let (most, longest) = (most(&self.bars), longest(context.output.room_beside(&self.widths())));
            let mut rows = context.output.rows(format, &[stretch.word(), "messages", ""]);
            for (begin, count) in &self.bars {
                let bar = Cell::from(drawn(*count, most, longest));
                rows.push(&[Cell::from(stretch.name(*begin)), Cell::from(*count), bar])?;
            }
            if let Some(count) = without {
                rows.push(&[Cell::from("(none)"), count, Cell::Nothing])?;
            }
            return Ok(rows.finish()?);
        }
        let mut rows = context.output.rows(format, &["histogram", "begin", "count"]);
        for (begin, count) in &self.bars {
            rows.push(&[Cell::from(stretch.word()), Cell::from(*begin), Cell::from(*count)])?;
        }
        if let Some(count) = without {
            rows.push(&[Cell::from(stretch.word()), Cell::Nothing, count])?;
        }
        Ok(rows.finish()?)
    }

    /// What the columns before the bars take.
    fn widths(&self) -> [usize; 2] {
        let name = self.bars.first().map_or(0, |(begin, _)| self.stretch.name(*begin).len());
        let count = most(&self.bars).max(self.without).to_string().len();
        [name, count.max("messages".len())]
    }
}

/// The characters of the longest bar, where there is room for so many.
fn longest(room: Option<usize>) -> usize {
    room.map_or(LONGEST, |room| room.clamp(SHORTEST, LONGEST))
}

fn most(bars: &[Bar]) -> u64 {
    bars.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1)
}

/// A bar of text. What there is of is seen: at least an eighth.
fn drawn(count: u64, most: u64, longest: usize) -> String {
    let eighths = u128::from(count) * longest as u128 * 8 / u128::from(most);
    let eighths = (eighths as usize).max(usize::from(count > 0));
    format!("{}{}", "█".repeat(eighths / 8), ENDS.get(eighths % 8).copied().unwrap_or_default())
}

/// Where the bars begin.
const LEFT: usize = 64;
/// Where the longest bar begins.
const TOP: usize = 34;
/// What the longest bar takes.
const HEIGHT: usize = 200;
/// What the bars share.
const WIDTH: usize = 800;
/// The narrowest bar.
const NARROWEST: usize = 2;
/// The widest bar.
const WIDEST: usize = 40;

/// The histogram as SVG. It runs nothing and loads nothing; all text in it is escaped by the template.
pub(super) fn drawing(histogram: &Histogram, query: &str) -> String {
    let Histogram { stretch, bars, without } = histogram;
    let most = most(bars);
    let step = (WIDTH / bars.len().max(1)).clamp(NARROWEST, WIDEST);
    let width = LEFT + (step * bars.len()).max(200) + 16;
    let foot = TOP + HEIGHT;
    let total: u64 = bars.iter().map(|(_, count)| count).sum();
    let timeless = if *without > 0 { format!(", {without} without a time") } else { String::new() };
    let title = format!("{total} messages by {}{timeless}", stretch.word());
    let view = format!("0 0 {width} {}", foot + 34);
    let drawing = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(view) width=(width) height=(foot + 34) role="img"
            font-family="system-ui, sans-serif" font-size="12" {
            title { (title) @if !query.is_empty() { ": " (query) } }
            rect width="100%" height="100%" fill="#ffffff" {}
            text x=(LEFT) y="18" fill="#222222" font-size="14" { (title) }
            text x=(LEFT - 6) y=(TOP + 10) fill="#555555" text-anchor="end" { (most) }
            text x=(LEFT - 6) y=(foot) fill="#555555" text-anchor="end" { "0" }
            line x1=(LEFT) y1=(foot) x2=(width - 16) y2=(foot) stroke="#999999" {}
            @for (at, bar) in bars.iter().enumerate() { (column(*stretch, *bar, LEFT + at * step, step, most)) }
            @if let (Some(first), Some(last)) = (bars.first(), bars.last()) {
                text x=(LEFT) y=(foot + 18) fill="#555555" { (stretch.name(first.0)) }
                @if bars.len() > 1 {
                    text x=(width - 16) y=(foot + 18) fill="#555555" text-anchor="end" { (stretch.name(last.0)) }
                }
            }
        }
    };
    without_controls(drawing.into_string())
}

fn column(stretch: Stretch, (begin, count): Bar, left: usize, step: usize, most: u64) -> Markup {
    let height = (u128::from(count) * HEIGHT as u128).div_ceil(u128::from(most)) as usize;
    let gap = usize::from(step > 4);
    html! {
        rect x=(left) y=(TOP + HEIGHT - height) width=(step - gap) height=(height) fill="#2f6f9f" {
            title { (stretch.name(begin)) ": " (count) }
        }
    }
}

#[cfg(test)]
mod tests {
    use chat::parse_time;

    use super::*;

    fn at(text: &str) -> Timestamp {
        parse_time(text).unwrap()
    }

    #[test]
    fn stretches_without_messages_have_a_bar_of_nothing() {
        let counts = BTreeMap::from([(at("2026-02-01"), 8), (at("2026-04-01"), 3)]);
        let months = [(at("2026-02-01"), 8), (at("2026-03-01"), 0), (at("2026-04-01"), 3)];
        assert_eq!(bars(Stretch::Month, &counts), months);
        assert_eq!(bars(Stretch::Day, &BTreeMap::new()), []);
        let far_apart = BTreeMap::from([(at("1970-01-01"), 1), (at("2026-04-01"), 3)]);
        assert_eq!(bars(Stretch::Hour, &far_apart).len(), 2);
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        for (count, expected) in [(0, String::new()), (8, "█".repeat(40)), (4, "█".repeat(20))] {
            assert_eq!(drawn(count, 8, LONGEST), expected);
        }
        assert_eq!((drawn(1, 1_000_000, LONGEST), drawn(3, 64, LONGEST)), ("▏".to_owned(), "█▉".to_owned()));
        assert_eq!(drawn(3, 4, longest(Some(12))), "█".repeat(9));
        assert_eq!([None, Some(99), Some(12), Some(0)].map(longest), [LONGEST, LONGEST, 12, SHORTEST]);
    }

    #[test]
    fn a_drawing_is_xml_whatever_was_asked() {
        let counts = BTreeMap::from([(at("2026-03-14"), 3)]);
        let svg = drawing(&Histogram::of(Stretch::Day, &counts, 2), "a<b & \"c\" </svg>\u{7}");
        let mut reader = quick_xml::Reader::from_str(&svg);
        let mut columns = 0;
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::Start(tag) if tag.name().as_ref() == b"rect" => columns += 1,
                _ => {}
            }
        }
        assert_eq!(columns, 2, "the ground and one column: {svg}");
        assert!(svg.contains("2026-03-14: 3") && svg.contains("3 messages by day, 2 without a time"), "{svg}");
        assert!(!svg.contains('\u{7}'), "{svg}");
    }
}
