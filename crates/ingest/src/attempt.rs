//! One attempt at an hour: ask, download, decode, publish, and note what came of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use api::{Availability, Client, Link, Standing};
use chat::{Entry, Hour, State};
use store::{Published, SealedRaw};
use tokio::sync::OnceCell;
use tracing::Instrument as _;

use crate::cores::Cores;
use crate::doubt::Doubt;
use crate::download::Served;
use crate::error::Error;
use crate::hour::{Bytes, Decoded, Provenance};
use crate::notebook::Notebook;
use crate::plan::{Step, Why, newly_promised};
use crate::raw::while_written;
use crate::report::Report;
use crate::run::Outcome;
use crate::workshop::Workshop;
use crate::zone::ZoneVerdict;

/// How often an hour is downloaded anew because its link had expired or its bytes were damaged.
const DOWNLOADS: usize = 4;

/// A fetch over many hours.
pub(crate) struct Run<'a> {
    pub(crate) workshop: &'a Workshop,
    pub(crate) client: &'a Client,
    pub(crate) entries: &'a BTreeMap<Hour, Entry>,
    cores: Cores,
    /// Whether the archive is known to be the app's.
    claimed: OnceCell<()>,
    pub(crate) notebook: Notebook,
    asked: AtomicU64,
    /// Whether the messages of an hour of this run lie in the hour that was asked for.
    is_zone_right: AtomicBool,
    /// Hours whose messages lie in the hour that another zone calls so.
    strangers: AtomicU64,
    pub(crate) newly_lost: AtomicU64,
    /// Hours that are looked at once more before the run ends.
    pub(crate) doubts: Mutex<BTreeMap<Hour, Doubt>>,
    /// The youngest hour that the service has deleted. Held while one that it should have deleted is asked for.
    gone: tokio::sync::Mutex<Option<Hour>>,
}

pub(crate) const FETCHED: Provenance = Provenance { source: "fetch", http_status: Some(200), retains: true };
const FROM_RAW: Provenance = Provenance { source: "raw", http_status: None, retains: true };

/// What the service gave for an hour.
enum Answer {
    Bytes {
        decoded: Box<Decoded>,
        raw: Vec<SealedRaw>,
        length: u64,
    },
    /// The bytes that are archived already.
    Same {
        raw: Vec<SealedRaw>,
        length: u64,
    },
    Nothing {
        standing: State,
        status: u16,
    },
    /// Messages that speak of another zone, the first such hour: the others are waited for.
    Doubtful,
}

/// Bytes that are not taken in.
struct Refused {
    error: Error,
    /// The bytes, if it is for what they are.
    raw: Vec<SealedRaw>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, raw: Vec::new() }
    }
}

impl<'a> Run<'a> {
    /// # Errors
    ///
    /// [`Error::Cores`].
    pub(crate) fn new(
        workshop: &'a Workshop,
        client: &'a Client,
        entries: &'a BTreeMap<Hour, Entry>,
        steps: &[(Hour, Step)],
    ) -> Result<Self, Error> {
        let run = Self {
            workshop,
            client,
            entries,
            cores: Cores::new(workshop.settings.workers)?,
            claimed: OnceCell::new(),
            notebook: Notebook::default(),
            asked: AtomicU64::new(0),
            is_zone_right: AtomicBool::new(false),
            strangers: AtomicU64::new(0),
            newly_lost: AtomicU64::new(0),
            doubts: Mutex::default(),
            gone: tokio::sync::Mutex::default(),
        };
        // It is written with the first row at the latest. Hours are settled in no order: of a run that dies while the oldest
        // is on its way, younger ones would pass for the first that the archive is to have.
        if let Some(oldest) = newly_promised(steps, entries, &workshop.settings.habits) {
            run.notebook.note_first(run.entry(oldest, State::Pending));
        }
        Ok(run)
    }

    /// Takes the next step of an hour.
    pub(crate) async fn settle(&self, hour: Hour, step: Step) -> Outcome {
        match step {
            Step::Settled(state) => Outcome::unchanged(hour, state),
            Step::Wait => Outcome::unchanged(hour, State::Pending),
            Step::Decode => self.told(hour, None, self.decode_again(hour)).await,
            Step::Ask(why) => self.told(hour, Some(why), self.ask(hour, Some(why))).await,
        }
    }

