//! Sends: each request and answer as sections 6 and 11 have them, and when a send is made again.

use api::{
    Advice, Body, Broadcast, Draft, Error, Ext, FileAt, ImportInto, JsonBody, Level, Limits, Receipt, Recipients, Unfit,
};
use chat::{MessageId, Secret};
use serde_json::{Value, json};

use crate::server::{Asked, Reply, Server, TOKEN, Wire, config};

pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn to_teo() -> Draft {
    Draft::new(Recipients::Users(names(&["teo-77"])), Body::Text("tide table attached".to_owned()))
}

/// A success of section 6.3 with this `data`.
pub(crate) fn success(path: &str, data: &str) -> Reply {
    Reply::new(
        200,
        format!(
            r#"{{"path":"{path}","uri":"https://a1.example.com/harbor-org/lantern{path}","timestamp":1771234567890,"organization":"harbor-org","application":"8be024f0-1111-11e8-b697-5d598d5f8402","action":"post","data":{data},"duration":0,"applicationName":"lantern"}}"#
        ),
    )
}

fn file(name: &str) -> FileAt {
    FileAt::new(&format!("https://a1.example.com/o/a/chatfiles/{name}")).unwrap()
}

pub(crate) fn body_of(asked: &Asked) -> Value {
    serde_json::from_str(&asked.body).unwrap()
}

