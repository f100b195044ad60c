//! The request of each method as the reference has it, and the answer that the reference gives; ids and times aside.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::{Service, options, read, start};

/// Sends a step, and compares its answer if it has one.
async fn check(service: &Service, method: &str, step: &Value, captured: &mut BTreeMap<String, String>) {
    let filled = |value: &Value| {
        let mut text = value.to_string();
        captured.iter().for_each(|(name, id)| text = text.replace(&format!("{{{name}}}"), id));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let request = filled(&step["request"]);
    let url = format!("{}{}", service.handle.base_url(), request[1].as_str().unwrap());
    let verb = request[0].as_str().unwrap().parse().unwrap();
    let mut call = service.client.request(verb, url).header("Accept", "application/json").json(&request[2]);
    if step["anonymous"] != true {
        call = call.bearer_auth(service.handle.token());
    }
    let (status, answer) = read(call.send().await.unwrap()).await;
    assert_eq!(status, 200, "{method}: {answer}");
    for (name, pointer) in step["capture"].as_object().into_iter().flatten() {
        let found = answer.pointer(pointer.as_str().unwrap()).unwrap_or_else(|| panic!("{method}: {answer}"));
        captured.insert(name.clone(), found.as_str().map_or_else(|| found.to_string(), str::to_owned));
    }
    if let Some(expected) = step.get("answer") {
        assert_eq!(aside(answer, service, captured), *expected, "{method}");
    }
}

/// The answer with the reference's ids, time and host.
fn aside(mut answer: Value, service: &Service, captured: &BTreeMap<String, String>) -> Value {
    if let Some(time) = answer.get_mut("timestamp") {
        assert_eq!(*time, service.handle.clock().now().timestamp_millis());
        *time = json!(0);
    }
    let mut text =
        answer.to_string().replace(&format!("http://{}", service.handle.address()), "https://a1.example.com");
    for (name, id) in captured {
        text = text.replace(&format!("\"{id}\""), id).replace(id, &format!("\"{{{name}}}\""));
    }
    // An id inside a longer text got quotes of its own.
    let text = text.replace("/\"{id}\"\"", "/{id}\"");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn every_method_answers_as_the_reference_shows() {
    let methods: Value = serde_json::from_str(include_str!("../fixtures/methods.json")).unwrap();
    for method in methods.as_array().unwrap() {
        let service = start(options()).await;
        let mut captured = BTreeMap::new();
        for step in method["steps"].as_array().unwrap() {
            check(&service, method["method"].as_str().unwrap(), step, &mut captured).await;
        }
    }
}
