//! Which request goes where.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use axum::{Extension, Router};
use bytes::Bytes;

use crate::answer::Failure;
use crate::connection::Line;
use crate::method::within;
use crate::options::UrlForm;
use crate::rate::Limit;
use crate::state::State;
use crate::{attachments, conversations, files, grants, history, messages, openapi};

/// The routes of the service and of its file store.
pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/{org}/{app}/token", post(token))
        .route("/{org}/{app}/chatmessages/{time}", get(links))
        .route("/history/{class}/{org}/{app}/{name}", get(file))
        .route("/{org}/{app}/messages/users", post(|s, p, r| messages::USERS.call(s, p, r)))
        .route("/{org}/{app}/messages/chatgroups", post(|s, p, r| messages::GROUPS.call(s, p, r)))
        .route("/{org}/{app}/messages/chatrooms", post(|s, p, r| messages::ROOMS.call(s, p, r)))
        .route("/{org}/{app}/messages/chatgroups/users", post(|s, p, r| messages::DIRECTED_GROUPS.call(s, p, r)))
        .route("/{org}/{app}/messages/chatrooms/users", post(|s, p, r| messages::DIRECTED_ROOMS.call(s, p, r)))
        .route("/{org}/{app}/messages/chatrooms/broadcast", post(|s, p, r| messages::BROADCAST.call(s, p, r)))
        .route("/{org}/{app}/messages/users/import", post(|s, p, r| messages::TO_USER.call(s, p, r)))
        .route("/{org}/{app}/messages/chatgroups/import", post(|s, p, r| messages::TO_GROUP.call(s, p, r)))
        .route("/{org}/{app}/messages/msg_recall", post(|s, p, r| messages::RECALL.call(s, p, r)))
        .route("/{org}/{app}/messages/batch_recall", post(|s, p, r| messages::BATCH_RECALL.call(s, p, r)))
        .route("/{org}/{app}/messages/rewrite/{id}", put(|s, p, r| messages::EDIT.call(s, p, r)))
        .route("/{org}/{app}/users/{user}/user_channel", delete(|s, p, r| conversations::DELETE.call(s, p, r)))
        // Its limit is an option.
        .route("/{org}/{app}/chatfiles", post(attachments::upload).layer(DefaultBodyLimit::disable()))
        .route("/{org}/{app}/chatfiles/{uuid}", get(attachments::download))
        .route("/openapi.json", get(async |Shared(state): Shared<Arc<State>>| openapi::description(&state)))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(log))
        .with_state(state)
}

/// Calls for a token.
const TOKENS: &[Limit] = &[Limit::a_second(300)];

async fn token(
    Shared(state): Shared<Arc<State>>,
    path: Segments<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    state.count(|calls| &mut calls.tokens);
    let answer = match path {
        Ok(Path((org, app))) => {
            let within = known(&state, &org, &app, &uri).and_then(|_form| within(&state, "token", TOKENS));
            within.and_then(|()| grants::token(&state, &headers, &body))
        }
        Err(_) => Err(Failure::unknown_path()),
    };
    answer.unwrap_or_else(|failure| failure.answer(state.now()))
}

async fn links(
    Shared(state): Shared<Arc<State>>,
    Extension(line): Extension<Line>,
    path: Segments<(String, String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    state.count(|calls| &mut calls.links);
    let answer = match path {
        Ok(Path((org, app, time))) => match known(&state, &org, &app, &uri) {
            Ok(form) => history::links(&state, &line, &headers, form, &time).await,
            Err(failure) => Err(failure),
        },
        Err(_) => Err(history::unsupported()),
    };
    answer.unwrap_or_else(|failure| failure.answer(state.now()))
}

async fn file(
    Shared(state): Shared<Arc<State>>,
    Extension(line): Extension<Line>,
    path: Segments<(String, String, String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    state.count(|calls| &mut calls.files);
    let Ok(Path((class, org, app, name))) = path else { return files::no_such_key() };
    let ours = class == state.signer().class() && org == state.options().app.org() && app == state.options().app.name();
    let object = files::Object { ours, name: &name, query: uri.query().unwrap_or_default() };
    files::file(&state, &line, &headers, object).await
}

/// The segments of a path, unless they are no UTF-8.
type Segments<T> = Result<Path<T>, PathRejection>;

fn known(state: &State, org: &str, app: &str, uri: &Uri) -> Result<UrlForm, Failure> {
    state.form_of(org, app).ok_or_else(|| Failure::unknown_app(org, app, uri.path()))
}

/// Everything else. The retired query of messages shares its first segment with the hours.
async fn unknown(Shared(state): Shared<Arc<State>>, uri: Uri) -> Response {
    state.count(|calls| &mut calls.others);
    let mut segments = uri.path().split('/').skip(1);
    let (org, app) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    let failure = match segments.next() {
        Some(_) if state.form_of(org, app).is_none() => Failure::unknown_app(org, app, uri.path()),
        Some("chatmessages") if segments.all(str::is_empty) => history::unsupported(),
        _ => Failure::unknown_path(),
    };
    failure.answer(state.now())
}

async fn wrong_method(Shared(state): Shared<Arc<State>>) -> Response {
    state.count(|calls| &mut calls.others);
    let failure = Failure::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "unsupported_service_operation",
        "The method is not allowed on this URL",
    );
    failure.answer(state.now())
}

/// The path only: queries carry signatures, headers carry tokens.
async fn log(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    tracing::debug!(%method, path, status = response.status().as_u16(), "answered");
    response
}
