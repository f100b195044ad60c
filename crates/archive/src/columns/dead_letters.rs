//! The columns of the table `dead_letters`.

use std::borrow::Cow;
use std::sync::LazyLock;

use arrow::datatypes::SchemaRef;
use chat::{DeadLetter, Hour, Position, Reason};

use crate::table::{Bounds, Cell, Column, Field, Packing, Table, strided};

/// The columns of `dead_letters`, in the order of its files. The partition column `date` is not among them.
#[must_use]
pub fn dead_letter_columns() -> &'static [Column] {
    static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(DeadLetters::columns);
    &COLUMNS
}

/// The Arrow schema of the files of `dead_letters`, without the partition column `date`.
#[must_use]
pub fn dead_letter_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(DeadLetters::schema);
    SchemaRef::clone(&SCHEMA)
}

/// The table `dead_letters`.
pub(crate) enum DeadLetters {}

impl Table for DeadLetters {
    type Row<'a> = DeadLetter<'a>;

    const SORTED_BY: &'static [&'static str] = &[];

    const LATER: &'static [(&'static str, u32)] = &[];

    const FIELDS: &'static [Field<Self>] = &[
        Field {
            name: "source_hour",
            doc: "The hour of the file it came from: `yyyyMMddHH` in UTC.",
            nullable: false,
            packing: Packing::Repeated,
            bounds: Bounds::Files,
            cell: Cell::Hour {
                get: |letter| letter.position.source_hour,
                set: |letter, hour| letter.position.source_hour = hour,
            },
        },
        Field {
            name: "part",
            doc: "The part of that hour, counted from 0.",
            nullable: false,
            packing: Packing::Repeated,
            bounds: Bounds::Files,
            cell: Cell::Small {
                get: |letter| Some(letter.position.part),
                set: |letter, part| {
                    letter.position.part = part;
                    true
                },
            },
        },
        Field {
            name: "line",
            doc: "The ordinal among the records, dead letters and blank lines of the part, as in `messages`: of a record \
                  and what stands behind it on its line, each counts. `offset` leads to it in any case.",
            nullable: false,
            packing: Packing::Near,
            bounds: Bounds::Files,
            cell: Cell::Count { get: |letter| letter.position.line, set: |letter, line| letter.position.line = line },
        },
        Field {
            name: "offset",
            doc: "Its first byte in the unpacked part, counted from 0.",
            nullable: false,
            packing: Packing::Near,
            bounds: Bounds::Groups,
            cell: Cell::Count { get: |letter| letter.offset, set: |letter, offset| letter.offset = offset },
        },
        Field {
            name: "reason",
            doc: "Why it is no message: `incomplete`, `invalid_utf8`, `not_an_object`, `syntax`, `too_deep` or `too_long`.",
            nullable: false,
            packing: Packing::Repeated,
            bounds: Bounds::Files,
            cell: Cell::Text {
                get: |letters| strided(letters, |letter| Some(Cow::Borrowed(letter.reason.word()))),
                set: |letter, word| word.parse().map(|reason| letter.reason = reason).is_ok(),
            },
        },
        Field {
            name: "bytes",
            doc: "The line as served, without its line end; of an over-long line only the start.",
            nullable: false,
            packing: Packing::Plain,
            bounds: Bounds::Groups,
            cell: Cell::Bytes { get: |letter| &letter.bytes, set: |letter, bytes| letter.bytes = Cow::Borrowed(bytes) },
        },
    ];

    fn blank<'a>() -> DeadLetter<'a> {
        DeadLetter {
            position: Position { source_hour: Hour::from_number(0), part: 0, line: 0 },
            offset: 0,
            reason: Reason::Syntax,
            bytes: Cow::Borrowed(&[]),
        }
    }

    fn owned(row: DeadLetter<'_>) -> DeadLetter<'static> {
        row.into_owned()
    }
}
