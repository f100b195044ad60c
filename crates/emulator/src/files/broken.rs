//! Bodies that end early, or never.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use http_body::Frame;

use crate::answer;

/// The first half of some bytes, after which the connection closes or nothing more comes.
#[derive(Debug)]
pub(crate) struct Broken {
    /// What is still to be sent.
    half: Option<Bytes>,
    /// The length that the header promises.
    promised: usize,
    end: End,
    /// Whether what was sent had a chance to leave before the end.
    flushed: bool,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Cut,
    Stalled,
}

impl Broken {
    /// The connection closes half way.
    pub(crate) fn cut(bytes: &Bytes) -> Self {
        Self::new(bytes, End::Cut)
    }

    /// Nothing comes after the first half.
    pub(crate) fn stalled(bytes: &Bytes) -> Self {
        Self::new(bytes, End::Stalled)
    }

    /// A 200 whose `Content-Length` the body falls short of.
    pub(crate) fn answer(self, content_type: &'static str) -> Response {
        let promised = HeaderValue::from(self.promised);
        let mut response = answer::typed(StatusCode::OK, content_type, Body::new(self));
        response.headers_mut().insert(CONTENT_LENGTH, promised);
        response
    }

    fn new(bytes: &Bytes, end: End) -> Self {
        Self { half: Some(bytes.slice(..bytes.len() / 2)), promised: bytes.len(), end, flushed: false }
    }
}

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        match self.end {
            End::Stalled => Poll::Pending,
            // A body that waits makes the server flush; an error at once would take the half with it.
            End::Cut if !self.flushed => {
                self.flushed = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            End::Cut => Poll::Ready(Some(Err(io::ErrorKind::BrokenPipe.into()))),
        }
    }
}
