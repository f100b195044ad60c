//! A message as scans look at it: each thing worked out once, when it is first asked for.

use std::cell::OnceCell;

use chat::Message;

use super::Place;
use crate::columns::Column;
use crate::tokens::Tokens;

/// What is known of one message.
pub(super) struct Reading<'m> {
    message: &'m Message<'m>,
    texts: OnceCell<Vec<Tokens>>,
    file: OnceCell<Vec<Tokens>>,
    terms: [OnceCell<Vec<String>>; Column::ALL.len()],
}

impl<'m> Reading<'m> {
    pub(super) fn of(message: &'m Message<'m>) -> Self {
        Self { message, texts: OnceCell::new(), file: OnceCell::new(), terms: Default::default() }
    }

    /// The tokens of each text in a place.
    pub(super) fn texts(&self, place: Place) -> &[Tokens] {
        match place {
            Place::Text => self.texts.get_or_init(|| self.message.searchable().map(Tokens::of).collect()),
            Place::File => {
                self.file.get_or_init(|| self.message.filename.as_deref().map(Tokens::of).into_iter().collect())
            }
        }
    }

    /// The terms of a column.
    pub(super) fn terms(&self, column: Column) -> &[String] {
        self.terms[column as usize].get_or_init(|| {
            let mut terms = Vec::new();
            column.each_term(self.message, &mut |term| terms.push(term.to_owned()));
            terms
        })
    }

    pub(super) fn sent_at(&self) -> Option<i64> {
        self.message.sent_at.map(|time| time.timestamp_micros())
    }
}
