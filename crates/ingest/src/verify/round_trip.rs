//! From the rows back to the lines that were served.
//!
//! An hour at a time: the rows of it are read, of each its place and the fingerprints of the record that it gives back and of its
//! columns are held, and then the served lines go by. No line is held longer than it is looked at, but for the few that are named.

use std::collections::BTreeMap;

use chat::{DeadLetter, Entry, Hour, Message, Part, Position, Reason};
use decode::{Decoder, Limits, Origin, RebuildError, Records};
use futures::TryStreamExt as _;
use rustc_hash::{FxHashMap, FxHashSet};
use store::{DataFile, RawPart, Snapshot};

use super::finding::{Astray, Finding};
use super::reading::{Columns, Reading, fingerprint};
use crate::error::Error;
use crate::raw::on_a_thread;
use crate::workshop::Workshop;

/// Lines of one hour that are named when they are not kept as they were served; the others are counted.
const NAMED: usize = 10;

/// What became of the lines whose served bytes are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoundTrip {
    /// Hours whose lines were read.
    pub hours: u64,
    /// Lines read.
    pub lines: u64,
    /// Lines that a row gives back: the same JSON value.
    pub messages: u64,
    /// Lines of the value of another row of the hour.
    pub duplicates: u64,
    /// Lines that are dead letters, to the byte.
    pub dead_letters: u64,
    /// Lines of white space.
    pub blank_lines: u64,
    /// Rows that are marked as served no more, and need no line.
    pub retained: u64,
    /// Rows that hold their line as it was written, because a key occurs twice in it.
    pub kept_as_written: u64,
    /// Lines that a row gives back, and whose columns would be others today: another version of the program, or other settings, made
    /// them.
    pub read_otherwise: u64,
}

impl RoundTrip {
    pub(super) fn add(&mut self, other: Self) {
        self.hours += other.hours;
        self.lines += other.lines;
        self.messages += other.messages;
        self.duplicates += other.duplicates;
        self.dead_letters += other.dead_letters;
        self.blank_lines += other.blank_lines;
        self.retained += other.retained;
        self.kept_as_written += other.kept_as_written;
        self.read_otherwise += other.read_otherwise;
    }
}

impl Workshop {
    /// Holds every line of an hour against what is kept of it. `parts` are the bytes that the tables were made of.
    ///
    /// # Errors
    ///
    /// When the tables cannot be read, or a thread dies.
    pub(super) async fn round_trip(
        &self,
        snapshot: &Snapshot,
        entry: &Entry,
        parts: Vec<RawPart>,
    ) -> Result<(RoundTrip, Vec<Finding>), Error> {
        let (hour, limits) = (entry.hour, self.settings.decode);
        // The ledger has the version of the last attempt.
        let version = snapshot.told(hour).map_or(&entry.version, |told| &told.version);
        let reading = Reading { app: self.app.clone(), is_todays: version == self.version };
        let letters = match self.archive.dead_letters(Some(hour)).await {
            Ok(letters) => letters,
            Err(error) => {
                let finding = Finding::of_table(&error).ok_or(Error::Store(error))?;
                return Ok((RoundTrip::default(), vec![finding]));
            }
        };
        let mut kept = Kept::of(hour, letters, reading);
        let files = || snapshot.files().iter().filter(|file| file.hours.contains(&hour));
        for file in files() {
            if let Err(error) = each_row(snapshot, file, hour, |row| kept.take(&row)).await {
                return Ok((RoundTrip::default(), vec![Finding::unreadable(file, &error)]));
            }
        }
        kept.know_copies();
        let mut walk = on_a_thread(move || Ok(kept.walk(&parts, limits))).await?;
        let differs = !walk.other.is_empty();
        for file in files().filter(|_| differs) {
            let read = each_row(snapshot, file, hour, |row| walk.tell_difference(&row)).await;
            read.map_err(|source| Error::Rows { hour, source })?;
        }
        Ok((walk.told, walk.findings()))
    }
}

