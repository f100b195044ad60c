//! With which code the program ends: the one place that knows the numbers.

use std::process::ExitCode;

/// How a run ended. Where several things happened, the worst wins: the one with the highest code, see [`Exit::worst`].
///
/// The codes are an interface: scripts and cron jobs act on them. They are described in `docs/exit-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All is done. Lines that were set aside are reported and do not change the code, unless `--strict` is given.
    Done = 0,
    /// A search found nothing.
    NothingFound = 1,
    /// The command line, a setting, or something on this machine that the user can put right.
    Usage = 2,
    /// The run finished, but hours failed; with `--strict` also: lines were set aside.
    HoursFailed = 3,
    /// The service refused: token, app or quota.
    Refused = 4,
    /// Hours will be lost soon if nothing is done.
    HoursAtRisk = 5,
    /// Hours were lost since the last run: the service no longer has them.
    HoursLost = 6,
    /// A bug of ours.
    Bug = 70,
    /// Stopped by a signal; the same command goes on from where it stopped.
    Interrupted = 130,
}

impl Exit {
    /// Every way to end, the better ones first.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 9] = [
        Self::Done,
        Self::NothingFound,
        Self::Usage,
        Self::HoursFailed,
        Self::Refused,
        Self::HoursAtRisk,
        Self::HoursLost,
        Self::Bug,
        Self::Interrupted,
    ];

    /// The number that the shell sees.
    #[must_use]
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// The worst of several; [`Exit::Done`] of none.
    #[must_use]
    pub(crate) fn worst(exits: impl IntoIterator<Item = Self>) -> Self {
        exits.into_iter().max().unwrap_or(Self::Done)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_documentation() {
        assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 3, 4, 5, 6, 70, 130]);
    }

    #[test]
    fn the_worst_wins() {
        assert_eq!(Exit::worst([]), Exit::Done);
        assert_eq!(Exit::worst([Exit::HoursFailed, Exit::HoursLost, Exit::Done]), Exit::HoursLost);
        assert_eq!(Exit::worst([Exit::Refused, Exit::HoursAtRisk]), Exit::HoursAtRisk);
        assert!(Exit::ALL.is_sorted());
    }
}
