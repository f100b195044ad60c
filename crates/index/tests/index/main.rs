//! The index as its callers see it.

mod agreement;
mod answers;
mod counts;
mod facts;
mod highlights;
mod hours;
mod kills;
mod languages;
mod spellings;

use std::path::Path;

use chat::{Hour, Message, Position, Sink};
use index::{Catalogue, Found, Order, Query, Request, Settings};

/// The hour that tests with a single hour use.
fn nine() -> Hour {
    Hour::from_key("2026031409").unwrap()
}

/// A message at a line of part 0 of an hour.
fn message(hour: Hour, line: u64, text: &str) -> Message<'static> {
    let mut message = Message::at(Position { source_hour: hour, part: 0, line });
    message.text = Some(text.to_owned().into());
    message
}

fn open(folder: &Path) -> Catalogue {
    Catalogue::open(folder, Settings::default()).unwrap()
}

/// Takes one hour in, whole.
fn take_in(catalogue: &Catalogue, hour: Hour, version: &str, messages: &[Message<'_>]) {
    let mut writer = catalogue.take_in(hour, version).unwrap();
    writer.write(messages).unwrap();
    assert_eq!(writer.finish().unwrap(), messages.len() as u64);
}

/// A question without bounds, in the order of rows.
fn ask(query: &str) -> Request {
    Request { limit: 1000, order: Order::Oldest, ..Request::new(Query::parse(query).unwrap()) }
}

/// The rows that match, as `09/1`: hour of the day and line.
fn rows(found: &Found) -> Vec<String> {
    found.hits.iter().map(|hit| format!("{:02}/{}", hit.source_hour.of_day(), hit.line)).collect()
}

#[test]
fn a_catalogue_is_shared_between_threads_and_a_writer_moves_to_one() {
    fn shared<T: Clone + Send + Sync>() {}
    fn moved<T: Send>() {}
    shared::<Catalogue>();
    moved::<index::Writer>();
}
