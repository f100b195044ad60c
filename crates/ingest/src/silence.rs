//! When a run is given up: nothing is heard from the service, whichever hour it is asked for.

use crate::run::Outcome;

/// Hours that fail one after the other, for want of the service, until the rest counts as hopeless. Fewer may be what the
/// service has against those hours; none of the others is to wait for that.
const IN_A_ROW: u32 = 8;

/// How many of them are the last of the run. Hours that fail day after day come first, as they are lost first: if those alone said
/// whether the service is there, no run would ever come to the others.
const FROM_THE_END: u32 = 4;

/// From where the next hour is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The hour that is lost first.
    First,
    /// The hour that would come last.
    Last,
}

/// How long nothing was heard from the service.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    /// Hours that failed one after the other, up to now, for want of the service.
    in_a_row: u32,
    /// Those of them that were taken from the end.
    from_the_end: u32,
    /// Whether the service ever answered for an hour.
    is_heard: bool,
}

impl Silence {
    /// From where the next hour is to be taken.
    pub(crate) fn next_from(&self) -> End {
        if self.in_a_row < IN_A_ROW - FROM_THE_END { End::First } else { End::Last }
    }

    /// Hears what became of an hour.
    pub(crate) fn listen(&mut self, outcome: &Outcome, from: End) {
        match &outcome.error {
            Some(error) if error.is_of_the_service() => {
                self.in_a_row += 1;
                self.from_the_end += u32::from(from == End::Last);
            }
            None if !outcome.is_heard => {}
            _ => *self = Self { is_heard: true, ..Self::default() },
        }
    }

    /// Whether no other hour would fare better; when none is left, whether none that had its turn fared better.
    pub(crate) fn is_hopeless(&self, is_any_left: bool) -> bool {
        self.in_a_row >= IN_A_ROW && if is_any_left { self.from_the_end >= FROM_THE_END } else { self.is_total() }
    }

    /// Whether nothing was heard at all.
    pub(crate) fn is_total(&self) -> bool {
        !self.is_heard
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use chat::{Hour, State};

    use super::*;
    use crate::error::Error;

    /// Of these hours, each said to fail or not, how many are asked for that do, and that do not, so many at a time.
    fn asked(hours: &[bool], at_once: usize) -> (usize, usize) {
        let first = Hour::from_key("2026031409").unwrap();
        let fault =
            |hour| api::Error::ServiceFault { host: format!("{hour}"), status: 503, retry_after: None, said: None };
        let mut left: VecDeque<bool> = hours.iter().copied().collect();
        let (mut silence, mut in_hand, mut asked) = (Silence::default(), VecDeque::new(), (0, 0));
        while !silence.is_hopeless(!left.is_empty()) {
            while in_hand.len() < at_once {
                let from = silence.next_from();
                let next = if from == End::First { left.pop_front() } else { left.pop_back() };
                let Some(fails) = next else { break };
                in_hand.push_back((fails, from));
                *(if fails { &mut asked.0 } else { &mut asked.1 }) += 1;
            }
            let Some((fails, from)) = in_hand.pop_front() else { break };
            let error = fails.then(|| Error::Api { hour: first, source: fault(first) });
            silence.listen(&Outcome { is_heard: !fails, error, ..Outcome::unchanged(first, State::Done) }, from);
        }
        asked
    }

    #[test]
    fn hours_that_always_fail_keep_no_others_wherever_they_are() {
        for bad in [0..24, 10..34, 48..72, 0..60] {
            let hours: Vec<bool> = (0..72).map(|hour| bad.contains(&hour)).collect();
            for at_once in [1, 5, 20] {
                assert_eq!(asked(&hours, at_once).1, 72 - bad.len(), "{bad:?}, {at_once} at once");
            }
        }
    }

    #[test]
    fn a_service_that_is_down_is_asked_for_few() {
        for (at_once, most) in [(1, 8), (5, 16), (20, 48)] {
            let asked = asked(&[true; 72], at_once).0;
            assert!(asked <= most, "{asked}, {at_once} at once");
        }
    }
}
