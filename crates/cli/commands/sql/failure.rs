//! What went wrong with a query, for the person who asked.

use query::sql::SqlError;

use crate::error::{CommandError, is_unread};
use crate::output::{WriteError, visible};
use crate::settings::nearest;

/// The failure of this query, whose answer goes to stdout or elsewhere.
pub(crate) fn told(error: SqlError, query: &str, is_for_stdout: bool) -> CommandError {
    match &error {
        SqlError::Query { at, unknown, .. } => {
            let place = at.and_then(|at| pointed_at(query, at));
            let meant = unknown.as_ref().and_then(|(name, known)| did_you_mean(name, known));
            let of_json = instead_of_arrow(&error.to_string());
            let error = CommandError::usage(error).while_doing("could not read the query");
            place.into_iter().chain(meant).chain(of_json).fold(error, CommandError::hint)
        }
        SqlError::Write(_) | SqlError::Output(_) if is_for_stdout && is_unread(&error) => {
            WriteError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe)).into()
        }
        _ => error.into(),
    }
}

impl From<SqlError> for CommandError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Index(error) => error.into(),
            SqlError::Store(error) => error.into(),
            SqlError::Memory { .. } => {
                Self::usage(error).hint("raise the setting sql.memory, or ask for less at a time")
            }
            SqlError::Moving { .. } => Self::usage(error).hint("run the command again"),
            SqlError::FullText(_) => Self::usage(error).hint("`annals help query-language` tells how it is written"),
            other => Self::usage(other),
        }
    }
}

/// The line with a mark under the place that is wrong.
fn pointed_at(query: &str, (line, column): (u64, u64)) -> Option<String> {
    let shown = query.lines().nth(usize::try_from(line.checked_sub(1)?).ok()?)?;
    let before: String = shown.chars().take(usize::try_from(column.checked_sub(1)?).ok()?).collect();
    let pad = " ".repeat(unicode_width::UnicodeWidthStr::width(visible(&before).as_str()));
    Some(format!("it is here:\n        {}\n        {pad}^", visible(shown)))
}

fn did_you_mean(name: &str, known: &[String]) -> Option<String> {
    match nearest(name, known.iter().map(String::as_str)) {
        Some(meant) => Some(format!("did you mean `{meant}`?")),
        None if known.is_empty() => None,
        None => Some(format!("there are {}", known.join(", "))),
    }
}

/// What is written here for the operators by which others read JSON.
fn instead_of_arrow(refusal: &str) -> Option<String> {
    let is_arrow = refusal.starts_with("Operator ->");
    is_arrow.then(|| "a member of a JSON text is json_text(ext, '$.name'), see docs/sql.md".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_pointed_at_in_its_line() {
        let shown = pointed_at("SELECT 潮,\n  sendr FROM messages", (2, 3)).unwrap();
        assert_eq!(shown, "it is here:\n          sendr FROM messages\n          ^");
        let shown = pointed_at("SELECT '潮' + sendr", (1, 14)).unwrap();
        assert!(shown.ends_with(&format!("\n        {}^", " ".repeat(14))), "{shown}");
        assert_eq!(pointed_at("SELECT 1", (7, 1)), None);
    }

    #[test]
    fn what_was_meant_is_offered() {
        let known = ["messages".to_owned(), "hours".to_owned()];
        assert_eq!(did_you_mean("mesages", &known).as_deref(), Some("did you mean `messages`?"));
        assert_eq!(did_you_mean("users", &known[..1]).as_deref(), Some("there are messages"));
    }
}
