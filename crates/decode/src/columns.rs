//! Which columns say what a member of a record says.

use crate::record::{Field, Level};
use crate::surplus::Place;

/// The columns that say what this member of a record says. `rest` then keeps the member only where it was written in another
/// way than the columns write it.
///
/// There are none for an object whose members have columns. `None` for a member that `rest` keeps wherever it is.
#[must_use]
pub fn columns_of(place: Place, member: &str) -> Option<&'static [&'static str]> {
    let level = match place {
        Place::Record => Level::Record,
        Place::Payload => Level::Payload,
        Place::Body => Level::Body,
        Place::BodyType | Place::Ext => return None,
    };
    let (field, _) = level.fields().iter().find(|(_, key)| *key == member)?;
    columns(*field)
}

fn columns(field: Field) -> Option<&'static [&'static str]> {
    Some(match field {
        Field::Payload | Field::Bodies => &[],
        Field::ChatType => &["chat_type"],
        Field::From | Field::PayloadFrom => &["sender"],
        Field::To | Field::PayloadTo => &["recipient"],
        Field::MsgId => &["msg_id"],
        Field::Timestamp => &["sent_at"],
        Field::Direction => &["direction"],
        Field::Ext => &["ext"],
        Field::Type | Field::SubType => &["body_type"],
        Field::Msg | Field::Title | Field::Summary => &["text"],
        Field::Url => &["url"],
        Field::Secret => &["secret"],
        Field::Filename => &["filename"],
        Field::FileLength => &["file_length"],
        Field::Length => &["duration_s"],
        Field::Size => &["width", "height"],
        Field::Thumb => &["thumb_url"],
        Field::ThumbSecret => &["thumb_secret"],
        Field::Lat => &["lat"],
        Field::Lng => &["lng"],
        Field::Addr => &["addr"],
        Field::Action => &["action"],
        Field::CustomEvent => &["custom_event"],
        Field::CustomExts => &["custom_exts"],
        Field::GroupId
        | Field::AliasGroupId
        | Field::RecallId
        | Field::PayloadType
        | Field::Meta
        | Field::ChannelType
        | Field::MucId
        | Field::IsChatroom
        | Field::AckMessageId
        | Field::EditMessageId
        | Field::Data
        | Field::AliasFilename
        | Field::AliasLength
        | Field::AliasLng
        | Field::AliasThumb
        | Field::MapCustomExts => return None,
    })
}

#[cfg(test)]
mod tests {
    use chat::{BodyType, Hour, Message, Position};

    use crate::template::Writing;

    use super::*;

    #[test]
    fn a_member_has_columns_if_these_write_it() {
        let message = |body_type| {
            let text = || Some("x".into());
            Message {
                msg_id: text(),
                sent_at: Some(chat::Timestamp::UNIX_EPOCH),
                chat_type: text(),
                sender: text(),
                recipient: text(),
                direction: text(),
                body_type: Some(body_type),
                text: Some("title\nsummary".into()),
                filename: text(),
                file_length: Some(1),
                duration_s: Some(1.0),
                width: Some(1.0),
                height: Some(1.0),
                url: text(),
                secret: text(),
                thumb_url: text(),
                thumb_secret: text(),
                lat: Some(1.0),
                lng: Some(1.0),
                addr: text(),
                action: text(),
                custom_event: text(),
                custom_exts: Some("{}".into()),
                ext: Some("{}".into()),
                ..Message::at(Position { source_hour: Hour::from_number(0), part: 0, line: 1 })
            }
        };
        let messages = [message(BodyType::Txt), message(BodyType::Combine)];
        for (field, key) in Level::ALL.map(Level::fields).concat() {
            let is_written = messages.iter().any(|message| Writing::of(message, field).is_some());
            assert_eq!(columns(field).is_some(), is_written, "{key}");
        }
        assert_eq!(columns_of(Place::Body, "size"), Some(&["width", "height"][..]));
        assert_eq!(columns_of(Place::Payload, "bodies"), Some(&[][..]));
        assert_eq!(columns_of(Place::Payload, "msg"), None);
        assert_eq!(columns_of(Place::Ext, "msg"), None);
    }
}
