//! What a body is.

use std::fmt;
use std::str::FromStr;

/// The type of a message's first body, in the wire's words (protocol section 5).
///
/// `Combine` is the wire's `subType` `sub_combine`; `Event` stands for records that are no message (section 4.4);
/// `Unknown` for every type no document names, kept whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BodyType {
    /// Voice.
    Audio,
    /// A command for the app, invisible to people.
    Cmd,
    /// Forwarded messages in an attached bundle.
    Combine,
    /// An app's own event with attributes.
    Custom,
    /// No message: a recall, an edit, an acknowledgement, a reaction.
    Event,
    /// Any file.
    File,
    /// An image.
    Img,
    /// A place.
    Loc,
    /// Text.
    Txt,
    /// A type that no document names.
    Unknown,
    /// A video.
    Video,
}

impl BodyType {
    /// Every type, in the order of the design.
    pub const ALL: [Self; 11] = [
        Self::Txt,
        Self::Img,
        Self::Audio,
        Self::Video,
        Self::File,
        Self::Loc,
        Self::Cmd,
        Self::Custom,
        Self::Combine,
        Self::Event,
        Self::Unknown,
    ];

    /// The word in the column `body_type` and in a query's `type:`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Cmd => "cmd",
            Self::Combine => "combine",
            Self::Custom => "custom",
            Self::Event => "event",
            Self::File => "file",
            Self::Img => "img",
            Self::Loc => "loc",
            Self::Txt => "txt",
            Self::Unknown => "unknown",
            Self::Video => "video",
        }
    }
}

impl fmt::Display for BodyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for BodyType {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|body| body.word() == word).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for body in BodyType::ALL {
            assert_eq!(body.word().parse(), Ok(body));
        }
        assert!("sticker".parse::<BodyType>().is_err());
    }
}
