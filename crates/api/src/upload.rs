//! Uploading files (section 7).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat::Secret;
use futures::{StreamExt as _, stream};
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;
use url::Url;

use crate::answer::Answer;
use crate::call::{Call, Preview, Repeat};
use crate::client::{Client, below};
use crate::config::Limits;
use crate::error::Error;
use crate::file::{FileAt, FileId, is_uuid};
use crate::http::Http;
use crate::unfit::Unfit;
use crate::wire::Uploads;

/// A file to be uploaded. It is read from the disk as it goes, never whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Where it is.
    pub path: PathBuf,
    /// Whether whoever downloads it has to know a secret, which the answer then holds.
    pub restrict_access: bool,
    /// How large a thumbnail of a picture may be in pixels, width and height; 170 and 170 where it is `None`.
    pub thumbnail: Option<(u32, u32)>,
}

/// A file that the service took. It keeps it for 7 days by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// Its id.
    pub uuid: String,
    /// What downloads it, if access is restricted.
    pub secret: Option<Secret>,
    /// Where it is, for a message that speaks of it.
    pub at: FileAt,
}

impl Uploaded {
    /// The address of the file.
    #[must_use]
    pub fn url(&self) -> &str {
        self.at.url()
    }
}

/// An upload is given up when it is slower than this, in bytes a second.
const SLOWEST: u64 = 16 << 10;

impl Upload {
    /// What would be sent; of the body, which is the file, nothing is shown.
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] as with [`Client::upload`].
    pub fn preview(&self, base_url: &Url, limits: &Limits) -> Result<Preview, Error> {
        self.open(limits)?;
        let headers = self.headers().collect();
        let url = below(base_url, &["chatfiles"]).to_string();
        Ok(Preview { method: "POST".to_owned(), url, headers, body: String::new() })
    }

    /// The file's name, as the service will show it to people.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let restrict = self.restrict_access.then(|| ("restrict-access", "true".to_owned()));
        let size = self
            .thumbnail
            .map(|(width, height)| [("thumbnail-width", width.to_string()), ("thumbnail-height", height.to_string())]);
        restrict.into_iter().chain(size.into_iter().flatten())
    }

    /// The file and its length, if it may be uploaded.
    fn open(&self, limits: &Limits) -> Result<(File, u64), Error> {
        let path = &self.path;
        let unread = |error| Error::Source { path: path.clone(), source: Arc::new(error) };
        // Opening a pipe waits for whoever writes into it.
        if !path.metadata().map_err(unread)?.is_file() {
            return Err(Unfit::NoFile { path: path.clone() }.into());
        }
        let file = File::open(path).map_err(unread)?;
        let bytes = file.metadata().map_err(unread)?.len();
        let most = limits.upload_bytes;
        if bytes > most {
            return Err(Unfit::FileTooLarge { path: path.clone(), bytes, most }.into());
        }
        Ok((file, bytes))
    }

    fn request(&self, http: &Http, url: &Url) -> Result<RequestBuilder, Error> {
        let (file, bytes) = self.open(&http.limits)?;
        let form = Form::new(&self.name());
        let mut request = http.still(Method::POST, url.clone()).header(ACCEPT, "application/json");
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        Ok(request
            .header(CONTENT_TYPE, format!("multipart/form-data; boundary={}", form.boundary))
            .header(CONTENT_LENGTH, form.length(bytes))
            .body(form.body(file, bytes)))
    }
}

/// A form with one file in it (RFC 7578). Its length is known before, and it is never in memory.
struct Form {
    boundary: String,
    head: String,
    tail: String,
}

impl Form {
    fn new(name: &str) -> Self {
        // A random boundary of 128 bits is in no file.
        let boundary = format!("annals-{:032x}", rand::random::<u128>());
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: \
             application/octet-stream\r\n\r\n",
            escaped(name)
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        Self { boundary, head, tail }
    }

    fn length(&self, bytes: u64) -> u64 {
        let around = self.head.len() + self.tail.len();
        bytes + u64::try_from(around).unwrap_or(u64::MAX)
    }

    /// What the file grew by meanwhile is left out; when it shrank, the request breaks off.
    fn body(self, file: File, bytes: u64) -> reqwest::Body {
        let once = |text: String| stream::once(async move { io::Result::Ok(Bytes::from(text)) });
        let file = ReaderStream::new(tokio::fs::File::from_std(file).take(bytes));
        reqwest::Body::wrap_stream(once(self.head).chain(file).chain(once(self.tail)))
    }
}

/// A name within quotes, as browsers write it; other control characters have no business in a name.
fn escaped(name: &str) -> String {
    let plain: String = name.chars().map(|letter| if letter.is_control() { '_' } else { letter }).collect();
    plain.replace('"', "%22")
}

impl Client {
    /// Uploads a file. 100 calls a second. Is made again also when the answer was lost: the service then has a file that
    /// nobody knows of and that it deletes by itself.
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] when the path is no file or the file is larger than [`Limits::upload_bytes`], [`Error::Source`]
    /// when it cannot be read, [`Error::Declined`] when the service does not take it, and what remains after the retries.
    pub async fn upload(&self, upload: &Upload) -> Result<Uploaded, Error> {
        let (_, bytes) = upload.open(&self.http.limits)?;
        let url = below(&self.base_url, &["chatfiles"]);
        let request = |http: &Http| upload.request(http, &url);
        let limit = self.http.timeouts.head + Duration::from_secs(bytes / SLOWEST);
        let limit = limit.min(self.http.timeouts.file.max(self.http.timeouts.head));
        let quota = &self.quotas.upload;
        let call =
            Call { url: &url, quota, messages: 1, repeat: Repeat::Safely, limit, secrets: &[], request: &request };
        self.call(&call, |answer| self.uploaded(answer, &upload.path).map_err(Error::declined)).await
    }

    fn uploaded(&self, answer: &Answer, path: &Path) -> Result<Uploaded, Error> {
        if answer.status != 200 {
            return Err(answer.fault(&self.app().to_string()));
        }
        let uploads: Uploads = answer.json()?;
        let file = uploads.entities.into_iter().next().ok_or_else(|| answer.malformed("it names no file"))?;
        if !is_uuid(&file.uuid) {
            return Err(answer.malformed("the id of the file is no uuid"));
        }
        let secret = file.share_secret.filter(|secret| !secret.is_empty()).map(Secret::new);
        let id: FileId = file.uuid.parse()?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let at = FileAt::new(id.url(&self.base_url).as_str())?.named(name).with_secret(secret.clone());
        Ok(Uploaded { uuid: file.uuid, secret, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_its_quotes() {
        for (name, expected) in [
            ("tide table.pdf", "tide table.pdf"),
            ("港.png", "港.png"),
            ("a\"; name=\"x.png", "a%22; name=%22x.png"),
            ("a\r\nContent-Type: text/html\r\n\r\n.png", "a__Content-Type: text/html____.png"),
        ] {
            assert_eq!(escaped(name), expected);
        }
    }
}
