//! Files, from stores that work and stores that do not.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write};
use std::time::Duration;

use api::{Advice, Client, Config, Downloaded, Error, Target};

use crate::network::closed_port;
use crate::server::{Reply, Server, Wire, config, link_to};

fn client(change: impl FnOnce(&mut Config)) -> Client {
    let mut config = config("http://127.0.0.1/harbor-org/lantern");
    change(&mut config);
    Client::new(config).unwrap()
}

async fn download(url: &str) -> (Result<Downloaded, Error>, Vec<u8>) {
    let mut bytes = b"left over".to_vec();
    let outcome = client(|_| {}).download(&link_to(url).await, &mut bytes).await;
    (outcome, bytes)
}

#[tokio::test]
async fn a_file_arrives_as_served() {
    let body = b"\x1f\x8b not really gzip".to_vec();
    // The store claims an encoding of the transfer where there is none: bytes are bytes.
    let store = Server::start([Reply::new(200, body.clone()).with("content-encoding", "gzip")]).await;
    let (outcome, bytes) = download(&store.url("/3D/o/a/x.gz?b=2&a=o7Ab%2Bc9%3D&flag&e=")).await;
    assert_eq!(bytes, body);
    assert_eq!(outcome.unwrap(), Downloaded { bytes: 18 });
    let asked = store.asked().pop().unwrap();
    assert_eq!(asked.target, "/3D/o/a/x.gz?b=2&a=o7Ab%2Bc9%3D&flag&e=");
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    assert_eq!(asked.header("authorization"), None);
}

#[tokio::test]
async fn a_file_of_nothing_is_a_file() {
    let store = Server::start([Reply::new(200, "")]).await;
    let (outcome, bytes) = download(&store.url("/x.gz")).await;
    assert_eq!(outcome.unwrap().bytes, 0);
    assert_eq!(bytes, b"");
}

#[tokio::test]
async fn what_was_cut_off_leaves_nothing_behind() {
    let length = "HTTP/1.1 200 OK\r\ncontent-length: 26\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let answers = vec![
        format!("{length}ABCDEFGHIJKLM").into(),
        format!("{chunked}d\r\nNOPQRSTUVWXYZ\r\n").into(),
        Vec::new(),
        format!("{chunked}d\r\nNOPQ").into(),
        format!("{length}abcdefghijklmnopqrstuvwxyz").into(),
    ];
    let wire = Wire::start(answers).await;
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"what was there before, and longer").unwrap();
    let link = link_to(wire.url.as_str()).await;
    let downloaded = client(|config| config.retries.attempts = 5).download(&link, &mut file).await.unwrap();
    assert_eq!(downloaded.bytes, 26);
    assert_eq!(wire.asked().len(), 5);
    assert_eq!(content(&mut file), "abcdefghijklmnopqrstuvwxyz");
}

fn content(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn what_is_always_cut_off_is_an_error() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 26\r\n\r\nABCDEFGHIJKLM".to_vec();
    let wire = Wire::start(vec![answer; 3]).await;
    let (outcome, _) = download(wire.url.as_str()).await;
    let failure = outcome.unwrap_err();
    assert!(matches!(failure, Error::Cut { bytes: 13, .. }), "{failure:?}");
    assert_eq!(failure.advice(), Advice::Retry(None));
}

#[tokio::test]
async fn a_link_that_is_not_honoured_is_not_tried_again() {
    let page = |code: &str| {
        format!(
            r#"<?xml version="1.0"?><Error><Code>{code}</Code><Message>Request has expired.</Message><StringToSign>hush</StringToSign></Error>"#
        )
    };
    for (status, body, code) in [
        (403, page("AccessDenied"), Some("AccessDenied")),
        (403, page("SignatureDoesNotMatch"), Some("SignatureDoesNotMatch")),
        (404, page("NoSuchKey"), Some("NoSuchKey")),
        (400, page("InvalidArgument"), Some("InvalidArgument")),
        (401, String::new(), None),
        (410, "gone".to_owned(), None),
        (403, page("<b>hush</b>"), None),
        (403, format!("{}{}", " ".repeat(100_000), page("Late")), None),
    ] {
        let store = Server::start([Reply::new(status, body)]).await;
        let (outcome, bytes) = download(&store.url("/x.gz?Signature=hush")).await;
        let failure = outcome.unwrap_err();
        assert_eq!((failure.advice(), failure.http_status()), (Advice::AskForANewLink, Some(status)));
        let said = code.map(|code| format!(": {code}")).unwrap_or_default();
        assert_eq!(failure.to_string(), format!("the store no longer honours the link ({status}{said})"));
        assert!(bytes.is_empty());
        assert_eq!(store.counts(), (0, 1));
    }
}

#[tokio::test]
async fn a_store_that_is_busy_is_asked_again() {
    let replies = [Reply::new(503, "<Error><Code>SlowDown</Code></Error>"), Reply::new(429, ""), Reply::new(200, "x")];
    let store = Server::start(replies).await;
    let (outcome, bytes) = download(&store.url("/x.gz")).await;
    assert_eq!(outcome.unwrap().bytes, 1);
    assert_eq!(bytes, b"x");
    assert_eq!(store.counts(), (0, 3));
}

