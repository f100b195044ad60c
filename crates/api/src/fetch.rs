//! Downloading files that messages speak of (section 8).

use std::io;
use std::sync::Arc;

use chat::Secret;
use reqwest::header::{ACCEPT, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_RANGE, LOCATION, RANGE};
use reqwest::{Method, RequestBuilder, Response};
use url::Url;

use crate::call::Preview;
use crate::client::Client;
use crate::download::{Target, code_in, next_piece};
use crate::error::{Error, Refusal};
use crate::file::FileId;
use crate::http::{Http, bearer, place, unsent};
use crate::reach::is_plain;
use crate::retry::Patience;
use crate::token::Token;
use crate::unfit::Unfit;
use crate::wire::Fault;

/// Which picture of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// The file itself.
    Original,
    /// The thumbnail that the service made of it.
    Thumbnail,
}

/// What came of asking for a file. That it is no longer there is an answer, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// It is there, whole.
    Whole {
        /// How many bytes it has.
        bytes: u64,
        /// What the answer says that it is, such as `image/png`. Nothing vouches for it.
        media_type: Option<String>,
    },
    /// The service does not have it: it never did, or kept it as long as it keeps files (7 days by default).
    Gone {
        /// The status of the answer.
        status: u16,
        /// The service's word for it, such as `file_expired`.
        said: Option<String>,
    },
    /// The service has it for others: the share secret is missing or wrong.
    Denied {
        /// The status of the answer.
        status: u16,
        /// The service's word for it.
        said: Option<String>,
    },
}

impl FileId {
    /// What would be sent.
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] when the secret cannot be sent.
    pub fn preview(&self, base_url: &Url, picture: Picture) -> Result<Preview, Error> {
        secret_header(self.secret())?;
        let secret = self.secret().map(|_| (SHARE_SECRET, "…".to_owned()));
        let thumbnail = (picture == Picture::Thumbnail).then(|| (THUMBNAIL, "true".to_owned()));
        let headers = secret.into_iter().chain(thumbnail).collect();
        Ok(Preview { method: "GET".to_owned(), url: self.url(base_url).to_string(), headers, body: String::new() })
    }
}

const SHARE_SECRET: &str = "share-secret";
const THUMBNAIL: &str = "thumbnail";

fn secret_header(secret: Option<&Secret>) -> Result<Option<HeaderValue>, Unfit> {
    let Some(secret) = secret else { return Ok(None) };
    let mut value = HeaderValue::from_str(secret.reveal()).map_err(|_| Unfit::ShareSecret)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// What an attempt left in the target for the next one: so many bytes of this version of the file.
#[derive(Default)]
struct Kept {
    bytes: u64,
    /// A strong validator: without one nobody knows that the rest belongs to the same file.
    etag: Option<HeaderValue>,
    /// How many bytes the whole file has, where the answer is a part of it that says so.
    whole: Option<u64>,
}

impl Kept {
    fn can_be_continued(&self) -> bool {
        self.bytes > 0 && self.etag.is_some()
    }

    /// Says where the answer begins within the file: the target has to be emptied where that is at its beginning.
    fn begins(&mut self, response: &Response) -> Result<bool, Error> {
        let etag = response.headers().get(ETAG).filter(|etag| !etag.as_bytes().starts_with(b"W/")).cloned();
        if response.status() == 206 {
            let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok()).unwrap_or_default();
            let continues = range.starts_with(&format!("bytes {}-", self.bytes));
            if self.can_be_continued() && continues && (etag.is_none() || etag == self.etag) {
                self.whole = range.rsplit_once('/').and_then(|(_, whole)| whole.trim().parse().ok());
                return Ok(true);
            }
            *self = Self::default();
            return Err(another_part(place(response.url())));
        }
        *self = Self { bytes: 0, etag, whole: None };
        Ok(false)
    }

    /// Looks whether a part that was the last one reached the end of the file: a store may give less than was asked for.
    fn ends(&mut self, host: String) -> Result<(), Error> {
        let Some(whole) = self.whole.filter(|whole| *whole != self.bytes) else { return Ok(()) };
        if self.bytes > whole {
            *self = Self::default();
        }
        Err(another_part(host))
    }
}

fn another_part(host: String) -> Error {
    Error::Malformed { host, what: "it is another part of the file than was asked for".to_owned() }
}

/// A file that is to be fetched.
struct Wanted<'a> {
    url: Url,
    /// The file of the service that it is; `None` elsewhere.
    file: Option<(&'a FileId, Picture)>,
}

/// An answer to an attempt.
enum Heard {
    Fetched(Fetched),
    /// Every redirect followed, and a file at its end.
    File(Response),
}