async fn each_row(
    snapshot: &Snapshot,
    file: &DataFile,
    hour: Hour,
    mut take: impl FnMut(Message<'static>),
) -> Result<(), archive::Error> {
    let mut batches = std::pin::pin!(archive::read_hour(snapshot.reader(file), hour).await?);
    while let Some(batch) = batches.try_next().await? {
        batch.into_iter().for_each(&mut take);
    }
    Ok(())
}

type Place = (Part, u64);

/// The fingerprints of a row.
struct Row {
    /// Of the record that it gives back.
    value: Result<u128, RebuildError>,
    /// Of its columns.
    columns: u64,
}

/// What the tables hold of an hour.
struct Kept {
    hour: Hour,
    reading: Reading,
    /// The rows that have not met their line.
    rows: FxHashMap<Place, Row>,
    /// The records that they all give back.
    values: FxHashSet<u128>,
    letters: BTreeMap<Place, DeadLetter<'static>>,
    told: RoundTrip,
    astray: BTreeMap<Place, Astray>,
    more: u64,
}

impl Kept {
    fn of(hour: Hour, letters: Vec<DeadLetter<'static>>, reading: Reading) -> Self {
        Self {
            hour,
            reading,
            rows: FxHashMap::default(),
            values: FxHashSet::default(),
            letters: letters.into_iter().map(|letter| (place(letter.position), letter)).collect(),
            told: RoundTrip { hours: 1, ..RoundTrip::default() },
            astray: BTreeMap::new(),
            more: 0,
        }
    }

    fn take(&mut self, row: &Message<'_>) {
        let value = decode::value_fingerprint(row);
        self.told.kept_as_written += u64::from(decode::is_kept_as_written(row));
        if row.retained_at.is_none() {
            self.rows.insert(place(row.position), Row { value, columns: fingerprint(row) });
            return;
        }
        self.told.retained += 1;
        if let Err(error) = value {
            self.note(place(row.position), Astray::Unmade(error));
        }
    }

    fn know_copies(&mut self) {
        self.values = self.rows.values().filter_map(|row| row.value.ok()).collect();
    }

    /// Lets the served lines go by.
    fn walk(mut self, parts: &[RawPart], limits: Limits) -> Walk {
        let mut other = BTreeMap::new();
        let damage = parts.iter().find_map(|raw| {
            let reason = self.walk_part(raw, limits, &mut other).err()?;
            Some(Finding::Raw { hour: self.hour, path: raw.path.clone(), reason })
        });
        // What lies behind the damage may have been served.
        if damage.is_none() {
            self.note_unserved();
        }
        let Self { hour, reading, told, astray, more, .. } = self;
        Walk { hour, reading, told, other, damage, astray: astray.into_iter().collect(), more }
    }

    fn walk_part(&mut self, raw: &RawPart, limits: Limits, other: &mut BTreeMap<Place, String>) -> Result<(), String> {
        let file = raw.open().map_err(|error| error.to_string())?;
        let origin = Origin { hour: self.hour, part: raw.part, app: None };
        let mut decoder = Decoder::new(file, origin, limits);
        while let Some(records) = decoder.next_records().map_err(|error| error.to_string())? {
            self.meet(&records, other);
        }
        Ok(())
    }

    fn meet(&mut self, lines: &Records<'_>, other: &mut BTreeMap<Place, String>) {
        self.told.lines += lines.lines();
        self.told.blank_lines += lines.blank_lines;
        for (position, record) in &lines.records {
            self.meet_record(*position, record, other);
        }
        for letter in &lines.dead_letters {
            self.meet_letter(letter);
        }
    }

    fn meet_record(&mut self, position: Position, record: &str, other: &mut BTreeMap<Place, String>) {
        let (place, served) = (place(position), decode::record_fingerprint(record));
        match self.rows.remove(&place) {
            Some(Row { value: Ok(row), columns }) => {
                let is_value = Some(row) == served;
                let columns = if is_value { self.reading.hold(columns, position, record) } else { Columns::Different };
                self.meet_row(columns, place, record, other);
            }
            Some(Row { value: Err(error), .. }) => self.note(place, Astray::Unmade(error)),
            None if served.is_some_and(|served| self.values.contains(&served)) => self.told.duplicates += 1,
            None if self.was_too_long(place, record) => self.told.dead_letters += 1,
            None if self.letters.remove(&place).is_some() => self.note(place, Astray::NoLetter),
            None => self.note(place, Astray::NotKept),
        }
    }

    fn meet_row(&mut self, row: Columns, place: Place, record: &str, other: &mut BTreeMap<Place, String>) {
        match row {
            Columns::Alike => self.told.messages += 1,
            Columns::Otherwise => {
                self.told.messages += 1;
                self.told.read_otherwise += 1;
            }
            Columns::Different if other.len() < NAMED => {
                other.insert(place, record.to_owned());
            }
            Columns::Different => self.more += 1,
        }
    }

    /// Whether a line was set aside because it was longer than it might be then.
    fn was_too_long(&mut self, place: Place, line: &str) -> bool {
        let is_start = |letter: &DeadLetter<'_>| line.as_bytes().starts_with(&letter.bytes);
        let was = |letter: &DeadLetter<'_>| letter.reason == Reason::TooLong && is_start(letter);
        self.letters.get(&place).is_some_and(was) && self.letters.remove(&place).is_some()
    }

    fn meet_letter(&mut self, served: &DeadLetter<'_>) {
        let place = place(served.position);
        if self.rows.remove(&place).is_some() {
            // The limit may have been higher when the hour was archived.
            let is_cut = served.reason == Reason::TooLong;
            return self.note(place, if is_cut { Astray::TooLong } else { Astray::NoMessage });
        }
        match self.letters.remove(&place) {
            None => self.note(place, Astray::NotKept),
            Some(kept) if kept.offset != served.offset => self.note(place, Astray::Letter("offset")),
            Some(kept) if kept.bytes != served.bytes => self.note(place, Astray::Letter("text")),
            Some(kept) if kept.reason != served.reason => self.note(place, Astray::Letter("reason")),
            Some(_) => self.told.dead_letters += 1,
        }
    }

    /// What is left was not served.
    fn note_unserved(&mut self) {
        let mut rows: Vec<_> = self.rows.drain().map(|(place, _)| place).collect();
        rows.sort_unstable();
        rows.into_iter().for_each(|place| self.note(place, Astray::NotServed("message")));
        for place in std::mem::take(&mut self.letters).into_keys() {
            self.note(place, Astray::NotServed("dead letter"));
        }
    }

    fn note(&mut self, place: Place, what: Astray) {
        if self.astray.len() < NAMED {
            self.astray.insert(place, what);
        } else {
            self.more += 1;
        }
    }
}

/// The end of a walk.
struct Walk {
    hour: Hour,
    reading: Reading,
    told: RoundTrip,
    /// Served lines whose row says something else.
    other: BTreeMap<Place, String>,
    damage: Option<Finding>,
    astray: Vec<(Place, Astray)>,
    more: u64,
}

impl Walk {
    /// Finds out where a row parts from its line, if it is one of those that do.
    fn tell_difference(&mut self, row: &Message<'_>) {
        let place = place(row.position);
        let Some(served) = self.other.get(&place) else { return };
        let what = match decode::rebuild(row).map(|kept| decode::first_difference(served, &kept)) {
            Ok(Some(difference)) => Astray::Differs(difference),
            Ok(None) => match self.reading.first_difference(row, served) {
                Some(difference) => difference,
                None => return,
            },
            Err(error) => Astray::Unmade(error),
        };
        self.astray.push((place, what));
    }

    fn findings(mut self) -> Vec<Finding> {
        let hour = self.hour;
        self.astray.sort_by_key(|(place, _)| *place);
        let line = |((part, line), what)| Finding::Line { hour, part, line, what };
        let more = (self.more > 0).then_some(Finding::MoreLines { hour, lines: self.more });
        self.damage.into_iter().chain(self.astray.into_iter().map(line)).chain(more).collect()
    }
}

fn place(position: Position) -> Place {
    (position.part, position.line)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::verify::Proof;
    use crate::{Settled, hours_of_files};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_ledger_that_miscounts_what_became_no_row_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("2026031409.ndjson");
        std::fs::write(&path, "{\"msg_id\":\"1\"}\n{\"msg_id\":\"1\"}\n \n{\"msg_id\":\"2\"}\n").unwrap();
        let workshop = Workshop::of_tests(&folder.path().join("archive")).await;
        let load = async |settled| {
            let files = hours_of_files(std::slice::from_ref(&path), chat::Zone::UTC).unwrap();
            workshop.load(files, settled, &|_, _| {}).await.unwrap()
        };
        load(Settled::Keep).await;
        let hour = Hour::from_key("2026031409").unwrap();
        let found = async || workshop.verify(hour..hour.next(), Proof::RoundTrip).await.unwrap().findings;
        assert_eq!(found().await, []);
        let mut entry = workshop.archive.entries().await.unwrap().remove(&hour).unwrap();
        entry.at += Duration::from_secs(1);
        (entry.tally.duplicates, entry.tally.blank_lines) = (0, 2);
        workshop.archive.record(&[entry]).await.unwrap();
        let lines = |what, ledger| Finding::Lines { hour, what, ledger, served: 1 };
        assert_eq!(found().await, [lines("duplicates", 0), lines("blank lines", 2)]);
        // And one that names other bytes than the log does, which has those of the served file.
        let mut entry = workshop.archive.entries().await.unwrap().remove(&hour).unwrap();
        entry.at += Duration::from_secs(1);
        (entry.tally.duplicates, entry.tally.blank_lines) = (1, 1);
        let found_in_log = std::mem::replace(&mut entry.sha256, vec!["7".repeat(64)]).remove(0);
        workshop.archive.record(&[entry]).await.unwrap();
        let finding = Finding::Ledger { hour, what: "sha256", ledger: "7".repeat(64), found: found_in_log };
        assert_eq!(found().await, [finding]);
        // The hour's bytes are the archived ones all the same, and mend it.
        assert_eq!(load(Settled::Again).await.grown, 0);
        assert_eq!(found().await, []);
    }
}
