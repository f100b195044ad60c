//! The columns of the table `messages`: a column is added here, at the end, and nowhere else.

use std::borrow::Cow;
use std::sync::LazyLock;

use arrow::datatypes::SchemaRef;
use chat::{Hour, Message, Position};

use crate::table::{Bounds, Cell, Column, Field, Packing, Table, strided};

mod attachments;
mod dead_letters;
mod entries;

pub(crate) use attachments::Attachments;
pub use attachments::{attachment_columns, attachment_schema};
pub(crate) use dead_letters::DeadLetters;
pub use dead_letters::{dead_letter_columns, dead_letter_schema};
pub(crate) use entries::Entries;
pub use entries::{entry_columns, entry_schema};

/// The columns of `messages`, in the order of its files. The partition column `date` is not among them.
#[must_use]
pub fn columns() -> &'static [Column] {
    static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(Messages::columns);
    &COLUMNS
}

/// What a message has in each of the [`columns`], by name and in their order, as text that differs where the cells of a file do;
/// `None` where the cell is null.
pub fn cells<'m>(message: &'m Message<'_>) -> impl Iterator<Item = (&'static str, Option<Cow<'m, str>>)> {
    Messages::FIELDS.iter().map(move |field| (field.name, field.cell.text(message)))
}

/// The Arrow schema of the files of `messages`, without the partition column `date`.
#[must_use]
pub fn message_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(Messages::schema);
    SchemaRef::clone(&SCHEMA)
}

/// The table `messages`.
pub(crate) enum Messages {}

/// A column of text that a message has or has not.
macro_rules! text {
    ($name:ident, $packing:ident, $bounds:ident, $doc:literal) => {
        Field {
            name: stringify!($name),
            doc: $doc,
            nullable: true,
            packing: Packing::$packing,
            bounds: Bounds::$bounds,
            cell: Cell::Text {
                get: |messages| strided(messages, |message| message.$name.as_deref().map(Cow::Borrowed)),
                set: |message, text| {
                    message.$name = Some(Cow::Borrowed(text));
                    true
                },
            },
        }
    };
}

/// A column of measured numbers that a message has or has not.
macro_rules! real {
    ($name:ident, $doc:literal) => {
        Field {
            name: stringify!($name),
            doc: $doc,
            nullable: true,
            packing: Packing::Repeated,
            bounds: Bounds::Groups,
            cell: Cell::Real { get: |message| message.$name, set: |message, number| message.$name = Some(number) },
        }
    };
}

impl Table for Messages {
    type Row<'a> = Message<'a>;

