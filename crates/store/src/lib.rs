//! Where bytes live and which hours exist: the archive in a folder or a bucket, its Delta tables, the ledger, the served bytes.
//!
//! ```no_run
//! use std::{io::Write, path::Path, sync::Arc};
//! use store::{Access, Archive, Mode, Publication};
//!
//! # async fn example(hour: chat::Hour, entry: chat::Entry, served: &[u8], now: chat::Timestamp)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! let archive = Archive::open(Path::new("archive"), Access::Create, Arc::new(move || now)).await?;
//! archive.claim(&"harbor-org#lantern".parse()?).await?;
//! let mut part = archive.stage_raw(hour, 0)?;
//! part.write_all(served)?;
//! archive.keep_raw(hour, vec![part.seal()])?;
//! let file = archive.stage_file()?; // written by `archive::Writer`
//! # let statistics = archive::Statistics::default();
//! let messages = Some((file, statistics, 3));
//! archive.publish(Publication { entry, messages, dead_letters: None }, Mode::New).await?;
//! assert!(archive.snapshot().await?.file_of(hour).is_some());
//! # Ok(())
//! # }
//! ```
//!
//! An hour's way: its parts are staged, sealed and kept as [`RawPart`]s; its rows go into a [`StagedFile`]; a
//! [`Publication`] puts both files into the tables and the [`chat::Entry`] into the ledger, in that order, so that the
//! row in the ledger is the last thing written; a [`Snapshot`] lists the files that readers see.
//!
//! # Layout
//!
//! ```text
//! archive.json                              the format of the archive, created once
//! app.json                                  the app it belongs to, created once
//! messages/     _delta_log/ date=2026-03-14/2026031409-<id>.parquet, or 20260314-<id>.parquet for several hours
//! dead_letters/ _delta_log/ date=2026-03-14/2026031409-<id>.parquet
//! attachments/  _delta_log/ date=2026-03-14/20260314-<id>.parquet: there from the first attachment on
//! hours/        _delta_log/ <id>.parquet    the ledger: rows are added, the newest of an hour counts
//! raw/2026/03/14/2026031409-0.gz            bytes as served, and 2026031409.json, which says that they are whole
//! raw/.lock                                 held while the bytes of an hour get their names
//! media/ab/abcd…                            the bytes of attachments, named after their SHA-256
//! exports/nightly.json                      up to where the export of that name has handed out the archive
//! watches/harbour.json                      what the saved search of that name has told
//! restores/harbor-org.beacon.ndjson         which rows were played back into that app, and as which messages
//! tmp/                                      everything unfinished; empty when no run is going
//! .lock                                     shared by all who use the archive, exclusive for repairs
//! .turn                                     held by the one run that fetches; says which
//! ```
//!
//! In a bucket, parts of served bytes end in an id, and locks are on the machine that holds them: see decision 18.
//!
//! This crate decodes nothing, asks no service and does not know the index.

mod attachments;
mod blobs;
mod compact;
#[cfg(test)]
mod crash;
mod disk;
mod error;
#[cfg(test)]
mod faults;
mod files;
mod foreign;
mod identity;
mod intake;
mod layout;
mod ledger;
mod letter_reader;
mod letters;
mod live;
mod lock;
mod log;
mod note;
mod open;
mod opening;
mod outlet;
#[cfg(test)]
mod overlap;
mod place;
mod promotion;
mod proof;
mod publish;
mod raw;
mod reader;
mod remote;
mod repair;
mod rest;
mod restores;
mod rewrite;
mod running;
mod schema;
#[cfg(test)]
mod shaky;
mod site;
mod snapshot;
mod staged;
mod standing;
mod steps;
mod strays;
#[cfg(test)]
mod suite;
mod sweep;
mod table;
mod tags;
mod turn;
mod undecoded;
mod watches;
mod watermark;

// The support of the integration tests, which the crash tests share, calls this crate by its name.
#[cfg(test)]
extern crate self as store;

pub use attachments::AttachmentUpdate;
pub use blobs::{BlobCopy, BlobFile, BlobStage, SealedBlob};
pub use compact::{Compacted, Compaction};
pub use error::{Advice, Error, is_gone, is_of_a_bucket, is_told_by_a_bucket};
pub use files::TableFile;
pub use intake::Stage;
pub use letter_reader::LetterReader;
pub use open::{Access, Archive, Clock, FORMAT};
pub use opening::Means;
pub use outlet::{Outlet, SealedUpload, Upload};
pub use place::{Bucket, Place, PlaceError};
pub use promotion::Unfilled;
pub use publish::{Mode, Publication, Published};
pub use raw::{RawHour, RawPart, RawStage, SealedRaw};
pub use reader::Reader;
pub use remote::Grace;
pub use remote::connect::Variable;
pub use restores::{RestoreJournal, RestoreKey, RestoreName, RestoreNameError, RestoreTurn, Restored, RestoredFile};
pub use schema::TableColumn;
pub use snapshot::{DataFile, Snapshot};
pub use staged::StagedFile;
pub use steps::{STEPS, step};
pub use strays::Strays;
pub use turn::{Turn, Turned};
pub use watches::{WatchName, WatchNameError, WatchTurn, Watched};
pub use watermark::{ExportName, ExportNameError, ExportTurn, Pending, Watermark};
