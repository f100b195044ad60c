//! What is said in sixty days, when its files appear at the service, and what becomes of them there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chat::{Hour, Hours, Timestamp};

use crate::dice::Dice;

/// Days in which something is said.
pub(crate) const DAYS: i64 = 60;

/// What tells one message from another: its id and its text.
pub(crate) type Row = (String, String);

/// All that is said, and where the service has it.
pub(crate) struct World {
    /// The first hour.
    pub(crate) first: Hour,
    /// The busy hours.
    lives: BTreeMap<Hour, Vec<Version>>,
    /// The folder that the service reads.
    folder: PathBuf,
    /// Which version of an hour lies there.
    shown: BTreeMap<Hour, usize>,
}

/// The files of an hour, from a moment on until the next version takes their place.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    from: Timestamp,
    /// Without parts, the service has no file (any more).
    pub(crate) parts: Vec<Vec<Line>>,
}

/// A line of an hour file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// A message, with its time in seconds after the beginning of the hour.
    Message { id: String, text: String, second: u64 },
    /// The same message once more, spelled in another way.
    Copy { id: String, text: String, second: u64 },
    /// No JSON object.
    Foreign,
    /// White space.
    Blank,
}

/// What a version is to become: rows, and lines of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) rows: BTreeSet<Row>,
    pub(crate) lines: u64,
    pub(crate) duplicates: u64,
    pub(crate) dead_letters: u64,
    pub(crate) blank_lines: u64,
}

impl World {
    /// Draws a world, whose files will lie in this folder. Nothing is there yet.
    pub(crate) fn draw(seed: u64, folder: PathBuf) -> Self {
        let mut dice = Dice::new(seed, 1);
        let first = Hour::from_key("2026010100").expect("ten digits");
        // Few enough that hundreds of such worlds are affordable, many enough that busy hours come side by side.
        let busy_a_day = dice.between(1, 3);
        let mut lives = BTreeMap::new();
        let mut was_busy = false;
        for hour in Hours::between(first, first.plus(24 * DAYS)) {
            let chance = if was_busy { 30 } else { busy_a_day * 3 };
            was_busy = dice.percent(chance);
            if was_busy {
                lives.insert(hour, life(&mut dice, hour));
            }
        }
        fs::create_dir_all(&folder).expect("the folder of the test can be written");
        Self { first, lives, folder, shown: BTreeMap::new() }
    }

    /// The folder that the service reads.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Which version of an hour the service has at a time; `None` when nobody said anything, or no file has appeared.
    pub(crate) fn version_at(&self, hour: Hour, now: Timestamp) -> Option<usize> {
        self.lives.get(&hour)?.iter().rposition(|version| version.from <= now)
    }

    /// A version of a busy hour.
    pub(crate) fn version(&self, hour: Hour, number: usize) -> &Version {
        &self.lives[&hour][number]
    }

    /// Whether the service has files of an hour at a time.
    pub(crate) fn has_files(&self, hour: Hour, now: Timestamp) -> bool {
        self.version_at(hour, now).is_some_and(|number| !self.version(hour, number).parts.is_empty())
    }

    /// Lets the service's folder be as it is at this time. Hours that ended so long ago are taken away.
    pub(crate) fn show(&mut self, now: Timestamp, kept: Duration) {
        let newest = Hour::containing(now);
        let oldest = Hour::containing(now - kept).plus(-2);
        let mut shown = BTreeMap::new();
        for (hour, _) in self.lives.range(oldest..newest) {
            if let Some(number) = self.version_at(*hour, now) {
                shown.insert(*hour, number);
            }
        }
        for (hour, number) in &self.shown {
            if shown.get(hour) != Some(number) {
                self.write(*hour, *number, |path, _| fs::remove_file(path));
            }
        }
        for (hour, number) in &shown {
            if self.shown.get(hour) != Some(number) {
                self.write(*hour, *number, |path, text| fs::write(path, text));
            }
        }
        self.shown = shown;
    }

    fn write(&self, hour: Hour, number: usize, what: impl Fn(&Path, String) -> std::io::Result<()>) {
        for (part, lines) in self.version(hour, number).parts.iter().enumerate() {
            let path = self.folder.join(format!("{}-{part}.ndjson", hour.key()));
            let text = lines.iter().map(|line| line.text(hour)).collect();
            what(&path, text).expect("the folder of the test can be written");
        }
    }
}

