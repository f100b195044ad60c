//! Lines that were set aside, read once more: a newer program may know what to make of them.
//!
//! Only hours of which lines become a message, or a copy of one, are published again. Where the served bytes are kept,
//! such an hour is decoded whole, as when it was served. Where they are not, its rows stay as they are, and the lines are
//! read from what the dead letters keep of them ([`lines`]); as that is all there is of them, they are replaced last.
//!
//! Nobody is asked for anything: the ledger goes on to say when the service was, and what it answered.

mod lines;

use std::collections::BTreeSet;
use std::ops::Range;

use chat::{Entry, Hour, Reason, State};
use store::{Published, RawHour, RawPart};

use self::lines::Lines;
use crate::cores::Cores;
use crate::error::Error;
use crate::hour::{Bytes, Decoded, Provenance};
use crate::raw::{are, on_a_thread};
use crate::report::Failure;
use crate::workshop::Workshop;

/// Tries of an hour that others publish meanwhile.
const TRIES: usize = 5;

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// The hours concerned are published.
    Publish,
    /// It is only said what would be.
    DryRun,
}

/// What reading dead letters once more came to.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Hours with dead letters.
    pub hours: u64,
    /// Their dead letters, before.
    pub dead_letters: u64,
    /// Hours of which lines are messages now, in order: they were published, or would be.
    pub changed: Vec<Reread>,
    /// Hours that were left as they are, in order, and why.
    pub left: Vec<(Hour, Left)>,
    /// What went wrong, in the order of the hours.
    pub failures: Vec<Failure>,
    /// Whether the run was told to stop before all hours had their turn.
    pub is_interrupted: bool,
}

/// An hour of which lines are messages now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reread {
    /// The hour.
    pub hour: Hour,
    /// Its dead letters, before.
    pub dead_letters: u64,
    /// Messages that they are now; one may be of several lines.
    pub messages: u64,
    /// Copies of a message of the hour that they are now.
    pub duplicates: u64,
}

impl Reread {
    fn of(before: &Entry, after: &Entry) -> Self {
        // Not by the lines that were read: a message may have several.
        let messages = after.tally.messages.saturating_sub(before.tally.messages);
        let duplicates = after.tally.duplicates.saturating_sub(before.tally.duplicates);
        Self { hour: before.hour, dead_letters: before.tally.dead_letters, messages, duplicates }
    }
}

/// Why an hour with dead letters was left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Its served bytes are newer than what is published of it.
    Unpublished,
    /// Its dead letters, or its rows, are not those that the ledger speaks of.
    Other,
    /// Only the beginning of a line is kept, and the served bytes are not: so many.
    Cut(u64),
    /// Other runs published it again and again.
    Overtaken,
}

impl Left {
    /// Why, and what to do, in words that follow the name of the hour.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Unpublished => {
                "its served bytes are newer than what is published of it: run `annals fetch` for it first".to_owned()
            }
            Self::Other => "what the tables hold of it is not what the ledger says: see `annals verify`".to_owned(),
            Self::Cut(lines) => {
                let are = if lines == 1 { "1 line is".to_owned() } else { format!("{lines} lines are") };
                format!("{are} kept in part only, and the served bytes are not kept: load its hour file again")
            }
            Self::Overtaken => "other runs published it meanwhile: run this again".to_owned(),
        }
    }
}

/// What became of one hour.
enum Outcome {
    Unchanged,
    Changed(Reread),
    Left(Left),
    /// Another publication came first.
    Again,
}

impl Workshop {
    /// Reads the dead letters of these hours once more, and publishes the hours of which lines are messages now. It may be
    /// stopped at any time, and run again: nothing is lost, and what was published stays.
    ///
    /// # Errors
    ///
    /// When the ledger or the log of a table cannot be read, or a fetch is at work on the archive and not waited for. An
    /// hour that fails is counted, and stays as it is.
    pub async fn replay(
        &self,
        range: &Range<Hour>,
        replay: Replay,
        progress: &(dyn Fn(Hour) + Sync),
    ) -> Result<Replayed, Error> {
        let mut done = Replayed::default();
        let turn = match replay {
            Replay::Publish => self.turn().await?,
            Replay::DryRun => None,
        };
        if replay == Replay::Publish && turn.is_none() {
            done.is_interrupted = true;
            return Ok(done);
        }
        let cores = Cores::new(self.settings.workers)?;
        for hour in self.hours_set_aside(range).await? {
            if self.stop.is_cancelled() {
                done.is_interrupted = true;
                break;
            }
            let outcome = self.replay_hour(&cores, hour, replay, &mut done).await;
            done.take(hour, outcome);
            progress(hour);
        }
        Ok(done)
    }

