//! A method of the service: what all of them have in common, from the token to the envelope (protocol section 1).

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State as Shared};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::answer::{Failure, json_answer};
use crate::bearer;
use crate::grants::APPLICATION;
use crate::options::UrlForm;
use crate::rate::{Counted, Limit};
use crate::state::State;

/// Bytes of a request that is no upload: 600 names and 5 KB of content are a twentieth of it.
const REQUEST_BYTES: usize = 1 << 20;

/// A method that is called with JSON and answers with JSON.
pub(crate) struct Method {
    /// By which its calls are counted.
    pub(crate) name: &'static str,
    pub(crate) limits: &'static [Limit],
    /// It may wait for the disk.
    pub(crate) answer: fn(&Call) -> Result<Value, Failure>,
}

/// What methods are limited to when nothing else is said.
pub(crate) const USUAL: &[Limit] = &[Limit::a_second(100)];

/// The variables of a path, unless they are no UTF-8.
pub(crate) type Segments = Result<Path<HashMap<String, String>>, PathRejection>;

/// One call, let in.
pub(crate) struct Call {
    pub(crate) state: Arc<State>,
    pub(crate) address: Address,
    /// The variables of its path.
    pub(crate) segments: HashMap<String, String>,
    pub(crate) fields: Fields,
}

/// How the app was addressed, and what of it.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    form: UrlForm,
    verb: String,
    /// The path behind the app.
    resource: String,
}

impl Method {
    /// Answers a call.
    pub(crate) async fn call(
        &'static self,
        Shared(state): Shared<Arc<State>>,
        segments: Segments,
        request: Request,
    ) -> Response {
        state.count(|calls| &mut calls.methods);
        let now = state.now();
        self.answered(state, segments, request).await.unwrap_or_else(|failure| failure.answer(now))
    }

    async fn answered(
        &'static self,
        state: Arc<State>,
        segments: Segments,
        request: Request,
    ) -> Result<Response, Failure> {
        let (address, segments) = address(&state, segments, &request)?;
        bearer::check(&state, request.headers())?;
        within(&state, self.name, self.limits)?;
        let fields = Fields::read(request).await?;
        let call = Call { state, address, segments, fields };
        let answered = tokio::task::spawn_blocking(move || (self.answer)(&call)).await;
        let envelope = answered.unwrap_or_else(|error| Err(Failure::internal(&error.to_string())))?;
        Ok(json_answer(StatusCode::OK, &envelope))
    }
}

/// How a request addresses this app, and the other variables of its path.
pub(crate) fn address(
    state: &State,
    segments: Segments,
    request: &Request,
) -> Result<(Address, HashMap<String, String>), Failure> {
    let Ok(Path(mut segments)) = segments else { return Err(Failure::unknown_path()) };
    let path = request.uri().path();
    let (org, app) = (segments.remove("org").unwrap_or_default(), segments.remove("app").unwrap_or_default());
    let form = state.form_of(&org, &app).ok_or_else(|| Failure::unknown_app(&org, &app, path))?;
    let resource = path.split('/').skip(3).map(|segment| format!("/{segment}")).collect();
    let verb = request.method().as_str().to_ascii_lowercase();
    Ok((Address { form, verb, resource }, segments))
}

/// Counts a call.
pub(crate) fn within(state: &State, name: &'static str, limits: &[Limit]) -> Result<(), Failure> {
    if state.admits(&Counted::Calls(name), limits, 1) { Ok(()) } else { Err(Failure::over_rate()) }
}

impl Address {
    /// The envelope of section 1.3. The `app-id` form names neither organisation nor application.
    pub(crate) fn envelope(&self, state: &State) -> Map<String, Value> {
        let mut members = Map::new();
        let uri = format!("{}{}", state.base_url(self.form), self.resource);
        members.insert("path".to_owned(), self.resource.as_str().into());
        members.insert("uri".to_owned(), uri.into());
        members.insert("timestamp".to_owned(), state.now().timestamp_millis().into());
        members.insert("action".to_owned(), self.verb.as_str().into());
        members.insert("duration".to_owned(), 0.into());
        if self.form == UrlForm::OrgApp {
            let app = &state.options().app;
            for (key, value) in
                [("application", APPLICATION), ("organization", app.org()), ("applicationName", app.name())]
            {
                members.insert(key.to_owned(), value.into());
            }
        }
        members
    }
}

impl Call {
    /// The answer of a call that did what it was asked for.
    pub(crate) fn done(&self, data: Value) -> Value {
        self.done_with([("data", data)])
    }

    /// The same with further members, or with others than usual.
    pub(crate) fn done_with<const N: usize>(&self, members: [(&str, Value); N]) -> Value {
        let mut envelope = self.address.envelope(&self.state);
        envelope.extend(members.into_iter().map(|(key, value)| (key.to_owned(), value)));
        Value::Object(envelope)
    }
}

/// The members of a request's body.
#[derive(Debug, Default)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    async fn read(request: Request) -> Result<Self, Failure> {
        if !is_json(request.headers()) {
            return Err(Failure::unsupported_type());
        }
        let bytes = to_bytes(request.into_body(), REQUEST_BYTES).await.map_err(|_| Failure::too_large())?;
        serde_json::from_slice(&bytes).map(Self).map_err(|_| Failure::invalid_body())
    }

    pub(crate) fn of(value: &Value) -> Result<Self, Failure> {
        value.as_object().map(|members| Self(members.clone())).ok_or_else(Failure::invalid_body)
    }

    /// A member, whatever it is.
    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// A text that may be absent.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>, Failure> {
        self.typed(key, Value::as_str)
    }

    /// A truth value that may be absent.
    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, Failure> {
        self.typed(key, Value::as_bool)
    }

    /// A whole number that may be absent.
    pub(crate) fn number(&self, key: &str) -> Result<Option<i64>, Failure> {
        self.typed(key, Value::as_i64)
    }

    /// The name of a user, group or room that is there and not empty; otherwise the failure.
    pub(crate) fn name(&self, key: &str, missing: impl FnOnce() -> Failure) -> Result<&str, Failure> {
        let name = self.required(key, missing)?;
        if is_name(name) { Ok(name) } else { Err(Failure::invalid_body()) }
    }

    /// A text that is there and not empty; otherwise the failure.
    pub(crate) fn required(&self, key: &str, missing: impl FnOnce() -> Failure) -> Result<&str, Failure> {
        self.text(key)?.filter(|text| !text.is_empty()).ok_or_else(missing)
    }

    /// An array of names that may be absent.
    pub(crate) fn names(&self, key: &str) -> Result<Option<Vec<&str>>, Failure> {
        let Some(values) = self.typed(key, Value::as_array)? else { return Ok(None) };
        let names = values.iter().map(|value| value.as_str().filter(|name| is_name(name)));
        names.collect::<Option<_>>().map(Some).ok_or_else(Failure::invalid_body)
    }

    fn typed<'a, T>(&'a self, key: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Result<Option<T>, Failure> {
        self.value(key).map(|value| read(value).ok_or_else(Failure::invalid_body)).transpose()
    }
}

/// Whether a text may be a name: who exists is not checked, and other editions allow other characters.
fn is_name(text: &str) -> bool {
    (1..=NAME_LENGTH).contains(&text.chars().count())
}

/// Characters of the longest name.
const NAME_LENGTH: usize = 64;

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/json");
    content_type.to_ascii_lowercase().starts_with("application/json")
}

/// An entity list that is there and empty, as some methods have it.
pub(crate) fn no_entities() -> Value {
    json!([])
}
