//! Hosts that cannot be reached, hang, break off or point elsewhere.

use std::time::Duration;

use api::{Advice, Availability, Client, Error, Obstacle};
use tokio::net::TcpListener;

use crate::server::{Reply, Server, Wire, config, hour};

/// A port that nothing listens on.
pub(crate) async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn failure(base_url: &str) -> Error {
    Client::new(config(base_url)).unwrap().locate(hour()).await.unwrap_err()
}

#[tokio::test]
async fn a_closed_port_is_named() {
    let port = closed_port().await;
    let failure = failure(&format!("http://127.0.0.1:{port}/o/a")).await;
    assert!(matches!(failure, Error::Unreachable { obstacle: Obstacle::Connection, .. }), "{failure:?}");
    assert_eq!(failure.advice(), Advice::Retry(None));
    assert_eq!(failure.to_string(), format!("127.0.0.1:{port} cannot be reached"));
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_named() {
    // Two dots in a row are no name at all: no resolver has to be asked.
    let failure = failure("http://nowhere..invalid/o/a").await;
    assert!(matches!(failure, Error::Unreachable { obstacle: Obstacle::Name, .. }), "{failure:?}");
    assert_eq!(failure.to_string(), "nowhere..invalid cannot be found: its name leads nowhere");
}

#[tokio::test]
async fn a_host_that_does_not_speak_tls_is_not_trusted() {
    let server = Server::start([Reply::ready()]).await;
    let failure = failure(&server.url("/o/a").replace("http:", "https:")).await;
    assert!(matches!(failure, Error::Unreachable { obstacle: Obstacle::Certificate, .. }), "{failure:?}");
    assert_eq!(failure.advice(), Advice::FixTheSettings);
}

#[tokio::test]
async fn a_host_that_never_answers_is_tried_a_few_times() {
    // Takes the connection, and then leaves the secure one hanging.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&format!("https://{}/o/a", listener.local_addr().unwrap()));
    config.timeouts.connect = Duration::from_millis(50);
    config.retries.attempts = 100;
    let failure = Client::new(config).unwrap().locate(hour()).await.unwrap_err();
    assert!(matches!(failure, Error::Unreachable { obstacle: Obstacle::Silence, .. }), "{failure:?}");
    assert_eq!(failure.advice(), Advice::Retry(None));
}

#[tokio::test]
async fn a_service_that_hangs_is_given_up_on() {
    let server = Server::start([Reply::hang()]).await;
    let mut config = server.config();
    config.timeouts.head = Duration::from_millis(50);
    let failure = Client::new(config).unwrap().locate(hour()).await.unwrap_err();
    assert!(matches!(failure, Error::TimedOut { .. }), "{failure:?}");
    assert_eq!(failure.advice(), Advice::Retry(None));
    assert!(failure.to_string().ends_with("took longer than 0.05 s"), "{failure}");
}

#[tokio::test]
async fn a_service_that_hangs_once_is_asked_again() {
    let server = Server::start([Reply::hang(), Reply::ready()]).await;
    let mut config = server.config();
    config.timeouts.head = Duration::from_millis(500);
    config.retries.attempts = 20;
    assert!(matches!(Client::new(config).unwrap().locate(hour()).await, Ok(Availability::Ready(_))));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let whole = r#"{"data":[{"url":"http://h/x.gz"}]}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 34\r\n\r\n";
    let answers = vec![Vec::new(), format!("{head}{{\"data\"").into(), format!("{head}{whole}").into()];
    let wire = Wire::start(answers).await;
    let outcome = Client::new(config(wire.url.as_str())).unwrap().locate(hour()).await;
    assert!(matches!(outcome, Ok(Availability::Ready(_))), "{outcome:?}");
    assert_eq!(wire.asked().len(), 3);
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_an_error() {
    let wire = Wire::start(vec![b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(); 3]).await;
    let failure = failure(wire.url.as_str()).await;
    assert!(matches!(failure, Error::Cut { .. }), "{failure:?}");
}

#[tokio::test]
async fn the_token_goes_to_no_other_host() {
    let other = Server::start([Reply::ready()]).await;
    // Another port of the same machine is another host here, as far as trust goes.
    for status in [301, 302, 307, 308] {
        let server = Server::start([Reply::new(status, "").with("location", other.url("/o/a?secret=hush"))]).await;
        let failure = server.client().locate(hour()).await.unwrap_err();
        assert_eq!(failure.advice(), Advice::FixTheSettings);
        assert_eq!(failure.http_status(), Some(status));
        assert!(failure.to_string().ends_with(&format!("redirects to {}", other.url(""))), "{failure}");
    }
    assert_eq!(other.counts(), (0, 0));
}

#[tokio::test]
async fn a_redirect_within_the_host_is_followed_to_an_end() {
    let server = Server::start([Reply::new(307, "").with("location", "/moved?x=1"), Reply::ready()]).await;
    server.client().locate(hour()).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[1].target, "/moved?x=1");
    assert_eq!(asked[1].header("authorization"), asked[0].header("authorization"));

    let circle = Server::start([Reply::new(307, "").with("location", "/again")]).await;
    let failure = circle.client().locate(hour()).await.unwrap_err();
    assert!(matches!(failure, Error::Redirected { .. }), "{failure:?}");
    assert_eq!(circle.counts(), (0, 6));
}
