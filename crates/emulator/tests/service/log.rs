//! The log of requests: what was asked for, and what became of it.

use std::time::Duration;

use emulator::{Fault, Faults, Logged, Options, Request};

use crate::client::{nine, options, start};

/// Whether it was for links, the status, and whether a whole file was served.
fn brief(logged: &Logged) -> (bool, Option<u16>, bool) {
    (logged.is_call(), logged.status, logged.whole_part().is_some())
}

#[tokio::test]
async fn every_request_for_an_hour_is_logged_with_what_became_of_it() {
    let faults = Faults::none().on(nine(), [Fault::Unavailable, Fault::CutBody]);
    let service = start(Options { faults, rate_per_minute: Some(3), ..options() }).await;
    assert_eq!(service.answer("2026031409").await.1["status"], serde_json::Value::Null);
    let link = service.links("2026031409").await.remove(0);
    assert!(service.fetch(&link).await.bytes().await.is_err(), "half of it only");
    assert!(service.fetch(&link).await.bytes().await.is_ok());
    service.handle.clock().advance(Duration::from_secs(1800));
    assert_eq!(service.fetch(&link).await.status(), 403, "the link has expired");
    service.handle.clock().advance(Duration::from_secs(10));
    for _call in 0..4 {
        service.answer("2026031323").await;
    }
    assert_eq!(service.get("/chatmessages/2026031409").send().await.unwrap().status(), 401, "without a token");

    let log = service.handle.log();
    assert_eq!(
        log.iter().map(brief).collect::<Vec<_>>(),
        [
            (true, Some(503), false),
            (true, Some(200), false),
            (false, Some(200), false),
            (false, Some(200), true),
            (false, Some(403), false),
            (true, Some(200), false),
            (true, Some(200), false),
            (true, Some(200), false),
            (true, Some(429), false),
            (true, Some(401), false),
        ]
    );
    assert_eq!((log[0].sound_links(), log[1].sound_links()), (None, Some(1)));
    assert_eq!(log[0].fault, Some(Fault::Unavailable));
    assert_eq!(log[2].fault, Some(Fault::CutBody));
    assert_eq!(log[8].request, Request::Links { over_rate: true, links: 0 });
    assert_eq!((log[8].hour.key().as_str(), log[8].at - log[0].at), ("2026031323", after(1810)));
    assert_eq!(service.handle.take_log(), log);
    assert!(service.handle.log().is_empty());
}

/// The difference of two times of the log.
fn after(seconds: i64) -> <chat::Timestamp as std::ops::Sub>::Output {
    nine().start() + Duration::from_secs(seconds.unsigned_abs()) - nine().start()
}

#[tokio::test]
async fn a_request_without_an_answer_is_logged_when_the_client_gives_up() {
    let faults = Faults::none().on(nine(), [Fault::Hang, Fault::Reset]);
    let service = start(Options { faults, ..options() }).await;
    assert!(service.ask("2026031409").timeout(Duration::from_millis(200)).send().await.is_err());
    assert!(service.ask("2026031409").send().await.is_err());
    while service.handle.log().len() < 2 {
        tokio::task::yield_now().await;
    }
    let log = service.handle.log();
    let mut faults: Vec<_> = log.iter().map(|logged| logged.fault.unwrap().to_string()).collect();
    faults.sort();
    assert_eq!(faults, ["hang", "reset"]);
    assert!(log.iter().all(|logged| logged.status.is_none() && logged.sound_links().is_none()), "{log:?}");
}
