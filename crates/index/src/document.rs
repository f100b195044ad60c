//! A message as the engine takes it in.

use std::iter::Empty;
use std::ops::Range;
use std::sync::Arc;

use chat::{Hour, Message};
use tantivy::schema::Field;
use tantivy::schema::document::{Document, ReferenceValue, ReferenceValueLeaf, Value};

use crate::columns::Column;
use crate::fields::{Fields, fingerprint, half, name_term};
use crate::spellings::each_term;

/// The columns of the table that a document is made of, and that a scan reads to find what the index finds.
pub const COLUMNS: &[&str] = &[
    "msg_id",
    "sent_at",
    "source_hour",
    "part",
    "line",
    "chat_type",
    "sender",
    "recipient",
    "conversation",
    "body_type",
    "text",
    "filename",
    "url",
    "thumb_url",
    "lat",
    "lng",
    "addr",
    "action",
    "custom_event",
    "custom_exts",
    "ext",
    "about",
];

/// One document, its cells in the order of the fields, which the engine would else put them into. Its buffers are reused: the engine wants documents that own what they say, so a text is copied once,
/// into a buffer that is already there.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    fields: Fields,
    cells: Vec<(Field, Cell)>,
    texts: String,
}

#[derive(Debug, Clone)]
enum Cell {
    Text(Range<usize>),
    Count(u64),
    Number(i64),
}

impl Row {
    pub(crate) fn new(fields: Fields) -> Self {
        Self { fields, cells: Vec::new(), texts: String::new() }
    }

    /// Becomes the document of a message.
    pub(crate) fn read(&mut self, message: &Message<'_>, hour: Hour, build: u64) {
        self.clear();
        let fields = self.fields;
        for text in message.searchable() {
            self.text(fields.text, text);
        }
        for column in Column::ALL {
            column.each_term(message, &mut |term| self.text(fields.of(column), term));
        }
        if let Some(name) = &message.filename {
            self.text(fields.file, name);
        }
        for text in message.searchable() {
            each_term(text, &mut |term| self.text(fields.spelled, &name_term(&term)));
        }
        if let Some(msg_id) = &message.msg_id {
            let fingerprint = fingerprint(msg_id);
            self.count(fields.message, fingerprint);
            self.count(fields.message_half, half(fingerprint));
        }
        let changes = match message.chat_type.as_deref() {
            Some("recall") => Some(fields.recalls),
            Some("edit") => Some(fields.edits),
            _ => None,
        };
        if let (Some(field), Some(about)) = (changes, &message.about) {
            self.count(field, fingerprint(about));
        }
        if let Some(time) = message.sent_at {
            self.number(fields.sent_at, time.timestamp_micros());
        }
        self.count(fields.part, message.position.part.into());
        self.count(fields.line, message.position.line);
        self.belong(hour, build);
    }

    /// Becomes the marker of an hour.
    pub(crate) fn mark(&mut self, hour: Hour, build: u64, version: &str) {
        self.clear();
        self.belong(hour, build);
        self.count(self.fields.marker, MARKER);
        self.text(self.fields.version, version);
    }

    fn clear(&mut self) {
        self.cells.clear();
        self.texts.clear();
    }

    fn belong(&mut self, hour: Hour, build: u64) {
        self.number(self.fields.hour, hour.number());
        self.count(self.fields.build, build);
    }

    fn text(&mut self, field: Field, text: &str) {
        let start = self.texts.len();
        self.texts.push_str(text);
        self.cells.push((field, Cell::Text(start..self.texts.len())));
    }

    fn count(&mut self, field: Field, count: u64) {
        self.cells.push((field, Cell::Count(count)));
    }

    fn number(&mut self, field: Field, number: i64) {
        self.cells.push((field, Cell::Number(number)));
    }
}

/// What the field `marker` of a marker holds.
pub(crate) const MARKER: u64 = 1;

/// A row on loan to the engine.
pub(crate) struct Lent(pub(crate) Arc<Row>);

impl Document for Lent {
    type Value<'a> = Leaf<'a>;
    type FieldsValuesIter<'a> = Cells<'a>;

    fn iter_fields_and_values(&self) -> Cells<'_> {
        Cells { texts: &self.0.texts, cells: self.0.cells.iter() }
    }
}

pub(crate) struct Cells<'a> {
    texts: &'a str,
    cells: std::slice::Iter<'a, (Field, Cell)>,
}

impl<'a> Iterator for Cells<'a> {
    type Item = (Field, Leaf<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (field, cell) = self.cells.next()?;
        let leaf = match cell {
            Cell::Text(bytes) => ReferenceValueLeaf::Str(self.texts.get(bytes.clone()).unwrap_or("")),
            Cell::Count(count) => ReferenceValueLeaf::U64(*count),
            Cell::Number(number) => ReferenceValueLeaf::I64(*number),
        };
        Some((*field, Leaf(leaf)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.cells.size_hint()
    }
}

/// A value that has no parts.
#[derive(Debug, Clone)]
pub(crate) struct Leaf<'a>(ReferenceValueLeaf<'a>);

impl<'a> Value<'a> for Leaf<'a> {
    type ArrayIter = Empty<Self>;
    type ObjectIter = Empty<(&'a str, Self)>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(self.0.clone())
    }
}