    /// The hours that have dead letters, by the table or by the ledger.
    async fn hours_set_aside(&self, range: &Range<Hour>) -> Result<BTreeSet<Hour>, Error> {
        let mut hours: BTreeSet<Hour> = self.archive.hours_with_dead_letters().await?.into_iter().collect();
        let entries = self.archive.entries().await?;
        hours.extend(entries.values().filter(|entry| entry.tally.dead_letters > 0).map(|entry| entry.hour));
        hours.retain(|hour| range.contains(hour));
        Ok(hours)
    }

    async fn replay_hour(
        &self,
        cores: &Cores,
        hour: Hour,
        replay: Replay,
        done: &mut Replayed,
    ) -> Result<Outcome, Error> {
        done.hours += 1;
        for attempt in 0..TRIES {
            let Some(entry) = self.archive.entry(hour).await? else { return Ok(Outcome::Unchanged) };
            if attempt == 0 {
                done.dead_letters += entry.tally.dead_letters;
            }
            if entry.state != State::Done {
                return Ok(Outcome::Unchanged);
            }
            match self.reread(cores, entry, replay).await? {
                Outcome::Again => {}
                outcome => return Ok(outcome),
            }
        }
        Ok(Outcome::Left(Left::Overtaken))
    }

    async fn reread(&self, cores: &Cores, entry: Entry, replay: Replay) -> Result<Outcome, Error> {
        let lines = Lines::of(self, entry.hour).await?;
        let archive = self.archive.clone();
        let hour = entry.hour;
        match on_a_thread(move || Ok(archive.raw_hour(hour)?)).await? {
            RawHour::Whole(parts) if are(&parts, &entry.sha256) => {
                if lines.are_all_there_is() && lines.all == entry.tally.dead_letters {
                    return Ok(Outcome::Unchanged);
                }
                self.reread_whole(cores, entry, parts, replay).await
            }
            RawHour::Whole(_) => Ok(Outcome::Left(Left::Unpublished)),
            RawHour::Absent | RawHour::Broken { .. } => self.reread_lines(cores, entry, lines, replay).await,
        }
    }

    /// From the bytes that were served.
    async fn reread_whole(
        &self,
        cores: &Cores,
        entry: Entry,
        parts: Vec<RawPart>,
        replay: Replay,
    ) -> Result<Outcome, Error> {
        let provenance = Provenance { source: "", http_status: None, retains: true };
        let bytes = Bytes::of_raw(parts).await?;
        let mut decoded = self.decode_on(cores, entry.hour, bytes, provenance, Some(entry.clone())).await?;
        decoded.asked_nobody(&entry);
        if decoded.entry().tally.dead_letters >= entry.tally.dead_letters {
            return Ok(Outcome::Unchanged);
        }
        self.publish_reread(entry, decoded, replay).await
    }

    /// From what the dead letters keep of their lines.
    async fn reread_lines(&self, cores: &Cores, entry: Entry, lines: Lines, replay: Replay) -> Result<Outcome, Error> {
        let is_cut_short = lines.all != entry.tally.dead_letters;
        if lines.readable == 0 {
            let left = if is_cut_short { Some(Left::Other) } else { (lines.cut > 0).then_some(Left::Cut(lines.cut)) };
            return Ok(left.map_or(Outcome::Unchanged, Outcome::Left));
        }
        if is_cut_short {
            // A run before was killed after it had published the hour, and before it had replaced the letters.
            let is_published = lines.all.saturating_sub(lines.readable) == entry.tally.dead_letters;
            if !is_published || replay == Replay::DryRun {
                return Ok(Outcome::Left(Left::Other));
            }
            return self.settle_letters(cores, entry).await;
        }
        let (workshop, before) = (self.clone(), entry.clone());
        match cores.run(move || workshop.decode_lines(&before)).await? {
            Some(decoded) => self.publish_reread(entry, decoded, replay).await,
            None => Ok(Outcome::Left(Left::Other)),
        }
    }

