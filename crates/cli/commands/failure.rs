//! What the libraries' errors mean for the person at the command line: exit code and advice.

use api::Advice;

use crate::error::CommandError;
use crate::exit::Exit;

impl From<api::Error> for CommandError {
    fn from(error: api::Error) -> Self {
        let exit = match error.advice() {
            Advice::FixTheSettings => Exit::Usage,
            Advice::Refused => Exit::Refused,
            Advice::Retry(_) | Advice::AskForANewLink | Advice::GiveUp => Exit::HoursFailed,
        };
        let hint = hint_of_api(&error);
        Self::new(exit, error).hint(hint)
    }
}

fn hint_of_api(error: &api::Error) -> &'static str {
    match error {
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
        _ => "run the command again later: it goes on where it stopped",
    }
}

impl From<store::Error> for CommandError {
    fn from(error: store::Error) -> Self {
        let hint = match &error {
            store::Error::NoArchive { .. } => {
                "name another folder with --archive, or make an archive with `annals fetch` or `annals load`"
            }
            store::Error::ForeignApp { .. } => "an archive belongs to one app: name another folder with --archive",
            store::Error::NewerFormat { .. } => "install a newer version of annals",
            store::Error::Contended { .. } => "run the command again: it goes on where it stopped",
            _ => "see that the folder can be written to and the disk is not full, then run the command again",
        };
        let exit = if matches!(error, store::Error::Contended { .. }) { Exit::HoursFailed } else { Exit::Usage };
        Self::new(exit, error).hint(hint)
    }
}

impl From<index::Error> for CommandError {
    fn from(error: index::Error) -> Self {
        let hint = if error.rebuild_helps() {
            "delete the folder of the index: the next run rebuilds it from the tables"
        } else {
            "run the command again when the other one is done"
        };
        Self::usage(error).hint(hint)
    }
}

impl From<query::Error> for CommandError {
    fn from(error: query::Error) -> Self {
        match error {
            query::Error::Index(error) => error.into(),
            query::Error::Store(error) => error.into(),
            other => Self::usage(other).hint("`annals verify` says what is wrong with the archive"),
        }
    }
}

impl From<ingest::Error> for CommandError {
    fn from(error: ingest::Error) -> Self {
        let (hour, below) = match error {
            ingest::Error::Api { hour, source } => (hour, Self::from(source)),
            ingest::Error::Store(error) => return error.into(),
            ingest::Error::Index(error) => return error.into(),
            other => return Self::of_hour(other),
        };
        below.while_doing(format!("could not fetch {hour}"))
    }
}

impl CommandError {
    fn of_hour(error: ingest::Error) -> Self {
        let hint = match &error {
            ingest::Error::Decode { source: decode::FileError::TooLarge { .. }, .. } => {
                "if the file is what it should be, raise the setting decode.unpacked_limit"
            }
            ingest::Error::Decode { .. } => "nothing of the hour was archived; fetch it again, or give a sound file",
            ingest::Error::OtherBytes { .. } => "give --again to replace the hour",
            ingest::Error::Gap { .. } => "run the command again before the service deletes the hour",
            ingest::Error::Read { .. } => "see that the file is there and can be read",
            _ => "run the command again: it goes on where it stopped",
        };
        Self::new(Exit::HoursFailed, error).hint(hint)
    }
}
