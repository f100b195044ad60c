//! What is sent, imported, edited and called back, and where it is found in hour files.

use std::collections::BTreeSet;
use std::time::Duration;

use emulator::{Customs, History, Imports, Kind, Options, RecallFailure, Recalled};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Service, at, generated, nine, options, read, start};

impl Service {
    pub(crate) async fn call(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.handle.base_url());
        read(self.client.request(method, url).bearer_auth(self.handle.token()).json(body).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call(Method::POST, path, body).await
    }

    /// Sends a text and returns its id.
    async fn send(&self, text: &str) -> String {
        let (status, answer) = self.post("/messages/users", &txt(text)).await;
        assert_eq!(status, 200, "{answer}");
        answer["data"]["teo-77"].as_str().unwrap().to_owned()
    }

    /// The records of the hour from nine, two hours later.
    async fn records(&self) -> Vec<Value> {
        self.handle.clock().set(at("2026-03-14T15:00"));
        match self.answer("2026031409").await.0 {
            404 => Vec::new(),
            _ => self
                .lines("2026031409")
                .await
                .split(|byte| *byte == b'\n')
                .filter_map(|line| serde_json::from_slice(line).ok())
                .collect(),
        }
    }
}

fn txt(text: &str) -> Value {
    json!({ "from": "mara_voss", "to": ["teo-77"], "type": "txt", "body": { "msg": text } })
}

/// At nine, and nobody has said anything.
async fn quiet(customs: Customs) -> Service {
    let mut options = Options { customs, rate_per_minute: Some(1000), ..options() };
    let History::Generated(corpus) = &mut options.history else { unreachable!() };
    corpus.messages_per_hour = 0;
    corpus.until = corpus.since;
    let service = start(options).await;
    service.handle.clock().set(at("2026-03-14T09:30"));
    service
}

#[tokio::test]
async fn what_is_sent_is_in_its_hour_in_order_of_time() {
    let service = start(options()).await;
    service.handle.clock().set(at("2026-03-14T09:30"));
    let id = service.send("好 \"\n").await;
    let number: u64 = id.parse().unwrap();
    assert_eq!(i64::try_from(number >> 32).unwrap() + 1_417_564_800, at("2026-03-14T09:30").timestamp());
    assert_eq!(service.answer("2026031409").await.0, 400, "not ready");
    let records = service.records().await;
    let place = records.iter().position(|record| record["msg_id"] == id.as_str()).unwrap();
    let expected = json!({
        "chat_type": "chat",
        "payload": {
            "ext": {}, "bodies": [{ "msg": "好 \"\n", "type": "txt" }], "from": "mara_voss", "to": "teo-77",
        },
        "from": "mara_voss", "to": "teo-77", "msg_id": id,
        "timestamp": at("2026-03-14T09:30").timestamp_millis(), "direction": "outgoing",
    });
    assert_eq!(records[place], expected);
    let time = |record: &Value| record["timestamp"].as_i64().unwrap_or_default();
    assert!(place > 0 && records[..place].iter().all(|record| time(record) <= time(&expected)));
    let lines = service.lines("2026031409").await;
    assert_eq!(lines.len(), generated(nine()).len() + expected.to_string().len() + 1, "and the traffic is there");
}

