//! An hour, line after line.

use std::io::{self, Write};

use chat::Hour;

use super::bodies::Speaker;
use super::{Counts, LANDMARKS, Options, oddities, people};
use crate::dice::Dice;
use crate::json;
use crate::record::{Order, Record};

/// Writes the lines of one hour. Every line is a slot of `0..total`; the time of a slot lies in its share of the hour.
pub(super) struct HourWriter<'a> {
    options: &'a Options,
    hour: Hour,
    total: u64,
    /// The slot that is written next; `slot <= total`.
    slot: u64,
    landmark: Option<(u64, &'static str)>,
    /// Whether the last line goes without an end.
    unterminated: bool,
    dice: Dice,
    files: String,
    counts: Counts,
    last_id: LastId,
    record: Record,
    peer: String,
    line: String,
    remembered: Remembered,
    out: &'a mut dyn Write,
}

/// The millisecond of the newest id, and how many ids it has.
#[derive(Debug, Default)]
struct LastId {
    time: i64,
    sequence: u64,
}

/// A record that stood in the hour before, for those that come again and those that speak of others.
#[derive(Debug, Default)]
struct Remembered {
    id: String,
    line: String,
    /// The same record with its keys in another order.
    reordered: String,
}

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Blank,
    /// This slot and the next: one id, two contents.
    Conflict,
    DeadLetter,
    Duplicate,
    /// This slot and the next, on one line.
    Glued,
    Record,
    Reordered,
    /// This slot and the next, in the wrong order.
    Swapped,
}

impl<'a> HourWriter<'a> {
    pub(super) fn new(options: &'a Options, hour: Hour, out: &'a mut dyn Write) -> Self {
        let total = options.lines(hour);
        let mut dice = Dice::new(options.seed, hour, LINES);
        let landmark = LANDMARKS.iter().find(|(of_day, _)| *of_day == hour.of_day());
        Self {
            options,
            hour,
            total,
            slot: 0,
            landmark: landmark.map(|(_, text)| (total / 2, *text)),
            unterminated: dice.per_million(options.rates.unterminated),
            dice,
            files: format!("https://a1.example.com/{}/{}/chatfiles/", options.app.org(), options.app.name()),
            counts: Counts::default(),
            last_id: LastId::default(),
            record: Record::default(),
            peer: String::new(),
            line: String::new(),
            remembered: Remembered::default(),
            out,
        }
    }

    pub(super) fn run(mut self) -> io::Result<Counts> {
        if self.total > 0 && self.dice.per_million(self.options.rates.bom) {
            self.put("\u{feff}".as_bytes())?;
        }
        while self.slot < self.total {
            match self.landmark {
                Some((slot, text)) if slot == self.slot => self.landmark(text)?,
                _ => self.slot()?,
            }
        }
        self.out.flush()?;
        Ok(self.counts)
    }

    fn slot(&mut self) -> io::Result<()> {
        match self.choose() {
            Slot::Blank => self.blank(),
            Slot::Conflict => self.conflict(),
            Slot::DeadLetter => self.dead_letter(),
            Slot::Duplicate => self.again(Order::Today),
            Slot::Glued => self.pair(Slot::Glued),
            Slot::Record => {
                let line = self.message();
                self.end(line)
            }
            Slot::Reordered => self.again(Order::Documented),
            Slot::Swapped => self.pair(Slot::Swapped),
        }
    }

    /// Pairs need a second slot that is no landmark, repetitions something to repeat.
    fn choose(&mut self) -> Slot {
        let rates = self.options.rates;
        let paired = self.slot + 1 < self.total && self.landmark.is_none_or(|(slot, _)| slot != self.slot + 1);
        let repeatable = !self.remembered.line.is_empty();
        let chances = [
            (rates.blank_lines, Slot::Blank, true),
            (rates.conflicts, Slot::Conflict, paired),
            (rates.dead_letters, Slot::DeadLetter, true),
            (rates.duplicates, Slot::Duplicate, repeatable),
            (rates.glued, Slot::Glued, paired),
            (rates.reordered, Slot::Reordered, repeatable),
            (rates.swapped, Slot::Swapped, paired),
        ];
        let mut thrown = self.dice.below(1_000_000);
        for (rate, slot, possible) in chances {
            match thrown.checked_sub(u64::from(rate)) {
                None => return if possible { slot } else { Slot::Record },
                Some(rest) => thrown = rest,
            }
        }
        Slot::Record
    }

