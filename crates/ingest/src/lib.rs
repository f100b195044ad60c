//! The write side: plan, one hour whole, follow.
//!
//! A [`Workshop`] takes hours from the service ([`Workshop::fetch`]) or from files ([`Workshop::load`]), works on several
//! at once, and publishes each as a whole: raw bytes, dead letters, messages, ledger row, and then the index. What a
//! crash left out of the index is caught up by [`Workshop::follow`]; [`Workshop::verify`] proves what is there, and
//! [`Workshop::drift`] names what no column has, and [`Workshop::fill`] fills
//! columns that were promoted since. [`Workshop::media`] fetches the
//! files that the messages speak of, while the service has them.
//!
//! ```no_run
//! # async fn example(workshop: ingest::Workshop, client: api::Client) -> Result<(), ingest::Error> {
//! use chat::{Hour, Hours, State};
//!
//! let since = Hour::from_key("2026031400").expect("ten digits");
//! let range = Hours::between(since, since.plus(24));
//! let report = workshop.fetch(&client, range, ingest::Settled::Keep, &|_, _| ()).await?;
//! println!("{} hours done, {} messages", report.count(State::Done), report.tally.messages);
//! workshop.follow().await?;
//! # Ok(()) }
//! ```
//!
//! It knows no settings file, prints nothing and reads no clock but the one it is handed.

mod age;
mod arrival;
mod attempt;
mod compact;
mod cores;
mod coverage;
mod doubt;
mod download;
mod drift;
mod error;
mod fetch;
mod firsts;
mod follow;
mod hour;
mod load;
mod media;
mod names;
mod notebook;
mod noting;
mod plan;
mod portable;
mod promote;
mod raw;
mod replay;
mod report;
mod retain;
mod run;
mod seen;
mod verify;
mod workshop;
mod zone;

pub use age::{Habits, Recheck};
pub use compact::{CompactedDays, Days};
pub use coverage::{Coverage, is_fetched};
pub use drift::{Drift, Fact};
pub use error::Error;
pub use follow::{Followed, Lag};
pub use media::{Media, MediaCount, MediaReport, MediaStanding};
pub use names::{NameError, hours_of_files};
pub use plan::{Plan, Settled, Step, Why, due, time_under_quota};
pub use portable::{Obstacle, Portable};
pub use promote::{Filled, Fitted, Fitting};
pub use replay::{Left, Replay, Replayed, Reread};
pub use report::{CutShort, Failure, Report};
pub use run::Progress;
pub use verify::{
    Astray, AttachmentProof, FileFormat, Finding, FormatCount, Proof, RoundTrip, Searched, Searches, Verified,
};
pub use workshop::{Clock, SecondRun, Settings, Workshop};
pub use zone::{Offsets, ZoneVerdict};
