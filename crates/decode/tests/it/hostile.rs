//! Records as nobody should send them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::exact::Json;

/// A record: the known names with likely and unlikely values, unknown and repeated keys, other shapes of payload and
/// bodies.
pub(crate) fn record() -> impl Strategy<Value = Json> {
    const NAMES: [&str; 8] = ["chat_type", "from", "to", "msg_id", "timestamp", "direction", "recall_id", "schema"];
    (members(&NAMES), vec(payload(), 0..=1), 0..8_usize).prop_map(|(mut members, payload, place)| {
        for payload in payload {
            members.insert(place.min(members.len()), (key_of("payload"), payload));
        }
        Json::Object(members)
    })
}

fn payload() -> impl Strategy<Value = Json> {
    const NAMES: [&str; 9] =
        ["ext", "from", "to", "type", "meta", "ack_message_id", "edit_message_id", "data", "stream"];
    let object = (members(&NAMES), vec(bodies(), 0..=1)).prop_map(|(mut members, bodies)| {
        members.extend(bodies.into_iter().map(|bodies| (key_of("bodies"), bodies)));
        Json::Object(members)
    });
    prop_oneof![9 => object, 1 => value()]
}

fn bodies() -> impl Strategy<Value = Json> {
    prop_oneof![
        8 => body().prop_map(|body| Json::Array(vec![body])),
        2 => vec(prop_oneof![3 => body(), 1 => value()], 0..4).prop_map(Json::Array),
        1 => body(),
        1 => value(),
    ]
}

fn body() -> impl Strategy<Value = Json> {
    const NAMES: [&str; 27] = [
        "type",
        "type",
        "type",
        "msg",
        "msg",
        "url",
        "secret",
        "filename",
        "file_length",
        "length",
        "size",
        "thumb",
        "thumb_secret",
        "lat",
        "lng",
        "addr",
        "action",
        "customEvent",
        "customExts",
        "v2:customExts",
        "subType",
        "title",
        "summary",
        "Length",
        "file_name",
        "log",
        "pack",
    ];
    members(&NAMES).prop_map(Json::Object)
}

/// Members by these names and by odd ones; seldom a key occurs twice.
fn members(names: &'static [&'static str]) -> impl Strategy<Value = Vec<(Vec<u16>, Json)>> {
    let known = select(names).prop_flat_map(|name| {
        prop_oneof![3 => likely(name), 1 => value()].prop_map(move |value| (key_of(name), value))
    });
    let member = prop_oneof![12 => known, 1 => (text(), value())];
    (vec(member, 0..9), 0..8_u8).prop_map(|(mut members, keep_repeated)| {
        if keep_repeated > 0 {
            members.sort_by(|one, other| one.0.cmp(&other.0));
            members.dedup_by(|one, other| one.0 == other.0);
        }
        members
    })
}

/// What a producer would write under this name, in all spellings that were seen.
fn likely(name: &'static str) -> BoxedStrategy<Json> {
    let texts: &[&str] = match name {
        "chat_type" => {
            &["chat", "groupchat", "chatroom", "GroupChat", "group_chat", "room", "recall", "Read_Ack", "edit"]
        }
        "type" => &[
            "txt", "img", "audio", "voice", "video", "file", "loc", "cmd", "custom", "unknown", "sticker", "chatroom",
            "edit", "reaction", "thread",
        ],
        "subType" => &["sub_combine", "other"],
        "direction" => &["outgoing", "", "SEND"],
        "from" | "to" => {
            &["mara", "", "231904417783810", "admin@easemob.com", "harbor-org#lantern_teo@easemob.com/x", "a:b"]
        }
        "msg_id" | "ack_message_id" | "edit_message_id" | "recall_id" | "messageId" | "msg_parent_id" => {
            &["1412077346056423435", "5K07Q-3f", ""]
        }
        "timestamp" => &["1773478800000", "1773478800", "soon"],
        "file_length" | "length" | "Length" => &["10", "1.94KB", "2.5", ""],
        "lat" | "lng" | "log" => &["-33.85678", "151.21530"],
        _ => &["", "hello", "a\nb", "\n", "码头", "nul \0 byte"],
    };
    let bare: &[&str] = match name {
        "timestamp" => &["1773478800000", "1773478800", "1773478800000.0", "1.7734788e12", "-5", "99999999999999999"],
        "lat" | "lng" | "log" => &["59.91273", "10", "1e2", "-0.0", "-0", "0", "151.21530"],
        "msg_id" | "ack_message_id" | "edit_message_id" | "recall_id" | "messageId" | "msg_parent_id" => {
            &["1412077346056423435", "99999999999999999999999", "null"]
        }
        _ => &["10", "10.0", "0", "-1", "9223372036854775808", "1e3", "null"],
    };
    let text = select(texts).prop_map(Json::text);
    let bare = select(bare).prop_map(Json::bare);
    match name {
        "data" => prop_oneof![2 => vec(subject(), 0..3).prop_map(Json::Array), 2 => subject(), 1 => value()].boxed(),
        "meta" => prop_oneof![
            2 => subject().prop_map(|thread| Json::Object(vec![(key_of("thread"), thread)])),
            1 => small_object(),
            1 => value(),
        ]
        .boxed(),
        "ext" | "customExts" | "v2:customExts" | "size" => prop_oneof![
            3 => (select(bare_sizes()), select(bare_sizes())).prop_map(|(width, height)| {
                Json::Object(vec![(key_of("width"), Json::bare(width)), (key_of("height"), Json::bare(height))])
            }),
            1 => vec(small_object(), 0..4).prop_map(Json::Array),
            2 => small_object(),
            1 => Just(Json::Object(vec![(key_of("thread"), Json::Object(Vec::new()))])),
            1 => Just(Json::bare("null")),
        ]
        .boxed(),
        _ => prop_oneof![3 => text, 1 => bare].boxed(),
    }
}

