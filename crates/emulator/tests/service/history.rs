//! The call for the links of an hour: every row of protocol section 3.4, both forms of URL, both zones, the rate.

use std::time::Duration;

use chat::Zone;
use emulator::{Clock, Options, UrlForm};
use serde_json::{Value, json};

use crate::client::{Service, at, generated, nine, options, read, start};

/// Asks and compares status, `error` and `error_description`.
async fn check(service: &Service, key: &str, status: u16, error: &str, description: &str) {
    let (got, answer) = service.answer(key).await;
    assert_eq!((got, answer["error"].as_str()), (status, Some(error)), "{key}: {answer}");
    assert_eq!(answer["error_description"], description, "{key}");
    assert_eq!(answer["duration"], 0);
    assert!(answer["timestamp"].is_i64());
}

#[tokio::test]
async fn a_ready_hour_answers_as_the_documentation_shows() {
    let service = start(options()).await;
    let (status, answer) = service.answer("2026031409").await;
    assert_eq!(status, 200);
    let url = answer["data"][0]["url"].as_str().unwrap();
    let base = service.handle.base_url();
    let origin = base.strip_suffix("/harbor-org/lantern").unwrap();
    let now = at("2026-03-14T15:00");
    let start = format!(
        "{origin}/history/3D/harbor-org/lantern/2026031409.gz?Expires={}&OSSAccessKeyId=",
        now.timestamp() + 1800
    );
    assert!(url.starts_with(&start), "{url}");
    assert!(url.contains("&Signature=") && url.ends_with("%3D"), "{url}");
    let mut rest = answer.clone();
    rest["data"] = Value::Null;
    let expected = json!({
        "action": "get",
        "application": "8be024f0-1111-11e8-b697-5d598d5f8402",
        "uri": format!("'{base}/chatmessages/2026031409"),
        "data": null,
        "timestamp": now.timestamp_millis(),
        "duration": 0,
        "organization": "harbor-org",
        "applicationName": "lantern",
    });
    assert_eq!(rest, expected);
    assert_eq!(service.lines("2026031409").await, generated(nine()));
}

#[tokio::test]
async fn an_hour_goes_through_all_states_as_time_goes_by() {
    let service = start(options()).await;
    let later = "illegal arguments: appkey: harbor-org#lantern, time: 2026031409, maybe chat message history is expired \
                 or unstored";
    for (now, ready) in [
        ("2026-03-14T08:00", false),
        ("2026-03-14T09:30", false),
        ("2026-03-14T10:00", false),
        ("2026-03-14T10:59:59", false),
        ("2026-03-14T11:00", true),
        ("2026-03-17T09:59:59", true),
        ("2026-03-17T10:00", false),
    ] {
        service.handle.clock().set(at(now));
        if ready {
            assert_eq!(service.answer("2026031409").await.0, 200, "{now}");
        } else {
            check(&service, "2026031409", 400, "illegal_argument", later).await;
        }
    }
}

#[tokio::test]
async fn an_hour_in_which_nobody_spoke_is_not_found_once_it_is_ready() {
    let mut options = options();
    let emulator::History::Generated(corpus) = &mut options.history else { unreachable!() };
    corpus.silent.insert(nine());
    let service = start(options).await;
    let description =
        "Failed to find chat message history download url for appkey: harbor-org#lantern, time: 2026031409";
    check(&service, "2026031409", 404, "storage_object_not_found", description).await;
    service.handle.clock().set(at("2026-03-14T10:30"));
    assert_eq!(service.answer("2026031409").await.0, 400);
}

#[tokio::test]
async fn what_is_no_hour_has_two_wordings() {
    let service = start(options()).await;
    for key in ["2018-11", "202603140", "20260314091", "2026031424", "2026133001", "0"] {
        let description = format!("illegal arguments: appkey: harbor-org#lantern, time: {key}");
        check(&service, key, 400, "illegal_argument", &description).await;
    }
    for key in ["yesterday", "2026031409Z", "2026-03-14T09", "%E4%B9%9D", "%FF", ""] {
        check(&service, key, 400, "illegal_argument", "This chatmessage request is not supported").await;
    }
}

#[tokio::test]
async fn other_apps_and_paths_are_not_found() {
    let service = start(options()).await;
    let base = service.handle.base_url();
    let get = async |path: &str| {
        let url = base.replace("/harbor-org/lantern", path);
        read(service.client.get(url).bearer_auth(service.handle.token()).send().await.unwrap()).await
    };
    for path in ["/harbor-org/beacon", "/other/lantern", "/app-id/0123"] {
        let (status, answer) = get(&format!("{path}/chatmessages/2026031409")).await;
        assert_eq!((status, answer["error"].as_str()), (404, Some("organization_application_not_found")));
        let named = path.trim_start_matches('/');
        let expected = format!("Could not find application for {named} from URI: {named}/chatmessages/2026031409");
        assert_eq!(answer["error_description"], expected);
    }
    for path in
        ["/", "/harbor-org", "/harbor-org/lantern/chatmessage/2026031409", "/harbor-org/lantern/chatmessages/1/2"]
    {
        let (status, answer) = get(path).await;
        assert_eq!((status, answer["error"].as_str()), (404, Some("service_resource_not_found")), "{path}");
        assert_eq!(answer["error_description"], "Service resource not found");
    }
    let post = service.client.post(format!("{base}/chatmessages/2026031409")).send().await.unwrap();
    let (status, answer) = read(post).await;
    assert_eq!((status, answer["error"].as_str()), (500, Some("unsupported_service_operation")));
}

