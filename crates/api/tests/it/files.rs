//! Files up and down (sections 7 and 8), and services and stores that mean harm.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use api::{Client, Error, Fetched, FileId, Obstacle, Outside, Picture, Unfit, Upload};
use chat::Secret;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::server::{Reply, Server, TOKEN, Wire, config, head};

const UUID: &str = "5fd74830-58b7-11e9-822a-81ea50bb049d";
const SECRET: &str = "X9dFAKE7Yc";

fn uploaded(uuid: &str, secret: &str) -> Reply {
    Reply::new(
        200,
        format!(
            r#"{{"action":"post","application":"8be024f0","path":"/chatfiles","uri":"https://a1.example.com/harbor-org/lantern/chatfiles","entities":[{{"uuid":"{uuid}","type":"chatfile","share-secret":"{secret}"}}],"timestamp":1554371126338,"duration":0,"organization":"harbor-org","applicationName":"lantern"}}"#
        ),
    )
}

fn upload_of(path: impl Into<PathBuf>) -> Upload {
    Upload { path: path.into(), restrict_access: false, thumbnail: None }
}

fn file_with(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
    (folder, path)
}

#[tokio::test]
async fn a_file_is_uploaded_as_a_form() {
    let (_folder, path) = file_with("tide \"table\".txt", b"low at six");
    let server = Server::start([Reply::new(502, ""), uploaded(UUID, SECRET)]).await;
    let upload = Upload { restrict_access: true, thumbnail: Some((170, 90)), ..upload_of(path) };
    let file = server.client().upload(&upload).await.unwrap();
    assert_eq!((file.uuid.as_str(), file.secret), (UUID, Some(Secret::new(SECRET))));
    assert_eq!(file.at.named("x"), file_at(&server));
    let asked = server.asked().pop().unwrap();
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/harbor-org/lantern/chatfiles"));
    for (name, value) in [("restrict-access", "true"), ("thumbnail-width", "170"), ("thumbnail-height", "90")] {
        assert_eq!(asked.header(name), Some(value));
    }
    let boundary = asked.header("content-type").unwrap().strip_prefix("multipart/form-data; boundary=").unwrap();
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"tide %22table%22.txt\"\r\n\
         Content-Type: application/octet-stream\r\n\r\nlow at six\r\n--{boundary}--\r\n"
    );
    assert_eq!(asked.body, expected);
    assert_eq!(asked.header("content-length"), Some(expected.len().to_string().as_str()));
}

fn file_at(server: &Server) -> api::FileAt {
    let url = server.url(&format!("/harbor-org/lantern/chatfiles/{UUID}"));
    api::FileAt::new(&url).unwrap().named("x").with_secret(Some(Secret::new(SECRET)))
}

#[tokio::test]
async fn what_is_no_file_or_too_large_is_not_uploaded() {
    let server = Server::start([Reply::new(500, "")]).await;
    let (folder, path) = file_with("x", b"0123456789");
    let mut config = server.config();
    config.limits.upload_bytes = 9;
    let client = Client::new(config).unwrap();
    let failure = client.upload(&upload_of(path)).await.unwrap_err();
    assert!(matches!(failure, Error::Unfit(Unfit::FileTooLarge { bytes: 10, most: 9, .. })), "{failure:?}");
    let failure = client.upload(&upload_of(folder.path())).await.unwrap_err();
    assert!(matches!(failure, Error::Unfit(Unfit::NoFile { .. })), "{failure:?}");
    let failure = client.upload(&upload_of("/nonexistent/x")).await.unwrap_err();
    assert!(matches!(failure, Error::Source { .. }), "{failure:?}");
    assert_eq!(server.counts(), (0, 0));
}

