//! The bytes as served, for as long as the settings keep them. This is how they lie in a folder; [`bucket`] has the other
//! way.
//!
//! ```text
//! raw/2026/03/14/2026031409-0.gz     part 0, byte for byte as it was served
//! raw/2026/03/14/2026031409.json     {"parts":[{"length":123,"sha256":"…"}]}: these parts, no others
//! ```
//!
//! An hour is whole when its list is there and every part has the listed length. To replace an hour, the new parts are
//! put beside the old ones as `….gz.next`, then their list as `….json.next`, which is the moment the new hour counts;
//! then all take their final names. After a crash before that moment the old hour is whole, after it the new one,
//! whose parts are looked for under both names. Neither is ever lost, and never are parts of both taken for one hour.
//!
//! Whoever keeps an hour holds the lock of `raw/` alone meanwhile, lest the new parts of two runs mix. Who reads takes no
//! lock at first; what looks broken is looked at again under the shared lock, for it may just be getting its names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write};
use std::path::{Path as FilePath, PathBuf};

use chat::{Hour, Hours, Part};
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::disk::{Disk, Present, create_folder, sync_file};
use crate::error::Error;
use crate::intake::{Intake, Stage, Taken, hex};
use crate::layout;
use crate::lock::lock_file;
use crate::remote::Remote;
use crate::site::Site;
use crate::steps::step;

mod bucket;
mod orphans;

pub(crate) use orphans::orphans;

const NEXT: &str = ".next";

/// A part of an hour that is being received; removed when dropped.
#[derive(Debug)]
pub struct RawStage {
    hour: Hour,
    part: Part,
    intake: Intake,
}

/// A part of an hour that was received whole; removed when dropped before it is kept.
#[derive(Debug)]
pub struct SealedRaw {
    hour: Hour,
    part: Part,
    pub(crate) taken: Taken,
}

/// A part of an hour that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPart {
    /// The part.
    pub part: Part,
    /// Where its bytes are.
    pub path: PathBuf,
    /// How many bytes it has.
    pub length: u64,
    /// Their SHA-256, lower-case hex.
    pub sha256: String,
    /// The bucket in which its bytes are, and how they are called there; `None` for those in a folder.
    remote: Option<(Remote, Path)>,
}

/// What is kept of the served bytes of an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawHour {
    /// Nothing, or nothing any more: there is no list of parts.
    Absent,
    /// There is a list of parts, and they are not all there with their lengths.
    Broken {
        /// The file that is wrong.
        path: PathBuf,
        /// What is wrong with it, as in "it is missing".
        reason: String,
    },
    /// All parts, in order.
    Whole(Vec<RawPart>),
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    parts: Vec<ManifestPart>,
}

/// What a file that should list parts has in it.
enum List {
    Damaged(String),
    Parts(Manifest),
}

#[derive(Serialize, Deserialize)]
struct ManifestPart {
    length: u64,
    sha256: String,
    /// What its name ends in, in a bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl RawPart {
    /// Opens the bytes for reading, from the start. Those in a bucket are downloaded first.
    ///
    /// # Errors
    ///
    /// When they are not there, or cannot be read.
    pub fn open(&self) -> io::Result<File> {
        match &self.remote {
            None => File::open(&self.path),
            Some((remote, location)) => remote.open(location)?.ok_or_else(|| io::ErrorKind::NotFound.into()),
        }
    }

    /// The same for bytes that are to be decoded: they are read through first, and held against what was served. Other bytes of
    /// the same length may decode as well.
    ///
    /// # Errors
    ///
    /// [`Error::NotAsServed`]; else when they are not there, or cannot be read.
    pub fn open_proved(&self) -> Result<File, Error> {
        let failed = |error| Error::file("read", &self.path)(error);
        let mut file = self.open().map_err(failed)?;
        let mut hash = Sha256::new();
        io::copy(&mut file, &mut hash).map_err(failed)?;
        let (found, expected) = (hex(&hash.finalize()), self.sha256.clone());
        if found != expected {
            return Err(Error::NotAsServed { path: self.path.clone(), found, expected });
        }
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        Ok(file)
    }
}