#[tokio::test]
async fn the_documented_send_is_sent_and_its_answer_read() {
    let server = Server::start([success("/messages/users", r#"{"teo-77":"1029457500870543736"}"#)]).await;
    let mut draft = to_teo();
    draft.from = Some("mara_voss".to_owned());
    draft.ext = Some(r#"{"em_ignore_notification":true}"#.parse().unwrap());
    let receipts = server.client().send(&draft).await.unwrap();
    let id = Some(MessageId::new("1029457500870543736"));
    assert_eq!(receipts, [Receipt { to: "teo-77".to_owned(), id }]);
    let asked = server.asked().pop().unwrap();
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/harbor-org/lantern/messages/users"));
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(
        asked.body,
        r#"{"from":"mara_voss","to":["teo-77"],"type":"txt","body":{"msg":"tide table attached"},"ext":{"em_ignore_notification":true}}"#
    );
}

#[tokio::test]
async fn each_recipient_has_its_path_and_flags() {
    let ids = || names(&["184524748161025", "184524748161026"]);
    let group = Draft {
        need_group_ack: true,
        online_only: true,
        roam_ignore_users: names(&["ana"]),
        sync_device: true,
        ..Draft::new(Recipients::Groups(ids()), Body::Command { action: "refresh".to_owned() })
    };
    let room = Draft { level: Some(Level::High), ..Draft::new(Recipients::Rooms(ids()), Body::Text("x".to_owned())) };
    let (id, users) = ("184524748161025".to_owned(), names(&["ana", "teo-77"]));
    let in_group = Recipients::InGroup { group: id.clone(), users: users.clone() };
    let in_room = Recipients::InRoom { room: id, users };
    let cmd = json!({"action": "refresh"});
    let msg = json!({"msg": "x"});
    for (draft, path, expected) in [
        (
            group,
            "chatgroups",
            json!({"to": ids(), "type": "cmd", "body": cmd, "sync_device": true, "routetype": "ROUTE_ONLINE",
                   "roam_ignore_users": ["ana"], "need_group_ack": true}),
        ),
        (room, "chatrooms", json!({"to": ids(), "type": "txt", "body": msg, "chatroom_msg_level": "high"})),
        (
            Draft::new(in_group, Body::Text("x".to_owned())),
            "chatgroups/users",
            json!({"to": ["184524748161025"], "users": ["ana", "teo-77"], "type": "txt", "body": msg}),
        ),
        (
            Draft::new(in_room, Body::Text("x".to_owned())),
            "chatrooms/users",
            json!({"to": ["184524748161025"], "users": ["ana", "teo-77"], "type": "txt", "body": msg}),
        ),
    ] {
        let server = Server::start([success("/x", r#"{"184524748161025":1029457500870543736}"#)]).await;
        let receipts = server.client().send(&draft).await.unwrap();
        assert_eq!(receipts[0].id, Some(MessageId::new("1029457500870543736")), "a bare number keeps its digits");
        assert!(receipts.iter().skip(1).all(|receipt| receipt.id.is_none()), "who has no id is told apart");
        let asked = server.asked().pop().unwrap();
        assert_eq!(asked.target, format!("/harbor-org/lantern/messages/{path}"));
        assert_eq!(body_of(&asked), expected);
    }
}

#[tokio::test]
async fn each_type_of_body_has_its_fields() {
    let secret = || Some(Secret::new("X9dFAKE7Yc"));
    let picture = file("p").named("p.png").with_secret(secret());
    let still = file("s").with_secret(secret());
    let attributes = [("tide".to_owned(), "low".to_owned())].into();
    let (url, thumb) =
        (json!("https://a1.example.com/o/a/chatfiles/p"), json!("https://a1.example.com/o/a/chatfiles/s"));
    for (body, kind, expected) in [
        (Body::Text("…\u{0}\n".to_owned()), "txt", json!({"msg": "…\u{0}\n"})),
        (
            Body::Image { file: picture.clone(), size: Some((640, 480)) },
            "img",
            json!({"url": url, "filename": "p.png", "secret": "X9dFAKE7Yc", "size": {"width": 640, "height": 480}}),
        ),
        (Body::Voice { file: file("p"), seconds: Some(7) }, "audio", json!({"url": url, "length": 7})),
        (
            Body::Video { file: picture.clone(), seconds: Some(0), bytes: Some(9), thumbnail: Some(still) },
            "video",
            json!({"url": url, "filename": "p.png", "secret": "X9dFAKE7Yc", "length": 0, "file_length": 9,
                   "thumb": thumb, "thumb_secret": "X9dFAKE7Yc"}),
        ),
        (Body::File(file("p").named("港.pdf")), "file", json!({"url": url, "filename": "港.pdf"})),
        (
            Body::Location {
                latitude: "54.10".to_owned(),
                longitude: "-7.5".to_owned(),
                address: "the quay".to_owned(),
            },
            "loc",
            json!({"lat": "54.10", "lng": "-7.5", "addr": "the quay"}),
        ),
        (Body::Command { action: "refresh".to_owned() }, "cmd", json!({"action": "refresh"})),
        (
            Body::Custom { event: "tide/turn".to_owned(), attributes },
            "custom",
            json!({"customEvent": "tide/turn", "customExts": {"tide": "low"}}),
        ),
        (
            Body::Json(r#"{"type":"txt","msg":"m","new":[1.50]}"#.parse().unwrap()),
            "txt",
            json!({"msg": "m", "new": [1.50]}),
        ),
    ] {
        let server = Server::start([success("/messages/users", r#"{"teo-77":"1"}"#)]).await;
        server.client().send(&Draft { body, ..to_teo() }).await.unwrap();
        let sent = body_of(&server.asked().pop().unwrap());
        assert_eq!((&sent["type"], &sent["body"]), (&json!(kind), &expected));
    }
}

#[tokio::test]
async fn a_broadcast_answers_with_a_bare_number() {
    let server = Server::start([success("/x", r#"{"id":1173998498812376874}"#)]).await;
    let body = Body::Text("storm at six".to_owned());
    let broadcast = Broadcast { from: Some("mara_voss".to_owned()), body, ext: None, level: Some(Level::Low) };
    let id = server.client().broadcast(&broadcast).await.unwrap();
    assert_eq!(id, MessageId::new("1173998498812376874"));
    let asked = server.asked().pop().unwrap();
    assert_eq!(asked.target, "/harbor-org/lantern/messages/chatrooms/broadcast");
    let expected =
        json!({"chatroom_msg_level": "low", "from": "mara_voss", "msg": {"msg": "storm at six", "type": "txt"}});
    assert_eq!(body_of(&asked), expected);
}

#[tokio::test]
async fn a_hundred_broadcasts_make_a_day() {
    let server = Server::start([success("/x", r#"{"id":1173998498812376874}"#)]).await;
    let folder = tempfile::tempdir().unwrap();
    // Others made 99 of them an hour ago, and one the day before yesterday.
    let hours_ago =
        |hours: i64| chat::Timestamp::from(std::time::SystemTime::now()).timestamp_millis() - hours * 3_600_000;
    let calls = std::iter::once(hours_ago(48)).chain([hours_ago(1); 99]).map(|time| format!("{time} \n"));
    std::fs::write(folder.path().join("quota.broadcasts"), "annals-calls 1\n".to_owned() + &calls.collect::<String>())
        .unwrap();
    let mut config = server.config();
    config.quota_file = Some(folder.path().join("quota"));
    let client = api::Client::new(config).unwrap();
    let broadcast = Broadcast { from: None, body: Body::Text("storm at six".to_owned()), ext: None, level: None };
    client.broadcast(&broadcast).await.unwrap();
    let failure = client.broadcast(&broadcast).await.unwrap_err();
    assert!(matches!(failure, Error::Unfit(Unfit::NoBroadcastLeft { most: 100, .. })), "{failure:?}");
    assert!(failure.to_string().starts_with("100 broadcasts were made within a day: there is none before 20"));
    assert_eq!(server.counts(), (0, 1));
}

#[tokio::test]
async fn what_the_service_would_refuse_is_not_sent() {
    let server = Server::start([Reply::new(500, "")]).await;
    let client = server.client();
    let users = |count: usize| (0..count).map(|number| format!("u{number}")).collect::<Vec<_>>();
    let text = || Body::Text("x".to_owned());
    let groups = |count: usize| Recipients::Groups((0..count).map(|number| format!("18452474816{number}")).collect());
    let rooms = |count: usize| Recipients::Rooms((0..count).map(|number| format!("18452474816{number}")).collect());
    let some = |users| Recipients::InGroup { group: "1".to_owned(), users };
    let room = || Draft::new(rooms(1), text());
    let long = Body::Text("x".repeat(5_120));
    let ext: Ext = format!(r#"{{"k":"{}"}}"#, "x".repeat(5_110)).parse().unwrap();
    let name = |name: &str| Recipients::Users(names(&[name]));
    for (draft, expected) in [
        (Draft::new(Recipients::Users(vec![]), text()), "there is no recipient"),
        (Draft::new(Recipients::Users(users(601)), text()), "601 recipients are too many: one call takes 600"),
        (Draft::new(groups(4), text()), "4 recipients are too many: one call takes 3"),
        (Draft::new(rooms(11), text()), "11 recipients are too many: one call takes 10"),
        (Draft::new(some(users(21)), text()), "21 users are too many for a directed message: it takes 20"),
        (Draft::new(some(vec![]), text()), "there is no recipient"),
        (Draft::new(Recipients::Users(names(&["ana", "ANA"])), text()), "`ANA` is named twice"),
        (Draft::new(name("a b"), text()), "`a b` is no user name"),
        (Draft::new(Recipients::Groups(names(&["g-1"])), text()), "`g-1` is no id of a group or room"),
        (Draft { from: Some(String::new()), ..to_teo() }, "`` is no user name"),
        (Draft { roam_ignore_users: users(21), ..to_teo() }, "21 users are too many for roam_ignore_users"),
        (Draft { body: long, ..to_teo() }, "the message is too large: body and ext have 5130 bytes as JSON, 5120"),
        (Draft { ext: Some(ext), ..to_teo() }, "the message is too large"),
        (Draft { online_only: true, ..room() }, "online-only delivery is not for chat rooms"),
        (Draft { level: Some(Level::Low), ..to_teo() }, "chatroom_msg_level is not for users and groups"),
        (Draft { need_group_ack: true, ..to_teo() }, "need_group_ack is not for users and chat rooms"),
        (Draft { body: Body::File(file("p")), ..to_teo() }, "a body of type file needs `filename`"),
    ] {
        let failure = client.send(&draft).await.expect_err(expected);
        assert!(matches!(failure, Error::Unfit(_)), "{failure:?}");
        assert!(failure.to_string().starts_with(expected), "{failure}");
    }
    assert_eq!(server.counts(), (0, 0));
}

#[tokio::test]
async fn the_most_that_is_allowed_is_sent() {
    let server = Server::start([success("/messages/users", "{}")]).await;
    let users = (0..600).map(|number| format!("u{number}")).collect();
    // {"msg":"…"} has 10 bytes around its text.
    let draft = Draft::new(Recipients::Users(users), Body::Text("x".repeat(5_110)));
    let receipts = server.client().send(&draft).await.unwrap();
    assert!(receipts.len() == 600 && receipts.iter().all(|receipt| receipt.id.is_none()));
}

#[tokio::test]
async fn a_send_is_made_again_only_where_nothing_was_sent() {
    let sent = || success("/messages/users", r#"{"teo-77":"7"}"#);
    for refused in [
        Reply::fault(429, "reach_limit", "This request has reached api limit"),
        Reply::fault(403, "message_send_error", "message send reach limit"),
        Reply::fault(400, "", "too many queries"),
    ] {
        let server = Server::start([refused, sent()]).await;
        assert_eq!(server.client().send(&to_teo()).await.unwrap()[0].id, Some(MessageId::new("7")));
        assert_eq!(server.counts(), (0, 2));
    }
    for lost in [
        Reply::fault(500, "", "internal error"),
        Reply::new(502, "<html>bad gateway</html>"),
        Reply::new(503, ""),
        Reply::new(408, ""),
        Reply::new(200, "<html>sign in</html>"),
        Reply::new(200, "{}"),
        Reply::new(202, ""),
    ] {
        let server = Server::start([lost, sent()]).await;
        let failure = server.client().send(&to_teo()).await.unwrap_err();
        assert!(matches!(failure, Error::Doubtful { .. }), "{failure:?}");
        assert_eq!((failure.advice(), server.counts()), (Advice::GiveUp, (0, 1)));
    }
}

#[tokio::test]
async fn a_send_whose_answer_breaks_off_or_is_late_is_in_doubt() {
    let wire = Wire::start(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"data\"".to_vec(); 2]).await;
    let client = api::Client::new(config(wire.url.as_str())).unwrap();
    let failure = client.send(&to_teo()).await.unwrap_err();
    assert_eq!(failure.to_string(), "whether the service did it is not known");
    assert!(std::error::Error::source(&failure).unwrap().to_string().contains("broke off after 7 bytes"));
    assert_eq!(wire.asked().len(), 1);
    let server = Server::start([Reply::hang()]).await;
    let mut config = server.config();
    config.timeouts.head = std::time::Duration::from_millis(50);
    let failure = api::Client::new(config).unwrap().send(&to_teo()).await.unwrap_err();
    assert!(matches!(failure, Error::Doubtful { .. }), "{failure:?}");
    assert_eq!(server.counts(), (0, 1));
}

#[tokio::test]
async fn each_refusal_is_told_with_the_services_words() {
    for (reply, expected, advice) in [
        (
            Reply::fault(400, "message_send_error", "message is too large"),
            "the service declines (400: message_send_error, message is too large)",
            Advice::GiveUp,
        ),
        (
            Reply::fault(403, "forbidden_op", "feature not enabled"),
            "the service refuses permission (403: forbidden_op, feature not enabled)",
            Advice::Refused,
        ),
        (Reply::new(413, "<html>"), "the service declines (413)", Advice::GiveUp),
        (
            Reply::fault(403, "group_error", "no such member"),
            "the service declines (403: group_error, no such member)",
            Advice::GiveUp,
        ),
        (
            Reply::fault(403, "message_send_error", "message send reach limit"),
            "the service asks for fewer messages (403: message_send_error, message send reach limit)",
            Advice::Retry(None),
        ),
        (
            Reply::fault(404, "organization_application_not_found", "Could not find application"),
            "the service knows no app harbor-org#lantern (404: organization_application_not_found, Could not find application)",
            Advice::Refused,
        ),
        (
            Reply::fault(401, "unauthorized", "Unable to authenticate"),
            "the service refuses the token (401: unauthorized, Unable to authenticate)",
            Advice::Refused,
        ),
    ] {
        let server = Server::start([reply]).await;
        let failure = server.client().send(&to_teo()).await.unwrap_err();
        assert_eq!((failure.to_string().as_str(), failure.advice()), (expected, advice));
    }
}

#[tokio::test]
async fn a_send_is_not_redirected() {
    for to in ["/moved", "http://169.254.169.254/", "file:///etc/passwd"] {
        for status in [301, 302, 303, 307, 308] {
            let server = Server::start([Reply::new(status, "").with("location", to)]).await;
            let failure = server.client().send(&to_teo()).await.unwrap_err();
            assert!(matches!(failure, Error::Redirected { .. }), "{failure:?}");
            assert_eq!(server.counts(), (0, 1), "{status} {to}");
        }
    }
}

#[tokio::test]
async fn a_record_is_imported_as_it_was_written() {
    let line = r#"{"from":"mara_voss","target":"teo-77","type":"txt","body":{"msg":"old note"},"ext":{"k":12345678901234567890},"is_ack_read":true,"msg_timestamp":1656906628428,"need_download":false}"#;
    for (into, path, line) in [
        (ImportInto::Users, "users", line.to_owned()),
        (ImportInto::Groups, "chatgroups", line.replace("teo-77", "184524748161025")),
    ] {
        let server = Server::start([success("/messages/users/import", r#"{"msg_id":"10212123848595"}"#)]).await;
        let id = server.client().import(into, &line.parse().unwrap()).await.unwrap();
        assert_eq!(id, MessageId::new("10212123848595"));
        let asked = server.asked().pop().unwrap();
        assert_eq!(asked.target, format!("/harbor-org/lantern/messages/{path}/import"));
        assert_eq!(asked.body, line);
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_imported_is_named() {
    let record = |change: &dyn Fn(&mut Value)| {
        let mut record = json!({"from": "ana", "target": "teo-77", "type": "txt", "body": {"msg": "x"}});
        change(&mut record);
        record.to_string()
    };
    for (line, expected) in [
        (record(&|record| record["msg_timestamp"] = json!(999)), "msg_timestamp 999 is too early"),
        (
            record(&|record| record["msg_timestmap"] = json!(1)),
            "the record cannot be read: unknown field `msg_timestmap`",
        ),
        (record(&|record| record["type"] = json!("poke")), "`poke` is no type of a message"),
        (record(&|record| record["body"] = json!({})), "a body of type txt needs `msg`"),
        (record(&|record| record["body"] = json!("x")), "the body is no JSON object"),
        (record(&|record| record["ext"] = json!([])), "ext is no JSON object"),
        (record(&|record| record["from"] = json!("")), "`` is no user name"),
        (r#"{"from":"ana"}"#.to_owned(), "the record cannot be read: missing field `target`"),
        ("{".to_owned(), "the record cannot be read: EOF while parsing an object at column 1"),
        (String::new(), "the record cannot be read: EOF"),
    ] {
        let failure = line.parse::<api::Import>().expect_err(expected);
        assert!(failure.to_string().starts_with(expected), "{failure}");
    }
    let import: api::Import = record(&|_| {}).parse().unwrap();
    assert_eq!(import.check(ImportInto::Groups, &Limits::default()), Err(Unfit::GroupId { id: "teo-77".to_owned() }));
}

#[tokio::test]
async fn an_import_whose_answer_is_lost_is_in_doubt() {
    let server = Server::start([Reply::new(502, "")]).await;
    let line = r#"{"from":"ana","target":"teo-77","type":"txt","body":{"msg":"x"}}"#;
    let failure = server.client().import(ImportInto::Users, &line.parse().unwrap()).await.unwrap_err();
    assert!(matches!(failure, Error::Doubtful { .. }), "{failure:?}");
    assert_eq!((failure.http_status(), server.counts()), (Some(502), (0, 1)));
}

#[test]
fn a_preview_shows_the_call_without_secrets() {
    let base_url = "https://a1.example.com/o/a".parse().unwrap();
    let image = Body::Image { file: file("p").with_secret(Some(Secret::new("hush"))), size: None };
    let json: JsonBody = r#"{"type":"video","url":"u","secret":"hush","thumb_secret":"hush"}"#.parse().unwrap();
    for body in [image, Body::Json(json)] {
        let broadcast = Broadcast { from: None, body: body.clone(), ext: None, level: None };
        let shown = broadcast.preview(&base_url, &Limits::default()).unwrap();
        assert!(shown.body.contains(r#""secret":"…""#) && !shown.body.contains("hush"), "{}", shown.body);
        let shown = Draft { body, ..to_teo() }.preview(&base_url, &Limits::default()).unwrap();
        assert_eq!((shown.method.as_str(), shown.url.as_str()), ("POST", "https://a1.example.com/o/a/messages/users"));
        assert!(shown.body.contains(r#""secret":"…""#) && !shown.body.contains("hush"), "{}", shown.body);
    }
}
