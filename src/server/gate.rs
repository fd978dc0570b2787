//! What every request passes, whatever the application: an id, a place in the queue, a time limit, a net under
//! panics, and words where the router answers without any.
//!
//! Rules: RFC 9110 sections 15.5.5, 15.5.6, 15.5.9 and 15.6.4 (404, 405, 408, 503); RFC 9112 section 6.1
//! (`Transfer-Encoding`). One plain function in place of a tower of layers: each layer would box the answer of each
//! request once more.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Instant,
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};
use tower::Service;
use tracing::Level;

use crate::{
    config::Limits,
    jsonrpc::{DEFAULT_MAX_DEPTH, MaxDepth},
    telemetry::{Context, RequestId, measurements::Stopwatch},
};

use super::answers::{explained, problem, refused, without_trailing_slash};

/// An application and the limits around it.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    app: Router,
    limits: Limits,
    in_work: AtomicUsize,
    stopping: AtomicBool,
    counted: bool,
}

impl Gate {
    /// Stands before `app`.
    pub fn new(app: Router, limits: &Limits) -> Self {
        Self(Arc::new(Inner {
            app: app.with_state(()),
            in_work: AtomicUsize::new(0),
            limits: limits.clone(),
            stopping: AtomicBool::new(false),
            counted: true,
        }))
    }

    /// Leaves its requests out of the numbers.
    #[must_use]
    pub(super) fn uncounted(app: Router, limits: &Limits) -> Self {
        let mut gate = Self::new(app, limits);
        Arc::get_mut(&mut gate.0).expect("nobody else has it yet").counted = false;
        gate
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// From now on every answer closes its connection.
    pub(super) fn stop(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
    }

    /// Answers a request, whatever happens: at the latest when `overdue` is done, which keeps the time.
    ///
    /// Takes the request out of its place: what is handed over by value, a future keeps room for twice.
    pub async fn answer(
        &self,
        request: &mut Request,
        overdue: impl Future<Output = ()>,
    ) -> Response {
        let stopwatch = self.0.counted.then(|| Stopwatch::start(request.method()));
        let context = Context::of(request.headers());
        let id = context.id.clone();
        // hyper takes a length beside chunks out of sight, and such a connection MUST NOT be used again
        // (RFC 9112, 6.1). Chunked requests are rare enough to let all of them pay.
        let last = request.headers().contains_key(header::TRANSFER_ENCODING);
        let mut response = context.scope(self.0.work(request, overdue, &id)).await;
        id.write_to(response.headers_mut());
        if last || self.0.stopping.load(Ordering::Relaxed) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        if let Some(stopwatch) = stopwatch {
            stopwatch.stop(response.status());
        }
        response
    }
}

impl Inner {
    /// A place among the requests in work, if one is left.
    fn place(&self) -> Option<Place<'_>> {
        let place = Place(&self.in_work);
        // Counted first, so that two cannot take the last place.
        (self.in_work.fetch_add(1, Ordering::Relaxed) < self.limits.max_concurrent_requests)
            .then_some(place)
    }

    /// What is between the request's head and its answer.
    async fn work(
        &self,
        request: &mut Request,
        overdue: impl Future<Output = ()>,
        id: &RequestId,
    ) -> Response {
        let line = AccessLine::begin(request);
        let Some(_place) = self.place() else {
            return line.end(refused(StatusCode::SERVICE_UNAVAILABLE, "overload", id));
        };
        DefaultBodyLimit::max(self.limits.max_body_size).apply(request);
        // Whoever reads the body knows the default.
        if self.limits.max_json_depth != DEFAULT_MAX_DEPTH {
            request.extensions_mut().insert(MaxDepth(self.limits.max_json_depth));
        }
        let bare = without_trailing_slash(request.uri().path_and_query());

        let mut answer = pin!(self.app.clone().call(std::mem::take(request)));
        let guarded = std::future::poll_fn(|cx| {
            // Nothing of a request survives its panic, so nothing broken can be seen afterwards.
            catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx)))
                .map_or_else(|_| Poll::Ready(None), |poll| poll.map(Some))
        });
        line.end(tokio::select! {
            // An answer that is there is never too late.
            biased;
            answer = guarded => match answer {
                Some(Ok(response)) => explained(response, bare, id),
                None => problem(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error", id),
            },
            () = overdue => refused(StatusCode::REQUEST_TIMEOUT, "timeout", id),
        })
    }
}

/// One line for every request, for whoever asks for it with `--log info,access=debug`.
struct AccessLine(Option<Box<(Method, Uri, Instant)>>);

impl AccessLine {
    fn begin(request: &Request) -> Self {
        let asked_for = tracing::enabled!(target: "access", Level::DEBUG);
        let begin = || (request.method().clone(), request.uri().clone(), Instant::now());
        Self(asked_for.then(|| Box::new(begin())))
    }

    fn end(self, response: Response) -> Response {
        if let Some((method, uri, start)) = self.0.map(|line| *line) {
            // The path alone: in a query there may be a code or, against all rules, a token.
            let (path, micros) = (uri.path().escape_debug(), start.elapsed().as_micros() as u64);
            let status = response.status().as_u16();
            tracing::debug!(target: "access", %method, %path, status, micros, "answered");
        }
        response
    }
}

/// Counts down when it goes, whether it was a place or one too many.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use clap::Parser;

    use super::*;
    use crate::config::Cli;

    #[tokio::test]
    async fn a_request_that_is_overdue_gets_a_408_unless_its_answer_is_there() {
        let app = Router::new()
            .route("/now", get(async || "done"))
            .route("/never", get(async || std::future::pending::<()>().await));
        let gate = Gate::new(app, &Cli::parse_from(["test"]).limits);
        for (path, status, connection) in [("/now", 200, None), ("/never", 408, Some("close"))] {
            let mut request = Request::get(path).body(Body::empty()).unwrap();
            let answer = gate.answer(&mut request, std::future::ready(())).await;
            let said =
                answer.headers().get(header::CONNECTION).map(|value| value.to_str().unwrap());
            assert_eq!((answer.status().as_u16(), said), (status, connection), "{path}");
        }
        assert_eq!(gate.0.in_work.load(Ordering::Relaxed), 0);
    }
}