impl Version {
    /// What it is to become.
    pub(crate) fn content(&self) -> Content {
        let mut content = Content::default();
        for line in self.parts.iter().flatten() {
            content.lines += 1;
            match line {
                Line::Foreign => content.dead_letters += 1,
                Line::Blank => content.blank_lines += 1,
                Line::Message { id, text, .. } | Line::Copy { id, text, .. } => {
                    content.duplicates += u64::from(!content.rows.insert((id.clone(), text.clone())));
                }
            }
        }
        content
    }
}

impl Line {
    fn text(&self, hour: Hour) -> String {
        let time =
            |second: &u64| hour.start().timestamp_millis() + i64::try_from(second * 1000).expect("within an hour");
        match self {
            Self::Message { id, text, second } => format!(
                "{{\"msg_id\":\"{id}\",\"timestamp\":{},\"chat_type\":\"chat\",\"from\":\"noor\",\"to\":\"wren\",\
                 \"payload\":{{\"bodies\":[{{\"type\":\"txt\",\"msg\":\"{text}\"}}]}}}}\n",
                time(second)
            ),
            Self::Copy { id, text, second } => format!(
                "{{ \"to\":\"wren\", \"from\":\"noor\", \"chat_type\":\"chat\", \"timestamp\":{}, \"msg_id\":\"{id}\", \
                 \"payload\":{{\"bodies\":[{{\"msg\":\"{text}\", \"type\":\"txt\"}}]}}}}\r\n",
                time(second)
            ),
            Self::Foreign => "{\"msg_id\":\"17\", this is no JSON\n".to_owned(),
            Self::Blank => "  \n".to_owned(),
        }
    }
}

/// The versions of a busy hour, in the order in which they come.
fn life(dice: &mut Dice, hour: Hour) -> Vec<Version> {
    let after = match dice.below(100) {
        0..=84 => dice.minutes(30, 120),
        85..=97 => dice.minutes(120, 20 * 60),
        _ => dice.minutes(20 * 60, 30 * 60),
    };
    let mut serial = 0;
    let mut version = Version { from: hour.end() + after, parts: first_parts(dice, hour, &mut serial) };
    let mut versions = vec![version.clone()];
    while versions.len() < 4 && dice.percent(30) {
        version.from += dice.minutes(60, 30 * 60);
        change(dice, hour, &mut version.parts, &mut serial);
        versions.push(version.clone());
    }
    versions
}

fn first_parts(dice: &mut Dice, hour: Hour, serial: &mut u64) -> Vec<Vec<Line>> {
    let parts = if dice.percent(6) { dice.between(2, 3) } else { 1 };
    let mut parts: Vec<Vec<Line>> = (0..parts).map(|_| Vec::new()).collect();
    // A file without a single message exists too.
    let most = if dice.percent(3) { 0 } else { dice.between(1, 6) };
    for _ in 0..most {
        say(dice, hour, &mut parts, serial);
    }
    parts
}

/// Adds lines to one of the parts.
fn say(dice: &mut Dice, hour: Hour, parts: &mut [Vec<Line>], serial: &mut u64) {
    *serial += 1;
    let place = usize::try_from(dice.below(parts.len() as u64)).expect("few parts");
    let (id, text) = (format!("{}{serial:03}", hour.key()), format!("tide {} at pier {serial}", dice.below(1000)));
    let second = dice.below(3600);
    parts[place].push(Line::Message { id: id.clone(), text: text.clone(), second });
    match dice.below(100) {
        0..=7 => parts[place].push(Line::Copy { id, text, second }),
        // The same id with other words: both are kept.
        8..=11 => parts[place].push(Line::Message { id, text: format!("{text}, mended"), second }),
        12..=17 => parts[place].push(Line::Foreign),
        18..=21 => parts[place].push(Line::Blank),
        _ => {}
    }
}

/// Lets an hour's file become another one.
fn change(dice: &mut Dice, hour: Hour, parts: &mut Vec<Vec<Line>>, serial: &mut u64) {
    if parts.is_empty() {
        *parts = first_parts(dice, hour, serial);
        return;
    }
    match dice.below(100) {
        // Lines vanish.
        0..=14 => {
            for part in &mut *parts {
                part.truncate(part.len() / 2);
            }
        }
        // A message says something else now.
        15..=24 => {
            for line in parts.iter_mut().flatten().take(1) {
                if let Line::Message { text, .. } = line {
                    text.push_str(", I meant to say");
                }
            }
        }
        // The file is gone, long before its time.
        25..=28 => parts.clear(),
        // One part becomes two.
        29..=32 => parts.push(Vec::new()),
        _ => {}
    }
    if !parts.is_empty() && dice.percent(85) {
        for _ in 0..dice.between(1, 3) {
            say(dice, hour, parts, serial);
        }
    }
}
