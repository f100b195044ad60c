//! Text that must not be seen, and the members that hold it.

use std::borrow::Cow;
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

/// The parameter in the URL of a file by which the service takes its share secret.
pub const SHARE_SECRET: &str = "share-secret";

/// A URL, or a text that may hold some, with no value behind `share-secret=`, in whatever case that is written. All else
/// stays as it is.
#[must_use]
pub fn without_share_secrets(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut done = 0;
    // Few texts have the sign at all, and it is found fast.
    for (sign, _) in text.match_indices('=') {
        // What is done reaches beyond a sign that is part of a secret.
        let Some(before) = text.get(done..sign).filter(|before| ends_with_parameter(before)) else { continue };
        let value = sign + 1;
        let length = text.get(value..).map_or(0, |behind| behind.find(ends_value).unwrap_or(behind.len()));
        if length > 0 {
            shown.extend([before, "="]);
            done = value + length;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(shown)
}

/// Whether a text ends with the parameter, and not with a longer name that ends so.
fn ends_with_parameter(text: &str) -> bool {
    let Some(start) = text.len().checked_sub(SHARE_SECRET.len()) else { return false };
    let (before, name) = text.as_bytes().split_at(start);
    let is_of_a_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.eq_ignore_ascii_case(SHARE_SECRET.as_bytes()) && !before.last().is_some_and(is_of_a_name)
}

/// Whether the value of a parameter ends here: so does the URL, or it is a text and the URL is over.
fn ends_value(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '&' | '#' | '"' | '<' | '>')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_secret_is_taken_out_of_a_url_and_nothing_else() {
        for (text, expected) in [
            ("https://a/chatfiles/u?share-secret=HUSH", "https://a/chatfiles/u?share-secret="),
            ("https://a/u?x=1&share-secret=HU==SH&em-redirect=true", "https://a/u?x=1&share-secret=&em-redirect=true"),
            ("?Share-Secret=HUSH#top?share-secret=HUSH", "?Share-Secret=#top?share-secret="),
            (
                "see <https://a?share-secret=HUSH> and b?share-secret=é",
                "see <https://a?share-secret=> and b?share-secret=",
            ),
        ] {
            assert_eq!(without_share_secrets(text), expected);
            assert!(matches!(without_share_secrets(expected), Cow::Borrowed(_)), "{expected}");
        }
        for text in ["", "=", "secret=x", "https://a?my-share-secret=x", "éshare-secre=x", "share-secret: x"] {
            assert_eq!(without_share_secrets(text), text);
        }
    }

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
