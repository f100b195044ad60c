//! From the service into the archive.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use api::{Availability, Client, Link, Standing, Target};
use chat::{App, Entry, Hour, Hours, Part, State};
use store::{Mode, RawStage, SealedRaw};
use tokio::sync::{OnceCell, Semaphore};

use crate::error::Error;
use crate::hour::{Bytes, Decoded, Provenance};
use crate::plan::{Known, Settled, Step};
use crate::raw::{are, on_a_thread};
use crate::report::Report;
use crate::run::{Outcome, Progress};
use crate::workshop::Workshop;

/// How often an hour is downloaded anew because its link had expired or its bytes were damaged.
const DOWNLOADS: usize = 4;

impl Workshop {
    /// Archives the hours of a range, the most endangered first, and says what became of each.
    ///
    /// Hours that are settled are not asked for, unless `settled` says so. Bytes that an interrupted run left behind are
    /// decoded before the service is asked. One hour's failure does not keep the others, unless it shows that the rest is
    /// hopeless.
    ///
    /// # Errors
    ///
    /// When the archive belongs to another app or cannot be used.
    pub async fn fetch(
        &self,
        client: &Client,
        range: Hours,
        settled: Settled,
        progress: Progress<'_>,
    ) -> Result<Report, Error> {
        self.belongs_to(&client.app())?;
        let entries = self.archive.entries().await?;
        let unpublished = self.unpublished(range, &entries).await?;
        let known =
            Known { entries: &entries, unpublished: &unpublished, habits: &self.settings.habits, now: (self.clock)() };
        let plan = known.plan(range, settled);
        let cores = Semaphore::new(self.settings.workers.get());
        let run = Run { workshop: self, client, entries: &entries, cores, claimed: OnceCell::new() };
        // One hour more than there are workers: the next one is downloaded while the others are decoded.
        let at_once = self.settings.workers.get() + 1;
        let work = plan.into_iter().map(|(hour, step)| run.settle(hour, step));
        let report = self.gather(range.collect(), work, at_once, progress).await?;
        self.give_up_what_is_gone(report, &entries).await
    }

    /// Refuses an archive of another app. The app is stored once the service has answered for it.
    fn belongs_to(&self, asked: &App) -> Result<(), Error> {
        match self.archive.app() {
            Some(archive) if archive != *asked => {
                Err(store::Error::ForeignApp { archive, asked: asked.clone() }.into())
            }
            _ => Ok(()),
        }
    }

    /// Hours that earlier runs could not get, that are in no range any more, and that the service should have deleted
    /// meanwhile are lost: nobody will ask for them again, and somebody has to say so.
    async fn give_up_what_is_gone(&self, mut report: Report, entries: &BTreeMap<Hour, Entry>) -> Result<Report, Error> {
        let (now, habits) = ((self.clock)(), &self.settings.habits);
        let open = entries.values().filter(|entry| matches!(entry.state, State::Pending | State::Failed));
        let gone: Vec<Entry> = open
            .filter(|entry| habits.is_expired(entry.hour, now) && !report.states.contains_key(&entry.hour))
            .map(|entry| Entry { version: self.version.to_owned(), ..Entry::new(entry.hour, now, State::Lost) })
            .collect();
        if report.cut_short.is_none() && !gone.is_empty() {
            let standing = self.archive.record(&gone).await?;
            report.newly_lost += standing.iter().filter(|entry| entry.state == State::Lost).count() as u64;
        }
        Ok(report)
    }

    /// The hours of which `raw/` holds bytes that are not in the tables: a run ended between the two.
    pub(crate) async fn unpublished(
        &self,
        range: Hours,
        entries: &BTreeMap<Hour, Entry>,
    ) -> Result<BTreeSet<Hour>, Error> {
        let done = |hour| entries.get(&hour).filter(|entry| entry.state == State::Done);
        let hours: Vec<_> = range.map(|hour| (hour, done(hour).map(|entry| entry.sha256.clone()))).collect();
        let archive = self.archive.clone();
        on_a_thread(move || {
            let mut unpublished = BTreeSet::new();
            for (hour, sha256) in hours {
                let kept = archive.raw_parts(hour)?;
                if kept.is_some_and(|parts| !sha256.is_some_and(|sha256| are(&parts, &sha256))) {
                    unpublished.insert(hour);
                }
            }
            Ok(unpublished)
        })
        .await
    }
}

