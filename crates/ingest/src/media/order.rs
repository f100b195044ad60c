//! In which order attachments are fetched, and when the rest is hopeless.

use std::cmp::Reverse;
use std::collections::VecDeque;

use api::{Advice, Obstacle};
use chat::{Attachment, AttachmentState, Timestamp};

use super::NEXT_RUN;
use crate::error::bars_every_call;

/// Attachments that fail one after the other, for want of the service, until the rest counts as hopeless.
const IN_A_ROW: u32 = 8;

/// The same once the service has answered for a file. Files that fail are tried several times and end late: those of all workers
/// may do so together, while others could be had.
const IN_A_ROW_AFTER_ANSWERS: u32 = 64;

/// Of what nobody has tried yet, so many are taken from the oldest before one is from the youngest: files of one day may fail
/// together, and say nothing of the others.
const OF_THE_OLDEST: usize = 3;

/// The attachments in the order of their turn: the one whose deadline is next first, as long as nobody has tried.
///
/// One that failed before may fail for ever, and keeps no other from its turn. Where its deadline is near, its turn comes
/// between those of the others, and else behind them, the one that was tried longest ago first. Last come those whose
/// deadline has passed: it is but what the settings say.
pub(super) fn in_turn(wanted: Vec<Attachment>, now: Timestamp) -> Vec<Attachment> {
    let (mut late, mut fresh, mut urgent, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in wanted {
        let place = match failed_at(&row) {
            _ if row.deadline <= now => &mut late,
            None => &mut fresh,
            Some(_) if row.deadline <= now + NEXT_RUN => &mut urgent,
            Some(_) => &mut others,
        };
        place.push(row);
    }
    fresh.sort_by_key(|row| row.deadline);
    urgent.sort_by_key(|row| (row.tried_at, row.deadline));
    others.sort_by_key(|row| (row.tried_at, row.deadline));
    late.sort_by_key(|row| (failed_at(row), Reverse(row.deadline)));
    let mut order = by_turns(from_both_ends(fresh), urgent);
    order.extend(others);
    order.extend(late);
    order
}

/// When an attachment was last asked for in vain.
pub(super) fn failed_at(row: &Attachment) -> Option<Timestamp> {
    row.tried_at.filter(|_| row.state != AttachmentState::Stored)
}

fn from_both_ends(rows: Vec<Attachment>) -> Vec<Attachment> {
    let (mut left, mut order) = (VecDeque::from(rows), Vec::new());
    while !left.is_empty() {
        order.extend(left.drain(..OF_THE_OLDEST.min(left.len())));
        order.extend(left.pop_back());
    }
    order
}

fn by_turns(some: Vec<Attachment>, others: Vec<Attachment>) -> Vec<Attachment> {
    let (mut some, mut others) = (some.into_iter(), others.into_iter());
    let mut order = Vec::with_capacity(some.len() + others.len());
    while some.len() + others.len() > 0 {
        order.extend(some.next());
        order.extend(others.next());
    }
    order
}

/// What the files of a run say of the service so far.
#[derive(Debug, Default)]
pub(super) struct Prospect {
    /// Files that failed one after the other, up to now.
    in_a_row: u32,
    /// Whether the service gave a file, or said what became of it.
    has_answered: bool,
}

impl Prospect {
    /// Takes in what came of a file, which may have failed in a run before, and says whether the rest is hopeless. Where the
    /// service answers for others, a file that fails again says nothing new.
    pub(super) fn is_hopeless_after(&mut self, error: Option<&api::Error>, failed_before: bool) -> bool {
        match error {
            Some(error) if bars_every_call(error) => return true,
            Some(error) if is_refused(error) => return false,
            Some(error) if is_of_the_service(error) => {
                self.in_a_row += u32::from(!failed_before || !self.has_answered);
            }
            _ => (self.in_a_row, self.has_answered) = (0, true),
        }
        self.in_a_row >= if self.has_answered { IN_A_ROW_AFTER_ANSWERS } else { IN_A_ROW }
    }
}

/// Whether the settings, and nobody else, keep us from an attachment.
pub(super) fn is_refused(error: &api::Error) -> bool {
    matches!(
        error,
        api::Error::Unfit(_)
            | api::Error::TooMuch { .. }
            | api::Error::Unreachable { obstacle: Obstacle::NotPublic, .. }
    )
}

fn is_of_the_service(error: &api::Error) -> bool {
    matches!(error.advice(), Advice::Retry(_) | Advice::Refused | Advice::FixTheSettings | Advice::AskForANewLink)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chat::{AttachmentKind, Hour, Position};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn now() -> Timestamp {
        "2026-03-20T12:00:00Z".parse().unwrap()
    }

    /// An attachment that is to be had for so many hours, and was tried so many hours ago.
    fn row(number: u32, left: i64, tried: Option<u32>) -> Attachment {
        let position = Position { source_hour: Hour::from_key("2026031409").unwrap(), part: 0, line: number.into() };
        let offset = HOUR * u32::try_from(left.abs()).unwrap();
        let deadline = if left < 0 { now() - offset } else { now() + offset };
        Attachment {
            tried_at: tried.map(|hours| now() - HOUR * hours),
            ..Attachment::new(position, AttachmentKind::File, "https://a.example.com/x".to_owned(), deadline)
        }
    }

    fn order(rows: Vec<Attachment>) -> Vec<u64> {
        in_turn(rows, now()).iter().map(|row| row.position.line).collect()
    }

    #[test]
    fn what_failed_before_keeps_nothing_else_from_its_turn() {
        let rows = vec![
            row(1, 30, Some(24)),
            row(2, 60, Some(48)),
            row(3, 100, None),
            row(4, 90, None),
            row(5, 5, Some(24)),
            row(6, 6, Some(48)),
            row(7, -3, Some(24)),
            row(8, -2, Some(24)),
            row(9, -9, None),
        ];
        assert_eq!(order(rows), [4, 6, 3, 5, 2, 1, 9, 8, 7]);
    }

    #[test]
    fn what_nobody_tried_is_asked_for_from_both_ends() {
        let rows = (1..=9).map(|number| row(number, i64::from(number), None)).collect();
        assert_eq!(order(rows), [1, 2, 3, 9, 4, 5, 6, 8, 7]);
    }

    #[test]
    fn bytes_that_were_lost_did_not_fail() {
        let lost = Attachment { state: AttachmentState::Stored, ..row(1, 60, Some(24)) };
        assert_eq!((failed_at(&lost), failed_at(&row(1, 60, Some(24)))), (None, Some(now() - HOUR * 24)));
    }

    #[test]
    fn a_run_is_given_up_when_nothing_at_all_is_given() {
        let fault = api::Error::ServiceFault { host: "h".to_owned(), status: 500, retry_after: None, said: None };
        let plan = api::Error::Refused { status: 429, refusal: api::Refusal::Plan, said: None };
        let credentials = api::Error::Refused { status: 400, refusal: api::Refusal::Credentials, said: None };
        // A file that is `g`iven; one that `f`ails, or fails `a`gain; one for which the `p`lan does not allow; no `t`oken.
        let given_up = |words: &str| {
            let mut prospect = Prospect::default();
            words.chars().position(|word| match word {
                'f' => prospect.is_hopeless_after(Some(&fault), false),
                'a' => prospect.is_hopeless_after(Some(&fault), true),
                'p' => prospect.is_hopeless_after(Some(&plan), false),
                't' => prospect.is_hopeless_after(Some(&credentials), false),
                _ => prospect.is_hopeless_after(None, false),
            })
        };
        for (words, expected) in [
            ("ffffffff", Some(7)),
            ("afafafaf", Some(7)),
            ("fffffffgffffffffffffffff", None),
            (&*format!("g{}", "f".repeat(64)), Some(64)),
            (&*format!("g{}g", "f".repeat(63)), None),
            (&*format!("g{}", "a".repeat(200)), None),
            (&*format!("g{}", "af".repeat(64)), Some(128)),
            ("pppppppg", None),
            ("pppppppp", Some(7)),
            ("gt", Some(1)),
        ] {
            assert_eq!(given_up(words), expected, "{words}");
        }
    }
}
