//! Where a member stands: `ext.order_id`, `ext.order."a.b"`, `payload.operation`.

use std::fmt;
use std::str::FromStr;

use chat::is_secret_name;

/// Names of a place at most.
const DEEPEST: usize = 16;
/// Bytes of a place at most.
const LONGEST: usize = 1_024;

/// The object in which a member is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// The app's own attributes, the column `ext`.
    Ext,
    /// The record, as far as `rest` holds it.
    Record,
    /// Its payload, as far as `rest` holds it.
    Payload,
    /// Its first body, as far as `rest` holds it.
    Body,
}

impl Root {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Ext, Self::Record, Self::Payload, Self::Body];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ext => "ext",
            Self::Record => "record",
            Self::Payload => "payload",
            Self::Body => "body",
        }
    }
}

/// A member of `ext` or of `rest`, or one that lies deeper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberPlace {
    /// Where it is looked for.
    pub root: Root,
    /// The names on the way to it; there is at least one.
    pub names: Vec<String>,
}

impl MemberPlace {
    /// The column that says it.
    #[must_use]
    pub fn column(&self) -> &'static str {
        if self.root == Root::Ext { "ext" } else { "rest" }
    }
}

impl FromStr for MemberPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (word, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
        let root = Root::ALL.into_iter().find(|root| root.word() == word);
        let root = root.ok_or("a place begins with ext., record., payload. or body.")?;
        let names = names(rest)?;
        if names.is_empty() {
            return Err("name a member, as in ext.order_id");
        }
        if root != Root::Ext && names.iter().any(|name| is_secret_name(name.as_bytes())) {
            return Err("it is a share secret, and these are in columns of their own");
        }
        let place = Self { root, names };
        // As it is kept, where quotes may make it longer: it is read from there ever after.
        if place.names.len() > DEEPEST || place.to_string().len() > LONGEST {
            return Err("it is longer than any that is looked for");
        }
        Ok(place)
    }
}

/// The names of `.order."a.b"`.
fn names(mut rest: &str) -> Result<Vec<String>, &'static str> {
    let mut names = Vec::new();
    while !rest.is_empty() {
        let text = rest.strip_prefix('.').ok_or("a dot is to stand between names")?;
        let (name, behind) = match text.strip_prefix('"') {
            Some(quoted) => until_quote(quoted).ok_or("a quote is not closed")?,
            None => {
                let (name, behind) = text.split_at(text.find('.').unwrap_or(text.len()));
                (name.to_owned(), behind)
            }
        };
        if name.is_empty() {
            return Err("a name has no letters: write \"…\" around one with dots in it");
        }
        if !text.starts_with('"') && name.contains('"') {
            return Err("a name with quotes in it stands in quotes, and has each of its own twice: \"say \"\"so\"\"\"");
        }
        names.push(name);
        rest = behind;
    }
    Ok(names)
}

/// What stands before the quote that closes, and what behind it. Two in a row are one of the name's own.
fn until_quote(text: &str) -> Option<(String, &str)> {
    let (mut name, mut rest) = (String::new(), text);
    loop {
        let (before, behind) = rest.split_once('"')?;
        name.push_str(before);
        let Some(more) = behind.strip_prefix('"') else { return Some((name, behind)) };
        name.push('"');
        rest = more;
    }
}

impl fmt::Display for MemberPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.root.word())?;
        for name in &self.names {
            let is_plain = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
            if name.chars().all(is_plain) {
                write!(f, ".{name}")?;
            } else {
                write!(f, ".\"{}\"", name.replace('"', "\"\""))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_as_it_is_shown() {
        for (text, names) in [
            ("ext.order_id", &["order_id"][..]),
            ("ext.\"a.b\".c", &["a.b", "c"]),
            ("payload.港.x-y", &["港", "x-y"]),
            ("record.\"a b\"", &["a b"]),
            (r#"ext."say ""so""".b"#, &["say \"so\"", "b"]),
            (r#"ext."""""#, &["\""]),
        ] {
            let place: MemberPlace = text.parse().unwrap();
            assert_eq!(
                (place.names.as_slice(), place.to_string().as_str()),
                (&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()[..], text)
            );
        }
        assert_eq!("ext.\"plain\"".parse::<MemberPlace>().unwrap().to_string(), "ext.plain");
        for text in [r#"ext.a"q"#, r#"ext."a"q"#, r#"ext.""a"#, r#"ext."a"""#, "ext.\"\"", "ext.a..b", "ext."] {
            assert!(text.parse::<MemberPlace>().is_err(), "{text}");
        }
        let deep = format!("ext{}", ".a".repeat(DEEPEST + 1));
        assert!(deep.parse::<MemberPlace>().is_err());
    }

    /// It is kept as it is shown, so what is taken must be read back from there.
    #[test]
    fn what_is_taken_is_not_too_long_to_be_kept() {
        for letters in LONGEST - 8..LONGEST {
            for place in [format!("ext.{} b", "a".repeat(letters)), format!("ext.\"{}\"\"\"", "a".repeat(letters))] {
                if let Ok(place) = place.parse::<MemberPlace>() {
                    assert_eq!(place.to_string().parse::<MemberPlace>().as_ref(), Ok(&place));
                }
            }
        }
        assert!(format!("ext.{}", "a".repeat(LONGEST - 4)).parse::<MemberPlace>().is_ok());
        assert!(format!("ext.{} b", "a".repeat(LONGEST - 6)).parse::<MemberPlace>().is_err());
    }

    #[test]
    fn share_secrets_have_no_place_however_they_are_written() {
        for text in ["body.secret", "body.Secret", "record.x.thumb_SECRET"] {
            assert!(text.parse::<MemberPlace>().is_err(), "{text}");
        }
        assert!("ext.Secret".parse::<MemberPlace>().is_ok(), "the app's own");
    }
}