struct Run<'a> {
    workshop: &'a Workshop,
    client: &'a Client,
    entries: &'a BTreeMap<Hour, Entry>,
    cores: Semaphore,
    /// Whether the archive is known to be the app's.
    claimed: OnceCell<()>,
}

const FETCHED: Provenance = Provenance { source: "fetch", http_status: Some(200) };
const FROM_RAW: Provenance = Provenance { source: "raw", http_status: None };

/// What the service gave for an hour.
enum Answer {
    Bytes { decoded: Box<Decoded>, raw: Vec<SealedRaw>, length: u64 },
    Nothing { state: State, status: u16 },
}

impl Run<'_> {
    async fn settle(&self, hour: Hour, step: Step) -> Outcome {
        let result = match step {
            Step::Settled(state) => return Outcome::unchanged(hour, state),
            Step::Wait => return Outcome::unchanged(hour, State::Pending),
            Step::Decode => self.decode_again(hour).await,
            Step::Ask(_) => self.ask(hour).await,
        };
        match result {
            Ok(outcome) => outcome,
            Err(error) => self.failed(hour, error).await,
        }
    }

    /// Decodes what an interrupted run left in `raw/`; if that is damaged, the service is asked after all.
    async fn decode_again(&self, hour: Hour) -> Result<Outcome, Error> {
        let Some(parts) = self.workshop.archive.raw_parts(hour)? else { return self.ask(hour).await };
        let bytes = Bytes::of_raw(&parts)?;
        match self.decode(hour, bytes, FROM_RAW).await {
            Ok(decoded) => self.publish(hour, decoded, FROM_RAW, 0).await,
            Err(error @ Error::Decode { .. }) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(%hour, error, "the kept bytes are damaged; asking the service");
                self.ask(hour).await
            }
            Err(error) => Err(error),
        }
    }

    async fn ask(&self, hour: Hour) -> Result<Outcome, Error> {
        let (decoded, raw, length) = match self.answer(hour).await? {
            Answer::Nothing { state, status } => return self.nothing(hour, state, status).await,
            Answer::Bytes { decoded, raw, length } => (decoded, raw, length),
        };
        let Some(archived) = self.archived(hour) else {
            self.workshop.keep(hour, raw).await?;
            return self.publish(hour, *decoded, FETCHED, length).await;
        };
        if archived.sha256 == decoded.sha256() && self.workshop.archive.holds(archived).await? {
            self.workshop.keep_if_other(hour, raw).await?;
            return Ok(Outcome { bytes: length, ..self.unchanged(archived).await? });
        }
        let missing = self.workshop.missing(archived, &decoded).await?;
        if missing > 0 {
            return Err(Error::Shrunk { hour, missing });
        }
        self.workshop.keep(hour, raw).await?;
        self.publish(hour, *decoded, FETCHED, length).await
    }

    /// Asks for the hour until its bytes are here and sound: links expire, and downloads arrive damaged.
    async fn answer(&self, hour: Hour) -> Result<Answer, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let failed = |source| Error::Api { hour, source };
            let answer = self.client.locate(hour).await.map_err(failed)?;
            let claim = || async { Ok::<(), Error>(self.workshop.archive.claim(&self.client.app()).await?) };
            self.claimed.get_or_try_init(claim).await?;
            let status = answer.status();
            let links = match self.read(answer, hour) {
                Ok(links) => links,
                Err(state) => return Ok(Answer::Nothing { state, status }),
            };
            match self.take_in(hour, &links).await {
                Err(error) if tries < DOWNLOADS && error.wants_a_new_download() => {
                    tracing::info!(%hour, error = &error as &dyn std::error::Error, "downloading anew");
                }
                result => return result,
            }
        }
    }

    /// The links of the hour, or the state that an answer without any puts it in.
    fn read(&self, answer: Availability, hour: Hour) -> Result<Vec<Link>, State> {
        let habits = &self.workshop.settings.habits;
        match api::read_by_age(answer, hour, (self.workshop.clock)(), habits.readiness, habits.retention) {
            Standing::Ready(links) => Ok(links),
            Standing::Empty => Err(State::Empty),
            Standing::NotYet => Err(State::Pending),
            Standing::Gap => Err(State::Failed),
            Standing::Expired => Err(State::Lost),
        }
    }

    async fn take_in(&self, hour: Hour, links: &[Link]) -> Result<Answer, Error> {
        let mut raw = Vec::with_capacity(links.len());
        for (part, link) in (0..).zip(links) {
            raw.push(self.download(hour, part, link).await?);
        }
        let bytes = Bytes::of_sealed(&raw)?;
        let length = bytes.length;
        let decoded = self.decode(hour, bytes, FETCHED).await?;
        if decoded.is_no_history() {
            return Err(Error::NoHistory { hour });
        }
        Ok(Answer::Bytes { decoded: Box::new(decoded), raw, length })
    }

    async fn download(&self, hour: Hour, part: Part, link: &Link) -> Result<SealedRaw, Error> {
        let mut stage = Stage(self.workshop.archive.stage_raw(hour, part)?);
        self.client.download(link, &mut stage).await.map_err(|source| Error::Api { hour, source })?;
        on_a_thread(move || Ok(stage.0.seal()?)).await
    }

    async fn decode(&self, hour: Hour, bytes: Bytes, provenance: Provenance) -> Result<Decoded, Error> {
        self.workshop.decode_on(&self.cores, hour, bytes, provenance).await
    }

    async fn publish(&self, hour: Hour, decoded: Decoded, from: Provenance, bytes: u64) -> Result<Outcome, Error> {
        let mode = if self.archived(hour).is_some() { Mode::Replace } else { Mode::New };
        let published = self.workshop.publish_kept(&self.cores, hour, decoded, mode, from).await?;
        Ok(Outcome::of(published, hour, bytes))
    }

    /// Records that the service had no file. What is archived stays, and an hour that was empty is not lost.
    async fn nothing(&self, hour: Hour, state: State, status: u16) -> Result<Outcome, Error> {
        if let Some(archived) = self.archived(hour) {
            return self.unchanged(archived).await;
        }
        let before = self.entries.get(&hour).map(|entry| entry.state);
        match (before, state) {
            (Some(State::Empty), State::Lost | State::Failed) => return Ok(Outcome::unchanged(hour, State::Empty)),
            (_, State::Failed) => return Err(Error::Gap { hour, status }),
            _ => {}
        }
        let state = self.workshop.record(Entry { http_status: Some(status), ..self.entry(hour, state) }).await?;
        let newly_lost = state == State::Lost && before != Some(State::Lost);
        Ok(Outcome { newly_lost, ..Outcome::unchanged(hour, state) })
    }

    /// Records that an archived hour was asked for again and is as it was.
    async fn unchanged(&self, archived: &Entry) -> Result<Outcome, Error> {
        let state = self.workshop.record(Entry { at: (self.workshop.clock)(), ..archived.clone() }).await?;
        Ok(Outcome::unchanged(archived.hour, state))
    }

    /// Records a failure, unless the hour is archived or the run was told to stop.
    async fn failed(&self, hour: Hour, error: Error) -> Outcome {
        let mut state = if self.archived(hour).is_some() { State::Done } else { State::Failed };
        if state == State::Failed && !matches!(error, Error::Stopped { .. }) {
            let entry = Entry {
                http_status: error.http_status(),
                error: Some(error.in_one_line()),
                ..self.entry(hour, State::Failed)
            };
            match self.workshop.record(entry).await {
                Ok(standing) => state = standing,
                Err(trouble) => {
                    let error: &dyn std::error::Error = &trouble;
                    tracing::warn!(%hour, error, "the failure could not be recorded");
                }
            }
        }
        Outcome { error: Some(error), ..Outcome::unchanged(hour, state) }
    }

    fn entry(&self, hour: Hour, state: State) -> Entry {
        let entry = Entry::new(hour, (self.workshop.clock)(), state);
        Entry { source: FETCHED.source.to_owned(), version: self.workshop.version.to_owned(), ..entry }
    }

    /// The entry of an hour that was archived when the run began.
    fn archived(&self, hour: Hour) -> Option<&Entry> {
        self.entries.get(&hour).filter(|entry| entry.state == State::Done)
    }
}

/// Lets the client write into the archive.
struct Stage(RawStage);

impl Write for Stage {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Target for Stage {
    fn restart(&mut self) -> io::Result<()> {
        self.0.restart()
    }
}

impl Workshop {
    /// Writes a row of the ledger, and says in which state the hour stands then: a row that is not `done` does not
    /// replace one that is.
    async fn record(&self, entry: Entry) -> Result<State, Error> {
        let state = entry.state;
        let standing = self.archive.record(&[entry]).await?;
        Ok(standing.first().map_or(state, |entry| entry.state))
    }
}
