//! What every hour is worked on with.

use std::fs::File;
use std::io;
use std::num::NonZero;
use std::str::FromStr;
use std::sync::Arc;

use chat::{App, Timestamp, Zone};
use index::Catalogue;
use store::Archive;
use tokio_util::sync::CancellationToken;

use crate::age::Habits;

/// Tells the time; the program hands it in.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How hours are worked on.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the columns are written.
    pub archive: archive::Settings,
    /// What is taken from outside at the most.
    pub decode: decode::Limits,
    /// The service's habits.
    pub habits: Habits,
    /// Hours that are decoded at the same time.
    pub workers: NonZero<usize>,
    /// What a fetch does when another one is at work on the archive.
    pub second_run: SecondRun,
    /// The zone in which the service is asked, to be held against the times of the messages; `None` does not check.
    pub zone: Option<Zone>,
}

/// What a fetch does when another one is at work on the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecondRun {
    /// It ends with [`crate::Error::Busy`].
    Leave,
    /// It waits until the other one is done.
    #[default]
    Wait,
}

impl FromStr for SecondRun {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "leave" => Ok(Self::Leave),
            "wait" => Ok(Self::Wait),
            _ => Err(()),
        }
    }
}

/// The archive, its index and all else that an hour is worked on with. Cheap to clone.
#[derive(Clone)]
pub struct Workshop {
    /// Where hours are published.
    pub archive: Archive,
    /// Where their documents go; without it the index is left to catch up later.
    pub catalogue: Option<Catalogue>,
    /// The app, if it is known, by which decorated names are read.
    pub app: Option<App>,
    /// The time.
    pub clock: Clock,
    /// How hours are worked on.
    pub settings: Settings,
    /// The memory that columns are written in, from one hour to the next.
    pub spare: archive::Spare,
    /// Cancelled when the run is to stop: the hours in hand are given up.
    pub stop: CancellationToken,
    /// The version of the program, for the ledger.
    pub version: &'static str,
}

impl Workshop {
    /// What gives empty temporary files of the archive.
    pub(crate) fn temporary_files(&self) -> impl FnMut() -> io::Result<File> + Send + use<> {
        let archive = self.archive.clone();
        move || archive.spill_file()
    }
}

#[cfg(test)]
impl Workshop {
    /// One with an archive in this folder and the defaults of today, without an index.
    pub(crate) async fn of_tests(folder: &std::path::Path) -> Self {
        let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
        Self {
            archive: Archive::open(folder, store::Access::Create, Arc::clone(&clock)).await.unwrap(),
            catalogue: None,
            app: None,
            clock,
            settings: Settings {
                archive: archive::Settings::default(),
                decode: decode::Limits::default(),
                habits: Habits::default(),
                workers: NonZero::<usize>::MIN,
                second_run: SecondRun::Leave,
                zone: None,
            },
            spare: archive::Spare::default(),
            stop: CancellationToken::new(),
            version: "test",
        }
    }
}
