//! What a command is given.

use std::path::PathBuf;

use crate::clock::Clock;
use crate::monitoring::Findings;
use crate::output::Output;
use crate::settings::Settings;
use crate::stop::Stop;

/// What a command is given besides its own arguments.
pub(crate) struct Context {
    /// The folder of the archive; it may not exist yet.
    pub(crate) archive: PathBuf,
    /// Where the program keeps what all runs on this machine share, such as the quota that is left; it may not exist yet.
    /// `None` when the user has no home.
    pub(crate) state: Option<PathBuf>,
    /// The settings in force.
    pub(crate) settings: Settings,
    /// Where everything is printed.
    pub(crate) output: Output,
    /// What time it is.
    pub(crate) clock: Clock,
    /// Whether to stop.
    pub(crate) stop: Stop,
    /// What the command finds and machines are told.
    pub(crate) findings: Findings,
}
