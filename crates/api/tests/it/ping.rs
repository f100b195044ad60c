//! A watchdog that is pinged: what it hears, and what becomes of a ping that fails.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::{Error, Ping, Signal};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use chat::Secret;
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(10);

/// A watchdog that answers with these statuses in turn, the last one for ever, and keeps what it hears.
#[derive(Clone)]
struct Watchdog {
    statuses: Arc<Mutex<Vec<u16>>>,
    heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Watchdog {
    async fn start(statuses: &[u16]) -> (Self, Ping) {
        let watchdog = Self { statuses: Arc::new(Mutex::new(statuses.to_vec())), heard: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/5e7a?k=v", listener.local_addr().unwrap());
        let routes = Router::new().fallback(hear).with_state(watchdog.clone());
        tokio::spawn(async { axum::serve(listener, routes).await.unwrap() });
        (watchdog, Ping::new(&Secret::new(address)).unwrap())
    }

    fn heard(&self) -> Vec<(String, String)> {
        self.heard.lock().unwrap().clone()
    }
}

async fn hear(State(watchdog): State<Watchdog>, uri: Uri, body: String) -> StatusCode {
    watchdog.heard.lock().unwrap().push((uri.to_string(), body));
    let mut statuses = watchdog.statuses.lock().unwrap();
    let status = if statuses.len() > 1 { statuses.remove(0) } else { statuses[0] };
    StatusCode::from_u16(status).unwrap()
}

#[tokio::test]
async fn a_watchdog_hears_start_and_end_with_their_words() {
    let (watchdog, ping) = Watchdog::start(&[200]).await;
    ping.send(Signal::Start, "", LIMIT).await.unwrap();
    ping.send(Signal::Success, "complete up to 2026-03-14T08Z", LIMIT).await.unwrap();
    ping.send(Signal::Failure, "3 hours failed", LIMIT).await.unwrap();
    let heard = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let expected = [
        heard("/5e7a/start?k=v", ""),
        heard("/5e7a?k=v", "complete up to 2026-03-14T08Z"),
        heard("/5e7a/fail?k=v", "3 hours failed"),
    ];
    assert_eq!(watchdog.heard(), expected);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_nothing_else() {
    for (statuses, attempts, arrives) in
        [(&[503, 429, 200][..], 3, true), (&[500], 3, false), (&[404], 1, false), (&[401, 200], 1, false)]
    {
        let (watchdog, ping) = Watchdog::start(statuses).await;
        let sent = ping.send(Signal::Success, "", LIMIT).await;
        assert_eq!((watchdog.heard().len(), sent.is_ok()), (attempts, arrives), "{statuses:?}: {sent:?}");
        let text = sent.map_or_else(|error| error.to_string(), |()| String::new());
        assert!(!text.contains("5e7a"), "{text}");
    }
}

#[tokio::test]
async fn a_text_is_cut_between_two_characters() {
    let (watchdog, ping) = Watchdog::start(&[200]).await;
    ping.send(Signal::Failure, &"é".repeat(8_000).replacen('é', "e", 1), LIMIT).await.unwrap();
    assert_eq!(watchdog.heard()[0].1.len(), 9_999);
}

#[tokio::test]
async fn a_watchdog_that_is_silent_or_away_holds_nobody_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Secret::new(format!("http://{}/5e7a", listener.local_addr().unwrap()));
    let began = std::time::Instant::now();
    let silent = Ping::new(&address).unwrap().send(Signal::Start, "", Duration::from_millis(200)).await;
    assert!(matches!(silent, Err(Error::TimedOut { .. })), "{silent:?}");
    drop(listener);
    let away = Ping::new(&address).unwrap().send(Signal::Start, "", LIMIT).await.unwrap_err();
    assert!(matches!(away, Error::Unreachable { .. }), "{away:?}");
    let chain = format!("{away} {:?}", std::error::Error::source(&away));
    assert!(!chain.contains("5e7a"), "{chain}");
    assert!(began.elapsed() < LIMIT);
}
