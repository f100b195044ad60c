//! `~` behind a word, for those that a slip leads to; and what it means behind something else.

use std::ops::Range;

use super::super::pattern::SLIPS;
use super::super::signs::STARS;
use super::super::{Node, Pattern, QueryError};
use crate::characters::class;
use crate::script::Class;
use crate::tokens::Tokens;

/// The shortest word whose near ones are meant when it ends in `~` alone.
const SHORTEST: usize = 3;

/// What is near a word behind which a `~` stands, with `slips` behind that; both lie at `at`. `None` when the `~` is text:
/// alone behind a number or anything but one word (`5~`, `好的~`), or between two numbers (`10~20`).
pub(super) fn near(word: &str, slips: &str, at: Range<usize>) -> Result<Option<Node>, QueryError> {
    let digits = slips.strip_suffix(STARS).unwrap_or(slips);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let tokens = Tokens::of(word);
    let only = tokens.get(0).map(|(token, _)| token).filter(|_| tokens.len() == 1 && tokens.reach_the_end());
    match only.filter(|token| token.chars().all(|c| class(c) == Class::Word)) {
        Some(token) if is_text_behind_a_word(token, digits) => Ok(None),
        Some(_) if digits.len() < slips.len() => Err(near_and_going_on(word, digits, at)),
        Some(token) => {
            let distance = if digits.is_empty() { 1 } else { digits.parse().unwrap_or(u8::MAX) };
            let pattern = Pattern::fuzzy(token, distance).ok_or_else(|| too_far(word, at))?;
            Ok(Some(Node::Like(pattern)))
        }
        None if digits.len() != 1 || tokens.len() == 0 || is_range(word, digits) => Ok(None),
        None => Err(no_single_word(word, digits, at)),
    }
}

fn is_text_behind_a_word(token: &str, digits: &str) -> bool {
    let is_number = token.chars().all(|c| c.is_ascii_digit());
    if digits.is_empty() { is_number || token.chars().count() < SHORTEST } else { is_number && is_range(token, digits) }
}

/// Whether what stands on both sides are numbers, of which the second is not the shorter: `10~20`, but not `192~1`.
fn is_range(word: &str, digits: &str) -> bool {
    let before = word.bytes().rev().take_while(u8::is_ascii_digit).count();
    before > 0 && before <= digits.len()
}

fn too_far(word: &str, at: Range<usize>) -> QueryError {
    let message = format!("a word may be {SLIPS} slips away at the most, did you mean `{word}~{SLIPS}`?");
    QueryError::new(at, message).suggesting(format!("~{SLIPS}"))
}

fn near_and_going_on(word: &str, digits: &str, at: Range<usize>) -> QueryError {
    let message = format!("a word is near or goes on, not both: write `{word}~{digits}` or `{word}*`");
    QueryError::new(at, message)
}

fn no_single_word(word: &str, digits: &str, at: Range<usize>) -> QueryError {
    let helps = if word.contains(|c| class(c) == Class::Dense) {
        "of a script without spaces any piece is found as it stands"
    } else {
        "leave it out, or put quotes around all"
    };
    QueryError::new(at, format!("`~{digits}` is for a single word of letters, as in `harbour~{digits}`: {helps}"))
}
