//! What is kept in a folder of state.

use emulator::{Emulator, Options};
use serde_json::json;

use crate::client::{Service, at, options, start};

async fn begin(options: &Options) -> Service {
    start(options.clone()).await
}

#[tokio::test]
async fn a_restart_changes_no_byte_of_a_closed_hour_and_loses_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state: Some(folder.path().join("new")), ..options() };
    let service = begin(&options).await;
    service.handle.clock().set(at("2026-03-14T09:30"));
    let message = json!({ "to": ["a", "b"], "type": "txt", "body": { "msg": "x" } });
    let (_, sent) = service.post("/messages/users", &message).await;
    let recall = json!({ "msg_id": sent["data"]["a"], "to": "a", "chat_type": "chat" });
    assert_eq!(service.post("/messages/msg_recall", &recall).await.0, 200);
    service.handle.clock().set(at("2026-03-14T15:00"));
    let link = service.links("2026031409").await.remove(0);
    let before = service.fetch(&link).await.bytes().await.unwrap();
    service.handle.stop().await;

    let service = begin(&options).await;
    let link = service.links("2026031409").await.remove(0);
    assert_eq!(service.fetch(&link).await.bytes().await.unwrap(), before);
    assert_eq!(service.post("/messages/msg_recall", &recall).await.0, 403, "it is recalled already");
    let (_, again) = service.post("/messages/users", &message).await;
    assert!(again["data"]["a"].as_str().unwrap() > sent["data"]["b"].as_str().unwrap());

    let error = Emulator::start(options.clone()).await.unwrap_err();
    assert!(error.to_string().contains("could not use the folder of state"), "{error}");
}
