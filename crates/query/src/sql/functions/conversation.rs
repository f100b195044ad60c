//! What a key in the column `conversation` says: `chat:{user}:{user}`, `groupchat:{id}`, `chatroom:{id}`, `thread:{id}`.

use std::sync::Arc;

use datafusion::arrow::array::StringViewArray;
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::function;

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![
        function("conversation_kind", 1, DataType::Utf8View, |texts| {
            Ok(Arc::new(texts[0].iter().map(|key| Some(key?.split_once(':')?.0)).collect::<StringViewArray>()))
        }),
        function("conversation_id", 1, DataType::Utf8View, |texts| {
            let id = |key: Option<&str>| chat::bare_key(key?).map(unescaped);
            Ok(Arc::new(texts[0].iter().map(id).collect::<StringViewArray>()))
        }),
        function("conversation_peer", 2, DataType::Utf8View, |texts| {
            let pairs = texts[0].iter().zip(texts[1].iter());
            Ok(Arc::new(pairs.map(|(key, user)| peer(key?, user?)).collect::<StringViewArray>()))
        }),
    ]
}

/// The other one of the two of a one-to-one conversation; `None` when the user is none of them.
fn peer(key: &str, user: &str) -> Option<String> {
    let (one, other) = key.strip_prefix("chat:")?.split_once(':')?;
    let (one, other) = (unescaped(one), unescaped(other));
    match user {
        user if user == one => Some(other),
        user if user == other => Some(one),
        _ => None,
    }
}

fn unescaped(name: &str) -> String {
    name.replace("%3A", ":").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use chat::Conversation;

    use super::*;

    #[test]
    fn the_other_one_is_found_whatever_the_names_hold() {
        for (one, other) in [("mara", "teo"), ("a:b", "50%"), ("%3A", ":"), ("self", "self")] {
            let key = Conversation::Chat(one, other).key();
            assert_eq!(peer(&key, one).as_deref(), Some(other), "{key}");
            assert_eq!(peer(&key, other).as_deref(), Some(one), "{key}");
            assert_eq!(peer(&key, "nobody"), None);
        }
        assert_eq!(peer("groupchat:7", "mara"), None);
    }
}
