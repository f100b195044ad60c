//! `GET …/chatfiles/{uuid}` (protocol section 8).

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use chat::Timestamp;

use crate::answer::Failure;
use crate::attachments::secret;
use crate::attachments::thumbnail::thumbnail;
use crate::bearer;
use crate::files::{Stored, ranged};
use crate::links::parameter;
use crate::method::{Segments, USUAL, address, within};
use crate::state::State;
use crate::talk::change::Attachment;

/// Answers a download.
pub(crate) async fn download(Shared(state): Shared<Arc<State>>, segments: Segments, request: Request) -> Response {
    state.count(|calls| &mut calls.methods);
    let now = state.now();
    answered(state, segments, request).await.unwrap_or_else(|failure| failure.answer(now))
}

async fn answered(state: Arc<State>, segments: Segments, request: Request) -> Result<Response, Failure> {
    let (_, segments) = address(&state, segments, &request)?;
    let headers = request.headers().clone();
    // Documents differ on whether a token is needed; one that is sent has to be right.
    if headers.contains_key(AUTHORIZATION) {
        bearer::check(&state, &headers)?;
    }
    within(&state, "download", USUAL)?;
    let uuid = segments.get("uuid").cloned().unwrap_or_default();
    let attachment = found(&state, &uuid)?;
    if attachment.restricted {
        unlocked(&secret(&state, &uuid), given(&headers, request.uri()))?;
    }
    let small = headers.get("thumbnail").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    let bytes = tokio::task::spawn_blocking(move || {
        let bytes = bytes(&state, &attachment)?;
        Ok(if small { thumbnail(bytes, attachment.thumbnail) } else { bytes })
    })
    .await;
    let bytes = bytes.unwrap_or_else(|error| Err(Failure::internal(&error.to_string())))?;
    Ok(ranged(Stored::whole(bytes), &headers))
}

fn found(state: &State, uuid: &str) -> Result<Attachment, Failure> {
    let attachment = state.talk().attachment(uuid).cloned().ok_or_else(no_file)?;
    if is_expired(state, &attachment, state.now()) {
        let description = format!("file {uuid} is expired");
        return Err(Failure::new(StatusCode::NOT_FOUND, "file_expired", description));
    }
    Ok(attachment)
}

fn is_expired(state: &State, attachment: &Attachment, now: Timestamp) -> bool {
    let age = u128::try_from(now.timestamp_millis() - attachment.time).unwrap_or(0);
    age >= state.options().customs.file_life.as_millis()
}

fn no_file() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "entity_not_found", "file may not exists")
}

/// The secret of a request: from its header, or from its address.
fn given(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let header = headers.get("share-secret").and_then(|value| value.to_str().ok());
    header.map(str::to_owned).or_else(|| parameter(uri.query()?, "share-secret"))
}

fn unlocked(secret: &str, given: Option<String>) -> Result<(), Failure> {
    match given {
        Some(given) if given == secret => Ok(()),
        Some(_) => Err(Failure::new(StatusCode::FORBIDDEN, "forbidden_op", "share-secret does not match")),
        None => Err(Failure::unauthorized("unauthorized", "share-secret must be provided")),
    }
}

fn bytes(state: &State, attachment: &Attachment) -> Result<Bytes, Failure> {
    match state.talk().bytes_of(&attachment.uuid) {
        Ok(bytes) => bytes.ok_or_else(no_file),
        Err(error) => {
            tracing::warn!(%error, "could not read a file");
            Err(Failure::internal("the file cannot be read"))
        }
    }
}
