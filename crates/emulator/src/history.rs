//! `GET …/chatmessages/{yyyyMMddHH}`: the links of an hour, or why there are none (protocol sections 3.2 to 3.4).

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use chat::{Hour, Part, Timestamp};
use serde_json::{Value, json};

use crate::answer::{self, Failure};
use crate::bearer;
use crate::connection::Line;
use crate::faults::{Call, Fault};
use crate::files::{self, Broken};
use crate::grants::APPLICATION;
use crate::log::{Open, Request};
use crate::options::UrlForm;
use crate::state::State;

/// Answers a call for the links of an hour.
pub(crate) async fn links(
    state: &Arc<State>,
    line: &Line,
    headers: &HeaderMap,
    form: UrlForm,
    time: &str,
) -> Result<Response, Failure> {
    let Ok(hour) = state.options().zone.hour(time) else {
        admit(state, headers)?;
        return Err(malformed(state, time));
    };
    let mut open = state.log().open(state.now(), hour, Request::Links { over_rate: false, links: 0 });
    let answer = of_hour(state, line, headers, form, (time, hour), &mut open).await;
    open.answered(answer.as_ref().map_or_else(|failure| failure.status, Response::status));
    answer
}

/// Lets a call in that has a token and is within the rate.
fn admit(state: &State, headers: &HeaderMap) -> Result<(), Failure> {
    bearer::check(state, headers)?;
    if state.within_rate() { Ok(()) } else { Err(Failure::over_rate()) }
}

async fn of_hour(
    state: &Arc<State>,
    line: &Line,
    headers: &HeaderMap,
    form: UrlForm,
    (time, hour): (&str, Hour),
    open: &mut Open<'_>,
) -> Result<Response, Failure> {
    admit(state, headers).inspect_err(|failure| {
        if failure.status == StatusCode::TOO_MANY_REQUESTS {
            open.over_rate();
        }
    })?;
    let fault = state.next_fault(hour, Call::Link);
    match fault {
        // They spoil an answer that has links in it, and no other.
        Some(Fault::ExpiredLink | Fault::CutAnswer) | None => {}
        Some(fault) => {
            open.meets(Some(fault));
            return broken(line, fault, state.now()).await;
        }
    }
    let parts = parts(state, hour, time).await?;
    open.meets(fault);
    open.holds(parts);
    let envelope = envelope(state, form, time, &urls(state, hour, parts, fault == Some(Fault::ExpiredLink)));
    if fault == Some(Fault::CutAnswer) {
        return Ok(Broken::cut(&envelope.to_string().into()).answer(answer::JSON));
    }
    Ok(answer::json_answer(StatusCode::OK, &envelope))
}

/// The wording for a request without an hour in it.
pub(crate) fn unsupported() -> Failure {
    Failure::illegal_argument("This chatmessage request is not supported")
}

/// Two wordings are documented: digits and dashes get the one, everything else the other.
fn malformed(state: &State, time: &str) -> Failure {
    if time.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        Failure::illegal_argument(format!("illegal arguments: appkey: {}, time: {time}", state.options().app))
    } else {
        unsupported()
    }
}

/// How many files the hour has now, or why it has none.
async fn parts(state: &Arc<State>, hour: Hour, time: &str) -> Result<Part, Failure> {
    let app = &state.options().app;
    let ready = state.age(hour).is_some_and(|age| age >= state.options().ready_after);
    if !ready || state.is_expired(hour) {
        return Err(Failure::illegal_argument(format!(
            "illegal arguments: appkey: {app}, time: {time}, maybe chat message history is expired or unstored"
        )));
    }
    let (blocking, shape) = (Arc::clone(state), state.shape(hour));
    let counted = tokio::task::spawn_blocking(move || blocking.source().parts(hour, shape)).await;
    match counted {
        Ok(Ok(0)) => Err(Failure::new(
            StatusCode::NOT_FOUND,
            "storage_object_not_found",
            format!("Failed to find chat message history download url for appkey: {app}, time: {time}"),
        )),
        Ok(Ok(parts)) => Ok(parts),
        Ok(Err(error)) => Err(Failure::internal(&error.to_string())),
        Err(error) => Err(Failure::internal(&error.to_string())),
    }
}

fn urls(state: &State, hour: Hour, parts: Part, expired: bool) -> Vec<String> {
    let now = state.now();
    let expires =
        if expired { now - Duration::from_secs(1) } else { now + state.options().link_life.min(LONGEST_LINK) };
    let link = |part| {
        let name = files::name(state.options().zone, hour, part, parts);
        format!("{}{}", state.origin(), state.signer().link(&name, expires))
    };
    (0..parts).map(link).collect()
}

/// Longer than anybody waits; keeps times within what a timestamp can hold.
const LONGEST_LINK: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The `app-id` form names neither organisation nor application. The stray `'` is the service's own.
fn envelope(state: &State, form: UrlForm, time: &str, urls: &[String]) -> Value {
    let data: Vec<Value> = urls.iter().map(|url| json!({ "url": url })).collect();
    let mut envelope = json!({
        "action": "get",
        "uri": format!("'{}/chatmessages/{time}", state.base_url(form)),
        "data": data,
        "timestamp": state.now().timestamp_millis(),
        "duration": 0,
    });
    if let (UrlForm::OrgApp, Value::Object(members)) = (form, &mut envelope) {
        let app = &state.options().app;
        for (key, value) in [("application", APPLICATION), ("organization", app.org()), ("applicationName", app.name())]
        {
            members.insert(key.to_owned(), value.into());
        }
    }
    envelope
}

/// The answer to a request that meets a fault; for some faults there is none.
async fn broken(line: &Line, fault: Fault, now: Timestamp) -> Result<Response, Failure> {
    match fault {
        Fault::Unauthorized => {
            Err(Failure::unauthorized("unauthorized", "Unable to authenticate due to expired access token"))
        }
        Fault::RateLimited { retry_after: None } => Err(Failure::over_rate()),
        Fault::RateLimited { retry_after: Some(seconds) } => {
            let mut response = Failure::over_rate().answer(now);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            Ok(response)
        }
        Fault::TooManyQueries => Err(Failure::new(StatusCode::BAD_REQUEST, "illegal_argument", "too many queries")),
        Fault::BadGateway => Ok(answer::empty(StatusCode::BAD_GATEWAY)),
        Fault::Unavailable => Ok(answer::html_unavailable()),
        Fault::Hang => std::future::pending().await,
        Fault::Reset => {
            line.reset();
            Ok(answer::empty(StatusCode::OK))
        }
        _ => Err(Failure::internal("an injected error")),
    }
}
