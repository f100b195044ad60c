//! When the job runs, and what stands in its way.

use std::time::Duration;

use chat::{Hour, Timestamp};
use emulator::{Fault, Faults};

use crate::dice::Dice;
use crate::world::DAYS;

/// What happens in one night.
#[derive(Debug, Clone)]
pub(crate) enum Night {
    /// The job does not run.
    Off,
    /// The service cannot be reached at all.
    Unreachable,
    /// The service runs, with these faults.
    Served(Faults, Trouble),
}

/// How much goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// Some requests fail.
    Some,
    /// Every call fails.
    All,
    /// The run is told to stop when so many hours had their turn, and another one follows. Nothing else.
    Stop(u64),
}

/// A service and the habits that it is thought to have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// How long after its end an hour is not there yet.
    pub(crate) ready_after: Duration,
    /// How long it keeps an hour; most keep to what they say.
    pub(crate) retention: Duration,
}

const HOUR: Duration = Duration::from_secs(3600);
/// What the settings say.
pub(crate) const RETENTION: Duration = Duration::from_secs(72 * 3600);

impl Service {
    /// Draws a service.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 2);
        let ready_after = dice.one_of(&[HOUR / 2, HOUR, HOUR, HOUR, 3 * HOUR]);
        let retention = match dice.below(16) {
            0 => RETENTION - 9 * HOUR,
            1 => RETENTION + 20 * HOUR,
            _ => RETENTION,
        };
        Self { ready_after, retention }
    }
}

/// Draws the nights of a seed: when, and what happens.
pub(crate) fn draw(seed: u64, first: Hour) -> Vec<(Timestamp, Night)> {
    let mut dice = Dice::new(seed, 3);
    let shapes = Shapes { seed: dice.number(), show_damage: dice.percent(70) };
    let mut outage: Option<(Night, u64)> = None;
    let night = |day: i64| {
        // Ten past two, but the machine sleeps late now and then.
        let time = first.plus(24 * day + 2).start() + Duration::from_secs(600);
        let time = time + if dice.percent(20) { dice.minutes(0, 4 * 60) } else { dice.minutes(0, 2) };
        let (night, left) = match outage.take() {
            Some((night, left)) if left > 0 => (night, left),
            _ => (Night::Off, 0),
        };
        if left > 0 {
            outage = Some((night.clone(), left - 1));
            return (time, night);
        }
        let length = if dice.percent(10) { 4 } else { dice.between(1, 2) };
        let night = match dice.below(100) {
            0..=3 => Night::Off,
            4..=5 => Night::Unreachable,
            6..=7 => Night::Served(Faults::none().at_random(0, 1.0, [Fault::Unavailable]), Trouble::All),
            _ => return (time, served(&mut dice, &shapes)),
        };
        outage = Some((night.clone(), length - 1));
        (time, night)
    };
    // The first night comes when there is more to fetch than the service still has.
    (4..DAYS + 4).map(night).collect()
}

/// How the files of a world are packed: each hour's in its own way, which stays.
struct Shapes {
    seed: u64,
    /// Whether damage to a file can be seen. A plain file has no check sum, and of a padded one the padding may be cut.
    show_damage: bool,
}

/// A night on which the service works, more or less.
fn served(dice: &mut Dice, shapes: &Shapes) -> Night {
    let shape = if shapes.show_damage { [Fault::Members, Fault::Parts(2)] } else { [Fault::Plain, Fault::Padding] };
    let lasting = Faults::none().at_random(shapes.seed, 0.1, shape.into_iter().chain([Fault::ContentEncoding]));
    let probability = dice.one_of(&[0.0, 0.0, 0.02, 0.02, 0.1, 0.3]);
    let trouble = match dice.below(100) {
        _ if probability > 0.0 => Trouble::Some,
        0..=14 => Trouble::Stop(dice.below(40)),
        _ => Trouble::None,
    };
    let is_damage = |fault: &Fault| matches!(fault, Fault::TruncatedGzip | Fault::BadCrc);
    let passing = PASSING.into_iter().filter(|fault| shapes.show_damage || !is_damage(fault));
    Night::Served(lasting.and(Faults::none().at_random(dice.number(), probability, passing)), trouble)
}

/// Every fault that is used up by one request and makes nobody wait.
const PASSING: [Fault; 15] = [
    Fault::Unauthorized,
    Fault::RateLimited { retry_after: None },
    Fault::ServerError,
    Fault::BadGateway,
    Fault::Unavailable,
    Fault::TooManyQueries,
    Fault::Reset,
    Fault::CutAnswer,
    Fault::ExpiredLink,
    Fault::FileServerError,
    Fault::FileUnavailable,
    Fault::FileReset,
    Fault::CutBody,
    Fault::TruncatedGzip,
    Fault::BadCrc,
];
