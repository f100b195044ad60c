//! What a restore would do: counted and checked without a call.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use api::{Clock, Limits};
use chat::{Message, Secret};
use query::export::{Choice, Chronicle, ExportError, Placed};
use store::{Archive, RestoreJournal, RestoreKey, Restored};

use crate::draft::Draft;
use crate::error::Error;
use crate::files::{Found, Kept};
use crate::names::Names;
use crate::reason::{LeftOut, Objection, Reason};

/// The app that is restored into.
#[derive(Clone)]
pub struct Target {
    /// Everything before `/messages`.
    pub base_url: String,
    /// How much its service takes.
    pub limits: Limits,
    /// How long it keeps a file.
    pub file_life: Duration,
    /// Tells the time.
    pub clock: Clock,
}

/// How it is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Whether messages whose files the archive has not are played back with the addresses that these had.
    pub without_attachments: bool,
    /// Under which of its attributes a message is to have the id that it had.
    pub ext_key: Option<String>,
    /// Whether messages of which it is not known whether they were imported are sent once more.
    pub repeat_doubtful: bool,
}

/// What a restore is made with.
pub struct Restore {
    /// Where the messages are.
    pub archive: Archive,
    /// Where they go.
    pub target: Target,
    /// Who is called otherwise there.
    pub names: Names,
    /// How it is to be done.
    pub wishes: Wishes,
}

/// What is to be played back, in its order: 24 bytes a message.
pub struct Survey {
    pub(crate) chronicle: Chronicle,
    pub(crate) places: Vec<Placed>,
    /// What was found.
    pub counts: SurveyCounts,
}

/// What a survey found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SurveyCounts {
    /// Rows that are meant.
    pub chosen: u64,
    /// Of these, how many are to be played, by the kind of conversation and the type of message.
    pub to_play: BTreeMap<(&'static str, &'static str), u64>,
    /// How many are left out, by the reason.
    pub left_out: BTreeMap<Reason, u64>,
    /// How many an earlier run has imported.
    pub earlier: u64,
    /// How many an earlier run may have imported, and nobody knows.
    pub in_doubt: u64,
    /// Files that are to be uploaded, each once.
    pub files: u64,
    /// How large they are together.
    pub bytes: u64,
}

impl Survey {
    /// How many messages are to be played.
    #[must_use]
    pub fn to_play(&self) -> u64 {
        self.places.len() as u64
    }
}

impl Restore {
    /// Goes over the chosen rows, and tells of those that are left out. A journal says what was done before.
    ///
    /// # Errors
    ///
    /// When the archive cannot be read, somebody asked for an end, or two users would become one.
    pub async fn survey(
        &self,
        choice: Choice<'_>,
        journal: Option<&RestoreJournal>,
        tell: &mut (dyn FnMut(LeftOut) + Send),
        is_stopped: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Survey, Error> {
        let mut chronicle = Chronicle::open(&self.archive, is_stopped).await?;
        let mut found =
            Finding { journal, tell, uploads: HashSet::new(), places: Vec::new(), counts: Default::default() };
        let mut kept = Kept::default();
        for hour in chronicle.hours() {
            kept.turn_to(&self.archive, &BTreeSet::from([hour])).await?;
            let mut merged = None;
            let take = |message: &Message<'_>, is_recalled| {
                merged = self.names.merged(message).map(str::to_owned);
                if is_stopped() || merged.is_some() {
                    return Err(ExportError::Stopped);
                }
                found.take(self.look_at(message, is_recalled, &kept, journal));
                Ok(())
            };
            let read = chronicle.read(hour, choice, take).await;
            if let Some(name) = merged {
                return Err(Error::Merged { name });
            }
            read?;
        }
        let Finding { mut places, counts, .. } = found;
        places.sort_unstable();
        Ok(Survey { chronicle, places, counts })
    }

