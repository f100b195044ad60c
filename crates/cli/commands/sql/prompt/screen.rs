//! A table cut to the width of a terminal: a line for each row, whatever there is.

use comfy_table::Table;
use query::sql::Value;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::context::Context;
use crate::output::{WriteError, visible};

/// Where nobody says how wide the terminal is.
const WIDTH: u16 = 80;
/// Between two columns.
const GAP: usize = 2;
/// No column is cut to less than this.
const NARROWEST: usize = 8;

/// Prints a table, and says what did not fit.
pub(in crate::commands::sql) fn print(
    columns: &[String],
    rows: &[Vec<Value>],
    context: &Context,
) -> Result<(), WriteError> {
    let width = Table::new().width().unwrap_or(WIDTH);
    let (text, hidden) = cut(columns, rows, width.into());
    context.output.raw(text.as_bytes())?;
    if hidden > 0 {
        context.output.note(format_args!("{hidden} more columns do not fit: name those that you want to see"));
    }
    Ok(())
}

/// The lines of a table, and how many columns of the end did not fit.
fn cut(columns: &[String], rows: &[Vec<Value>], width: usize) -> (String, usize) {
    let mut lines = vec![columns.iter().map(|name| visible(name)).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| row.iter().map(shown).collect()));
    let natural = (0..columns.len()).map(|at| lines.iter().map(|line| line[at].width()).max().unwrap_or_default());
    let widths = fitting(natural.collect(), width);
    let text = lines.iter().map(|line| printed(line, &widths)).collect();
    (text, columns.len() - widths.len())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Nothing => String::new(),
        Value::Text(text) => visible(text),
    }
}

/// The widths of as many columns as fit, the widest cut first. There is always one.
fn fitting(natural: Vec<usize>, width: usize) -> Vec<usize> {
    let least = |column: &usize| (*column).min(NARROWEST);
    let mut count = natural.len();
    while count > 1 && total(natural.iter().take(count).map(least)) > width {
        count -= 1;
    }
    let natural: Vec<usize> = natural.into_iter().take(count).collect();
    let widest = natural.iter().copied().max().unwrap_or_default();
    let capped = |cap: usize| natural.iter().map(move |column| (*column).min(cap));
    let fits = |cap: &usize| total(capped(*cap)) <= width;
    let cap = (NARROWEST..=widest).rev().find(fits).unwrap_or(NARROWEST);
    capped(cap).collect()
}

fn total(widths: impl Iterator<Item = usize>) -> usize {
    widths.map(|width| width + GAP).sum::<usize>().saturating_sub(GAP)
}

fn printed(cells: &[String], widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths).map(|(cell, width)| padded(cell, *width));
    let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
    format!("{}\n", line.trim_end())
}

/// Exactly so wide, with `…` for what is cut off.
fn padded(text: &str, width: usize) -> String {
    let mut shown = text.to_owned();
    if text.width() > width {
        let mut room = width.saturating_sub(1);
        let fits = |character: &char| {
            let wide = character.width().unwrap_or_default();
            let fits = wide <= room;
            room = room.saturating_sub(wide);
            fits
        };
        shown = text.chars().take_while(fits).collect();
        shown.push('…');
    }
    let pad = width.saturating_sub(shown.width());
    shown + &" ".repeat(pad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_fits_is_shown_whole() {
        let rows = [vec![text("mara"), text("潮"), Value::Nothing], vec![text("t"), text("a\nb"), text("x")]];
        let (shown, hidden) = cut(&columns(&["sender", "t", "n"]), &rows, 80);
        assert_eq!((shown.as_str(), hidden), ("sender  t    n\nmara    潮\nt       a↵b  x\n", 0));
    }

    #[test]
    fn the_widest_is_cut_first_and_the_last_columns_are_left_out() {
        let long = "x".repeat(100);
        let (shown, hidden) = cut(&columns(&["id", "text"]), &[vec![text("1"), text(&long)]], 20);
        assert_eq!((shown.as_str(), hidden), (format!("id  text\n1   {}…\n", "x".repeat(15)).as_str(), 0));
        let names: Vec<String> = (0..29).map(|at| format!("a_long_name_{at}")).collect();
        let row = names.iter().map(|name| text(name)).collect();
        let (shown, hidden) = cut(&names, &[row], 80);
        assert_eq!(hidden, 21, "{shown}");
        assert!(shown.lines().all(|line| line.width() <= 80), "{shown}");
    }

    #[test]
    fn wide_characters_are_not_cut_in_two() {
        let (shown, _) = cut(&columns(&["t"]), &[vec![text(&"潮".repeat(40))]], 10);
        assert_eq!(shown, format!("t\n{}…\n", "潮".repeat(4)));
    }
}
