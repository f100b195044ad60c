//! The plan at work: which fault a request meets.

use std::collections::HashMap;

use chat::{Hour, Timestamp};

use super::{Call, Fault, Faults, Random};
use crate::dice::Dice;

/// A plan, and how much of it is used up.
#[derive(Debug, Default)]
pub(crate) struct Injector {
    faults: Faults,
    /// Requests of each hour so far.
    requests: HashMap<(Hour, Call), u64>,
}

/// How the bytes of an hour are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Shape {
    pub(crate) members: bool,
    pub(crate) padding: bool,
    pub(crate) content_encoding: bool,
    pub(crate) plain: bool,
    pub(crate) parts: Option<u32>,
    pub(crate) grows: Option<Timestamp>,
}

impl Injector {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { faults, requests: HashMap::new() }
    }

    /// The fault that the next request of this hour meets.
    pub(crate) fn next(&mut self, hour: Hour, call: Call) -> Option<Fault> {
        let count = self.requests.entry((hour, call)).or_default();
        let nth = *count;
        *count += 1;
        let scripted = usize::try_from(nth)
            .ok()
            .and_then(|nth| self.faults.scripted(hour).filter(|fault| fault.call() == call).nth(nth));
        scripted.or_else(|| self.faults.random.iter().find_map(|random| random.nth(hour, call, nth)))
    }

    /// The faults of this hour that last.
    pub(crate) fn shape(&self, hour: Hour) -> Shape {
        let random = self.faults.random.iter().flat_map(|random| random.lasting(hour));
        let lasting = self.faults.scripted(hour).filter(|fault| fault.call() == Call::Shape).chain(random);
        lasting.fold(Shape::default(), Shape::with)
    }
}

impl Shape {
    fn with(mut self, fault: Fault) -> Self {
        match fault {
            Fault::Members => self.members = true,
            Fault::Padding => self.padding = true,
            Fault::ContentEncoding => self.content_encoding = true,
            Fault::Plain => self.plain = true,
            Fault::Parts(parts) => self.parts = Some(parts),
            Fault::Grows(at) => self.grows = Some(at),
            _ => debug_assert!(false, "{fault} does not last"),
        }
        self
    }
}

impl Random {
    fn nth(&self, hour: Hour, call: Call, nth: u64) -> Option<Fault> {
        let salt = nth.wrapping_mul(4).wrapping_add(call as u64);
        let mut dice = Dice::new(self.seed, hour, salt);
        let candidates: Vec<Fault> = self.faults.iter().copied().filter(|fault| fault.call() == call).collect();
        (!candidates.is_empty() && dice.happens(self.probability)).then(|| *dice.one_of(&candidates))
    }

    fn lasting(&self, hour: Hour) -> impl Iterator<Item = Fault> {
        let mut dice = Dice::new(self.seed, hour, u64::MAX);
        let lasting = self.faults.iter().copied().filter(|fault| fault.call() == Call::Shape);
        lasting.filter(move |_| dice.happens(self.probability))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour() -> Hour {
        "2026031409".parse().unwrap()
    }

    #[test]
    fn a_script_is_used_up_in_order() {
        let faults = Faults::none()
            .on_every_hour([Fault::Reset])
            .on(hour(), [Fault::Unavailable, Fault::CutBody, Fault::Parts(2), Fault::Hang]);
        let mut injector = Injector::new(faults);
        let links: Vec<_> = (0..4).map(|_| injector.next(hour(), Call::Link)).collect();
        assert_eq!(links, [Some(Fault::Unavailable), Some(Fault::Hang), Some(Fault::Reset), None]);
        assert_eq!(injector.next(hour(), Call::File), Some(Fault::CutBody));
        assert_eq!(injector.next(hour(), Call::File), None);
        assert_eq!(injector.next(hour().next(), Call::Link), Some(Fault::Reset));
        assert_eq!(injector.shape(hour()).parts, Some(2));
        assert_eq!(injector.shape(hour().next()), Shape::default());
    }

    #[test]
    fn chance_follows_the_seed_and_not_the_order_of_the_hours() {
        let faults = Faults::none().at_random(7, 0.5, [Fault::Unavailable, Fault::Reset, Fault::CutBody]);
        let ask = |injector: &mut Injector, hour| (0..50).map(|_| injector.next(hour, Call::Link)).collect::<Vec<_>>();
        let mut one = Injector::new(faults.clone());
        let mut other = Injector::new(faults);
        let first = ask(&mut one, hour());
        ask(&mut other, hour().next());
        assert_eq!(ask(&mut other, hour()), first);
        assert_ne!(ask(&mut one, hour().next()), first);
        let met = first.iter().flatten().count();
        assert!((10..=40).contains(&met), "{met} of 50");
        assert!(first.iter().flatten().all(|fault| fault.call() == Call::Link));
    }

    #[test]
    fn probability_one_always_happens_and_zero_never() {
        let at = |probability| {
            let faults = Faults::none().at_random(1, probability, [Fault::Reset, Fault::Members]);
            let mut injector = Injector::new(faults);
            (injector.next(hour(), Call::Link), injector.shape(hour()).members)
        };
        assert_eq!(at(1.0), (Some(Fault::Reset), true));
        assert_eq!(at(0.0), (None, false));
    }
}
