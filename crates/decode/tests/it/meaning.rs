//! What records say that no sample shows.

use std::borrow::Cow;

use chat::{BodyType, Message};
use decode::{Decoder, Limits, Origin};

use crate::harness::message;

fn check(record: &str, read: impl Fn(&Message<'static>) -> Option<Cow<'static, str>>, expected: Option<&str>) {
    assert_eq!(read(&message(record)).as_deref(), expected, "{record}");
}

#[test]
fn chat_types_have_one_spelling() {
    for (written, read) in [
        (r#""chat_type":"CHAT""#, Some("chat")),
        (r#""chat_type":"group_chat""#, Some("groupchat")),
        (r#""chat_type":"Group""#, Some("groupchat")),
        (r#""chat_type":"room""#, Some("chatroom")),
        (r#""chat_type":"Chat_Room""#, Some("chatroom")),
        (r#""chat_type":"Delivery_Ack""#, Some("delivery_ack")),
        (r#""chat_type":"group_chat","payload":{"type":"room"}"#, Some("chatroom")),
        (r#""chat_type":"chat","payload":{"type":"chatroom"}"#, Some("chat")),
        (r#""payload":{"type":"groupchat"}"#, Some("groupchat")),
        (r#""chat_type":"","payload":{}"#, None),
        (r#""chat_type":null"#, None),
        (r#""x":1"#, None),
    ] {
        check(&format!("{{{written}}}"), |message| message.chat_type.clone(), read);
    }
}

#[test]
fn an_event_is_any_other_chat_type() {
    for (chat_type, body_type) in [
        ("recall", Some(BodyType::Event)),
        ("muc", Some(BodyType::Event)),
        ("roster", Some(BodyType::Event)),
        ("delivery_ack", Some(BodyType::Event)),
        ("of_the_future", Some(BodyType::Event)),
        ("groupchat", None),
    ] {
        assert_eq!(message(&format!(r#"{{"chat_type":"{chat_type}"}}"#)).body_type, body_type, "{chat_type}");
    }
}

#[test]
fn addresses_come_from_the_payload_first() {
    for (record, sender) in [
        (r#"{"from":"b","payload":{"from":"a"}}"#, Some("a")),
        (r#"{"from":"b","payload":{"from":""}}"#, Some("b")),
        (r#"{"from":"b","payload":{"from":null}}"#, Some("b")),
        (r#"{"from":"b"}"#, Some("b")),
        (r#"{"from":13800138000}"#, Some("13800138000")),
        (r#"{"from":"","payload":{}}"#, None),
        (r#"{"from":"mara@example.com"}"#, Some("mara@example.com")),
        (r#"{"from":"other-org#lantern_mara"}"#, Some("other-org#lantern_mara")),
        (r#"{"from":"harbor-org#lantern_m\u0061ra@easemob.com"}"#, Some("mara")),
    ] {
        check(record, |message| message.sender.clone(), sender);
    }
}

#[test]
fn without_an_app_only_the_domain_comes_off() {
    let record = br#"{"from":"harbor-org#lantern_mara@easemob.com/ios","to":"teo@easemob.com"}"#;
    let origin = Origin { app: None, ..crate::harness::origin() };
    let mut decoder = Decoder::new(&record[..], origin, Limits::default());
    let batch = decoder.next_batch().unwrap().unwrap();
    assert_eq!(batch.messages[0].sender.as_deref(), Some("harbor-org#lantern_mara"));
    assert_eq!(batch.messages[0].recipient.as_deref(), Some("teo"));
}

#[test]
fn a_body_without_a_type_is_known_by_its_members() {
    for (body, body_type) in [
        (r#""customEvent":"x","msg":"y""#, BodyType::Custom),
        (r#""action":"x","msg":"y""#, BodyType::Cmd),
        (r#""lat":1,"msg":"y""#, BodyType::Loc),
        (r#""msg":"y""#, BodyType::Txt),
        (r#""type":null,"msg":"y""#, BodyType::Txt),
        (r#""type":"","msg":"y""#, BodyType::Txt),
        (r#""type":5,"msg":"y""#, BodyType::Unknown),
        (r#""type":"event""#, BodyType::Unknown),
        (r#""type":"voice""#, BodyType::Audio),
        (r#""subType":"sub_combine","type":"img""#, BodyType::Combine),
        ("", BodyType::Unknown),
    ] {
        let record = format!(r#"{{"chat_type":"chat","payload":{{"bodies":[{{{body}}}]}}}}"#);
        assert_eq!(message(&record).body_type, Some(body_type), "{body}");
    }
}

#[test]
fn columns_belong_to_types() {
    let body = r#""msg":"m","url":"u","length":1,"lat":1,"action":"a","customEvent":"c","filename":"f""#;
    let of = |body_type: &str| message(&format!(r#"{{"payload":{{"bodies":[{{"type":"{body_type}",{body}}}]}}}}"#));
    let filled = |message: &Message<'_>| {
        let texts = [&message.text, &message.url, &message.action, &message.custom_event, &message.filename];
        (texts.map(|text| text.as_deref().unwrap_or("").to_owned()).concat(), message.duration_s, message.lat)
    };
    assert_eq!(filled(&of("txt")), ("m".into(), None, None));
    assert_eq!(filled(&of("sticker")), ("m".into(), None, None));
    assert_eq!(filled(&of("audio")), ("uf".into(), Some(1.0), None));
    assert_eq!(filled(&of("file")), ("uf".into(), None, None));
    assert_eq!(filled(&of("loc")), ("".into(), None, Some(1.0)));
    assert_eq!(filled(&of("cmd")), ("a".into(), None, None));
    assert_eq!(filled(&of("custom")), ("c".into(), None, None));
}

#[test]
fn attributes_become_one_object() {
    for (exts, read) in [
        (r#""customExts":{"a":"1", "b":2}"#, Some(r#"{"a":"1", "b":2}"#)),
        (r#""customExts":[{"a":"1"},{"b":2}]"#, Some(r#"{"a":"1","b":2}"#)),
        (r#""customExts":[{"a":"1","b":2},{"a":"3"},5,["x"]]"#, Some(r#"{"a":"3","b":2}"#)),
        (r#""customExts":[{"a":"1"},{"\u0061":"2"}]"#, Some(r#"{"\u0061":"2"}"#)),
        (r#""customExts":[]"#, Some("{}")),
        (r#""customExts":{"a":1},"v2:customExts":{"b":2}"#, Some(r#"{"b":2}"#)),
        (r#""customExts":{"a":1},"v2:customExts":null"#, Some(r#"{"a":1}"#)),
        (r#""customExts":"a""#, None),
    ] {
        let record = format!(r#"{{"payload":{{"bodies":[{{"type":"custom",{exts}}}]}}}}"#);
        check(&record, |message| message.custom_exts.clone(), read);
    }
}

#[test]
fn ext_is_kept_as_written_and_null_is_told_from_absent() {
    for (payload, ext, rest) in [
        (r#""ext":{ "a" : 1.00 }"#, Some(r#"{ "a" : 1.00 }"#), None),
        (r#""ext":"text""#, Some(r#""text""#), None),
        (r#""ext":{"nul":"\u0000"}"#, Some(r#"{"nul":"\u0000"}"#), None),
        (r#""ext":null"#, None, Some(r#"{"payload":{"ext":null}}"#)),
        ("", None, None),
    ] {
        let message = message(&format!(r#"{{"payload":{{{payload}}}}}"#));
        assert_eq!((message.ext.as_deref(), message.rest.as_deref()), (ext, rest), "{payload}");
    }
}
