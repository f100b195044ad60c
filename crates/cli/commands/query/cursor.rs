//! Where the next page begins, as a token that can be handed around.
//!
//! Base64 (for addresses) of `2 <fingerprint of the question> <bits of the score> <microseconds> <number of the id> <hour> <part>
//! <line>`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat::{Hour, Position, Timestamp};
use index::Place;

use crate::error::CommandError;

const VERSION: &str = "2";

/// What stands where a message has no time.
const NO_TIME: &str = "-";

/// The place behind the last hit of a page.
pub(crate) struct Cursor;

impl Cursor {
    /// The token of a place, for the question with this text.
    pub(crate) fn write(place: Place, asked: &str) -> String {
        let time = place.sent_at.map_or_else(|| NO_TIME.to_owned(), |time| time.timestamp_micros().to_string());
        let Position { source_hour, part, line } = place.position;
        let score = place.score.to_bits();
        let (question, message) = (fingerprint(asked), place.message);
        let text =
            format!("{VERSION} {question:016x} {score:08x} {time} {message:x} {} {part} {line}", source_hour.key());
        URL_SAFE_NO_PAD.encode(text)
    }

    /// The place of a token.
    ///
    /// # Errors
    ///
    /// When it is no token, or one of another question.
    pub(crate) fn read(token: &str, asked: &str) -> Result<Place, CommandError> {
        let text = URL_SAFE_NO_PAD.decode(token.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (question, place) = text.as_deref().and_then(parsed).ok_or_else(|| {
            CommandError::usage("the cursor could not be read").hint("copy it whole from the end of the page before")
        })?;
        if question != fingerprint(asked) {
            return Err(CommandError::usage("the cursor belongs to another query")
                .hint("repeat the query, its bounds and its order as they were, and add the cursor"));
        }
        Ok(place)
    }
}

fn parsed(text: &str) -> Option<(u64, Place)> {
    let fields: Vec<&str> = text.split(' ').collect();
    let [VERSION, question, score, time, message, hour, part, line] = fields.as_slice() else { return None };
    let sent_at = match *time {
        NO_TIME => None,
        micros => Some(Timestamp::from_timestamp_micros(micros.parse().ok()?)?),
    };
    let source_hour = Hour::from_key(hour).ok()?;
    let position = Position { source_hour, part: part.parse().ok()?, line: line.parse().ok()? };
    let score = f32::from_bits(u32::from_str_radix(score, 16).ok()?);
    let message = u64::from_str_radix(message, 16).ok()?;
    Some((u64::from_str_radix(question, 16).ok()?, Place { score, sent_at, message, position }))
}

/// FNV-1a: the same in every version of the program.
fn fingerprint(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use chat::parse_time;

    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_for_its_question_alone() {
        let position = Position { source_hour: "2026031409".parse().unwrap(), part: 1001, line: 7 };
        for sent_at in [None, parse_time("2026-03-14T09:00:00.000001Z").ok(), parse_time("1969-12-31").ok()] {
            let place = Place { score: 7.25, sent_at, message: 0x1537_87e0_0040_0001, position };
            let token = Cursor::write(place, "tide");
            assert_eq!(Cursor::read(&token, "tide").unwrap(), place);
            assert!(Cursor::read(&token, "ebb").unwrap_err().render().contains("another query"));
            assert!(
                Cursor::read(token.trim_start_matches('M'), "tide").unwrap_err().render().contains("could not be read")
            );
        }
        assert!(Cursor::read("", "tide").is_err());
    }
}
