//! A file replaced as a whole: who reads it meanwhile finds the old one or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Everybody may read it: a collector or a web server is another user, and the program's own files are for their owner alone.
#[cfg(unix)]
const FOR_EVERYBODY: u32 = 0o644;

/// Replaces a file; it is on the disk when this returns. A link is followed; a pipe or a device is written to as it is.
///
/// # Errors
///
/// When it is a folder, or its folder is not there or cannot be written to.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => replace_entry(&fs::canonicalize(path)?, bytes, Readers::Everybody),
        Ok(_) => OpenOptions::new().write(true).open(path)?.write_all(bytes),
        Err(_) => replace_entry(path, bytes, Readers::Everybody),
    }
}

/// Replaces a file that people edit, too: those who may read it stay the same, and a new one is for its owner alone. It is on
/// the disk when this returns. A link is followed.
///
/// # Errors
///
/// When its folder is not there or cannot be written to.
pub(crate) fn replace_alike(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) => replace_entry(&fs::canonicalize(path)?, bytes, Readers::AsNow(metadata.permissions())),
        Err(_) => replace_entry(path, bytes, Readers::Owner),
    }
}

/// Who may read a file.
enum Readers {
    Everybody,
    Owner,
    AsNow(fs::Permissions),
}

fn replace_entry(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let folder = folder_of(path);
    // What collectors look for ends otherwise.
    let mut file = tempfile::Builder::new().prefix(".annals-").suffix(".tmp").tempfile_in(&folder)?;
    file.write_all(bytes)?;
    match readers {
        #[cfg(unix)]
        Readers::Everybody => {
            file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(FOR_EVERYBODY))?;
        }
        Readers::AsNow(permissions) => file.as_file().set_permissions(permissions)?,
        // As temporary files are made.
        _ => {}
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_everybody_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        for bytes in [&b"a longer text"[..], b"new"] {
            replace(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, FOR_EVERYBODY);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_link_stays_a_link_and_a_device_a_device() {
        use std::os::unix::fs::FileTypeExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("page.html"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!((fs::read(&file).unwrap(), fs::read_link(&link).unwrap()), (b"new".to_vec(), file));
        replace(Path::new("/dev/null"), b"gone").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[test]
    fn what_people_edit_is_read_by_whom_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("annals.toml");
        let mode = || path.metadata().unwrap().permissions().mode() & 0o777;
        replace_alike(&path, b"one").unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        replace_alike(&path, b"two").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode()), (b"two".to_vec(), 0o640));
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("none/page.html")] {
            assert!(replace(&path, b"").is_err());
        }
        assert_eq!((folder_of(Path::new("a.prom")), folder_of(Path::new("/a/b"))), (".".into(), "/a".into()));
    }
}
