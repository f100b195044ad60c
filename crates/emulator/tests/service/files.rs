//! The files behind the links.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use emulator::{Error, History, Options};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{at, generated, nine, options, start};

#[tokio::test]
async fn a_link_can_be_used_until_it_expires() {
    let service = start(options()).await;
    let link = service.links("2026031409").await.remove(0);
    service.handle.clock().advance(Duration::from_secs(1799));
    assert_eq!(service.fetch(&link).await.status(), 200);
    assert_eq!(service.fetch(&link).await.status(), 200, "more than once");
    service.handle.clock().advance(Duration::from_secs(1));
    let response = service.fetch(&link).await;
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["Content-Type"], "application/xml");
    let body = response.text().await.unwrap();
    assert!(body.contains("<Code>AccessDenied</Code>") && body.contains("<Message>Request has expired.</Message>"));
}

#[tokio::test]
async fn what_is_not_signed_is_refused_in_xml() {
    let service = start(options()).await;
    let link = service.links("2026031409").await.remove(0);
    let bare = link.split('?').next().unwrap().to_owned();
    for (link, status, code) in [
        (bare, 403, "AccessDenied"),
        (link.replace("Signature=", "Signature=AA"), 403, "SignatureDoesNotMatch"),
        (link.replace("2026031409", "2026031408"), 403, "SignatureDoesNotMatch"),
        (link.replace("OSSAccessKeyId=AK", "OSSAccessKeyId=ZZ"), 403, "InvalidAccessKeyId"),
        (link.replace("Expires=", "Expires=9"), 403, "SignatureDoesNotMatch"),
        (link.replace("/3D/", "/14D/"), 404, "NoSuchKey"),
        (link.replace("/lantern/", "/beacon/"), 404, "NoSuchKey"),
        (link.replace(".gz", ".zip"), 404, "NoSuchKey"),
    ] {
        let response = service.fetch(&link).await;
        assert_eq!(response.status(), status, "{link}");
        let body = response.text().await.unwrap();
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{link}: {body}");
    }
}

#[tokio::test]
async fn a_bearer_token_breaks_a_signed_link() {
    let service = start(options()).await;
    let link = service.links("2026031409").await.remove(0);
    let response = service.client.get(&link).bearer_auth(service.handle.token()).send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert!(response.text().await.unwrap().contains("InvalidArgument"));
}

#[tokio::test]
async fn a_file_goes_when_its_retention_ends() {
    let service = start(Options { link_life: Duration::from_secs(100 * 3600), ..options() }).await;
    let link = service.links("2026031409").await.remove(0);
    service.handle.clock().set(at("2026-03-17T09:59:59"));
    assert_eq!(service.fetch(&link).await.status(), 200);
    service.handle.clock().set(at("2026-03-17T10:00"));
    let response = service.fetch(&link).await;
    assert_eq!(response.status(), 404);
    assert!(response.text().await.unwrap().contains("NoSuchKey"));
}

#[tokio::test]
async fn what_is_kept_for_ever_stays() {
    let (retention, link_life) = (Duration::MAX, Duration::MAX);
    let service = start(Options { retention, link_life, ..options() }).await;
    service.handle.clock().set(at("2036-03-14"));
    assert_eq!(service.lines("2026031409").await, generated(nine()));
}

#[tokio::test]
async fn rubbish_on_the_line_disturbs_nobody() {
    let service = start(options()).await;
    for rubbish in [b"\x16\x03\x01\x02\x00\x01".as_slice(), b"GET\r\n\r\n", b"\0\0\0\0\r\n\r\n"] {
        let mut line = TcpStream::connect(service.handle.address()).await.unwrap();
        line.write_all(rubbish).await.unwrap();
        line.shutdown().await.unwrap();
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).await.unwrap();
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{answer:?}");
    }
    assert_eq!(service.lines("2026031409").await, generated(nine()));
}

