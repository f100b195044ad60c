//! What the libraries' errors mean for the person at the command line: exit code and advice.

use api::Advice;
use query::export::ExportError;

use crate::error::CommandError;
use crate::exit::Exit;

const CAN_BE_WRITTEN: &str = "see that the folder of the archive can be written to, then run the command again";

const BUCKET: &str = "see that the bucket is there, and that the environment (AWS_…, GOOGLE_…, AZURE_…) says who may use it: docs/buckets.md";

const SCATTERED: &str = "let the other program put the files of that day together into one, then run the command again; or put the archive back from a backup";

const MISSING: &str = "put the file back from a backup (docs/operating.md), then run the command again; `annals verify` says what else is missing";

const NO_BUCKET: &str = "make the bucket first, or put its name right: annals makes none";

const VERIFY: &str = "`annals verify` says what is wrong with the archive";

const SERVED_AGAIN: &str = "fetch or load the hour again, with --again, to have its bytes as they were served";

const ELSEWHERE: &str = "that is where the service says the hour's files are: see that this machine can reach it, or ask the service's support; the next run asks again";

const TOO_LARGE: &str = "if the file is what it should be, raise the setting decode.unpacked_limit";

/// Beside [`VERIFY`], for who has just asked that.
const FROM_A_BACKUP: &str = "put the archive back from a backup: docs/operating.md says how";

impl CommandError {
    /// The same met by `annals verify`: what others would ask it about is what it found.
    pub(super) fn found_by_verify(self) -> Self {
        if self.hints().iter().all(|hint| hint != VERIFY) {
            return self;
        }
        self.ending_with(Exit::HoursFailed).without_hints().hint(FROM_A_BACKUP)
    }
}

impl From<api::Error> for CommandError {
    fn from(error: api::Error) -> Self {
        let exit = match error.advice() {
            _ if matches!(error, api::Error::Target { .. } | api::Error::Unfit(_) | api::Error::Source { .. }) => {
                Exit::Usage
            }
            _ if matches!(error, api::Error::Declined { .. }) => Exit::Refused,
            Advice::FixTheSettings => Exit::Usage,
            Advice::Refused => Exit::Refused,
            Advice::Retry(_) | Advice::AskForANewLink | Advice::GiveUp => Exit::HoursFailed,
        };
        let hint = hint_of_api(&error);
        Self::new(exit, error).advised(hint)
    }
}

fn hint_of_api(error: &api::Error) -> &'static str {
    match error {
        api::Error::Refused { refusal: api::Refusal::Plan, .. } => {
            "the calls of the app's plan are used up: wait until they count anew, or ask who pays for the app"
        }
        api::Error::Refused { refusal: api::Refusal::Permission, .. } => {
            "the app may not use this method: whoever administers it turns it on in the console"
        }
        api::Error::Refused { .. } => {
            "check ANNALS_API_TOKEN, or ANNALS_API_CLIENT_ID and ANNALS_API_CLIENT_SECRET, or ANNALS_API_APP_ID and \
             ANNALS_API_APP_CERTIFICATE; `annals doctor` tries them"
        }
        api::Error::NoSuchApp { .. } => {
            "check ANNALS_API_BASE_URL: it is everything before /chatmessages, and the host is the one of your app's cluster"
        }
        api::Error::Unreachable { .. } | api::Error::Redirected { .. } => {
            "check ANNALS_API_BASE_URL and the network, then run the command again: it goes on where it stopped"
        }
        api::Error::BadHour { .. } => "check ANNALS_API_ZONE: UTC overseas, +08:00 on the mainland",
        api::Error::Settings { .. } | api::Error::QuotaFile { .. } => {
            "`annals config` shows the settings and where they come from"
        }
        api::Error::Target { .. } => CAN_BE_WRITTEN,
        api::Error::Unfit(unfit) => hint_of_unfit(unfit),
        api::Error::Source { .. } => "see that the file is there and can be read",
        api::Error::Declined { .. } => "the request is not to the service's liking: --dry-run shows what is sent",
        api::Error::Doubtful { .. } => "look whether it was done before you do it again: twice would be two",
        _ => "run the command again later: it goes on where it stopped",
    }
}

impl From<api::Unfit> for CommandError {
    fn from(unfit: api::Unfit) -> Self {
        api::Error::from(unfit).into()
    }
}