#[tokio::test]
async fn nobody_is_let_in_without_a_good_token() {
    let service = start(options()).await;
    let handle = &service.handle;
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    let (oauth, expired) = ("Unable to authenticate (OAuth)", "Unable to authenticate due to expired access token");
    let corrupt = "Unable to authenticate due to corrupt access token";
    for (header, error, description) in [
        (None, "unauthorized", oauth),
        (Some("Basic YTpi".to_owned()), "unauthorized", oauth),
        (Some("Bearer".to_owned()), "unauthorized", oauth),
        (bearer(&handle.expired_token()), "unauthorized", expired),
        (bearer("YWMtgarbled"), "auth_bad_access_token", corrupt),
        (bearer("007garbled"), "auth_bad_access_token", corrupt),
        (bearer(&handle.foreign_token()), "auth_bad_access_token", "Unable to authenticate"),
    ] {
        let request = service.get("/chatmessages/2026031409");
        let request = if let Some(header) = &header { request.header("Authorization", header) } else { request };
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!((status, answer["error"].as_str()), (401, Some(error)), "{header:?}");
        assert_eq!(answer["error_description"], description, "{header:?}");
    }
}

#[tokio::test]
async fn an_access_token_is_taken_as_it_is_until_it_expires() {
    let service = start(options()).await;
    let token = service.handle.access_token(Duration::from_secs(600));
    let ask = async || read(service.get("/chatmessages/2026031409").bearer_auth(&token).send().await.unwrap()).await;
    assert_eq!(ask().await.0, 200);
    service.handle.clock().advance(Duration::from_secs(600));
    let (status, answer) = ask().await;
    assert_eq!((status, answer["error"].as_str()), (401, Some("unauthorized")));
}

#[tokio::test]
async fn the_eleventh_call_in_a_minute_is_too_many() {
    let service = start(Options { rate_per_minute: Some(10), ..options() }).await;
    for _ in 0..10 {
        assert_eq!(service.answer("2026031409").await.0, 200);
        service.handle.clock().advance(Duration::from_secs(1));
    }
    check(&service, "2026031409", 429, "reach_limit", "This request has reached api limit").await;
    let response = service.ask("2026031409").send().await.unwrap();
    assert!(response.headers().get("Retry-After").is_none());
    service.handle.clock().advance(Duration::from_secs(50));
    assert_eq!(service.answer("2026031409").await.0, 200, "the first call is a minute old");
    assert_eq!(service.answer("2026031409").await.0, 429, "the second is not");
    let calls = service.handle.calls();
    assert_eq!((calls.links, calls.over_rate), (14, 3));
}

#[tokio::test]
async fn downloads_and_strangers_do_not_count_for_the_rate() {
    let service = start(Options { rate_per_minute: Some(1), ..options() }).await;
    let stranger = service.get("/chatmessages/2026031409").send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    let links = service.links("2026031409").await;
    for _ in 0..3 {
        assert_eq!(service.fetch(&links[0]).await.status(), 200);
    }
    assert_eq!(service.answer("2026031409").await.0, 429);
    assert_eq!(service.handle.calls().files, 3);
}

#[tokio::test]
async fn both_forms_are_served_and_one_names_no_organisation() {
    let service = start(Options { form: UrlForm::AppId, ..options() }).await;
    let handle = &service.handle;
    assert_eq!(handle.base_url(), handle.app_id_url());
    assert!(handle.base_url().ends_with(&format!("/app-id/{}", handle.app_id())));
    let (status, answer) = service.answer("2026031409").await;
    assert_eq!(status, 200);
    let mut keys: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["action", "data", "duration", "timestamp", "uri"]);
    assert_eq!(service.lines("2026031409").await, generated(nine()));
    let other = service.client.get(format!("{}/chatmessages/2026031409", handle.org_app_url()));
    assert_eq!(other.bearer_auth(handle.token()).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_cluster_in_beijing_means_other_hours() {
    let service = start(Options { zone: Zone::BEIJING, ..options() }).await;
    let links = service.links("2026031417").await;
    assert!(links[0].contains("/2026031417.gz?"), "{}", links[0]);
    assert_eq!(service.lines("2026031417").await, generated(nine()));
    assert_eq!(service.answer("2026031409").await.0, 200, "01 o'clock UTC");
    assert_eq!(service.answer("2026031500").await.0, 400, "16 o'clock UTC, in an hour");
}

#[tokio::test]
async fn a_running_clock_serves_what_is_ready_by_then() {
    let service = start(Options { clock: Clock::running_from(at("2026-03-14T15:00")), ..options() }).await;
    assert_eq!(service.answer("2026031409").await.0, 200);
    assert_eq!(service.answer("2026031414").await.0, 400);
}
