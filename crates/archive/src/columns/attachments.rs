//! The columns of the table `attachments`.

use std::borrow::Cow;
use std::sync::LazyLock;

use arrow::datatypes::SchemaRef;
use chat::{Attachment, AttachmentKind, Hour, Position, Timestamp};

use crate::table::{Bounds, Cell, Column, Field, Packing, Table, strided};

/// The columns of `attachments`, in the order of its files. The partition column `date` is not among them.
#[must_use]
pub fn attachment_columns() -> &'static [Column] {
    static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(Attachments::columns);
    &COLUMNS
}

/// The Arrow schema of the files of `attachments`, without the partition column `date`.
#[must_use]
pub fn attachment_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(Attachments::schema);
    SchemaRef::clone(&SCHEMA)
}

/// The table `attachments`.
pub(crate) enum Attachments {}

/// A column of text that an attachment has or has not.
macro_rules! text {
    ($name:ident, $packing:ident, $doc:literal) => {
        Field {
            name: stringify!($name),
            doc: $doc,
            nullable: true,
            packing: Packing::$packing,
            bounds: Bounds::Groups,
            cell: Cell::Text {
                get: |rows| strided(rows, |attachment| attachment.$name.as_deref().map(Cow::Borrowed)),
                set: |attachment, text| {
                    attachment.$name = Some(text.to_owned());
                    true
                },
            },
        }
    };
}

/// A column whose value is one of a few words.
macro_rules! word {
    ($name:ident, $doc:literal) => {
        Field {
            name: stringify!($name),
            doc: $doc,
            nullable: false,
            packing: Packing::Repeated,
            bounds: Bounds::Files,
            cell: Cell::Text {
                get: |rows| strided(rows, |attachment| Some(Cow::Borrowed(attachment.$name.word()))),
                set: |attachment, word| word.parse().map(|value| attachment.$name = value).is_ok(),
            },
        }
    };
}

/// A column of time that an attachment has or has not.
macro_rules! time {
    ($name:ident, $doc:literal) => {
        Field {
            name: stringify!($name),
            doc: $doc,
            nullable: true,
            packing: Packing::Near,
            bounds: Bounds::Groups,
            cell: Cell::Time {
                get: |attachment| attachment.$name,
                set: |attachment, time| attachment.$name = Some(time),
            },
        }
    };
}

impl Table for Attachments {
    type Row<'a> = Attachment;

    const SORTED_BY: &'static [&'static str] = &[];

    const LATER: &'static [(&'static str, u32)] = &[];

    const FIELDS: &'static [Field<Self>] = &[
        text!(msg_id, AlikeAtFirst, "The service's id of the message, as text."),
        Field {
            name: "source_hour",
            doc: "The hour of the file that the message came from: `yyyyMMddHH` in UTC.",
            nullable: false,
            packing: Packing::Repeated,
            bounds: Bounds::Files,
            cell: Cell::Hour {
                get: |attachment| attachment.position.source_hour,
                set: |attachment, hour| attachment.position.source_hour = hour,
            },
        },
        Field {
            name: "part",
            doc: "The part of that hour, as in `messages`.",
            nullable: false,
            packing: Packing::Repeated,
            bounds: Bounds::Groups,
            cell: Cell::Small {
                get: |attachment| Some(attachment.position.part),
                set: |attachment, part| {
                    attachment.position.part = part;
                    true
                },
            },
        },
        Field {
            name: "line",
            doc: "The line within the part, as in `messages`.",
            nullable: false,
            packing: Packing::Near,
            bounds: Bounds::Groups,
            cell: Cell::Count {
                get: |attachment| attachment.position.line,
                set: |attachment, line| attachment.position.line = line,
            },
        },
        word!(kind, "Which of the message's files: `file` or `thumbnail`."),
        Field {
            name: "url",
            doc: "Where the message says that it is, without user, query and fragment.",
            nullable: false,
            packing: Packing::AlikeAtFirst,
            bounds: Bounds::Groups,
            cell: Cell::Text {
                get: |rows| strided(rows, |attachment| Some(Cow::Borrowed(attachment.url.as_str()))),
                set: |attachment, text| {
                    attachment.url = text.to_owned();
                    true
                },
            },
        },
        word!(
            state,
            "`pending`, `stored`, `gone` (the service does not have it), `denied` (its secret is missing or wrong) or \
             `refused` (the settings do not allow it)."
        ),
        Field {
            name: "deadline",
            doc: "Until when the service keeps it, by the settings, in UTC.",
            nullable: false,
            packing: Packing::Near,
            bounds: Bounds::Files,
            cell: Cell::Time {
                get: |attachment| Some(attachment.deadline),
                set: |attachment, time| attachment.deadline = time,
            },
        },
        text!(
            sha256,
            Plain,
            "SHA-256 of its bytes, lower-case hex; they are in `media/ab/abcd…`. Null unless `stored`."
        ),
        Field {
            name: "length",
            doc: "How many bytes it has. Null unless `stored`.",
            nullable: true,
            packing: Packing::Near,
            bounds: Bounds::Groups,
            cell: Cell::Long {
                get: |attachment| attachment.length.and_then(|length| i64::try_from(length).ok()),
                set: |attachment, length| attachment.length = u64::try_from(length).ok(),
            },
        },
        text!(media_type, Repeated, "What the service said that it is; nothing vouches for it."),
        Field {
            name: "http_status",
            doc: "The status of the last answer, if there was one.",
            nullable: true,
            packing: Packing::Repeated,
            bounds: Bounds::Groups,
            cell: Cell::Small {
                get: |attachment| attachment.http_status.map(u32::from),
                set: |attachment, status| {
                    attachment.http_status = u16::try_from(status).ok();
                    attachment.http_status.is_some()
                },
            },
        },
        time!(tried_at, "When it was last asked for, in UTC."),
        time!(fetched_at, "When its bytes were stored, in UTC."),
        text!(error, Plain, "What went wrong at the last try, in words."),
    ];

    fn owned(row: Attachment) -> Attachment {
        row
    }

    fn blank<'a>() -> Self::Row<'a> {
        let position = Position { source_hour: Hour::from_number(0), part: 0, line: 0 };
        Attachment::new(position, AttachmentKind::File, String::new(), Timestamp::UNIX_EPOCH)
    }
}
