//! Where an archive is: the text that names it, read once.
//!
//! An archive is a folder, or it lies below a prefix in a bucket of an object store:
//!
//! ```text
//! archive, /srv/annals, file:///srv/annals      a folder
//! s3://bucket/prefix                            Amazon S3, and what speaks its language
//! gs://bucket/prefix                            Google Cloud Storage
//! az://container/prefix                         Azure Blob Storage
//! ```

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

use object_store::path::Path;
use url::Url;

/// Where an archive is, or is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Below a prefix in a bucket.
    Bucket(Bucket),
    /// In a folder of this machine.
    Folder(PathBuf),
}

/// A bucket, and the prefix in it that is an archive's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    scheme: Scheme,
    name: String,
    prefix: Path,
}

/// The language in which a bucket is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Az,
    Gs,
    S3,
}

/// A text that names no place for an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// There is no name of a bucket.
    #[error("{text} names no bucket: write {scheme}://BUCKET/PREFIX")]
    NoBucket {
        /// The text.
        text: String,
        /// What it begins with.
        scheme: &'static str,
    },
    /// A user, a port, a query or a fragment; a text with a user is not repeated, for it may hold a secret.
    #[error("the address of a bucket is {scheme}://BUCKET/PREFIX and nothing else: it has {what}")]
    TooMuch {
        /// What it begins with.
        scheme: &'static str,
        /// What it has besides.
        what: &'static str,
    },
    /// The address cannot be read.
    #[error("{text} is no address: {reason}")]
    Unreadable {
        /// The text.
        text: String,
        /// Why.
        reason: String,
    },
    /// No archive is kept there.
    #[error(
        "no archive can be kept at {scheme}://: it is a folder, or s3://, gs:// or az:// with a bucket and a prefix"
    )]
    UnknownScheme {
        /// What the text begins with.
        scheme: String,
    },
}

impl Place {
    /// Reads the text that names a place.
    ///
    /// # Errors
    ///
    /// When it begins like an address and is none of a bucket. Everything else names a folder.
    pub fn parse(text: &OsStr) -> Result<Self, PlaceError> {
        let Some((scheme, rest)) = text.to_str().and_then(address) else { return Ok(Self::Folder(text.into())) };
        match Scheme::named(&scheme) {
            Some(known) => Bucket::parse(known, rest).map(Self::Bucket),
            None if scheme == "file" => folder(rest).map(Self::Folder),
            None => Err(PlaceError::UnknownScheme { scheme }),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket(bucket) => bucket.fmt(f),
            Self::Folder(folder) => folder.display().fmt(f),
        }
    }
}

impl Bucket {
    /// Reads what follows `scheme://` or, by a slip, `scheme:/`.
    fn parse(scheme: Scheme, rest: &str) -> Result<Self, PlaceError> {
        let name = scheme.name();
        let text = format!("{name}://{rest}");
        let too_much = |what| Err(PlaceError::TooMuch { scheme: name, what });
        if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
            return too_much("a user");
        }
        if rest.is_empty() || rest.starts_with('/') {
            return Err(PlaceError::NoBucket { text, scheme: name });
        }
        let unreadable = |reason: String| PlaceError::Unreadable { text: text.clone(), reason };
        let url = Url::parse(&text).map_err(|error| unreadable(error.to_string()))?;
        match (url.port(), url.query(), url.fragment()) {
            (Some(_), ..) => return too_much("a port"),
            (_, Some(_), _) => return too_much("a query"),
            (.., Some(_)) => return too_much("a fragment"),
            _ => {}
        }
        let prefix = Path::from_url_path(url.path()).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self { scheme, name: url.host_str().unwrap_or_default().to_owned(), prefix })
    }

    /// The prefix above what the address names, and the name of that; `None` for a bucket alone.
    #[must_use]
    pub fn above(&self) -> Option<(Self, String)> {
        let mut parts: Vec<_> = self.prefix.parts().collect();
        let name = parts.pop()?.as_ref().to_owned();
        Some((Self { prefix: parts.into_iter().collect(), ..self.clone() }, name))
    }

    /// The prefix of this name below.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        Self { prefix: self.prefix.clone().join(name), ..self.clone() }
    }

    /// The bucket's own name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The prefix; empty for an archive that has its bucket alone.
    pub(crate) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// A name for a folder of this machine that belongs to this archive: letters, digits, dots, dashes and `_`. Two
    /// archives may have the same only if their addresses differ in nothing else.
    #[must_use]
    pub fn folder_name(&self) -> String {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() || "-.".contains(letter) { letter } else { '_' };
        self.to_string().replace("://", "_").chars().map(plain).collect()
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, name, prefix } = self;
        write!(f, "{}://{name}", scheme.name())?;
        if prefix.as_ref().is_empty() { Ok(()) } else { write!(f, "/{prefix}") }
    }
}

