//! The sample records of the protocol reference, line by line (section 15).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chat::Message;
use decode::fingerprint;

use crate::harness::{decode_text, samples};

/// `line chat_type sender>recipient conversation direction body_type`, then each other column that is filled; of long
/// texts the start.
const ROWS: &str = r#"1 chat mara_voss>teo-77 chat:mara_voss:teo-77 "outgoing" txt text="Morning. Slipway three i"
2 chat lin.qiao>mara_voss chat:lin.qiao:mara_voss "outgoing" txt text="码头的潮汐表已经更新，请在下午三点之前确认泊位。" ext="{\"locale\":\"zh-CN\",\"seq\":"
3 chat teo-77>mara_voss chat:mara_voss:teo-77 "outgoing" txt text="Crew is back 👩🏽\u{200d}🔧👨\u{200d}👩\u{200d}👧\u{200d}👦"
4 chat samira.nadir>ondine chat:ondine:samira.nadir "outgoing" txt text="مرحبا، وصلت السفينة إلى "
5 groupchat ondine>231904417783810 groupchat:231904417783810 "outgoing" txt text="הספינה Kestrel-05 עוגנת "
6 groupchat kestrel_05>231904417783810 groupchat:231904417783810 "outgoing" txt text="Wind backed to the south" ext="{\"kind\":\"log\"}"
7 chat teo-77>ondine chat:ondine:teo-77 "outgoing" txt text="line one\nline two\r\n\ttabb" rest="{\"body\":{\"msg\":\"line one"
8 chat teo-77>mara_voss chat:mara_voss:teo-77 "outgoing" txt text=""
9 chat mara_voss>teo-77 chat:mara_voss:teo-77 "outgoing" txt text="  two spaces before, zer"
10 groupchat mara_voss>231904417783810 groupchat:231904417783810 "outgoing" txt text="All hands: drill at 18:0" ext="{\"key1\":\"value1\"}"
11 chatroom guest_8841>231911000342529 chatroom:231911000342529 "outgoing" txt text="欢迎来到直播间 🎉" ext="{\"chatroom_msg_tag\":1}"
12 chatroom guest_1203>231911000342529 chatroom:231911000342529 "outgoing" txt text="room message reported as" rest="{\"record\":{\"chat_type\":\""
13 groupchat kestrel_05>231907755040770 groupchat:231907755040770 "SEND" txt text="case variant of the chat" rest="{\"record\":{\"chat_type\":\""
14 chat ondine>teo-77 chat:ondine:teo-77 "outgoing" txt text="sent through the server " rest="{\"record\":{\"timestamp\":\""
15 chat mara_voss>teo-77 chat:mara_voss:teo-77 "outgoing" txt text="decorated addresses, dev" rest="{\"record\":{\"from\":\"harbo"
16 groupchat kestrel_05>231904417783810 groupchat:231904417783810 "outgoing" txt text="decorated group address" rest="{\"record\":{\"from\":\"harbo"
17 chat zw_quill>1402541206787 chat:1402541206787:zw_quill "outgoing" txt text="the old id shape" ext="{\"key1\":\"value1\"}"
18 groupchat teo-77>231907755040770 groupchat:231907755040770 "outgoing" txt text="as the retired query API" rest="{\"record\":{\"uuid\":\"6d1c3"
19 chat samira.nadir>lin.qiao chat:lin.qiao:samira.nadir "-" txt text="only the outer addresses" rest="{\"without\":[\"payload.fro"
20 chat ondine>mara_voss chat:mara_voss:ondine "" txt text="empty direction"
21 chat ondine>mara_voss chat:mara_voss:ondine "outgoing" txt text="id in base62"
22 chat mara_voss>teo-77 chat:mara_voss:teo-77 "outgoing" img filename="slipway.jpg" url="50cc4b" secret="AAAAAA" file_length=128827 width=746 height=1325
23 groupchat teo-77>231904417783810 groupchat:231904417783810 "outgoing" img filename="berth plan (v2).png" url="50cc4b" rest="{\"body\":{\"file_name\":\"be" file_length=204800 width=497.5 height=1076
24 chat admin>teo-77 chat:admin:teo-77 "outgoing" img filename="rest-sent.jpg" url="50cc4b"
25 chat lin.qiao>ondine chat:lin.qiao:ondine "outgoing" img filename="cam_0412.jpg" url="50cc4b" thumb_url="50cc4b" rest="{\"body\":{\"localurl\":\"cam" file_length=88012 width=720 height=1280
26 chat kestrel_05>mara_voss chat:kestrel_05:mara_voss "outgoing" loc addr="北堤灯塔 停车场" lat=59.91273 lng=10.74609
27 groupchat teo-77>231907755040770 groupchat:231907755040770 "outgoing" loc addr="" rest="{\"body\":{\"lat\":\"-33.8567" lat=-33.85678 lng=151.2153
28 chat teo-77>mara_voss chat:mara_voss:teo-77 "outgoing" loc addr="misprinted key" rest="{\"body\":{\"log\":103.75},\"" lat=1.5 lng=103.75
29 chat mara_voss>teo-77 chat:mara_voss:teo-77 "outgoing" audio filename="note1.amr" url="d1215b" secret="BBBBBB" file_length=6630 duration_s=10
30 chat ondine>teo-77 chat:ondine:teo-77 "outgoing" audio filename="note2.amr" url="d1215b" secret="CCCCCC" rest="{\"body\":{\"file_length\":\"" duration_s=2
31 groupchat kestrel_05>231904417783810 groupchat:231904417783810 "outgoing" video filename="1773478805136.mp4" url="502f46" secret="DDDDDD" thumb_url="4b3a97" thumb_secret="EEEEEE" file_length=58103 duration_s=10 width=360 height=480
32 chat samira.nadir>lin.qiao chat:lin.qiao:samira.nadir "outgoing" video filename="unthumbed.MOV" url="502f46" rest="{\"body\":{\"secret\":null}}" file_length=9812004 duration_s=0
33 chat lin.qiao>mara_voss chat:lin.qiao:mara_voss "outgoing" file filename="record.md" url="76610f" secret="FFFFFF" file_length=3279
34 groupchat lin.qiao>231907755040770 groupchat:231907755040770 "outgoing" file filename="航海日志 2026-03.ZIP" url="76610f" file_length=0
35 chat admin>kestrel_05 chat:admin:kestrel_05 "outgoing" cmd action="run"
36 groupchat admin>231904417783810 groupchat:231904417783810 "outgoing" cmd action="refresh_berths" ext="{\"em_ignore_notification" rest="{\"body\":{\"param\":{\"since"
37 chat teo-77>ondine chat:ondine:teo-77 "outgoing" cmd action="ping" rest="{\"body\":{\"msg\":\"ping\"},\""
38 chatroom guest_8841>231911000342529 chatroom:231911000342529 "outgoing" custom custom_event="gift_1" custom_exts="{\"name\":\"flower\",\"size\":"
39 chatroom guest_1203>231911000342529 chatroom:231911000342529 "outgoing" custom custom_event="gift_1" custom_exts="{\"name\":\"flower\",\"size\":" rest="{\"body\":{\"v2:customExts\""
40 chat guest_1203>guest_8841 chat:guest_1203:guest_8841 "outgoing" custom custom_event="flower" custom_exts="{\"name\":1,\"open\":true,\"n" rest="{\"body\":{\"customExts\":[{"
41 chat ondine>samira.nadir chat:ondine:samira.nadir "outgoing" custom custom_event="wave"
42 chat mara_voss>ondine chat:mara_voss:ondine "outgoing" combine text="聊天记录\nmara_voss:晚上好\nteo-7" filename="17734788748990036" url="50ca23" secret="GGGGGG" rest="{\"body\":{\"combineLevel\":" file_length=550
43 chat lin.qiao>ondine chat:lin.qiao:ondine "outgoing" combine text="Chat history\nlin.qiao: 你" filename="17734799853580001" url="9e3c82" secret="HHHHHH" ext="{\"ease_chat_uikit_user_i" rest="{\"payload\":{\"type\":\"chat" file_length=1059
44 chat kestrel_05>mara_voss chat:kestrel_05:mara_voss "outgoing" txt text="two parts in one message" rest="{\"bodies\":[{\"filename\":\""
45 chat teo-77>mara_voss chat:mara_voss:teo-77 "outgoing" - ext="{\"typing\":true}" rest="{\"payload\":{\"bodies\":[]}"
46 chatroom guest_8841>231911000342529 chatroom:231911000342529 "outgoing" unknown
47 groupchat guest_8841>231907755040770 groupchat:231907755040770 "outgoing" unknown rest="{\"body\":{\"type\":\"sticker"
48 chat samira.nadir>ondine chat:ondine:samira.nadir "outgoing" txt text="one body, not in an arra" rest="{\"payload\":{\"bodies\":{\"m"
49 chat desk_agent>visitor_5512 chat:desk_agent:visitor_5512 "outgoing" txt text="Your ticket is open." ext="{\"weichat\":{\"msgId\":\"b1f"
50 chat teo-77>samira.nadir chat:samira.nadir:teo-77 "outgoing" txt text="ext is null" rest="{\"payload\":{\"ext\":null}}"
51 groupchat ondine>231915560173569 thread:231915560173569 "outgoing" txt text="thread reply about the t" rest="{\"payload\":{\"meta\":{\"thr"
52 edit lin.qiao>mara_voss chat:lin.qiao:mara_voss "-" event text="码头的潮汐表已经更新，请在下午四点之前确认泊位。" rest="{\"payload\":{\"edit_messag"
53 recall lin.qiao>mara_voss chat:lin.qiao:mara_voss "-" event rest="{\"record\":{\"recall_id\":\""
54 read_ack mara_voss>lin.qiao chat:lin.qiao:mara_voss "-" event rest="{\"payload\":{\"ack_message"
55 channel_ack mara_voss>lin.qiao chat:lin.qiao:mara_voss "-" event rest="{\"payload\":{\"ack_message"
56 notify mara_voss>lin.qiao chat:lin.qiao:mara_voss "-" event rest="{\"payload\":{\"data\":[{\"me"
57 chat lin.qiao>mara_voss chat:lin.qiao:mara_voss "outgoing" txt text="码头的潮汐表已经更新，请在下午三点之前确认泊位。" ext="{\"locale\":\"zh-CN\",\"seq\":"
58 chat lin.qiao>mara_voss chat:lin.qiao:mara_voss "outgoing" txt text="码头的潮汐表已经更新，请在下午三点之前确认泊位。" ext="{\"locale\":\"zh-CN\",\"seq\":"
59 chat mara_voss>teo-77 chat:mara_voss:teo-77 "outgoing" txt text="imported years later"
60 chat teo-77>mara_voss chat:mara_voss:teo-77 "outgoing" txt text="last millisecond, fields" rest="{\"record\":{\"schema\":2,\"r"
61 chat teo-77>mara_voss chat:mara_voss:teo-77 "outgoing" txt text="belongs to the next hour""#;

