//! What the archive is and to whom it belongs: two small files, each created once and never changed.
//!
//! `archive.json` is `{"format":1,"created_at":"2026-03-14T10:00:00Z"}`; `app.json` is `{"org":"…","name":"…"}`.
//! Two files, because creating is the only change that is atomic on every object store.

use std::fs;
use std::io;
use std::path::Path as FilePath;

use chat::{App, Timestamp, show_time};
use object_store::path::Path;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::disk::Present;
use crate::error::Error;
use crate::layout;
use crate::open::FORMAT;
use crate::site::Site;

#[derive(Serialize)]
struct ArchiveFile {
    format: u64,
    created_at: String,
}

#[derive(Serialize, Deserialize)]
struct AppFile {
    org: String,
    name: String,
}

/// Whether this is an archive that this program can read; the number is looked at before anything else.
pub(crate) fn is_archive(site: &Site) -> Result<bool, Error> {
    let Some(value) = read::<Value>(site, layout::ARCHIVE_FILE)? else { return Ok(false) };
    let path = site.path(&Path::from(layout::ARCHIVE_FILE));
    match value.get("format").and_then(Value::as_u64) {
        Some(found) if found > FORMAT => Err(Error::NewerFormat { path, found, newest: FORMAT }),
        Some(_) => Ok(true),
        None => Err(Error::Damaged { path, reason: "it names no format".to_owned() }),
    }
}

/// The first thing in a folder that does not belong into an archive before it is one: that is all but the settings, what
/// an interrupted creation left, and the folder that new file systems come with. In a bucket it is anything at all.
pub(crate) fn foreign(site: &Site) -> io::Result<Option<String>> {
    let disk = match site {
        Site::Disk(disk) => disk,
        Site::Remote(remote) => return remote.first(),
    };
    let mut names = names(disk.root())?;
    names.retain(|name| ![layout::SETTINGS_FILE, layout::LOCK_FILE, "lost+found"].contains(&name.as_str()));
    let temporary = layout::TEMPORARY_FOLDER;
    if let Some(at) = names.iter().position(|name| name == temporary) {
        let inside = self::names(&disk.root().join(temporary))?;
        if inside.iter().all(|name| name.starts_with(layout::TEMPORARY_FILE)) {
            names.remove(at);
        }
    }
    names.sort();
    Ok(names.into_iter().next())
}

/// What is in a folder; nothing when there is none.
fn names(folder: &FilePath) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Makes the folder an archive. That another was first is fine.
pub(crate) fn create_archive(site: &Site, now: Timestamp) -> Result<(), Error> {
    let content = ArchiveFile { format: FORMAT, created_at: show_time(now) };
    create(site, layout::ARCHIVE_FILE, &content).map(drop)
}

/// The app that the archive belongs to, if any was stored.
pub(crate) fn app(site: &Site) -> Result<Option<App>, Error> {
    Ok(read::<AppFile>(site, layout::APP_FILE)?.map(|file| App::new(file.org, file.name)))
}

/// Stores the app, unless one is stored already, and returns the one that is stored then.
pub(crate) fn claim(site: &Site, app: &App) -> Result<App, Error> {
    let content = AppFile { org: app.org().to_owned(), name: app.name().to_owned() };
    create(site, layout::APP_FILE, &content)?;
    Ok(self::app(site)?.unwrap_or_else(|| app.clone()))
}

fn create(site: &Site, name: &str, content: &impl Serialize) -> Result<(), Error> {
    let location = Path::from(name);
    let json = serde_json::to_vec(content).expect("texts and numbers are always JSON");
    match site.write(&location, &json, Present::Keep) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(Error::file("create", &site.path(&location))),
    }
}

fn read<T: DeserializeOwned>(site: &Site, name: &str) -> Result<Option<T>, Error> {
    let location = Path::from(name);
    let path = site.path(&location);
    let Some(bytes) = site.read(&location).map_err(Error::file("read", &path))? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| Error::Damaged { path, reason: error.to_string() })
}
