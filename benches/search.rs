//! What a search takes in an archive that is open: `cargo bench --bench search -- ARCHIVE [QUERIES]`.
//!
//! Queries are made of what its messages say, so many of each kind. Printed are the medians over them, and the 95th of a
//! hundred: for the ten best keys alone, for these and the exact count of all that matches, and for the ten rows read from
//! the tables besides. The archive is only read.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat::Timestamp;
use index::{By, Catalogue, Facet, Order, Query, Request, Unit};
use query::{Library, Question};
use store::{Access, Archive, Clock};

/// Messages that queries are made of.
const SAMPLE: usize = 20_000;
/// Each query is put so often in a row in each way; the fastest counts, which is what is warm.
const TIMES: usize = 5;

/// The kinds of question about keys, each with its queries.
type Kind = (&'static str, Vec<String>, Order);

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
    let queries = arguments.get(1).map_or(60, |number| number.parse().expect("a number of queries"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be started");
    runtime.block_on(measure(Path::new(folder), queries));
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
async fn measure(folder: &Path, queries: usize) {
    let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    let archive = Archive::open(folder, Access::Existing, clock).await.expect("an archive");
    let index = || Catalogue::open_existing(&folder.join("index")).expect("an index that is whole").expect("an index");
    let (alone, library) = (index(), Library::new(archive, Some(index())));
    // Which messages stand in several hours is found out once for each state of an index.
    let everything = Request::new(Query::parse("").expect("it is sound"));
    black_box(alone.search(&everything).expect("the index can be read"));
    let columns =
        ["ten keys", "p95", "and count", "p95", "and rows", "p95"].map(|name| format!("{name:>9}")).join("  ");
    println!("{:32}  {:>9}  {columns}", "ms", "hits");
    for (what, queries, order) in drawn(&texts(&library).await, queries) {
        let mut times = <[Vec<Duration>; 3]>::default();
        let mut hits = Vec::new();
        for query in &queries {
            let mut question = Question::new(Query::parse(query).expect("it is sound"));
            (question.limit, question.order) = (10, order);
            hits.push(put(&alone, &library, &question, &mut times).await);
        }
        hits.sort_unstable();
        print(what, hits.get(hits.len() / 2).copied().unwrap_or(0), times);
    }
    for (what, query, by) in COUNTS {
        let mut question = Question::new(Query::parse(query).expect("it is sound"));
        (question.limit, question.counted_by) = (0, vec![*by]);
        let mut times = <[Vec<Duration>; 3]>::default();
        let mut hits = 0;
        for _ in 0..queries {
            hits = put(&alone, &library, &question, &mut times).await;
        }
        print(what, hits, times);
    }
}

/// Puts a question in three ways; returns how many messages answer it.
async fn put(alone: &Catalogue, library: &Library, question: &Question, times: &mut [Vec<Duration>; 3]) -> u64 {
    let mut request = Request::new(question.query.clone());
    (request.limit, request.order) = (question.limit, question.order);
    request.counted_by.clone_from(&question.counted_by);
    let uncounted = Request { counted: false, ..request.clone() };
    let (mut best, mut hits) = ([Duration::MAX; 3], 0);
    let [keys, count, rows] = &mut best;
    for _ in 0..TIMES {
        let began = Instant::now();
        black_box(alone.search(&uncounted).expect("the index can be read"));
        *keys = began.elapsed().min(*keys);
    }
    for _ in 0..TIMES {
        let began = Instant::now();
        hits = black_box(alone.search(&request).expect("the index can be read")).total;
        *count = began.elapsed().min(*count);
    }
    for _ in 0..TIMES {
        let began = Instant::now();
        black_box(library.ask(question).await.expect("the archive can be read"));
        *rows = began.elapsed().min(*rows);
    }
    times.iter_mut().zip(best).for_each(|(times, best)| times.push(best));
    hits
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn print(what: &str, hits: u64, times: [Vec<Duration>; 3]) {
    let figures = times.map(|mut times| {
        times.sort();
        let quantile =
            |share: usize| times.get(times.len() * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
        format!("{:9.2}  {:9.2}", quantile(50), quantile(95))
    });
    println!("{what:32}  {hits:9}  {}", figures.join("  "));
}

/// What some messages say, spread over the archive.
async fn texts(library: &Library) -> Vec<String> {
    let mut question = Question::new(Query::parse("type:txt").expect("it is sound"));
    (question.limit, question.order) = (SAMPLE, Order::Oldest);
    let answer = library.ask(&question).await.expect("the archive can be read");
    answer.hits.into_iter().filter_map(|hit| hit.message.text).map(|text| text.into_owned()).collect()
}

/// Queries of each kind; the same each time.
fn drawn(texts: &[String], count: usize) -> Vec<Kind> {
    let step = (texts.len() / (count * 8)).max(1);
    let spread = || texts.iter().step_by(step);
    let words: Vec<Vec<&str>> = spread().map(|text| words_of(text)).collect();
    let han = |length: usize| spread().filter_map(move |text| han_of(text, length)).take(count).collect::<Vec<_>>();
    let word = || words.iter().filter_map(|words| words.first().copied());
    let pairs = || words.iter().filter_map(|words| words.get(1..3).map(|pair| (pair[0], pair[1])));
    let of = |queries: Vec<String>| queries.into_iter().take(count).collect::<Vec<_>>();
    let with = |filter: &str| han(2).into_iter().map(|word| format!("{word} {filter}")).collect::<Vec<_>>();
    let three: Vec<&str> = word().take(count * 3).collect();
    vec![
        ("word", of(word().map(str::to_owned).collect()), Order::Relevance),
        ("one character, Chinese", han(1), Order::Relevance),
        ("two characters, Chinese", han(2), Order::Relevance),
        ("phrase", of(pairs().map(|(one, other)| format!("\"{one} {other}\"")).collect()), Order::Relevance),
        ("four characters, Chinese", han(4), Order::Relevance),
        ("AND", of(pairs().map(|(one, other)| format!("{one} {other}")).collect()), Order::Relevance),
        ("OR", of(three.chunks(3).map(|words| words.join(" OR ")).collect()), Order::Relevance),
        ("a word and a dense filter", with("chat:group"), Order::Relevance),
        ("a word in a range of time", with("after:2026-03-14T09:00Z before:2026-03-14T11:00Z"), Order::Relevance),
        ("newest 10 of a word", han(2), Order::Newest),
    ]
}

/// The longer words of a text that are written in Latin letters.
fn words_of(text: &str) -> Vec<&str> {
    let is_word = |word: &&str| word.len() > 3 && word.bytes().all(|letter| letter.is_ascii_alphabetic());
    text.split(|letter: char| !letter.is_alphanumeric()).filter(is_word).collect()
}

/// The first so many Chinese characters in a row.
fn han_of(text: &str, length: usize) -> Option<String> {
    let letters: Vec<char> = text.chars().collect();
    let is_han = |run: &&[char]| run.iter().all(|letter| ('\u{4e00}'..='\u{9fff}').contains(letter));
    letters.windows(length).find(is_han).map(|run| run.iter().collect())
}