#[test]
fn every_line_says_what_its_index_says() {
    let decoded = decode_text(&samples());
    let rows: Vec<String> = decoded.messages.iter().map(row).collect();
    for (row, expected) in rows.iter().zip(ROWS.lines()) {
        assert_eq!(row, expected);
    }
    assert_eq!(rows.len(), ROWS.lines().count(), "{}", rows.join("\n"));
}

#[test]
fn no_line_is_lost() {
    let decoded = decode_text(&samples());
    assert_eq!((decoded.lines, decoded.messages.len()), (61, 61));
    let ids: BTreeSet<_> = decoded.messages.iter().map(|message| message.msg_id.as_deref().unwrap()).collect();
    assert_eq!(ids.len(), 59);
    let strays: Vec<_> =
        decoded.messages.iter().filter(|message| message.is_stray()).map(|m| m.position.line).collect();
    assert_eq!(strays, [59, 61]);
}

#[test]
fn only_the_repeated_message_repeats() {
    let decoded = decode_text(&samples());
    let prints: Vec<u128> = decoded.messages.iter().map(fingerprint).collect();
    assert_eq!([prints[56], prints[57]], [prints[1]; 2]);
    assert_eq!(prints.iter().collect::<BTreeSet<_>>().len(), 59);
}

#[test]
fn texts_are_read_to_the_letter() {
    let decoded = decode_text(&samples());
    let text = |line: usize| decoded.messages[line - 1].text.as_deref().unwrap();
    assert_eq!(
        text(7),
        "line one\nline two\r\n\ttabbed \"quoted\" back\\slash / slash 你好 🚢 \u{2028} sep \u{7} bell \u{fffd} nul <b>&amp;</b>"
    );
    assert_eq!(text(6).len(), 4638);
    assert_eq!(text(42), "聊天记录\nmara_voss:晚上好\nteo-77:[图片]\nteo-77:[文件]\n");
    let ext = decoded.messages[48].ext.as_deref().unwrap();
    assert!(ext.ends_with(r#""big":12345678901234567890,"pi":3.14159265358979,"neg":-0.0,"tiny":1e-09,"空":"值"}"#));
}

fn row(message: &Message<'_>) -> String {
    let word = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().unwrap_or("-").to_owned();
    let body_type = message.body_type.map_or("-", chat::BodyType::word);
    let mut row = format!(
        "{} {} {}>{} {} {:?} {body_type}",
        message.position.line,
        word(&message.chat_type),
        word(&message.sender),
        word(&message.recipient),
        word(&message.conversation),
        message.direction.as_deref().unwrap_or("-"),
    );
    let texts = [
        ("text", &message.text),
        ("filename", &message.filename),
        ("url", &message.url),
        ("secret", &message.secret),
        ("thumb_url", &message.thumb_url),
        ("thumb_secret", &message.thumb_secret),
        ("addr", &message.addr),
        ("action", &message.action),
        ("custom_event", &message.custom_event),
        ("custom_exts", &message.custom_exts),
        ("ext", &message.ext),
        ("rest", &message.rest),
    ];
    for (name, text) in texts {
        if let Some(text) = text.as_deref().filter(|text| *text != "{}") {
            let keeps_start = name.ends_with("url") || name.ends_with("secret");
            let short: String = if keeps_start { tail(text) } else { text.chars().take(24).collect() };
            write!(row, " {name}={short:?}").unwrap();
        }
    }
    if let Some(length) = message.file_length {
        write!(row, " file_length={length}").unwrap();
    }
    let numbers = [
        ("duration_s", message.duration_s),
        ("width", message.width),
        ("height", message.height),
        ("lat", message.lat),
        ("lng", message.lng),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            write!(row, " {name}={number}").unwrap();
        }
    }
    row
}

/// The end of a link or secret, which tells it from others.
fn tail(text: &str) -> String {
    text.chars().skip(text.chars().count().saturating_sub(6)).collect()
}
