//! What each file says and is, held against the log: its format, its bounds, its bytes.

use std::ops::Range;

use archive::Footer;
use chat::Hour;
use store::TableFile;

use super::finding::why;
use super::{Finding, MESSAGES, Verified};
use crate::error::Error;
use crate::workshop::Workshop;

/// A file of a table, and the format that it was written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFormat {
    /// The table.
    pub table: &'static str,
    /// Its name, relative to the table.
    pub path: String,
    /// The number of the format; `None` when another program wrote the file anew and left it out.
    pub format: Option<u32>,
    /// Rows of the file.
    pub rows: u64,
}

/// The files of a table that are of one format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormatCount {
    /// The table.
    pub table: &'static str,
    /// The number of the format; `None` as for [`FileFormat::format`].
    pub format: Option<u32>,
    /// How many files have it.
    pub files: u64,
    /// Rows of these files.
    pub rows: u64,
}

impl Verified {
    /// Which formats the files of each table have: table by table, the oldest first.
    #[must_use]
    pub fn formats(&self) -> Vec<FormatCount> {
        let mut counts: Vec<FormatCount> = Vec::new();
        for FileFormat { table, format, rows, .. } in &self.files {
            match counts.iter_mut().find(|count| (count.table, count.format) == (*table, *format)) {
                Some(count) => {
                    count.files += 1;
                    count.rows += rows;
                }
                None => counts.push(FormatCount { table, format: *format, files: 1, rows: *rows }),
            }
        }
        let place = |table: &str| self.files.iter().position(|file| file.table == table);
        counts.sort_by_key(|count| (place(count.table), count.format));
        counts
    }

    /// Reads the footer of each file that holds one of these hours, and of all of the ledger.
    pub(super) async fn read_formats(&mut self, workshop: &Workshop, range: &Range<Hour>) -> Result<(), Error> {
        for file in workshop.archive.files().await?.into_iter().filter(|file| concerns(file, range)) {
            let is_sound = self.hold_against_hash(&file).await;
            match archive::read_footer(file.reader()).await {
                Ok(footer) => {
                    // Others cut texts and round times in ways of their own, and leave our tags out.
                    if is_sound
                        && file.table == MESSAGES
                        && file.format_in_log.is_some()
                        && let Ok(statistics) = archive::read_statistics(file.reader()).await
                    {
                        self.hold_against_log(&file, &statistics);
                    }
                    self.take_format(file, footer);
                }
                // Another writer has replaced it; what is missing for good is told by who reads the rows.
                Err(error) if store::is_gone(&error) => {}
                Err(error) => {
                    let finding = Finding::Unreadable { name: name(&file), why: why(&error) };
                    self.find_damage(file.table, &file.hours, finding);
                }
            }
        }
        Ok(())
    }

    /// Reads a file through and takes its hash, if the log says which it had. Parquet has no check sums of its own here. Whether
    /// nothing was found.
    async fn hold_against_hash(&mut self, file: &TableFile) -> bool {
        let Some(expected) = &file.sha256 else { return true };
        let finding = match file.hashed().await {
            Ok(found) if found == *expected => return true,
            Ok(found) => Finding::Changed { name: name(file), found, expected: expected.clone() },
            Err(error) if store::is_gone(&error) => return true,
            Err(error) => {
                let is_cut = |length: &u64| *length < file.size;
                let length = file.length().await.ok().filter(is_cut);
                let cut = length.map(|length| format!("it is cut: it has {length} of {} bytes", file.size));
                Finding::Unreadable { name: name(file), why: cut.unwrap_or_else(|| why(&error)) }
            }
        };
        self.find_damage(file.table, &file.hours, finding);
        false
    }

    fn take_format(&mut self, file: TableFile, footer: Footer) {
        let said = Said {
            format: footer.format,
            in_log: file.format_in_log.as_deref(),
            of_table: file.format_of_table.as_deref(),
        };
        said.contradictions(&name(&file)).into_iter().for_each(|finding| self.find(finding));
        self.files.push(FileFormat { table: file.table, path: file.path, format: footer.format, rows: footer.rows });
    }
}

/// What is said of the format of one file.
struct Said<'a> {
    /// By its footer.
    format: Option<u32>,
    /// By the log, of the file.
    in_log: Option<&'a str>,
    /// By the log, of the table.
    of_table: Option<&'a str>,
}

impl Said<'_> {
    /// What the log says, and the footer does not.
    fn contradictions(&self, name: &str) -> Vec<Finding> {
        let (name, file) =
            (|| name.to_owned(), || self.format.map_or("no format".to_owned(), |it| format!("format {it}")));
        let differs = |log: &&str| self.format.is_none() || log.parse().ok() != self.format;
        let log = self.in_log.filter(differs);
        let log = log.map(|log| Finding::FileFormat { name: name(), file: file(), log: log.to_owned() });
        // An older file is what it is until its day is compacted.
        let is_older = |table: &&str| self.format > table.parse().ok();
        let table = self.of_table.filter(is_older);
        let table = table.map(|table| Finding::TableFormat { name: name(), file: file(), table: table.to_owned() });
        log.into_iter().chain(table).collect()
    }
}

/// Whether a file has rows of these hours, or does not say of which it has some.
pub(super) fn concerns(file: &TableFile, range: &Range<Hour>) -> bool {
    file.hours.is_empty() || file.hours.iter().any(|hour| range.contains(hour))
}

/// The name of a file, relative to the archive.
pub(super) fn name(file: &TableFile) -> String {
    format!("{}/{}", file.table, file.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_of_a_file_what_the_file_says() {
        for (format, in_log, of_table, expected) in [
            (Some(3), Some("3"), Some("3"), &[][..]),
            // Of before there was such a tag, or by another program.
            (Some(1), None, Some("3"), &[]),
            (None, None, Some("3"), &[]),
            (None, None, None, &[]),
            (Some(2), Some("3"), Some("3"), &["x: the file says format 2, the log of the table says format 3"]),
            (None, Some("3"), Some("3"), &["x: the file says no format, the log of the table says format 3"]),
            (Some(3), Some("3"), Some("2"), &["x: the file says format 3, the table is of format 2"]),
            (
                Some(4),
                Some("soon"),
                Some("3"),
                &[
                    "x: the file says format 4, the log of the table says format soon",
                    "x: the file says format 4, the table is of format 3",
                ],
            ),
        ] {
            let said = Said { format, in_log, of_table };
            let found: Vec<_> = said.contradictions("x").iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{format:?} {in_log:?} {of_table:?}");
        }
    }

    #[test]
    fn files_are_counted_by_table_and_format() {
        let file = |table, format, rows| FileFormat { table, path: String::new(), format, rows };
        let files = vec![
            file("messages", Some(3), 5),
            file("messages", Some(2), 7),
            file("messages", Some(3), 1),
            file("hours", None, 2),
        ];
        let count = |table, format, files, rows| FormatCount { table, format, files, rows };
        let expected = [count("messages", Some(2), 1, 7), count("messages", Some(3), 2, 6), count("hours", None, 1, 2)];
        assert_eq!(Verified { files, ..Verified::default() }.formats(), expected);
    }
}