#[tokio::test]
async fn an_upload_that_is_declined_is_told() {
    let (_folder, path) = file_with("x", b"x");
    for (reply, expected) in [
        (
            Reply::fault(413, "file exceeding maximum limit", "the file size exceeds the maximum limit."),
            "the service declines (413: file exceeding maximum limit, the file size exceeds the maximum limit.)",
        ),
        (
            Reply::fault(400, "illegal_argument", "file must be provided."),
            "the service declines (400: illegal_argument, file must be provided.)",
        ),
        (uploaded("../../etc/passwd", ""), "cannot be understood: the id of the file is no uuid"),
        (Reply::new(200, r#"{"entities":[]}"#), "cannot be understood: it names no file"),
    ] {
        let failure = Server::start([reply]).await.client().upload(&upload_of(&path)).await.unwrap_err();
        assert!(failure.to_string().contains(expected), "{failure}");
    }
}

fn id() -> FileId {
    UUID.parse::<FileId>().unwrap().with_secret(Some(Secret::new(SECRET)))
}

async fn fetched(client: &Client) -> (Result<Fetched, Error>, Vec<u8>) {
    let mut bytes = b"left over".to_vec();
    let outcome = client.fetch_file(&id(), Picture::Original, &mut bytes).await;
    (outcome, bytes)
}

fn whole(bytes: u64) -> Fetched {
    Fetched::Whole { bytes, media_type: Some("application/octet-stream".to_owned()) }
}

#[tokio::test]
async fn a_file_is_downloaded_with_its_secret_in_a_header() {
    let server = Server::start([Reply::new(200, "low at six")]).await;
    let (outcome, bytes) = fetched(&server.client()).await;
    assert_eq!((outcome.unwrap(), bytes), (whole(10), b"low at six".to_vec()));
    let mut thumbnail = Vec::new();
    server.client().fetch_file(&id(), Picture::Thumbnail, &mut thumbnail).await.unwrap();
    let asked = server.asked();
    for asked in &asked {
        assert_eq!(asked.target, format!("/harbor-org/lantern/chatfiles/{UUID}"));
        assert_eq!(asked.header("accept"), Some("application/octet-stream"));
        assert_eq!(asked.header("share-secret"), Some(SECRET));
        assert_eq!(asked.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    }
    assert_eq!((asked[0].header("thumbnail"), asked[1].header("thumbnail")), (None, Some("true")));
}

#[tokio::test]
async fn a_file_that_cannot_be_had_is_an_answer() {
    let said = |word: &str| Some(word.to_owned());
    for (reply, expected) in [
        (
            Reply::fault(404, "entity_not_found", "file may not exists"),
            Fetched::Gone { status: 404, said: said("entity_not_found") },
        ),
        (
            Reply::fault(404, "file_expired", "file is expired"),
            Fetched::Gone { status: 404, said: said("file_expired") },
        ),
        (Reply::fault(403, "forbidden", "x"), Fetched::Denied { status: 403, said: said("forbidden") }),
        (
            Reply::fault(401, "unauthorized", "share-secret does not match"),
            Fetched::Denied { status: 401, said: said("unauthorized") },
        ),
        (Reply::new(401, ""), Fetched::Denied { status: 401, said: None }),
    ] {
        let (outcome, bytes) = fetched(&Server::start([reply]).await.client()).await;
        assert_eq!(outcome.unwrap(), expected);
        assert_eq!(bytes, b"left over", "nothing was begun");
    }
    let refused = Reply::fault(401, "auth_bad_access_token", "Unable to authenticate");
    let (outcome, _) = fetched(&Server::start([refused]).await.client()).await;
    assert!(matches!(outcome, Err(Error::Refused { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let answers = [
        "HTTP/1.1 200 OK\r\netag: \"v1\"\r\ncontent-length: 10\r\n\r\nlow ",
        "HTTP/1.1 206 Partial Content\r\netag: \"v1\"\r\ncontent-range: bytes 4-9/10\r\ncontent-length: 6\r\n\r\nat s",
        // Another version: from the beginning.
        "HTTP/1.1 200 OK\r\netag: \"v2\"\r\ncontent-length: 9\r\n\r\nhigh",
        // A part that nobody asked for is not taken.
        "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-8/9\r\ncontent-length: 9\r\n\r\nhigh at 6",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhigh at 6",
    ];
    let wire = Wire::start(answers.map(|answer| answer.as_bytes().to_vec()).to_vec()).await;
    let mut config = config(wire.url.as_str());
    config.retries.attempts = 5;
    let (outcome, bytes) = fetched(&Client::new(config).unwrap()).await;
    let nine = Fetched::Whole { bytes: 9, media_type: None };
    assert_eq!((outcome.unwrap(), String::from_utf8(bytes).unwrap()), (nine, "high at 6".to_owned()));
    let ranges: Vec<_> = wire
        .asked()
        .iter()
        .map(|asked| asked.lines().find_map(|line| line.strip_prefix("range: ")).unwrap_or("").to_owned())
        .collect();
    assert_eq!(ranges, ["", "bytes=4-", "bytes=8-", "bytes=4-", ""]);
    assert!(wire.asked()[1].contains("if-range: \"v1\"\r\n"));
}

#[tokio::test]
async fn a_part_that_ends_too_soon_is_not_the_end() {
    let answers = [
        "HTTP/1.1 200 OK\r\netag: \"v1\"\r\ncontent-length: 10\r\n\r\nlow ",
        "HTTP/1.1 206 Partial Content\r\netag: \"v1\"\r\ncontent-range: bytes 4-6/10\r\ncontent-length: 3\r\n\r\nat ",
        "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 7-9/10\r\ncontent-length: 3\r\n\r\nsix",
    ];
    let wire = Wire::start(answers.map(|answer| answer.as_bytes().to_vec()).to_vec()).await;
    let (outcome, bytes) = fetched(&Client::new(config(wire.url.as_str())).unwrap()).await;
    let ten = Fetched::Whole { bytes: 10, media_type: None };
    assert_eq!((outcome.unwrap(), String::from_utf8(bytes).unwrap()), (ten, "low at six".to_owned()));
    assert!(wire.asked()[2].contains("range: bytes=7-\r\n"), "{:?}", wire.asked());
}

#[tokio::test]
async fn a_part_of_another_version_is_not_put_behind() {
    let answers = [
        "HTTP/1.1 200 OK\r\netag: \"v1\"\r\ncontent-length: 10\r\n\r\nlow ",
        "HTTP/1.1 206 Partial Content\r\netag: \"v2\"\r\ncontent-range: bytes 4-8/9\r\ncontent-length: 5\r\n\r\n at 6",
        "HTTP/1.1 200 OK\r\netag: \"v2\"\r\ncontent-length: 9\r\n\r\nhigh at 6",
    ];
    let wire = Wire::start(answers.map(|answer| answer.as_bytes().to_vec()).to_vec()).await;
    let (outcome, bytes) = fetched(&Client::new(config(wire.url.as_str())).unwrap()).await;
    let nine = Fetched::Whole { bytes: 9, media_type: None };
    assert_eq!((outcome.unwrap(), String::from_utf8(bytes).unwrap()), (nine, "high at 6".to_owned()));
}

#[tokio::test]
async fn a_link_that_the_store_does_not_honour_is_asked_for_again() {
    let page = "<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>";
    let store = Server::start([Reply::new(403, page), Reply::new(200, "x")]).await;
    let moved = |number: u8| Reply::new(302, "").with("location", store.url(&format!("/signed?Signature=s{number}")));
    let server = Server::start([moved(1), moved(2)]).await;
    let (outcome, _) = fetched(&Client::new(with_outside(server.config(), &[])).unwrap()).await;
    assert_eq!(outcome.unwrap(), whole(1));
    let asked: Vec<_> = store.asked().into_iter().map(|asked| asked.target).collect();
    assert_eq!(asked, ["/signed?Signature=s1", "/signed?Signature=s2"]);
    let store = Server::start([Reply::new(403, page)]).await;
    let server = Server::start([Reply::new(302, "").with("location", store.url("/signed?Signature=s"))]).await;
    let (outcome, bytes) = fetched(&Client::new(with_outside(server.config(), &[])).unwrap()).await;
    let failure = outcome.unwrap_err();
    assert_eq!(failure.to_string(), "the store no longer honours the link (403: AccessDenied)");
    assert_eq!(bytes, b"left over");
}

#[tokio::test]
async fn a_store_of_another_host_gets_neither_token_nor_secret() {
    let store = Server::start([Reply::new(200, "x")]).await;
    let moved = Reply::new(302, "").with("location", store.url("/signed?Signature=s"));
    let server = Server::start([moved]).await;
    // Another port of this machine is not the service.
    let (outcome, _) = fetched(&server.client()).await;
    let failure = outcome.unwrap_err();
    assert!(matches!(failure, Error::Unreachable { obstacle: Obstacle::NotPublic, .. }), "{failure:?}");
    assert!(store.asked().is_empty());
    let (outcome, _) = fetched(&Client::new(with_outside(server.config(), &[])).unwrap()).await;
    assert_eq!(outcome.unwrap(), whole(1));
    let asked = store.asked().pop().unwrap();
    assert_eq!(asked.target, "/signed?Signature=s");
    for name in ["authorization", "share-secret", "thumbnail", "referer"] {
        assert_eq!(asked.header(name), None, "{name}");
    }
    // Back at the service, the token stays away.
    let back = Server::start([Reply::new(307, "").with("location", "/again"), Reply::new(200, "y")]).await;
    let (outcome, _) = fetched(&back.client()).await;
    assert_eq!(outcome.unwrap(), whole(1));
    assert_eq!(back.asked()[1].header("share-secret"), Some(SECRET));
}

/// With these hosts named, and private ones allowed.
fn with_outside(mut config: api::Config, hosts: &[&str]) -> api::Config {
    let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    config.outside = Outside { hosts, allow_private: true };
    config
}

#[tokio::test]
async fn a_file_elsewhere_is_fetched_from_a_host_that_is_named_and_bare() {
    let store = Server::start([Reply::new(200, "x").with("content-type", "Image/PNG; charset=utf-8")]).await;
    let server = Server::start([Reply::new(500, "")]).await;
    let url = store.url("/x.png?Signature=s").parse().unwrap();
    let host = store.url("").replace("http://", "");
    let mut bytes = Vec::new();
    let unnamed = Client::new(with_outside(server.config(), &["127.0.0.1:1"])).unwrap();
    let failure = unnamed.fetch_outside(&url, &mut bytes).await.unwrap_err();
    assert!(matches!(failure, Error::Unfit(Unfit::Host { .. })), "{failure:?}");
    let mut private = with_outside(server.config(), &[&host]);
    private.outside.allow_private = false;
    let failure = Client::new(private).unwrap().fetch_outside(&url, &mut bytes).await.unwrap_err();
    assert!(matches!(failure, Error::Unreachable { obstacle: Obstacle::NotPublic, .. }), "{failure:?}");
    assert!(store.asked().is_empty());
    let named = Client::new(with_outside(server.config(), &[&host])).unwrap();
    let expected = Fetched::Whole { bytes: 1, media_type: Some("image/png".to_owned()) };
    assert_eq!(named.fetch_outside(&url, &mut bytes).await.unwrap(), expected);
    let asked = store.asked().pop().unwrap();
    for name in ["authorization", "share-secret", "thumbnail", "referer"] {
        assert_eq!(asked.header(name), None, "{name}");
    }
    let with_password = store.url("/x").replace("http://", "http://me:hush@").parse().unwrap();
    let failure = named.fetch_outside(&with_password, &mut bytes).await.unwrap_err();
    assert!(matches!(failure, Error::Unfit(Unfit::FileUrl)) && !format!("{failure:?}").contains("hush"), "{failure:?}");
}

#[tokio::test]
async fn no_redirect_leads_to_a_name_of_this_machine() {
    let store = Server::start([Reply::new(200, "x")]).await;
    let to = store.url("/x").replace("127.0.0.1", "localhost");
    let server = Server::start([Reply::new(302, "").with("location", to)]).await;
    let (outcome, _) = fetched(&server.client()).await;
    let failure = outcome.unwrap_err();
    assert!(matches!(failure, Error::Unreachable { obstacle: Obstacle::NotPublic, .. }), "{failure:?}");
    assert!(store.asked().is_empty());
}

#[tokio::test]
async fn no_redirect_leads_into_the_machine() {
    for to in [
        "http://169.254.169.254/latest/meta-data/iam",
        "http://[::ffff:a9fe:a9fe]/",
        "http://0.0.0.0/",
        "http://10.0.0.7/",
    ] {
        let server = Server::start([Reply::new(302, "").with("location", to)]).await;
        let (outcome, bytes) = fetched(&server.client()).await;
        let failure = outcome.expect_err(to);
        assert!(matches!(failure, Error::Unreachable { obstacle: Obstacle::NotPublic, .. }), "{failure:?}");
        assert_eq!((bytes.as_slice(), server.counts().1), (&b"left over"[..], 1));
    }
    for to in ["http://me:hush@store.example.com/", "file:///etc/passwd", "ftp://h.example.com/x", ""] {
        let server = Server::start([Reply::new(302, "").with("location", to)]).await;
        // Without a place to go, `Location` is the page itself: a circle.
        let (outcome, bytes) = fetched(&server.client()).await;
        let failure = outcome.expect_err(to);
        assert!(matches!(failure, Error::Unexpected { status: 302, .. }), "{failure:?}");
        assert_eq!(bytes, b"left over");
        assert_eq!(server.counts().1, if to.is_empty() { 6 } else { 1 });
    }
}

/// Pieces after which who takes an endless answer has shown that he would take it all: 64 MiB of a file, 256 of an answer.
const FAR_TOO_MANY: u32 = 1 << 16;

#[tokio::test]
async fn an_endless_file_is_not_taken() {
    let huge = Wire::start(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n".to_vec()]).await;
    let (outcome, bytes) = fetched(&Client::new(config(huge.url.as_str())).unwrap()).await;
    assert!(matches!(outcome, Err(Error::TooMuch { .. })), "{outcome:?}");
    assert!(bytes.is_empty());

    let (listener, url) = listening().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        for _ in 0..FAR_TOO_MANY {
            if sent.is_err() {
                break;
            }
            sent = stream.write_all(b"400\r\n").await;
            sent = sent.and(stream.write_all(&[b'x'; 0x400]).await).and(stream.write_all(b"\r\n").await);
        }
    });
    let mut config = config(&url);
    config.limits.attachment_bytes = 1 << 20;
    let (outcome, bytes) = fetched(&Client::new(config).unwrap()).await;
    assert!(matches!(outcome, Err(Error::TooMuch { limit: 1_048_576, .. })), "{outcome:?}");
    assert!(bytes.len() <= 1 << 20 && bytes.capacity() <= 4 << 20, "no more was held than was taken");
}

async fn listening() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/o/a", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn an_endless_answer_is_not_taken() {
    let (listener, url) = listening().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            head(&mut stream).await;
            let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n{\"data\":{").await;
            for _ in 0..FAR_TOO_MANY {
                if sent.is_err() {
                    break;
                }
                sent = stream.write_all(&[b' '; 0x1000]).await;
            }
        }
    });
    let forget = api::Forget {
        user: "ana".to_owned(),
        with: "teo".to_owned(),
        chat_type: api::ChatType::Chat,
        delete_roaming: false,
    };
    let failure = Client::new(config(&url)).unwrap().delete_conversation(&forget).await.unwrap_err();
    assert!(matches!(failure, Error::TooMuch { limit: 4_194_304, .. }), "{failure:?}");
}

#[tokio::test]
async fn a_drip_is_given_up_on() {
    let (listener, url) = listening().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                head(&mut stream).await;
                let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
                while sent.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    sent = stream.write_all(b" ").await;
                }
            });
        }
    });
    let mut config = config(&url);
    config.retries.attempts = 1;
    config.timeouts.head = Duration::from_millis(100);
    config.timeouts.file = Duration::from_millis(100);
    let client = Client::new(config).unwrap();
    let (outcome, _) = fetched(&client).await;
    assert!(matches!(outcome, Err(Error::TimedOut { .. })), "{outcome:?}");
    let forget = api::Forget {
        user: "ana".to_owned(),
        with: "teo".to_owned(),
        chat_type: api::ChatType::Chat,
        delete_roaming: false,
    };
    let failure = client.delete_conversation(&forget).await.unwrap_err();
    assert!(matches!(failure, Error::TimedOut { .. }), "{failure:?}");
}

#[tokio::test]
async fn words_of_a_hostile_service_are_shown_harmless() {
    let hostile = format!("../../etc\u{1b}[2J {SECRET} {TOKEN}");
    let reply = Reply::new(418, serde_json::json!({"error": hostile, "error_description": hostile}).to_string());
    let (outcome, _) = fetched(&Server::start([reply]).await.client()).await;
    let text = outcome.unwrap_err().to_string();
    assert!(!text.contains(char::is_control) && !text.contains(SECRET) && !text.contains(TOKEN), "{text}");
}
