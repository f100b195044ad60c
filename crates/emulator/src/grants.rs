//! `POST …/token`: both grants (protocol section 2).

use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::answer::{Failure, json_answer};
use crate::bearer;
use crate::state::State;

/// What the console grants when a request names no `ttl`: 60 days.
const DEFAULT_TTL: u64 = 60 * 24 * 3600;
/// Longer than anybody runs this; keeps times within what a timestamp can hold.
const LONGEST_TTL: u64 = 100 * 365 * 24 * 3600;
/// As in the protocol's examples.
pub(crate) const APPLICATION: &str = "8be024f0-1111-11e8-b697-5d598d5f8402";

/// Answers a call for a token.
pub(crate) fn token(state: &State, headers: &HeaderMap, body: &Bytes) -> Result<Response, Failure> {
    let request = request(headers, body)?;
    match text(&request, "grant_type") {
        Some("client_credentials") => client_credentials(state, &request),
        Some("agora") => agora(state, headers),
        Some("password") => Err(invalid_grant("invalid username or password")),
        Some(other) => Err(invalid_grant(&format!("grant_type {other} is not supported"))),
        None => Err(invalid_grant("grant_type is required")),
    }
}

fn request(headers: &HeaderMap, body: &Bytes) -> Result<Map<String, Value>, Failure> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/json");
    if !content_type.to_ascii_lowercase().starts_with("application/json") {
        return Err(Failure::unsupported_type());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(Failure::new(StatusCode::BAD_REQUEST, "json_parse", "Unable to parse the request body as JSON")),
    }
}

fn client_credentials(state: &State, request: &Map<String, Value>) -> Result<Response, Failure> {
    let credentials = &state.options().credentials;
    if text(request, "client_id") != Some(&credentials.client_id) {
        return Err(invalid_grant("client_id does not match"));
    }
    if text(request, "client_secret") != Some(credentials.client_secret.reveal()) {
        return Err(invalid_grant("client_secret does not match"));
    }
    let ttl = ttl(request.get("ttl"))?;
    let now = state.now();
    let expires = (ttl > 0).then(|| now + Duration::from_secs(ttl));
    let token = state.issuer().token(now, expires);
    let answer = json!({ "access_token": token, "expires_in": ttl, "application": APPLICATION });
    Ok(json_answer(StatusCode::OK, &answer))
}

/// Seconds, as a number or as digits; 0 never expires.
fn ttl(value: Option<&Value>) -> Result<u64, Failure> {
    let seconds = match value {
        None | Some(Value::Null) => Some(DEFAULT_TTL),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(digits)) => digits.parse().ok(),
        Some(_) => None,
    };
    seconds.map(|seconds| seconds.min(LONGEST_TTL)).ok_or_else(|| Failure::illegal_argument("ttl is not a number"))
}

/// Exchanges an AccessToken2 for a token that lives as long.
fn agora(state: &State, headers: &HeaderMap) -> Result<Response, Failure> {
    let missing = || Failure::unauthorized("unauthorized", "Unable to authenticate (OAuth)");
    let access_token = bearer::token(headers).ok_or_else(missing)?;
    let now = state.now();
    let end = bearer::access_token_end(state, access_token, now)?;
    let token = state.issuer().token(now, Some(end));
    Ok(json_answer(StatusCode::OK, &json!({ "access_token": token, "expire_timestamp": end.timestamp_millis() })))
}

fn text<'a>(request: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    request.get(key).and_then(Value::as_str)
}

fn invalid_grant(description: &str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "invalid_grant", description)
}
