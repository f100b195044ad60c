//! Messages to write, and files of them.

use std::borrow::Cow;

use archive::{Key, Settings, Writer, Written};
use chat::{BodyType, Hour, Message, Position, Sink as _, Timestamp};

pub(crate) fn hour() -> Hour {
    Hour::from_key("2026031409").unwrap()
}

pub(crate) fn position(line: u64) -> Position {
    Position { source_hour: hour(), part: 0, line }
}

pub(crate) fn millis(millis: i64) -> Timestamp {
    Timestamp::from_timestamp_millis(millis).unwrap()
}

/// What finds a message in a file.
pub(crate) fn key(message: &Message<'_>) -> Key {
    let position = message.position;
    Key { source_hour: position.source_hour, sent_at: message.sent_at, part: position.part, line: position.line }
}

/// An hour of ordinary chat: `count` messages, evenly over the hour, in the order of their time.
pub(crate) fn ordinary_hour(hour: Hour, count: u64) -> Vec<Message<'static>> {
    (0..count).map(|index| ordinary(hour, index, count)).collect()
}

fn ordinary(hour: Hour, index: u64, count: u64) -> Message<'static> {
    let noise = index.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xD1B5_4A32_D192_ED03);
    let sent_at = millis(hour.start().timestamp_millis() + i64::try_from(index * 3_600_000 / count).unwrap());
    let mut message = Message::at(Position { source_hour: hour, part: 0, line: index + 1 });
    message.msg_id = Some(Cow::Owned(format!("{}", id_of(sent_at) + noise % 1_000)));
    message.sent_at = Some(sent_at);
    message.chat_type = Some(Cow::Borrowed(if noise.is_multiple_of(3) { "chat" } else { "groupchat" }));
    message.sender = Some(Cow::Owned(format!("user-{}", noise % 997)));
    message.recipient = Some(Cow::Owned(format!("2319044177{}", noise % 211)));
    message.conversation = Some(Cow::Owned(format!("groupchat:2319044177{}", noise % 211)));
    message.direction = Some(Cow::Borrowed("outgoing"));
    message.body_type = Some(BodyType::Txt);
    message.text = Some(Cow::Owned(format!("潮汐表 {noise:x} of slipway {}", noise % 31)));
    message.ext = Some(Cow::Owned(format!(r#"{{"seq":{},"trace":"{noise:016x}"}}"#, noise % 5_000)));
    message
}

/// As the service makes ids: they grow with time (protocol section 4.1).
fn id_of(sent_at: Timestamp) -> u64 {
    let since_2014 = u64::try_from(sent_at.timestamp_millis() - 1_417_564_800_000).unwrap();
    (since_2014 / 1_000) << 32 | (since_2014 % 1_000) << 22
}

/// Settings under which few messages make many row groups and pages.
pub(crate) fn small() -> Settings {
    Settings { row_group_rows: 4_000, page_rows: 100, ..Settings::default() }
}

pub(crate) fn write(messages: &[Message<'_>], settings: Settings) -> Written<Vec<u8>> {
    let mut writer = Writer::new(Vec::new(), tempfile::tempfile, settings).unwrap();
    messages.chunks(1_000).for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap()
}

pub(crate) fn file_of(messages: &[Message<'_>]) -> Vec<u8> {
    write(messages, Settings::default()).out
}
