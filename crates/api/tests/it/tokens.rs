//! Tokens of all kinds, and who asks for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::{Advice, Client, Config, Error, Refusal, TokenSource};
use axum::Router;
use axum::extract::{Request, State};
use chat::Secret;
use tokio::net::TcpListener;
use tokio::sync::{Barrier, Notify};
use tokio::task::JoinSet;

use crate::server::{Reply, Server, config, hour};

const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";
const CERTIFICATE: &str = "5CFd2fd1755d40ecb72977518be15d3b";

fn credentials() -> TokenSource {
    TokenSource::ClientCredentials { id: "YXA6-id".to_owned(), secret: Secret::new("YXA6-secret\n") }
}

fn certificate(exchange: bool) -> TokenSource {
    TokenSource::AppCertificate { app_id: APP_ID.to_owned(), certificate: Secret::new(CERTIFICATE), exchange }
}

fn client(server: &Server, token: TokenSource) -> Arc<Client> {
    Arc::new(Client::new(Config { token, ..server.config() }).unwrap())
}

fn expired() -> Reply {
    Reply::fault(401, "unauthorized", "Unable to authenticate due to expired access token")
}

/// Asks for the hour many times at once.
async fn crowd(client: &Arc<Client>) -> Vec<Result<(), Error>> {
    let mut crowd = JoinSet::new();
    for _ in 0..20 {
        let client = Arc::clone(client);
        crowd.spawn(async move { client.locate(hour()).await.map(drop) });
    }
    crowd.join_all().await
}

#[tokio::test]
async fn client_credentials_are_traded_for_a_token() {
    let server = Server::start_with_tokens([Reply::ready()], [Reply::token("YWMt-one")]).await;
    client(&server, credentials()).locate(hour()).await.unwrap();
    let [token, history] = &server.asked()[..] else { panic!() };
    assert_eq!((token.method.as_str(), token.target.as_str()), ("POST", "/harbor-org/lantern/token"));
    assert_eq!(
        token.body,
        r#"{"grant_type":"client_credentials","client_id":"YXA6-id","client_secret":"YXA6-secret","ttl":86400}"#
    );
    assert_eq!(token.header("content-type"), Some("application/json"));
    assert_eq!(token.header("authorization"), None);
    assert_eq!(history.header("authorization"), Some("Bearer YWMt-one"));
}

#[tokio::test]
async fn many_who_need_a_token_fetch_it_once() {
    let server = Server::start_with_tokens([Reply::ready()], [Reply::token("YWMt-one")]).await;
    let client = client(&server, credentials());
    for outcome in crowd(&client).await {
        outcome.unwrap();
    }
    assert_eq!(server.counts(), (1, 20));
    client.token().await.unwrap();
    assert_eq!(server.counts(), (1, 20));
}

#[tokio::test]
async fn many_whose_credentials_are_refused_ask_once() {
    let refusal = Reply::fault(400, "invalid_grant", "client_secret does not match");
    let server = Server::start_with_tokens([Reply::ready()], [refusal]).await;
    for outcome in crowd(&client(&server, credentials())).await {
        let failure = outcome.unwrap_err();
        assert!(matches!(failure, Error::Refused { refusal: Refusal::Credentials, .. }), "{failure:?}");
        assert_eq!(failure.advice(), Advice::Refused);
    }
    assert_eq!(server.counts(), (1, 0));
}

#[tokio::test]
async fn the_token_endpoint_is_read_like_any_other() {
    for (reply, expected) in [
        (Reply::fault(400, "invalid_grant", "client_id does not match"), Advice::Refused),
        (Reply::fault(404, "organization_application_not_found", "Could not find application"), Advice::Refused),
        (Reply::fault(401, "unauthorized", ""), Advice::Refused),
        (Reply::new(200, "{}"), Advice::Retry(None)),
        (Reply::new(200, r#"{"access_token":" "}"#), Advice::Retry(None)),
        (Reply::new(503, "<html>"), Advice::Retry(None)),
        (Reply::fault(400, "json_parse", "bad"), Advice::GiveUp),
    ] {
        let server = Server::start_with_tokens([], [reply]).await;
        let failure = client(&server, credentials()).token().await.unwrap_err();
        assert_eq!(failure.advice(), expected, "{failure:?}");
        let attempts = if matches!(expected, Advice::Retry(_)) { 3 } else { 1 };
        assert_eq!(server.counts(), (attempts, 0), "{failure}");
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let tokens = [Reply::token("YWMt-one"), Reply::token("YWMt-two")];
    let server = Server::start_with_tokens([expired(), Reply::ready()], tokens.clone()).await;
    client(&server, credentials()).locate(hour()).await.unwrap();
    assert_eq!(server.counts(), (2, 2));
    assert_eq!(server.asked().pop().unwrap().header("authorization"), Some("Bearer YWMt-two"));

    let server = Server::start_with_tokens([expired()], tokens).await;
    let failure = client(&server, credentials()).locate(hour()).await.unwrap_err();
    assert!(matches!(failure, Error::Refused { refusal: Refusal::Token, status: 401, .. }), "{failure:?}");
    assert_eq!(server.counts(), (2, 2));
}

/// Refuses the first token to two callers, to the second of them only after the first came back with another one.
struct Late {
    both_asked: Barrier,
    came_back: Notify,
    tokens: AtomicUsize,
}

async fn late(State(late): State<Arc<Late>>, request: Request) -> Reply {
    if request.uri().path().ends_with("/token") {
        let number = late.tokens.fetch_add(1, Ordering::SeqCst);
        return Reply::token(&format!("YWMt-{number}"));
    }
    if request.headers()["authorization"] == "Bearer YWMt-0" {
        if !late.both_asked.wait().await.is_leader() {
            late.came_back.notified().await;
        }
        return expired();
    }
    late.came_back.notify_one();
    Reply::ready()
}

#[tokio::test]
async fn a_token_refused_late_does_not_cost_the_one_that_replaced_it() {
    let (both_asked, came_back, tokens) = (Barrier::new(2), Notify::new(), AtomicUsize::new(0));
    let service = Arc::new(Late { both_asked, came_back, tokens });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/o/a", listener.local_addr().unwrap());
    let router = Router::new().fallback(late).with_state(Arc::clone(&service));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = Client::new(Config { token: credentials(), ..config(&base_url) }).unwrap();
    let (one, other) = tokio::join!(client.locate(hour()), client.locate(hour()));
    one.unwrap();
    other.unwrap();
    assert_eq!(service.tokens.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_access_token_is_sent_as_it_is() {
    let server = Server::start([Reply::ready()]).await;
    client(&server, certificate(false)).locate(hour()).await.unwrap();
    let asked = server.asked().pop().unwrap();
    assert!(asked.header("authorization").unwrap().starts_with("Bearer 007eJx"));
    assert_eq!(server.counts(), (0, 1));
}

#[tokio::test]
async fn an_access_token_can_be_traded_first() {
    let traded = Reply::new(200, r#"{"access_token":"YWMt-traded","expire_timestamp":4070908800000}"#);
    let server = Server::start_with_tokens([Reply::ready()], [traded]).await;
    client(&server, certificate(true)).locate(hour()).await.unwrap();
    let [token, history] = &server.asked()[..] else { panic!() };
    assert_eq!(token.body, r#"{"grant_type":"agora"}"#);
    assert!(token.header("authorization").unwrap().starts_with("Bearer 007eJx"));
    assert_eq!(history.header("authorization"), Some("Bearer YWMt-traded"));
}
