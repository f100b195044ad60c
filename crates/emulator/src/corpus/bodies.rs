//! What is said: the eight payload variants, and what apps attach (protocol sections 4.3 and 5).

use std::fmt::Write as _;

use super::phrases::Language;
use crate::dice::Dice;
use crate::json::{quote, quoted};

/// Writes the bodies and the `ext` of ordinary messages.
pub(super) struct Speaker<'a> {
    pub(super) dice: &'a mut Dice,
    pub(super) language: &'static Language,
    /// `https://{host}/{org}/{app}/chatfiles/`.
    pub(super) files: &'a str,
    /// The name of somebody to mention.
    pub(super) peer: &'a str,
}

impl Speaker<'_> {
    /// Appends an array with one body of any type; text is by far the most common.
    pub(super) fn bodies(&mut self, into: &mut String) {
        into.push('[');
        match self.dice.below(1000) {
            0..780 => self.text(into),
            780..865 => self.image(into),
            865..905 => self.audio(into),
            905..925 => self.video(into),
            925..945 => self.file(into),
            945..960 => self.place(into),
            960..973 => self.command(into),
            973..993 => self.custom(into),
            _ => self.combined(into),
        }
        into.push(']');
    }

    /// Appends an object: mostly empty.
    pub(super) fn ext(&mut self, into: &mut String) {
        match self.dice.below(100) {
            0..58 => into.push_str("{}"),
            58..66 => {}
            66..78 => {
                let (locale, seq) = (self.language.locale, self.dice.below(10_000));
                let _infallible = write!(into, r#"{{"locale":"{locale}","seq":{seq}}}"#);
            }
            78..84 => {
                let (nickname, number) = (quoted(self.language.thing(self.dice)), self.dice.below(500));
                let _infallible = write!(
                    into,
                    r#"{{"ease_chat_uikit_user_info":{{"nickname":{nickname},"avatarURL":"https://cdn.example.com/a/{number}.png"}}}}"#
                );
            }
            84..89 => {
                let _infallible = write!(into, r#"{{"em_at_list":["{}"],"em_force_notification":true}}"#, self.peer);
            }
            89..93 => {
                let title = quoted(self.language.place(self.dice));
                let _infallible = write!(into, r#"{{"em_apns_ext":{{"em_push_title":{title},"extern":{{"k":1}}}}}}"#);
            }
            93..95 => into.push_str(r#"{"em_ignore_notification":true}"#),
            95..97 => {
                let (agent, session) = (quoted(self.peer), self.dice.below(100_000));
                let _infallible = write!(
                    into,
                    r#"{{"weichat":{{"msgId":"{}","agent":{{"userNickname":{agent},"avatar":null}},"visitor":null,"ctrlArgs":{{"serviceSessionId":"s-{session}","inviteId":0}}}}}}"#,
                    uuid(self.dice)
                );
            }
            97..99 => {
                let payload = quoted(&format!(r#"{{"a":[1,{},{{"b":"c"}}]}}"#, self.dice.below(100)));
                let _infallible = write!(into, r#"{{"msgtype":"card","payload_json":{payload}}}"#);
            }
            _ => {
                let big = self.dice.number() | 1 << 63;
                let _infallible = write!(
                    into,
                    r#"{{"big":{big},"pi":3.14159265358979,"neg":-0.0,"tiny":1e-09,"空":"值","on":[true,null]}}"#
                );
            }
        }
    }

    pub(super) fn text(&mut self, into: &mut String) {
        let mut said = String::new();
        if self.dice.below(40) == 0 {
            let _infallible = write!(said, "@{} ", self.peer);
        }
        self.language.say(self.dice, &mut said);
        self.text_of(&said, into);
    }

    pub(super) fn text_of(&mut self, said: &str, into: &mut String) {
        into.push_str(r#"{"msg":"#);
        quote(said, into);
        into.push_str(r#","type":"txt"}"#);
    }

    fn image(&mut self, into: &mut String) {
        let (length, width, height) = (4000 + self.dice.below(4_000_000), self.pixels(), self.pixels());
        let (name, secret, url) = (self.file_name(&["jpg", "png", "webp"]), self.secret(), self.url());
        let _infallible = write!(
            into,
            r#"{{"file_length":{length},"filename":{name},{secret}"size":{{"height":{height},"width":{width}}},"type":"img","url":"{url}"}}"#
        );
    }

    fn audio(&mut self, into: &mut String) {
        let seconds = 1 + self.dice.rank(60);
        let (name, secret, url) = (self.file_name(&["amr", "aac"]), self.secret(), self.url());
        let bytes = seconds * 663;
        let _infallible = write!(
            into,
            r#"{{"file_length":{bytes},"filename":{name},"length":{seconds},{secret}"type":"audio","url":"{url}"}}"#
        );
    }

    fn video(&mut self, into: &mut String) {
        let (seconds, width, height) = (1 + self.dice.rank(300), self.pixels(), self.pixels());
        let (name, secret, url, thumb) = (self.file_name(&["mp4", "mov"]), self.secret(), self.url(), self.url());
        let bytes = seconds * 58_103;
        let _infallible = write!(
            into,
            r#"{{"file_length":{bytes},"filename":{name},"length":{seconds},{secret}"size":{{"height":{height},"width":{width}}},"thumb":"{thumb}","thumb_secret":"th{}","type":"video","url":"{url}"}}"#,
            self.dice.below(u64::MAX)
        );
    }

    fn file(&mut self, into: &mut String) {
        let length = self.dice.below(10_000_000);
        let (name, secret, url) = (self.file_name(&["pdf", "zip", "xlsx", "md", "docx"]), self.secret(), self.url());
        let _infallible =
            write!(into, r#"{{"file_length":{length},"filename":{name},{secret}"type":"file","url":"{url}"}}"#);
    }

    fn place(&mut self, into: &mut String) {
        let address = quoted(self.language.place(self.dice));
        let (lat, lng) = (self.dice.below(17_000_000), self.dice.below(35_900_000));
        let _infallible =
            write!(into, r#"{{"addr":{address},"lat":{},"lng":{},"type":"loc"}}"#, decimal(lat, 85), decimal(lng, 179));
    }

    fn command(&mut self, into: &mut String) {
        let action = self.dice.one_of(&["run", "refresh_berths", "typing", "call_invite", "em_retrieve_dns", "ping"]);
        let _infallible = write!(into, r#"{{"action":"{action}","type":"cmd"}}"#);
    }

    fn custom(&mut self, into: &mut String) {
        let event = self.dice.one_of(&["gift_1", "poll", "order/card", "wave", "red-packet"]);
        let (name, size) = (quoted(self.language.thing(self.dice)), 1 + self.dice.below(99));
        let _infallible = match self.dice.below(3) {
            0 => write!(
                into,
                r#"{{"customExts":{{"name":{name},"size":"{size}"}},"customEvent":"{event}","type":"custom"}}"#
            ),
            1 => write!(
                into,
                r#"{{"v2:customExts":{{"name":{name},"size":"{size}"}},"customExts":[{{"name":{name}}},{{"size":"{size}"}}],"customEvent":"{event}","type":"custom"}}"#
            ),
            _ => write!(into, r#"{{"customEvent":"{event}","type":"custom"}}"#),
        };
    }

    fn combined(&mut self, into: &mut String) {
        let mut summary = String::new();
        for _ in 0..2 {
            let _infallible = write!(summary, "{}: ", self.peer);
            self.language.say(self.dice, &mut summary);
            summary.push('\n');
        }
        let (title, summary) = (quoted(self.language.thing(self.dice)), quoted(&summary));
        let (number, secret, url) = (self.dice.below(1 << 54), self.secret(), self.url());
        let level = 1 + self.dice.rank(3);
        let _infallible = write!(
            into,
            r#"{{"combineLevel":{level},"file_length":{},"filename":"{number}","msg":"[{level}]",{secret}"subType":"sub_combine","summary":{summary},"title":{title},"type":"txt","url":"{url}"}}"#,
            500 + number % 5000
        );
    }

    fn pixels(&mut self) -> u64 {
        64 + self.dice.below(4000)
    }

    pub(super) fn url(&mut self) -> String {
        format!("{}{}", self.files, uuid(self.dice))
    }

    /// A member and its comma, or nothing: most uploads restrict access.
    fn secret(&mut self) -> String {
        if self.dice.below(10) == 0 {
            return String::new();
        }
        format!(r#""secret":"FAKE-{:016x}{:016x}","#, self.dice.number(), self.dice.number())
    }

    /// A string literal.
    fn file_name(&mut self, endings: &[&str]) -> String {
        let (number, ending) = (self.dice.below(10_000), *self.dice.one_of(endings));
        match self.dice.below(3) {
            0 => quoted(&format!("{} {number}.{ending}", self.language.thing(self.dice))),
            1 => format!("\"{}.{ending}\"", 1_773_000_000_000 + number * 7919),
            _ => format!("\"IMG_{number:04}.{ending}\""),
        }
    }
}

/// A version 1 UUID, as file ids are.
pub(super) fn uuid(dice: &mut Dice) -> String {
    let (high, low) = (dice.number(), dice.number());
    format!(
        "{:08x}-{:04x}-1{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48 & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// Degrees with five decimals, from `-bound` to `+bound`.
fn decimal(hundred_thousandths: u64, bound: i64) -> String {
    let shifted = hundred_thousandths.cast_signed() - bound * 100_000;
    let sign = if shifted < 0 { "-" } else { "" };
    format!("{sign}{}.{:05}", shifted.abs() / 100_000, shifted.abs() % 100_000)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::phrases::language_of;
    use super::*;

    #[test]
    fn every_variant_is_said_and_is_json() {
        let mut dice = Dice::new(1, "2026031409".parse().unwrap(), 3);
        let language = language_of(&mut dice);
        let mut types = BTreeSet::new();
        let mut exts = BTreeSet::new();
        for _ in 0..5000 {
            let mut speaker =
                Speaker { dice: &mut dice, language, files: "https://a1.example.com/o/a/chatfiles/", peer: "teo-77" };
            let (mut bodies, mut ext) = (String::new(), String::new());
            speaker.bodies(&mut bodies);
            speaker.ext(&mut ext);
            let value: Value = serde_json::from_str(&bodies).expect(&bodies);
            let name =
                if value[0]["subType"] == "sub_combine" { "combine" } else { value[0]["type"].as_str().unwrap() };
            types.insert(name.to_owned());
            if !ext.is_empty() {
                let value: Value = serde_json::from_str(&ext).expect(&ext);
                exts.insert(value.as_object().unwrap().keys().next().cloned());
            }
        }
        let all = ["audio", "cmd", "combine", "custom", "file", "img", "loc", "txt", "video"];
        assert!(types.iter().map(String::as_str).eq(all), "{types:?}");
        assert!(exts.len() >= 8, "{exts:?}");
    }

    #[test]
    fn degrees_have_a_sign_and_five_decimals() {
        assert_eq!(decimal(8_500_000, 85), "0.00000");
        assert_eq!(decimal(8_499_999, 85), "-0.00001");
        assert_eq!(decimal(17_000_000, 85), "85.00000");
    }
}
