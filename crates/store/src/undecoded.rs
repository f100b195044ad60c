//! Served bytes that could not be decoded: nothing of them is published, and the service will delete what it has.
//!
//! ```text
//! undecoded/2026/03/14/2026031409-0.gz     part 0, byte for byte as it was served last
//! ```
//!
//! They are for a person to look at, and no part of the archive: if the hour arrives sound after all, they are removed. So they need no
//! list, and a crash between two parts leaves one that is older than the other.

use std::path::PathBuf;

use chat::{Hour, Part};

use crate::disk::Present;
use crate::error::Error;
use crate::layout;
use crate::raw::SealedRaw;
use crate::site::Site;

/// Keeps the parts of an hour in place of those that were kept before. Gives the place of the first.
pub(crate) fn keep(site: &Site, hour: Hour, parts: Vec<SealedRaw>) -> Result<PathBuf, Error> {
    let count = parts.len();
    for sealed in parts {
        let location = layout::undecoded_part(hour, sealed.part());
        let failed = |error| Error::file("write", &site.path(&location))(error);
        site.place(sealed.taken.file, &location, Present::Replace).map_err(failed)?;
    }
    forget_from(site, hour, Part::try_from(count).unwrap_or(Part::MAX))?;
    Ok(site.path(&layout::undecoded_part(hour, 0)))
}

/// Removes what is kept of an hour.
pub(crate) fn forget(site: &Site, hour: Hour) -> Result<(), Error> {
    forget_from(site, hour, 0)
}

/// Removes the part of this number and all that follow it.
fn forget_from(site: &Site, hour: Hour, first: Part) -> Result<(), Error> {
    for part in first.. {
        let location = layout::undecoded_part(hour, part);
        let failed = |error| Error::file("remove", &site.path(&location))(error);
        if !site.has(&location).map_err(failed)? {
            break;
        }
        site.remove(&location).map_err(failed)?;
    }
    Ok(())
}
