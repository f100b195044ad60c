//! The columns of the table `hours`, the ledger.

use std::borrow::Cow;
use std::sync::LazyLock;

use arrow::datatypes::SchemaRef;
use chat::{Entry, Hour, State, Timestamp};

use crate::error::Error;
use crate::table::{Bounds, Cell, Column, Field, Packing, Table, strided};

/// The columns of `hours`, in the order of its files.
#[must_use]
pub fn entry_columns() -> &'static [Column] {
    static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(Entries::columns);
    &COLUMNS
}

/// The Arrow schema of the files of `hours`.
#[must_use]
pub fn entry_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(Entries::schema);
    SchemaRef::clone(&SCHEMA)
}

/// The table `hours`.
pub(crate) enum Entries {}

/// A column that counts.
macro_rules! count {
    ($name:literal, $($path:ident).+, $doc:literal) => {
        Field {
            name: $name,
            doc: $doc,
            nullable: false,
            packing: Packing::Near,
            bounds: Bounds::Groups,
            cell: Cell::Count { get: |entry| entry.$($path).+, set: |entry, count| entry.$($path).+ = count },
        }
    };
}

/// A column that counts and came later: null in the files of before, which had none of what it counts.
macro_rules! later_count {
    ($name:literal, $($path:ident).+, $doc:literal) => {
        Field {
            name: $name,
            doc: $doc,
            nullable: true,
            packing: Packing::Near,
            bounds: Bounds::Groups,
            cell: Cell::Count { get: |entry| entry.$($path).+, set: |entry, count| entry.$($path).+ = count },
        }
    };
}

/// A column of text that every entry has.
macro_rules! text {
    ($name:ident, $doc:literal) => {
        Field {
            name: stringify!($name),
            doc: $doc,
            nullable: false,
            packing: Packing::Repeated,
            bounds: Bounds::Groups,
            cell: Cell::Text {
                get: |entries| strided(entries, |entry| Some(Cow::Borrowed(entry.$name.as_str()))),
                set: |entry, text| {
                    entry.$name = text.to_owned();
                    true
                },
            },
        }
    };
}

/// A column of several texts in one, because not every warehouse loads a list: parted by commas, null when there are
/// none. The texts are digests and file names of ours, which have no comma.
macro_rules! joined {
    ($name:ident, $doc:literal) => {
        Field {
            name: stringify!($name),
            doc: $doc,
            nullable: true,
            packing: Packing::Plain,
            bounds: Bounds::Groups,
            cell: Cell::Text {
                get: |entries| {
                    strided(entries, |entry| (!entry.$name.is_empty()).then(|| Cow::Owned(entry.$name.join(","))))
                },
                set: |entry, text| {
                    entry.$name = text.split(',').map(str::to_owned).collect();
                    true
                },
            },
        }
    };
}

/// A column of time that an entry has or has not.
macro_rules! time {
    ($name:ident, $doc:literal) => {
        Field {
            name: stringify!($name),
            doc: $doc,
            nullable: true,
            packing: Packing::Near,
            bounds: Bounds::Groups,
            cell: Cell::Time { get: |entry| entry.$name, set: |entry, time| entry.$name = Some(time) },
        }
    };
}

impl Entries {
    /// Whether what goes parted by commas into one text has none itself.
    pub(crate) fn check(entry: &Entry) -> Result<(), Error> {
        let check = |column: &'static str, texts: &[String]| match texts.iter().find(|text| text.contains(',')) {
            Some(text) => Err(Error::Value { column, value: text.clone() }),
            None => Ok(()),
        };
        check("sha256", &entry.sha256)?;
        check("files", &entry.files)
    }
}

impl Table for Entries {
    type Row<'a> = Entry;

    const SORTED_BY: &'static [&'static str] = &[];

    const LATER: &'static [(&'static str, u32)] = &[("retained", 2), ("added", 2)];

    const FIELDS: &'static [Field<Self>] = &[
        Field {
            name: "source_hour",
            doc: "The hour: `yyyyMMddHH` in UTC.",
            nullable: false,
            packing: Packing::Repeated,
            bounds: Bounds::Files,
            cell: Cell::Hour { get: |entry| entry.hour, set: |entry, hour| entry.hour = hour },
        },
        Field {
            name: "recorded_at",
            doc: "When this was written, in UTC. The newest row of an hour is its state.",
            nullable: false,
            packing: Packing::Near,
            bounds: Bounds::Files,
            cell: Cell::Time { get: |entry| Some(entry.at), set: |entry, at| entry.at = at },
        },
        Field {
            name: "state",
            doc: "`done`, `empty`, `failed`, `lost` or `pending`.",
            nullable: false,
            packing: Packing::Repeated,
            bounds: Bounds::Files,
            cell: Cell::Text {
                get: |entries| strided(entries, |entry| Some(Cow::Borrowed(entry.state.word()))),
                set: |entry, word| word.parse().map(|state| entry.state = state).is_ok(),
            },
        },
        Field {
            name: "http_status",
            doc: "The status of the service's answer, if there was one.",
            nullable: true,
            packing: Packing::Repeated,
            bounds: Bounds::Groups,
            cell: Cell::Small {
                get: |entry| entry.http_status.map(u32::from),
                set: |entry, status| {
                    entry.http_status = u16::try_from(status).ok();
                    entry.http_status.is_some()
                },
            },
        },
        Field {
            name: "error",
            doc: "What went wrong, in words.",
            nullable: true,
            packing: Packing::Plain,
            bounds: Bounds::Groups,
            cell: Cell::Text {
                get: |entries| strided(entries, |entry| entry.error.as_deref().map(Cow::Borrowed)),
                set: |entry, text| {
                    entry.error = Some(text.to_owned());
                    true
                },
            },
        },
        count!("bytes", bytes, "Served bytes, all parts together."),
        joined!(sha256, "SHA-256 of the served bytes of each part, in order, lower-case hex, parted by commas."),
        count!("lines", tally.lines, "Framed records and blank lines of the newest served bytes."),
        count!("messages", tally.messages, "Rows published."),
        count!("duplicates", tally.duplicates, "Messages seen before in the same hour with the same content, dropped."),
        count!("dead_letters", tally.dead_letters, "Lines that are no JSON object, set aside."),
        count!("blank_lines", tally.blank_lines, "Lines of white space."),
        count!(
            "conflicts",
            tally.conflicts,
            "Messages whose id was seen before with other content; in `messages` too."
        ),
        count!("strays", tally.strays, "Messages whose time lies outside the hour; in `messages` too."),
        time!(min_sent_at, "The earliest time among the messages."),
        time!(max_sent_at, "The latest time among the messages."),
        joined!(
            files,
            "The files of `messages` that the hour was published in, relative to that table, parted by commas: the name of \
             the publication, which it keeps when its rows move into the file of a compacted day."
        ),
        text!(
            source,
            "Where the bytes came from: `fetch`, `load`, `raw` (left by an interrupted run), or `recovered` where nothing tells."
        ),
        text!(version, "The version of the program."),
        later_count!(
            "retained",
            tally.retained,
            "Rows of `messages` kept from earlier served bytes that the newest do not hold any more; in no other count."
        ),
        later_count!("added", added, "Messages that the publication before did not have; 0 for a first publication."),
    ];

    fn owned(row: Entry) -> Entry {
        row
    }

    fn blank<'a>() -> Self::Row<'a> {
        Entry::new(Hour::from_number(0), Timestamp::UNIX_EPOCH, State::Pending)
    }
}