#[tokio::test]
async fn a_store_that_hangs_is_given_up_on() {
    let store = Server::start([Reply::hang()]).await;
    let mut bytes = Vec::new();
    let impatient = client(|config| config.timeouts.head = Duration::from_millis(50));
    let failure = impatient.download(&link_to(&store.url("/x.gz")).await, &mut bytes).await.unwrap_err();
    assert!(failure.to_string().starts_with("the head of a file from 127.0.0.1"), "{failure}");
}

#[tokio::test]
async fn a_store_that_falls_silent_or_trickles_is_given_up_on() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x.gz", listener.local_addr().unwrap());
    // Sends a byte now and then, for as long as somebody reads.
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                use tokio::io::AsyncWriteExt as _;
                crate::server::head(&mut stream).await;
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
                let mut sent = stream.write_all(head).await;
                while sent.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    sent = stream.write_all(b"x").await;
                }
            });
        }
    });
    let link = link_to(&url).await;
    let mut bytes = Vec::new();
    let silent = client(|config| config.timeouts.idle = Duration::from_millis(1));
    let failure = silent.download(&link, &mut bytes).await.unwrap_err();
    assert!(failure.to_string().starts_with("the next piece of a file from"), "{failure}");
    let trickling = client(|config| config.timeouts.file = Duration::from_millis(100));
    let failure = trickling.download(&link, &mut bytes).await.unwrap_err();
    assert!(failure.to_string().starts_with("a whole file from"), "{failure}");
    assert_eq!(failure.advice(), Advice::Retry(None));
}

#[tokio::test]
async fn a_redirect_is_followed_without_telling_where_from() {
    let store = Server::start([Reply::new(200, "bytes")]).await;
    let moved = Server::start([Reply::new(302, "").with("location", store.url("/new.gz?Signature=other"))]).await;
    let (outcome, bytes) = download(&moved.url("/old.gz?Signature=hush")).await;
    outcome.unwrap();
    assert_eq!(bytes, b"bytes");
    let asked = store.asked().pop().unwrap();
    assert_eq!(asked.target, "/new.gz?Signature=other");
    assert_eq!(asked.header("referer"), None);
    assert_eq!(asked.header("authorization"), None);
}

#[tokio::test]
async fn of_a_redirect_to_nowhere_the_host_is_named_that_is_not_there() {
    let port = closed_port().await;
    for (to, expected) in [
        (format!("http://127.0.0.1:{port}/x.gz"), format!("127.0.0.1:{port} cannot be reached")),
        // Two dots in a row are no name at all: no resolver has to be asked.
        (
            "http://nowhere..invalid/x.gz".to_owned(),
            "nowhere..invalid cannot be found: its name leads nowhere".to_owned(),
        ),
    ] {
        let store = Server::start([Reply::new(302, "").with("location", &to)]).await;
        let (outcome, _) = download(&store.url("/x.gz")).await;
        let failure = outcome.expect_err(&to);
        assert!(matches!(failure, Error::Unreachable { .. }), "{failure:?}");
        assert_eq!(failure.to_string(), expected);
    }
    let hanging = Server::start([Reply::hang()]).await;
    let moved = Server::start([Reply::new(302, "").with("location", hanging.url("/x.gz"))]).await;
    let hasty = client(|config| config.timeouts.head = Duration::from_millis(50));
    let failure = hasty.download(&link_to(&moved.url("/x.gz")).await, &mut Vec::new()).await.unwrap_err();
    let host = hanging.url("").replace("http://", "");
    assert_eq!(failure.to_string(), format!("the head of a file from {host} took longer than 0.05 s"));
}

#[tokio::test]
async fn a_redirect_out_of_http_or_in_a_circle_is_not_followed() {
    for (to, requests) in [("ftp://h.example.com/x.gz", 1), ("file:///etc/passwd", 1), ("/again.gz", 6)] {
        let store = Server::start([Reply::new(302, "").with("location", to)]).await;
        let (outcome, bytes) = download(&store.url("/x.gz")).await;
        let failure = outcome.expect_err(to);
        assert!(matches!(failure, Error::Unexpected { status: 302, .. }), "{failure:?}");
        assert_eq!(failure.advice(), Advice::GiveUp);
        assert!(bytes.is_empty());
        assert_eq!(store.counts(), (0, requests), "{to}");
    }
}

#[tokio::test]
async fn no_more_than_the_limit_is_taken() {
    let chunked =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n1\r\n!\r\n0\r\n\r\n";
    let wire = Wire::start(vec![chunked.to_vec()]).await;
    let store = Server::start([Reply::new(200, "01234567890")]).await;
    for url in [wire.url.as_str(), &store.url("/x.gz")] {
        let mut bytes = Vec::new();
        let client = client(|config| config.limits.download_bytes = 10);
        let failure = client.download(&link_to(url).await, &mut bytes).await.unwrap_err();
        assert!(matches!(failure, Error::TooMuch { limit: 10, .. }), "{failure:?}");
        assert_eq!(failure.advice(), Advice::GiveUp);
        assert!(bytes.len() <= 10);
    }
}

/// A disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target for Full {
    fn restart(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_full_disk_is_not_the_stores_fault() {
    let store = Server::start([Reply::new(200, "x")]).await;
    let failure = client(|_| {}).download(&link_to(&store.url("/x.gz")).await, &mut Full).await.unwrap_err();
    assert!(matches!(failure, Error::Target { .. }), "{failure:?}");
    assert_eq!(failure.advice(), Advice::GiveUp);
    assert_eq!(store.counts(), (0, 1));
}
