//! `POST …/chatfiles` (protocol section 7).

use std::sync::Arc;

use axum::extract::{FromRequest as _, Multipart, Request, State as Shared, multipart::Field};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use crate::answer::{Failure, json_answer};
use crate::attachments::secret;
use crate::bearer;
use crate::method::{Segments, USUAL, address, within};
use crate::state::State;
use crate::talk::change::Attachment;
use crate::talk::id::file_uuid;

/// Width and height of a thumbnail when a request names none.
const THUMBNAIL: u32 = 170;
/// The most that a request can name.
const LARGEST_THUMBNAIL: u32 = 4096;

/// What the headers of an upload ask for.
#[derive(Debug, Clone, Copy)]
struct Wish {
    restricted: bool,
    thumbnail: (u32, u32),
}

/// Answers an upload.
pub(crate) async fn upload(Shared(state): Shared<Arc<State>>, segments: Segments, request: Request) -> Response {
    state.count(|calls| &mut calls.methods);
    let now = state.now();
    answered(state, segments, request).await.unwrap_or_else(|failure| failure.answer(now))
}

async fn answered(state: Arc<State>, segments: Segments, request: Request) -> Result<Response, Failure> {
    let (address, _) = address(&state, segments, &request)?;
    bearer::check(&state, request.headers())?;
    within(&state, "upload", USUAL)?;
    let wish = Wish::read(request.headers())?;
    let bytes = file(&state, request).await?;
    let kept = Arc::clone(&state);
    let kept = tokio::task::spawn_blocking(move || keep(&kept, wish, bytes)).await;
    let attachment = kept.unwrap_or_else(|error| Err(Failure::internal(&error.to_string())))?;
    let mut envelope = address.envelope(&state);
    envelope.insert("entities".to_owned(), json!([entity(&state, &attachment)]));
    Ok(json_answer(StatusCode::OK, &Value::Object(envelope)))
}

impl Wish {
    fn read(headers: &HeaderMap) -> Result<Self, Failure> {
        let restricted = match text(headers, "restrict-access")?.map(str::to_ascii_lowercase).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(Failure::illegal_argument("restrict-access is illegal")),
        };
        let thumbnail = (side(headers, "thumbnail-width")?, side(headers, "thumbnail-height")?);
        Ok(Self { restricted, thumbnail })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Failure> {
    let illegal = |_| Failure::illegal_argument(format!("{name} is illegal"));
    headers.get(name).map(|value| value.to_str().map_err(illegal)).transpose()
}

fn side(headers: &HeaderMap, name: &str) -> Result<u32, Failure> {
    let Some(text) = text(headers, name)? else { return Ok(THUMBNAIL) };
    let side = text.parse().ok().filter(|side| (1..=LARGEST_THUMBNAIL).contains(side));
    side.ok_or_else(|| Failure::illegal_argument(format!("{name} is illegal")))
}

/// The bytes of the part that is a file.
async fn file(state: &State, request: Request) -> Result<Bytes, Failure> {
    let missing = || Failure::illegal_argument("file must be provided.");
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| missing())?;
    while let Some(part) = parts.next_field().await.map_err(|_| Failure::invalid_body())? {
        if part.name() == Some("file") && part.file_name().is_some() {
            return whole(part, state.options().customs.file_bytes).await;
        }
    }
    Err(missing())
}

/// What is too much is read to its end, though not kept: else a client that is still sending would see no answer.
async fn whole(mut part: Field<'_>, most: u64) -> Result<Bytes, Failure> {
    let (mut bytes, mut size) = (BytesMut::new(), 0_u64);
    while let Some(chunk) = part.chunk().await.map_err(|_| Failure::invalid_body())? {
        size += chunk.len() as u64;
        if size <= most {
            bytes.extend_from_slice(&chunk);
        }
        if size > most.saturating_mul(OVERSIZE) {
            break;
        }
    }
    if size > most {
        let description = "the file size exceeds the maximum limit.";
        return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "file exceeding maximum limit", description));
    }
    Ok(bytes.freeze())
}

/// How many times the limit is read of a file that is too large.
const OVERSIZE: u64 = 4;

fn keep(state: &State, wish: Wish, bytes: Bytes) -> Result<Attachment, Failure> {
    let now = state.now();
    let mut talk = state.talk();
    talk.drop_files_before(now - state.options().customs.file_life);
    let numbers = talk.numbers(1).map_err(|refused| Failure::refused(&refused))?;
    let attachment = Attachment {
        uuid: file_uuid(now, numbers.start),
        time: now.timestamp_millis(),
        size: bytes.len() as u64,
        restricted: wish.restricted,
        thumbnail: wish.thumbnail,
    };
    talk.upload(numbers.end, attachment.clone(), bytes).map_err(|refused| Failure::refused(&refused))?;
    drop(talk);
    Ok(attachment)
}

fn entity(state: &State, attachment: &Attachment) -> Value {
    let mut entity = json!({ "uuid": attachment.uuid, "type": "chatfile" });
    if attachment.restricted {
        entity["share-secret"] = secret(state, &attachment.uuid).into();
    }
    entity
}
