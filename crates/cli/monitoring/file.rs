//! A file that others read while it is replaced: they find the old one or the new one, whole.

use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A file of metrics that is longer was not written by this program.
const LONGEST: u64 = 1 << 20;

/// Everybody may read it: node_exporter is another user, and the program's own files are for their owner alone.
const FOR_EVERYBODY: u32 = 0o644;

/// Replaces a file. It is on the disk when this returns.
///
/// # Errors
///
/// When its folder is not there or cannot be written to.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = folder_of(path);
    // The collector reads what ends in `.prom`, and this does not.
    let mut file = tempfile::Builder::new().prefix(".annals-").suffix(".tmp").tempfile_in(&folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(Permissions::from_mode(FOR_EVERYBODY))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// The text of the file; `None` when there is none, or it is nothing that this program wrote.
pub(super) fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    let read = File::open(path).ok()?.take(LONGEST + 1).read_to_string(&mut text).ok()?;
    u64::try_from(read).is_ok_and(|read| read <= LONGEST).then_some(text)
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_everybody_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("annals.prom");
        assert_eq!(read(&path), None);
        for text in ["a 1\n", "a 2\n"] {
            replace(&path, text).unwrap();
            assert_eq!(read(&path).as_deref(), Some(text));
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_and_what_is_no_text_is_left_aside() {
        let folder = tempfile::tempdir().unwrap();
        assert!(replace(&folder.path().join("none/annals.prom"), "").is_err());
        let path = folder.path().join("annals.prom");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(read(&path), None);
        assert_eq!((folder_of(Path::new("a.prom")), folder_of(Path::new("/a/b"))), (".".into(), "/a".into()));
    }
}
