//! Made-up records, read the short way and the general one.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::tests::{PLAIN, check};
use crate::json::{Kind, Scanner, Value};

/// Records as producers write them, in any order of keys.
fn plausible() -> impl Strategy<Value = String> {
    let shuffled = |members: Vec<String>| Just(members).prop_shuffle().prop_map(|members| members.join(","));
    let body = select(&PLAIN[..]).prop_flat_map(move |body| {
        let whole = body.contains('{') || body.starts_with(' ');
        shuffled(if whole { vec![body.to_owned()] } else { body.split(',').map(str::to_owned).collect() })
    });
    let ext = select(vec![r#""ext":{}"#, r#""ext":{"a":[1,{"b":"}"}],"c":1.50}"#, r#" "ext" : { } "#]);
    (body, ext, select(vec!["chat", "groupchat", "chatroom"])).prop_flat_map(move |(body, ext, chat_type)| {
        let bodies = format!(r#""bodies":[{{{body}}}]"#);
        let inner = vec![bodies, ext.to_owned(), r#""from":"a:b""#.to_owned(), r#""to":"7""#.to_owned()];
        shuffled(inner).prop_flat_map(move |inner| {
            let outer = [
                format!(r#""payload":{{{inner}}}"#),
                format!(r#""chat_type":"{chat_type}""#),
                r#""from":"a:b""#.to_owned(),
                r#""to":"7""#.to_owned(),
                r#""msg_id":"1412077346056423435""#.to_owned(),
                r#""timestamp":1773478800123"#.to_owned(),
                r#""direction":"outgoing""#.to_owned(),
            ];
            shuffled(outer.to_vec()).prop_map(|outer| format!("{{{outer}}}"))
        })
    })
}

/// One small change: bytes taken out, a piece put in, or a piece of the record said again.
fn changed(record: &str, (from, to, piece, kind): (Index, Index, &str, u8)) -> String {
    let place = |index: Index| record.floor_char_boundary(index.index(record.len() + 1));
    let (start, end) = (place(from).min(place(to)), place(from).max(place(to)));
    let near = record.floor_char_boundary(end.min(start + 4));
    let ((before, after), (until_end, _), (_, behind)) =
        (record.split_at(start), record.split_at(end), record.split_at(near));
    match kind % 8 {
        0..5 => format!("{before}{piece}{after}"),
        5 => format!("{before}{behind}"),
        6 => format!("{before}{piece}{behind}"),
        _ => format!("{until_end}{after}"),
    }
}

const PIECES: [&str; 42] = [
    // Most of these leave a string a string.
    "a",
    "7",
    "Ω",
    "/",
    "_",
    "a:b",
    "%",
    "~",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\n",
    "0",
    "1",
    "-",
    ".",
    "e5",
    "null",
    "true",
    "\\u0000",
    "\\ud83d",
    "\\u0041",
    "\\n",
    "码",
    "\u{0}",
    "\u{1f}",
    "@easemob.com",
    "harbor-org#lantern_",
    "\"msg\":\"x\",",
    "\"x\":0,",
    "\"secret\":\"\",",
    "\"type\":\"txt\",",
    "\"type\":\"img\",",
    "\"to\":\"7\",",
    "\"log\":1,",
    "{}",
];

/// A record as members within members; keys and leaves as written.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Tree {
    fn parse(text: &str) -> Self {
        let mut tape = Vec::new();
        Scanner::new(128).scan(text.as_bytes(), &mut tape).unwrap();
        Self::of(Value::whole(text, &tape))
    }

    fn of(value: Value<'_, '_>) -> Self {
        match value.kind() {
            Kind::Array => Self::List(value.children().map(|(_, element)| Self::of(element)).collect()),
            Kind::Object => {
                Self::Object(value.children().map(|(key, member)| (key.to_owned(), Self::of(member))).collect())
            }
            _ => Self::Leaf(value.raw().to_owned()),
        }
    }

    fn text(&self) -> String {
        let joined = |pieces: Vec<String>| pieces.join(",");
        match self {
            Self::Leaf(raw) => raw.clone(),
            Self::List(elements) => format!("[{}]", joined(elements.iter().map(Self::text).collect())),
            Self::Object(members) => {
                let member = |(key, value): &(String, Self)| format!("{key}:{}", value.text());
                format!("{{{}}}", joined(members.iter().map(member).collect()))
            }
        }
    }

    fn children(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Leaf(_) => Vec::new(),
            Self::List(elements) => elements.iter_mut().collect(),
            Self::Object(members) => members.iter_mut().map(|(_, value)| value).collect(),
        }
    }

    /// All objects that have members, from the outside in.
    fn objects(&self) -> usize {
        let within = match self {
            Self::Leaf(_) => 0,
            Self::List(elements) => elements.iter().map(Self::objects).sum(),
            Self::Object(members) => members.iter().map(|(_, value)| value.objects()).sum(),
        };
        within + usize::from(matches!(self, Self::Object(members) if !members.is_empty()))
    }

    /// The members of the object with this number.
    fn object(&mut self, number: &mut usize) -> Option<&mut Vec<(String, Self)>> {
        if matches!(self, Self::Object(members) if !members.is_empty()) {
            if *number == 0 {
                let Self::Object(members) = self else { unreachable!() };
                return Some(members);
            }
            *number -= 1;
        }
        self.children().into_iter().find_map(|child| child.object(number))
    }

    /// Two values that hold between them what this one holds; of a leaf the same twice.
    fn halves(self, cut: Index) -> (Self, Self) {
        match self {
            Self::Leaf(raw) => (Self::Leaf(raw.clone()), Self::Leaf(raw)),
            Self::List(mut elements) => {
                let second = elements.split_off(cut.index(elements.len() + 1));
                (Self::List(elements), Self::List(second))
            }
            Self::Object(mut members) => {
                let second = members.split_off(cut.index(members.len() + 1));
                (Self::Object(members), Self::Object(second))
            }
        }
    }
}

/// Where a record is changed: an object, a member of it, a place among them, a place within the member.
type Where = (Index, Index, Index, Index);

/// Gives a member's key a second time, and of what the member holds a half to each.
fn halve(members: &mut Vec<(String, Tree)>, (_, which, to, cut): Where) {
    let which = which.index(members.len());
    let (key, value) = members[which].clone();
    let (first, second) = value.halves(cut);
    members[which].1 = first;
    members.insert(to.index(members.len() + 1), (key, second));
}

/// One change that leaves JSON JSON.
fn rearranged(tree: &mut Tree, place: Where, kind: u8, key: &str, value: &str) {
    let (mut number, which, to) = (place.0.index(tree.objects().max(1)), place.1, place.2);
    let Some(members) = tree.object(&mut number) else { return };
    let which = which.index(members.len());
    let end = to.index(members.len() + 1);
    let new = || Tree::parse(value);
    match kind % 10 {
        0 | 1 => halve(members, place),
        2 => members.insert(end, members[which].clone()),
        3 => members.insert(end, (members[which].0.clone(), new())),
        4 => members.insert(end, (key.to_owned(), new())),
        5 => members[which].1 = new(),
        6 => members[which].0 = key.to_owned(),
        7 => members[which].0 = respelt(&members[which].0),
        8 => {
            members.remove(which);
        }
        _ => match &mut members[which].1 {
            Tree::List(elements) => elements.push(elements.first().cloned().unwrap_or_else(new)),
            leaf => *leaf = Tree::List(vec![leaf.clone()]),
        },
    }
}

/// The key with its first character as an escape.
fn respelt(key: &str) -> String {
    let inner = key.strip_prefix('"').unwrap();
    match inner.chars().next() {
        Some(first) if first.is_ascii_alphanumeric() => {
            format!("\"\\u{:04x}{}", u32::from(first), inner.strip_prefix(first).unwrap())
        }
        _ => key.to_owned(),
    }
}

const KEYS: [&str; 30] = [
    r#""msg_id""#,
    r#""timestamp""#,
    r#""from""#,
    r#""to""#,
    r#""chat_type""#,
    r#""payload""#,
    r#""bodies""#,
    r#""ext""#,
    r#""type""#,
    r#""meta""#,
    r#""group_id""#,
    r#""muc_id""#,
    r#""channel_type""#,
    r#""ack_message_id""#,
    r#""recall_id""#,
    r#""edit_message_id""#,
    r#""data""#,
    r#""messageId""#,
    r#""msg_parent_id""#,
    r#""msg""#,
    r#""size""#,
    r#""width""#,
    r#""log""#,
    r#""Length""#,
    r#""subType""#,
    r#""customExts""#,
    r#""v2:customExts""#,
    r#""thumbnail""#,
    r#""x""#,
    r#""""#,
];

const VALUES: [&str; 30] = [
    "null",
    "true",
    "{}",
    "[]",
    "[{}]",
    r#"{"thread":{}}"#,
    r#"{"width":1,"height":2}"#,
    r#"{"width":1,"width":1}"#,
    r#"{"a":1,"a":2}"#,
    r#"[{"type":"txt","msg":"a"}]"#,
    r#"[{"type":"txt"},{"type":"txt"}]"#,
    r#""""#,
    r#""7""#,
    r#""a:b""#,
    r#""a:b@easemob.com""#,
    r#""txt""#,
    r#""img""#,
    r#""chat""#,
    r#""edit""#,
    r#""\ud83d""#,
    r#""\ud83d\udea2""#,
    r#""\u0000""#,
    r#""\u4f60""#,
    "0",
    "-0",
    "10.0",
    "0.10",
    "1e3",
    "1773478800",
    "999999999999999",
];

proptest! {
    // More cases are the environment's to ask for: `PROPTEST_CASES=1000000 cargo test -p annals-decode plain`.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.saturating_mul(8), ..ProptestConfig::default() })]

    #[test]
    fn both_ways_read_the_same(record in plausible()) {
        prop_assert!(check(&record), "it is plain: {}", record);
    }

    #[test]
    fn both_ways_read_the_same_of_what_was_changed(
        record in plausible(),
        changes in vec((any::<Index>(), any::<Index>(), select(&PIECES[..]), any::<u8>()), 1..3),
    ) {
        check(&changes.into_iter().fold(record, |record, change| changed(&record, change)));
    }

    #[test]
    fn nothing_is_plain_that_says_a_key_twice(record in plausible(), place in any::<Where>()) {
        let mut tree = Tree::parse(&record);
        // The objects that have columns; what `ext` and `customExts` hold is free to say things twice.
        let mut number = place.0.index(tree.objects());
        let free = ["\"a\"", "\"b\"", "\"c\""];
        let members = tree.object(&mut number).unwrap();
        let is_free = free.contains(&members[0].0.as_str());
        halve(members, place);
        let text = tree.text();
        prop_assert!(!check(&text) || is_free, "{}", text);
    }

    #[test]
    fn both_ways_read_the_same_of_what_was_rearranged(
        record in plausible(),
        changes in vec((any::<Where>(), any::<u8>(), select(&KEYS[..]), select(&VALUES[..])), 1..4),
    ) {
        let mut tree = Tree::parse(&record);
        for (place, kind, key, value) in changes {
            rearranged(&mut tree, place, kind, key, value);
        }
        check(&tree.text());
    }
}
