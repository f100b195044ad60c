//! Why an hour could not be archived.

use std::path::PathBuf;
use std::time::Duration;

use api::Advice;
use chat::Hour;

/// Why an hour, or a whole run, came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service, or the way to it: it did not say where the files of the hour are.
    #[error("could not fetch {hour}")]
    Api {
        /// The hour.
        hour: Hour,
        /// What went wrong.
        source: api::Error,
    },
    /// The service said where the files of the hour are, and they could not be had from there. That says nothing of the
    /// service, nor of other hours: their links may lead elsewhere.
    #[error("could not fetch {hour}")]
    Files {
        /// The hour.
        hour: Hour,
        /// What went wrong.
        source: api::Error,
    },
    /// The rows of the hour could not be read from the tables.
    #[error("could not read the messages of {hour}")]
    Rows {
        /// The hour.
        hour: Hour,
        /// What went wrong.
        source: archive::Error,
    },
    /// The columns could not be written.
    #[error("could not write the messages of {hour}")]
    Archive {
        /// The hour.
        hour: Hour,
        /// What went wrong.
        source: archive::Error,
    },
    /// The service answers that the hour is not there, between readiness and retention.
    #[error("the service has no file for {hour}, although it should be ready and not yet deleted")]
    Gap {
        /// The hour.
        hour: Hour,
        /// The status of the answer.
        status: u16,
    },
    /// The bytes are no hour file.
    #[error("could not decode {hour}, part {part}")]
    Decode {
        /// The hour.
        hour: Hour,
        /// The part of it.
        part: chat::Part,
        /// What went wrong.
        source: decode::FileError,
    },
    /// What was served is no hour file, and is kept beside the archive.
    #[error("could not archive {hour}; what was served is kept as {}", .kept.display())]
    Undecoded {
        /// The hour.
        hour: Hour,
        /// Its first part.
        kept: PathBuf,
        /// Why it could not be decoded.
        source: Box<Self>,
    },
    /// The hour is archived from other bytes, and nobody asked to replace it.
    #[error("{hour} is already archived from other bytes")]
    OtherBytes {
        /// The hour.
        hour: Hour,
    },
    /// Other bytes of the hour are kept, though not published, and nobody asked to replace them.
    #[error("other bytes of {hour} are kept already, which another run is publishing or left behind when it died")]
    OtherBytesKept {
        /// The hour.
        hour: Hour,
    },
    /// Another fetch is at work on the archive, and this one was told not to wait.
    #[error("another fetch is at work on this archive ({holder})")]
    Busy {
        /// What is known of it.
        holder: String,
    },
    /// The archive holds an hour that is not over by the clock of this machine.
    #[error("the archive holds {hour}, which is not over yet by the clock of this machine: it says {}", chat::show_time(*.now))]
    ClockBehind {
        /// The hour.
        hour: Hour,
        /// What the clock says.
        now: chat::Timestamp,
    },
    /// The messages of an hour were sent in the hour that another zone calls so: the setting of the zone is wrong.
    #[error("the messages of {hour} were sent in {sent}: the service does not name its hours in {zone}, but in {fits}")]
    WrongZone {
        /// The hour that was asked for.
        hour: Hour,
        /// The hour that its messages were sent in.
        sent: Hour,
        /// The zone of the settings.
        zone: chat::Zone,
        /// The zone that fits.
        fits: chat::Zone,
    },
    /// A file to load could not be read.
    #[error("could not read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The index could not be written or read.
    #[error("could not use the index")]
    Index(#[from] index::Error),
    /// It was told to stop before the hour was whole.
    #[error("{hour} was given up, because the run was told to stop")]
    Stopped {
        /// The hour.
        hour: Hour,
    },
    /// What was served holds no record of the service: an error page or an error answer in the place of the file.
    #[error("what the store served for {hour} holds no message: it is an error page, or another file")]
    NoHistory {
        /// The hour.
        hour: Hour,
    },
    /// The archive could not be read or written.
    #[error("could not use the archive")]
    Store(#[from] store::Error),
    /// No threads to decode on.
    #[error("could not start the threads on which hours are decoded")]
    Cores {
        /// Why.
        source: rayon::ThreadPoolBuildError,
    },
    /// A thread ended without a result.
    #[error("a thread broke")]
    Thread {
        /// How it ended.
        source: tokio::task::JoinError,
    },
}

/// The service wants to be left alone for longer than a run waits: no other hour may be asked for before.
const LONG: Duration = Duration::from_secs(60);

impl Error {
    /// The error of an hour that was asked for in `zone`, and whose messages lie in the hour that `fits` calls so.
    #[must_use]
    pub fn wrong_zone(hour: Hour, zone: chat::Zone, fits: chat::Zone) -> Self {
        // The same key in another zone is another hour.
        let sent = hour.plus(zone.offset_hours() - fits.offset_hours());
        Self::WrongZone { hour, sent, zone, fits }
    }

    /// Whether no other hour would fare better: there is no token to be had, the service wants to be left alone, or the
    /// archive cannot be used or the disk is full.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        match self {
            // Other hours lie in other files.
            Self::Store(store::Error::Lost { .. } | store::Error::Miscounted { .. } | store::Error::NotOurs { .. }) => {
                false
            }
            Self::Api { source: api::Error::Target { .. }, .. }
            | Self::Files { source: api::Error::Target { .. }, .. }
            | Self::Busy { .. }
            | Self::ClockBehind { .. }
            | Self::WrongZone { .. } => true,
            // One file is damaged, and others are not.
            Self::Store(store::Error::Changed { .. } | store::Error::NotAsServed { .. }) => false,
            Self::Store(_) => true,
            Self::Api { source, .. } => {
                bars_every_call(source) || matches!(source.advice(), Advice::Retry(Some(wait)) if wait > LONG)
            }
            _ => self.is_of_a_full_disk(),
        }
    }

    /// Whether the service refuses or cannot be reached. Of one hour that says nothing of the others; where no hour fares
    /// better, it is what has to be put right.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        let Self::Api { source, .. } = self else { return false };
        matches!(source, api::Error::Unreachable { .. })
            || matches!(source.advice(), Advice::FixTheSettings | Advice::Refused)
    }

    /// Whether the service did not say where the hour is, or that it has none.
    pub(crate) fn is_of_the_service(&self) -> bool {
        matches!(self, Self::Api { .. })
    }

    /// The error and all its causes in one line, for the ledger and for reports.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        in_one_line(self)
    }

    /// Whether other bytes may come of the same question.
    pub(crate) fn wants_a_new_download(&self) -> bool {
        match self {
            Self::Api { source, .. } | Self::Files { source, .. } => {
                matches!(source.advice(), Advice::AskForANewLink)
            }
            Self::Decode { source, .. } => !matches!(source, decode::FileError::TooLarge { .. }),
            Self::NoHistory { .. } => true,
            _ => false,
        }
    }

    pub(crate) fn http_status(&self) -> Option<u16> {
        match self {
            Self::Api { source, .. } | Self::Files { source, .. } => source.http_status(),
            Self::Gap { status, .. } => Some(*status),
            _ => None,
        }
    }

    fn is_of_a_full_disk(&self) -> bool {
        let causes = chain(self).filter_map(|error| error.downcast_ref::<std::io::Error>());
        causes
            .into_iter()
            .any(|error| matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded))
    }
}

