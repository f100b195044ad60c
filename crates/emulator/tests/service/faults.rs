//! What goes wrong on purpose, as a client sees it.

use std::io::Read as _;
use std::time::Duration;

use emulator::{Fault, Faults};
use flate2::read::MultiGzDecoder;
use reqwest::Response;
use tokio::time::timeout;

use crate::client::{Service, at, generated, nine, read, with_faults};

const KEY: &str = "2026031409";
/// How long nothing has to happen before a test believes that nothing will. A slow machine cannot make it fail.
const SILENCE: Duration = Duration::from_millis(200);

async fn one(fault: Fault) -> Service {
    with_faults(Faults::none().on(nine(), [fault])).await
}

/// The first answer to a call that meets this fault; the next call must be answered as ever.
async fn first_answer(fault: Fault) -> Result<Response, reqwest::Error> {
    let service = one(fault).await;
    let first = service.ask(KEY).send().await;
    assert_eq!(service.lines(KEY).await, generated(nine()), "{fault}");
    first
}

/// The first answer of the store to a request that meets this fault; the next one must be whole.
async fn first_file(service: &Service) -> Result<Response, reqwest::Error> {
    let link = service.links(KEY).await.remove(0);
    let first = service.client.get(&link).send().await;
    assert_eq!(service.lines(KEY).await, generated(nine()));
    first
}

#[tokio::test]
async fn refusals_are_worded_as_the_service_does() {
    for (fault, status, error) in [
        (Fault::Unauthorized, 401, "unauthorized"),
        (Fault::RateLimited { retry_after: None }, 429, "reach_limit"),
        (Fault::RateLimited { retry_after: Some(7) }, 429, "reach_limit"),
        (Fault::ServerError, 500, "internal_server_error"),
        (Fault::TooManyQueries, 400, "illegal_argument"),
    ] {
        let response = first_answer(fault).await.unwrap();
        let retry_after = response.headers().get("Retry-After").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(retry_after.is_some(), fault == Fault::RateLimited { retry_after: Some(7) });
        let (got, answer) = read(response).await;
        assert_eq!((got, answer["error"].as_str()), (status, Some(error)), "{fault}");
        assert_eq!(fault == Fault::TooManyQueries, answer["error_description"] == "too many queries");
    }
}

#[tokio::test]
async fn a_proxy_answers_without_the_envelope() {
    let response = first_answer(Fault::BadGateway).await.unwrap();
    assert_eq!(response.status(), 502);
    assert!(response.bytes().await.unwrap().is_empty());
    let response = first_answer(Fault::Unavailable).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["Content-Type"]), (503, &"text/html".parse().unwrap()));
    assert!(response.text().await.unwrap().starts_with("<html>"));
}

#[tokio::test]
async fn a_hanging_call_is_never_answered() {
    let service = with_faults("every:hang,file-hang".parse().unwrap()).await;
    assert!(timeout(SILENCE, service.ask(KEY).send()).await.is_err());
    let link = service.links(KEY).await.remove(0);
    assert!(timeout(SILENCE, service.client.get(&link).send()).await.is_err());
    assert_eq!(service.lines(KEY).await, generated(nine()));
}

#[tokio::test]
async fn a_hanging_call_does_not_keep_the_service_from_stopping() {
    let service = one(Fault::Hang).await;
    let call = tokio::spawn(service.ask(KEY).send());
    while service.handle.calls().links == 0 {
        tokio::task::yield_now().await;
    }
    service.handle.stop().await;
    assert!(call.await.unwrap().is_err());
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let link = first_answer(Fault::Reset).await.unwrap_err();
    let file = first_file(&one(Fault::FileReset).await).await.unwrap_err();
    for error in [link, file] {
        let mut chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let reset = chain.any(|error| {
            error
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
        });
        assert!(reset, "{error:?}");
    }
}

