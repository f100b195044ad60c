//! Secrets that stand in files of their own: what systemd, Kubernetes and Docker hand to a program, or what somebody wrote
//! with an editor.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use chat::Secret;

use crate::settings::error::SettingsError;

/// A file that is larger holds something else, in bytes.
const LONGEST_SECRET: u64 = 64 << 10;

/// A secret as it was given: itself, or the file that holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GivenSecret {
    /// From the environment.
    pub(crate) text: Option<Secret>,
    /// The setting that names a file, and the file.
    pub(crate) file: Option<(&'static str, PathBuf)>,
}

impl GivenSecret {
    /// Whether it was given, in either way.
    #[must_use]
    pub(crate) fn is_given(&self) -> bool {
        self.text.is_some() || self.file.is_some()
    }

    /// The secret. `name` is its setting.
    ///
    /// # Errors
    ///
    /// When it is given in both ways, or the file holds none.
    pub(crate) fn read(&self, name: &'static str) -> Result<Option<Secret>, SettingsError> {
        match (&self.text, &self.file) {
            (Some(_), Some((file, _))) => Err(SettingsError::GivenTwice { name, file }),
            (Some(text), None) => Ok(Some(text.clone())),
            (None, Some((file, path))) => read(file, path).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// What is wrong with the permissions of the file, with what mends it. A group may read it: that is how services are
    /// handed their secrets.
    #[must_use]
    pub(crate) fn warning(&self) -> Option<String> {
        let (_, path) = self.file.as_ref()?;
        is_open(path)
            .then(|| format!("{} holds a secret, and not its owner alone can get at it: chmod 600 {0}", path.display()))
    }
}

/// The text of the file without the white space around it.
fn read(name: &'static str, path: &Path) -> Result<Secret, SettingsError> {
    let unreadable = |source| SettingsError::SecretUnreadable { name, path: path.to_owned(), source };
    let unfit = |reason| SettingsError::SecretUnfit { name, path: path.to_owned(), reason };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LONGEST_SECRET + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST_SECRET {
        return Err(unfit("is too large for a secret"));
    }
    let text = String::from_utf8(bytes).map_err(|_| unfit("is no UTF-8"))?;
    let secret = text.trim_start_matches('\u{feff}').trim();
    if secret.is_empty() {
        return Err(unfit("is empty"));
    }
    if secret.contains(char::is_control) {
        return Err(unfit("has more than one line, or control characters"));
    }
    Ok(Secret::new(secret))
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    /// Everybody in any way, and the group in writing.
    const OPEN: u32 = 0o027;
    let mode = |path: &Path| -> io::Result<u32> { Ok(path.metadata()?.permissions().mode()) };
    mode(path).is_ok_and(|mode| mode & OPEN != 0)
}

#[cfg(not(unix))]
fn is_open(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::fs;

    use super::*;

    const NAME: &str = "api.token_file";

    fn given(path: &Path) -> GivenSecret {
        GivenSecret { text: None, file: Some((NAME, path.to_owned())) }
    }

    #[test]
    fn white_space_around_a_secret_is_none_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for text in ["YWMt-secret", "YWMt-secret\n", "YWMt-secret\r\n", "\u{feff} YWMt-secret \n\n"] {
            fs::write(&path, text).unwrap();
            assert_eq!(given(&path).read("api.token").unwrap(), Some(Secret::new("YWMt-secret")), "{text:?}");
        }
    }

    #[test]
    fn what_holds_no_secret_is_named_and_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let huge = "x".repeat(1 << 17);
        for (bytes, reason) in [
            (&b""[..], "is empty"),
            (b" \n\n", "is empty"),
            (b"YWMt-one\nYWMt-two\n", "has more than one line, or control characters"),
            (b"YWMt-\0", "has more than one line, or control characters"),
            (b"YWMt-\xff", "is no UTF-8"),
            (huge.as_bytes(), "is too large for a secret"),
        ] {
            fs::write(&path, bytes).unwrap();
            let error = given(&path).read("api.token").unwrap_err().to_string();
            assert_eq!(error, format!("`{NAME}`: {} {reason}", path.display()));
        }
    }

    #[test]
    fn a_file_that_is_not_there_or_a_folder_is_an_error_with_its_cause() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("absent"), folder.path().to_owned()] {
            let error = given(&path).read("api.token").unwrap_err();
            assert_eq!(error.to_string(), format!("`{NAME}`: could not read {}", path.display()));
            assert!(error.source().is_some() && error.hint().is_some());
        }
        assert!(given(&folder.path().join("absent")).warning().is_none());
    }

    #[test]
    fn a_secret_is_given_once() {
        let both = GivenSecret { text: Some(Secret::new("t")), ..given(Path::new("/t")) };
        let error = both.read("api.token").unwrap_err();
        assert_eq!(error.to_string(), "`api.token` and `api.token_file` are both set");
        assert_eq!(error.hint().as_deref(), Some("keep one: unset ANNALS_API_TOKEN, or take `api.token_file` away"));
        assert_eq!(GivenSecret::default().read("api.token").unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_for_everybody_is_warned_about() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "t").unwrap();
        for (mode, warns) in
            [(0o600, false), (0o400, false), (0o440, false), (0o644, true), (0o660, true), (0o604, true)]
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(given(&path).warning().is_some(), warns, "{mode:o}");
        }
        assert!(given(&path).warning().unwrap().ends_with(&format!("chmod 600 {}", path.display())));
    }
}