impl List {
    fn parts(self) -> Option<Manifest> {
        match self {
            Self::Damaged(_) => None,
            Self::Parts(manifest) => Some(manifest),
        }
    }
}

impl RawStage {
    pub(crate) fn new(site: &Site, hour: Hour, part: Part) -> Result<Self, Error> {
        Ok(Self { hour, part, intake: Intake::new(site)? })
    }

    /// Bytes written so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.intake.length()
    }

    /// What is told of an error in writing to it: the full disk is the archive's.
    #[must_use]
    pub fn failed(&self, source: io::Error) -> Error {
        Error::file("write", self.intake.path())(source)
    }

    /// Says of what was written that it is all. The part is still not kept.
    #[must_use]
    pub fn seal(self) -> SealedRaw {
        SealedRaw { hour: self.hour, part: self.part, taken: self.intake.seal() }
    }
}

impl Stage for RawStage {
    fn restart(&mut self) -> io::Result<()> {
        self.intake.restart()
    }
}

impl Write for RawStage {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.intake.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.intake.flush()
    }
}

impl SealedRaw {
    /// Opens the bytes for reading, from the start.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened.
    pub fn open(&self) -> Result<File, Error> {
        self.taken.file.reopen().map_err(Error::file("open", self.taken.file.path()))
    }

    /// Has the disk write the bytes, on whichever thread runs the answer. Keeping the part does so in any case; what was
    /// begun earlier, while the part is decoded, need not be waited for then.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened; then, when the disk refuses.
    pub fn write_out(&self) -> Result<impl FnOnce() -> Result<(), Error> + Send + use<>, Error> {
        let (file, path) = (self.open()?, self.taken.file.path().to_owned());
        Ok(move || sync_file(&file).map_err(Error::file("sync", &path)))
    }

    /// The part.
    #[must_use]
    pub fn part(&self) -> Part {
        self.part
    }

    /// The SHA-256 of the bytes, lower-case hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.taken.sha256
    }

    /// How many bytes there are.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.taken.length
    }
}

/// What becomes of other bytes of an hour that are kept already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// The new ones take their place.
    Replace,
    /// They stay, if they are whole.
    Stay,
}

/// Keeps the parts of an hour; `false` when others stay.
pub(crate) fn keep(site: &Site, hour: Hour, mut parts: Vec<SealedRaw>, others: Others) -> Result<bool, Error> {
    parts.sort_by_key(|part| part.part);
    let folder = site.path(&layout::raw_folder(hour));
    let in_order = parts.iter().zip(0..).all(|(part, number)| part.part == number && part.hour == hour);
    if !in_order {
        return Err(Error::Damaged { path: folder, reason: format!("the parts of {hour} are not 0, 1, 2, …") });
    }
    match site {
        Site::Disk(disk) => keep_on_disk(disk, hour, parts, others),
        Site::Remote(remote) => bucket::keep(remote, hour, parts, others),
    }
}

fn keep_on_disk(disk: &Disk, hour: Hour, parts: Vec<SealedRaw>, others: Others) -> Result<bool, Error> {
    let folder = disk.path(&layout::raw_folder(hour));
    let failed = |error| Error::file("keep the served bytes in", &folder)(error);
    create_folder(&disk.path(&Path::from(layout::RAW_FOLDER))).map_err(failed)?;
    let _lock = lock(disk, File::lock)?;
    // What a crash left: a new hour that counts already is completed, or else its parts would be mixed with these.
    complete(disk, hour).map_err(failed)?;
    if others == Others::Stay
        && let RawHour::Whole(kept) = look(disk, hour)?
    {
        return Ok(kept.iter().map(|part| &part.sha256).eq(parts.iter().map(|part| &part.taken.sha256)));
    }
    step("raw.keep");
    stage(disk, hour, parts).map_err(failed)?;
    step("raw.listed");
    complete(disk, hour).map_err(failed)?;
    step("raw.kept");
    Ok(true)
}

