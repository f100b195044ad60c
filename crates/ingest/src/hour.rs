//! One hour, whole: from its bytes to its published rows.
//!
//! The order is the archive's promise (decision D2): raw bytes, dead letters, messages, ledger row, index. Whatever
//! falls over in between, the next run finds the hour either published or with its bytes in `raw/`.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use archive::Writer as Columns;
use chat::{DeadLetter, Entry, Hour, Message, Part, Sink as _, State, Tally};
use decode::{Ahead, Batch, Decoder, Origin};
use rayon::FnContext;
use store::{Mode, Publication, Published, RawPart, SealedRaw, StagedFile};

use crate::cores::Cores;
use crate::error::Error;
use crate::raw::on_a_thread;
use crate::seen::{Meeting, Seen};
use crate::workshop::Workshop;
use crate::zone::Offsets;

/// The bytes of an hour, as they lie ready to be decoded.
pub(crate) struct Bytes {
    /// The parts in order.
    pub(crate) parts: Vec<File>,
    /// Their length, all together.
    pub(crate) length: u64,
    /// SHA-256 of each, lower-case hex.
    pub(crate) sha256: Vec<String>,
}

impl Bytes {
    /// The bytes that the archive keeps, if they are what was served.
    pub(crate) async fn of_raw(parts: Vec<RawPart>) -> Result<Self, Error> {
        on_a_thread(move || {
            Ok(Self {
                parts: parts.iter().map(RawPart::open_proved).collect::<Result<_, _>>()?,
                length: parts.iter().map(|part| part.length).sum(),
                sha256: parts.into_iter().map(|part| part.sha256).collect(),
            })
        })
        .await
    }

    /// Bytes that are not yet kept.
    pub(crate) fn of_sealed(parts: &[SealedRaw]) -> Result<Self, Error> {
        Ok(Self {
            parts: parts.iter().map(SealedRaw::open).collect::<Result<_, _>>()?,
            length: parts.iter().map(SealedRaw::length).sum(),
            sha256: parts.iter().map(|part| part.sha256().to_owned()).collect(),
        })
    }
}

/// Tries of a publication that finds another one in its place.
const PUBLICATIONS: usize = 5;

/// How an hour came here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Provenance {
    pub(crate) source: &'static str,
    pub(crate) http_status: Option<u16>,
    /// Whether rows that only the earlier publication of the hour has are kept. The service may forget what it served; a
    /// person who replaces an hour means it.
    pub(crate) retains: bool,
}

/// An hour decoded and written, ready to be published. Dropped, it leaves nothing behind.
pub(crate) struct Decoded {
    publication: Publication,
    /// What is replaced: the publication whose rows were kept as far as they are not served any more.
    earlier: Option<Entry>,
    /// Whether the dead letters are the only copy of some lines, and are replaced when all else is done.
    has_letters_last: bool,
    /// When its messages were sent, against the hour.
    pub(crate) offsets: Offsets,
    /// Messages that have an id or a time.
    records: u64,
    /// Messages with addresses that name an app, while it is not known which app's they are.
    pub(crate) decorated: u64,
    /// Whether the first line is markup or packed.
    begins_foreign: bool,
    index: Option<index::Writer>,
}

impl Workshop {
    /// Decodes an hour into staged files and an index segment of its own, with what only the earlier publication has.
    /// Blocks; takes a core for as long as it lasts.
    fn decode(
        &self,
        hour: Hour,
        bytes: Bytes,
        provenance: Provenance,
        earlier: Option<Entry>,
    ) -> Result<Decoded, Error> {
        let at = (self.clock)();
        let mut bench = Bench::new(self, hour)?;
        if provenance.retains && earlier.is_some() {
            bench.seen = bench.seen.across_versions();
        }
        for (part, file) in (0..).zip(bytes.parts) {
            bench.part(part, file)?;
        }
        let entry = Entry {
            http_status: provenance.http_status,
            bytes: bytes.length,
            sha256: bytes.sha256,
            source: provenance.source.to_owned(),
            version: self.version.to_owned(),
            ..Entry::new(hour, at, State::Done)
        };
        bench.finish(entry, earlier, provenance.retains)
    }