/// What an event speaks of: a message with its reactions, or a thread.
fn subject() -> impl Strategy<Value = Json> {
    const NAMES: [&str; 4] = ["id", "messageId", "msg_parent_id", "timestamp"];
    members(&NAMES).prop_map(Json::Object)
}

fn bare_sizes() -> &'static [&'static str] {
    &["64", "1325", "1076.0", "497.5", "0", "1e2", "null"]
}

fn small_object() -> impl Strategy<Value = Json> {
    vec((text(), value()), 0..3).prop_map(Json::Object)
}

/// Any value.
fn value() -> impl Strategy<Value = Json> {
    let bare = [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-0.0",
        "10",
        "10.0",
        "1e3",
        "1E-09",
        "3.14159265358979",
        "1e400",
        "18446744073709551616",
        "-99999999999999999999999999999999",
        "0.1000000000000000055511151231257827",
        "0e0",
        "-0E+00",
        "1e+309",
        "-1.5E-400",
        "9007199254740993",
        "9007199254740993.0",
        "314159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798",
    ];
    let leaf = prop_oneof![1 => select(bare.to_vec()).prop_map(Json::bare), 1 => text().prop_map(Json::Text)];
    leaf.prop_recursive(5, 24, 4, |inner| {
        let object = (vec((text(), inner.clone()), 0..4), 0..6_u8).prop_map(|(mut members, repeat)| {
            if repeat == 0 && members.len() > 1 {
                members[1].0 = members[0].0.clone();
            }
            Json::Object(members)
        });
        prop_oneof![
            4 => vec(inner.clone(), 0..4).prop_map(Json::Array),
            4 => object,
            1 => (inner, 1..160_usize, any::<bool>()).prop_map(|(inner, depth, turn)| nested(inner, depth, turn)),
        ]
    })
}

/// A value so many levels down, in arrays or in arrays and objects in turn.
fn nested(value: Json, depth: usize, turn: bool) -> Json {
    (0..depth).fold(value, |value, level| match turn && level % 2 == 0 {
        true => Json::Object(vec![(key_of(""), value)]),
        false => Json::Array(vec![value]),
    })
}

/// Any string, also empty, long, with U+0000 and with lone surrogates.
fn text() -> impl Strategy<Value = Vec<u16>> {
    let unit = select(vec![
        0, 1, 8, 10, 13, 31, 34, 47, 92, 97, 98, 99, 0x7f, 0xe9, 0x4f60, 0x2028, 0xfffd, 0xfeff, 0xd83d, 0xdea2, 0xdfff,
    ]);
    prop_oneof![
        1 => select(vec!["from", "msg", "type", "payload", "thread", "line"]).prop_map(key_of),
        6 => vec(unit, 0..6),
        1 => (vec(any::<u16>(), 0..40), 1..20_usize).prop_map(|(units, times)| units.repeat(times)),
    ]
}

fn key_of(name: &str) -> Vec<u16> {
    name.encode_utf16().collect()
}
