//! Text that must not be seen, and the members that hold it.

use std::fmt;

/// A token, signature or share secret. Its `Debug` and `Display` show `…`; only [`Secret::reveal`] hands out the text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that has to send it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Whether a member of this name holds a share secret: it ends in `secret`, however it is written, as `thumb_secret` and
/// `share-Secret` do. Of bytes, because a name may have halves of characters.
#[must_use]
pub fn is_secret_name(name: &[u8]) -> bool {
    const ENDING: &[u8] = b"secret";
    name.len() >= ENDING.len() && name[name.len() - ENDING.len()..].eq_ignore_ascii_case(ENDING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_by_its_end() {
        for name in ["secret", "Secret", "thumb_secret", "share-SECRET"] {
            assert!(is_secret_name(name.as_bytes()), "{name}");
        }
        for name in ["", "ecret", "secrets", "secret "] {
            assert!(!is_secret_name(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn it_is_never_shown() {
        let secret = Secret::new("YWMt");
        assert_eq!(format!("{secret} {secret:?}"), "… …");
        assert_eq!(secret.reveal(), "YWMt");
    }
}