    fn landmark(&mut self, text: &str) -> io::Result<()> {
        self.begin();
        self.record.chat_type = "groupchat";
        self.record.from.push_str("keeper");
        people::group(0, &mut self.record.to);
        self.record.ext.push_str("{}");
        let quoted = json::quoted(text);
        self.record.bodies = format!(r#"[{{"msg":{quoted},"type":"txt"}}]"#);
        self.counts.messages += 1;
        let line = self.written(Order::Today);
        self.end(line)
    }

    fn blank(&mut self) -> io::Result<()> {
        self.slot += 1;
        self.counts.lines += 1;
        self.counts.blank_lines += 1;
        let line = self.dice.one_of(&["\n", "  \n", "\r\n", "\t\n"]);
        self.put(line.as_bytes())
    }

    fn dead_letter(&mut self) -> io::Result<()> {
        self.begin();
        self.ordinary();
        let record = self.written(Order::Today);
        let mut line = Vec::new();
        oddities::dead_letter(&record, &mut self.dice, &mut line);
        self.line = record;
        self.counts.dead_letters += 1;
        self.end_bytes(&line)
    }

    fn again(&mut self, order: Order) -> io::Result<()> {
        self.slot += 1;
        self.counts.lines += 1;
        self.counts.duplicates += 1;
        let line = match order {
            Order::Documented => self.remembered.reordered.clone(),
            Order::Today => self.remembered.line.clone(),
        };
        self.end_bytes(line.as_bytes())
    }

    fn pair(&mut self, how: Slot) -> io::Result<()> {
        let first = self.message();
        let second = self.message();
        match how {
            Slot::Swapped => {
                self.end_bytes(second.as_bytes())?;
                self.end(first)
            }
            _ => {
                self.put(first.as_bytes())?;
                self.end(second)
            }
        }
    }

    fn conflict(&mut self) -> io::Result<()> {
        self.begin();
        self.ordinary();
        self.counts.messages += 2;
        self.counts.conflicts += 1;
        let line = self.written(Order::Today);
        self.end(line)?;
        self.slot += 1;
        self.counts.lines += 1;
        self.record.bodies = r#"[{"msg":"the same id, another text","type":"txt"}]"#.to_owned();
        let line = self.written(Order::Today);
        self.end(line)
    }

    /// One record, ordinary or odd, as a line without its end.
    fn message(&mut self) -> String {
        self.begin();
        self.ordinary();
        self.counts.messages += 1;
        let rates = self.options.rates;
        if self.dice.per_million(rates.strays) {
            self.stray();
        } else if self.dice.per_million(rates.odd_shapes) {
            self.odd();
        } else if self.dice.per_million(rates.events) && !self.remembered.id.is_empty() {
            oddities::event(&mut self.record, &self.remembered.id, &mut self.dice);
        }
        let documented = self.record.time_is_text || self.dice.below(12) == 0;
        let (order, other) =
            if documented { (Order::Documented, Order::Today) } else { (Order::Today, Order::Documented) };
        let mut line = self.written(order);
        if self.dice.per_million(rates.escaped) {
            line = json::escaped(&line);
        }
        if self.dice.below(REMEMBERED_OF) == 0 || self.remembered.line.is_empty() {
            self.remember(&line, other);
        }
        line
    }

    fn remember(&mut self, line: &str, other: Order) {
        self.remembered.line.clear();
        self.remembered.line.push_str(line);
        self.remembered.reordered.clear();
        self.record.write(other, &mut self.remembered.reordered);
        self.remembered.id.clone_from(&self.record.id);
    }

    /// Takes the next slot: a fresh record with its time and id.
    fn begin(&mut self) {
        let within = (self.slot * HOUR_MILLISECONDS + self.dice.below(HOUR_MILLISECONDS)) / self.total;
        self.slot += 1;
        self.counts.lines += 1;
        let time = self.hour.start().timestamp_millis() + within.cast_signed();
        self.record.clear();
        self.record.time = time;
        self.last_id.next(time, &mut self.dice, &mut self.record.id);
    }

    /// Who says what to whom.
    fn ordinary(&mut self) {
        let Options { seed, users, groups, rooms, .. } = *self.options;
        let user = self.dice.rank(users);
        let friend = people::friend(user, users, &mut self.dice);
        people::user(user, &mut self.record.from);
        self.peer.clear();
        people::user(friend, &mut self.peer);
        let language = match self.dice.below(100) {
            0..38 if groups > 0 => self.in_group(groups),
            38..50 if rooms > 0 => {
                let room = self.dice.rank(rooms);
                self.record.chat_type = "chatroom";
                people::room(room, &mut self.record.to);
                people::language_of_group(seed, room | 1 << 63)
            }
            _ => {
                self.record.chat_type = "chat";
                self.record.to.push_str(&self.peer);
                people::language_of_user(seed, user)
            }
        };
        let mut speaker = Speaker { dice: &mut self.dice, language, files: &self.files, peer: &self.peer };
        speaker.bodies(&mut self.record.bodies);
        speaker.ext(&mut self.record.ext);
    }

    fn in_group(&mut self, groups: u64) -> &'static super::phrases::Language {
        let group = self.dice.rank(groups);
        self.record.chat_type = "groupchat";
        if self.dice.below(60) == 0 && !self.remembered.id.is_empty() {
            people::thread(group, &mut self.record.to);
            self.record.payload_type = "groupchat";
            let mut parent = String::new();
            people::group(group, &mut parent);
            self.record.meta = format!(
                r#"{{"thread":{{"msg_parent_id":"{}","thread_name":"tide gauge","muc_parent_id":"{parent}"}}}}"#,
                self.remembered.id
            );
        } else {
            people::group(group, &mut self.record.to);
        }
        people::language_of_group(self.options.seed, group)
    }

