//! Parts of served bytes in a bucket that no list names: what runs have left that died.
//!
//! Whoever keeps an hour uploads its parts from the first on, and takes those that it had away from the last on. So if anything
//! is left, a part 0 is: the hour has no list, or a part 0 besides the one in its list. The lists of all other hours need
//! not be read.

use std::collections::{BTreeMap, BTreeSet};

use chat::Hour;
use object_store::ObjectMeta;
use object_store::path::Path;

use super::List;
use super::bucket::{list_of, names, read};
use crate::error::Error;
use crate::layout;
use crate::remote::Remote;

/// What lies in the bucket of an hour.
#[derive(Default)]
struct Found {
    has_list: bool,
    /// How many parts 0 there are.
    firsts: usize,
    /// The parts that were uploaded by this program. Those that were copied from a folder are never taken away.
    uploaded: Vec<ObjectMeta>,
}

/// The parts that are in no list although they are old, in the order in which they are to be removed. `is_old` says of one
/// that whoever uploaded it writes no list any more.
pub(crate) fn orphans(remote: &Remote, is_old: impl Fn(&ObjectMeta) -> bool) -> Result<Vec<Path>, Error> {
    let mut orphans = Vec::new();
    // Listed before any list of parts is read: what is old by then, and not in the list that is read, gets into none.
    for (hour, mut found) in by_hour(remote)?.into_iter().filter(|(_, found)| found.may_have_orphans()) {
        found.uploaded.retain(&is_old);
        if let Some(listed) = listed(remote, hour)? {
            let locations = found.uploaded.into_iter().map(|part| part.location);
            orphans.extend(locations.filter(|location| !listed.contains(location)));
        }
    }
    // The parts 0 last, lest a sweep that dies leaves others without.
    orphans.sort_unstable_by(|one, other| other.cmp(one));
    Ok(orphans)
}

impl Found {
    fn may_have_orphans(&self) -> bool {
        !self.uploaded.is_empty() && (!self.has_list || self.firsts > 1)
    }
}

fn by_hour(remote: &Remote) -> Result<BTreeMap<Hour, Found>, Error> {
    let folder = Path::from(layout::RAW_FOLDER);
    let mut hours: BTreeMap<Hour, Found> = BTreeMap::new();
    for object in remote.list(Some(&folder)).map_err(Error::file("list", &remote.path(&folder)))? {
        let Some(name) = object.location.filename() else { continue };
        if let Some(hour) = layout::parse_raw_manifest(name) {
            hours.entry(hour).or_default().has_list = true;
        } else if let Some((hour, part)) = layout::parse_raw_upload(name) {
            let found = hours.entry(hour).or_default();
            found.firsts += usize::from(part == 0);
            found.uploaded.push(object);
        } else if let Some((hour, 0)) = layout::parse_raw_part(name) {
            hours.entry(hour).or_default().firsts += 1;
        }
    }
    Ok(hours)
}

/// The parts in the list of an hour; `None` when the list cannot be read, and any part may be in it.
fn listed(remote: &Remote, hour: Hour) -> Result<Option<BTreeSet<Path>>, Error> {
    Ok(match read(remote, &list_of(hour))? {
        None => Some(BTreeSet::new()),
        Some(List::Damaged(_)) => None,
        Some(List::Parts(manifest)) => Some(names(hour, &manifest).into_iter().collect()),
    })
}
