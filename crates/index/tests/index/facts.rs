//! What is known of a message besides its words: found by index, scan and sieve alike.

use chat::{BodyType, Conversation, Message, Timestamp};
use index::{Query, Sieve};

use crate::{ask, message, nine, open, rows, take_in};

fn corpus() -> Vec<Message<'static>> {
    let key = |conversation: Conversation<'_>| Some(conversation.key().into());
    let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    vec![
        Message {
            sender: Some("Mara".into()),
            recipient: Some("teo-77".into()),
            conversation: key(Conversation::Chat("Mara", "teo-77")),
            chat_type: Some("chat".into()),
            body_type: Some(BodyType::Img),
            filename: Some("Annual Report (2).PDF".into()),
            url: Some("https://files.example.com/1".into()),
            thumb_url: Some("https://files.example.com/2".into()),
            sent_at: at("2026-03-14T09:10:00Z"),
            ..message(nine(), 1, "look")
        },
        Message {
            sender: Some("teo-77".into()),
            recipient: Some("500".into()),
            conversation: key(Conversation::GroupChat("500")),
            chat_type: Some("groupchat".into()),
            body_type: Some(BodyType::Txt),
            ext: Some(
                r#"{"order":{"State":"Paid","lines":[7,{"sku":"A-1"}]},"urgent":true,"note":"臺灣 ＡＢＣ"}"#.into(),
            ),
            sent_at: at("2026-03-13T23:59:59.999Z"),
            ..message(nine(), 2, "the report is done, @mara")
        },
        Message {
            sender: Some("mara".into()),
            recipient: Some("600".into()),
            conversation: key(Conversation::ChatRoom("600")),
            chat_type: Some("chatroom".into()),
            body_type: Some(BodyType::Custom),
            custom_event: Some("Gift_1".into()),
            custom_exts: Some(r#"{"name":"flower","size":"16"}"#.into()),
            ..message(nine(), 3, "")
        },
        Message {
            sender: Some("ondine".into()),
            recipient: Some("Mara".into()),
            conversation: key(Conversation::GroupChat("500")),
            chat_type: Some("recall".into()),
            body_type: Some(BodyType::Event),
            sent_at: at("2026-02-28T12:00:00Z"),
            ..message(nine(), 4, "")
        },
        Message {
            sender: Some("lin".into()),
            recipient: Some("700".into()),
            conversation: key(Conversation::Thread("700")),
            chat_type: Some("groupchat".into()),
            body_type: Some(BodyType::Loc),
            lat: Some(59.9),
            addr: Some("北堤灯塔".into()),
            sent_at: at("2026-03-14T10:00:00Z"),
            ..message(nine(), 5, "mara was here")
        },
    ]
}

const ROWS: &[(&str, &[u64])] = &[
    ("with:mara", &[1, 3, 4]),
    ("from:m*", &[1, 3]),
    ("from:*n*e", &[4]),
    ("-from:*", &[]),
    ("with:(teo-77 OR lin)", &[1, 2, 5]),
    ("in:groupchat:*", &[2, 4]),
    ("in:50*", &[2, 4]),
    ("chat:group", &[2, 4, 5]),
    ("chat:thread", &[5]),
    ("chat:single", &[1]),
    ("chat:room type:custom", &[3]),
    ("type:picture", &[1]),
    ("type:(image OR location)", &[1, 5]),
    ("-type:img", &[2, 3, 4, 5]),
    ("-type:img -type:txt -chat:room", &[4, 5]),
    ("has:attachment", &[1]),
    ("has:location -has:thumbnail", &[5]),
    ("has:thumbnail", &[1]),
    ("file:report", &[1]),
    ("file:\"annual report\"", &[1]),
    ("file:done", &[]),
    ("file:*.pdf", &[1]),
    ("file:*report?(2)*", &[1]),
    ("file:annual*", &[1]),
    ("file:*", &[1]),
    ("report", &[1, 2]),
    ("event:recall", &[4]),
    ("event:*", &[4]),
    ("custom:gift_1", &[3]),
    ("custom:gift*", &[3]),
    ("custom.name:flower custom.size:16", &[3]),
    ("ext.order.state:paid", &[2]),
    ("ext.order.lines:7", &[2]),
    ("ext.order.lines.sku:a-1", &[2]),
    ("ext.urgent:true", &[2]),
    ("ext.note:\"台湾 abc\"", &[2]),
    ("ext.note:*abc", &[2]),
    ("ext.order.state:*", &[2]),
    ("ext.order:paid", &[]),
    ("custom.order.state:paid", &[]),
    ("on:2026-03-14", &[1, 5]),
    ("before:2026-03-14", &[2, 4]),
    ("after:2026-03-14T10", &[5]),
    ("on:2026-03", &[1, 2, 5]),
    ("-on:2026-03", &[3, 4]),
    ("after:1d", &[1, 2, 5]),
    ("on:yesterday", &[2]),
    ("@mara", &[2]),
    ("mara", &[2, 5]),
    ("-mara", &[1, 3, 4]),
    ("mara OR look", &[1, 2, 5]),
    ("(mara OR look) -(\"was here\" OR lo*)", &[2]),
    ("NOT (mara -\"was here\")", &[1, 3, 4, 5]),
    ("rep* OR /look|here/", &[1, 2, 5]),
    ("reprot~1", &[1, 2]),
    ("reprot~2 -@mara", &[1]),
    ("look OR NOT from:teo*", &[1, 3, 4, 5]),
];

#[test]
fn facts_are_found_by_index_scan_and_sieve() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let messages = corpus();
    take_in(&catalogue, nine(), "v", &messages);
    let now = "2026-03-14T12:00:00Z".parse::<Timestamp>().unwrap();
    let queries: Vec<_> = ROWS.iter().map(|(typed, _)| Query::parse_at(typed, now).unwrap()).collect();
    for ((typed, lines), query) in ROWS.iter().zip(&queries) {
        let expected: Vec<_> = lines.iter().map(|line| format!("09/{line}")).collect();
        let found = catalogue.search(&index::Request { query: query.clone(), ..ask("") }).unwrap();
        let mut found = rows(&found);
        found.sort_unstable();
        assert_eq!(found, expected, "index: {typed}");
        let scanned: Vec<_> =
            messages.iter().filter(|message| query.matches(message)).map(|message| message.position.line).collect();
        assert_eq!(scanned, *lines, "scan: {typed}");
    }
    let sieve = Sieve::new(queries);
    let mut sifted = vec![Vec::new(); ROWS.len()];
    for message in &messages {
        sieve.each_match(message, |number| sifted[number].push(message.position.line));
    }
    for ((typed, lines), found) in ROWS.iter().zip(sifted) {
        assert_eq!(found, *lines, "sieve: {typed}");
    }
}
