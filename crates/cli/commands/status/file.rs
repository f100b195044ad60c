//! The file that the page is written to.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::CommandError;

/// Everybody may read it: a web server is another user, and the program's own files are for their owner alone.
const FOR_EVERYBODY: u32 = 0o644;

/// Replaces a file as a whole: who reads it meanwhile sees the old one or the new one. A link is followed; a pipe or a device
/// is written to as it is.
///
/// # Errors
///
/// When the file cannot be written.
pub(super) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    let written = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => fs::canonicalize(path).and_then(|path| replace(&path, bytes)),
        Ok(_) => fs::OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes)),
        Err(_) => replace(path, bytes),
    };
    written.map_err(|error| {
        CommandError::usage(error)
            .while_doing(format!("could not write {}", path.display()))
            .hint("see that its folder is there and can be written to")
    })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".annals-").tempfile_in(folder_of(path))?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(FOR_EVERYBODY))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        for bytes in [&b"a longer text"[..], b"new"] {
            replace_file(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, FOR_EVERYBODY);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link_and_a_device_a_device() {
        use std::os::unix::fs::FileTypeExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("page.html"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace_file(&link, b"new").unwrap();
        assert_eq!((fs::read(&file).unwrap(), fs::read_link(&link).unwrap()), (b"new".to_vec(), file));
        replace_file(Path::new("/dev/null"), b"gone").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("none/page.html")] {
            let error = replace_file(&path, b"").unwrap_err().render();
            assert!(error.starts_with(&format!("error: could not write {}\n", path.display())), "{error}");
        }
    }
}
