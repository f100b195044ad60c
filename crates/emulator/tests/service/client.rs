//! A client that does as little as possible: what it sees is what was sent.

use std::io::Read as _;
use std::time::Duration;

use chat::{Hour, Timestamp};
use emulator::{Clock, Emulator, Faults, Handle, History, Options, corpus};
use flate2::read::MultiGzDecoder;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

/// The hour that most tests ask for, five hours old by the service's clock.
pub(crate) fn nine() -> Hour {
    "2026031409".parse().unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    chat::parse_time(text).unwrap()
}

pub(crate) fn options() -> Options {
    let corpus = corpus::Options { messages_per_hour: 100, ..corpus::Options::default() };
    Options {
        clock: Clock::fixed(at("2026-03-14T15:00")),
        history: History::Generated(corpus),
        rate_per_minute: None,
        ..Options::default()
    }
}

pub(crate) async fn start(options: Options) -> Service {
    let handle = Emulator::start(options).await.unwrap();
    // No proxy of the machine, no pool: every request is a connection of its own.
    let client = Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    Service { handle, client }
}

pub(crate) async fn with_faults(faults: Faults) -> Service {
    start(Options { faults, ..options() }).await
}

pub(crate) struct Service {
    pub(crate) handle: Handle,
    pub(crate) client: Client,
}

impl Service {
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.handle.base_url())).timeout(Duration::from_secs(30))
    }

    /// The call for the links of an hour, with a token that works.
    pub(crate) fn ask(&self, key: &str) -> RequestBuilder {
        self.get(&format!("/chatmessages/{key}")).bearer_auth(self.handle.token())
    }

    /// Status and JSON of the answer.
    pub(crate) async fn answer(&self, key: &str) -> (u16, Value) {
        read(self.ask(key).send().await.unwrap()).await
    }

    pub(crate) async fn links(&self, key: &str) -> Vec<String> {
        let (status, answer) = self.answer(key).await;
        assert_eq!(status, 200, "{answer}");
        let data = answer["data"].as_array().unwrap();
        data.iter().map(|element| element["url"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn fetch(&self, link: &str) -> Response {
        self.client.get(link).timeout(Duration::from_secs(30)).send().await.unwrap()
    }

    /// All parts of an hour, unpacked, in order.
    pub(crate) async fn lines(&self, key: &str) -> Vec<u8> {
        let mut lines = Vec::new();
        for link in self.links(key).await {
            let response = self.fetch(&link).await;
            assert_eq!(response.status(), 200);
            lines.extend(unpacked(&response.bytes().await.unwrap()));
        }
        lines
    }
}

pub(crate) async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub(crate) fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut lines).unwrap();
    lines
}

/// What the generator says the hour holds.
pub(crate) fn generated(hour: Hour) -> Vec<u8> {
    let History::Generated(corpus) = options().history else { unreachable!() };
    let mut lines = Vec::new();
    corpus::write_hour(&corpus, hour, &mut lines).unwrap();
    lines
}
