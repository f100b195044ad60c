//! An hour without its served bytes: its rows as they are, and its dead letters, line by line.

use std::io::Read as _;

use chat::{DeadLetter, Entry, Hour, Message, Tally};
use decode::{Decoder, Limits, Origin};
use futures::TryStreamExt as _;

use super::{Outcome, is_cut, is_open};
use crate::cores::Cores;
use crate::error::Error;
use crate::hour::{Bench, Decoded};
use crate::seen::Meeting;
use crate::workshop::Workshop;

/// What is to be had from the dead letters of an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// How many there are.
    pub(super) all: u64,
    /// Those that are a message now.
    pub(super) readable: u64,
    /// Those of which only the beginning is kept.
    pub(super) cut: u64,
    /// Those with which a record over several lines may begin.
    pub(super) open: u64,
}

impl Lines {
    pub(super) async fn of(workshop: &Workshop, hour: Hour) -> Result<Self, Error> {
        let mut lines = Self::default();
        let mut letters = workshop.archive.letter_reader(hour);
        while let Some(batch) = letters.next_batch().await? {
            for letter in &batch {
                lines.all += 1;
                lines.cut += u64::from(is_cut(letter.reason));
                lines.open += u64::from(is_open(letter.reason));
                lines.readable += u64::from(workshop.read(letter).is_some());
            }
        }
        Ok(lines)
    }

    /// Whether the served bytes say no more of them than they do.
    pub(super) fn are_all_there_is(self) -> bool {
        self.readable == 0 && self.cut == 0 && self.open == 0
    }
}

impl Workshop {
    /// The message that a dead letter is, if it is one now: its line makes one record, and nothing else.
    ///
    /// The line is read as it stood in its part, between others. Alone it would be unpacked where it begins as gzip does,
    /// or lose a mark that is allowed at the beginning of a part only.
    fn read(&self, letter: &DeadLetter<'_>) -> Option<Message<'static>> {
        if is_cut(letter.reason) {
            return None;
        }
        let position = letter.position;
        let origin = Origin { hour: position.source_hour, part: position.part, app: self.app.clone() };
        let line = b"\n".chain(&*letter.bytes).chain(&b"\n"[..]);
        // No window is larger than the line.
        let limits = Limits { batch_bytes: letter.bytes.len() + 2, ..self.settings.decode };
        let mut decoder = Decoder::new(line, origin, limits);
        let mut message = None;
        while let Some(batch) = decoder.next_batch().ok()? {
            if !batch.dead_letters.is_empty() {
                return None;
            }
            for found in batch.messages {
                if message.replace(found.into_owned()).is_some() {
                    return None;
                }
            }
        }
        message.map(|message| Message { position, ..message })
    }

    /// The hour as it is, with the lines that are messages now; `None` when its rows are not those of `before`. Blocks.
    pub(super) fn decode_lines(&self, before: &Entry) -> Result<Option<Decoded>, Error> {
        let mut bench = Bench::new(self, before.hour)?;
        bench.seen = bench.seen.across_versions();
        bench.tally = Tally { dead_letters: 0, ..before.tally };
        // This is a thread for work that blocks.
        let runtime = tokio::runtime::Handle::current();
        runtime.block_on(self.archive.prove(before.hour))?;
        if runtime.block_on(bench.take_over(Rows::Served))? != before.tally.messages {
            return Ok(None);
        }
        runtime.block_on(bench.take_letters())?;
        bench.tally.retained = runtime.block_on(bench.take_over(Rows::Retained))?;
        let added = bench.tally.messages.saturating_sub(before.tally.messages);
        let entry = Entry { added, version: self.version.to_owned(), ..before.clone() };
        bench.finish(entry, Some(before.clone()), false).map(|decoded| Some(decoded.with_letters_last()))
    }

    /// Replaces the letters of an hour that is published without some of them.
    pub(super) async fn settle_letters(&self, cores: &Cores, entry: Entry) -> Result<Outcome, Error> {
        let (workshop, hour) = (self.clone(), entry.hour);
        let letters = cores.run(move || {
            let mut bench = Bench::new(&workshop, hour)?;
            bench.seen = bench.seen.across_versions();
            let runtime = tokio::runtime::Handle::current();
            runtime.block_on(workshop.archive.prove(hour))?;
            runtime.block_on(bench.take_over(Rows::Served))?;
            let before = bench.tally.messages;
            runtime.block_on(bench.take_letters())?;
            let adds_none = bench.tally.messages == before;
            bench.dead_letters().map(|letters| adds_none.then_some(letters))
        });
        let Some(letters) = letters.await? else { return Ok(Outcome::Left(super::Left::Other)) };
        self.archive.settle_letters(&entry, letters).await?;
        Ok(Outcome::Unchanged)
    }
}

/// Rows of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// Those of the newest served bytes.
    Served,
    /// Those that only earlier ones had.
    Retained,
}

impl Bench<'_> {
    /// Takes rows of the hour over as they are, and counts them. A retained row that is among the served ones now is left out.
    async fn take_over(&mut self, rows: Rows) -> Result<u64, Error> {
        let snapshot = self.workshop.archive.snapshot().await?;
        let mut taken = 0;
        if let Some(file) = snapshot.file_of(self.hour) {
            let hour = self.hour;
            let failed = move |source| Error::Rows { hour, source };
            let reader = snapshot.reader(file);
            let mut batches = archive::read_hour(reader, self.hour).await.map_err(failed)?;
            while let Some(mut batch) = batches.try_next().await.map_err(failed)? {
                batch.retain(|row| rows.are(row) && (rows == Rows::Served || !self.seen.holds(row)));
                if rows == Rows::Served {
                    for row in &batch {
                        self.seen.meet(row);
                    }
                }
                taken += batch.len() as u64;
                self.put(&batch)?;
            }
        }
        Ok(taken)
    }

    /// Takes the dead letters of the hour: as messages, as copies of one, or as what they were.
    async fn take_letters(&mut self) -> Result<(), Error> {
        let mut letters = self.workshop.archive.letter_reader(self.hour);
        while let Some(batch) = letters.next_batch().await? {
            let (mut messages, mut others) = (Vec::new(), Vec::new());
            for letter in batch {
                match self.workshop.read(&letter) {
                    Some(message) => messages.extend(self.is_new_line(&message).then_some(message)),
                    None => others.push(letter),
                }
            }
            self.tally.messages += messages.len() as u64;
            self.put(&messages)?;
            self.set_aside(&others)?;
        }
        Ok(())
    }

    fn is_new_line(&mut self, message: &Message<'_>) -> bool {
        if self.seen.holds(message) {
            self.tally.duplicates += 1;
            return false;
        }
        self.tally.conflicts += u64::from(self.seen.meet(message) == Meeting::Conflict);
        self.tally.strays += u64::from(message.is_stray());
        true
    }
}

impl Rows {
    fn are(self, row: &Message<'_>) -> bool {
        row.retained_at.is_some() == (self == Self::Retained)
    }
}