impl Client {
    /// Downloads a file into `into`. 100 calls a second.
    ///
    /// The token and the share secret go to the service alone: where it redirects to a store of another host, the store
    /// gets neither. Only such stores are connected to as [`Outside`](crate::Outside) allows. An attempt that
    /// breaks off is continued where it stopped, if the store names the version of its file, and otherwise begun
    /// again after [`Target::restart`]; so when this succeeds, `into` holds the file and nothing else.
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] when the secret cannot be sent, [`Error::TooMuch`] beyond
    /// [`Limits::attachment_bytes`](crate::Limits::attachment_bytes), [`Error::Target`] when `into` fails, and what
    /// remains after the retries.
    pub async fn fetch_file(&self, file: &FileId, picture: Picture, into: &mut dyn Target) -> Result<Fetched, Error> {
        self.fetch(&Wanted { url: file.url(&self.base_url), file: Some((file, picture)) }, into).await
    }

    /// Downloads what is at a URL that is not the service's into `into`, if [`Outside`](crate::Outside) names its host.
    /// Neither the token nor any other header that proves something is sent. Else as [`Client::fetch_file`].
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] for another host, or a URL that is not http or has a password; else as [`Client::fetch_file`].
    pub async fn fetch_outside(&self, url: &Url, into: &mut dyn Target) -> Result<Fetched, Error> {
        if !is_plain(url) {
            return Err(Unfit::FileUrl.into());
        }
        if !self.outside.names(url) {
            return Err(Unfit::Host { host: place(url) }.into());
        }
        self.fetch(&Wanted { url: url.clone(), file: None }, into).await
    }

    async fn fetch(&self, wanted: &Wanted<'_>, into: &mut dyn Target) -> Result<Fetched, Error> {
        let mut patience = Patience::with_links(&self.retries);
        let mut may_renew = self.tokens.can_renew();
        let mut kept = Kept::default();
        loop {
            let token = match wanted.file {
                Some(_) => Some(self.tokens.current(&self.http).await?),
                None => None,
            };
            self.quotas.download.take(1).await?;
            let error = match self.attempt(wanted, token.as_ref(), &mut kept, into).await {
                Ok(fetched) => return Ok(fetched),
                Err(error) => error,
            };
            if let Some(token) = token.as_ref().filter(|_| may_renew)
                && matches!(error, Error::Refused { refusal: Refusal::Token, .. })
            {
                may_renew = false;
                self.tokens.reject(token).await;
                continue;
            }
            self.spare(&self.quotas.download, &error).await?;
            patience.rest(error).await?;
        }
    }

    async fn attempt(
        &self,
        wanted: &Wanted<'_>,
        token: Option<&Token>,
        kept: &mut Kept,
        into: &mut dyn Target,
    ) -> Result<Fetched, Error> {
        let limit = self.http.timeouts.file;
        let fetch = async {
            match self.hear(wanted, token, kept).await? {
                Heard::Fetched(fetched) => Ok(fetched),
                Heard::File(response) => self.take_in(response, kept, into).await,
            }
        };
        let host = place(&wanted.url);
        let late = || Err(Error::TimedOut { host, what: "a whole file from", limit });
        tokio::time::timeout(limit, fetch).await.unwrap_or_else(|_| late())
    }

    /// Asks whoever has the file, and whomever that one redirects to.
    async fn hear(&self, wanted: &Wanted<'_>, token: Option<&Token>, kept: &mut Kept) -> Result<Heard, Error> {
        let mut url = wanted.url.clone();
        let mut token = token;
        for _ in 0..=self.http.limits.redirects {
            let mut request = self.request(&url)?.header(ACCEPT, "application/octet-stream");
            if let (Some(token), Some((file, picture))) = (token, wanted.file) {
                request = proven(request, file, picture, token)?;
            }
            if let Some(etag) = kept.etag.as_ref().filter(|_| kept.can_be_continued()) {
                request = request.header(RANGE, format!("bytes={}-", kept.bytes)).header(IF_RANGE, etag.clone());
            }
            let response = open(&self.http, &url, request).await?;
            match response.status().as_u16() {
                200 | 206 => return Ok(Heard::File(response)),
                301 | 302 | 303 | 307 | 308 => {
                    let next = self.next(&response)?;
                    // Once away from the service, the token does not come back.
                    token = token.filter(|_| next.origin() == url.origin());
                    url = next;
                }
                416 => {
                    *kept = Kept::default();
                    let what = "it has no such part of the file".to_owned();
                    return Err(Error::Malformed { host: place(&url), what });
                }
                _ => return self.refused(response, wanted.file, token).await.map(Heard::Fetched),
            }
        }
        Err(Error::Unexpected { status: 302, said: Some("too many redirects".to_owned()) })
    }

    /// A request that connects to the service, or else to where files may come from.
    fn request(&self, url: &Url) -> Result<RequestBuilder, Error> {
        if url.origin() == self.base_url.origin() {
            return Ok(self.http.still(Method::GET, url.clone()));
        }
        self.outside.check(url)?;
        Ok(self.http.outside(url.clone()))
    }

    fn next(&self, response: &Response) -> Result<Url, Error> {
        let status = response.status().as_u16();
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let next = location.and_then(|location| response.url().join(location).ok()).filter(is_plain);
        let said = || Some("a redirect to where no file of the service is".to_owned());
        next.ok_or_else(|| Error::Unexpected { status, said: said() })
    }

    /// What a status means that is neither a file nor a redirect.
    async fn refused(
        &self,
        response: Response,
        file: Option<(&FileId, Picture)>,
        token: Option<&Token>,
    ) -> Result<Fetched, Error> {
        let host = place(response.url());
        let secret = file.and_then(|(file, _)| file.secret()).cloned();
        let hidden = secret.into_iter().chain(token.map(|token| token.secret.clone())).collect();
        let limit = self.http.timeouts.head;
        let whole = tokio::time::timeout(limit, self.http.whole(&host, response, hidden)).await;
        let answer = whole.map_err(|_| Error::TimedOut { host, what: "an answer from", limit })??;
        let (status, fault) = (answer.status, Fault::read(&answer.body));
        let said = (!fault.error.is_empty()).then(|| answer.presentable(&fault.error));
        match (status, fault.error.as_str()) {
            (401, _) if token.is_some() && speaks_of_token(&fault) => Err(answer.fault(&self.app().to_string())),
            // A store was sent nothing but the link, so it is the link that it refuses: the service gives a new one.
            (401 | 403, _) if file.is_some() && token.is_none() => {
                Err(Error::LinkExpired { status, code: code_in(&String::from_utf8_lossy(&answer.body)) })
            }
            (401 | 403, _) if !says_slower(&fault) => Ok(Fetched::Denied { status, said }),
            (404, "organization_application_not_found" | "service_resource_not_found") if token.is_some() => {
                Err(answer.fault(&self.app().to_string()))
            }
            (404 | 410, _) => Ok(Fetched::Gone { status, said }),
            _ => Err(answer.fault(&self.app().to_string()).declined()),
        }
    }

    async fn take_in(&self, mut response: Response, kept: &mut Kept, into: &mut dyn Target) -> Result<Fetched, Error> {
        let unwritten = |error: io::Error| Error::Target { source: Arc::new(error) };
        if !kept.begins(&response)? {
            into.restart().map_err(unwritten)?;
        }
        let most = self.http.limits.attachment_bytes;
        let too_much = || Error::TooMuch { what: "the length of the file in bytes", limit: most };
        let (host, media_type) = (place(response.url()), media_type(&response));
        if response.content_length().is_some_and(|length| length.saturating_add(kept.bytes) > most) {
            return Err(too_much());
        }
        while let Some(piece) = next_piece(&self.http, &host, kept.bytes, &mut response).await? {
            let bytes = kept.bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if bytes > most {
                return Err(too_much());
            }
            into.write_all(&piece).map_err(unwritten)?;
            kept.bytes = bytes;
        }
        kept.ends(host)?;
        into.flush().map_err(unwritten)?;
        Ok(Fetched::Whole { bytes: kept.bytes, media_type })
    }
}

