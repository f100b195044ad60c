//! Upload and download.

use std::io::Cursor;
use std::time::Duration;

use emulator::{Customs, Options};
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, RANGE};
use serde_json::{Value, json};

use crate::client::{Service, options, read, start};

impl Service {
    /// Uploads with these headers.
    async fn upload(&self, headers: &[(&str, &str)], body: &[u8]) -> (u16, Value) {
        let mut form = b"--sea\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\r\n".to_vec();
        form.extend_from_slice(body);
        form.extend_from_slice(b"\r\n--sea--\r\n");
        let url = format!("{}/chatfiles", self.handle.base_url());
        let mut request = self.client.post(url).bearer_auth(self.handle.token()).body(form);
        request = request.header(CONTENT_TYPE, "multipart/form-data; boundary=sea");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await.unwrap()).await
    }

    async fn download(&self, uuid: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        let mut request = self.get(&format!("/chatfiles/{uuid}")).bearer_auth(self.handle.token());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }
}

fn uuid(answer: &Value) -> String {
    answer["entities"][0]["uuid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_comes_back_as_it_went_whole_or_in_ranges() {
    let service = start(options()).await;
    let (status, answer) = service.upload(&[], b"0123456789").await;
    assert_eq!(status, 200, "{answer}");
    let base = service.handle.base_url();
    let expected = json!({
        "action": "post", "application": "8be024f0-1111-11e8-b697-5d598d5f8402", "path": "/chatfiles",
        "uri": format!("{base}/chatfiles"), "entities": [{ "uuid": uuid(&answer), "type": "chatfile" }],
        "timestamp": service.handle.clock().now().timestamp_millis(), "duration": 0,
        "organization": "harbor-org", "applicationName": "lantern",
    });
    assert_eq!(answer, expected);
    let whole = service.download(&uuid(&answer), &[]).await;
    assert_eq!(whole.headers()[CONTENT_TYPE], "application/octet-stream");
    assert_eq!(whole.bytes().await.unwrap(), "0123456789");
    let part = service.download(&uuid(&answer), &[(RANGE.as_str(), "bytes=2-4")]).await;
    assert_eq!((part.status().as_u16(), &part.headers()[CONTENT_RANGE]), (206, &"bytes 2-4/10".parse().unwrap()));
    assert_eq!(part.bytes().await.unwrap(), "234");
    let bare = service.get(&format!("/chatfiles/{}", uuid(&answer))).send().await.unwrap();
    assert_eq!(bare.status(), 200, "a token is not asked for");
    let corrupt = service.get(&format!("/chatfiles/{}", uuid(&answer))).bearer_auth("YWMtx").send().await.unwrap();
    assert_eq!(read(corrupt).await.1["error"], "auth_bad_access_token");
}

#[tokio::test]
async fn a_restricted_file_asks_for_its_secret() {
    let service = start(options()).await;
    let (_, answer) = service.upload(&[("restrict-access", "true")], b"x").await;
    let secret = answer["entities"][0]["share-secret"].as_str().unwrap();
    let uuid = uuid(&answer);
    assert_eq!(service.download(&uuid, &[]).await.status(), 401);
    assert_eq!(service.download(&uuid, &[("share-secret", "wrong")]).await.status(), 403);
    assert_eq!(service.download(&uuid, &[("share-secret", secret)]).await.status(), 200);
    assert_eq!(service.download(&format!("{uuid}?share-secret={secret}"), &[]).await.status(), 200);
    let (_, other) = service.upload(&[("restrict-access", "true")], b"x").await;
    assert_ne!(other["entities"][0]["share-secret"], secret);
}

#[tokio::test]
async fn what_cannot_be_taken_or_given_is_named() {
    let customs = Customs { file_bytes: 100, ..Customs::default() };
    let service = start(Options { customs, ..options() }).await;
    assert_eq!(service.upload(&[], &[0; 100]).await.0, 200);
    let (status, answer) = service.upload(&[], &[0; 101]).await;
    assert_eq!((status, &answer["error"]), (413, &json!("file exceeding maximum limit")));
    assert_eq!(answer["error_description"], "the file size exceeds the maximum limit.");
    let url = format!("{}/chatfiles", service.handle.base_url());
    for (content_type, body) in [
        ("application/json", ""),
        ("multipart/form-data; boundary=sea", "--sea--\r\n"),
        (
            "multipart/form-data; boundary=sea",
            "--sea\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--sea--",
        ),
    ] {
        let request = service.client.post(&url).bearer_auth(service.handle.token()).body(body);
        let (status, answer) = read(request.header(CONTENT_TYPE, content_type).send().await.unwrap()).await;
        assert_eq!((status, &answer["error"]), (400, &json!("illegal_argument")));
        assert_eq!(answer["error_description"], "file must be provided.");
    }
    let (status, answer) = read(service.download("5fd74830-58b7-11e9-822a-81ea50bb049d", &[]).await).await;
    assert_eq!((status, &answer["error"]), (404, &json!("entity_not_found")));
    assert_eq!(answer["error_description"], "file may not exists");
}

#[tokio::test]
async fn a_file_lives_for_a_week_or_until_its_message_is_recalled() {
    let service = start(options()).await;
    let (_, answer) = service.upload(&[], b"x").await;
    let old = uuid(&answer);
    service.handle.clock().advance(Duration::from_secs(7 * 24 * 3600 - 1));
    assert_eq!(service.download(&old, &[]).await.status(), 200);
    service.handle.clock().advance(Duration::from_secs(1));
    let (status, answer) = read(service.download(&old, &[]).await).await;
    assert_eq!((status, &answer["error"]), (404, &json!("file_expired")));
    assert_eq!(answer["error_description"], format!("file {old} is expired"));

    let (_, answer) = service.upload(&[], b"x").await;
    let file = uuid(&answer);
    let url = format!("{}/chatfiles/{file}", service.handle.base_url());
    let message = json!({ "to": ["teo-77"], "type": "file", "body": { "url": url, "filename": "a" } });
    let id = service.post("/messages/users", &message).await.1["data"]["teo-77"].clone();
    let recall = json!({ "msg_id": id, "to": "teo-77", "chat_type": "chat" });
    assert_eq!(service.post("/messages/msg_recall", &recall).await.0, 200);
    assert_eq!(service.download(&file, &[]).await.status(), 404);
}

#[tokio::test]
async fn a_thumbnail_fits_into_what_the_upload_named() {
    let service = start(options()).await;
    let noise = |x: u32, y: u32| (x + 300 * y).pow(2).wrapping_mul(2_654_435_761).to_be_bytes()[0];
    let image = image::GrayImage::from_fn(300, 200, |x, y| image::Luma([noise(x, y)]));
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let png = png.into_inner();
    assert!(png.len() > 10 << 10, "a smaller one would be its own thumbnail");
    let (_, answer) = service.upload(&[("thumbnail-width", "60"), ("thumbnail-height", "60")], &png).await;
    let small = service.download(&uuid(&answer), &[("thumbnail", "true")]).await.bytes().await.unwrap();
    let small = image::load_from_memory(&small).unwrap();
    assert_eq!((small.width(), small.height()), (60, 40));
    let whole = service.download(&uuid(&answer), &[("thumbnail", "false")]).await.bytes().await.unwrap();
    assert_eq!(whole, png);
}