    const SORTED_BY: &'static [&'static str] = &["source_hour", "sent_at", "msg_id", "part", "line"];

    const LATER: &'static [(&'static str, u32)] = &[("retained_at", 2), ("about", 3)];

    const FIELDS: &'static [Field<Self>] = &[
        text!(
            msg_id,
            AlikeAtFirst,
            Pages,
            "The service's id of the message, as text: its digits exceed what a double holds. Not unique across hours."
        ),
        Field {
            name: "sent_at",
            doc: "When the server had sent it, in UTC.",
            nullable: true,
            packing: Packing::Near,
            bounds: Bounds::Pages,
            cell: Cell::Time { get: |message| message.sent_at, set: |message, time| message.sent_at = Some(time) },
        },
        Field {
            name: "source_hour",
            doc: "The hour of the file it came from: `yyyyMMddHH` in UTC.",
            nullable: false,
            packing: Packing::Repeated,
            bounds: Bounds::Pages,
            cell: Cell::Hour {
                get: |message| message.position.source_hour,
                set: |message, hour| message.position.source_hour = hour,
            },
        },
        Field {
            name: "part",
            doc: "The part of that hour, counted from 0.",
            nullable: false,
            packing: Packing::Repeated,
            bounds: Bounds::Files,
            cell: Cell::Small {
                get: |message| Some(message.position.part),
                set: |message, part| {
                    message.position.part = part;
                    true
                },
            },
        },
        Field {
            name: "line",
            doc: "The ordinal among the records, dead letters and blank lines of the part, counted from 1: the number \
                  of the line in the file, unless records before it share a line or are spread over several.",
            nullable: false,
            packing: Packing::Near,
            bounds: Bounds::Files,
            cell: Cell::Count {
                get: |message| message.position.line,
                set: |message, line| message.position.line = line,
            },
        },
        text!(chat_type, Repeated, Files, "`chat`, `groupchat`, `chatroom`, or the name of an event."),
        text!(sender, Repeated, Files, "Who said it."),
        text!(recipient, Repeated, Files, "The user, group, room or thread it was said to."),
        text!(
            conversation,
            Repeated,
            Files,
            "Where it was said: `chat:{user}:{user}`, `groupchat:{id}`, `chatroom:{id}` or `thread:{id}`. \
             An event is where it says it was, and one-to-one if it says nothing, as a recall does: `about` leads to the message."
        ),
        text!(direction, Repeated, Groups, "`outgoing`, or what else the service wrote there."),
        Field {
            name: "body_type",
            doc: "The type of the first body: `txt`, `img`, `audio`, `video`, `file`, `loc`, `cmd`, `custom`, `combine`, \
                  `event` or `unknown`.",
            nullable: true,
            packing: Packing::Repeated,
            bounds: Bounds::Files,
            cell: Cell::Text {
                get: |messages| strided(messages, |message| message.body_type.map(|body| Cow::Borrowed(body.word()))),
                set: |message, word| {
                    message.body_type = word.parse().ok();
                    message.body_type.is_some()
                },
            },
        },
        text!(text, Unlike, Groups, "What was said; of forwarded messages the title and the summary."),
        text!(filename, Unlike, Groups, "The name of the attached file."),
        Field {
            name: "file_length",
            doc: "The length of the attached file in bytes.",
            nullable: true,
            packing: Packing::Near,
            bounds: Bounds::Groups,
            cell: Cell::Long {
                get: |message| message.file_length,
                set: |message, length| message.file_length = Some(length),
            },
        },
        real!(duration_s, "The length of a voice or video message in seconds."),
        real!(width, "The width of an image or thumbnail in pixels."),
        real!(height, "The height of an image or thumbnail in pixels."),
        text!(url, AlikeAtFirst, Groups, "Where the attached file is."),
        text!(secret, Unlike, Groups, "The share secret of the attached file."),
        text!(thumb_url, AlikeAtFirst, Groups, "Where the thumbnail is."),
        text!(thumb_secret, Unlike, Groups, "The share secret of the thumbnail."),
        real!(lat, "The latitude of a place in degrees."),
        real!(lng, "The longitude of a place in degrees."),
        text!(addr, Repeated, Groups, "The address of a place."),
        text!(action, Repeated, Groups, "What a command asks the app to do."),
        text!(custom_event, Repeated, Groups, "The name of a custom event."),
        text!(custom_exts, Plain, Groups, "The attributes of a custom event: the text of one JSON object."),
        text!(ext, Plain, Groups, "The app's own attributes: JSON text as written."),
        text!(
            rest,
            Plain,
            Groups,
            "What the other columns cannot hold exactly: the text of one JSON object. With it the original JSON value \
             can be rebuilt."
        ),
        Field {
            name: "retained_at",
            doc: "Since when the service no longer serves it, in UTC; null for what it serves. The `part` of such a row is \
                  counted on by 1000 for every publication of the hour since.",
            nullable: true,
            packing: Packing::Repeated,
            bounds: Bounds::Groups,
            cell: Cell::Time {
                get: |message| message.retained_at,
                set: |message, time| message.retained_at = Some(time),
            },
        },
        text!(
            about,
            AlikeAtFirst,
            Groups,
            "The `msg_id` of the message that this one speaks of: the one that an event recalls, edits, acknowledges or \
             reacts to, or the one that a thread hangs on."
        ),
    ];

    fn blank<'a>() -> Message<'a> {
        Message::at(Position { source_hour: Hour::from_number(0), part: 0, line: 0 })
    }

    fn owned(row: Message<'_>) -> Message<'static> {
        row.into_owned()
    }
}
