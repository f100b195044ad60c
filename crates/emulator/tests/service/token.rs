//! The call for a token: both grants, and every documented refusal.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Service, options, read, start};

async fn ask(service: &Service, bearer: Option<&str>, body: &Value) -> (u16, Value) {
    let request = service.client.post(format!("{}/token", service.handle.base_url())).json(body);
    let request = if let Some(token) = bearer { request.bearer_auth(token) } else { request };
    read(request.send().await.unwrap()).await
}

async fn works(service: &Service, token: &str) -> u16 {
    service.get("/chatmessages/2026031409").bearer_auth(token).send().await.unwrap().status().as_u16()
}

fn credentials(service: &Service, ttl: Value) -> Value {
    json!({
        "grant_type": "client_credentials",
        "client_id": service.handle.client_id(),
        "client_secret": service.handle.client_secret(),
        "ttl": ttl,
    })
}

#[tokio::test]
async fn client_credentials_give_a_token_for_as_long_as_asked() {
    let service = start(options()).await;
    for (ttl, expires_in) in [(json!(60), 60), (json!("60"), 60), (json!(null), 5_184_000), (json!(0), 0)] {
        let (status, answer) = ask(&service, None, &credentials(&service, ttl.clone())).await;
        assert_eq!((status, answer["expires_in"].as_u64()), (200, Some(expires_in)), "{ttl}");
        assert!(answer["application"].is_string());
        let token = answer["access_token"].as_str().unwrap();
        assert!(token.starts_with("YWMt"));
        assert_eq!(works(&service, token).await, 200, "{ttl}");
    }
    let (_, answer) = ask(&service, None, &credentials(&service, json!(60))).await;
    service.handle.clock().advance(Duration::from_secs(60));
    assert_eq!(works(&service, answer["access_token"].as_str().unwrap()).await, 401);
    assert_eq!(service.handle.calls().tokens, 5);
}

#[tokio::test]
async fn what_does_not_match_is_refused_by_name() {
    let service = start(options()).await;
    let good = credentials(&service, json!(60));
    for (key, value, error, description) in [
        ("client_id", json!("x"), "invalid_grant", "client_id does not match"),
        ("client_secret", json!("x"), "invalid_grant", "client_secret does not match"),
        ("grant_type", json!("password"), "invalid_grant", "invalid username or password"),
        ("grant_type", json!("magic"), "invalid_grant", "grant_type magic is not supported"),
        ("grant_type", json!(null), "invalid_grant", "grant_type is required"),
        ("ttl", json!("soon"), "illegal_argument", "ttl is not a number"),
        ("ttl", json!(-1), "illegal_argument", "ttl is not a number"),
    ] {
        let mut body = good.clone();
        body[key] = value;
        let (status, answer) = ask(&service, None, &body).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some(error)), "{body}");
        assert_eq!(answer["error_description"], description);
    }
}

#[tokio::test]
async fn odd_requests_are_answered_in_the_envelope() {
    let service = start(options()).await;
    let url = format!("{}/token", service.handle.base_url());
    for (content_type, body, status, error) in [
        ("application/json", "{", 400, "json_parse"),
        ("application/json", "[]", 400, "json_parse"),
        ("application/json", "", 400, "json_parse"),
        ("application/x-www-form-urlencoded", "grant_type=client_credentials", 415, "web_application"),
    ] {
        let request = service.client.post(&url).header("Content-Type", content_type).body(body);
        let (got, answer) = read(request.send().await.unwrap()).await;
        assert_eq!((got, answer["error"].as_str()), (status, Some(error)), "{body}");
    }
    let unknown = url.replace("lantern", "beacon");
    let (status, answer) = read(service.client.post(unknown).json(&json!({})).send().await.unwrap()).await;
    assert_eq!((status, answer["error"].as_str()), (404, Some("organization_application_not_found")));
    assert_eq!(service.client.get(&url).send().await.unwrap().status(), 500);
}

#[tokio::test]
async fn an_access_token_is_exchanged_for_one_that_lives_as_long() {
    let service = start(options()).await;
    let grant = json!({ "grant_type": "agora" });
    let access_token = service.handle.access_token(Duration::from_secs(600));
    let (status, answer) = ask(&service, Some(&access_token), &grant).await;
    let end = service.handle.clock().now() + Duration::from_secs(600);
    assert_eq!((status, answer["expire_timestamp"].as_i64()), (200, Some(end.timestamp_millis())));
    let token = answer["access_token"].as_str().unwrap().to_owned();
    assert_eq!(works(&service, &token).await, 200);

    let own = service.handle.token();
    for bearer in [None, Some("007x"), Some(own.as_str())] {
        assert_eq!(ask(&service, bearer, &grant).await.0, 401, "{bearer:?}");
    }
    service.handle.clock().set(end);
    assert_eq!(works(&service, &token).await, 401);
    assert_eq!(ask(&service, Some(&access_token), &grant).await.0, 401);
}

#[tokio::test]
async fn the_token_endpoint_is_under_both_forms() {
    let service = start(options()).await;
    for base in [service.handle.org_app_url(), service.handle.app_id_url()] {
        let request = service.client.post(format!("{base}/token")).json(&credentials(&service, json!(1)));
        assert_eq!(request.send().await.unwrap().status(), 200, "{base}");
    }
}

#[tokio::test]
async fn three_hundred_calls_a_second_are_enough() {
    let service = start(emulator::Options { rate_per_minute: Some(10), ..options() }).await;
    for _ in 0..300 {
        assert_eq!(ask(&service, None, &json!({})).await.0, 400);
    }
    let (status, answer) = ask(&service, None, &json!({})).await;
    assert_eq!((status, &answer["error"]), (429, &json!("reach_limit")));
    service.handle.clock().advance(Duration::from_secs(1));
    assert_eq!(ask(&service, None, &credentials(&service, json!(60))).await.0, 200);
}
