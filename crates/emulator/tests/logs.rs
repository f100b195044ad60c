//! What the service says of itself: which path, which status, and never a token or a signature.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use emulator::{Clock, Emulator, Options};
use serde_json::{Value, json};
use tracing::Level;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_names_paths_and_no_secrets() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false).with_writer(move || writer.clone()).init();

    let clock = Clock::fixed("2026-03-14T15:00:00Z".parse().unwrap());
    let service = Emulator::start(Options { clock, ..Options::default() }).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let credentials = json!({
        "grant_type": "client_credentials",
        "client_id": service.client_id(),
        "client_secret": service.client_secret(),
    });
    let url = format!("{}/token", service.base_url());
    let granted: Value = client.post(url).json(&credentials).send().await.unwrap().json().await.unwrap();
    let token = granted["access_token"].as_str().unwrap();
    let url = format!("{}/chatmessages/2026031409", service.base_url());
    let answer: Value = client.get(url).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    let link = answer["data"][0]["url"].as_str().unwrap();
    assert_eq!(client.get(link).send().await.unwrap().status(), 200);

    let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("emulator")).collect();
    for path in ["/harbor-org/lantern/token", "/harbor-org/lantern/chatmessages/2026031409", "/2026031409.gz"] {
        assert!(ours.iter().any(|line| line.contains(path) && line.contains("status=200")), "{path}: {ours:?}");
    }
    let signature = link.split_once("Signature=").unwrap().1;
    for secret in [token, service.client_secret(), service.app_certificate(), signature, "Signature"] {
        assert!(!ours.iter().any(|line| line.contains(secret)), "{ours:?}");
    }
}