/// Whether no call fares better, whatever it asks for: the endpoint of tokens refuses the credentials, or something on this
/// machine has to be put right.
pub(crate) fn bars_every_call(error: &api::Error) -> bool {
    matches!(
        error,
        api::Error::Settings { .. }
            | api::Error::QuotaFile { .. }
            | api::Error::Refused { refusal: api::Refusal::Credentials, .. }
    )
}

/// An error and all its causes in one line.
pub(crate) fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An error and its causes.
fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_hour_meets_says_nothing_of_the_others() {
        let hour = Hour::from_key("2026031409").unwrap();
        let refused = |status: u16, refusal| api::Error::Refused { status, refusal, said: None };
        let nowhere = || api::Error::Unreachable {
            host: "h".to_owned(),
            obstacle: api::Obstacle::Name,
            source: std::sync::Arc::new(std::io::Error::other("no such name")),
        };
        let throttled = |seconds| api::Error::Throttled {
            status: 429,
            retry_after: Some(Duration::from_secs(seconds)),
            said: None,
        };
        let host = || "h".to_owned();
        // The error, then whether it is hopeless, and whether it is a refusal.
        let asked = [
            (nowhere(), (false, true)),
            (refused(401, api::Refusal::Token), (false, true)),
            (refused(402, api::Refusal::Permission), (false, true)),
            (refused(429, api::Refusal::Plan), (false, true)),
            (refused(400, api::Refusal::Credentials), (true, true)),
            (api::Error::Redirected { host: host(), status: 302, to: host() }, (false, true)),
            (api::Error::BadHour { key: host(), status: 400, said: None }, (false, true)),
            (api::Error::NoSuchApp { app: host(), status: 404, said: None }, (false, true)),
            (api::Error::Settings { what: host() }, (true, true)),
            (throttled(61), (true, false)),
            (throttled(60), (false, false)),
        ];
        for (source, expected) in asked {
            let error = Error::Api { hour, source };
            assert_eq!((error.is_hopeless(), error.is_refusal()), expected, "{error:?}");
            assert!(error.is_of_the_service());
        }
        for source in [nowhere(), throttled(61), api::Error::LinkExpired { status: 403, code: None }] {
            let error = Error::Files { hour, source };
            assert!(!error.is_hopeless() && !error.is_refusal() && !error.is_of_the_service(), "{error:?}");
        }
    }

    #[test]
    fn a_full_disk_is_hopeless_however_deep_it_lies() {
        let path = PathBuf::from("2026031409.gz");
        let read = |kind: std::io::ErrorKind| Error::Read { path: path.clone(), source: kind.into() };
        assert!(read(std::io::ErrorKind::StorageFull).is_hopeless());
        assert!(!read(std::io::ErrorKind::NotFound).is_hopeless());
        assert_eq!(read(std::io::ErrorKind::NotFound).in_one_line(), "could not read 2026031409.gz: entity not found");
    }
}
