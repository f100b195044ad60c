//! Lists, written as they come where the format allows it.

use std::io::Write;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::output::table::Table;
use crate::output::{Cell, Format, WriteError, csv};

/// How a table looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Not wrapped, not coloured: for a file.
    Plain,
    /// Wrapped to the width of the terminal.
    Fitted,
    /// Wrapped, with marks in colour; the other two mark with asterisks.
    Coloured,
}

/// A list that is being printed. JSON lines and CSV are written row by row, a table with [`Rows::finish`].
pub(crate) struct Rows {
    out: Box<dyn Write>,
    columns: Vec<String>,
    form: Form,
}

enum Form {
    Table(Box<Table>),
    Jsonl,
    /// The header is still to be written.
    CsvHeader,
    Csv,
}

impl Rows {
    pub(super) fn new(out: Box<dyn Write>, format: Format, columns: &[&str], style: Style) -> Self {
        let form = match format {
            Format::Table => Form::Table(Box::new(Table::new(columns, style))),
            Format::Jsonl => Form::Jsonl,
            Format::Csv => Form::CsvHeader,
        };
        Self { out, columns: columns.iter().map(|name| (*name).to_owned()).collect(), form }
    }

    /// Adds a row: one cell for each column, in their order.
    ///
    /// # Errors
    ///
    /// When stdout takes nothing, see [`WriteError`].
    pub(crate) fn push(&mut self, cells: &[Cell]) -> Result<(), WriteError> {
        self.push_with(cells, None)
    }

    /// Adds a row; as a JSON line it has one member more.
    ///
    /// # Errors
    ///
    /// When stdout takes nothing, see [`WriteError`].
    pub(crate) fn push_with(&mut self, cells: &[Cell], more: Option<(&'static str, Cell)>) -> Result<(), WriteError> {
        debug_assert_eq!(cells.len(), self.columns.len(), "a row has one cell for each column");
        self.begin()?;
        match &mut self.form {
            Form::Table(table) => table.push(cells),
            Form::Jsonl => {
                let row = Row { columns: &self.columns, cells, more };
                serde_json::to_writer(&mut self.out, &row).map_err(std::io::Error::from)?;
                self.out.write_all(b"\n")?;
            }
            Form::CsvHeader | Form::Csv => self.out.write_all(csv::line(cells).as_bytes())?,
        }
        Ok(())
    }

    /// Prints what is left. An empty table prints nothing, an empty CSV its header.
    ///
    /// # Errors
    ///
    /// When stdout takes nothing, see [`WriteError`].
    pub(crate) fn finish(mut self) -> Result<(), WriteError> {
        self.begin()?;
        if let Form::Table(table) = &self.form {
            self.out.write_all(table.render().as_bytes())?;
        }
        Ok(self.out.flush()?)
    }

    fn begin(&mut self) -> Result<(), WriteError> {
        if matches!(self.form, Form::CsvHeader) {
            let names: Vec<Cell> = self.columns.iter().map(|name| Cell::from(name.as_str())).collect();
            self.out.write_all(csv::line(&names).as_bytes())?;
            self.form = Form::Csv;
        }
        Ok(())
    }
}

/// A row as a JSON object whose members keep the order of the columns.
struct Row<'a> {
    columns: &'a [String],
    cells: &'a [Cell],
    more: Option<(&'static str, Cell)>,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (column, cell) in self.columns.iter().zip(self.cells) {
            object.serialize_entry(column, &cell.to_json())?;
        }
        if let Some((name, cell)) = &self.more {
            object.serialize_entry(name, &cell.to_json())?;
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;
    use std::rc::Rc;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Rc<RefCell<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn printed(format: Format, style: Style, list: &[[Cell; 2]]) -> String {
        let kept = Kept::default();
        let mut rows = Rows::new(Box::new(kept.clone()), format, &["sender", "text"], style);
        for cells in list {
            rows.push(cells).unwrap();
        }
        rows.finish().unwrap();
        let bytes = kept.0.borrow().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn list() -> [[Cell; 2]; 2] {
        let marked = Cell::Marked { text: "the harbour\u{1b}".to_owned(), marks: vec![4..11, 11..11] };
        [["mara".into(), marked], [Cell::Nothing, "a,b".into()]]
    }

    #[test]
    fn json_lines_keep_the_order_of_the_columns() {
        assert_eq!(
            printed(Format::Jsonl, Style::Plain, &list()),
            "{\"sender\":\"mara\",\"text\":\"the harbour\\u001b\"}\n{\"sender\":null,\"text\":\"a,b\"}\n"
        );
    }

    #[test]
    fn csv_has_a_header_even_when_there_is_nothing_below_it() {
        assert_eq!(printed(Format::Csv, Style::Plain, &[]), "sender,text\r\n");
        assert_eq!(
            printed(Format::Csv, Style::Plain, &list()),
            "sender,text\r\nmara,the harbour\u{1b}\r\n,\"a,b\"\r\n"
        );
    }

    #[test]
    fn a_table_marks_and_escapes() {
        assert_eq!(
            printed(Format::Table, Style::Plain, &list()),
            "sender  text\nmara    the **harbour**␛\n        a,b\n"
        );
        let coloured = printed(Format::Table, Style::Coloured, &list());
        assert!(coloured.contains("the \u{1b}[1;33mharbour\u{1b}[0m␛"), "{coloured:?}");
        assert_eq!(printed(Format::Table, Style::Coloured, &[]), "");
    }
}
