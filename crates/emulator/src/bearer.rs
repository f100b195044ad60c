//! Who is let in: the `Authorization` header (protocol section 3.4, the rows of 401).

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use chat::Timestamp;

use crate::access_token::{self, Refusal};
use crate::answer::Failure;
use crate::state::State;

/// The token of a request, if it carries one.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Lets a request in that carries one of the service's tokens or an AccessToken2.
pub(crate) fn check(state: &State, headers: &HeaderMap) -> Result<(), Failure> {
    let token =
        token(headers).ok_or_else(|| Failure::unauthorized("unauthorized", "Unable to authenticate (OAuth)"))?;
    if token.starts_with(access_token::PREFIX) {
        access_token_end(state, token, state.now()).map(|_end| ())
    } else {
        state.issuer().check(token, state.now()).map_err(refused)
    }
}

/// When an AccessToken2 ends.
pub(crate) fn access_token_end(state: &State, token: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    access_token::check(token, &state.options().credentials, now).map_err(refused)
}

fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Corrupt => {
            Failure::unauthorized("auth_bad_access_token", "Unable to authenticate due to corrupt access token")
        }
        Refusal::Expired => Failure::unauthorized("unauthorized", "Unable to authenticate due to expired access token"),
        Refusal::Foreign => Failure::unauthorized("auth_bad_access_token", "Unable to authenticate"),
    }
}
