//! Answers in the service's envelopes (protocol sections 1.3 and 1.4), and in the store's XML (section 3.5).

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use chat::Timestamp;
use serde_json::{Value, json};

use crate::talk::Refused;

pub(crate) const JSON: &str = "application/json;charset=UTF-8";
const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";
const SECURITY: &str = "org.apache.usergrid.rest.exceptions.SecurityException";

/// An error in the service's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) error: &'static str,
    pub(crate) exception: Option<&'static str>,
    pub(crate) description: String,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, exception: None, description: description.into() }
    }

    pub(crate) fn illegal_argument(description: impl Into<String>) -> Self {
        let exception = Some(ILLEGAL_ARGUMENT);
        Self { exception, ..Self::new(StatusCode::BAD_REQUEST, "illegal_argument", description) }
    }

    pub(crate) fn unauthorized(error: &'static str, description: &str) -> Self {
        Self { exception: Some(SECURITY), ..Self::new(StatusCode::UNAUTHORIZED, error, description) }
    }

    pub(crate) fn invalid_body() -> Self {
        let description = "Request body is invalid. Please check body is correct.";
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_body", description)
    }

    pub(crate) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "file exceeding maximum limit", "Request Entity Too Large")
    }

    pub(crate) fn unsupported_type() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "web_application", "Unsupported Media Type")
    }

    pub(crate) fn internal(description: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error", description)
    }

    pub(crate) fn over_rate() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "reach_limit", "This request has reached api limit")
    }

    pub(crate) fn unknown_app(org: &str, app: &str, path: &str) -> Self {
        let path = path.trim_start_matches('/');
        let description = format!("Could not find application for {org}/{app} from URI: {path}");
        Self::new(StatusCode::NOT_FOUND, "organization_application_not_found", description)
    }

    pub(crate) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "service_resource_not_found", "Service resource not found")
    }

    pub(crate) fn refused(refused: &Refused) -> Self {
        match refused {
            Refused::Full => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "resource_limited",
                "You have exceeded the limit of the Free edition. Please upgrade to higher edition.",
            ),
            Refused::Disk(error) => {
                tracing::warn!(%error, "could not write down what was said");
                Self::internal("it could not be written down")
            }
        }
    }

    pub(crate) fn answer(&self, now: Timestamp) -> Response {
        let mut envelope = json!({
            "error": self.error,
            "timestamp": now.timestamp_millis(),
            "duration": 0,
            "error_description": self.description,
        });
        if let (Some(exception), Value::Object(members)) = (self.exception, &mut envelope) {
            members.insert("exception".to_owned(), exception.into());
        }
        json_answer(self.status, &envelope)
    }
}

pub(crate) fn json_answer(status: StatusCode, value: &Value) -> Response {
    typed(status, JSON, value.to_string())
}

/// The page that a proxy in front of the service shows.
pub(crate) fn html_unavailable() -> Response {
    let page = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>503 \
                Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
    typed(StatusCode::SERVICE_UNAVAILABLE, "text/html", page)
}

/// An error of the file store.
pub(crate) fn xml(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>{code}</Code>\n  <Message>{message}</Message>\n  \
         <RequestId>5F0C7B1E9D2A4C68B3E1A7D4</RequestId>\n</Error>\n"
    );
    typed(status, "application/xml", body)
}

pub(crate) fn empty(status: StatusCode) -> Response {
    with_status(Response::new(Body::empty()), status)
}

pub(crate) fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = with_status(Response::new(body.into()), status);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn with_status(mut response: Response, status: StatusCode) -> Response {
    *response.status_mut() = status;
    response
}
