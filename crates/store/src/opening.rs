//! How an archive is opened, made, and put in order after a run that died.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chat::{App, Timestamp};

use crate::attachments::Attachments;
use crate::disk::{Disk, create_folder};
use crate::error::{Advice, Error};
use crate::identity;
use crate::ledger::Ledger;
use crate::lock::Lock;
use crate::open::{Access, Archive, Clock, Inner};
use crate::place::{Bucket, Place};
use crate::remote::connect::{Variable, connect};
use crate::remote::{Grace, Remote, Requests, io_error};
use crate::repair;
use crate::running::Running;
use crate::site::Site;
use crate::sweep::{self, Sweeper};
use crate::table::{Kind, Table};

/// What a machine has for an archive in a bucket.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// The folder for what is unfinished, and for locks; it is made if need be.
    pub desk: &'a Path,
    /// The variables of the environment: they say who may use the bucket.
    pub variables: &'a [Variable],
    /// How long what is part of nothing stays in the bucket.
    pub grace: Grace,
}

impl Archive {
    /// Opens the archive in a folder.
    ///
    /// If a run before died, and nobody else uses the archive, it is repaired: rows of the ledger that are missing are
    /// rebuilt from the tables, files that are part of nothing are removed.
    ///
    /// # Errors
    ///
    /// [`Error::NoArchive`], [`Error::NotEmpty`], [`Error::NewerFormat`]; else when the folder cannot be read or written.
    pub async fn open(root: &Path, access: Access, clock: Clock) -> Result<Self, Error> {
        let folder = root.to_owned();
        let disk = tokio::task::spawn_blocking(move || folder_of(&folder, access)).await;
        let disk = disk.map_err(|error| Error::file("open", root)(error.into())).flatten()?;
        Self::open_on(disk, access, clock).await
    }

    /// Opens the archive at a place. The means are for one in a bucket.
    ///
    /// # Errors
    ///
    /// As [`Archive::open`]; [`Error::Bucket`] when the variables do not say how the bucket is reached, [`Error::NoBucket`]
    /// when it is not there.
    pub async fn open_at(place: &Place, means: Means<'_>, access: Access, clock: Clock) -> Result<Self, Error> {
        match place {
            Place::Folder(folder) => Self::open(folder, access, clock).await,
            Place::Bucket(bucket) => Self::open_on(remote_of(bucket, means)?, access, clock).await,
        }
    }

    pub(crate) async fn open_on(site: impl Into<Site>, access: Access, clock: Clock) -> Result<Self, Error> {
        let site = site.into();
        let (prepared, now) = (site.clone(), clock());
        let prepared = tokio::task::spawn_blocking(move || {
            let lock = prepare(&prepared, access, now)?;
            Ok((lock, identity::app(&prepared)?))
        });
        let prepared = prepared.await.map_err(|error| Error::file("open", site.root())(error.into()));
        let (lock, app) = prepared.flatten()?;
        let inner = open_tables(site, app, access, clock).await?;
        match &inner.site {
            Site::Disk(disk) => repair_alone(disk, &inner, lock.as_ref()).await?,
            Site::Remote(remote) => recover(remote, &inner).await?,
        }
        let lock = tokio::task::spawn_blocking(move || lock.map(Lock::share)).await;
        let lock = lock.map_err(|error| Error::file("lock", inner.site.root())(error.into()))?;
        Ok(Self { inner: Arc::new(Inner { _lock: lock, ..inner }) })
    }

    /// Makes the archive this app's, for ever, if it is nobody's yet.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignApp`] when it is another app's.
    pub async fn claim(&self, app: &App) -> Result<(), Error> {
        let stored = match self.app() {
            Some(stored) => stored,
            None => self.store_app(app).await?,
        };
        if stored == *app { Ok(()) } else { Err(Error::ForeignApp { archive: stored, asked: app.clone() }) }
    }

    async fn store_app(&self, app: &App) -> Result<App, Error> {
        let (site, asked) = (self.inner.site.clone(), app.clone());
        let work = tokio::task::spawn_blocking(move || identity::claim(&site, &asked));
        let stored = work.await.map_err(|error| Error::file("claim", self.root())(error.into())).flatten()?;
        *self.inner.app.lock().unwrap_or_else(PoisonError::into_inner) = Some(stored.clone());
        Ok(stored)
    }

