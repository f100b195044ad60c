//! Traces in OTLP, as a collector receives them.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use emulator::{Clock, History, Options, corpus};

use crate::scene::{Scene, run};

const NOW: &str = "2026-03-16T06:00:00Z";
const RANGE: [&str; 5] = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T12"];

/// What a collector was sent: paths and bodies.
type Sent = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector that keeps what it is sent, and its address.
fn collector() -> (String, Sent) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&received);
    std::thread::spawn(move || {
        for caller in listener.incoming() {
            let request = take(caller.unwrap());
            kept.lock().unwrap().push(request);
        }
    });
    (address, received)
}

/// Takes a request in and thanks for it.
fn take(mut caller: TcpStream) -> (String, Vec<u8>) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = caller.read(&mut piece).unwrap();
        request.extend(&piece[..read]);
        let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let body = request[end + 4..].to_vec();
        if read == 0 || body.len() >= length.unwrap_or(0) {
            assert!(head.contains("content-type: application/x-protobuf"), "{head}");
            caller.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            return (head.split(' ').nth(1).unwrap().to_owned(), body);
        }
    }
}

/// The fields of a message of protobuf that have a length: texts, bytes and messages.
fn fields(mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        match key & 7 {
            0 => drop(varint(&mut bytes)),
            1 => bytes = &bytes[8..],
            2 => {
                let length = usize::try_from(varint(&mut bytes)).unwrap();
                fields.push((key >> 3, &bytes[..length]));
                bytes = &bytes[length..];
            }
            5 => bytes = &bytes[4..],
            other => panic!("there is no wire type {other}"),
        }
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn within(bytes: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    fields(bytes).into_iter().filter(move |(field, _)| *field == number).map(|(_, bytes)| bytes)
}

struct Span {
    id: Vec<u8>,
    parent: Vec<u8>,
    name: String,
    /// All of its attributes, as they were sent.
    attributes: String,
}

/// The spans of a request for the export of traces.
fn spans(body: &[u8]) -> Vec<Span> {
    let scopes = within(body, 1).flat_map(|resource| within(resource, 2).collect::<Vec<_>>());
    let spans = scopes.flat_map(|scope| within(scope, 2).collect::<Vec<_>>());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let first = |span: &[u8], number| within(span, number).next().unwrap_or_default().to_vec();
    let span = |span: &[u8]| Span {
        id: first(span, 2),
        parent: first(span, 4),
        name: text(&first(span, 5)),
        attributes: within(span, 9).map(text).collect(),
    };
    spans.map(span).collect()
}

#[test]
fn a_collector_sees_the_run_its_hours_and_their_steps() {
    let scene = Scene::new();
    let traffic = corpus::Options { seed: 5, messages_per_hour: 50, ..corpus::Options::default() };
    let service = scene.service(Options {
        clock: Clock::running_from(NOW.parse().unwrap()),
        rate_per_minute: None,
        history: History::Generated(traffic),
        ..Options::default()
    });
    let (address, received) = collector();
    let mut command = scene.annals_at(&service, &RANGE);
    run(command.env("ANNALS_CLOCK", NOW).env("OTEL_EXPORTER_OTLP_ENDPOINT", address)).leaves(0);

    let received = received.lock().unwrap();
    assert!(received.iter().all(|(path, _)| path == "/v1/traces"));
    let everything = received.iter().flat_map(|(_, body)| body.clone()).collect::<Vec<u8>>();
    let everything = String::from_utf8_lossy(&everything);
    assert!(everything.contains("service.name") && everything.contains("annals"), "{everything}");
    for secret in [service.token().as_str(), "Signature=", "OSSAccessKeyId="] {
        assert!(!everything.contains(secret), "{secret} is in the traces");
    }
    let spans: Vec<Span> = received.iter().flat_map(|(_, body)| spans(body)).collect();
    let names: BTreeMap<&[u8], &str> = spans.iter().map(|span| (span.id.as_slice(), span.name.as_str())).collect();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for span in &spans {
        let parent = names.get(span.parent.as_slice()).copied().unwrap_or_default();
        *counts.entry((parent, &span.name)).or_default() += 1;
    }
    let expected = [
        (("", "run"), 1),
        (("hour", "decode"), 3),
        (("hour", "download"), 3),
        (("hour", "locate"), 3),
        (("hour", "publish"), 3),
        (("run", "hour"), 3),
    ];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
    let hour = spans.iter().filter(|span| span.name == "hour");
    assert!(hour.clone().all(|span| span.attributes.contains("2026-03-14T")), "the hour is an attribute");
}

#[test]
fn a_collector_that_is_away_or_switched_off_changes_nothing() {
    let scene = Scene::new();
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");
    let nowhere = "http://127.0.0.1:1";
    run(scene.annals(&["load", samples]).env("OTEL_EXPORTER_OTLP_ENDPOINT", nowhere)).leaves(0);
    let (address, received) = collector();
    let mut command = scene.annals(&["load", "--again", samples]);
    run(command.env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", address).env("OTEL_SDK_DISABLED", "true")).leaves(0);
    assert!(received.lock().unwrap().is_empty());
}
