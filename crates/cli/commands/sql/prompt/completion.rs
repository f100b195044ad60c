//! What may stand where the cursor is: names of tables, columns and functions, words of SQL, commands of the prompt.

use query::sql::TableColumns;

use super::commands::COMMANDS;
use super::input::ends_in_text;

/// Words of SQL that queries are made of.
const KEYWORDS: [&str; 52] = [
    "ALL",
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CROSS",
    "DATE",
    "DESC",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "ANALYZE",
    "FALSE",
    "FILTER",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "RIGHT",
    "SELECT",
    "THEN",
    "TIMESTAMP",
    "TRUE",
    "UNION",
    "USING",
    "WHEN",
    "WHERE",
    "WITH",
];

/// All that may be offered.
pub(super) struct Words {
    tables: Vec<TableColumns>,
    functions: Vec<String>,
}

impl Words {
    pub(super) fn new(tables: Vec<TableColumns>, functions: Vec<String>) -> Self {
        Self { tables, functions }
    }

    /// Where the word before the cursor begins, and what it may become.
    pub(super) fn complete(&self, before: &str) -> (usize, Vec<String>) {
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        let word = before.rsplit(|character| !is_part(character)).next().unwrap_or_default();
        let start = before.len() - word.len();
        let front = before.get(..start).unwrap_or_default();
        let offers = match before.trim_start().strip_prefix('.') {
            Some(command) if command.contains(char::is_whitespace) => beginning_with(word, self.table_names()),
            Some(_) => return (start - 1, beginning_with(before.trim_start(), COMMANDS.iter().map(|(name, _)| *name))),
            None if ends_in_text(before) => Vec::new(),
            None => match front.strip_suffix('.') {
                Some(owner) => {
                    beginning_with(word, self.columns_of(owner.rsplit(|c| !is_part(c)).next().unwrap_or("")))
                }
                None if word.is_empty() => Vec::new(),
                None => self.anything(word),
            },
        };
        (start, offers)
    }

    fn table_names(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| table.name.as_str())
    }

    /// The columns of a table; those of all where it is another name that the query gives one.
    fn columns_of<'a>(&'a self, owner: &'a str) -> impl Iterator<Item = &'a str> {
        let is_known = self.table_names().any(|name| name.eq_ignore_ascii_case(owner));
        let tables = self.tables.iter().filter(move |table| !is_known || table.name.eq_ignore_ascii_case(owner));
        tables.flat_map(|table| table.columns.iter().map(|column| column.name.as_str()))
    }

    fn anything(&self, word: &str) -> Vec<String> {
        let mut offers = beginning_with(word, self.table_names().chain(self.columns_of("")));
        offers.extend(
            beginning_with(word, self.functions.iter().map(String::as_str)).iter().map(|name| format!("{name}(")),
        );
        let is_small = word.starts_with(char::is_lowercase);
        let cased = |keyword: String| if is_small { keyword.to_lowercase() } else { keyword };
        offers.extend(beginning_with(word, KEYWORDS.into_iter()).into_iter().map(cased));
        offers
    }
}

/// The names that begin so, in any case, each once and in order.
fn beginning_with<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let begins = |name: &&str| name.get(..word.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(word));
    let mut names: Vec<String> = names.filter(begins).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use query::sql::ColumnType;

    use super::*;

    fn words() -> Words {
        let table = |name: &str, columns: &[&str]| TableColumns {
            name: name.to_owned(),
            columns: columns
                .iter()
                .map(|name| ColumnType { name: (*name).to_owned(), type_word: "string".to_owned() })
                .collect(),
        };
        let tables = vec![table("messages", &["msg_id", "sender"]), table("hours", &["source_hour", "state"])];
        Words::new(tables, vec!["sum".to_owned(), "search".to_owned()])
    }

    #[test]
    fn what_is_offered_begins_with_what_is_typed() {
        for (before, start, expected) in [
            ("SELECT * FROM mess", 14, &["messages"][..]),
            ("select SE", 7, &["sender", "search(", "SELECT"]),
            ("sel", 0, &["select"]),
            ("SELECT s FROM hours h WHERE h.st", 30, &["state"]),
            ("SELECT messages.s", 16, &["sender"]),
            ("SELECT 潮, m.", 14, &["msg_id", "sender", "source_hour", "state"]),
            ("SELECT 'mess", 8, &[]),
            ("SELECT ", 7, &[]),
            (".sch", 0, &[".schema"]),
            (".schema ho", 8, &["hours"]),
        ] {
            let (at, offers) = words().complete(before);
            assert_eq!(
                (at, offers.as_slice()),
                (start, &expected.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()[..]),
                "{before}"
            );
        }
    }
}
