//! What the service says of an hour, and what it is asked.

use api::{Advice, Availability, Client, Error, Refusal};
use chat::Zone;

use crate::server::{Reply, Server, TOKEN, hour};

/// One attempt at each of these answers.
async fn each(replies: Vec<Reply>) -> Vec<Result<Availability, Error>> {
    let server = Server::start(replies.clone()).await;
    let mut config = server.config();
    config.retries.attempts = 1;
    let client = Client::new(config).unwrap();
    let mut outcomes = Vec::new();
    for _ in &replies {
        outcomes.push(client.locate(hour()).await);
    }
    assert_eq!(server.counts(), (0, replies.len()));
    outcomes
}

async fn once(reply: Reply) -> Result<Availability, Error> {
    each(vec![reply]).await.remove(0)
}

const AMBIGUOUS: &str =
    "illegal arguments: appkey: o#a, time: 2018112717, maybe chat message history is expired or unstored";

#[tokio::test]
async fn an_hour_without_a_file_is_a_value() {
    let (replies, expected): (Vec<_>, Vec<_>) = [
        (Reply::fault(400, "illegal_argument", AMBIGUOUS), Availability::Unavailable { status: 400 }),
        (Reply::fault(400, "illegal_argument", &AMBIGUOUS.to_uppercase()), Availability::Unavailable { status: 400 }),
        (
            Reply::fault(
                404,
                "storage_object_not_found",
                "Failed to find chat message history download url for appkey: o#a, time: 2018112717",
            ),
            Availability::Empty { status: 404 },
        ),
        (Reply::new(404, r#"{"error":"storage_object_not_found"}"#), Availability::Empty { status: 404 }),
        (Reply::new(400, r#"{"error":"illegal_argument","timestamp":1}"#), Availability::Unavailable { status: 400 }),
        (Reply::links(&[]), Availability::Empty { status: 200 }),
    ]
    .into_iter()
    .unzip();
    let outcomes: Result<Vec<_>, _> = each(replies).await.into_iter().collect();
    assert_eq!(outcomes.unwrap(), expected);
}

/// Every other row of table 3.4 and of table 13.3: status, `error`, description, what to do.
#[tokio::test]
async fn every_refusal_says_what_to_do() {
    let retry = Advice::Retry(None);
    let rows = [
        (400, "illegal_argument", "illegal arguments: appkey: o#a, time: 2018-11", Advice::FixTheSettings),
        (400, "illegal_argument", "This chatmessage request is not supported", Advice::FixTheSettings),
        (400, "", "too many queries", retry),
        (400, "json_parse", "bad", Advice::GiveUp),
        (400, "invalid_parameter", "bad", Advice::GiveUp),
        (401, "unauthorized", "Unable to authenticate due to expired access token", Advice::Refused),
        (401, "unauthorized", "Unable to authenticate (OAuth)", Advice::Refused),
        (401, "unauthorized", "", Advice::Refused),
        (401, "auth_bad_access_token", "Unable to authenticate due to corrupt access token", Advice::Refused),
        (401, "auth_bad_access_token", "Unable to authenticate", Advice::Refused),
        (402, "", "", Advice::Refused),
        (403, "forbidden_op", "not open", Advice::Refused),
        (403, "exceed_limit", "you Reach Limit", retry),
        (403, "exceed_limit", "more than 100 members", Advice::GiveUp),
        (403, "group_error", "no such member", Advice::GiveUp),
        (403, "message_send_error", "blocked", Advice::GiveUp),
        (403, "message_recall_error", "not yours", Advice::GiveUp),
        (404, "organization_application_not_found", "Could not find application for o/a", Advice::Refused),
        (404, "service_resource_not_found", "Service resource not found", Advice::Refused),
        (404, "entity_not_found", "", Advice::GiveUp),
        (405, "", "", Advice::GiveUp),
        (406, "", "", Advice::GiveUp),
        (408, "", "", retry),
        (409, "concurrent_operation_error", "", retry),
        (413, "", "Request Entity Too Large", Advice::GiveUp),
        (415, "web_application", "Unsupported Media Type", Advice::GiveUp),
        (429, "reach_limit", "This request has reached api limit", retry),
        (429, "resource_limited", "You have exceeded the limit of the Free edition.", Advice::Refused),
        (500, "no_full_text_index", "", Advice::GiveUp),
        (500, "unsupported_service_operation", "", Advice::GiveUp),
        (500, "web_application", "", Advice::GiveUp),
        (500, "internal", "", retry),
        (501, "", "", Advice::GiveUp),
        (502, "", "", retry),
        (503, "", "too many queries", retry),
        (504, "", "", retry),
    ];
    let replies = rows.iter().map(|(status, error, description, _)| Reply::fault(*status, error, description));
    for ((status, error, description, advice), outcome) in rows.iter().zip(each(replies.collect()).await) {
        let failure = outcome.expect_err(description);
        assert_eq!(
            (failure.advice(), failure.http_status()),
            (*advice, Some(*status)),
            "{status} {error} {description}"
        );
        assert!(failure.to_string().contains(description), "{failure}");
    }
}

#[tokio::test]
async fn bodies_that_say_nothing_are_read_by_their_status() {
    let html = "<html><body><h1>503</h1></body></html>";
    let retry = Advice::Retry(None);
    let rows = [
        (400, "", retry),
        (400, html, retry),
        (401, "", Advice::Refused),
        (403, html, Advice::Refused),
        (404, html, Advice::Refused),
        (413, html, Advice::GiveUp),
        (500, "", retry),
        (502, html, retry),
        (503, html, retry),
        (504, "", retry),
        (204, "", Advice::GiveUp),
    ];
    let replies = rows.iter().map(|(status, body, _)| Reply::new(*status, *body));
    for ((status, body, advice), outcome) in rows.iter().zip(each(replies.collect()).await) {
        let failure = outcome.expect_err(body);
        assert_eq!(failure.advice(), *advice, "{status} {failure:?}");
        assert!(!failure.to_string().contains('<'), "{failure}");
    }
}

#[tokio::test]
async fn a_success_that_makes_no_sense_is_no_empty_hour() {
    let bodies = [
        "",
        "<html>sign in</html>",
        "{}",
        "[]",
        r#"{"data":null}"#,
        r#"{"data":{}}"#,
        r#"{"data":[{}]}"#,
        r#"{"data":[{"url":null}]}"#,
        r#"{"data":[{"url":"/history/x.gz"}]}"#,
        r#"{"data":[{"url":"file:///etc/passwd"}]}"#,
        r#"{"data":[{"url":"http://h/x?Signature=hush"}"#,
    ];
    let replies = bodies.iter().map(|body| Reply::new(200, *body));
    for (body, outcome) in bodies.iter().zip(each(replies.collect()).await) {
        let failure = outcome.expect_err(body);
        assert!(matches!(failure, Error::Malformed { .. }), "{body} {failure:?}");
        assert!(!format!("{failure} {failure:?}").contains("hush"));
    }
}

#[tokio::test]
async fn too_much_is_not_taken() {
    let many = ["http://h/x"; 1_001];
    let outcome = once(Reply::links(&many)).await;
    assert!(matches!(outcome, Err(Error::TooMuch { limit: 1_000, .. })), "{outcome:?}");
    let outcome = once(Reply::new(200, vec![b' '; (4 << 20) + 1])).await;
    assert!(matches!(outcome, Err(Error::TooMuch { .. })), "{outcome:?}");
}

#[tokio::test]
async fn all_parts_come_in_order() {
    let urls = ["http://h/0.gz?Signature=a%2Bb", "https://h/1.gz", "http://h/2.gz"];
    let outcome = once(Reply::links(&urls)).await;
    let Availability::Ready(links) = outcome.unwrap() else { panic!() };
    let shown: Vec<_> = links.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["http://h/0.gz?…", "https://h/1.gz", "http://h/2.gz"]);
}

#[tokio::test]
async fn the_hour_is_asked_for_in_the_clusters_zone_and_in_both_url_forms() {
    let server = Server::start([Reply::ready()]).await;
    for (path, zone, expected) in [
        ("/harbor-org/lantern", Zone::UTC, "/harbor-org/lantern/chatmessages/2026031409"),
        ("/harbor-org/lantern/", Zone::BEIJING, "/harbor-org/lantern/chatmessages/2026031417"),
        ("/app-id/970ca35d", Zone::UTC, "/app-id/970ca35d/chatmessages/2026031409"),
        ("/proxy/app-id/970ca35d", "-10".parse().unwrap(), "/proxy/app-id/970ca35d/chatmessages/2026031323"),
    ] {
        let mut config = server.config();
        config.base_url = server.url(path).parse().unwrap();
        config.zone = zone;
        Client::new(config).unwrap().locate(hour()).await.unwrap();
        let asked = server.asked().pop().unwrap();
        assert_eq!((asked.method.as_str(), asked.target.as_str()), ("GET", expected));
    }
}

#[tokio::test]
async fn the_request_says_who_asks() {
    let server = Server::start([Reply::ready()]).await;
    server.client().locate(hour()).await.unwrap();
    let asked = server.asked().pop().unwrap();
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    assert_eq!(asked.header("user-agent"), Some(concat!("annals/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(asked.body, "");
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let faults = [
        Reply::new(429, ""),
        Reply::new(503, "<html></html>"),
        Reply::fault(400, "", "too many queries"),
        Reply::new(200, "<html>one moment</html>"),
        Reply::new(408, ""),
    ];
    let server = Server::start(faults.into_iter().chain([Reply::ready()])).await;
    let mut config = server.config();
    config.retries.attempts = 6;
    assert!(matches!(Client::new(config).unwrap().locate(hour()).await, Ok(Availability::Ready(_))));
    assert_eq!(server.counts(), (0, 6));
}

#[tokio::test]
async fn patience_has_an_end() {
    let server = Server::start([Reply::new(503, "")]).await;
    let failure = server.client().locate(hour()).await.unwrap_err();
    assert!(matches!(failure, Error::ServiceFault { status: 503, .. }), "{failure:?}");
    assert_eq!(server.counts(), (0, 3));
}

#[tokio::test]
async fn what_will_not_change_is_asked_once() {
    for reply in [
        Reply::fault(404, "organization_application_not_found", "Could not find application"),
        Reply::fault(401, "unauthorized", "Unable to authenticate"),
        Reply::fault(429, "resource_limited", "You have exceeded the limit"),
        Reply::fault(400, "illegal_argument", AMBIGUOUS),
    ] {
        let server = Server::start([reply]).await;
        drop(server.client().locate(hour()).await);
        assert_eq!(server.counts(), (0, 1));
    }
}

#[tokio::test]
async fn a_ready_token_cannot_be_renewed() {
    let outcome = once(Reply::fault(401, "unauthorized", "Unable to authenticate")).await;
    let failure = outcome.unwrap_err();
    assert!(matches!(failure, Error::Refused { refusal: Refusal::Token, .. }), "{failure:?}");
    assert_eq!(failure.to_string(), "the service refuses the token (401: unauthorized, Unable to authenticate)");
}
