//! Whether warehouses can load the files of the tables as they are.

use std::collections::BTreeMap;
use std::fmt;

use archive::{FaultKind, Portability};
use store::{TableFile, is_gone};

use crate::error::Error;
use crate::workshop::Workshop;

/// What was looked at, and what warehouses would choke on.
#[derive(Debug, Default)]
pub struct Portable {
    /// Files that were looked through.
    pub files: u64,
    /// What is to be mended; empty when every warehouse loads every file.
    pub obstacles: Vec<Obstacle>,
}

/// Something that a warehouse would choke on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The table.
    pub table: &'static str,
    /// The file, relative to the table.
    pub file: String,
    /// The column; empty when it is about the file or its rows.
    pub column: String,
    /// What is wrong.
    pub what: String,
    /// The command that mends it, or goes round it.
    pub mend: &'static str,
}

/// A file of an older format is written anew with the others of its day.
const COMPACT: &str = "annals compact";
/// What somebody else has written in the place of an hour.
const AGAIN: &str = "annals load --again raw/YYYY/MM/DD/HOUR-0.gz";
/// The same of attachments. The days of those that are asked for are written anew.
const FETCH: &str = "annals media fetch --again";
/// Nothing is cut in the archive.
const EXPORT: &str = "annals export --columns (without it)";

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, file, column, what, mend } = self;
        let column = if column.is_empty() { String::new() } else { format!("column `{column}` ") };
        write!(f, "{table}/{file}: {column}{what}; what helps is `{mend}`")
    }
}

/// How often an archive is looked at that others change meanwhile.
const LOOKS: usize = 3;

impl Workshop {
    /// Looks every live file through.
    ///
    /// # Errors
    ///
    /// When the log of a table cannot be read; a file that cannot is an [`Obstacle`].
    pub async fn portable(&self) -> Result<Portable, Error> {
        let mut looks = 0;
        loop {
            looks += 1;
            let (portable, was_replaced) = look(self.archive.files().await?).await;
            if !was_replaced || looks == LOOKS {
                return Ok(portable);
            }
        }
    }
}

/// The second says whether a file was replaced meanwhile.
async fn look(files: Vec<TableFile>) -> (Portable, bool) {
    let mut portable = Portable { files: files.len() as u64, ..Portable::default() };
    let mut shapes = BTreeMap::<&'static str, Vec<(String, Columns)>>::new();
    let mut was_replaced = false;
    for file in files {
        let found = archive::portability(file.reader()).await;
        let TableFile { table, path, .. } = file;
        match found {
            Ok(found) => {
                portable.obstacles.extend(obstacles(table, &path, &found));
                shapes.entry(table).or_default().push((path, found.columns));
            }
            Err(error) => {
                was_replaced |= is_gone(&error);
                let (what, mend) = (format!("could not be read: {error}"), anew(table));
                portable.obstacles.push(Obstacle { table, file: path, column: String::new(), what, mend });
            }
        }
    }
    for (table, shapes) in shapes {
        portable.obstacles.extend(mixed(table, &shapes));
    }
    (portable, was_replaced)
}

type Columns = Vec<(String, String)>;

fn obstacles(table: &'static str, path: &str, found: &Portability) -> Vec<Obstacle> {
    let obstacle = |fault: &archive::Fault| Obstacle {
        table,
        file: path.to_owned(),
        column: fault.column.clone(),
        what: fault.kind.to_string(),
        mend: match fault.kind {
            FaultKind::LongCells { .. } | FaultKind::LongRows { .. } => EXPORT,
            FaultKind::Name(_) | FaultKind::Statistics { .. } | FaultKind::Type { .. } => anew(table),
        },
    };
    found.faults.iter().map(obstacle).collect()
}

/// The files that have other columns than most of their table: some loaders go by place, and take the first file for all.
fn mixed(table: &'static str, shapes: &[(String, Columns)]) -> Vec<Obstacle> {
    let mut counts = BTreeMap::<&Columns, usize>::new();
    for (_, columns) in shapes {
        *counts.entry(columns).or_default() += 1;
    }
    // Of those that are as frequent the longest: columns come at the end.
    let Some((usual, _)) = counts.into_iter().max_by_key(|(columns, count)| (*count, columns.len())) else {
        return Vec::new();
    };
    let odd = shapes.iter().filter(|(_, columns)| columns != usual);
    odd.map(|(file, columns)| Obstacle {
        table,
        file: file.clone(),
        column: String::new(),
        what: difference(columns, usual),
        mend: match table {
            "attachments" => FETCH,
            // A run merges the files of the ledger.
            "hours" => "annals fetch",
            _ => COMPACT,
        },
    })
    .collect()
}

/// What writes a file of a table anew.
fn anew(table: &str) -> &'static str {
    if table == "attachments" { FETCH } else { AGAIN }
}

fn difference(columns: &Columns, usual: &Columns) -> String {
    let lacks =
        usual.iter().find(|column| !columns.contains(column)).map(|(name, kind)| format!("lacks `{name}` ({kind})"));
    let has =
        columns.iter().find(|column| !usual.contains(column)).map(|(name, kind)| format!("has `{name}` ({kind})"));
    let parts: Vec<String> = lacks.into_iter().chain(has).collect();
    let parts = if parts.is_empty() { "has them in another order".to_owned() } else { parts.join(" and ") };
    format!("other columns than most files of the table: it {parts}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Columns {
        names.iter().map(|name| ((*name).to_owned(), "Utf8".to_owned())).collect()
    }

    #[test]
    fn files_with_other_columns_are_named() {
        let shapes = |lists: &[&[&str]]| {
            lists.iter().enumerate().map(|(at, names)| (at.to_string(), columns(names))).collect::<Vec<_>>()
        };
        let found = |lists: &[&[&str]]| {
            let found = mixed("messages", &shapes(lists));
            found.iter().map(|obstacle| format!("{}: {}", obstacle.file, obstacle.what)).collect::<Vec<_>>()
        };
        let other = "other columns than most files of the table: it";
        assert_eq!(found(&[&["a", "b"], &["a", "b"]]), Vec::<String>::new());
        assert_eq!(found(&[&["a"], &["a", "b"], &["a", "b"]]), [format!("0: {other} lacks `b` (Utf8)")]);
        assert_eq!(found(&[&["a"], &["a", "b"]]), [format!("0: {other} lacks `b` (Utf8)")]);
        assert_eq!(found(&[&["b", "a"], &["a", "b"], &["a", "b"]]), [format!("0: {other} has them in another order")]);
    }
}