fn hint_of_unfit(unfit: &api::Unfit) -> &'static str {
    match unfit {
        api::Unfit::MessageTooLarge { .. } => {
            "shorten it, or send a file; if the service takes more of your app, raise the setting api.message_limit"
        }
        api::Unfit::FileTooLarge { .. } => {
            "if the console of your app allows larger files, raise the setting api.upload_limit"
        }
        api::Unfit::TooManyRecipients { .. } => "send to them in several calls",
        _ => "nothing was sent",
    }
}

impl From<store::Error> for CommandError {
    fn from(error: store::Error) -> Self {
        let hint = match &error {
            store::Error::NoArchive { .. } => {
                "name another folder with --archive, or make an archive with `annals init` and `annals fetch`, or with `annals load`"
            }
            store::Error::NoBucket { .. } => NO_BUCKET,
            store::Error::ForeignApp { .. } => "an archive belongs to one app: name another folder with --archive",
            store::Error::NewerFormat { .. } => "install a newer version of annals",
            store::Error::Contended { .. } => "run the command again: it goes on where it stopped",
            store::Error::Overtaken { .. } => "run the command again when the other one is done",
            store::Error::NotOurs { .. } => SCATTERED,
            store::Error::Lost { .. } => MISSING,
            error if store::is_of_a_bucket(error) => BUCKET,
            store::Error::Changed { .. } => "what was archived stays as it is",
            store::Error::NotAsServed { .. } => SERVED_AGAIN,
            store::Error::Damaged { .. }
            | store::Error::Miscounted { .. }
            | store::Error::Table { .. }
            | store::Error::Rows { .. } => VERIFY,
            _ => CAN_BE_WRITTEN,
        };
        let exit = match error {
            store::Error::Changed { .. }
            | store::Error::Contended { .. }
            | store::Error::Lost { .. }
            | store::Error::Miscounted { .. }
            | store::Error::NotAsServed { .. }
            | store::Error::NotOurs { .. } => Exit::HoursFailed,
            _ => Exit::Usage,
        };
        Self::new(exit, error).advised(hint)
    }
}

impl From<index::Error> for CommandError {
    fn from(error: index::Error) -> Self {
        let hint = match &error {
            error if error.rebuild_helps() => "`annals index rebuild` makes it again from the tables",
            index::Error::Locked { .. } => "run the command again when the other one is done",
            index::Error::Io { .. } => "see that the folder of the index can be read and written",
            _ => "if it stays so, `annals index rebuild` makes it again from the tables",
        };
        Self::usage(error).while_doing("the search index could not be used").advised(hint)
    }
}

impl From<query::Error> for CommandError {
    fn from(error: query::Error) -> Self {
        match error {
            query::Error::Index(error) => error.into(),
            query::Error::Store(error) => error.into(),
            other => Self::usage(other).advised(VERIFY),
        }
    }
}

impl From<restore::Error> for CommandError {
    fn from(error: restore::Error) -> Self {
        match error {
            restore::Error::Rows(error) => error.into(),
            restore::Error::Store(error) => error.into(),
            restore::Error::Service(error) => error.into(),
            other => Self::usage(other).hint("nothing was sent; give everyone a name of his own in the file of names"),
        }
    }
}

impl From<ExportError> for CommandError {
    fn from(error: ExportError) -> Self {
        let error = match error {
            ExportError::Store(error) => return error.into(),
            #[cfg(feature = "sql")]
            ExportError::Answer(error) => return error.into(),
            other => other,
        };
        let hint = match &error {
            ExportError::Busy { .. } => "wait until it is done, then run the command again",
            ExportError::Taken { .. } => "name another folder, or remove this one",
            ExportError::OtherOptions { .. } => "ask for the same, or give --since-last another name",
            ExportError::Moving { .. } => "run it again: a folder or file has nothing of it, and stdout not all",
            ExportError::Rebuild { .. } | ExportError::Rows { .. } => VERIFY,
            ExportError::Target { source, .. } if store::is_told_by_a_bucket(source) => BUCKET,
            _ => "see that the target can be written to, then run the command again",
        };
        Self::usage(error).advised(hint)
    }
}

impl From<ingest::Error> for CommandError {
    fn from(error: ingest::Error) -> Self {
        let (hour, below) = match error {
            ingest::Error::Api { hour, source } => (hour, Self::from(source)),
            ingest::Error::Files { hour, source } => (hour, Self::of_files(source)),
            ingest::Error::Store(error) => return error.into(),
            ingest::Error::Index(error) => return error.into(),
            error @ ingest::Error::Busy { .. } => {
                return Self::usage(error).hint("wait until it is done, or set ingest.second_run to `wait`");
            }
            error @ ingest::Error::ClockBehind { .. } => {
                return Self::usage(error).hint("set the clock of this machine right, then run it again");
            }
            ingest::Error::WrongZone { fits, .. } => {
                let hint = format!("set ANNALS_API_ZONE={fits}, or api.zone in annals.toml, and run it again");
                return Self::usage(error).hint("no hour of another zone was published").hint(hint);
            }
            other => return Self::of_hour(other),
        };
        below.while_doing(format!("could not fetch {hour}"))
    }
}