    /// Has an hour looked at once more before the run ends; until then nothing is known of it.
    pub(crate) fn doubt(&self, hour: Hour, doubt: Doubt) -> State {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner).insert(hour, doubt);
        State::Pending
    }

    /// Writes what is still in the notebook. What was noted while the hours were asked for in the wrong zone is forgotten.
    pub(crate) async fn end(self, report: &mut Report) -> Result<(), Error> {
        if report.failures.iter().any(|failure| matches!(failure.error, Error::WrongZone { .. })) {
            self.notebook.forget();
        }
        self.write_notes().await?;
        report.asked += self.asked.into_inner();
        report.newly_lost += self.newly_lost.into_inner();
        Ok(())
    }

    /// Works on an hour, notes a failure, and tells of it in one event.
    pub(crate) async fn told(
        &self,
        hour: Hour,
        why: Option<Why>,
        work: impl Future<Output = Result<Outcome, Error>>,
    ) -> Outcome {
        let began = tokio::time::Instant::now();
        let span = tracing::info_span!(target: "annals", "hour", %hour);
        let outcome = async {
            match work.await {
                Ok(outcome) => outcome,
                Err(error) => self.failed(hour, error).await,
            }
        };
        let outcome = outcome.instrument(span).await;
        outcome.tell(why.map_or("decode", Why::word), began.elapsed());
        outcome
    }

    /// Decodes what an interrupted run left in `raw/`; if that is damaged, the service is asked after all.
    async fn decode_again(&self, hour: Hour) -> Result<Outcome, Error> {
        let Some(parts) = self.workshop.archive.raw_parts(hour)? else { return self.ask(hour, None).await };
        let decoded = match Bytes::of_raw(parts).await {
            Ok(bytes) => self.decode(hour, bytes, FROM_RAW).await,
            Err(error) => Err(error),
        };
        match decoded {
            Ok(decoded) => self.publish(hour, decoded, FROM_RAW, 0).await,
            Err(error @ (Error::Decode { .. } | Error::Store(store::Error::NotAsServed { .. }))) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(%hour, error, "the kept bytes are damaged; asking the service");
                self.ask(hour, None).await
            }
            Err(error) => Err(error),
        }
    }

    /// Asks the service for an hour. `why` is `None` for an hour that was asked for before in this run.
    pub(crate) async fn ask(&self, hour: Hour, why: Option<Why>) -> Result<Outcome, Error> {
        let Some(answer) = self.answer(hour, why).await? else { return Ok(self.lost_unasked(hour)) };
        let outcome = match answer {
            Answer::Doubtful => Outcome::unchanged(hour, self.doubt(hour, Doubt::Zone)),
            Answer::Nothing { standing, status } => self.nothing(hour, standing, status, why.is_some()).await?,
            Answer::Same { raw, length } => {
                let archived = self.archived(hour).expect("the same bytes as those of an archived hour");
                self.workshop.keep_if_other(hour, raw).await?;
                self.workshop.forget_undecoded(hour).await;
                Outcome { bytes: length, ..self.unchanged(archived, FETCHED.http_status).await? }
            }
            Answer::Bytes { decoded, raw, length } => {
                self.workshop.keep(hour, raw).await?;
                let published = self.publish(hour, *decoded, FETCHED, length).await?;
                self.workshop.forget_undecoded(hour).await;
                published
            }
        };
        Ok(Outcome { is_heard: true, ..outcome })
    }

    /// Asks for the hour until its bytes are here and sound: links expire, and downloads arrive damaged. `None` when the
    /// service need not be asked, because it has deleted a younger hour.
    async fn answer(&self, hour: Hour, why: Option<Why>) -> Result<Option<Answer>, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let Some(answer) = self.locate_unless_gone(hour, why).await? else { return Ok(None) };
            let status = answer.status();
            let links = match self.read(answer, hour) {
                Ok(links) => links,
                Err(standing) => return Ok(Some(Answer::Nothing { standing, status })),
            };
            let refused = match self.download(hour, &links).await {
                Ok(served) => match self.take_in(hour, served, why).await {
                    Ok(answer) => return Ok(Some(answer)),
                    Err(refused) => refused,
                },
                Err(error) => error.into(),
            };
            if tries == DOWNLOADS || !refused.error.wants_a_new_download() {
                return Err(self.keep_undecoded(hour, refused).await);
            }
            tracing::info!(%hour, error = &refused.error as &dyn std::error::Error, "downloading anew");
        }
    }

    /// Asks where an hour is. Of those that the service should have deleted, it is asked for the youngest first, one at a
    /// time; what is older than one that is gone is gone.
    async fn locate_unless_gone(&self, hour: Hour, why: Option<Why>) -> Result<Option<Availability>, Error> {
        if why != Some(Why::Expired) {
            return self.locate(hour).await.map(Some);
        }
        let mut gone = self.gone.lock().await;
        if gone.is_some_and(|gone| hour < gone) {
            return Ok(None);
        }
        let answer = self.locate(hour).await?;
        if matches!(answer, Availability::Unavailable { .. }) {
            *gone = Some(hour);
        }
        Ok(Some(answer))
    }

    async fn locate(&self, hour: Hour) -> Result<Availability, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let located = self.client.locate(hour).instrument(tracing::info_span!(target: "annals", "locate", %hour));
        let answer = located.await.map_err(|source| Error::Api { hour, source })?;
        let claim = || async { Ok::<(), Error>(self.workshop.archive.claim(&self.client.app()).await?) };
        self.claimed.get_or_try_init(claim).await?;
        Ok(answer)
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

    async fn take_in(&self, hour: Hour, served: Served, why: Option<Why>) -> Result<Answer, Refused> {
        let Served { raw, bytes } = served;
        let length = bytes.length;
        let archived = self.archived(hour).filter(|archived| archived.sha256 == bytes.sha256);
        if let Some(archived) = archived.filter(|_| why != Some(Why::Wanted))
            && self.workshop.has(archived).await?
        {
            return Ok(Answer::Same { raw, length });
        }
        let is_archived = archived.is_some();
        let decoded = match while_written(&raw, self.decode(hour, bytes, FETCHED)).await {
            Ok(decoded) if decoded.is_no_history() && !is_archived => {
                return Err(Refused { error: Error::NoHistory { hour }, raw });
            }
            Ok(decoded) => decoded,
            Err(error) => return Err(Refused { error, raw }),
        };
        match self.zone_of(hour, &decoded) {
            Ok(()) => Ok(Answer::Bytes { decoded: Box::new(decoded), raw, length }),
            // What is archived was believed before.
            Err(_) if is_archived => Ok(Answer::Bytes { decoded: Box::new(decoded), raw, length }),
            Err(_) if why.is_some() && self.strangers.fetch_add(1, Ordering::Relaxed) == 0 => Ok(Answer::Doubtful),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps what was served last of an hour that cannot be decoded, before the service deletes it. The error says where.
    async fn keep_undecoded(&self, hour: Hour, refused: Refused) -> Error {
        let Refused { error, raw } = refused;
        if raw.is_empty() || !matches!(error, Error::Decode { .. } | Error::NoHistory { .. }) {
            return error;
        }
        match self.workshop.keep_undecoded(hour, raw).await {
            Ok(kept) => Error::Undecoded { hour, kept, source: Box::new(error) },
            Err(trouble) => {
                let trouble: &dyn std::error::Error = &trouble;
                tracing::warn!(%hour, error = trouble, "what was served could not be kept");
                error
            }
        }
    }

    /// Refuses an hour whose messages say that the service names its hours in another zone. One alone may be imported or
    /// come from devices whose clocks are wrong: it is believed as soon as another hour of the run lies where it should.
    fn zone_of(&self, hour: Hour, decoded: &Decoded) -> Result<(), Error> {
        let Some(zone) = self.workshop.settings.zone else { return Ok(()) };
        match decoded.offsets.verdict(zone) {
            ZoneVerdict::Right => self.is_zone_right.store(true, Ordering::Relaxed),
            ZoneVerdict::Fits(fits) if !self.is_zone_right.load(Ordering::Relaxed) => {
                return Err(Error::wrong_zone(hour, zone, fits));
            }
            ZoneVerdict::Fits(_) | ZoneVerdict::Unknown => {}
        }
        Ok(())
    }

    async fn decode(&self, hour: Hour, bytes: Bytes, provenance: Provenance) -> Result<Decoded, Error> {
        let earlier = self.archived(hour).cloned();
        let span = tracing::info_span!(target: "annals", "decode", %hour);
        self.workshop.decode_on(&self.cores, hour, bytes, provenance, earlier).instrument(span).await
    }

    async fn publish(&self, hour: Hour, decoded: Decoded, from: Provenance, bytes: u64) -> Result<Outcome, Error> {
        self.notebook.write_first(&self.workshop.archive).await?;
        let span = tracing::info_span!(target: "annals", "publish", %hour);
        let published = self.workshop.publish_kept(&self.cores, hour, decoded, from).instrument(span).await?;
        let is_other = |row: &Entry| self.archived(hour).is_some_and(|archived| archived.sha256 != row.sha256);
        let has_grown = matches!(&published, Published::Done(row) if is_other(row));
        Ok(Outcome { has_grown, ..Outcome::of(published, hour, bytes) })
    }
}