#[tokio::test]
async fn a_cut_answer_ends_within_its_length() {
    let response = first_answer(Fault::CutAnswer).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn an_expired_link_is_refused_and_the_next_one_works() {
    let service = one(Fault::ExpiredLink).await;
    let link = service.links(KEY).await.remove(0);
    let response = service.fetch(&link).await;
    assert_eq!(response.status(), 403);
    assert!(response.text().await.unwrap().contains("Request has expired."));
    assert_eq!(service.lines(KEY).await, generated(nine()));
}

#[tokio::test]
async fn the_store_fails_in_xml() {
    for (fault, status) in [(Fault::FileServerError, 500), (Fault::FileUnavailable, 503)] {
        let response = first_file(&one(fault).await).await.unwrap();
        assert_eq!(response.status(), status);
        assert!(response.text().await.unwrap().starts_with("<?xml"));
    }
}

#[tokio::test]
async fn a_cut_body_arrives_half() {
    let service = one(Fault::CutBody).await;
    let mut response = first_file(&service).await.unwrap();
    let half = response.content_length().unwrap() / 2;
    let mut arrived = 0;
    let error = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => arrived += chunk.len() as u64,
            Ok(None) => panic!("the body ended as if it were whole"),
            Err(error) => break error,
        }
    };
    assert_eq!(arrived, half);
    assert!(!error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_stalled_body_arrives_half_and_then_nothing_more() {
    let service = one(Fault::StalledBody).await;
    let mut response = first_file(&service).await.unwrap();
    let half = response.content_length().unwrap() / 2;
    let mut arrived = 0;
    while arrived < half {
        arrived += response.chunk().await.unwrap().unwrap().len() as u64;
    }
    assert_eq!(arrived, half);
    assert!(timeout(SILENCE, response.chunk()).await.is_err());
}

#[tokio::test]
async fn a_damaged_gzip_comes_in_a_whole_answer() {
    for (fault, same_length) in [(Fault::TruncatedGzip, false), (Fault::BadCrc, true)] {
        let service = one(fault).await;
        let link = service.links(KEY).await.remove(0);
        let damaged = service.fetch(&link).await.bytes().await.unwrap();
        let whole = service.fetch(&link).await.bytes().await.unwrap();
        assert_eq!(damaged.len() == whole.len(), same_length);
        assert!(MultiGzDecoder::new(&*damaged).read_to_end(&mut Vec::new()).is_err(), "{fault}");
        assert!(MultiGzDecoder::new(&*whole).read_to_end(&mut Vec::new()).is_ok());
    }
    let service = with_faults("every:padding,bad-crc".parse().unwrap()).await;
    let link = service.links(KEY).await.remove(0);
    let padded = service.fetch(&link).await.bytes().await.unwrap();
    let damaged = padded.strip_suffix([0; 512].as_slice()).unwrap();
    assert!(MultiGzDecoder::new(damaged).read_to_end(&mut Vec::new()).is_err());
}

#[tokio::test]
async fn odd_but_whole_files_hold_the_same_lines() {
    for shape in ["members", "content-encoding", "parts=3", "members,parts=2", "members,padding"] {
        let service = with_faults(format!("every:{shape}").parse().unwrap()).await;
        let mut lines = Vec::new();
        for link in service.links(KEY).await {
            let response = service.fetch(&link).await;
            let encoded = response.headers().get("Content-Encoding").is_some_and(|value| value == "gzip");
            assert_eq!(encoded, shape == "content-encoding");
            let bytes = response.bytes().await.unwrap();
            assert_eq!(bytes.ends_with(&[0; 512]), shape.contains("padding"));
            let unpadded = bytes.strip_suffix([0; 512].as_slice()).unwrap_or(&bytes);
            MultiGzDecoder::new(unpadded).read_to_end(&mut lines).unwrap();
        }
        assert_eq!(lines, generated(nine()), "{shape}");
    }
    let service = with_faults("every:plain".parse().unwrap()).await;
    let link = service.links(KEY).await.remove(0);
    assert_eq!(service.fetch(&link).await.bytes().await.unwrap(), generated(nine()));
}

#[tokio::test]
async fn an_hour_grows_when_its_time_has_come() {
    let service = with_faults("2026031409:grows=2026-03-14T16:00".parse().unwrap()).await;
    let early = service.lines(KEY).await;
    assert_eq!(service.lines(KEY).await, early);
    service.handle.clock().set(at("2026-03-14T16:00"));
    let late = service.lines(KEY).await;
    assert_eq!(late, generated(nine()));
    assert!(early.len() < late.len() && late.starts_with(&early) && !early.is_empty());
}

#[tokio::test]
async fn a_script_runs_in_order_and_can_be_replaced() {
    let service = with_faults("2026031409:503,429,500".parse().unwrap()).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(service.ask(KEY).send().await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [503, 429, 500, 200]);
    service.handle.set_faults("every:502".parse().unwrap());
    assert_eq!(service.ask("2026031408").send().await.unwrap().status(), 502);
    assert_eq!(service.ask(KEY).send().await.unwrap().status(), 502);
    assert_eq!(service.ask(KEY).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn chance_is_the_same_every_time() {
    let statuses = async || {
        let service = with_faults("random:0.5:3:503,429,500".parse().unwrap()).await;
        let mut statuses = Vec::new();
        for _ in 0..30 {
            statuses.push(service.ask(KEY).send().await.unwrap().status().as_u16());
        }
        statuses
    };
    let first = statuses().await;
    assert_eq!(statuses().await, first);
    for status in [200, 429, 500, 503] {
        assert!(first.contains(&status), "{first:?}");
    }
}