impl CommandError {
    /// What keeps the files of an hour: they lie where the service says, whatever the settings say.
    fn of_files(error: api::Error) -> Self {
        match &error {
            api::Error::Unreachable { .. } => Self::new(Exit::HoursFailed, error).hint(ELSEWHERE),
            _ => error.into(),
        }
    }

    fn of_hour(error: ingest::Error) -> Self {
        let hint = match &error {
            ingest::Error::Decode { source: decode::FileError::TooLarge { .. }, .. } => TOO_LARGE,
            ingest::Error::Undecoded { source, .. } if is_too_large(source) => TOO_LARGE,
            ingest::Error::Undecoded { .. } => {
                "the next run asks again; what can be done with this file if none that is sound ever comes: docs/operating.md"
            }
            ingest::Error::Decode { .. } => "the archive is as it was; fetch the hour again, or give a sound file",
            ingest::Error::OtherBytes { .. } => "give --again to replace the hour",
            ingest::Error::OtherBytesKept { .. } => {
                "`annals fetch` of this hour publishes them; give --again to replace them by this file"
            }
            ingest::Error::Gap { .. } => "run the command again before the service deletes the hour",
            ingest::Error::Read { .. } => "see that the file is there and can be read",
            ingest::Error::Rows { .. } => VERIFY,
            _ => "run the command again: it goes on where it stopped",
        };
        Self::new(Exit::HoursFailed, error).advised(hint)
    }

    /// Adds this advice, or what helps against a full disk, if that is below it all: it is for the user to put right.
    fn advised(self, hint: &'static str) -> Self {
        if self.is_of_a_full_disk() {
            return self.ending_with(Exit::Usage).hint("make room on the disk, then run the command again: it goes on");
        }
        self.hint(hint)
    }
}

fn is_too_large(error: &ingest::Error) -> bool {
    matches!(error, ingest::Error::Decode { source: decode::FileError::TooLarge { .. }, .. })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_full_disk_wants_room_wherever_it_is_met() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let hour = chat::Hour::from_number(500_000);
        let errors: [CommandError; 5] = [
            api::Error::Target { source: Arc::new(full()) }.into(),
            ingest::Error::Api { hour, source: api::Error::Target { source: Arc::new(full()) } }.into(),
            store::Error::File { action: "write", path: "raw/x".into(), source: full() }.into(),
            index::Error::Io { path: "index/x".into(), source: full() }.into(),
            ingest::Error::Archive { hour, source: archive::Error::Spill(full()) }.into(),
        ];
        for error in errors {
            let text = error.render();
            assert_eq!(error.exit(), Exit::Usage, "{text}");
            assert!(text.contains("hint: make room") && text.matches("hint:").count() == 1, "{text}");
        }
    }

    #[test]
    fn the_host_of_a_link_is_not_in_the_settings() {
        let hour = chat::Hour::from_number(500_000);
        let nowhere = |obstacle| {
            let (host, source) = ("files.example.com".to_owned(), Arc::new(io::Error::other("no such name")));
            api::Error::Unreachable { host, obstacle, source }
        };
        for obstacle in [api::Obstacle::Name, api::Obstacle::Certificate] {
            let error = CommandError::from(ingest::Error::Files { hour, source: nowhere(obstacle) });
            let text = error.render();
            assert_eq!(error.exit(), Exit::HoursFailed, "{text}");
            assert!(text.contains("files.example.com") && text.contains("hint: that is where"), "{text}");
            assert!(!text.contains("ANNALS_API_BASE_URL"), "{text}");
        }
        let service = CommandError::from(ingest::Error::Api { hour, source: nowhere(api::Obstacle::Name) });
        assert!(service.render().contains("check ANNALS_API_BASE_URL"));
    }

    #[test]
    fn an_index_is_waited_for_only_when_somebody_is_at_it() {
        let locked = index::Error::Locked { folder: "index".into() };
        assert!(CommandError::from(locked).render().contains("when the other one is done"));
        let denied =
            index::Error::Io { path: "index/x".into(), source: io::Error::from(io::ErrorKind::PermissionDenied) };
        assert!(CommandError::from(denied).render().contains("can be read and written"));
    }
}
