//! Nothing that this crate shows holds a secret.

use std::str::FromStr as _;

use api::{Availability, Body, Client, Config, Draft, Error, FileAt, FileId, Import, Picture, Recipients, TokenSource};
use chat::Secret;

use crate::network::closed_port;
use crate::server::{Reply, Server, TOKEN, Wire, config, hour, link_to};

const HUSH: [&str; 6] =
    ["hush", TOKEN, "5CFd2fd1755d40ecb72977518be15d3b", "007eJx", "Signature=s", "share-secret=hush"];

#[track_caller]
fn assert_silent(text: &str) {
    for secret in HUSH {
        assert!(!text.contains(secret), "{text}");
    }
}

/// Everything that an error and what lies below it can be made to show.
#[track_caller]
fn assert_error_silent(error: &Error) {
    assert_silent(&format!("{error:?} {error:#?}"));
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        assert_silent(&format!("{error} {error:?}"));
        next = error.source();
    }
}

#[tokio::test]
async fn errors_of_the_service_are_silent() {
    let echo = format!("no such token {TOKEN}, see http://h.example.com/x?key=hush for more");
    for reply in [
        Reply::fault(401, "unauthorized", &echo),
        Reply::fault(404, "organization_application_not_found", &echo),
        Reply::fault(400, "illegal_argument", &format!("illegal arguments: {echo}")),
        Reply::fault(429, "reach_limit", &echo),
        Reply::fault(503, TOKEN, &echo),
        Reply::fault(405, "x", &echo),
        Reply::new(302, "").with("location", "http://user:hush@h.example.com/hush?hush=hush"),
        Reply::new(200, r#"{"data":[{"url":"ftp://h/x?Signature=s"}]}"#),
        Reply::new(200, r#"{"data":[{"url":"http://h/x?Signature=s"},"#),
        Reply::new(200, r#"{"data":"hush"}"#),
    ] {
        let server = Server::start([reply]).await;
        assert_error_silent(&server.client().locate(hour()).await.unwrap_err());
    }
}

#[tokio::test]
async fn errors_of_the_token_endpoint_are_silent() {
    let secret = || Secret::new("hush");
    for (token, reply) in [
        (
            TokenSource::ClientCredentials { id: "id".to_owned(), secret: secret() },
            Reply::fault(400, "invalid_grant", "client_secret hush does not match"),
        ),
        (
            TokenSource::ClientCredentials { id: "id".to_owned(), secret: secret() },
            Reply::new(200, r#"{"access_token":["hush"]}"#),
        ),
        (
            TokenSource::AppCertificate { app_id: "id".to_owned(), certificate: secret(), exchange: true },
            Reply::fault(401, "unauthorized", "bad"),
        ),
    ] {
        let server = Server::start_with_tokens([], [reply]).await;
        let client = Client::new(Config { token, ..server.config() }).unwrap();
        assert_error_silent(&client.token().await.unwrap_err());
        assert_silent(&format!("{client:?}"));
    }
}

#[tokio::test]
async fn errors_of_the_way_there_are_silent() {
    let client = Client::new(config("http://127.0.0.1/o/a")).unwrap();
    let mut target = Vec::new();
    let closed = format!("http://127.0.0.1:{}/x.gz?Signature=s", closed_port().await);
    let garbage = Wire::start(vec![b"no http".to_vec(); 3]).await;
    let cut = Wire::start(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx".to_vec(); 3]).await;
    for url in [
        closed.clone(),
        closed.replace("http", "https"),
        "http://nowhere..invalid/x.gz?Signature=s".to_owned(),
        format!("{}?Signature=s", garbage.url),
        format!("{}?Signature=s", cut.url),
    ] {
        let link = link_to(&url).await;
        let error = client.download(&link, &mut target).await.unwrap_err();
        assert_error_silent(&error);
        assert!(std::error::Error::source(&error).is_some(), "{error:?}");
    }
}

#[tokio::test]
async fn settings_and_links_are_silent() {
    for token in [
        TokenSource::Static(Secret::new("hush")),
        TokenSource::ClientCredentials { id: "id".to_owned(), secret: Secret::new("hush") },
        TokenSource::AppCertificate { app_id: "id".to_owned(), certificate: Secret::new("hush"), exchange: false },
    ] {
        let config = Config { token, ..config("http://user:hush@127.0.0.1/o/a?token=hush") };
        assert_silent(&format!("{config:?} {config:#?}"));
        assert_error_silent(&Client::new(config).unwrap_err());
    }
    let link = link_to("http://user:hush@h.example.com/x.gz?Signature=s").await;
    let availability = Availability::Ready(vec![link.clone()]);
    assert_silent(&format!("{link} {link:?} {availability:?} {availability:#?}"));
}

#[tokio::test]
async fn messages_and_files_are_silent() {
    let echo = "hush is no secret of https://h.example.com/x?share-secret=hush";
    let file: FileId = "https://h/chatfiles/5fd74830-58b7-11e9-822a-81ea50bb049d?share-secret=hush".parse().unwrap();
    let at = FileAt::new("https://h.example.com/x?share-secret=hush&Signature=s").unwrap();
    let draft = Draft::new(Recipients::Users(vec!["teo-77".to_owned()]), Body::Image { file: at.clone(), size: None });
    let import: Import =
        r#"{"from":"ana","target":"teo","type":"img","body":{"url":"u","secret":"hush"}}"#.parse().unwrap();
    assert_silent(&format!("{file:?} {at:?} {draft:?} {import:?}"));
    for reply in [
        Reply::fault(400, "message_send_error", echo),
        Reply::fault(403, "hush", echo),
        Reply::fault(418, "x", echo),
        Reply::fault(503, "x", echo),
        Reply::new(200, r#"{"data":"hush"}"#),
    ] {
        let server = Server::start([reply]).await;
        let client = server.client();
        assert_error_silent(&client.send(&draft).await.unwrap_err());
        assert_error_silent(&client.import(api::ImportInto::Users, &import).await.unwrap_err());
        let fetched = client.fetch_file(&file, Picture::Original, &mut Vec::new()).await;
        assert_silent(&format!("{fetched:?}"));
    }
    let unfit = FileId::from_str("https://h/x?share-secret=hush").unwrap_err();
    assert_silent(&format!("{unfit} {unfit:?}"));
}
