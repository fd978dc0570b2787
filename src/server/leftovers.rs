//! What an answer did not wait for: the body of a request that was refused by its head.
//!
//! Rules: RFC 9112 section 9.3 (read the whole body, or close the connection after the answer) and 9.6 (say so).
//! hyper closes, and says nothing: a client that sends head and body in two packets, as Python's do, would take the
//! connection for alive and lose its next request. That is the first 401 of every login.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::header,
};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};

/// Bytes that are read for the sake of the connection; rather than more, it is given up.
const WORTHWHILE: u64 = 64 * 1024;
/// And for how long.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where the unread body of a connection's request is put. One request at a time: HTTP/1.1 has no other.
#[derive(Debug, Clone, Default)]
pub(super) struct Leftovers(Arc<Mutex<Option<Unread>>>);

#[derive(Debug)]
struct Unread {
    body: Incoming,
    /// Whether the client waits for `100 Continue`: it sends nothing until we ask, and we would ask by reading.
    awaited: bool,
}

impl Leftovers {
    /// The request, whose body comes back here when nobody reads it to its end.
    pub(super) fn watch(&self, request: hyper::Request<Incoming>) -> Request {
        let awaited = request.headers().contains_key(header::EXPECT);
        request.map(|body| {
            let unread = Some(Unread { body, awaited });
            Body::new(Lent { unread, leftovers: self.clone() })
        })
    }

    /// Reads what is left; `false` when that is too much to be worth it, and the answer must close the connection.
    pub(super) async fn read(&self) -> bool {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Unread { mut body, awaited: false }) = left else {
            return left.is_none();
        };
        let drain = async {
            let mut rest = WORTHWHILE;
            while rest >= body.size_hint().lower() {
                match body.frame().await {
                    Some(Ok(frame)) => {
                        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                        rest = rest.saturating_sub(length);
                    }
                    None => return true,
                    Some(Err(_)) => return false,
                }
            }
            false
        };
        tokio::time::timeout(PATIENCE, drain).await.unwrap_or(false)
    }
}

/// A body that is not lost when it is dropped.
#[derive(Debug)]
struct Lent {
    unread: Option<Unread>,
    leftovers: Leftovers,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.unread {
            Some(unread) => Pin::new(&mut unread.body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.unread.as_ref().is_none_or(|unread| unread.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.unread.as_ref().map_or_else(SizeHint::default, |unread| unread.body.size_hint())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.is_end_stream() {
            *self.leftovers.0.lock().unwrap_or_else(PoisonError::into_inner) = self.unread.take();
        }
    }
}
