//! The rate and `Retry-After`, as far as it takes a service to see them; the spacing itself is tested where it is made.

use std::time::Duration;

use api::{Advice, Availability, Client, Error, Rate};

use crate::server::{Reply, Server, config, hour};

/// Longer than any call here takes, shorter than any pause that would be wrong.
const SOON: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3_600);

fn slowest() -> Rate {
    Rate::per_minute(1.try_into().unwrap())
}

#[tokio::test]
async fn every_attempt_takes_a_call_of_the_quota() {
    let server = Server::start([Reply::new(503, ""), Reply::ready()]).await;
    let mut config = server.config();
    config.rate = slowest();
    let client = Client::new(config).unwrap();
    let outcome = tokio::time::timeout(Duration::from_millis(300), client.locate(hour())).await;
    assert!(outcome.is_err(), "{outcome:?}");
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
    let server = Server::start([Reply::new(429, "").with("retry-after", 7_200), Reply::ready()]).await;
    let client = || {
        let mut config = server.config();
        config.quota_file = Some(folder.path().join("quota"));
        Client::new(config).unwrap()
    };
    assert!(client().locate(hour()).await.is_err());
    let other = client();
    let outcome = tokio::time::timeout(Duration::from_millis(300), other.locate(hour())).await;
    assert!(outcome.is_err(), "{outcome:?}");
    assert_eq!(server.counts(), (0, 1));
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
