//! Where downloaded bytes go, and how they get there (section 3.5).

use std::fs::File;
use std::io::{self, Seek, Write};
use std::sync::Arc;

use bytes::Bytes;
use reqwest::Response;

use crate::error::Error;
use crate::http::{Http, cut, place, points_to};
use crate::link::Link;

/// Takes the bytes of one part, and can start over: an attempt that broke off must leave nothing of itself behind.
///
/// Bytes are written in pieces of some kilobytes on the runtime's own thread: a target is to be about as quick as a file.
pub trait Target: Write + Send {
    /// Makes the target as empty as it was made. Called before every attempt, the first included.
    ///
    /// # Errors
    ///
    /// When what was written cannot be taken back.
    fn restart(&mut self) -> io::Result<()>;
}

/// A file is cut to nothing.
impl Target for File {
    fn restart(&mut self) -> io::Result<()> {
        self.set_len(0)?;
        self.rewind()
    }
}

/// A vector is cleared.
impl Target for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

/// What came of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Downloaded {
    /// The length of the part as served, in bytes.
    pub bytes: u64,
}

/// Fetches a part once.
pub(crate) async fn attempt(http: &Http, link: &Link, into: &mut dyn Target) -> Result<Downloaded, Error> {
    into.restart().map_err(unwritten)?;
    let limit = http.timeouts.file;
    tokio::time::timeout(limit, fetch(http, link, into))
        .await
        .unwrap_or_else(|_| Err(Error::TimedOut { host: place(link.url()), what: "a whole file from", limit }))
}

async fn fetch(http: &Http, link: &Link, into: &mut dyn Target) -> Result<Downloaded, Error> {
    let mut response = http.open(link).await?;
    let host = place(response.url());
    if response.status() != 200 {
        return Err(refused(http, host, response).await);
    }
    let most = http.limits.download_bytes;
    let too_much = || Error::TooMuch { what: "the length of the part in bytes", limit: most };
    if response.content_length().is_some_and(|length| length > most) {
        return Err(too_much());
    }
    let mut bytes = 0;
    while let Some(piece) = next_piece(http, &host, bytes, &mut response).await? {
        bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if bytes > most {
            return Err(too_much());
        }
        into.write_all(&piece).map_err(unwritten)?;
    }
    into.flush().map_err(unwritten)?;
    Ok(Downloaded { bytes })
}

pub(crate) async fn next_piece(
    http: &Http,
    host: &str,
    bytes: u64,
    response: &mut Response,
) -> Result<Option<Bytes>, Error> {
    let limit = http.timeouts.idle;
    match tokio::time::timeout(limit, response.chunk()).await {
        Ok(piece) => piece.map_err(|error| cut(host, bytes, error)),
        Err(_) => Err(Error::TimedOut { host: host.to_owned(), what: "the next piece of a file from", limit }),
    }
}

/// What a status other than 200 means, coming from a store. It has no token to refuse: whatever it holds against the
/// request, it holds against the link.
async fn refused(http: &Http, host: String, response: Response) -> Error {
    let status = response.status().as_u16();
    let retry_after = http.retry_after(response.headers());
    match status {
        300..400 => Error::Unexpected { status, said: points_to(&response).map(|to| format!("a redirect to {to}")) },
        429 => Error::Throttled { status, retry_after, said: None },
        408 | 500.. => Error::ServiceFault { host, status, retry_after, said: None },
        400.. => Error::LinkExpired { status, code: code(http, response).await },
        _ => Error::Unexpected { status, said: None },
    }
}

/// The word in `<Code>` of an OSS or S3 error. The rest of that page quotes the request and its signature.
async fn code(http: &Http, mut response: Response) -> Option<String> {
    /// The pages have some 500 bytes, with the code in front.
    const LONGEST: usize = 4_096;
    let read = async {
        let mut page = Vec::new();
        while page.len() < LONGEST
            && let Ok(Some(piece)) = response.chunk().await
        {
            page.extend(piece);
        }
        page
    };
    let page = tokio::time::timeout(http.timeouts.idle, read).await.ok()?;
    code_in(&String::from_utf8_lossy(&page))
}

/// The same in a page that is there.
pub(crate) fn code_in(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<Code>")?;
    let (word, _) = rest.split_once("</Code>")?;
    let is_word = (1..=64).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_word.then(|| word.to_owned())
}

fn unwritten(error: io::Error) -> Error {
    Error::Target { source: Arc::new(error) }
}
