//! What the log of a table says of its files, held against what they say themselves.

use archive::Statistics;
use chat::Hour;
use store::TableFile;

use super::formats::name;
use super::{Finding, Verified};

impl Verified {
    /// Holds the bounds and the day of a file against its footer and its hours. Readers skip files by them.
    pub(super) fn hold_against_log(&mut self, file: &TableFile, footer: &Statistics) {
        let promises = file.statistics.iter().flat_map(|log| footer.broken_promises(log));
        let day = file.date.iter().flat_map(|date| wrong_day(date, &file.hours));
        promises.chain(day).for_each(|what| self.find(Finding::Log { name: name(file), what }));
    }

    /// Notes rows of an hour that the log does not know of.
    pub(super) fn find_unlogged(&mut self, path: &str, logged: &[Hour], hour: Hour) {
        if !logged.contains(&hour) {
            let what = format!("does not say that it holds rows of {hour}");
            self.find(Finding::Log { name: format!("messages/{path}"), what });
        }
    }
}

/// What is wrong with the day of a file, if it holds an hour of another.
fn wrong_day(date: &str, hours: &[Hour]) -> Option<String> {
    let wrong = hours.iter().find(|hour| hour.date().to_string() != date)?;
    Some(format!("says that its rows are of {date}, and it holds {wrong}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_of_one_day() {
        let hours = [Hour::from_key("2026031423").unwrap(), Hour::from_key("2026031500").unwrap()];
        assert_eq!(wrong_day("2026-03-14", &hours[..1]), None);
        assert!(wrong_day("2026-03-14", &hours).unwrap().ends_with("holds 2026-03-15T00Z"));
    }
}