    /// The app that the archive belongs to; `None` before the first [`Archive::claim`].
    #[must_use]
    pub fn app(&self) -> Option<App> {
        self.inner.app.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Removes from a bucket what is part of nothing any more, and has been so for long enough; tells how many files that
    /// were. In a folder there is nothing to do: what is replaced is removed at once.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed, or a file not removed.
    pub async fn sweep(&self) -> Result<u64, Error> {
        match &self.inner.site {
            Site::Disk(_) => Ok(0),
            Site::Remote(remote) => sweeper(remote, &self.inner).await?.sweep().await,
        }
    }
}

async fn open_tables(site: Site, app: Option<App>, access: Access, clock: Clock) -> Result<Inner, Error> {
    // Who makes an archive makes all of it; who reads one does not always need more than the messages.
    let table = |kind| {
        let table = Table::new(kind, &site, Arc::clone(&clock));
        let is_needed = access == Access::Create || kind == Kind::Messages;
        // On a task of its own: half of it is waiting for small reads, one after another, and half is work.
        on_a_task(async move { if is_needed { table.opened().await } else { Ok(table) } })
    };
    let (messages, dead_letters, hours) =
        tokio::join!(table(Kind::Messages), table(Kind::DeadLetters), table(Kind::Hours));
    let (messages, dead_letters, hours) = (Arc::new(messages?), dead_letters?, hours?);
    let attachments = Attachments::new(site.clone(), Arc::clone(&clock));
    let running = Arc::new(Running::new(site.clone()));
    let ledger = Ledger::new(hours, Arc::clone(&messages), site.clone(), Arc::clone(&running), Arc::clone(&clock));
    let app = Mutex::new(app);
    Ok(Inner { site, clock, app, dead_letters, messages, ledger, attachments, running, _lock: None })
}

async fn on_a_task<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    tokio::spawn(work).await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

/// Repairs an archive that nobody else uses.
async fn repair_alone(disk: &Disk, inner: &Inner, lock: Option<&Lock>) -> Result<(), Error> {
    if !matches!(lock, Some(Lock::Exclusive(_))) || !repair::is_needed(disk)? {
        return Ok(());
    }
    let Inner { messages, dead_letters, ledger, attachments, .. } = inner;
    let repaired = repair::repair(disk, messages, dead_letters, ledger, attachments, (inner.clock)()).await;
    unless_read_only(repaired)
}

/// Looks after an archive that others may be using.
async fn recover(remote: &Remote, inner: &Inner) -> Result<(), Error> {
    let marks = sweep::marks(remote)?;
    if marks.is_empty() {
        return Ok(());
    }
    unless_read_only(sweeper(remote, inner).await?.recover(&marks).await)
}

async fn sweeper<'a>(remote: &'a Remote, inner: &'a Inner) -> Result<Sweeper<'a>, Error> {
    let mut tables = vec![&*inner.messages, &inner.dead_letters, inner.ledger.table()];
    tables.extend(inner.attachments.existing().await?);
    Ok(Sweeper { remote, tables, ledger: &inner.ledger, now: (inner.clock)() })
}

/// Who may only read, reads it as it is.
fn unless_read_only(repaired: Result<(), Error>) -> Result<(), Error> {
    match repaired {
        Err(error) if error.advice() == Advice::FixTheSettings => {
            tracing::warn!(%error, "could not repair the archive after a run that did not end well");
            Ok(())
        }
        other => other,
    }
}

/// The folder, created if that is wanted.
fn folder_of(root: &Path, access: Access) -> Result<Disk, Error> {
    if access == Access::Create {
        create_folder(root).map_err(Error::file("create", root))?;
    } else if !root.is_dir() {
        return Err(Error::NoArchive { path: root.to_owned() });
    }
    Disk::new(root).map_err(Error::file("open", root))
}

/// The bucket, with the folder that this machine has for it.
fn remote_of(bucket: &Bucket, means: Means<'_>) -> Result<Remote, Error> {
    let Means { desk, variables, grace } = means;
    create_folder(desk).map_err(Error::file("create", desk))?;
    connected(bucket, Disk::new(desk).map_err(Error::file("open", desk))?, variables, grace)
}

/// The bucket; `desk` is the disk of this machine for what is unfinished.
pub(crate) fn connected(bucket: &Bucket, desk: Disk, variables: &[Variable], grace: Grace) -> Result<Remote, Error> {
    let failed = |source| Error::Bucket { address: bucket.to_string(), source };
    let requests = Requests::new().map_err(failed)?;
    let objects = connect(bucket, variables, requests.handle()).map_err(io_error).map_err(failed)?;
    Ok(Remote::new(bucket.to_string().into(), desk, grace, requests, objects))
}

/// Makes the place an archive, if it is none and that is wanted. From the lock on, no repair can take what is written
/// here for what a dead run left.
fn prepare(site: &Site, access: Access, now: Timestamp) -> Result<Option<Lock>, Error> {
    let is_archive = identity::is_archive(site)?;
    if !is_archive {
        refuse(site, access)?;
    }
    let lock = match site {
        Site::Disk(disk) => Some(Lock::take(disk)?),
        Site::Remote(_) => None,
    };
    if !is_archive {
        identity::create_archive(site, now)?;
        if let Site::Disk(disk) = site {
            keep_private(disk.root()).map_err(Error::file("set the permissions of", disk.root()))?;
        }
    }
    Ok(lock)
}

/// Refuses to make an archive of a place that holds something else, and what is no archive to whoever wants to read one.
fn refuse(site: &Site, access: Access) -> Result<(), Error> {
    let path = site.root().to_owned();
    // An object that is not there looks the same in a bucket that is not there.
    if let Site::Remote(remote) = site
        && !remote.is_there().map_err(Error::file("list", &path))?
    {
        return Err(Error::NoBucket { bucket: remote.bucket() });
    }
    if access == Access::Existing {
        return Err(Error::NoArchive { path });
    }
    let found = identity::foreign(site).map_err(Error::file("list", site.root()))?;
    match found {
        // Another process may have made it an archive since it was found to be none.
        Some(found) if !identity::is_archive(site)? => Err(Error::NotEmpty { path, found }),
        _ => Ok(()),
    }
}

/// An archive is for its owner alone, even in a folder that was there before, with nothing in it.
#[cfg(unix)]
fn keep_private(folder: &Path) -> io::Result<()> {
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))
}

#[cfg(not(unix))]
fn keep_private(_folder: &Path) -> io::Result<()> {
    Ok(())
}
