//! Which row of the ledger stands: what is published outlasts all that is said of the hour by others.
//!
//! Two runs may work on one hour. The one that was slow, or stopped for a while, must not record a failure over an hour
//! that the other has published, nor its own publication over the one that replaced it. So a row is added only if
//!
//! * it is `done` and names the live files of its hour, or
//! * it is not, and the hour is not published: it has no live file, and its newest row is not `done`.
//!
//! A row that may not stand is dropped, and the row of what is published is there or is added in its place.

use chat::{Entry, Hour, State, Timestamp};

use crate::live::Live;

/// What stands of an hour.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Standing {
    /// The newest row, which is in the ledger.
    Known(Entry),
    /// A row to add.
    New(Entry),
}

impl Standing {
    pub(crate) fn new_row(&self) -> Option<&Entry> {
        match self {
            Self::Known(_) => None,
            Self::New(row) => Some(row),
        }
    }

    pub(crate) fn into_entry(self) -> Entry {
        match self {
            Self::Known(entry) | Self::New(entry) => entry,
        }
    }
}

/// What stands when `given` is to be recorded, in view of the hour's newest row and the live files of `messages`.
pub(crate) fn standing(given: &Entry, newest: Option<&Entry>, live: &Live, now: Timestamp) -> Standing {
    if given.state == State::Done && names_what_is_live(given, live) {
        return Standing::New(given.clone());
    }
    if let Some(published) = published(given.hour, newest, live, now) {
        return published;
    }
    match newest {
        // Nothing holds the hour, and it is done: there were no messages, or its next row is on its way.
        Some(newest) if newest.state == State::Done || given.state == State::Done => Standing::Known(newest.clone()),
        None if given.state == State::Done => Standing::New(withdrawn(given, now)),
        _ => Standing::New(given.clone()),
    }
}

/// The row of an hour that has a live file: the newest if it says so, or else as the file tells.
pub(crate) fn published(hour: Hour, newest: Option<&Entry>, live: &Live, now: Timestamp) -> Option<Standing> {
    let file = live.sure_holder(hour)?;
    let newest = newest.filter(|newest| newest.state == State::Done);
    Some(match newest {
        Some(newest) if names_what_is_live(newest, live) => Standing::Known(newest.clone()),
        newest => Standing::New(file.entry(hour, newest, now)),
    })
}

/// Whether the files of a `done` entry are those that hold its hour.
pub(crate) fn names_what_is_live(entry: &Entry, live: &Live) -> bool {
    if entry.files.is_empty() {
        return live.sure_holder(entry.hour).is_none();
    }
    entry.files.iter().all(|publication| live.holds(entry.hour, publication))
}

/// The row of an hour that was done and has no file any more: a run died while it replaced the hour by nothing, or
/// somebody deleted the file. It has to be published again.
pub(crate) fn withdrawn(entry: &Entry, now: Timestamp) -> Entry {
    Entry {
        at: now,
        state: State::Pending,
        error: Some("its file is not in the table any more".to_owned()),
        files: Vec::new(),
        ..entry.clone()
    }
}

#[cfg(test)]
mod tests {
    use deltalake::kernel::Add;

    use super::*;
    use crate::tags;

    fn hour() -> Hour {
        Hour::from_key("2026031409").unwrap()
    }

    fn row(state: State, files: &[&str]) -> Entry {
        let files = files.iter().map(|file| (*file).to_owned()).collect();
        Entry { files, source: "load".to_owned(), ..Entry::new(hour(), Timestamp::default(), state) }
    }

    fn file(name: &str) -> Add {
        let entry = row(State::Done, &[name]);
        Add { path: name.to_owned(), tags: Some(tags::of_entries(&[entry], &[])), ..Add::default() }
    }

    fn check(given: &Entry, newest: Option<&Entry>, live: &[Add], expected: &Standing) {
        let live = Live::of(0, live.iter().cloned(), &Live::default());
        assert_eq!(standing(given, newest, &live, Timestamp::default()), *expected, "{given:?} after {newest:?}");
    }

    #[test]
    fn what_is_published_outlasts_what_others_say() {
        let (one, two, nothing) = (row(State::Done, &["1"]), row(State::Done, &["2"]), row(State::Done, &[]));
        let (failed, pending) = (row(State::Failed, &[]), row(State::Pending, &[]));
        let (new, known) = (|row: &Entry| Standing::New(row.clone()), |row: &Entry| Standing::Known(row.clone()));
        let live = [file("2")];
        for (given, newest, live, expected) in [
            (&failed, None, &[][..], new(&failed)),
            (&failed, Some(&pending), &[], new(&failed)),
            (&failed, Some(&two), &live, known(&two)),
            (&failed, Some(&pending), &live, new(&two)),
            (&failed, Some(&nothing), &[], known(&nothing)),
            (&two, Some(&failed), &live, new(&two)),
            (&two, Some(&two), &live, new(&two)),
            (&one, Some(&two), &live, known(&two)),
            (&one, Some(&one), &live, new(&two)),
            (&nothing, Some(&two), &live, known(&two)),
            (&nothing, Some(&two), &[], new(&nothing)),
            (&one, Some(&nothing), &[], known(&nothing)),
            (&one, Some(&pending), &[], known(&pending)),
            (&one, None, &[], new(&withdrawn(&one, Timestamp::default()))),
        ] {
            check(given, newest, live, &expected);
        }
    }

    #[test]
    fn a_row_that_is_rebuilt_tells_where_the_bytes_came_from() {
        let source = |standing: Option<Standing>| standing.unwrap().into_entry().source;
        let (tagged, done) = (file("2"), row(State::Done, &["1"]));
        let bare = Add { tags: Some(tags::of_hours(&[hour()])), ..tagged.clone() };
        let pending = Entry { source: "fetch".to_owned(), ..row(State::Pending, &[]) };
        for (live, newest, expected) in [
            (&tagged, None, "load"),
            (&tagged, Some(&pending), "load"),
            // Another program has written the file anew, and kept no tag of ours but this.
            (&bare, Some(&done), "load"),
            (&bare, Some(&pending), "recovered"),
            (&bare, None, "recovered"),
        ] {
            let live = Live::of(0, [live.clone()], &Live::default());
            let told = published(hour(), newest, &live, Timestamp::default());
            assert_eq!(source(told), expected, "{live:?} after {newest:?}");
        }
        assert_eq!(withdrawn(&done, Timestamp::default()).source, "load");
    }

    #[test]
    fn a_file_that_may_hold_the_hour_proves_nothing() {
        let stats = r#"{"minValues":{"source_hour":"2026031400"},"maxValues":{"source_hour":"2026031423"}}"#;
        let day = Add { path: "day".to_owned(), stats: Some(stats.to_owned()), ..Add::default() };
        let pending = row(State::Pending, &[]);
        check(&pending, None, std::slice::from_ref(&day), &Standing::New(pending.clone()));
        let done = row(State::Done, &["1"]);
        check(&pending, Some(&done), &[day], &Standing::Known(done.clone()));
    }
}