    fn look_at(&self, message: &Message<'_>, is_recalled: bool, kept: &Kept, journal: Option<&RestoreJournal>) -> Row {
        let Ok(key) = key_of(message) else {
            return Row::LeftOut(Objection::from(Reason::UnfitBody).of(message));
        };
        match journal.and_then(|journal| journal.state(key)) {
            Some(Restored::Imported) => return Row::Earlier,
            Some(Restored::Asked) if !self.wishes.repeat_doubtful => {
                return Row::LeftOut(
                    Objection::because(Reason::InDoubt, "an earlier run did not hear of it").of(message),
                );
            }
            _ if is_recalled => return Row::LeftOut(Objection::from(Reason::Recalled).of(message)),
            _ => {}
        }
        match self.check(message, kept) {
            Ok((draft, files)) => {
                Row::ToPlay(Placed::of(message), (draft.chat_type(), draft.body_type().word()), files)
            }
            Err(objection) => Row::LeftOut(objection.of(message)),
        }
    }

    /// Reads a row as it would be sent, with a file of the same length in the place of each.
    fn check(&self, message: &Message<'_>, kept: &Kept) -> Result<(Draft, Vec<Found>), Objection> {
        let (mut draft, files) = self.draft(message, kept)?;
        for file in &files {
            let url = format!("{}/chatfiles/{}", self.target.base_url, "00000000-0000-0000-0000-000000000000");
            let secret = file.is_restricted.then(|| Secret::new("0123456789"));
            draft.set_file(file.kind, &url, secret.as_ref());
        }
        draft.import()?.check(draft.conversation_kind(), &self.target.limits)?;
        Ok((draft, files))
    }

    /// A row as it is sent, and the files that have to be uploaded before.
    pub(crate) fn draft(&self, message: &Message<'_>, kept: &Kept) -> Result<(Draft, Vec<Found>), Objection> {
        let mut draft = Draft::of(message, &self.names, self.wishes.ext_key.as_deref())?;
        let limits = (&self.target.limits, self.wishes.without_attachments);
        let files = kept.settle(&self.archive, message, &mut draft, limits)?;
        Ok((draft, files))
    }
}

/// What comes of a row.
enum Row {
    ToPlay(Option<Placed>, (&'static str, &'static str), Vec<Found>),
    LeftOut(LeftOut),
    Earlier,
}

/// What was found so far.
struct Finding<'a> {
    journal: Option<&'a RestoreJournal>,
    tell: &'a mut (dyn FnMut(LeftOut) + Send),
    uploads: HashSet<RestoreKey>,
    places: Vec<Placed>,
    counts: SurveyCounts,
}

impl Finding<'_> {
    fn take(&mut self, row: Row) {
        self.counts.chosen += 1;
        match row {
            Row::Earlier => self.counts.earlier += 1,
            Row::LeftOut(row) => {
                match row.reason {
                    Reason::InDoubt => self.counts.in_doubt += 1,
                    reason => *self.counts.left_out.entry(reason).or_default() += 1,
                }
                (self.tell)(row);
            }
            Row::ToPlay(place, kind, files) => {
                *self.counts.to_play.entry(kind).or_default() += 1;
                self.places.extend(place);
                files.iter().for_each(|file| self.take_file(file));
            }
        }
    }

    fn take_file(&mut self, file: &Found) {
        let key = RestoreKey::of_upload(&file.sha256, file.is_restricted);
        let is_there = self.journal.is_some_and(|journal| journal.has_upload(key));
        if !is_there && self.uploads.insert(key) {
            self.counts.files += 1;
            self.counts.bytes += file.bytes;
        }
    }
}

/// By what a row is known again.
pub(crate) fn key_of(message: &Message<'_>) -> Result<RestoreKey, decode::RebuildError> {
    match message.msg_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => Ok(RestoreKey::of_id(id)),
        None => Ok(RestoreKey::of_record(message.position.source_hour, &decode::rebuild(message)?)),
    }
}