impl Scheme {
    const ALL: [Self; 3] = [Self::Az, Self::Gs, Self::S3];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Az => "az",
            Self::Gs => "gs",
            Self::S3 => "s3",
        }
    }
}

/// The scheme of a text that begins like an address, in lower case, and what follows it. `s3:/bucket` is no folder that
/// anybody means.
fn address(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_word = scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+');
    let scheme = scheme.to_ascii_lowercase();
    let rest = match rest.strip_prefix("//") {
        Some(rest) => rest,
        None if Scheme::named(&scheme).is_some() => rest.strip_prefix('/')?,
        None => return None,
    };
    is_word.then_some((scheme, rest))
}

/// The folder of `file://`, which has no host and begins at the root.
fn folder(rest: &str) -> Result<PathBuf, PlaceError> {
    let text = format!("file://{rest}");
    let unreadable = |reason: String| PlaceError::Unreadable { text: text.clone(), reason };
    let url = Url::parse(&text).map_err(|error| unreadable(error.to_string()))?;
    url.to_file_path().map_err(|()| unreadable("it names no folder of this machine".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, String> {
        let place = Place::parse(OsStr::new(text)).map_err(|error| error.to_string())?;
        let kind = if matches!(place, Place::Folder(_)) { "folder" } else { "bucket" };
        Ok(format!("{kind} {place}"))
    }

    #[test]
    fn a_place_is_a_folder_or_a_bucket() {
        for (text, expected) in [
            ("archive", "folder archive"),
            ("/srv/a b", "folder /srv/a b"),
            ("", "folder "),
            ("C:\\annals", "folder C:\\annals"),
            ("ж:/x", "folder ж:/x"),
            ("./s3://x", "folder ./s3://x"),
            ("file:///srv/a%20b", "folder /srv/a b"),
            ("s3://bucket", "bucket s3://bucket"),
            ("S3://bucket/", "bucket s3://bucket"),
            ("s3:/bucket/nightly", "bucket s3://bucket/nightly"),
            ("s3://bucket/nightly/harbor/", "bucket s3://bucket/nightly/harbor"),
            ("s3://bucket/a b/聊天", "bucket s3://bucket/a b/聊天"),
            ("gs://bucket/x", "bucket gs://bucket/x"),
            ("az://container/x", "bucket az://container/x"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_names_no_bucket_is_refused_in_words() {
        for (text, expected) in [
            ("s3://", "s3:// names no bucket: write s3://BUCKET/PREFIX"),
            ("s3:///prefix", "s3:///prefix names no bucket: write s3://BUCKET/PREFIX"),
            ("s3://bucket/a?region=x", "s3://BUCKET/PREFIX and nothing else: it has a query"),
            ("s3://bucket/a#b", "it has a fragment"),
            ("s3://bucket:9000/a", "it has a port"),
            ("s3://bucket/a//b", "is no address"),
            ("file://host/x", "it names no folder of this machine"),
            ("https://bucket.s3.amazonaws.com/x", "no archive can be kept at https://"),
            ("s3a://bucket/x", "no archive can be kept at s3a://"),
        ] {
            let said = parsed(text).unwrap_err();
            assert!(said.contains(expected), "{text}: {said}");
        }
    }

    #[test]
    fn a_secret_in_an_address_is_not_repeated() {
        let said = parsed("s3://key:hush@bucket/x").unwrap_err();
        assert!(said.contains("it has a user") && !said.contains("hush"), "{said}");
    }

    #[test]
    fn what_an_address_names_lies_below_another() {
        let bucket = |text: &str| match Place::parse(OsStr::new(text)).unwrap() {
            Place::Bucket(bucket) => bucket,
            Place::Folder(folder) => panic!("{}", folder.display()),
        };
        let above = |text: &str| bucket(text).above().map(|(above, name)| (above.to_string(), name));
        let expected = |above: &str, name: &str| Some((above.to_owned(), name.to_owned()));
        assert_eq!(above("s3://harbor/a/b c.csv"), expected("s3://harbor/a", "b c.csv"));
        assert_eq!(above("gs://harbor/x.csv"), expected("gs://harbor", "x.csv"));
        assert_eq!(above("az://harbor/"), None);
        assert_eq!(bucket("s3://harbor").below("nightly-000001").to_string(), "s3://harbor/nightly-000001");
        assert_eq!(bucket("s3://harbor/a").below("b"), bucket("s3://harbor/a/b"));
    }

    #[test]
    fn a_folder_is_named_after_its_bucket() {
        let Place::Bucket(bucket) = Place::parse(OsStr::new("s3://harbor/night ly/x")).unwrap() else { panic!() };
        assert_eq!(bucket.folder_name(), "s3_harbor_night_ly_x");
    }
}
