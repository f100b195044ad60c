//! Uploads in Google's XML language, handed on in its JSON language.
//!
//! The client of the program writes objects in the one. fake-gcs-server answers all else in it, but takes uploads in the other
//! alone, with the same conditions and metadata under other names. A connection carries one request.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::{Map, Value, json};

use crate::gate::read_head;

/// What parts of a body are parted by.
const BOUNDARY: &str = "part-of-an-upload-91c6f5d2";

/// Hands on what comes here to a store, which knows itself by the name of its host.
pub(crate) fn translate(listener: TcpListener, name: String, store: String) {
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let (name, store) = (name.clone(), store.clone());
            std::thread::spawn(move || hand_on(&client, &name, &store));
        }
    });
}

fn hand_on(mut client: &TcpStream, name: &str, store: &str) -> io::Result<()> {
    let mut request = BufReader::new(client);
    let Some((head, length)) = read_head(&mut request)? else { return Ok(()) };
    let mut body = vec![0; length];
    request.read_exact(&mut body)?;
    let mut store = TcpStream::connect(store)?;
    if head.starts_with("PUT ") {
        store.write_all(&in_json(&head, &body))?;
        let mut answer = Vec::new();
        store.read_to_end(&mut answer)?;
        return client.write_all(in_xml(&answer).as_bytes());
    }
    let (line, fields) = head.split_once("\r\n").unwrap();
    let others = fields.split_inclusive("\r\n").filter(|field| !field.to_ascii_lowercase().starts_with("host:"));
    write!(store, "{line}\r\nhost: {name}\r\nconnection: close\r\n{}", others.collect::<String>())?;
    store.write_all(&body)?;
    io::copy(&mut store, &mut client).map(drop)
}

/// `PUT /bucket/object`, its condition and its metadata in headers.
fn in_json(head: &str, body: &[u8]) -> Vec<u8> {
    let (line, fields) = head.split_once("\r\n").unwrap();
    let target = line.split(' ').nth(1).unwrap();
    assert!(!target.contains('?'), "uploads in parts are not translated: {line}");
    let (bucket, name) = target.trim_start_matches('/').split_once('/').unwrap();
    let (mut condition, mut metadata) = (String::new(), Map::new());
    for (field, value) in fields.lines().filter_map(|field| field.split_once(": ")) {
        let field = field.to_ascii_lowercase();
        if field == "x-goog-if-generation-match" {
            condition = format!("&ifGenerationMatch={value}");
        } else if let Some(key) = field.strip_prefix("x-goog-meta-") {
            metadata.insert(key.to_owned(), Value::from(value));
        }
    }
    let description = json!({ "metadata": metadata, "contentType": "application/octet-stream" });
    let parts = [
        format!("--{BOUNDARY}\r\ncontent-type: application/json\r\n\r\n{description}\r\n").into_bytes(),
        format!("--{BOUNDARY}\r\ncontent-type: application/octet-stream\r\n\r\n").into_bytes(),
        body.to_vec(),
        format!("\r\n--{BOUNDARY}--\r\n").into_bytes(),
    ]
    .concat();
    let target = format!("/upload/storage/v1/b/{bucket}/o?uploadType=multipart&name={name}{condition}");
    let head = format!(
        "POST {target} HTTP/1.1\r\nhost: store\r\nconnection: close\r\ncontent-length: {}\r\n\
         content-type: multipart/related; boundary={BOUNDARY}\r\n\r\n",
        parts.len(),
    );
    [head.into_bytes(), parts].concat()
}

/// The answer to an upload: the object's generation and tag are in the body.
fn in_xml(answer: &[u8]) -> String {
    let answer = String::from_utf8_lossy(answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or("HTTP/1.1 502 Bad Gateway");
    let object: Value = serde_json::from_str(body).unwrap_or_default();
    let tags = match (object["generation"].as_str(), object["etag"].as_str()) {
        (Some(generation), Some(tag)) => format!("x-goog-generation: {generation}\r\netag: \"{tag}\"\r\n"),
        _ => String::new(),
    };
    format!("{status}\r\n{tags}connection: close\r\ncontent-length: 0\r\n\r\n")
}
