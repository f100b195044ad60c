//! Tables for people.

use comfy_table::{ColumnConstraint, ContentArrangement, Width, presets};

use crate::output::Cell;
use crate::output::rows::Style;
use crate::output::text::{Piece, excerpt};

/// How a mark begins and ends on a terminal: bold and yellow.
const MARK: (&str, &str) = ("\u{1b}[1;33m", "\u{1b}[0m");
/// How a mark begins and ends where there are no colours.
const PLAIN_MARK: &str = "**";
/// How a heading begins and ends on a terminal: bold.
const HEADING: (&str, &str) = ("\u{1b}[1m", "\u{1b}[0m");
/// No column is squeezed below this width.
const NARROWEST: u16 = 8;
/// Characters behind each column.
const GAP: u16 = 2;

/// How wide the terminal is that tables are fitted to.
pub(super) fn terminal_width() -> Option<u16> {
    comfy_table::Table::new().width()
}

/// The characters that a last column has room for in a table of this width, beside columns as wide as these.
pub(super) fn room_beside(columns: &[usize], width: usize) -> usize {
    let with_gap = |column: usize| column.max(NARROWEST.into()) + usize::from(GAP);
    let taken: usize = columns.iter().map(|column| with_gap(*column)).sum();
    width.saturating_sub(taken + usize::from(GAP))
}

/// A table that is being filled.
pub(crate) struct Table {
    style: Style,
    table: comfy_table::Table,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(columns: &[&str], style: Style) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(match style {
            Style::Plain => ContentArrangement::Disabled,
            Style::Fitted | Style::Coloured => ContentArrangement::Dynamic,
        });
        table.set_header(columns.iter().map(|name| match style {
            Style::Coloured => format!("{}{name}{}", HEADING.0, HEADING.1),
            Style::Plain | Style::Fitted => (*name).to_owned(),
        }));
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP));
            if style != Style::Plain {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(NARROWEST)));
            }
        }
        Self { style, table }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, cells: &[Cell]) {
        self.table.add_row(cells.iter().map(|cell| self.shown(cell)).collect::<Vec<_>>());
    }

    /// The text of the whole table; nothing when it has no rows.
    pub(crate) fn render(&self) -> String {
        if self.table.is_empty() {
            return String::new();
        }
        self.table.trim_fmt() + "\n"
    }

    fn shown(&self, cell: &Cell) -> String {
        let marks = match cell {
            Cell::Marked { marks, .. } => marks.as_slice(),
            _ => &[],
        };
        let text = cell.to_text().unwrap_or_default();
        excerpt(&text, marks).into_iter().map(|piece| self.painted(piece)).collect()
    }

    fn painted(&self, piece: Piece) -> String {
        match (piece.is_marked && !piece.text.is_empty(), self.style) {
            (false, _) => piece.text,
            (true, Style::Coloured) => format!("{}{}{}", MARK.0, piece.text, MARK.1),
            (true, Style::Plain | Style::Fitted) => format!("{PLAIN_MARK}{}{PLAIN_MARK}", piece.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_room_for_is_not_wrapped() {
        for width in 40..120 {
            let mut table = Table::new(&["hour", "messages", ""], Style::Fitted);
            table.table.set_width(width);
            let bar = "█".repeat(room_beside(&["2026-03-14T09".len(), "12".len()], width.into()));
            table.push(&["2026-03-14T09".into(), "12".into(), bar.as_str().into()]);
            assert!(table.render().contains(&bar), "{width}: {}", table.render());
        }
    }
}