#[tokio::test]
async fn one_range_is_served_and_the_tag_stays() {
    let service = start(options()).await;
    let link = service.links("2026031409").await.remove(0);
    let whole = service.fetch(&link).await;
    let tag = whole.headers()["ETag"].clone();
    assert_eq!(whole.headers()["Accept-Ranges"], "bytes");
    assert!(whole.headers().get("Content-Encoding").is_none());
    let whole = whole.bytes().await.unwrap();
    let ranged = async |range: &str| service.client.get(&link).header("Range", range).send().await.unwrap();
    let part = ranged("bytes=100-").await;
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["Content-Range"], format!("bytes 100-{}/{}", whole.len() - 1, whole.len()));
    assert_eq!(part.headers()["ETag"], tag);
    assert_eq!(part.bytes().await.unwrap(), whole.slice(100..));
    let beyond = ranged("bytes=99999999-").await;
    assert_eq!(beyond.status(), 416);
    let stale = service.client.get(&link).header("Range", "bytes=100-").header("If-Range", "\"other\"");
    assert_eq!(stale.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_folder_is_served_with_all_its_parts() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("2026031409-0.gz", &packed(b"{\"part\":0}\n"));
    put("2026031409-1.gz", &packed(b"{\"part\":1}\n"));
    put("2026031409-2.ndjson", b"{\"part\":2}\n");
    put("2026031408.json", b"{\"hour\":8}");
    put("2026031407.gz", b"");
    let service = start(Options { history: History::Folder(folder.path().to_owned()), ..options() }).await;
    let links = service.links("2026031409").await;
    assert_eq!(links.len(), 3);
    assert!(links[1].contains("/2026031409-1.gz?"), "{}", links[1]);
    assert_eq!(service.lines("2026031409").await, b"{\"part\":0}\n{\"part\":1}\n{\"part\":2}\n");
    assert_eq!(service.fetch(&links[0]).await.bytes().await.unwrap(), packed(b"{\"part\":0}\n"), "as it lies there");
    assert_eq!(service.lines("2026031408").await, b"{\"hour\":8}");
    let empty = service.links("2026031407").await;
    assert!(service.fetch(&empty[0]).await.bytes().await.unwrap().is_empty());
    assert_eq!(service.answer("2026031406").await.0, 404);
    put("2026031406.gz", &packed(b"{}\n"));
    assert_eq!(service.lines("2026031406").await, b"{}\n", "a file that comes later is seen");
    let link = service.links("2026031408").await.remove(0);
    fs::remove_file(folder.path().join("2026031408.json")).unwrap();
    assert_eq!(service.fetch(&link).await.status(), 404);
}

#[tokio::test]
async fn a_folder_in_beijing_is_named_in_utc() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("2026031409.ndjson"), "{}\n").unwrap();
    let history = History::Folder(folder.path().to_owned());
    let service = start(Options { history, zone: chat::Zone::BEIJING, ..options() }).await;
    assert_eq!(service.lines("2026031417").await, b"{}\n");
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let history = History::Folder("/nowhere/at/all".into());
    let error = emulator::Emulator::start(Options { history, ..options() }).await.unwrap_err();
    assert!(matches!(error, Error::Folder { .. }), "{error}");
    let service = start(options()).await;
    let listen = service.handle.address();
    let error = emulator::Emulator::start(Options { listen, ..options() }).await.unwrap_err();
    assert!(matches!(error, Error::Listen { .. }) && error.to_string().contains(&listen.to_string()), "{error}");
}

#[tokio::test]
async fn a_stopped_service_takes_no_more_calls() {
    let service = start(options()).await;
    let (client, url) = (service.client.clone(), service.handle.base_url());
    let link = service.links("2026031409").await.remove(0);
    assert_eq!(service.lines("2026031409").await, generated(nine()));
    service.handle.stop().await;
    assert!(client.get(&url).send().await.unwrap_err().is_connect());
    assert!(client.get(&link).send().await.is_err());
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
