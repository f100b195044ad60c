//! The file store behind the links (protocol section 3.5).

mod broken;

use std::sync::Arc;

use axum::http::header::{ACCEPT_RANGES, AUTHORIZATION, CONTENT_ENCODING, CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use chat::{Hour, Part, Zone};
use http_body::Body as _;
use sha2::{Digest as _, Sha256};

use crate::answer::{empty, typed, xml};
use crate::connection::Line;
use crate::faults::{Call, Fault, Shape};
use crate::links::Refusal;
use crate::log::{Open, Request};
use crate::packing::PADDING;
use crate::parts::Wanted;
use crate::state::State;

pub(crate) use broken::Broken;

/// What a request asks the store for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object<'a> {
    /// Whether the folders before the name are those of this app.
    pub(crate) ours: bool,
    pub(crate) name: &'a str,
    pub(crate) query: &'a str,
}

/// The name of a part, in the cluster's zone.
pub(crate) fn name(zone: Zone, hour: Hour, part: Part, parts: Part) -> String {
    let key = zone.key(hour);
    if parts > 1 { format!("{key}-{part}.gz") } else { format!("{key}.gz") }
}

/// The hour and part that a name stands for.
fn named(zone: Zone, name: &str) -> Option<(Hour, Part)> {
    let stem = name.strip_suffix(".gz")?;
    let (key, part) = stem.split_once('-').map_or((stem, Some(0)), |(key, part)| (key, part.parse().ok()));
    Some((zone.hour(key).ok()?, part?))
}

/// Answers a request for a file.
pub(crate) async fn file(state: &Arc<State>, line: &Line, headers: &HeaderMap, object: Object<'_>) -> Response {
    if headers.contains_key(AUTHORIZATION) {
        return xml(
            StatusCode::BAD_REQUEST,
            "InvalidArgument",
            "Only one auth mechanism allowed; only the Signature query string parameter or the Authorization header \
             should be specified",
        );
    }
    let Some((hour, part)) = named(state.options().zone, object.name).filter(|_| object.ours) else {
        return no_such_key();
    };
    let mut open = state.log().open(state.now(), hour, Request::File { part, whole: false });
    let response = answer(state, line, headers, object, (hour, part), &mut open).await;
    open.served(response.status());
    response
}

async fn answer(
    state: &Arc<State>,
    line: &Line,
    headers: &HeaderMap,
    object: Object<'_>,
    (hour, part): (Hour, Part),
    open: &mut Open<'_>,
) -> Response {
    if let Err(refusal) = state.signer().check(object.name, object.query, state.now()) {
        return refused(refusal);
    }
    if state.is_expired(hour) {
        return no_such_key();
    }
    let fault = state.next_fault(hour, Call::File);
    open.meets(fault);
    match fault {
        Some(Fault::FileServerError) => xml(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "Please try again."),
        Some(Fault::FileUnavailable) => xml(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce the rate."),
        Some(Fault::FileHang) => std::future::pending().await,
        Some(Fault::FileReset) => {
            line.reset();
            empty(StatusCode::OK)
        }
        _ => {
            let response = served(state, hour, part, headers, fault).await;
            if response.body().size_hint().exact() == Some(0) {
                // Of an empty file nothing can be cut off.
                open.meets(None);
            }
            response
        }
    }
}

async fn served(state: &Arc<State>, hour: Hour, part: Part, headers: &HeaderMap, fault: Option<Fault>) -> Response {
    let shape = state.shape(hour);
    let grown = shape.grows.is_none_or(|at| state.now() >= at);
    let (blocking, wanted) = (Arc::clone(state), Wanted { hour, part, shape, grown });
    let read = move || blocking.source().file(wanted).map(|bytes| bytes.map(|bytes| damaged(bytes, shape, fault)));
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(Some(stored))) => sent(stored, shape, headers, fault),
        Ok(Ok(None)) => no_such_key(),
        Ok(Err(error)) => {
            tracing::warn!(%hour, %error, "could not read the hour");
            xml(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "The object cannot be read.")
        }
        Err(error) => {
            tracing::warn!(%hour, %error, "could not make the hour");
            xml(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "The object cannot be read.")
        }
    }
}

/// What the store holds under a name.
pub(crate) struct Stored {
    bytes: Bytes,
    tag: String,
}

impl Stored {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { tag: etag(&bytes), bytes }
    }
}

fn damaged(bytes: Bytes, shape: Shape, fault: Option<Fault>) -> Stored {
    let bytes = match fault {
        Some(Fault::TruncatedGzip) => bytes.slice(..bytes.len() / 2),
        Some(Fault::BadCrc) => with_bad_crc(&bytes, if shape.padding { PADDING } else { 0 }),
        _ => bytes,
    };
    Stored::whole(bytes)
}

