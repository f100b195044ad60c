//! The live files of a table at one version, and which hours they hold.
//!
//! What a file says of its hours is read once, when the file is first met, and its ledger entries when somebody asks for
//! them. A version is made from the one before and the actions in between, so that a commit costs what it changes and
//! not what there is.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use chat::{Entry, Hour, NO_MESSAGES, State, Tally, Timestamp};
use deltalake::kernel::{Add, Version};

use crate::snapshot::{DataFile, hours};
use crate::tags;

/// The source of a row of the ledger that was rebuilt from a file that does not tell it.
const RECOVERED: &str = "recovered";

/// The live files of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live {
    version: Version,
    files: BTreeMap<String, Arc<LiveFile>>,
    /// The files that hold or may hold an hour; never empty.
    holders: BTreeMap<Hour, Vec<Arc<LiveFile>>>,
}

/// A live file, and what it says of itself.
#[derive(Debug)]
pub(crate) struct LiveFile {
    pub(crate) add: Add,
    /// The hours that it holds, in order.
    hours: Vec<Hour>,
    /// Whether it holds them, and not just may: statistics that span several hours rule none out.
    is_sure: bool,
    entries: OnceLock<BTreeMap<Hour, Entry>>,
    told_publications: OnceLock<Vec<(Hour, String)>>,
    facts: OnceLock<DataFile>,
}

impl Live {
    /// The files of a version. Of those that `before` has too, nothing is read again.
    pub(crate) fn of(version: Version, files: impl IntoIterator<Item = Add>, before: &Self) -> Self {
        let mut live = Self { version, ..Self::default() };
        for add in files {
            let known = before.files.get(&add.path).filter(|known| known.add.tags == add.tags);
            live.insert(known.cloned().unwrap_or_else(|| Arc::new(LiveFile::new(add))));
        }
        live
    }

    /// Goes on to the next version.
    pub(crate) fn go_on(&mut self, removed: impl IntoIterator<Item = String>, added: impl IntoIterator<Item = Add>) {
        self.version += 1;
        removed.into_iter().for_each(|path| self.remove(&path));
        added.into_iter().for_each(|add| self.insert(Arc::new(LiveFile::new(add))));
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// The files, in the order of their names.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<LiveFile>> {
        self.files.values()
    }

    pub(crate) fn file(&self, path: &str) -> Option<&Arc<LiveFile>> {
        self.files.get(path)
    }

    /// The hours that a file holds or may hold, in order.
    pub(crate) fn hours(&self) -> impl Iterator<Item = Hour> {
        self.holders.keys().copied()
    }

    /// The files that hold an hour, or may.
    pub(crate) fn holders(&self, hour: Hour) -> &[Arc<LiveFile>] {
        self.holders.get(&hour).map_or(&[], Vec::as_slice)
    }

    /// The file that holds an hour for sure.
    pub(crate) fn sure_holder(&self, hour: Hour) -> Option<&LiveFile> {
        self.holders(hour).iter().map(AsRef::as_ref).find(|file| file.is_sure)
    }

    /// Whether a publication of an hour is what the table holds of it: its file is live, or the file that took the rows
    /// of several publications in says that they are this one's.
    pub(crate) fn holds(&self, hour: Hour, publication: &str) -> bool {
        self.files.contains_key(publication)
            || self.holders(hour).iter().any(|file| file.publications(hour).any(|name| name == publication))
    }

    /// Whether a publication is what the table holds of an hour for all that is known: as [`Live::holds`] says, or the only file
    /// that may hold the hour was written anew by another program, and does not say what its rows are.
    pub(crate) fn may_hold(&self, hour: Hour, publication: &str) -> bool {
        self.holds(hour, publication) || matches!(self.holders(hour), [file] if file.told(hour).is_none())
    }

