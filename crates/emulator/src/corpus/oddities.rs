//! What old clients, re-exports and proxies leave in files (protocol sections 3.6, 4 and 5).
//!
//! Every shape is one that the protocol's reference documents or that was seen; each stays a record whose sender,
//! recipient, time and id can be found.

use std::fmt::Write as _;

use chat::App;

use super::bodies::{Speaker, uuid};
use crate::dice::Dice;
use crate::record::Record;

/// How many shapes [`bend`] knows.
pub(super) const SHAPES: u64 = 33;

/// Gives an ordinary message one odd shape; `unique` is different for every record of every hour.
pub(super) fn bend(record: &mut Record, shape: u64, app: &App, unique: u64, speaker: &mut Speaker<'_>) {
    match shape {
        0..13 => envelope(record, shape, app, unique, speaker.dice),
        13..20 => text_or_ext(record, shape),
        _ => body(record, shape, speaker),
    }
}

fn envelope(record: &mut Record, shape: u64, app: &App, unique: u64, dice: &mut Dice) {
    match shape {
        // 2017: the time a string, the sender outside the server's admin.
        0 | 1 => {
            record.time_is_text = true;
            record.outer_from.push_str("admin@easemob.com");
            record.ext.clear();
        }
        2 => {
            let device = dice.below(1 << 24);
            let _infallible = write!(record.outer_from, "{app}_{}@easemob.com/ios_{device:06x}", record.from);
            let domain = if record.chat_type == "chat" { "easemob.com" } else { "conference.easemob.com" };
            let _infallible = write!(record.outer_to, "{app}_{}@{domain}", record.to);
        }
        3 => {
            record.from = format!("{app}_{}@easemob.com", record.from);
            if record.chat_type != "chat" {
                record.to = format!("{app}_{}@conference.easemob.com", record.to);
            }
        }
        4 if record.chat_type == "chatroom" => {
            record.chat_type = "groupchat";
            record.payload_type = "chatroom";
        }
        4 | 5 if record.chat_type == "groupchat" => {
            record.chat_type = if shape == 4 { "GroupChat" } else { "group_chat" };
            record.direction = Some("SEND");
        }
        4..=6 => record.payload_type = record.chat_type,
        7 => replace(&mut record.id, format_args!("5K{:02X}Q-3f-{unique:x}", dice.below(256))),
        8 => {
            replace(&mut record.id, format_args!("{}", 200_000_000_000_000 + unique % 700_000_000_000_000));
            let (time, uuid) = (record.time, uuid(dice));
            record.more =
                format!(r#""uuid":"{uuid}","type":"chatmessage","created":{},"modified":{}"#, time + 812, time + 812);
        }
        9 => replace(&mut record.id, format_args!("1F4MXq0dT7k{unique:016X}")),
        10 => {
            record.outer_only = true;
            record.direction = None;
        }
        11 => {
            record.direction = Some("");
            record.ext.clear();
        }
        _ => {
            record.payload_more.push_str(r#""stream":{"final":true}"#);
            record.more.push_str(r#""schema":2,"region":{"id":"eu-x","zone":null}"#);
        }
    }
}

fn text_or_ext(record: &mut Record, shape: u64) {
    match shape {
        13 => record.ext.clear(),
        14 => replace(&mut record.ext, format_args!("null")),
        15 => replace(&mut record.bodies, format_args!(r#"[{{"msg":"","type":"txt"}}]"#)),
        16 => replace(
            &mut record.bodies,
            format_args!(
                r#"[{{"msg":"line one\nline two\r\n\ttabbed \"quoted\" back\\slash \/ slash \u4f60\u597d \ud83d\udea2 \u2028 sep \u0007 bell <b>&amp;<\/b>","type":"txt"}}]"#
            ),
        ),
        17 => replace(
            &mut record.bodies,
            format_args!(
                "[{{\"msg\":\"  two before, zero\u{200b}width, nbsp\u{a0}here, ＡＢＣ１２３  \",\"type\":\"txt\"}}]"
            ),
        ),
        18 => {
            replace(&mut record.bodies, format_args!("[]"));
            replace(&mut record.ext, format_args!(r#"{{"typing":true}}"#));
        }
        _ => replace(&mut record.meta, format_args!("{{}}")),
    }
}

fn body(record: &mut Record, shape: u64, speaker: &mut Speaker<'_>) {
    let (url, thumb) = (speaker.url(), speaker.url());
    let mut said = String::new();
    speaker.text(&mut said);
    let bodies = &mut record.bodies;
    match shape {
        20 => replace(
            bodies,
            format_args!(
                r#"[{{"file_length":204800,"file_name":"berth plan (v2).png","size":{{"height":1076.0,"width":497.5}},"type":"img","url":"{url}"}}]"#
            ),
        ),
        21 => replace(bodies, format_args!(r#"[{{"filename":"rest-sent.jpg","type":"img","url":"{url}"}}]"#)),
        22 => replace(
            bodies,
            format_args!(
                r#"[{{"file_length":88012,"filename":"cam_0412.jpg","localurl":"cam_0412.jpg","secret":"","size":{{"width":720,"height":1280}},"thumb":"{thumb}","thumbFilename":"th_cam_0412.jpg","thumb_secret":null,"type":"img","url":"{url}"}}]"#
            ),
        ),
        23 => replace(
            bodies,
            format_args!(
                r#"[{{"lat":"-33.85678","lng":"151.21530","addr":"","buildingName":"Pier House","type":"loc"}}]"#
            ),
        ),
        24 => replace(bodies, format_args!(r#"[{{"addr":"misprinted key","lat":1.5,"log":103.75,"type":"loc"}}]"#)),
        25 => replace(
            bodies,
            format_args!(
                r#"[{{"file_length":"1.94KB","filename":"note2.amr","length":"2","type":"audio","url":"{url}"}}]"#
            ),
        ),
        26 => replace(
            bodies,
            format_args!(
                r#"[{{"action":"refresh_berths","param":{{"since":1773478800000,"zones":["A","C"]}},"params":[],"type":"cmd"}},{said}]"#
            ),
        ),
        27 => replace(bodies, format_args!(r#"[{{"msg":"ping","type":"cmd"}}]"#)),
        28 => replace(
            bodies,
            format_args!(
                r#"[{{"customExts":[{{"name":1}},{{"open":true}},{{"note":null}}],"customEvent":"flower","type":"custom"}}]"#
            ),
        ),
        29 => replace(
            bodies,
            format_args!(
                r#"[{{"combineLevel":1,"file_length":550,"filename":"17734788748990036","subType":"sub_combine","summary":"mara_voss:晚上好\nteo-77:[图片]\n","title":"聊天记录","url":"{url}"}}]"#
            ),
        ),
        30 => replace(bodies, format_args!("{said}")),
        31 => replace(bodies, format_args!(r#"[{{"type":"sticker","pack":"gulls","n":12}}]"#)),
        _ => replace(
            bodies,
            format_args!(
                r#"[{said},{{"filename":"part2.jpg","size":{{"width":64,"height":64}},"type":"img","url":"{url}"}}]"#
            ),
        ),
    }
}

/// Turns a message into an event about an earlier message (protocol section 4.4).
pub(super) fn event(record: &mut Record, about: &str, dice: &mut Dice) {
    record.ext.clear();
    record.bodies.clear();
    record.meta.clear();
    record.payload_type = "";
    record.direction = None;
    let acknowledged = |record: &mut Record| {
        record.ext.push_str("{}");
        record.bodies.push_str("[]");
        let _infallible = write!(record.payload_more, r#""ack_message_id":"{about}""#);
    };
    match dice.below(7) {
        0 => {
            record.chat_type = "recall";
            acknowledged(record);
            let _infallible = write!(record.more, r#""recall_id":"{about}""#);
        }
        1 => {
            record.chat_type = "read_ack";
            acknowledged(record);
        }
        2 => {
            record.chat_type = "delivery_ack";
            acknowledged(record);
        }
        3 => {
            record.chat_type = "channel_ack";
            record.payload_type = "channel_ack";
            let _infallible = write!(record.payload_more, r#""ack_message_id":"{about}""#);
        }
        4 => {
            record.chat_type = "edit";
            record.payload_type = "edit";
            record.bodies.push_str(r#"[{"msg":"edited: see the new time","type":"txt"}]"#);
            let _infallible = write!(record.payload_more, r#""edit_message_id":"{about}""#);
            let (time, sender) = (record.time, &record.from);
            let _infallible = write!(
                record.meta,
                r#"{{"edit_msg":{{"count":1,"edit_time":{time},"operator":"easemob_rest_app_admin","send_time":{},"sender":"{sender}"}}}}"#,
                time - 60_000
            );
        }
        5 => {
            record.chat_type = "notify";
            record.payload_type = "reaction";
            let (from, to, time) = (&record.from, &record.to, record.time);
            let _infallible = write!(
                record.payload_more,
                r#""data":[{{"messageId":"{about}","from":"{from}","reactions":[{{"op":[{{"reactionType":"create","operator":"{from}"}}],"reaction":"👍","userList":["{from}"],"count":1}}],"to":"{to}","channel_type":"chat","ts":{time}}}],"num":1,"channel_type":"chat""#
            );
        }
        _ => {
            record.chat_type = "roster";
            let _infallible =
                write!(record.payload_more, r#""operation":"add","reason":"","status":{{"error_code":"ok"}}"#);
        }
    }
}

/// Appends a line that is no JSON object, without its end. `line` is a record that may be cut for it.
pub(super) fn dead_letter(line: &str, dice: &mut Dice, into: &mut Vec<u8>) {
    match dice.below(8) {
        0..3 => {
            // Anywhere within, also in the middle of a character. The closing brace is always lost.
            let bytes = line.as_bytes();
            let end = 1 + dice.place(bytes.len().saturating_sub(2));
            into.extend(bytes.get(..end).unwrap_or(bytes));
        }
        3 => into.extend(b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
        4 => into.extend(b"[\"an\",\"array\",1]"),
        5 => into.extend(b"\"a string\""),
        6 => into.extend(b"-- rotated --"),
        _ => into.extend(b"{\"chat_type\":\"chat\",\"payload\":\"\xff\xfe\xc3\x28\"}"),
    }
}

fn replace(text: &mut String, with: std::fmt::Arguments<'_>) {
    text.clear();
    let _infallible = text.write_fmt(with);
}
