//! Every variant of the protocol reference, sections 4 and 5: which columns it fills, and what is left for `rest`.

use crate::exact::Json;
use crate::harness::{columns, message};

/// A variant: its name, its record, the columns it fills besides those of [`envelope`].
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Bodies in an ordinary message.
const BODIES: &[Row] = &[
    ("text", r#"{"type":"txt","msg":"low water at nine"}"#, &[("body_type", "txt"), ("text", "low water at nine")]),
    ("empty text", r#"{"type":"txt","msg":""}"#, &[("body_type", "txt"), ("text", "")]),
    (
        "text that no column holds",
        r#"{"type":"txt","msg":"a\u0000b"}"#,
        &[("body_type", "txt"), ("text", "a\u{fffd}b"), ("rest", r#"{"body":{"msg":"a\u0000b"}}"#)],
    ),
    (
        "image",
        r#"{"type":"img","file_length":5120,"filename":"quay.png","secret":"s1","size":{"height":480,"width":640},"url":"https://a/1"}"#,
        &[
            ("body_type", "img"),
            ("file_length", "5120"),
            ("filename", "quay.png"),
            ("height", "480"),
            ("secret", "s1"),
            ("url", "https://a/1"),
            ("width", "640"),
        ],
    ),
    (
        "image under the table's name, with floats",
        r#"{"type":"img","file_name":"quay.png","size":{"height":480.5,"width":640.0},"url":"https://a/1"}"#,
        &[
            ("body_type", "img"),
            ("filename", "quay.png"),
            ("height", "480.5"),
            (
                "rest",
                r#"{"body":{"file_name":"quay.png","size":{"height":480.5,"width":640.0}},"without":["payload.bodies[0].filename"]}"#,
            ),
            ("url", "https://a/1"),
            ("width", "640"),
        ],
    ),
    (
        "image of an old client",
        r#"{"type":"img","filename":"q.png","secret":"","size":7,"thumb":"https://a/2","thumb_secret":"s2","thumbFilename":"t.png","localurl":"/sd/q.png","url":"https://a/1"}"#,
        &[
            ("body_type", "img"),
            ("filename", "q.png"),
            ("rest", r#"{"body":{"secret":"","size":7,"thumbFilename":"t.png","localurl":"/sd/q.png"}}"#),
            ("thumb_secret", "s2"),
            ("thumb_url", "https://a/2"),
            ("url", "https://a/1"),
        ],
    ),
    (
        "image with half a size",
        r#"{"type":"img","size":{"width":640},"url":"https://a/1"}"#,
        &[("body_type", "img"), ("url", "https://a/1"), ("width", "640")],
    ),
    (
        "voice",
        r#"{"type":"audio","file_length":900,"filename":"n.amr","length":4,"secret":"s1","url":"https://a/1"}"#,
        &[
            ("body_type", "audio"),
            ("duration_s", "4"),
            ("file_length", "900"),
            ("filename", "n.amr"),
            ("secret", "s1"),
            ("url", "https://a/1"),
        ],
    ),
    (
        "voice by another name, lengths as texts",
        r#"{"type":"voice","file_length":"900","length":"4","url":"https://a/1"}"#,
        &[
            ("body_type", "audio"),
            ("duration_s", "4"),
            ("file_length", "900"),
            ("rest", r#"{"body":{"type":"voice","file_length":"900","length":"4"}}"#),
            ("url", "https://a/1"),
        ],
    ),
    (
        "voice with a unit, and the table's Length",
        r#"{"type":"audio","file_length":"1.94KB","Length":2.5}"#,
        &[
            ("body_type", "audio"),
            ("duration_s", "2.5"),
            ("rest", r#"{"body":{"file_length":"1.94KB","Length":2.5},"without":["payload.bodies[0].length"]}"#),
        ],
    ),
    (
        "video",
        r#"{"type":"video","file_length":70000,"filename":"v.mp4","length":12,"secret":"s1","size":{"height":480,"width":360},"thumb":"https://a/2","thumb_secret":"s2","url":"https://a/1"}"#,
        &[
            ("body_type", "video"),
            ("duration_s", "12"),
            ("file_length", "70000"),
            ("filename", "v.mp4"),
            ("height", "480"),
            ("secret", "s1"),
            ("thumb_secret", "s2"),
            ("thumb_url", "https://a/2"),
            ("url", "https://a/1"),
            ("width", "360"),
        ],
    ),
    (
        "video under the send table's name, nulls",
        r#"{"type":"video","length":0,"secret":null,"thumbnail":"https://a/2","thumb_secret":null,"url":"https://a/1"}"#,
        &[
            ("body_type", "video"),
            ("duration_s", "0"),
            (
                "rest",
                r#"{"body":{"secret":null,"thumbnail":"https://a/2","thumb_secret":null},"without":["payload.bodies[0].thumb"]}"#,
            ),
            ("thumb_url", "https://a/2"),
            ("url", "https://a/1"),
        ],
    ),
    (
        "file",
        r#"{"type":"file","file_length":0,"filename":"航海.zip","secret":"s1","url":"https://a/1"}"#,
        &[
            ("body_type", "file"),
            ("file_length", "0"),
            ("filename", "航海.zip"),
            ("secret", "s1"),
            ("url", "https://a/1"),
        ],
    ),
    (
        "location",
        r#"{"type":"loc","addr":"north mole","lat":59.25,"lng":-10}"#,
        &[("addr", "north mole"), ("body_type", "loc"), ("lat", "59.25"), ("lng", "-10")],
    ),
    (
        "location in texts, with a building",
        r#"{"type":"loc","addr":"","lat":"59.25","lng":"10.5","buildingName":"light"}"#,
        &[
            ("addr", ""),
            ("body_type", "loc"),
            ("lat", "59.25"),
            ("lng", "10.5"),
            ("rest", r#"{"body":{"lat":"59.25","lng":"10.5","buildingName":"light"}}"#),
        ],
    ),
    (
        "location with the misprint",
        r#"{"type":"loc","lat":1,"log":2}"#,
        &[
            ("body_type", "loc"),
            ("lat", "1"),
            ("lng", "2"),
            ("rest", r#"{"body":{"log":2},"without":["payload.bodies[0].lng"]}"#),
        ],
    ),
    ("command", r#"{"type":"cmd","action":"refresh"}"#, &[("action", "refresh"), ("body_type", "cmd")]),
    (
        "command of a legacy client",
        r#"{"type":"cmd","action":"refresh","param":{"a":1},"params":[1]}"#,
        &[("action", "refresh"), ("body_type", "cmd"), ("rest", r#"{"body":{"param":{"a":1},"params":[1]}}"#)],
    ),
    (
        "command that says msg",
        r#"{"type":"cmd","msg":"ping"}"#,
        &[
            ("action", "ping"),
            ("body_type", "cmd"),
            ("rest", r#"{"body":{"msg":"ping"},"without":["payload.bodies[0].action"]}"#),
        ],
    ),
    (
        "custom with a map",
        r#"{"type":"custom","customEvent":"gift","customExts":{"name":"rose"}}"#,
        &[("body_type", "custom"), ("custom_event", "gift"), ("custom_exts", r#"{"name":"rose"}"#)],
    ),
    (
        "custom with array and map",
        r#"{"type":"custom","customEvent":"gift","customExts":[{"name":"rose"}],"v2:customExts":{"name":"rose"}}"#,
        &[
            ("body_type", "custom"),
            ("custom_event", "gift"),
            ("custom_exts", r#"{"name":"rose"}"#),
            ("rest", r#"{"body":{"customExts":[{"name":"rose"}],"v2:customExts":{"name":"rose"}}}"#),
        ],
    ),
    (
        "custom with an array alone",
        r#"{"type":"custom","customEvent":"gift","customExts":[{"name":1},{"size":[2]}]}"#,
        &[
            ("body_type", "custom"),
            ("custom_event", "gift"),
            ("custom_exts", r#"{"name":1,"size":[2]}"#),
            ("rest", r#"{"body":{"customExts":[{"name":1},{"size":[2]}]}}"#),
        ],
    ),
    (
        "custom without attributes",
        r#"{"type":"custom","customEvent":"wave"}"#,
        &[("body_type", "custom"), ("custom_event", "wave")],
    ),
    (
        "forwarded, as the history page shows it",
        r#"{"combineLevel":1,"file_length":550,"filename":"1773","secret":"s1","subType":"sub_combine","summary":"a: b\nc: [图片]","title":"Log","url":"https://a/1"}"#,
        &[
            ("body_type", "combine"),
            ("file_length", "550"),
            ("filename", "1773"),
            ("rest", r#"{"body":{"combineLevel":1},"without":["payload.bodies[0].type"]}"#),
            ("secret", "s1"),
            ("text", "Log\na: b\nc: [图片]"),
            ("url", "https://a/1"),
        ],
    ),
    (
        "forwarded, as webhooks show it",
        r#"{"combineLevel":2,"msg":"update to see","subType":"sub_combine","summary":"a: b","title":"Log","type":"txt","url":"https://a/1"}"#,
        &[
            ("body_type", "combine"),
            ("rest", r#"{"body":{"combineLevel":2,"msg":"update to see"}}"#),
            ("text", "Log\na: b"),
            ("url", "https://a/1"),
        ],
    ),
    ("the type unknown", r#"{"type":"unknown"}"#, &[("body_type", "unknown")]),
    (
        "a type of tomorrow",
        r#"{"type":"sticker","pack":7,"msg":"[sticker]"}"#,
        &[("body_type", "unknown"), ("rest", r#"{"body":{"type":"sticker","pack":7}}"#), ("text", "[sticker]")],
    ),
    (
        "no type, inferred",
        r#"{"msg":"hello"}"#,
        &[("body_type", "txt"), ("rest", r#"{"without":["payload.bodies[0].type"]}"#), ("text", "hello")],
    ),
];

/// Records that are odd elsewhere than in the body, each filling just these columns.
const RECORDS: &[Row] = &[
    (
        "one body without an array",
        r#"{"chat_type":"chat","payload":{"bodies":{"type":"txt","msg":"a"}}}"#,
        &[
            ("body_type", "txt"),
            ("chat_type", "chat"),
            ("rest", r#"{"payload":{"bodies":{"type":"txt","msg":"a"}}}"#),
            ("text", "a"),
        ],
    ),
    (
        "two bodies",
        r#"{"payload":{"bodies":[{"type":"txt","msg":"a"},{"type":"img","url":"u"}]}}"#,
        &[("body_type", "txt"), ("rest", r#"{"bodies":[{"type":"img","url":"u"}]}"#), ("text", "a")],
    ),
    (
        "no bodies",
        r#"{"chat_type":"chat","payload":{"bodies":[],"ext":{"typing":true}}}"#,
        &[("chat_type", "chat"), ("ext", r#"{"typing":true}"#), ("rest", r#"{"payload":{"bodies":[]}}"#)],
    ),
    (
        "outer addresses only, decorated",
        r#"{"chat_type":"chat","from":"harbor-org#lantern_mara_v@easemob.com/ios","to":"teo@easemob.com","payload":{"from":"","ext":null}}"#,
        &[
            ("chat_type", "chat"),
            ("conversation", "chat:mara_v:teo"),
            ("recipient", "teo"),
            (
                "rest",
                r#"{"record":{"from":"harbor-org#lantern_mara_v@easemob.com/ios","to":"teo@easemob.com"},"payload":{"from":"","ext":null},"without":["payload.to"]}"#,
            ),
            ("sender", "mara_v"),
        ],
    ),
    (
        "a time in seconds as a text, an id as a number, a group's other spelling",
        r#"{"chat_type":"Group_Chat","msg_id":1412077346056423435,"timestamp":"1773478800","direction":"SEND","payload":{}}"#,
        &[
            ("chat_type", "groupchat"),
            ("direction", "SEND"),
            ("msg_id", "1412077346056423435"),
            ("rest", r#"{"record":{"chat_type":"Group_Chat","msg_id":1412077346056423435,"timestamp":"1773478800"}}"#),
            ("sent_at", "2026-03-14T09:00:00Z"),
        ],
    ),
    (
        "a room reported as a group",
        r#"{"chat_type":"groupchat","payload":{"type":"chatroom","to":"7","from":"mara"}}"#,
        &[
            ("chat_type", "chatroom"),
            ("conversation", "chatroom:7"),
            ("recipient", "7"),
            ("rest", r#"{"record":{"chat_type":"groupchat"},"payload":{"type":"chatroom"},"without":["from","to"]}"#),
            ("sender", "mara"),
        ],
    ),
    (
        "a thread",
        r#"{"chat_type":"groupchat","payload":{"from":"mara","to":"9","meta":{"thread":{"msg_parent_id":"1","muc_parent_id":"7","thread_name":"t"}}}}"#,
        &[
            ("about", "1"),
            ("chat_type", "groupchat"),
            ("conversation", "thread:9"),
            ("recipient", "9"),
            (
                "rest",
                r#"{"payload":{"meta":{"thread":{"msg_parent_id":"1","muc_parent_id":"7","thread_name":"t"}}},"without":["from","to"]}"#,
            ),
            ("sender", "mara"),
        ],
    ),
    (
        "a recall in a group",
        r#"{"chat_type":"recall","from":"mara","to":"7","group_id":"7","recall_id":"55","payload":{"ext":{},"ack_message_id":"55","bodies":[]}}"#,
        &[
            ("about", "55"),
            ("body_type", "event"),
            ("chat_type", "recall"),
            ("conversation", "groupchat:7"),
            ("ext", "{}"),
            ("recipient", "7"),
            (
                "rest",
                r#"{"record":{"group_id":"7","recall_id":"55"},"payload":{"ack_message_id":"55","bodies":[]},"without":["payload.from","payload.to"]}"#,
            ),
            ("sender", "mara"),
        ],
    ),
    (
        "an edit",
        r#"{"chat_type":"edit","payload":{"bodies":[{"type":"txt","msg":"ten"}],"edit_message_id":"55","from":"mara","to":"teo","type":"edit","meta":{"edit_msg":{"count":1}}}}"#,
        &[
            ("about", "55"),
            ("body_type", "event"),
            ("chat_type", "edit"),
            ("conversation", "chat:mara:teo"),
            ("recipient", "teo"),
            (
                "rest",
                r#"{"payload":{"edit_message_id":"55","type":"edit","meta":{"edit_msg":{"count":1}}},"body":{"type":"txt"},"without":["from","to"]}"#,
            ),
            ("sender", "mara"),
            ("text", "ten"),
        ],
    ),
    (
        "an edit in a group",
        r#"{"chat_type":"edit","payload":{"bodies":[{"type":"txt","msg":"ten"}],"edit_message_id":"55","from":"mara","to":"7","type":"edit","meta":{"edit_msg":{"chat_type":"chat:group"}}}}"#,
        &[
            ("about", "55"),
            ("body_type", "event"),
            ("chat_type", "edit"),
            ("conversation", "groupchat:7"),
            ("recipient", "7"),
            (
                "rest",
                r#"{"payload":{"edit_message_id":"55","type":"edit","meta":{"edit_msg":{"chat_type":"chat:group"}}},"body":{"type":"txt"},"without":["from","to"]}"#,
            ),
            ("sender", "mara"),
            ("text", "ten"),
        ],
    ),
    (
        "an edit in a room",
        r#"{"chat_type":"edit","payload":{"from":"mara","to":"7","bodies":[],"meta":{"edit_msg":{"chat_type":"chat:room"}}}}"#,
        &[
            ("body_type", "event"),
            ("chat_type", "edit"),
            ("conversation", "chatroom:7"),
            ("recipient", "7"),
            (
                "rest",
                r#"{"payload":{"bodies":[],"meta":{"edit_msg":{"chat_type":"chat:room"}}},"without":["from","to"]}"#,
            ),
            ("sender", "mara"),
        ],
    ),
    (
        "an edit that its payload alone names",
        r#"{"chat_type":"chat","payload":{"bodies":[{"type":"custom","customEvent":"gift"}],"type":"edit"}}"#,
        &[
            ("body_type", "event"),
            ("chat_type", "chat"),
            ("custom_event", "gift"),
            ("rest", r#"{"payload":{"type":"edit"},"body":{"type":"custom"}}"#),
        ],
    ),
    (
        "an acknowledgement without bodies",
        r#"{"chat_type":"channel_ack","from":"mara","to":"teo","payload":{"ack_message_id":"55","type":"channel_ack"}}"#,
        &[
            ("about", "55"),
            ("body_type", "event"),
            ("chat_type", "channel_ack"),
            ("conversation", "chat:mara:teo"),
            ("recipient", "teo"),
            (
                "rest",
                r#"{"payload":{"ack_message_id":"55","type":"channel_ack"},"without":["payload.bodies","payload.from","payload.to"]}"#,
            ),
            ("sender", "mara"),
        ],
    ),
    (
        "a reaction in a room",
        r#"{"chat_type":"notify","payload":{"from":"mara","to":"7","type":"reaction","channel_type":"chatroom","data":[{"messageId":"55"}]}}"#,
        &[
            ("about", "55"),
            ("body_type", "event"),
            ("chat_type", "notify"),
            ("conversation", "chatroom:7"),
            ("recipient", "7"),
            (
                "rest",
                r#"{"payload":{"type":"reaction","channel_type":"chatroom","data":[{"messageId":"55"}]},"without":["from","to","payload.bodies"]}"#,
            ),
            ("sender", "mara"),
        ],
    ),
    (
        "news of a group",
        r#"{"chat_type":"muc","payload":{"muc_id":"harbor-org#lantern_7@conference.easemob.com","is_chatroom":false,"operation":"create"}}"#,
        &[
            ("body_type", "event"),
            ("chat_type", "muc"),
            ("conversation", "groupchat:7"),
            (
                "rest",
                r#"{"payload":{"muc_id":"harbor-org#lantern_7@conference.easemob.com","is_chatroom":false,"operation":"create"},"without":["payload.bodies"]}"#,
            ),
        ],
    ),
    (
        "news of a thread",
        r#"{"chat_type":"notify","from":"mara","to":"7","payload":{"type":"thread","data":{"id":"9","name":"tide gauge","operation":"create","msg_parent_id":"55","muc_parent_id":"7","from":"mara"}}}"#,
        &[
            ("about", "55"),
            ("body_type", "event"),
            ("chat_type", "notify"),
            ("conversation", "thread:9"),
            ("recipient", "7"),
            (
                "rest",
                r#"{"payload":{"type":"thread","data":{"id":"9","name":"tide gauge","operation":"create","msg_parent_id":"55","muc_parent_id":"7","from":"mara"}},"without":["payload.bodies","payload.from","payload.to"]}"#,
            ),
            ("sender", "mara"),
        ],
    ),
    (
        "a recall that only the record names, by a number",
        r#"{"chat_type":"recall","recall_id":1412077346211612694,"payload":{"ack_message_id":"","bodies":[]}}"#,
        &[
            ("about", "1412077346211612694"),
            ("body_type", "event"),
            ("chat_type", "recall"),
            ("rest", r#"{"record":{"recall_id":1412077346211612694},"payload":{"ack_message_id":"","bodies":[]}}"#),
        ],
    ),
    (
        "reactions of which the first names no message",
        r#"{"chat_type":"notify","payload":{"type":"reaction","data":[null,{},{"messageId":"56"},{"messageId":"57"}]}}"#,
        &[
            ("about", "56"),
            ("body_type", "event"),
            ("chat_type", "notify"),
            (
                "rest",
                r#"{"payload":{"type":"reaction","data":[null,{},{"messageId":"56"},{"messageId":"57"}]},"without":["payload.bodies"]}"#,
            ),
        ],
    ),
    (
        "an event that speaks of something else",
        r#"{"chat_type":"roster","payload":{"data":"x","meta":{"thread":[]},"ack_message_id":null}}"#,
        &[
            ("body_type", "event"),
            ("chat_type", "roster"),
            (
                "rest",
                r#"{"payload":{"data":"x","meta":{"thread":[]},"ack_message_id":null},"without":["payload.bodies"]}"#,
            ),
        ],
    ),
    (
        "an image of a chat type of tomorrow",
        r#"{"chat_type":"broadcast","payload":{"bodies":[{"type":"img","url":"https://a/1","secret":"s1"}]}}"#,
        &[
            ("body_type", "event"),
            ("chat_type", "broadcast"),
            ("rest", r#"{"body":{"type":"img"}}"#),
            ("secret", "s1"),
            ("url", "https://a/1"),
        ],
    ),
    (
        "unknown members at every level",
        r#"{"uuid":"u","payload":{"stream":1,"bodies":[{"type":"txt","msg":"a","x":null}]}}"#,
        &[
            ("body_type", "txt"),
            ("rest", r#"{"record":{"uuid":"u"},"payload":{"stream":1},"body":{"x":null}}"#),
            ("text", "a"),
        ],
    ),
    (
        "a key that occurs twice",
        r#"{"msg_id":"1","x":1,"x":2,"payload":{}}"#,
        &[("msg_id", "1"), ("rest", r#"{"line":"{\"msg_id\":\"1\",\"x\":1,\"x\":2,\"payload\":{}}"}"#)],
    ),
];

/// An ordinary message around a body.
fn envelope(body: &str) -> String {
    format!(
        r#"{{"msg_id":"7","timestamp":1773478800000,"direction":"outgoing","to":"teo","from":"mara","chat_type":"chat","payload":{{"bodies":[{body}],"ext":{{}},"from":"mara","to":"teo"}}}}"#
    )
}

/// The columns that an ordinary message has besides those of its body.
const ENVELOPE: [(&str, &str); 7] = [
    ("chat_type", "chat"),
    ("conversation", "chat:mara:teo"),
    ("direction", "outgoing"),
    ("ext", "{}"),
    ("msg_id", "7"),
    ("recipient", "teo"),
    ("sender", "mara"),
];

#[test]
fn each_body_fills_its_columns_and_no_other() {
    for (name, body, columns) in BODIES {
        let mut expected = [&ENVELOPE[..], &[("sent_at", "2026-03-14T09:00:00Z")], columns].concat();
        expected.sort_unstable();
        check(name, &envelope(body), &expected);
    }
}

#[test]
fn each_record_fills_its_columns_and_no_other() {
    for (name, record, columns) in RECORDS {
        check(name, record, columns);
    }
}

fn check(name: &str, record: &str, expected: &[(&str, &str)]) {
    let message = message(record);
    let found = columns(&message);
    let found: Vec<_> = found.iter().map(|(column, value)| (*column, &**value)).collect();
    assert_eq!(found, expected, "{name}");
    assert_eq!(Json::parse(&decode::rebuild(&message).unwrap()), Json::parse(record), "{name}");
}
