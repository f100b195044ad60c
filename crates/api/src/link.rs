//! Where the bytes of a part are.

use std::fmt;
use std::time::Duration;

use chat::Timestamp;
use url::Url;

/// A signed link to one part of an hour, opaque and good for a while (section 3.2). Its query is a key to the file:
/// `Debug` and `Display` show the link without it.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    url: Url,
    expires_at: Timestamp,
}

/// How long a link is good for when it does not say (section 3.2).
const LIFE: Duration = Duration::from_secs(30 * 60);

impl Link {
    /// A link as the service gave it in an answer of this time; `None` when it is no `http` or `https` URL.
    pub(crate) fn read(text: &str, answered_at: Timestamp) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        let fetchable = matches!(url.scheme(), "http" | "https") && url.has_host();
        fetchable.then(|| {
            let expires_at = stated_expiry(&url).unwrap_or(answered_at + LIFE);
            Self { url, expires_at }
        })
    }

    /// When the link is likely to stop working: what it says of itself, else half an hour after the answer. A hint:
    /// only the store knows.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The URL to send, every byte of its query as it was given.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }
}

/// `Expires` in Unix seconds (OSS, S3 and Google, first version), or a date and a number of seconds (their fourth).
fn stated_expiry(url: &Url) -> Option<Timestamp> {
    let query = url.query()?;
    if let Some(seconds) = parameter(query, "Expires").and_then(|seconds| seconds.parse().ok()) {
        return Timestamp::from_timestamp(seconds, 0);
    }
    ["X-Amz", "x-oss", "X-Goog"].into_iter().find_map(|vendor| {
        let signed_at = basic_time(parameter(query, &format!("{vendor}-Date"))?)?;
        let seconds: i64 = parameter(query, &format!("{vendor}-Expires"))?.parse().ok()?;
        Timestamp::from_timestamp(signed_at.timestamp().checked_add(seconds)?, 0)
    })
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
}

/// `20260314T091500Z`, the basic form of ISO 8601 that signatures use.
fn basic_time(text: &str) -> Option<Timestamp> {
    let digits = |range| text.get(range).filter(|part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()));
    let separators = (text.get(8..9)?, text.get(15..)?);
    if separators != ("T", "Z") {
        return None;
    }
    let (date, time) = (digits(0..8)?, digits(9..15)?);
    let (year, month, day) = (date.get(0..4)?, date.get(4..6)?, date.get(6..8)?);
    let (hour, minute, second) = (time.get(0..2)?, time.get(2..4)?, time.get(4..6)?);
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.url.origin().ascii_serialization(), self.url.path())?;
        f.write_str(if self.url.query().is_some() { "?…" } else { "" })
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({self}, until {})", chat::show_time(self.expires_at))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answered_at() -> Timestamp {
        "2026-03-14T10:25:22.601Z".parse().unwrap()
    }

    fn link(text: &str) -> Link {
        Link::read(text, answered_at()).expect(text)
    }

    proptest! {
        #[test]
        fn any_text_is_a_link_or_none(text in "(https?://)?.*") {
            drop(Link::read(&text, answered_at()));
        }

        #[test]
        fn any_query_is_sent_as_given_and_not_shown(query in "[!$%&(-;=?-~]{1,80}") {
            let link = link(&format!("https://h.example.com/x.gz?{query}"));
            prop_assert_eq!(link.url().query(), Some(query.as_str()));
            prop_assert_eq!(link.to_string(), "https://h.example.com/x.gz?…");
        }
    }

    #[test]
    fn the_query_is_sent_as_given() {
        for text in [
            "http://history.example.com/history/3D/o/a/2018112717.gz?Expires=1543316122&OSSAccessKeyId=AK&Signature=o7Ab%2Bc9%3D",
            "https://s3.example.com/h/2026031409.gz?X-Amz-Credential=AK%2F20260314%2Fus&b=2&a=1&X-Amz-Signature=0f",
            "https://h.example.com/a%20b/%2F/x.gz?s=a+b/c==&s=%2b&empty=&&flag&u=%E4%BD%A0~(),;:@!$*|[]{}`^\\",
            "http://127.0.0.1:8080/x.gz?",
        ] {
            assert_eq!(link(text).url().as_str(), text);
        }
    }

    #[test]
    fn the_expiry_is_read_where_it_is_stated() {
        for (query, expected) in [
            ("Expires=1543316122&Signature=x", "2018-11-27T10:55:22Z"),
            ("X-Amz-Date=20260314T091500Z&X-Amz-Expires=900", "2026-03-14T09:30:00Z"),
            ("x-oss-expires=3600&x-oss-date=20260314T091500Z", "2026-03-14T10:15:00Z"),
            ("X-Goog-Date=20260314T091500Z&X-Goog-Expires=60", "2026-03-14T09:16:00Z"),
            ("", "2026-03-14T10:55:22.601Z"),
            ("Expires=soon", "2026-03-14T10:55:22.601Z"),
            ("Expires=99999999999999999", "2026-03-14T10:55:22.601Z"),
            ("X-Amz-Date=20260314T091500Z", "2026-03-14T10:55:22.601Z"),
            ("X-Amz-Date=20260314T091500Z&X-Amz-Expires=18446744073709551615", "2026-03-14T10:55:22.601Z"),
            ("X-Amz-Date=2026031é091500Z&X-Amz-Expires=1", "2026-03-14T10:55:22.601Z"),
        ] {
            let expires_at = link(&format!("http://h.example.com/x.gz?{query}")).expires_at();
            assert_eq!(expires_at, expected.parse::<Timestamp>().unwrap(), "{query}");
        }
    }

    #[test]
    fn only_http_is_fetched() {
        for text in ["file:///etc/passwd", "ftp://h/x", "/history/x.gz", "", "http://", "data:,x"] {
            assert_eq!(Link::read(text, answered_at()), None, "{text}");
        }
    }

    #[test]
    fn neither_query_nor_password_is_shown() {
        let link = link("https://user:hush@h.example.com/x.gz?Signature=hush");
        assert_eq!(link.to_string(), "https://h.example.com/x.gz?…");
        assert!(!format!("{link:?}").contains("hush"));
    }
}
