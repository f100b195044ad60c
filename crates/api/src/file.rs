//! Files that messages speak of (sections 7 and 8).

use std::fmt;
use std::str::FromStr;

use chat::{SHARE_SECRET, Secret};
use url::Url;

use crate::client::below;
use crate::unfit::Unfit;

/// A file of the service: its uuid, and the share secret if it has one.
///
/// Made of a uuid, or of a URL that ends in `/chatfiles/{uuid}`, as messages have it. Of a URL the uuid alone counts: it
/// is fetched from the service that the client talks to, wherever the URL points, so that no message can send the
/// token elsewhere or make this machine call into its own network. A `share-secret` in the query is taken as the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileId {
    uuid: String,
    secret: Option<Secret>,
}

impl FileId {
    /// The same with this share secret.
    #[must_use]
    pub fn with_secret(self, secret: Option<Secret>) -> Self {
        let secret = secret.filter(|secret| !secret.reveal().is_empty());
        Self { secret: secret.or(self.secret), ..self }
    }

    /// The uuid: hexadecimal digits and hyphens, nothing else.
    #[must_use]
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    pub(crate) fn url(&self, base_url: &Url) -> Url {
        below(base_url, &["chatfiles", &self.uuid])
    }
}

impl FromStr for FileId {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        if is_uuid(text) {
            return Ok(Self { uuid: text.to_owned(), secret: None });
        }
        let url = Url::parse(text).map_err(|_| Unfit::FileUrl)?;
        let mut segments = url.path_segments().ok_or(Unfit::FileUrl)?.rev();
        match (segments.next(), segments.next()) {
            (Some(uuid), Some("chatfiles")) if is_uuid(uuid) && matches!(url.scheme(), "http" | "https") => {
                Ok(Self { uuid: uuid.to_owned(), secret: secret_of(&url) })
            }
            _ => Err(Unfit::FileUrl),
        }
    }
}

/// Hyphenated, 8-4-4-4-12 hexadecimal digits (section 1.5).
pub(crate) fn is_uuid(text: &str) -> bool {
    let fits = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

/// A URL as a message has it, without what may be secret: user, password, query and fragment. What is no URL is cut at the
/// first sign of one of these.
#[must_use]
pub fn public_part(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default();
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_user, host)| host);
    format!("{scheme}://{host}{path}")
}

fn secret_of(url: &Url) -> Option<Secret> {
    let (_, secret) = url.query_pairs().find(|(name, _)| name == SHARE_SECRET)?;
    (!secret.is_empty()).then(|| Secret::new(secret))
}

/// A file as a message names it: where it is, how it is called, and the share secret if it has one.
#[derive(Clone, PartialEq, Eq)]
pub struct FileAt {
    url: Url,
    name: Option<String>,
    secret: Option<Secret>,
}

impl FileAt {
    /// A file at a URL, of the service or of anybody else. A `share-secret` in its query is taken out of the URL.
    ///
    /// # Errors
    ///
    /// When the text is no `http` or `https` URL.
    pub fn new(url: &str) -> Result<Self, Unfit> {
        let mut url = Url::parse(url).map_err(|_| Unfit::FileUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Unfit::FileUrl);
        }
        let secret = secret_of(&url);
        if secret.is_some() {
            let rest: Vec<(String, String)> =
                url.query_pairs().filter(|(name, _)| name != SHARE_SECRET).map(|(n, v)| (n.into(), v.into())).collect();
            url.set_query(None);
            if !rest.is_empty() {
                url.query_pairs_mut().extend_pairs(rest);
            }
        }
        Ok(Self { url, name: None, secret })
    }

    /// The same under this name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The same with this share secret.
    #[must_use]
    pub fn with_secret(self, secret: Option<Secret>) -> Self {
        Self { secret: secret.or(self.secret), ..self }
    }

    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }
}

/// Without the query, which may be a key to somebody's store.
impl fmt::Debug for FileAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileAt({}{})", self.url.origin().ascii_serialization(), self.url.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "5fd74830-58b7-11e9-822a-81ea50bb049d";

    #[test]
    fn of_a_url_the_uuid_counts_and_the_secret() {
        let id: FileId = UUID.parse().unwrap();
        assert_eq!((id.uuid(), id.secret()), (UUID, None));
        let id: FileId = format!("http://169.254.169.254/o/a/chatfiles/{UUID}?share-secret=X9d&x=1").parse().unwrap();
        let base = "https://a1.example.com/o/a".parse().unwrap();
        assert_eq!(id.url(&base).as_str(), format!("https://a1.example.com/o/a/chatfiles/{UUID}"));
        assert_eq!(id.secret(), Some(&Secret::new("X9d")));
        assert!(!format!("{id:?}").contains("X9d"));
    }

    #[test]
    fn what_names_no_file_is_refused() {
        for text in [
            "",
            "../../etc/passwd",
            UUID.trim_start_matches('5'),
            &format!("{UUID}0"),
            &UUID.replace('-', "/"),
            &format!("https://h/o/a/{UUID}"),
            &format!("https://h/o/a/chatfiles/{UUID}/../x"),
            "https://h/o/a/chatfiles/..%2f..%2fetc",
            &format!("file:///chatfiles/{UUID}"),
        ] {
            assert_eq!(text.parse::<FileId>(), Err(Unfit::FileUrl), "{text}");
        }
    }

    #[test]
    fn what_may_be_secret_in_a_url_is_left_out() {
        for (text, public) in [
            ("https://h/o/a/chatfiles/x", "https://h/o/a/chatfiles/x"),
            ("https://h/x?share-secret=hush", "https://h/x"),
            ("https://me:hush@h:81/x@y#hush", "https://h:81/x@y"),
            ("https://h", "https://h"),
            ("no url?hush", "no url"),
            ("", ""),
        ] {
            assert_eq!(public_part(text), public, "{text}");
        }
    }

    #[test]
    fn a_secret_is_no_part_of_a_messages_url() {
        let file = FileAt::new("https://h/chatfiles/x?a=1&share-secret=hush").unwrap();
        assert_eq!(file.url(), "https://h/chatfiles/x?a=1");
        assert_eq!(file.secret(), Some(&Secret::new("hush")));
        let other = FileAt::new("https://h/x.png?sig=a%2Bb&flag").unwrap();
        assert_eq!(other.url(), "https://h/x.png?sig=a%2Bb&flag", "to the letter");
        assert!(!format!("{file:?} {other:?}").contains("sig"));
        assert_eq!(FileAt::new("ftp://h/x"), Err(Unfit::FileUrl));
    }
}
