//! Per-request middleware for any application: request id, concurrency limit, timeout, body limit, panic handling, JSON
//! error bodies, access log, metrics.
//!
//! The same as a stack of tower-http layers was tried: each boxes every response once more, 1.3 times the CPU without
//! `TraceLayer` and 1.4 to 1.7 with it (scripts/bench/README.md), so this is one function. Trailing slashes are
//! tower-http's: `/mcp/` is served as `/mcp`, because clients that follow a redirect may drop the token.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use futures_util::FutureExt;
use hyper::body::Body;
use tokio::sync::Semaphore;
use tower::Service;
use tower_http::normalize_path::NormalizePath;

use crate::{
    config::Limits,
    jsonrpc::MessageLimits,
    telemetry::{HttpMetrics, RequestContext, RequestId},
};

use super::error_response::{body_too_large, error, fill_error_body, overloaded, timeout};
use super::unsent;

/// An application with its limits.
#[derive(Debug, Clone)]
pub struct AppService(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    app: NormalizePath<Router>,
    pub(super) limits: Limits,
    in_flight: Semaphore,
    /// What large responses that wait for their clients may take, in bytes.
    unsent: Arc<Semaphore>,
    pub(super) draining: AtomicBool,
    pub(super) metrics: Option<HttpMetrics>,
}

impl AppService {
    /// Wraps `app`; its requests are counted if there are `metrics`.
    pub fn new(app: Router, limits: &Limits, metrics: Option<HttpMetrics>) -> Self {
        Self(Arc::new(Inner {
            // Builds the routes now instead of for each request.
            app: NormalizePath::trim_trailing_slash(app.with_state(())),
            in_flight: Semaphore::new(limits.max_concurrent_requests),
            unsent: Arc::new(Semaphore::new(
                unsent::BUDGET_BYTES.max(limits.max_result_size).min(Semaphore::MAX_PERMITS),
            )),
            limits: limits.clone(),
            draining: AtomicBool::new(false),
            metrics,
        }))
    }

    /// The response to `request`, within the time limit.
    pub async fn respond(&self, request: Request) -> Response {
        let started = Instant::now();
        let method = request.method().clone();
        let context = RequestContext::from_headers(request.headers());
        let id = context.id.clone();
        // A connection MUST NOT be used again after a request with both `Content-Length` and `Transfer-Encoding`
        // (RFC 9112, 6.1). hyper hides that the length was there, so every chunked request closes its connection.
        let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let mut response = context.scope(self.0.logged(request, started, &id)).await;
        id.write_to(response.headers_mut());
        if chunked || self.0.draining.load(Ordering::Relaxed) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(metrics) = &self.0.metrics {
            metrics.observe(&method, response.status(), started.elapsed());
        }
        response
    }
}

impl Inner {
    /// Writes one line for every request, with `--log info,access=debug`.
    async fn logged(&self, request: Request, started: Instant, id: &RequestId) -> Response {
        if !tracing::enabled!(target: "access", tracing::Level::DEBUG) {
            return self.call(request, started, id).await;
        }
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let response = self.call(request, started, id).await;
        // Without the query, which may contain an authorization code.
        let (path, micros) = (uri.path().escape_debug(), started.elapsed().as_micros() as u64);
        let status = response.status().as_u16();
        tracing::debug!(target: "access", %method, %path, status, micros, "answered");
        response
    }

    async fn call(&self, mut request: Request, started: Instant, id: &RequestId) -> Response {
        let Ok(_permit) = self.in_flight.try_acquire() else {
            return overloaded(id);
        };
        // Before anything is read: reading would invite the body with `100 Continue` (RFC 9110, 10.1.1).
        if request.body().size_hint().lower() > self.limits.max_body_size as u64 {
            return body_too_large(id);
        }
        DefaultBodyLimit::max(self.limits.max_body_size).apply(&mut request);
        let Limits { max_json_depth: max_depth, max_result_size: max_result_bytes, .. } =
            self.limits;
        request.extensions_mut().insert(MessageLimits { max_depth, max_result_bytes });

        // Nothing of a request survives its panic, so nothing broken can be seen afterwards.
        let response = AssertUnwindSafe(async {
            let Ok(response) = self.app.clone().call(request).await;
            unsent::admit(&self.unsent, fill_error_body(response, id)).await
        });
        let deadline = started + self.limits.request_timeout;
        match tokio::time::timeout_at(deadline.into(), response.catch_unwind()).await {
            Ok(Ok(Some(response))) => response,
            Ok(Ok(None)) => error(StatusCode::SERVICE_UNAVAILABLE, unsent::DROPPED, id),
            Ok(Err(_panic)) => {
                error(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error", id)
            }
            Err(_elapsed) => timeout(id),
        }
    }
}
