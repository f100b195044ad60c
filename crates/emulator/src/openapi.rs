//! `GET /openapi.json`: what the service speaks, for machines.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::answer::{Failure, json_answer};
use crate::options::UrlForm;
use crate::state::State;

/// The description; its server is this one.
pub(crate) fn description(state: &State) -> Response {
    let Ok(mut description) = serde_json::from_str::<Value>(include_str!("openapi.json")) else {
        return Failure::internal("the description is no JSON").answer(state.now());
    };
    let servers = [UrlForm::OrgApp, UrlForm::AppId].map(|form| json!({ "url": state.base_url(form) }));
    description["servers"] = json!(servers);
    json_answer(StatusCode::OK, &description)
}