    /// Whether it holds just these publications of hours and no others, as far as its files tell. One that tells too little is
    /// taken for something else.
    pub(crate) fn is_just(&self, publications: &BTreeMap<Hour, String>) -> bool {
        let told: Vec<_> = self.files().flat_map(|file| file.told_publications()).collect();
        let held: usize = self.files().map(|file| file.hours.len()).sum();
        let with_messages = publications.values().filter(|publication| *publication != NO_MESSAGES).count();
        let is_theirs = |(hour, publication): &&(Hour, String)| publications.get(hour) == Some(publication);
        told.len() == held && held == self.holders.len() && held == with_messages && told.iter().all(is_theirs)
    }

    fn insert(&mut self, file: Arc<LiveFile>) {
        self.remove(&file.add.path);
        for hour in &file.hours {
            self.holders.entry(*hour).or_default().push(Arc::clone(&file));
        }
        self.files.insert(file.add.path.clone(), file);
    }

    fn remove(&mut self, path: &str) {
        let Some(file) = self.files.remove(path) else { return };
        for hour in &file.hours {
            if let Some(holders) = self.holders.get_mut(hour) {
                holders.retain(|holder| !Arc::ptr_eq(holder, &file));
                if holders.is_empty() {
                    self.holders.remove(hour);
                }
            }
        }
    }
}

