//! What can be wrong with the settings.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::environment;
use crate::settings::file::Position;

/// What is wrong with the settings. No text quotes a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The file could not be read.
    #[error("could not read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is larger than any settings are.
    #[error("{} has more than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// The file is no TOML.
    #[error("{place}: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the TOML parser says.
        message: String,
    },
    /// A section or setting that does not exist.
    #[error("{place}: there is no setting `{name}`")]
    Unknown {
        /// Where.
        place: Place,
        /// What was written.
        name: String,
        /// What was probably meant.
        meant: Option<String>,
    },
    /// A secret in the file.
    #[error("{place}: `{name}` is a secret and does not belong into this file")]
    SecretInFile {
        /// Where.
        place: Place,
        /// Which.
        name: String,
    },
    /// A secret on the command line.
    #[error("`{name}` is a secret and does not belong on a command line")]
    SecretOnCommandLine {
        /// Which.
        name: String,
    },
    /// A flag that sets nothing.
    #[error("`--set {text}` sets nothing: write --set section.key=value")]
    NoAssignment {
        /// What was written.
        text: String,
    },
    /// A value that does not fit.
    #[error("{place}: invalid value of `{name}`: {reason}")]
    Invalid {
        /// Where.
        place: Place,
        /// Of which setting.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// One half of a pair.
    #[error("`{present}` is of no use without `{missing}`")]
    HalfAPair {
        /// The half that is set.
        present: &'static str,
        /// The half that is not.
        missing: &'static str,
    },
    /// A setting that this command cannot do without.
    #[error("`{name}` is not set")]
    Missing {
        /// Which.
        name: &'static str,
        /// How it can be set.
        hint: String,
    },
}

impl SettingsError {
    /// What to do about it, where there is more to say than the error itself does.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { meant: Some(meant), .. } => Some(format!("did you mean `{meant}`?")),
            Self::Unknown { meant: None, .. } => Some("`annals config` lists every setting".to_owned()),
            Self::SecretInFile { name, .. } | Self::SecretOnCommandLine { name } => {
                Some(format!("take it out and give it as {} in the environment", environment::variable_of(name)))
            }
            Self::HalfAPair { missing, .. } => Some(format!("set {}", environment::variable_of(missing))),
            Self::Missing { hint, .. } => Some(hint.clone()),
            _ => None,
        }
    }
}

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In our own defaults.
    Default,
    /// In the file of the archive.
    File(PathBuf, Position),
    /// In this variable of the environment.
    Variable(String),
    /// With `--set` or a flag of the command.
    Flag,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, position) => write!(f, "{}, {position}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag => f.write_str("command line"),
        }
    }
}
