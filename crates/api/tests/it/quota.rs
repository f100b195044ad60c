//! The rate and `Retry-After`, as far as it takes a service to see them; the spacing itself is tested where it is made.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api::{
    Advice, Availability, Body, Broadcast, ChatType, Client, Draft, Error, Forget, ImportInto, Picture, Rate, Recall,
    Recipients, Upload,
};

use crate::server::{Reply, Server, config, hour};

/// Longer than any call here takes, shorter than any pause that would be wrong.
const SOON: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3_600);

/// How far ahead a time in the quota file is: word 2 is the newest slot, word 3 the pause that was asked for.
fn seconds_ahead(file: &Path, word: usize) -> i64 {
    let content = fs::read_to_string(file).unwrap_or_default();
    let milliseconds: i64 = content.split_whitespace().nth(word).map_or(0, |word| word.parse().unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    milliseconds / 1_000 - i64::try_from(now.as_secs()).unwrap()
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn slowest() -> Rate {
    Rate::per_minute(1.try_into().unwrap())
}

#[tokio::test]
async fn every_attempt_takes_a_call_of_the_quota() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quota");
    let server = Server::start([Reply::new(503, ""), Reply::ready()]).await;
    let mut config = server.config();
    config.rate = slowest();
    config.quota_file = Some(file.clone());
    let client = Client::new(config).unwrap();
    tokio::select! {
        outcome = client.locate(hour()) => panic!("{outcome:?}"),
        () = until(|| seconds_ahead(&file, 2) > 20) => {}
    }
    assert_eq!(server.counts(), (0, 1));
}

#[tokio::test]
async fn an_attempt_that_does_not_reach_the_service_takes_none() {
    let mut config = config(&format!("http://127.0.0.1:{}/o/a", crate::network::closed_port().await));
    config.rate = slowest();
    let client = Client::new(config).unwrap();
    let outcome = tokio::time::timeout(SOON, client.locate(hour())).await.unwrap();
    assert!(matches!(outcome, Err(Error::Unreachable { .. })), "{outcome:?}");
}

#[tokio::test]
async fn the_pause_is_the_one_asked_for() {
    let passed = "Sat, 14 Mar 2026 09:00:00 GMT";
    for value in ["0", passed, " 0 "] {
        for status in [429, 503] {
            let server = Server::start([Reply::new(status, "").with("retry-after", value), Reply::ready()]).await;
            let mut config = server.config();
            config.retries.first_pause = HOUR;
            config.clock = std::sync::Arc::new(|| "2026-03-14T09:00:00Z".parse().unwrap());
            let client = Client::new(config).unwrap();
            let outcome = tokio::time::timeout(SOON, client.locate(hour())).await.expect(value);
            assert!(matches!(outcome, Ok(Availability::Ready(_))), "{outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_pause_that_is_too_long_is_left_to_the_caller() {
    for (value, expected) in [("7200", 7_200), ("Sat, 14 Mar 2026 09:20:00 GMT", 1_200)] {
        let server = Server::start([Reply::new(429, "").with("retry-after", value)]).await;
        let mut config = server.config();
        config.clock = std::sync::Arc::new(|| "2026-03-14T09:00:00Z".parse().unwrap());
        let failure = Client::new(config).unwrap().locate(hour()).await.unwrap_err();
        assert_eq!(failure.advice(), Advice::Retry(Some(Duration::from_secs(expected))));
        assert_eq!(server.counts(), (0, 1));
    }
}

#[tokio::test]
async fn a_throttled_client_makes_all_others_wait() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quota");
    let server = Server::start([Reply::new(429, "").with("retry-after", 7_200)]).await;
    let mut config = server.config();
    config.quota_file = Some(file.clone());
    assert!(Client::new(config).unwrap().locate(hour()).await.is_err());
    // As long as the file allows; that nobody gets a slot before is tested where slots are made.
    let pause = seconds_ahead(&file, 3);
    assert!((60..=90).contains(&pause), "{pause}");
}

#[tokio::test]
async fn a_quota_file_that_cannot_be_written_stops_the_call() {
    let server = Server::start([Reply::ready()]).await;
    let mut config = server.config();
    config.quota_file = Some("/dev/null/quota".into());
    let failure = Client::new(config).unwrap().locate(hour()).await.unwrap_err();
    assert_eq!(failure.advice(), Advice::FixTheSettings);
    assert_eq!(failure.to_string(), "the quota file /dev/null/quota cannot be used");
    assert_eq!(server.counts(), (0, 0));
}

/// Makes one call of a method, which the service declines.
async fn call(client: &Client, method: &str) {
    let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
    let text = || Body::Text("x".to_owned());
    let send = async |to| drop(client.send(&Draft::new(to, text())).await.unwrap_err());
    let recall = Recall::new(chat::MessageId::new("1"), "teo-77", ChatType::Chat);
    match method {
        "locate" => drop(client.locate(hour()).await.unwrap_err()),
        "users" => send(Recipients::Users((0..600).map(|number| number.to_string()).collect())).await,
        "groups" => send(Recipients::Groups(ids(&["1"]))).await,
        "rooms" => send(Recipients::Rooms(ids(&["1"]))).await,
        "in a group" => send(Recipients::InGroup { group: "1".to_owned(), users: ids(&["ana"]) }).await,
        "in a room" => send(Recipients::InRoom { room: "1".to_owned(), users: ids(&["ana"]) }).await,
        "broadcast" => {
            let broadcast = Broadcast { from: None, body: text(), ext: None, level: None };
            drop(client.broadcast(&broadcast).await.unwrap_err());
        }
        "upload" => {
            let upload = Upload {
                path: concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into(),
                restrict_access: false,
                thumbnail: None,
            };
            drop(client.upload(&upload).await.unwrap_err());
        }
        "download" => {
            let file = "5fd74830-58b7-11e9-822a-81ea50bb049d".parse().unwrap();
            drop(client.fetch_file(&file, Picture::Original, &mut Vec::new()).await.unwrap_err());
        }
        "recall" => drop(client.recall(&recall).await.unwrap_err()),
        "batch" => drop(client.recall_batch(&[recall]).await.unwrap_err()),
        "delete" => {
            let (user, with) = ("ana".to_owned(), "teo".to_owned());
            let forget = Forget { user, with, chat_type: ChatType::Chat, delete_roaming: false };
            drop(client.delete_conversation(&forget).await.unwrap_err());
        }
        "import" => {
            let line = r#"{"from":"ana","target":"teo","type":"txt","body":{"msg":"x"}}"#.parse().unwrap();
            drop(client.import(ImportInto::Users, &line).await.unwrap_err());
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn each_method_takes_of_its_own_quota() {
    let server = Server::start([Reply::fault(400, "illegal_argument", "illegal arguments: no")]).await;
    for (method, expected) in [
        ("locate", &["quota"][..]),
        ("users", &["quota.users"]),
        ("groups", &["quota.chatgroups"]),
        ("rooms", &["quota.chatrooms"]),
        ("in a group", &["quota.chatgroups"]),
        ("in a room", &["quota.chatrooms"]),
        ("broadcast", &["quota.broadcast", "quota.broadcasts"]),
        ("upload", &["quota.upload"]),
        ("download", &["quota.download"]),
        ("recall", &["quota.recall"]),
        ("batch", &["quota.recall"]),
        ("delete", &["quota.deletions", "quota.user_channel"]),
        ("import", &["quota.import"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = server.config();
        config.quota_file = Some(folder.path().join("quota"));
        call(&Client::new(config).unwrap(), method).await;
        let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = files.collect();
        files.sort();
        assert_eq!(files, expected, "{method}");
        if method == "users" {
            // 600 of 5,400 messages a minute.
            let ahead = seconds_ahead(&folder.path().join("quota.users"), 2);
            assert!((5..=7).contains(&ahead), "{ahead} s");
        }
    }
    assert_eq!(server.counts(), (0, 13));
}
