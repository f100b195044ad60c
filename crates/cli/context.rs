//! What a command is given.

use std::path::PathBuf;

use store::{Place, Variable};

use crate::clock::Clock;
use crate::monitoring::Findings;
use crate::output::Output;
use crate::settings::Settings;
use crate::stop::Stop;

/// What a command is given besides its own arguments.
pub(crate) struct Context {
    /// Where the archive is; it may not be there yet.
    pub(crate) place: Place,
    /// The folder of the archive, or the one that this machine has for an archive in a bucket: for its settings, its index and
    /// what is unfinished. It may not exist yet.
    pub(crate) archive: PathBuf,
    /// What the environment says of who may use a bucket.
    pub(crate) clouds: Vec<Variable>,
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