    /// Decodes on a worker thread, when one of the cores is free. `earlier` is the publication that is to be replaced.
    pub(crate) async fn decode_on(
        &self,
        cores: &Cores,
        hour: Hour,
        bytes: Bytes,
        provenance: Provenance,
        earlier: Option<Entry>,
    ) -> Result<Decoded, Error> {
        let workshop = self.clone();
        cores.run(move || workshop.decode(hour, bytes, provenance, earlier)).await
    }

    /// Publishes an hour whose bytes are kept in `raw/`, in place of the publication that it was decoded against.
    ///
    /// If another process was first, with other bytes, the hour is decoded from what is in `raw/` now, against what it
    /// published: what is kept and what the tables hold must not part, and nothing that was ever published is lost.
    pub(crate) async fn publish_kept(
        &self,
        cores: &Cores,
        hour: Hour,
        mut decoded: Decoded,
        provenance: Provenance,
    ) -> Result<Published, Error> {
        let mut tries = 1;
        loop {
            let sha256 = decoded.sha256().to_vec();
            let there = match self.publish(decoded).await? {
                Published::AlreadyThere(entry) if entry.sha256 != sha256 && tries < PUBLICATIONS => entry,
                published => return Ok(published),
            };
            let Some(parts) = self.archive.raw_parts(hour)? else { return Ok(Published::AlreadyThere(there)) };
            let bytes = Bytes::of_raw(parts).await?;
            decoded = self.decode_on(cores, hour, bytes, provenance, Some(there)).await?;
            tries += 1;
        }
    }

    /// Publishes a decoded hour, and then makes its documents visible.
    ///
    /// An index that cannot take the hour in does not fail it: the hour is left for following.
    pub(crate) async fn publish(&self, decoded: Decoded) -> Result<Published, Error> {
        let replace = if decoded.has_letters_last { Mode::Reread } else { Mode::Replace };
        let mode = decoded.earlier.map_or(Mode::New, |earlier| replace(earlier.files));
        let published = self.archive.publish(decoded.publication, mode).await?;
        if let (Published::Done(entry), Some(mut writer)) = (&published, decoded.index) {
            writer.name_version(&entry.publication());
            store::step("index.commit");
            let indexed = on_a_thread(move || Ok(writer.finish()?)).await;
            store::step("index.committed");
            if let Err(error) = indexed {
                leave_for_later(entry.hour, &error);
            }
        }
        Ok(published)
    }
}