/// With what shows that the file may be had.
fn proven(request: RequestBuilder, file: &FileId, picture: Picture, token: &Token) -> Result<RequestBuilder, Error> {
    let (name, value) = bearer(&token.secret)?;
    let mut request = request.header(name, value);
    if let Some(secret) = secret_header(file.secret())? {
        request = request.header(SHARE_SECRET, secret);
    }
    Ok(if picture == Picture::Thumbnail { request.header(THUMBNAIL, "true") } else { request })
}

async fn open(http: &Http, url: &Url, request: RequestBuilder) -> Result<Response, Error> {
    let (host, limit) = (place(url), http.timeouts.head);
    match tokio::time::timeout(limit, request.send()).await {
        Ok(sent) => sent.map_err(|error| unsent(&host, error)),
        Err(_) => Err(Error::TimedOut { host, what: "the head of a file from", limit }),
    }
}

/// The type of what is served, without parameters: `image/png`. Nothing that is not one in form.
fn media_type(response: &Response) -> Option<String> {
    /// What registries take, twice (RFC 6838).
    const LONGEST: usize = 255;
    let text = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = text.split(';').next()?.trim().to_ascii_lowercase();
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let is_one =
        essence.len() <= LONGEST && essence.split_once('/').is_some_and(|(one, other)| is_name(one) && is_name(other));
    is_one.then_some(essence)
}

/// A 401 may be for the token or for the share secret (section 14, row 15); of the token it says so.
fn speaks_of_token(fault: &Fault) -> bool {
    let description = fault.description.to_ascii_lowercase();
    let is_of_secret = description.contains("secret");
    !is_of_secret && matches!(fault.error.as_str(), "unauthorized" | "auth_bad_access_token")
}

fn says_slower(fault: &Fault) -> bool {
    fault.error == "reach_limit" || fault.description.to_ascii_lowercase().contains("reach limit")
}
