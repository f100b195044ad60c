//! The shapes of messages that are sent, recalled and imported (sections 6, 9, 10 and 11).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The body of a send.
#[derive(Serialize)]
pub(crate) struct Send<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<&'a str>,
    pub(crate) to: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) users: Option<&'a [String]>,
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    pub(crate) body: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ext: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sync_device: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) routetype: Option<&'static str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) roam_ignore_users: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) need_group_ack: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chatroom_msg_level: Option<&'static str>,
}

/// The body of a broadcast.
#[derive(Serialize)]
pub(crate) struct Broadcast<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chatroom_msg_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<&'a str>,
    /// The fields of the body, with `type` among them.
    pub(crate) msg: BTreeMap<String, Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ext: Option<&'a RawValue>,
}

/// The fields of every type of body: each uses some.
#[derive(Default, Serialize)]
pub(crate) struct BodyFields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) msg: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thumb: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thumb_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lat: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lng: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) addr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<&'a str>,
    #[serde(rename = "customEvent", skip_serializing_if = "Option::is_none")]
    pub(crate) custom_event: Option<&'a str>,
    #[serde(rename = "customExts", skip_serializing_if = "Option::is_none")]
    pub(crate) custom_exts: Option<&'a BTreeMap<String, String>>,
}

#[derive(Serialize)]
pub(crate) struct Size {
    pub(crate) height: u32,
    pub(crate) width: u32,
}

/// The names under which bodies hold share secrets.
pub(crate) const SECRETS: [&str; 2] = ["secret", "thumb_secret"];

/// An answer of which `data` matters.
#[derive(Deserialize)]
pub(crate) struct Data<T> {
    pub(crate) data: T,
}

/// The answer of a send: recipient to message id.
pub(crate) type Ids = BTreeMap<String, Box<RawValue>>;

/// The answer of a broadcast.
#[derive(Deserialize)]
pub(crate) struct BroadcastId {
    pub(crate) id: Box<RawValue>,
}

/// The answer of an import.
#[derive(Deserialize)]
pub(crate) struct ImportedId {
    pub(crate) msg_id: Box<RawValue>,
}

/// The digits or the text of an id, never through a float; `None` for nothing, and for what is no id.
pub(crate) fn id(raw: &RawValue) -> Option<String> {
    let text = match raw.get() {
        quoted if quoted.starts_with('"') => serde_json::from_str(quoted).ok()?,
        number => number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.to_owned())?,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// The body of a recall.
#[derive(Serialize)]
pub(crate) struct Recall<'a> {
    pub(crate) msg_id: &'a str,
    pub(crate) to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<&'a str>,
    pub(crate) chat_type: &'static str,
    pub(crate) force: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sync_device: Option<bool>,
    #[serde(rename = "recallMessageExtensionInfo", skip_serializing_if = "Option::is_none")]
    pub(crate) extension: Option<&'a str>,
}

/// The body of a batch of recalls.
#[derive(Serialize)]
pub(crate) struct Recalls<'a> {
    pub(crate) msgs: Vec<Recall<'a>>,
}

/// One message in the answer of a recall.
#[derive(Deserialize)]
pub(crate) struct RecallOutcome {
    #[serde(default)]
    pub(crate) msg_id: Option<Box<RawValue>>,
    pub(crate) recalled: String,
}

/// The failure that has no envelope (section 9, oldest edition).
#[derive(Deserialize)]
pub(crate) struct RecallFailures {
    pub(crate) msgs: Vec<RecallOutcome>,
}

/// The body of the deletion of a conversation.
#[derive(Serialize)]
pub(crate) struct Channel<'a> {
    pub(crate) channel: &'a str,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) delete_roam: bool,
}

/// The body of an import, as it is sent and as it is read from a line of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Import {
    pub(crate) from: String,
    pub(crate) target: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) body: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ext: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) is_ack_read: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) msg_timestamp: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) need_download: Option<bool>,
}

/// The answer of an upload (section 7).
#[derive(Deserialize)]
pub(crate) struct Uploads {
    pub(crate) entities: Vec<UploadedFile>,
}

#[derive(Deserialize)]
pub(crate) struct UploadedFile {
    pub(crate) uuid: String,
    #[serde(rename = "share-secret", default)]
    pub(crate) share_secret: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_its_digits() {
        for (json, expected) in [
            (r#""1029457500870543736""#, Some("1029457500870543736")),
            ("1173998498812376874", Some("1173998498812376874")),
            (r#""5I02W-16-8278a""#, Some("5I02W-16-8278a")),
            (r#""""#, None),
            ("null", None),
            ("1.5", None),
            ("-1", None),
            ("{}", None),
        ] {
            let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
            assert_eq!(id(&raw).as_deref(), expected, "{json}");
        }
    }
}