#[tokio::test]
async fn each_recipient_has_a_record_and_each_body_its_form() {
    let service = quiet(Customs::default()).await;
    let room = json!({
        "to": ["231911000342529", "231911000342530", "231911000342529"], "type": "loc",
        "body": { "lat": "59.91273", "lng": "-10.5", "addr": "" }, "ext": { "a": { "b": [1.5, null] } },
    });
    let (status, answer) = service.post("/messages/chatrooms", &room).await;
    assert_eq!((status, answer["data"].as_object().unwrap().len()), (200, 2));
    let records = service.records().await;
    assert_eq!(records.len(), 2);
    assert_ne!(records[0]["msg_id"], records[1]["msg_id"]);
    let payload = &records[0]["payload"];
    assert_eq!(payload["bodies"], json!([{ "type": "loc", "lat": 59.91273, "lng": -10.5, "addr": "" }]));
    assert_eq!((&payload["from"], &payload["ext"]), (&json!("admin"), &room["ext"]));
    assert_eq!(records[0]["chat_type"], "chatroom");
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_said_in_the_services_words() {
    let service = quiet(Customs::default()).await;
    let with = |key: &str, value: Value| {
        let mut message = txt("x");
        message[key] = value;
        message
    };
    let without = |key: &str| {
        let mut message = txt("x");
        message.as_object_mut().unwrap().remove(key);
        message
    };
    let many = |count: usize| json!((0..count).map(|n| format!("u{n}")).collect::<Vec<_>>());
    let users = "/messages/users";
    for (path, body, status, error, description) in [
        (users, with("from", json!("")), 400, "message_send_error", "param from can't be empty"),
        (users, without("to"), 400, "message_send_error", "param to can't be empty"),
        (users, with("to", json!([])), 400, "message_send_error", "param to can't be empty"),
        (users, without("type"), 400, "message_send_error", "param type can't be empty"),
        (users, without("body"), 400, "message_send_error", "param body can't be empty"),
        (users, with("body", json!({ "m": "" })), 400, "message_send_error", "param msg can't be empty"),
        (users, with("ext", Value::Null), 400, "message_send_error", "param ext must be JSONObject"),
        (users, with("to", many(601)), 400, "message_send_error", "params to's size can't exceed limit 600"),
        (
            "/messages/chatgroups",
            with("to", many(4)),
            400,
            "message_send_error",
            "params to's size can't exceed limit 3",
        ),
        (
            "/messages/chatrooms",
            with("to", many(11)),
            400,
            "message_send_error",
            "params to's size can't exceed limit 10",
        ),
        ("/messages/chatgroups/users", txt("x"), 400, "message_send_error", "param users can't be empty"),
        (users, with("ext", json!({ "a": "x".repeat(5 << 10) })), 400, "message_send_error", "message is too large"),
        (users, json!([]), 400, "invalid_request_body", "Request body is invalid. Please check body is correct."),
        (
            users,
            with("to", json!("teo-77")),
            400,
            "invalid_request_body",
            "Request body is invalid. Please check body is correct.",
        ),
        (
            users,
            with("type", json!("smell")),
            400,
            "invalid_request_body",
            "Request body is invalid. Please check body is correct.",
        ),
        (
            "/messages/users/import",
            json!({ "from": "a", "target": "b", "type": "txt" }),
            400,
            "illegal_argument",
            "message body not allow empty",
        ),
        (
            "/messages/users/import",
            json!({ "from": "a", "target": "b", "body": {} }),
            400,
            "illegal_argument",
            "type not allow empty",
        ),
        (
            "/messages/msg_recall",
            json!({ "to": "a", "chat_type": "chat" }),
            400,
            "message_recall_error",
            "param msg_id can't be empty",
        ),
        (
            "/messages/msg_recall",
            json!({ "msg_id": "1", "chat_type": "chat" }),
            400,
            "message_recall_error",
            "param to can't be empty",
        ),
        (
            "/messages/msg_recall",
            json!({ "msg_id": "1", "to": "a" }),
            400,
            "message_recall_error",
            "param chat_type can't be empty",
        ),
    ] {
        let (got, answer) = service.post(path, &body).await;
        let said = (got, answer["error"].as_str(), answer["error_description"].as_str());
        assert_eq!(said, (status, Some(error), Some(description)), "{path} {body}");
    }
    for (body, description) in [
        (json!({ "type": "chat", "delete_roam": true }), "field channel cannot be null or empty"),
        (json!({ "channel": "a", "delete_roam": true }), "field type cannot be null or empty"),
        (json!({ "channel": "a", "type": "chat" }), "field delete_roam cannot be null"),
    ] {
        let (status, answer) = service.call(Method::DELETE, "/users/mara_voss/user_channel", &body).await;
        assert_eq!((status, &answer["error"]), (400, &json!("illegal_argument")));
        assert_eq!(answer["error_description"], description);
    }
    assert!(service.records().await.is_empty(), "nothing of it was said");
}

#[tokio::test]
async fn too_many_calls_and_too_many_messages_differ() {
    let service = quiet(Customs::default()).await;
    let names: Vec<String> = (0..600).map(|n| format!("u{n}")).collect();
    let mut message = txt("x");
    message["to"] = json!(names);
    for _ in 0..10 {
        assert_eq!(service.post("/messages/users", &message).await.0, 200);
    }
    let (status, answer) = service.post("/messages/users", &message).await;
    assert_eq!((status, &answer["error_description"]), (403, &json!("message send reach limit")));
    service.handle.clock().advance(Duration::from_secs(60));
    assert_eq!(service.post("/messages/users", &message).await.0, 200);
    let group = json!({ "to": ["1"], "type": "txt", "body": { "msg": "" } });
    let mut statuses = Vec::new();
    for _ in 0..21 {
        statuses.push(service.post("/messages/chatgroups", &group).await.0);
    }
    assert_eq!((statuses[19], statuses[20]), (200, 429));
    let deletion = json!({ "channel": "a", "type": "chat", "delete_roam": true });
    for (user, status) in [("a", 200), ("a", 200), ("a", 200), ("a", 200), ("a", 200), ("a", 429), ("b", 200)] {
        let path = format!("/users/{user}/user_channel");
        assert_eq!(service.call(Method::DELETE, &path, &deletion).await.0, status);
    }
}

#[tokio::test]
async fn a_recalled_message_is_told_of_once() {
    let service = quiet(Customs::default()).await;
    let id = service.send("oops").await;
    let wish = |to: &str, force: bool| json!({ "msg_id": id, "to": to, "from": "mara_voss", "chat_type": "chat", "force": force });
    let failed = async |wish: &Value| {
        let (status, answer) = service.post("/messages/msg_recall", wish).await;
        (status, answer["error_description"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(failed(&wish("ondine", false)).await, (400, "can't find msg to".to_owned()));
    service.handle.clock().advance(Duration::from_secs(121));
    assert_eq!(failed(&wish("teo-77", false)).await, (403, "exceed recall time limit".to_owned()));
    assert_eq!(failed(&wish("teo-77", true)).await, (200, String::new()));
    assert_eq!(failed(&wish("teo-77", true)).await, (403, "not_found msg".to_owned()));
    let records = service.records().await;
    assert_eq!(records.len(), 2);
    assert_eq!((&records[1]["chat_type"], &records[1]["recall_id"]), (&json!("recall"), &json!(id)));
    assert_eq!(records[1]["payload"], json!({ "ext": {}, "bodies": [], "ack_message_id": id }));
}

#[tokio::test]
async fn the_switches_decide_what_is_in_the_files() {
    let left_out = Kind::ALL.iter().copied().collect::<BTreeSet<_>>();
    let customs =
        Customs { recalled: Recalled::Removed, recall_failure: RecallFailure::Listed, left_out, ..Customs::default() };
    let service = quiet(customs).await;
    let id = service.send("oops").await;
    let kept = service.send("kept").await;
    let command = json!({ "to": ["a"], "type": "cmd", "body": { "action": "x" } });
    let online = json!({ "to": ["a"], "type": "txt", "body": { "msg": "x" }, "routetype": "ROUTE_ONLINE" });
    assert_eq!(service.post("/messages/users", &command).await.0, 200);
    assert_eq!(service.post("/messages/users", &online).await.0, 200);
    let broadcast = json!({ "msg": { "type": "txt", "msg": "x" } });
    assert_eq!(service.post("/messages/chatrooms/broadcast", &broadcast).await.0, 200);
    let recall = json!({ "msg_id": id, "to": "teo-77", "chat_type": "chat" });
    assert_eq!(service.post("/messages/msg_recall", &recall).await.1["data"]["recalled"], "yes");
    let (status, answer) = service.post("/messages/msg_recall", &recall).await;
    assert_eq!((status, answer), (200, json!({ "msgs": [{ "msg_id": id, "recalled": "not_found msg" }] })));
    let ids: Vec<_> = service.records().await.iter().map(|record| record["msg_id"].clone()).collect();
    assert_eq!(ids, [json!(kept)]);
}

#[tokio::test]
async fn an_import_is_found_where_the_switch_says() {
    for (imports, expected) in [(Imports::Stamped, 1), (Imports::Arrival, 0), (Imports::Nowhere, 0)] {
        let service = quiet(Customs { imports, ..Customs::default() }).await;
        service.handle.clock().set(at("2026-03-14T12:30"));
        let time = at("2026-03-14T09:10").timestamp_millis();
        let import =
            json!({ "from": "a", "target": "b", "type": "txt", "body": { "msg": "x" }, "msg_timestamp": time });
        assert_eq!(service.post("/messages/users/import", &import).await.0, 200);
        let records = service.records().await;
        assert_eq!(records.len(), expected, "{imports}");
        assert!(records.iter().all(|record| record["timestamp"] == time));
        let arrived = service.answer("2026031412").await.0;
        assert_eq!(arrived == 200, imports == Imports::Arrival, "{imports}");
    }
}

#[tokio::test]
async fn a_message_can_be_edited_ten_times() {
    let service = quiet(Customs::default()).await;
    let id = service.send("at four").await;
    let edit = json!({ "user": "mara_voss", "new_msg": { "type": "txt", "msg": "at five" } });
    let path = format!("/messages/rewrite/{id}");
    for _ in 0..10 {
        assert_eq!(service.call(Method::PUT, &path, &edit).await.0, 200);
    }
    assert_eq!(service.call(Method::PUT, &path, &edit).await.0, 403);
    assert_eq!(service.call(Method::PUT, "/messages/rewrite/1", &edit).await.0, 404);
    let custom = json!({ "new_msg": { "type": "custom", "customEvent": "x" } });
    assert_eq!(service.call(Method::PUT, &path, &custom).await.0, 400);
    let records = service.records().await;
    assert_eq!(records.len(), 11);
    let payload = &records[10]["payload"];
    assert_eq!(payload["edit_message_id"], id.as_str());
    assert_eq!(payload["bodies"], json!([{ "type": "txt", "msg": "at five" }]));
    assert_eq!(payload["meta"]["edit_msg"]["count"], 10);
}