    /// Imported years later, or stamped just after the hour.
    fn stray(&mut self) {
        self.counts.strays += 1;
        if self.dice.below(2) == 0 {
            self.record.time -= YEAR_MILLISECONDS + self.dice.below(5 * YEAR_MILLISECONDS.unsigned_abs()).cast_signed();
            self.record.id = (10_000_000_000_000 + self.unique() % 80_000_000_000_000).to_string();
        } else {
            self.record.time = self.hour.end().timestamp_millis() + self.dice.below(5000).cast_signed();
        }
    }

    fn odd(&mut self) {
        let shape = self.dice.below(oddities::SHAPES);
        let unique = self.unique();
        let language = people::language_of_user(self.options.seed, shape);
        let mut speaker = Speaker { dice: &mut self.dice, language, files: &self.files, peer: &self.peer };
        oddities::bend(&mut self.record, shape, &self.options.app, unique, &mut speaker);
    }

    /// A number that no other record of this hour has, nor of another hour with fewer than ten million lines.
    fn unique(&self) -> u64 {
        self.hour.number().unsigned_abs() * 10_000_000 + self.slot
    }

    /// The record as a line, in a buffer that [`Self::end`] takes back.
    fn written(&mut self, order: Order) -> String {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        self.record.write(order, &mut line);
        line
    }

    fn end(&mut self, line: String) -> io::Result<()> {
        self.end_bytes(line.as_bytes())?;
        self.line = line;
        Ok(())
    }

    fn end_bytes(&mut self, line: &[u8]) -> io::Result<()> {
        self.put(line)?;
        if self.slot == self.total && self.unterminated {
            return Ok(());
        }
        let end: &[u8] = if self.dice.per_million(self.options.rates.carriage_returns) { b"\r\n" } else { b"\n" };
        self.put(end)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.counts.bytes += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// The purpose of the dice that write lines.
const LINES: u64 = 2;
const HOUR_MILLISECONDS: u64 = 3_600_000;
const YEAR_MILLISECONDS: i64 = 365 * 24 * 3_600_000;
/// One record in so many is remembered: repetitions stand up to some dozens of lines after the first.
const REMEMBERED_OF: u64 = 16;

impl LastId {
    /// Appends the id of a record of this time, greater than every one before (protocol section 1.5).
    fn next(&mut self, time: i64, dice: &mut Dice, into: &mut String) {
        self.sequence = if time == self.time { self.sequence + 1 } else { 0 };
        self.time = time;
        let seconds = (time.div_euclid(1000) - ID_EPOCH).unsigned_abs();
        let milliseconds = time.rem_euclid(1000).unsigned_abs();
        // The machine, below the sequence, does not disturb the order.
        let low = self.sequence << 12 | dice.below(8) << 2;
        let id = seconds << 32 | milliseconds << 22 | low;
        into.push_str(&id.to_string());
    }
}

/// 2014-12-03T00:00:00Z, from which the time inside an id counts.
const ID_EPOCH: i64 = 1_417_564_800;
