//! Who talks to whom.

use std::fmt::Write as _;

use chat::Hour;

use super::phrases::{self, Language};
use crate::dice::Dice;

const FIRST: [&str; 48] = [
    "mara", "teo", "lin", "samira", "ondine", "kestrel", "ivo", "priya", "jonas", "wei", "yuki", "minjun", "noor",
    "alma", "tariq", "ines", "bao", "chen", "dara", "emre", "freya", "goran", "hana", "isla", "jin", "kofi", "lotte",
    "mei", "nadia", "omar", "pavel", "quinn", "rosa", "sven", "tuan", "uma", "vera", "wren", "xia", "yara", "zane",
    "anouk", "birk", "ceyda", "dmitri", "eun", "fatima", "gus",
];
const LAST: [&str; 24] = [
    "voss", "qiao", "nadir", "quill", "okafor", "lund", "sato", "park", "reyes", "haddad", "wang", "silva", "meyer",
    "novak", "tran", "cohen", "moreau", "kaya", "singh", "berg", "zhou", "mori", "diaz", "aalto",
];

/// Appends the name of a user; every number has its own.
pub(super) fn user(number: u64, into: &mut String) {
    let names = (FIRST.len() * LAST.len()) as u64;
    let (round, within) = (number / names, place(number % names));
    let nth = within % FIRST.len();
    // Neighbours are no family: each first name begins its row of last names elsewhere.
    let (first, last) = (FIRST[nth], LAST[(within / FIRST.len() + nth * 5) % LAST.len()]);
    let _infallible = match (number % 5, round) {
        (0 | 1, 0) => write!(into, "{first}_{last}"),
        (2, 0) => write!(into, "{first}.{last}"),
        (3, 0) => write!(into, "{first}-{last}"),
        (_, 0) => write!(into, "{first}{last}"),
        (0 | 1, _) => write!(into, "{first}_{last}_{round}"),
        (2, _) => write!(into, "guest_{number}"),
        _ => write!(into, "{first}.{last}-{round}"),
    };
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

/// Appends the id of a group: 15 digits.
pub(super) fn group(number: u64, into: &mut String) {
    let _infallible = write!(into, "{}", 231_900_000_000_000 + number * ID_STEP);
}

/// Appends the id of a room, never that of a group.
pub(super) fn room(number: u64, into: &mut String) {
    let _infallible = write!(into, "{}", 251_900_000_000_000 + number * ID_STEP);
}

/// Appends the id of a thread within a group.
pub(super) fn thread(number: u64, into: &mut String) {
    let _infallible = write!(into, "{}", 271_900_000_000_000 + number * ID_STEP);
}

/// Ids of groups that were made one after the other are not neighbours.
const ID_STEP: u64 = 65_537;

/// The other user of a conversation: everybody has a few friends, and writes to some more than to others.
pub(super) fn friend(user: u64, users: u64, dice: &mut Dice) -> u64 {
    let nth = dice.rank(12);
    let friend = user.wrapping_mul(7).wrapping_add(nth * 13 + 1) % users.max(1);
    if friend == user { (user + 1) % users.max(1) } else { friend }
}

/// The language of a user, the same in every hour.
pub(super) fn language_of_user(seed: u64, user: u64) -> &'static Language {
    phrases::language_of(&mut Dice::new(seed ^ USER, Hour::from_number(0), user))
}

/// The language of a group or room.
pub(super) fn language_of_group(seed: u64, group: u64) -> &'static Language {
    phrases::language_of(&mut Dice::new(seed ^ GROUP, Hour::from_number(0), group))
}

const USER: u64 = 0x75_73_65_72;
const GROUP: u64 = 0x67_72_6f_75;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn name(write: fn(u64, &mut String), number: u64) -> String {
        let mut name = String::new();
        write(number, &mut name);
        name
    }

    #[test]
    fn every_user_has_a_name_of_their_own_that_the_service_allows() {
        let names: HashSet<_> = (0..10_000).map(|number| name(user, number)).collect();
        assert_eq!(names.len(), 10_000);
        for name in names {
            let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
            assert!(name.len() <= 64 && name.bytes().all(allowed), "{name}");
        }
    }

    #[test]
    fn groups_rooms_and_threads_never_share_an_id() {
        let kinds: [fn(u64, &mut String); 3] = [group, room, thread];
        let ids: HashSet<_> = kinds.iter().flat_map(|kind| (0..1000).map(|number| name(*kind, number))).collect();
        assert_eq!(ids.len(), 3000);
        assert!(ids.iter().all(|id| id.len() == 15));
    }

    #[test]
    fn nobody_talks_to_themselves() {
        let mut dice = Dice::new(0, Hour::from_number(0), 0);
        for user in 0..100 {
            assert_ne!(friend(user, 100, &mut dice), user);
        }
        assert_eq!(friend(0, 1, &mut dice), 0, "unless they are alone");
    }
}
