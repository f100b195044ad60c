//! The commands of the prompt, which begin with a dot.

use query::sql::TableColumns;

use crate::error::CommandError;
use crate::output::visible;
use crate::settings::nearest;

/// Each with what it does.
pub(super) const COMMANDS: [(&str, &str); 4] = [
    (".help", "these lines"),
    (".tables", "the tables and views"),
    (".schema", "the columns of all of them with their types, or of one: .schema messages"),
    (".quit", "leave, as Ctrl-D does"),
];

/// What a command prints.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Lines(String),
    /// That was the last one.
    Goodbye,
}

/// Answers a command.
///
/// # Errors
///
/// When there is no such command, or no such table.
pub(super) fn reply(command: &str, argument: &str, tables: &[TableColumns]) -> Result<Reply, CommandError> {
    Ok(match command {
        ".help" => Reply::Lines(help()),
        ".tables" => Reply::Lines(tables.iter().map(|table| format!("{}\n", table.name)).collect()),
        ".schema" => Reply::Lines(schema(argument, tables)?),
        ".quit" => Reply::Goodbye,
        other => return Err(unknown("command", other, COMMANDS.iter().map(|(name, _)| *name))),
    })
}

fn help() -> String {
    let lines: String = COMMANDS.iter().map(|(name, what)| format!("{name:9}{what}\n")).collect();
    format!(
        "A query ends with ; and may have several lines. Ctrl-C ends a query that runs, Tab completes names, and a line that\n\
        begins with a space is not kept in the history.\n{lines}"
    )
}

fn schema(name: &str, tables: &[TableColumns]) -> Result<String, CommandError> {
    let chosen: Vec<_> =
        tables.iter().filter(|table| name.is_empty() || table.name.eq_ignore_ascii_case(name)).collect();
    if chosen.is_empty() {
        return Err(unknown("table", name, tables.iter().map(|table| table.name.as_str())));
    }
    Ok(chosen.into_iter().map(columns).collect::<Vec<_>>().join("\n"))
}

fn columns(table: &TableColumns) -> String {
    let width = table.columns.iter().map(|column| column.name.len()).max().unwrap_or_default();
    let lines = table.columns.iter().map(|column| format!("  {:width$}  {}\n", column.name, column.type_word));
    format!("{}\n{}", table.name, lines.collect::<String>())
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> CommandError {
    let error = CommandError::usage(format!("there is no {what} `{}`", visible(name)));
    match nearest(name, known.clone()) {
        Some(meant) => error.hint(format!("did you mean `{meant}`?")),
        None => error.hint(format!("there are {}", known.collect::<Vec<_>>().join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use query::sql::ColumnType;

    use super::*;

    fn tables() -> Vec<TableColumns> {
        let column =
            |name: &str, type_word: &str| ColumnType { name: name.to_owned(), type_word: type_word.to_owned() };
        let columns = vec![column("source_hour", "string"), column("lines", "bigint")];
        vec![TableColumns { name: "hours".to_owned(), columns }]
    }

    #[test]
    fn tables_are_told_with_their_columns() {
        assert_eq!(reply(".tables", "", &tables()).unwrap(), Reply::Lines("hours\n".to_owned()));
        let expected = "hours\n  source_hour  string\n  lines        bigint\n";
        for name in ["", "hours", "HOURS"] {
            assert_eq!(reply(".schema", name, &tables()).unwrap(), Reply::Lines(expected.to_owned()), "{name}");
        }
        assert_eq!(reply(".quit", "", &tables()).unwrap(), Reply::Goodbye);
    }

    #[test]
    fn what_is_not_there_is_told_with_what_was_meant() {
        for (command, argument, expected) in [
            (".shema", "", "did you mean `.schema`?"),
            (".schema", "hour", "did you mean `hours`?"),
            (".x", "", "there are .help, .tables, .schema, .quit"),
        ] {
            let error = reply(command, argument, &tables()).unwrap_err();
            assert_eq!(error.hints(), [expected], "{command} {argument}");
        }
    }

    #[test]
    fn help_names_every_command() {
        let Reply::Lines(help) = reply(".help", "", &[]).unwrap() else { panic!("help is printed") };
        assert!(COMMANDS.iter().all(|(name, _)| help.contains(name)), "{help}");
    }
}
