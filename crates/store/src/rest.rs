//! What is left of a file of several hours when one of them is replaced.
//!
//! The rows of the other hours go into a file of their own, beside the new one of the hour, in the commit that takes the
//! old file away. It is written before the commit, in view of the files that are live then; if the hour lies in others
//! when it comes to the commit, it is written anew. Where another program wrote the old file, see [`crate::foreign`].

use std::collections::BTreeSet;
use std::sync::Arc;

use archive::Settings;
use chat::{Hour, Timestamp};
use deltalake::kernel::Add;

use crate::error::Error;
use crate::foreign;
use crate::ledger::Ledger;
use crate::live::{Live, LiveFile};
use crate::rewrite::Selection;
use crate::site::Site;
use crate::steps::step;
use crate::table::Table;

/// The other hours of the files that hold an hour.
#[derive(Default)]
pub(crate) struct Rest {
    /// The live files that hold the hour and others.
    shared: Vec<Arc<LiveFile>>,
    /// Where the other hours are from now on; `None` when there are none.
    add: Option<Add>,
}

impl Rest {
    /// Writes the rest of the files that hold an hour; nothing, if each holds that hour alone.
    pub(crate) async fn of(
        hour: Hour,
        live: &Live,
        table: &Table,
        ledger: &Ledger,
        site: &Site,
        at: Timestamp,
    ) -> Result<Self, Error> {
        foreign::refuse_scattered(hour, live, table)?;
        let shared: Vec<_> = live.holders(hour).iter().filter(|file| is_shared(file)).cloned().collect();
        if shared.is_empty() {
            return Ok(Self::default());
        }
        let is_told = |file: &Arc<LiveFile>| {
            file.hours().iter().all(|other| *other == hour || foreign::is_told(table.kind(), file, *other))
        };
        let add = if shared.iter().all(is_told) {
            let mut hours: BTreeSet<Hour> = shared.iter().flat_map(|file| file.hours().iter().copied()).collect();
            hours.remove(&hour);
            let written = Selection { table, files: &shared, hours }.write(site, Settings::default()).await?;
            Some(written.place(site, table, at, true).await?)
        } else {
            match foreign::rest(hour, &shared, table, ledger, site).await? {
                Some(file) => Some(file.place(site, table, at, true).await?),
                None => None,
            }
        };
        step("rest.placed");
        Ok(Self { shared, add })
    }

    pub(crate) fn shared(&self) -> &[Arc<LiveFile>] {
        &self.shared
    }

    /// The file to add; to be discarded if it is not.
    pub(crate) fn add(&self) -> Option<&Add> {
        self.add.as_ref()
    }

    /// The files to remove so that the hour is gone, and nothing else once the rest is added; `None` when this is not the
    /// rest of those that are live.
    pub(crate) fn removals(&self, hour: Hour, live: &Live) -> Option<Vec<Add>> {
        let holders = live.holders(hour);
        let is_mine = |file: &LiveFile| self.shared.iter().any(|shared| shared.path() == file.path());
        let is_still = holders.iter().filter(|file| is_shared(file)).count() == self.shared.len();
        let all_mine = holders.iter().all(|file| !is_shared(file) || is_mine(file));
        (is_still && all_mine).then(|| holders.iter().map(|file| file.add.clone()).collect())
    }
}

fn is_shared(file: &LiveFile) -> bool {
    file.hours().len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags;

    fn live(files: &[(&str, &[Hour])]) -> Live {
        let add = |(name, hours): &(&str, &[Hour])| Add {
            path: (*name).to_owned(),
            tags: Some(tags::of_hours(hours)),
            ..Add::default()
        };
        Live::of(0, files.iter().map(add), &Live::default())
    }

    fn rest_of(hour: Hour, live: &Live) -> Rest {
        let shared = live.holders(hour).iter().filter(|file| is_shared(file)).cloned().collect();
        Rest { shared, add: None }
    }

    #[test]
    fn an_hour_takes_only_its_own_files_away() {
        let hour = Hour::from_key("2026031409").unwrap();
        let (mine, before) = ([hour], [hour.plus(-1)]);
        let live = live(&[("before", &before), ("one", &mine), ("other", &mine)]);
        let removed = Rest::default().removals(hour, &live).unwrap();
        assert_eq!(removed.into_iter().map(|file| file.path).collect::<Vec<_>>(), ["one", "other"]);
        assert!(Rest::default().removals(hour.next(), &live).unwrap().is_empty());
    }

    #[test]
    fn a_file_of_several_hours_is_taken_away_only_with_the_rest_of_it() {
        let hour = Hour::from_key("2026031409").unwrap();
        let (mine, both) = ([hour], [hour, hour.next()]);
        let (compacted, again) = (live(&[("day", &both)]), live(&[("other day", &both)]));
        let alone = live(&[("hour", &mine)]);
        let rest = rest_of(hour, &compacted);
        assert_eq!(rest.removals(hour, &compacted).unwrap().len(), 1);
        for live in [&again, &alone] {
            assert!(rest.removals(hour, live).is_none(), "the day has been cut otherwise meanwhile");
        }
        assert!(Rest::default().removals(hour, &compacted).is_none());
        assert_eq!(Rest::default().removals(hour, &alone).unwrap().len(), 1);
    }
}