fn stage(disk: &Disk, hour: Hour, parts: Vec<SealedRaw>) -> io::Result<()> {
    let folder = layout::raw_folder(hour);
    let mut list = Vec::with_capacity(parts.len());
    for sealed in parts {
        list.push(ManifestPart { length: sealed.taken.length, sha256: sealed.taken.sha256, id: None });
        let name = format!("{}{NEXT}", layout::raw_part(hour, sealed.part));
        disk.place(sealed.taken.file, &folder.clone().join(name), Present::Replace)?;
    }
    step("raw.parts-placed");
    let json = serde_json::to_vec(&Manifest { parts: list })?;
    let name = format!("{}{NEXT}", layout::raw_manifest(hour));
    disk.write(&folder.join(name), &json, Present::Replace)
}

/// Gives a new hour that counts its final names; does nothing when there is none.
fn complete(disk: &Disk, hour: Hour) -> io::Result<()> {
    let folder = disk.path(&layout::raw_folder(hour));
    let list = folder.join(layout::raw_manifest(hour));
    let Some(List::Parts(manifest)) = read_manifest(&next(&list))? else { return Ok(()) };
    for part in 0..manifest.count() {
        let path = folder.join(layout::raw_part(hour, part));
        disk.rename_if_there(&next(&path), &path)?;
    }
    for path in parts_from(&folder, hour, manifest.count())? {
        disk.remove_if_there(&path)?;
    }
    disk.sync(&folder)?;
    step("raw.parts-named");
    disk.rename_if_there(&next(&list), &list)?;
    disk.sync(&folder)
}

/// Holds the lock of `raw/` until it is dropped; nothing is held where there are no locks.
fn lock(disk: &Disk, how: fn(&File) -> io::Result<()>) -> Result<Option<File>, Error> {
    let path = disk.path(&layout::raw_lock());
    let file = lock_file(&path).map_err(Error::file("lock", &path))?;
    Ok(file.filter(|file| {
        let locked = how(file);
        if let Err(error) = &locked {
            tracing::warn!(%error, "this file system has no locks: no two runs may keep one hour at once");
        }
        locked.is_ok()
    }))
}

/// What is kept of an hour.
pub(crate) fn hour(site: &Site, hour: Hour) -> Result<RawHour, Error> {
    match site {
        Site::Disk(disk) => hour_on_disk(disk, hour),
        Site::Remote(remote) => bucket::hour(remote, hour),
    }
}

fn hour_on_disk(disk: &Disk, hour: Hour) -> Result<RawHour, Error> {
    match look(disk, hour)? {
        RawHour::Broken { .. } => {
            let _lock = lock(disk, File::lock_shared)?;
            look(disk, hour)
        }
        sound => Ok(sound),
    }
}

fn look(disk: &Disk, hour: Hour) -> Result<RawHour, Error> {
    let folder = disk.path(&layout::raw_folder(hour));
    let list = folder.join(layout::raw_manifest(hour));
    if let Some(List::Parts(manifest)) = read_list(&next(&list))? {
        return Ok(find_parts(manifest, |part| {
            let last = folder.join(layout::raw_part(hour, part));
            // Until the new hour is complete, a part has one of the two names; the new bytes are under the first.
            Some(next(&last)).filter(|path| path.is_file()).unwrap_or(last)
        }));
    }
    Ok(match read_list(&list)? {
        None => RawHour::Absent,
        Some(List::Parts(manifest)) => find_parts(manifest, |part| folder.join(layout::raw_part(hour, part))),
        Some(List::Damaged(reason)) => RawHour::Broken { path: list, reason },
    })
}

fn find_parts(manifest: Manifest, path: impl Fn(Part) -> PathBuf) -> RawHour {
    let mut parts = Vec::with_capacity(manifest.parts.len());
    for (listed, part) in manifest.parts.into_iter().zip(0..) {
        let ManifestPart { length, sha256, .. } = listed;
        let path = path(part);
        match fs::metadata(&path) {
            Ok(found) if found.len() == length => parts.push(RawPart { part, path, length, sha256, remote: None }),
            Ok(found) => {
                return RawHour::Broken { path, reason: format!("it has {} bytes, and had {length}", found.len()) };
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return RawHour::Broken { path, reason: "it is missing".to_owned() };
            }
            Err(error) => return RawHour::Broken { path, reason: error.to_string() },
        }
    }
    RawHour::Whole(parts)
}

