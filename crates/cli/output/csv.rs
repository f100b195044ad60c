//! Lines of CSV: quoting and line ends by RFC 4180.
//!
//! Null is nothing between two commas, and an empty text is `""`, as PostgreSQL and DuckDB write and read it; writers
//! made for CSV write both alike.

use crate::output::Cell;

/// One line with its line end.
pub(crate) fn line(cells: &[Cell]) -> String {
    let fields: Vec<_> = cells.iter().map(field).collect();
    fields.join(",") + "\r\n"
}

fn field(cell: &Cell) -> String {
    match cell.to_text() {
        None => String::new(),
        Some(text) if needs_quotes(&text) => format!("\"{}\"", text.replace('"', "\"\"")),
        Some(text) => text,
    }
}

fn needs_quotes(text: &str) -> bool {
    text.is_empty() || text.contains(['"', ',', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_there_where_they_are_needed() {
        for (text, expected) in [
            ("plain", "plain"),
            ("two words", "two words"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("one\ntwo", "\"one\ntwo\""),
            ("one\rtwo", "\"one\rtwo\""),
            ("", "\"\""),
            ("港口", "港口"),
        ] {
            assert_eq!(line(&[text.into()]), format!("{expected}\r\n"), "{text:?}");
        }
    }

    #[test]
    fn null_is_not_an_empty_text() {
        assert_eq!(line(&[Cell::Nothing, "".into(), 7_i64.into(), f64::NAN.into(), 0.5.into()]), ",\"\",7,,0.5\r\n");
    }
}
