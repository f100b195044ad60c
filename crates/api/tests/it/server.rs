//! A service and a store that say what they are told to, and remember what they were asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use api::{Client, Config, Retries, TokenSource};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chat::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// The token of a [`Server::client`].
pub(crate) const TOKEN: &str = "YWMt-static-token";

/// One answer to come.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    hangs: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), hangs: false }
    }

    /// The error envelope of section 1.4.
    pub(crate) fn fault(status: u16, error: &str, description: &str) -> Self {
        let body = format!(
            r#"{{"error":"{error}","exception":"java.lang.IllegalArgumentException","timestamp":1543312726441,"duration":0,"error_description":"{description}"}}"#
        );
        Self::new(status, body)
    }

    /// The history answer of section 3.2.
    pub(crate) fn links(links: &[&str]) -> Self {
        let parts: Vec<_> = links.iter().map(|link| format!(r#"{{"url":"{link}"}}"#)).collect();
        let body = format!(
            r#"{{"action":"get","uri":"'https://a1.example.com/o/a","data":[{}],"timestamp":1543314322601}}"#,
            parts.join(",")
        );
        Self::new(200, body)
    }

    pub(crate) fn ready() -> Self {
        Self::links(&["http://store.example.com/3D/o/a/x.gz?Expires=1&Signature=s"])
    }

    pub(crate) fn token(token: &str) -> Self {
        Self::new(200, format!(r#"{{"access_token":"{token}","expires_in":86400,"application":"8be024f0"}}"#))
    }

    /// Never comes.
    pub(crate) fn hang() -> Self {
        Self { hangs: true, ..Self::new(200, "") }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        (StatusCode::from_u16(self.status).unwrap(), headers, Bytes::from(self.body)).into_response()
    }
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn is_for_token(&self) -> bool {
        self.target.ends_with("/token")
    }
}

#[derive(Default)]
struct Script {
    replies: VecDeque<Reply>,
    tokens: VecDeque<Reply>,
    asked: Vec<Asked>,
}

/// A service on a port of its own. Requests for a token get the token replies, all others the plain ones; the last reply
/// of each kind is repeated for ever.
pub(crate) struct Server {
    port: u16,
    script: Arc<Mutex<Script>>,
}

impl Server {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with_tokens(replies, []).await
    }

    pub(crate) async fn start_with_tokens(
        replies: impl IntoIterator<Item = Reply>,
        tokens: impl IntoIterator<Item = Reply>,
    ) -> Self {
        let (replies, tokens) = (replies.into_iter().collect(), tokens.into_iter().collect());
        let script = Arc::new(Mutex::new(Script { replies, tokens, asked: Vec::new() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, script }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// A client of the app `harbor-org#lantern` here, with a static token and as good as no rate.
    pub(crate) fn config(&self) -> Config {
        config(&self.url("/harbor-org/lantern"))
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.config()).unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap().asked.clone()
    }

    /// How many requests there were: for a token, and others.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let asked = self.asked();
        let tokens = asked.iter().filter(|asked| asked.is_for_token()).count();
        (tokens, asked.len() - tokens)
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Reply {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let asked = Asked {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let reply = {
        let mut script = script.lock().unwrap();
        let replies = if asked.is_for_token() { &mut script.tokens } else { &mut script.replies };
        let reply = if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() };
        script.asked.push(asked);
        reply.expect("a request that no reply is there for")
    };
    if reply.hangs {
        std::future::pending::<()>().await;
    }
    reply
}

/// A client's configuration that retries without waiting.
pub(crate) fn config(base_url: &str) -> Config {
    let token = TokenSource::Static(Secret::new(TOKEN));
    let mut config = Config::new(base_url.parse().unwrap(), token, Arc::new(|| SystemTime::now().into()));
    config.rate = api::Rate::per_minute(1_000_000.try_into().unwrap());
    let pause = Duration::from_millis(1);
    config.retries = Retries { attempts: 3, first_pause: pause, longest_pause: pause, ..Retries::default() };
    config
}

/// A server without manners: each connection gets the next of these bytes after its request, and is closed. What was
/// asked comes out as it was sent.
pub(crate) struct Wire {
    pub(crate) url: Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    pub(crate) async fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let head = head(&mut stream).await;
                log.lock().unwrap().push(head);
                stream.write_all(&answer).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        Self { url: format!("http://127.0.0.1:{port}/harbor-org/lantern").parse().unwrap(), asked }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Reads the head of a request.
pub(crate) async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// An hour to ask for: the samples' own.
pub(crate) fn hour() -> chat::Hour {
    "2026-03-14T09".parse().unwrap()
}

/// A link as the service hands it out.
pub(crate) async fn link_to(url: &str) -> api::Link {
    let service = Server::start([Reply::links(&[url])]).await;
    match service.client().locate(hour()).await.unwrap() {
        api::Availability::Ready(links) => links[0].clone(),
        other => panic!("{other:?}"),
    }
}