fn sent(stored: Stored, shape: Shape, headers: &HeaderMap, fault: Option<Fault>) -> Response {
    let mut response = match fault.filter(|_| !stored.bytes.is_empty()) {
        Some(Fault::CutBody) => Broken::cut(&stored.bytes).answer(FILE),
        Some(Fault::StalledBody) => Broken::stalled(&stored.bytes).answer(FILE),
        _ => ranged(stored, headers),
    };
    if shape.content_encoding {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

const FILE: &str = "application/octet-stream";

/// A gzip ends with its CRC and its size, four bytes each.
fn with_bad_crc(bytes: &Bytes, padding: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    let crc = bytes.len().saturating_sub(8 + padding);
    if let Some(byte) = bytes.get_mut(crc) {
        *byte ^= 0xff;
    }
    bytes.into()
}

/// The whole file, or the one range that was asked for.
pub(crate) fn ranged(stored: Stored, headers: &HeaderMap) -> Response {
    let Stored { bytes, tag } = stored;
    let size = bytes.len();
    let unchanged = headers.get(IF_RANGE).is_none_or(|value| value.as_bytes() == tag.as_bytes());
    let range = headers
        .get(RANGE)
        .and_then(|value| value.to_str().ok())
        .filter(|_| unchanged)
        .and_then(|text| range(text, size));
    let mut response = match range {
        None => typed(StatusCode::OK, FILE, bytes),
        Some(Some((start, end))) => {
            let mut response = typed(StatusCode::PARTIAL_CONTENT, FILE, bytes.slice(start..end));
            insert(&mut response, CONTENT_RANGE, format!("bytes {start}-{}/{size}", end - 1));
            response
        }
        Some(None) => {
            let mut response =
                xml(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", "The range lies outside the object.");
            insert(&mut response, CONTENT_RANGE, format!("bytes */{size}"));
            response
        }
    };
    insert(&mut response, ETAG, tag);
    insert(&mut response, ACCEPT_RANGES, "bytes".to_owned());
    response
}

/// The bytes that a `Range` header means; `None` when it is to be ignored, `Some(None)` when it lies outside.
fn range(text: &str, size: usize) -> Option<Option<(usize, usize)>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (start, end) = match (first.trim(), last.trim()) {
        ("", length) => (size.saturating_sub(length.parse().ok()?), size),
        (first, "") => (first.parse().ok()?, size),
        (first, last) => (first.parse().ok()?, last.parse::<usize>().ok()?.saturating_add(1).min(size)),
    };
    Some((start < end).then_some((start, end)))
}

fn etag(bytes: &Bytes) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02X}")).collect();
    format!("\"{hex}\"")
}

fn insert(response: &mut Response, name: axum::http::HeaderName, value: String) {
    let value = HeaderValue::try_from(value).expect("digits, hex and words are visible ASCII");
    response.headers_mut().insert(name, value);
}

pub(crate) fn no_such_key() -> Response {
    xml(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
}

fn refused(refusal: Refusal) -> Response {
    let (code, message) = match refusal {
        Refusal::Expired => ("AccessDenied", "Request has expired."),
        Refusal::UnknownKey => {
            ("InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.")
        }
        Refusal::Unsigned => ("AccessDenied", "You have no right to access this object because of bucket acl."),
        Refusal::WrongSignature => (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing \
             method.",
        ),
    };
    xml(StatusCode::FORBIDDEN, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        let hour: Hour = "2026031417".parse().unwrap();
        for zone in [Zone::UTC, Zone::BEIJING] {
            assert_eq!(named(zone, &name(zone, hour, 0, 1)), Some((hour, 0)));
            assert_eq!(named(zone, &name(zone, hour, 2, 3)), Some((hour, 2)));
        }
        assert_eq!(name(Zone::BEIJING, hour, 0, 1), "2026031501.gz");
        for odd in ["", ".gz", "2026031417", "2026031417-.gz", "2026031417-x.gz", "../2026031417.gz"] {
            assert_eq!(named(Zone::UTC, odd), None, "{odd}");
        }
    }

    #[test]
    fn one_range_is_understood() {
        for (text, expected) in [
            ("bytes=0-9", Some(Some((0, 10)))),
            ("bytes=90-", Some(Some((90, 100)))),
            ("bytes=-10", Some(Some((90, 100)))),
            ("bytes=-1000", Some(Some((0, 100)))),
            ("bytes=50-1000", Some(Some((50, 100)))),
            ("bytes=100-", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=9-0", Some(None)),
            ("bytes=0-1,5-6", None),
            ("lines=0-9", None),
            ("bytes=a-b", None),
        ] {
            assert_eq!(range(text, 100), expected, "{text}");
        }
    }
}
