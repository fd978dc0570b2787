//! Reads the rest of a request's body that the application did not read, such as that of a request without a token.
//!
//! Specs: RFC 9112 section 9.3 (read the whole body, or close the connection after the response) and 9.6 (`close`).
//! hyper alone closes without `Connection: close`: a client that sends head and body in two packets, as Python's do,
//! takes the connection for alive and loses its next request (`raw_http`). That is the first 401 of every login.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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

/// When more than this is left, the connection is closed instead.
const MAX_DRAIN_BYTES: u64 = 64 * 1024;

const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// The body of a request, if it has one, shared with the application that reads it.
pub(super) struct UnreadBody {
    body: Option<SharedBody>,
    /// The client sends nothing before `100 Continue`, and reading would send that.
    expects_continue: bool,
}

/// The request for the application, and its body for afterwards.
pub(super) fn share_body(request: hyper::Request<Incoming>) -> (Request, UnreadBody) {
    let expects_continue = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let body = (!body.is_end_stream()).then(|| SharedBody(Arc::new(Mutex::new(body))));
    let request = Request::from_parts(parts, body.clone().map_or_else(Body::empty, Body::new));
    (request, UnreadBody { body, expects_continue })
}

impl UnreadBody {
    /// Reads what is left; `false` when that is too much, and the response must close the connection.
    pub(super) async fn drain(self) -> bool {
        let Some(mut body) = self.body.filter(|body| !body.is_end_stream()) else {
            return true;
        };
        if self.expects_continue {
            return false;
        }
        let drain = async {
            let mut budget = MAX_DRAIN_BYTES;
            while budget >= body.size_hint().lower() {
                match body.frame().await {
                    Some(Ok(frame)) => {
                        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                        budget = budget.saturating_sub(length);
                    }
                    None => return true,
                    Some(Err(_)) => return false,
                }
            }
            false
        };
        tokio::time::timeout(DRAIN_TIMEOUT, drain).await.unwrap_or(false)
    }
}

#[derive(Clone)]
struct SharedBody(Arc<Mutex<Incoming>>);

impl SharedBody {
    fn lock(&self) -> MutexGuard<'_, Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut *self.lock()).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().size_hint()
    }
}