    async fn publish_reread(&self, entry: Entry, decoded: Decoded, replay: Replay) -> Result<Outcome, Error> {
        let changed = Reread::of(&entry, decoded.entry());
        if replay == Replay::DryRun {
            return Ok(Outcome::Changed(changed));
        }
        Ok(match self.publish(decoded).await? {
            Published::Done(_) => Outcome::Changed(changed),
            Published::AlreadyThere(_) => Outcome::Again,
        })
    }
}

impl Replayed {
    fn take(&mut self, hour: Hour, outcome: Result<Outcome, Error>) {
        match outcome {
            Ok(Outcome::Unchanged | Outcome::Again) => {}
            Ok(Outcome::Changed(reread)) => self.changed.push(reread),
            Ok(Outcome::Left(why)) => self.left.push((hour, why)),
            Err(Error::Stopped { .. }) => self.is_interrupted = true,
            Err(error) => self.failures.push(Failure { hour, error }),
        }
    }
}

/// Whether only the beginning of a line is kept.
fn is_cut(reason: Reason) -> bool {
    reason == Reason::TooLong
}

/// Whether the line may be the first one of a record that was too long or too deep: each line of it was set aside for itself,
/// and none is a record alone.
fn is_open(reason: Reason) -> bool {
    matches!(reason, Reason::Incomplete | Reason::TooDeep)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Proof, Settled, hours_of_files};

    /// A record over three lines between two others.
    const LINES: &str = r#"{"msg_id":"1"}
{"msg_id":"2","payload":{
"bodies":[{"msg":"tide"}]
}}
{"msg_id":"3"}
"#;

    /// What a replay with the limits of today came to, of an hour that was loaded with others; and what is wrong after it.
    async fn replayed(text: &str, limits: decode::Limits) -> (Vec<Reread>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("2026031409.ndjson");
        fs::write(&path, text).unwrap();
        let mut workshop = Workshop::of_tests(&folder.path().join("archive")).await;
        let today = std::mem::replace(&mut workshop.settings.decode, limits);
        let files = hours_of_files(&[path], chat::Zone::UTC).unwrap();
        let report = workshop.load(files, Settled::Keep, &|_, _| {}).await.unwrap();
        assert!(report.failures.is_empty(), "{report:?}");
        workshop.settings.decode = today;
        let hour = Hour::from_key("2026031409").unwrap();
        let range = hour..hour.plus(1);
        let replayed = workshop.replay(&range, Replay::Publish, &|_| {}).await.unwrap();
        assert!(replayed.left.is_empty() && replayed.failures.is_empty(), "{replayed:?}");
        let proof = workshop.verify(range, Proof::RoundTrip).await.unwrap();
        (replayed.changed, proof.findings.len())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_record_over_several_lines_is_read_where_it_was_served() {
        let today = decode::Limits::default();
        for limits in [decode::Limits { line: 40, ..today }, decode::Limits { depth: 3, ..today }] {
            let (changed, findings) = replayed(LINES, limits).await;
            let [Reread { dead_letters: 3, messages: 1, duplicates: 0, .. }] = changed[..] else {
                panic!("{changed:?}")
            };
            assert_eq!(findings, 0);
        }
        // It may be there already.
        let copies = LINES.replace(r#"{"msg_id":"3"}"#, r#"{"msg_id":"2","payload":{"bodies":[{"msg":"tide"}]}}"#);
        let (changed, findings) = replayed(&copies, decode::Limits { depth: 3, ..today }).await;
        let [Reread { dead_letters: 4, messages: 1, duplicates: 1, .. }] = changed[..] else { panic!("{changed:?}") };
        assert_eq!(findings, 0);
        // What is cut is cut still.
        let (changed, findings) = replayed("{\"msg_id\":\"1\"}\n{\"msg_id\":\n", today).await;
        assert!(changed.is_empty() && findings == 0, "{changed:?}");
    }
}
