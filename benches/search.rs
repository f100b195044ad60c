//! What a search takes in an archive that is open: `cargo bench --bench search -- ARCHIVE [RUNS]`.
//!
//! Printed for each question are the median and the 95th of a hundred of the times, once for the index alone (ten keys, and
//! the count of all that matches) and once with the ten rows read from the tables. The archive is only read.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat::Timestamp;
use index::{By, Catalogue, Facet, Order, Query, Unit};
use query::{Library, Question};
use store::{Access, Archive, Clock};

/// What is asked: what it is an example of, the query, and the order of its hits.
const QUESTIONS: &[(&str, &str, Order)] = &[
    ("word", "delivery", Order::Relevance),
    ("word, Chinese", "订单", Order::Relevance),
    ("one character", "订", Order::Relevance),
    ("phrase", "\"on my way\"", Order::Relevance),
    ("phrase, Chinese", "明天下午", Order::Relevance),
    ("AND", "订单 明天", Order::Relevance),
    ("OR", "delivery OR invoice OR meeting", Order::Relevance),
    ("AND, a dense filter", "订单 chat:group", Order::Relevance),
    ("AND, a range of time", "订单 after:2026-03-14T09:00Z before:2026-03-14T11:00Z", Order::Relevance),
    ("newest 10", "订单", Order::Newest),
    ("newest 10 of everything", "", Order::Newest),
];

/// What is counted: what it is an example of, the query, and by what.
const COUNTS: &[(&str, &str, By)] = &[
    ("facet from, one word", "订单", By::Value(Facet::From)),
    ("facet in, one word", "订单", By::Value(Facet::In)),
    ("facet type, one word", "订单", By::Value(Facet::Type)),
    ("histogram by hour, everything", "", By::Time(Unit::Hour)),
    ("histogram by day, everything", "", By::Time(Unit::Day)),
];

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let Some(folder) = arguments.first() else { return };
    let runs = arguments.get(1).map_or(101, |number| number.parse().expect("a number of runs"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be started");
    runtime.block_on(measure(Path::new(folder), runs));
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
async fn measure(folder: &Path, runs: usize) {
    let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    let archive = Archive::open(folder, Access::Existing, clock).await.expect("an archive");
    let index = || Catalogue::open_existing(&folder.join("index")).expect("an index that is whole").expect("an index");
    let (alone, library) = (index(), Library::new(archive, Some(index())));
    println!("{:32}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}", "ms", "hits", "keys p50", "p95", "rows p50", "p95");
    for (what, query, order) in QUESTIONS {
        let mut question = Question::new(Query::parse(query).expect("it is sound"));
        (question.limit, question.order) = (10, *order);
        print(what, &alone, &library, &question, runs).await;
    }
    for (what, query, by) in COUNTS {
        let mut question = Question::new(Query::parse(query).expect("it is sound"));
        (question.limit, question.counted_by) = (0, vec![*by]);
        print(what, &alone, &library, &question, runs).await;
    }
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
async fn print(what: &str, alone: &Catalogue, library: &Library, question: &Question, runs: usize) {
    let request = request(question);
    let (mut keys, mut rows, mut hits) = (Vec::new(), Vec::new(), 0);
    for _ in 0..runs {
        let began = Instant::now();
        hits = black_box(alone.search(&request).expect("the index can be read")).total;
        keys.push(began.elapsed());
        let began = Instant::now();
        black_box(library.ask(question).await.expect("the archive can be read"));
        rows.push(began.elapsed());
    }
    let ([keys, slow_keys], [rows, slow_rows]) = (quantiles(keys), quantiles(rows));
    println!("{what:32}  {hits:9}  {keys:9.2}  {slow_keys:9.2}  {rows:9.2}  {slow_rows:9.2}");
}

fn request(question: &Question) -> index::Request {
    let mut request = index::Request::new(question.query.clone());
    (request.limit, request.order) = (question.limit, question.order);
    request.counted_by.clone_from(&question.counted_by);
    // Without counts, the best are found without a look at all.
    request.counted = false;
    request
}

/// The median and the 95th of a hundred, in milliseconds.
fn quantiles(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort();
    [50, 95].map(|share| times.get(times.len() * share / 100).expect("there was a run").as_secs_f64() * 1000.0)
}