impl LiveFile {
    fn new(add: Add) -> Self {
        let told = tags::hours(add.tags.as_ref());
        let is_told = told.is_some();
        let hours = told.unwrap_or_else(|| hours(&add));
        let is_sure = is_told || hours.len() == 1;
        Self {
            add,
            hours,
            is_sure,
            entries: OnceLock::new(),
            told_publications: OnceLock::new(),
            facts: OnceLock::new(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.add.path
    }

    /// Whether it holds its hours, and not just may.
    pub(crate) fn is_sure(&self) -> bool {
        self.is_sure
    }

    pub(crate) fn size(&self) -> u64 {
        u64::try_from(self.add.size).unwrap_or(0)
    }

    pub(crate) fn hours(&self) -> &[Hour] {
        &self.hours
    }

    /// What readers are told of it.
    pub(crate) fn facts(&self) -> &DataFile {
        self.facts.get_or_init(|| DataFile::of(&self.add, &self.hours))
    }

    /// The ledger entry of an hour, as the file's tags tell.
    pub(crate) fn told(&self, hour: Hour) -> Option<&Entry> {
        let read = || tags::entries(self.add.tags.as_ref()).into_iter().map(|entry| (entry.hour, entry)).collect();
        self.entries.get_or_init(read).get(&hour)
    }

    /// The publication of each of its hours, as the file's tags tell. Searches ask for them again and again.
    fn told_publications(&self) -> &[(Hour, String)] {
        self.told_publications.get_or_init(|| tags::publications(self.add.tags.as_ref()))
    }

    /// The names of what was published of an hour and is in this file: its own, and those of files whose rows it took in.
    pub(crate) fn publications(&self, hour: Hour) -> impl Iterator<Item = &str> {
        let taken_in = self.told(hour).into_iter().flat_map(|entry| entry.files.iter().map(String::as_str));
        std::iter::once(self.path()).chain(taken_in)
    }

    /// The ledger entry of an hour that it holds: as its tags tell, or else what was known of it before somebody wrote
    /// the file anew, or else the little that is sure.
    pub(crate) fn entry(&self, hour: Hour, known: Option<&Entry>, now: Timestamp) -> Entry {
        if let Some(entry) = self.told(hour) {
            return entry.clone();
        }
        let files = vec![self.add.path.clone()];
        if let Some(known) = known {
            return Entry { at: now, files, ..known.clone() };
        }
        let facts = self.facts();
        let whole = if self.hours.len() == 1 { facts.rows } else { 0 };
        Entry {
            tally: Tally { lines: whole, messages: whole, ..Tally::default() },
            min_sent_at: facts.min_sent_at,
            max_sent_at: facts.max_sent_at,
            files,
            source: RECOVERED.to_owned(),
            ..Entry::new(hour, now, State::Done)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(number: i64) -> Hour {
        Hour::from_key("2026031409").unwrap().plus(number)
    }

    fn file(name: &str, hours: &[Hour]) -> Add {
        Add { path: name.to_owned(), tags: Some(tags::of_hours(hours)), ..Add::default() }
    }

    fn names(files: &[Arc<LiveFile>]) -> Vec<&str> {
        files.iter().map(|file| file.path()).collect()
    }

    #[test]
    fn a_version_goes_on_to_what_it_would_be_from_the_start() {
        let (one, two, day) = (file("1", &[hour(0)]), file("2", &[hour(1)]), file("day", &[hour(0), hour(1)]));
        let mut live = Live::of(6, [one, two], &Live::default());
        assert_eq!((names(live.holders(hour(0))), names(live.holders(hour(1)))), (vec!["1"], vec!["2"]));
        live.go_on(["1".to_owned(), "2".to_owned(), "unknown".to_owned()], [day.clone()]);
        let anew = Live::of(7, [day], &live);
        for live in [&live, &anew] {
            assert_eq!((live.version(), live.len()), (7, 1));
            assert_eq!((names(live.holders(hour(0))), names(live.holders(hour(1)))), (vec!["day"], vec!["day"]));
        }
        assert!(Arc::ptr_eq(live.file("day").unwrap(), anew.file("day").unwrap()), "it is not read again");
        live.go_on(["day".to_owned()], []);
        assert!(live.hours().next().is_none() && live.holders(hour(0)).is_empty());
    }

    #[test]
    fn an_index_is_held_against_the_publications_of_every_hour() {
        let entry = |number, files: &[&str]| Entry {
            files: files.iter().map(|name| (*name).to_owned()).collect(),
            ..Entry::new(hour(number), Timestamp::default(), State::Done)
        };
        let file = |path: &str, entries: &[Entry]| Add {
            path: path.to_owned(),
            tags: Some(tags::of_entries(entries, &[])),
            ..Add::default()
        };
        let files = [file("day", &[entry(0, &["a"]), entry(1, &["b"])]), file("c", &[entry(2, &["c"])])];
        let live = Live::of(0, files.clone(), &Live::default());
        let indexed = |of: &[(i64, &str)]| -> BTreeMap<Hour, String> {
            of.iter().map(|(number, publication)| (hour(*number), (*publication).to_owned())).collect()
        };
        let whole = [(0, "a"), (1, "b"), (2, "c"), (3, NO_MESSAGES)];
        assert!(live.is_just(&indexed(&whole)) && live.is_just(&indexed(&whole[..3])));
        for other in [
            vec![(0, "a"), (1, "b")],
            vec![(0, "a"), (1, "b"), (2, "another")],
            vec![(0, "a"), (1, "b"), (2, "c"), (3, "gone")],
            vec![(0, "a"), (1, "b"), (2, NO_MESSAGES)],
        ] {
            assert!(!live.is_just(&indexed(&other)), "{other:?}");
        }
        let untold = Add { tags: Some(tags::of_hours(&[hour(2)])), ..files[1].clone() };
        assert!(!Live::of(0, [files[0].clone(), untold], &Live::default()).is_just(&indexed(&whole)));
        let twice = file("d", &[entry(2, &["c"])]);
        assert!(!Live::of(0, files.into_iter().chain([twice]), &Live::default()).is_just(&indexed(&whole)));
    }

    #[test]
    fn a_file_that_took_others_in_holds_their_publications() {
        let entry = |number, name: &str| Entry {
            files: vec![name.to_owned()],
            ..Entry::new(hour(number), Timestamp::default(), State::Done)
        };
        let tags = Some(tags::of_entries(&[entry(0, "a"), entry(1, "b")], &[]));
        let live = Live::of(0, [Add { path: "day".to_owned(), tags, ..Add::default() }], &Live::default());
        assert!(live.holds(hour(0), "a") && live.holds(hour(1), "b") && live.holds(hour(1), "day"));
        assert!(!live.holds(hour(0), "b") && !live.holds(hour(2), "a"));
        assert_eq!(live.sure_holder(hour(1)).unwrap().entry(hour(1), None, Timestamp::default()), entry(1, "b"));
    }
}
