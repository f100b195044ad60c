//! Where a member stands: `ext.order_id`, `ext.order."a.b"`, `payload.operation`.

use std::fmt;
use std::str::FromStr;

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
        match names.last() {
            _ if text.len() > LONGEST || names.len() > DEEPEST => Err("it is longer than any that is looked for"),
            None => Err("name a member, as in ext.order_id"),
            Some(_) if root != Root::Ext && names.iter().any(|name| name.ends_with("secret")) => {
                Err("it is a share secret, and these are in columns of their own")
            }
            Some(_) => Ok(Self { root, names }),
        }
    }
}

/// The names of `.order."a.b"`.
fn names(mut rest: &str) -> Result<Vec<String>, &'static str> {
    let mut names = Vec::new();
    while !rest.is_empty() {
        let text = rest.strip_prefix('.').ok_or("a dot is to stand between names")?;
        let (name, behind) = match text.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quote is not closed")?,
            None => text.split_at(text.find('.').unwrap_or(text.len())),
        };
        if name.is_empty() {
            return Err("a name has no letters: write \"…\" around one with dots in it");
        }
        names.push(name.to_owned());
        rest = behind;
    }
    Ok(names)
}

impl fmt::Display for MemberPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.root.word())?;
        for name in &self.names {
            let is_plain = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
            if name.chars().all(is_plain) { write!(f, ".{name}")? } else { write!(f, ".\"{name}\"")? }
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
        ] {
            let place: MemberPlace = text.parse().unwrap();
            assert_eq!(
                (place.names.as_slice(), place.to_string().as_str()),
                (&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()[..], text)
            );
        }
        assert_eq!("ext.\"plain\"".parse::<MemberPlace>().unwrap().to_string(), "ext.plain");
        let deep = format!("ext{}", ".a".repeat(DEEPEST + 1));
        assert!(deep.parse::<MemberPlace>().is_err());
    }
}
