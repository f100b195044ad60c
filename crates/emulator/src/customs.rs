//! What the service does where nothing is documented (protocol section 14), as switches.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How the service treats what is said through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customs {
    /// The hour in which an imported message is found.
    pub imports: Imports,
    /// What becomes of a recalled message's record.
    pub recalled: Recalled,
    /// What is not found in hour files.
    pub left_out: BTreeSet<Kind>,
    /// How a recall that fails is answered.
    pub recall_failure: RecallFailure,
    /// How long after it was sent a message can be recalled without `force`.
    pub recall_window: Duration,
    /// How long an uploaded file is kept.
    pub file_life: Duration,
    /// The bytes that an uploaded file may have.
    pub file_bytes: u64,
}

impl Default for Customs {
    /// Documented values; elsewhere the most that a reader has to bear: everything is in the files.
    fn default() -> Self {
        Self {
            imports: Imports::Stamped,
            recalled: Recalled::Stay,
            left_out: BTreeSet::new(),
            recall_failure: RecallFailure::Status,
            recall_window: Duration::from_secs(120),
            file_life: Duration::from_secs(7 * 24 * 3600),
            file_bytes: 10 << 20,
        }
    }
}

/// A word that stands for no choice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not one of {choices}")]
pub struct NoChoice {
    word: String,
    choices: String,
}

/// An enum of words, its `ALL`, `Display` and `FromStr`.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$of])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word,)+ })
            }
        }

        impl FromStr for $name {
            type Err = NoChoice;

            fn from_str(word: &str) -> Result<Self, NoChoice> {
                Self::ALL.iter().copied().find(|choice| choice.to_string() == word).ok_or_else(|| NoChoice {
                    word: word.to_owned(),
                    choices: [$($word,)+].join(", "),
                })
            }
        }
    };
}

choice! {
    /// The hour in which an imported message is found.
    Imports {
        /// That of its `msg_timestamp`.
        Stamped => "stamped",
        /// That of the import.
        Arrival => "arrival",
        /// None.
        Nowhere => "nowhere",
    }
}

choice! {
    /// What becomes of a recalled message's record.
    Recalled {
        /// It stays where it is.
        Stay => "stay",
        /// It leaves its hour file, also one that is finished.
        Removed => "removed",
    }
}

choice! {
    /// What may be left out of hour files.
    Kind {
        /// Messages of the type `cmd`.
        Command => "cmd",
        /// Messages with `ROUTE_ONLINE`.
        Online => "online",
        /// Messages to some members of a group or room.
        Directed => "directed",
        /// Messages to all rooms.
        Broadcast => "broadcast",
        /// Records of recalls and edits.
        Event => "event",
    }
}

choice! {
    /// How a recall that fails is answered.
    RecallFailure {
        /// With a status and an error, as newer pages say.
        Status => "status",
        /// With 200 and a list of what was not recalled, as the oldest page says.
        Listed => "listed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(*kind));
        }
        let error = "all".parse::<Imports>().unwrap_err();
        assert_eq!(error.to_string(), "`all` is not one of stamped, arrival, nowhere");
    }
}