/// The hours that are whole, in order.
pub(crate) fn hours(site: &Site) -> Result<Vec<Hour>, Error> {
    let mut whole = Vec::new();
    let listed = match site {
        Site::Disk(disk) => listed_on_disk(disk)?,
        Site::Remote(remote) => bucket::hours(remote)?,
    };
    for candidate in listed {
        if let RawHour::Whole(_) = hour(site, candidate)? {
            whole.push(candidate);
        }
    }
    Ok(whole)
}

/// The hours of a range that have a list, with the SHA-256 of each part as it says. Whether the parts are there is not looked
/// at; a list that cannot be understood counts for none.
pub(crate) fn lists(site: &Site, range: Hours) -> Result<BTreeMap<Hour, Vec<String>>, Error> {
    let mut days: Vec<Hour> = range.collect();
    days.dedup_by_key(|hour| hour.date());
    let days: Vec<Path> = days.into_iter().map(layout::raw_folder).collect();
    let lists = match site {
        Site::Disk(disk) => lists_on_disk(disk, range, &days)?,
        Site::Remote(remote) => bucket::lists(remote, range, days)?,
    };
    let hashes = |manifest: Manifest| manifest.parts.into_iter().map(|part| part.sha256).collect();
    Ok(lists.into_iter().filter_map(|(hour, list)| Some((hour, hashes(list.parts()?)))).collect())
}

/// The folders are read first: most hours of an app at rest have no list, and asking for each would cost more than all else.
fn lists_on_disk(disk: &Disk, range: Hours, days: &[Path]) -> Result<Vec<(Hour, List)>, Error> {
    let mut lists = Vec::new();
    for day in days {
        let folder = disk.path(day);
        for hour in listed_in(&folder)?.into_iter().filter(|hour| range.contains(*hour)) {
            let path = folder.join(layout::raw_manifest(hour));
            // A list that just gets its name has one of the two.
            let list = match read_list(&next(&path))? {
                Some(List::Parts(manifest)) => Some(List::Parts(manifest)),
                _ => read_list(&path)?,
            };
            lists.extend(list.map(|list| (hour, list)));
        }
    }
    Ok(lists)
}

/// The hours that have a list.
fn listed_on_disk(disk: &Disk) -> Result<BTreeSet<Hour>, Error> {
    let mut hours = BTreeSet::new();
    for year in names(&disk.path(&Path::from(layout::RAW_FOLDER)))? {
        for month in names(&year)? {
            for day in names(&month)? {
                hours.extend(listed_in(&day)?);
            }
        }
    }
    Ok(hours)
}

/// The hours that have a list in the folder of a day.
fn listed_in(day: &FilePath) -> Result<BTreeSet<Hour>, Error> {
    Ok(names(day)?.iter().filter_map(|path| listed_hour(path)).collect())
}

fn listed_hour(path: &FilePath) -> Option<Hour> {
    let name = path.file_name()?.to_str()?;
    layout::parse_raw_manifest(name.strip_suffix(NEXT).unwrap_or(name))
}

/// What is in a folder; nothing when it is not there or no folder.
fn names(folder: &FilePath) -> Result<Vec<PathBuf>, Error> {
    match fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect()) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        other => other.map_err(Error::file("list", folder)),
    }
}

/// The parts of an hour from a number on, under whichever name.
fn parts_from(folder: &FilePath, hour: Hour, first: Part) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let parsed = name.to_str().and_then(|name| layout::parse_raw_part(name.strip_suffix(NEXT).unwrap_or(name)));
        if parsed.is_some_and(|(of, part)| of == hour && part >= first) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

impl Manifest {
    fn count(&self) -> Part {
        Part::try_from(self.parts.len()).unwrap_or(Part::MAX)
    }
}

fn read_list(path: &FilePath) -> Result<Option<List>, Error> {
    read_manifest(path).map_err(Error::file("read", path))
}

/// A list of parts; `None` when there is none.
fn read_manifest(path: &FilePath) -> io::Result<Option<List>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(parsed(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parsed(bytes: &[u8]) -> List {
    match serde_json::from_slice(bytes) {
        Ok(manifest) => List::Parts(manifest),
        Err(error) => List::Damaged(format!("it is no list of parts: {error}")),
    }
}

fn next(path: &FilePath) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(NEXT);
    name.into()
}
