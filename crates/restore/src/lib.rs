//! Archived messages back into an app: played through the service's import, oldest first.
//!
//! ```no_run
//! # async fn example(
//! #     archive: store::Archive, client: api::Client, target: restore::Target, journal: store::RestoreJournal,
//! # ) -> Result<(), restore::Error> {
//! use query::export::Choice;
//! use restore::{Names, Restore, Wishes};
//!
//! let restore = Restore { archive, target, names: Names::default(), wishes: Wishes::default() };
//! let survey = restore.survey(Choice::default(), Some(&journal), &mut |_| (), &|| false).await?;
//! println!("{} messages to play back", survey.to_play());
//! let played = restore.play(survey, &client, journal, &mut |_| (), &Default::default()).await;
//! assert_eq!(played.counts.in_doubt, 0);
//! # Ok(()) }
//! ```
//!
//! On its way a row is read as a [`Draft`], which is what the import method takes, or left out for a [`Reason`] of a closed
//! list. A [`Restore`] goes over the rows twice: the [`Survey`] counts and checks them without a call and keeps the places of
//! those that are to be played; then they are looked up again in the order in which they were sent, their files uploaded, and
//! each imported. The journal in the archive says of each whether it was, so that none is sent twice.
//!
//! It writes nothing of the archive but the journal, prints nothing, and decides nothing about which app it is.

mod body;
mod draft;
mod error;
mod files;
mod names;
mod play;
mod reason;
mod survey;

pub use draft::Draft;
pub use error::Error;
pub use names::{Names, Renaming, RenamingError};
pub use play::{Played, PlayedCounts, Turn};
pub use reason::{LeftOut, Reason};
pub use survey::{Restore, Survey, SurveyCounts, Target, Wishes};