/// The index could not take an hour in: nothing waits for it, the end of the run says so once.
fn leave_for_later(hour: Hour, error: &(dyn std::error::Error + 'static)) {
    tracing::info!(%hour, error, "the index is left to catch up");
}

impl Decoded {
    /// Whether something else than history was served: no line is a record of the service, and there is a page of markup,
    /// a packed file, or objects without an id and a time. Other lines that cannot be read are dead letters, like any.
    pub(crate) fn is_no_history(&self) -> bool {
        self.records == 0 && (self.begins_foreign || self.publication.entry.tally.messages > 0)
    }

    /// Its row in the ledger, as it is to be published.
    pub(crate) fn entry(&self) -> &Entry {
        &self.publication.entry
    }

    /// Says of the bytes what was said of them before: when the service was asked, and what it answered.
    pub(crate) fn asked_nobody(&mut self, before: &Entry) {
        let entry = &mut self.publication.entry;
        (entry.at, entry.http_status, entry.source) = (before.at, before.http_status, before.source.clone());
    }

    /// The same, to be published with its dead letters last.
    pub(crate) fn with_letters_last(self) -> Self {
        Self { has_letters_last: true, ..self }
    }

    /// SHA-256 of the bytes it was decoded from, part by part.
    pub(crate) fn sha256(&self) -> &[String] {
        &self.publication.entry.sha256
    }
}

/// The work table of one hour.
pub(crate) struct Bench<'a> {
    pub(crate) workshop: &'a Workshop,
    pub(crate) hour: Hour,
    columns: Columns<StagedFile>,
    dead_letters: Option<archive::DeadLetterWriter<StagedFile>>,
    index: Option<index::Writer>,
    pub(crate) seen: Seen,
    offsets: Offsets,
    records: u64,
    decorated: u64,
    begins_foreign: bool,
    pub(crate) tally: Tally,
    /// Whether a batch is there to be prepared, and others have time for it.
    wanted: Arc<AtomicBool>,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(workshop: &'a Workshop, hour: Hour) -> Result<Self, Error> {
        let out = workshop.archive.stage_file()?;
        // This is a thread for work that blocks.
        let promotions = tokio::runtime::Handle::current().block_on(workshop.archive.promotions())?;
        let columns = Columns::promoting(out, workshop.temporary_files(), workshop.settings.archive, &promotions);
        let columns = columns.map_err(|source| Error::Archive { hour, source })?.in_memory_of(&workshop.spare);
        // The version is named when the hour is published.
        let index = workshop
            .catalogue
            .as_ref()
            .and_then(|catalogue| catalogue.take_in(hour, "").inspect_err(|error| leave_for_later(hour, error)).ok());
        Ok(Self {
            workshop,
            hour,
            columns,
            dead_letters: None,
            index,
            seen: Seen::new(workshop.temporary_files()),
            offsets: Offsets::default(),
            records: 0,
            decorated: 0,
            begins_foreign: false,
            tally: Tally::default(),
            wanted: Arc::default(),
        })
    }

    fn part(&mut self, part: Part, file: File) -> Result<(), Error> {
        let origin = Origin { hour: self.hour, part, app: self.workshop.app.clone() };
        let mut decoder = Decoder::new(file, origin, self.workshop.settings.decode);
        let hour = self.hour;
        let damage = |source| Error::Decode { hour, part, source };
        while let Some(taken) = decoder.with_next_batch(|batch, ahead| self.batch(batch, ahead)).map_err(damage)? {
            taken?;
        }
        Ok(())
    }

    /// Takes a batch in. Meanwhile a core that is idle, if there is one, prepares the next, and then encodes columns until there is
    /// another to prepare.
    fn batch(&mut self, batch: &mut Batch<'_>, ahead: &mut Ahead<File>) -> Result<(), Error> {
        if self.workshop.stop.is_cancelled() {
            return Err(Error::Stopped { hour: self.hour });
        }
        self.tally.lines += batch.lines();
        self.tally.blank_lines += batch.blank_lines;
        let (unencoded, wanted) = (self.columns.unencoded(), Arc::clone(&self.wanted));
        wanted.store(true, Ordering::Relaxed);
        let take = |_| {
            self.set_aside(&batch.dead_letters)?;
            self.take(&mut batch.messages)
        };
        let prepare = move |other: FnContext| {
            let is_wanted = wanted.swap(false, Ordering::Relaxed);
            let has_help = other.migrated();
            if has_help {
                if is_wanted {
                    ahead.prepare();
                }
                // Not here: the next batch would have to wait for it.
                rayon::spawn(move || {
                    unencoded.encode_until(|| wanted.load(Ordering::Relaxed));
                });
            }
            has_help
        };
        let (taken, has_help) = rayon::join_context(take, prepare);
        if !has_help {
            self.columns.unencoded().encode_unless_others_do();
        }
        taken
    }

    fn take(&mut self, messages: &mut Vec<Message<'_>>) -> Result<(), Error> {
        messages.retain(|message| self.is_new(message));
        if self.index.is_none() {
            // What is left takes less than to prepare a batch: nobody is to begin with that now, and be waited for.
            self.wanted.store(false, Ordering::Relaxed);
        }
        self.tally.messages += messages.len() as u64;
        self.put(messages)
    }

    pub(crate) fn put(&mut self, messages: &[Message<'_>]) -> Result<(), Error> {
        self.columns.write(messages).map_err(|source| Error::Archive { hour: self.hour, source })?;
        let indexed = self.index.as_mut().map_or(Ok(()), |index| index.write(messages));
        if let Err(error) = indexed {
            leave_for_later(self.hour, &error);
            self.index = None;
        }
        Ok(())
    }

    fn is_new(&mut self, message: &Message<'_>) -> bool {
        match self.seen.meet(message) {
            Meeting::Duplicate => {
                self.tally.duplicates += 1;
                return false;
            }
            Meeting::Conflict => self.tally.conflicts += 1,
            Meeting::First => {}
        }
        self.tally.strays += u64::from(message.is_stray());
        self.offsets.add(self.hour, message);
        self.records += u64::from(message.msg_id.is_some() || message.sent_at.is_some());
        self.decorated += u64::from(self.workshop.app.is_none() && addresses(message).any(chat::is_decorated));
        true
    }

    pub(crate) fn set_aside(&mut self, letters: &[DeadLetter<'_>]) -> Result<(), Error> {
        let Some(first) = letters.first() else { return Ok(()) };
        if self.tally.dead_letters == 0 && self.tally.messages == 0 {
            self.begins_foreign = is_foreign(&first.bytes);
        }
        self.tally.dead_letters += letters.len() as u64;
        let failed = |source| Error::Archive { hour: self.hour, source };
        let writer = match &mut self.dead_letters {
            Some(writer) => writer,
            none => none.insert(
                archive::DeadLetterWriter::new(self.workshop.archive.stage_file()?, self.workshop.settings.archive)
                    .map_err(failed)?,
            ),
        };
        writer.write(letters).map_err(failed)
    }

    /// The dead letters alone.
    pub(crate) fn dead_letters(self) -> Result<Option<(StagedFile, u64)>, Error> {
        self.check(&self.seen)?;
        written_letters(self.dead_letters).map_err(|source| Error::Archive { hour: self.hour, source })
    }

    /// Whether a message that is not new was perhaps taken for one.
    fn check(&self, seen: &Seen) -> Result<(), Error> {
        let failed = |error| Error::Archive { hour: self.hour, source: archive::Error::Spill(error) };
        seen.check().map_err(failed)
    }

    pub(crate) fn finish(mut self, mut entry: Entry, earlier: Option<Entry>, retains: bool) -> Result<Decoded, Error> {
        entry.tally = self.tally;
        if let Some(earlier) = earlier.as_ref().filter(|_| retains) {
            let change = self.retain(earlier, &entry)?;
            self.check(&change.met)?;
            change.note(&mut entry, earlier);
        }
        self.check(&self.seen)?;
        let hour = entry.hour;
        let failed = |source| Error::Archive { hour, source };
        let written = self.columns.finish().map_err(failed)?;
        let dead_letters = written_letters(self.dead_letters).map_err(failed)?;
        let entry = Entry { min_sent_at: written.min_sent_at, max_sent_at: written.max_sent_at, ..entry };
        debug_assert!(entry.tally.is_conserved(), "{:?}", entry.tally);
        let messages = Some((written.out, written.statistics, written.rows));
        let publication = Publication { entry, messages, dead_letters };
        Ok(Decoded {
            publication,
            earlier,
            has_letters_last: false,
            offsets: self.offsets,
            records: self.records,
            decorated: self.decorated,
            begins_foreign: self.begins_foreign,
            index: self.index,
        })
    }
}

fn written_letters(
    letters: Option<archive::DeadLetterWriter<StagedFile>>,
) -> Result<Option<(StagedFile, u64)>, archive::Error> {
    let written = letters.map(archive::DeadLetterWriter::finish).transpose()?;
    Ok(written.map(|written| (written.out, written.rows)))
}

/// Who said a message, and to whom.
pub(crate) fn addresses<'m>(message: &'m Message<'_>) -> impl Iterator<Item = &'m str> {
    [&message.sender, &message.recipient].into_iter().filter_map(|address| address.as_deref())
}

/// Whether a line begins as HTML, XML or gzip do.
fn is_foreign(line: &[u8]) -> bool {
    let ink = line.trim_ascii_start();
    ink.starts_with(b"<") || ink.starts_with(&[0x1f, 0x8b])
}

#[cfg(test)]
mod tests {
    use chat::Timestamp;

    use super::*;

    fn hour() -> Hour {
        Hour::from_key("2026031409").unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_hour_is_not_ready_when_it_is_not_known_what_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let workshop = Workshop::of_tests(folder.path()).await;
        let checked = tokio::task::spawn_blocking(move || {
            let bench = |seen| Bench { seen, ..Bench::new(&workshop, hour()).unwrap() };
            let legible = || Seen::new(tempfile::tempfile);
            let entry = || Entry::new(hour(), Timestamp::UNIX_EPOCH, State::Done);
            assert!(bench(legible()).finish(entry(), None, false).is_ok());
            assert!(bench(legible()).dead_letters().is_ok());
            let is_told = |error| matches!(error, Error::Archive { source: archive::Error::Spill(_), .. });
            assert!(bench(Seen::illegible()).finish(entry(), None, false).is_err_and(is_told));
            assert!(bench(Seen::illegible()).dead_letters().is_err_and(is_told));
        });
        checked.await.unwrap();
    }
}
