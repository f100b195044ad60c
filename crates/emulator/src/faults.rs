//! What goes wrong, on purpose: scripted for an hour, or at random from a seed. Both are the same every time.
//!
//! As a text, `Faults` are parts joined by `;`:
//!
//! | part | meaning |
//! | --- | --- |
//! | `2026031409:503,429=5,cut-body` | the first requests of this hour (UTC) get these, in order |
//! | `every:reset,parts=3` | the same for every hour, after an hour's own |
//! | `random:0.05:503,cut-body` | each further request gets one of these with this probability |
//! | `random:0.05:7:503,cut-body` | the same with a seed |

mod fault;
mod injector;

use std::str::FromStr;

use chat::Hour;

pub use fault::{Call, Fault, FaultError};
pub(crate) use injector::{Injector, Shape};

/// A plan of what goes wrong.
///
/// Faults of a call are used up: the first request of an hour meets the first one, and so on. Faults that shape an hour
/// ([`Call::Shape`]) last, so that the hour's bytes are the same each time they are asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// Faults of one hour, or of every hour.
    script: Vec<(Option<Hour>, Fault)>,
    random: Vec<Random>,
}

/// `0 <= probability <= 1`.
#[derive(Debug, Clone, PartialEq)]
struct Random {
    seed: u64,
    probability: f64,
    faults: Vec<Fault>,
}

impl Faults {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The first requests of this hour meet these faults, in order.
    #[must_use]
    pub fn on(mut self, hour: Hour, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.script.extend(faults.into_iter().map(|fault| (Some(hour), fault)));
        self
    }

    /// The first requests of each hour meet these faults, in order, after the hour's own ones.
    #[must_use]
    pub fn on_every_hour(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.script.extend(faults.into_iter().map(|fault| (None, fault)));
        self
    }

    /// Each request that no script concerns meets, with this probability (taken into `0..=1`), one of these faults.
    ///
    /// What the n-th request of an hour meets depends on the seed alone, not on what other hours were asked for.
    #[must_use]
    pub fn at_random(mut self, seed: u64, probability: f64, faults: impl IntoIterator<Item = Fault>) -> Self {
        let probability = if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) };
        self.random.push(Random { seed, probability, faults: faults.into_iter().collect() });
        self
    }

    /// Both plans, this one first.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.script.extend(other.script);
        self.random.extend(other.random);
        self
    }

    /// The faults that are scripted for this hour: its own, then those of every hour.
    fn scripted(&self, hour: Hour) -> impl Iterator<Item = Fault> {
        let of =
            move |of: Option<Hour>| self.script.iter().filter(move |(hour, _)| *hour == of).map(|(_, fault)| *fault);
        of(Some(hour)).chain(of(None))
    }
}

impl FromStr for Faults {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        text.split(';').map(str::trim).filter(|part| !part.is_empty()).try_fold(Self::none(), with_part)
    }
}

fn with_part(faults: Faults, part: &str) -> Result<Faults, FaultError> {
    let error = || FaultError::plan(part);
    let (when, rest) = part.split_once(':').ok_or_else(error)?;
    match when {
        "every" => Ok(faults.on_every_hour(list(rest)?)),
        "random" => {
            let (probability, rest) = rest.split_once(':').ok_or_else(error)?;
            let probability: f64 = probability.parse().map_err(|_| error())?;
            if !(0.0..=1.0).contains(&probability) {
                return Err(error());
            }
            let seeded = rest.split_once(':').and_then(|(seed, rest)| Some((seed.parse().ok()?, rest)));
            let (seed, rest) = seeded.unwrap_or((0, rest));
            Ok(faults.at_random(seed, probability, list(rest)?))
        }
        hour => Ok(faults.on(hour.parse().map_err(|_| error())?, list(rest)?)),
    }
}

fn list(text: &str) -> Result<Vec<Fault>, FaultError> {
    text.split(',').map(|word| word.trim().parse()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_as_it_is_documented() {
        let hour: Hour = "2026031409".parse().unwrap();
        let plan: Faults =
            "2026031409:503,429=5; every:reset,parts=3;random:0.5:7:cut-body,grows=2026-03-15T12:00".parse().unwrap();
        let grows = Fault::Grows("2026-03-15T12:00:00Z".parse().unwrap());
        let expected = Faults::none()
            .on(hour, [Fault::Unavailable, Fault::RateLimited { retry_after: Some(5) }])
            .on_every_hour([Fault::Reset, Fault::Parts(3)])
            .at_random(7, 0.5, [Fault::CutBody, grows]);
        assert_eq!(plan, expected);
        assert_eq!("".parse(), Ok(Faults::none()));
    }

    #[test]
    fn what_is_no_plan_is_named_in_the_error() {
        for text in ["503", "2026031409", "2026-13-01:503", "random:2:503", "random:x:503", "every:504x", "every:"] {
            let error = text.parse::<Faults>().expect_err(text).to_string();
            assert!(error.contains(text.trim_start_matches("every:")), "{error}");
        }
    }
}
