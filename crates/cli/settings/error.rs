//! What can be wrong with the settings.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::environment::variable_of;
use crate::settings::file::Position;
use crate::settings::reference;

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
    /// A secret given in two ways.
    #[error("`{name}` and `{file}` are both set")]
    GivenTwice {
        /// Which.
        name: &'static str,
        /// The setting that names a file.
        file: &'static str,
    },
    /// A file with a secret that could not be read.
    #[error("`{name}`: could not read {}", path.display())]
    SecretUnreadable {
        /// The setting that names it.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that holds no secret.
    #[error("`{name}`: {} {reason}", path.display())]
    SecretUnfit {
        /// The setting that names it.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
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
            Self::SecretInFile { name, .. } | Self::SecretOnCommandLine { name } => Some(format!(
                "take it out and give it as {} in the environment{}",
                variable_of(name),
                or_in_a_file(name)
            )),
            Self::HalfAPair { missing, .. } => Some(match file_setting(missing) {
                Some(file) => format!("set {}, or `{file}`", variable_of(missing)),
                None => format!("set {}", variable_of(missing)),
            }),
            Self::GivenTwice { name, file } => {
                Some(format!("keep one: unset {}, or take `{file}` away", variable_of(name)))
            }
            Self::SecretUnreadable { path, source, .. } if source.kind() == io::ErrorKind::NotFound => Some(format!(
                "write it: (umask 077; cat > {}), then paste the secret, press Enter and Ctrl-D",
                path.display()
            )),
            Self::SecretUnreadable { .. } => {
                Some("see that it is a file that the user who runs annals can read".to_owned())
            }
            Self::SecretUnfit { .. } => Some("it holds the secret alone, on one line".to_owned()),
            Self::Missing { hint, .. } => Some(hint.clone()),
            _ => None,
        }
    }
}

/// The setting that names a file with this secret.
fn file_setting(name: &str) -> Option<&'static str> {
    reference::find(name).and_then(reference::Entry::file_setting)
}

fn or_in_a_file(name: &str) -> String {
    file_setting(name).map_or_else(String::new, |file| format!(", or in a file that `{file}` names"))
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
