//! Bounds the memory of large responses that wait for their clients, all together.
//!
//! tower's `ConcurrencyLimit` was looked at: its permit ends with a response's head, and if it lasted until the client has
//! the body, slow readers would lock out everybody (`faults::limits`). With this one only large responses are refused.

use std::{convert::Infallible, iter, sync::Arc};

use axum::{body::Body, response::Response};
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::sync::Semaphore;

/// Smaller responses always pass. Of a larger one, hyper gets so much at a time.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;
/// Sixteen of the largest results that `--max-result-size` allows by default.
pub(super) const BUDGET_BYTES: usize = 64 * 1024 * 1024;

/// The error of a response that does not fit. Without `Retry-After`: what the request asked for has been done.
pub(super) const DROPPED: &str =
    "the request was carried out, but too many large responses wait for slow clients";

/// The response, with its share of `budget` until hyper has the last piece of it; `None` when there is not enough left.
pub(super) async fn admit(budget: &Arc<Semaphore>, response: Response) -> Option<Response> {
    let length = response.body().size_hint().lower();
    if length < CHUNK_BYTES as u64 {
        return Some(response);
    }
    let permits = u32::try_from(length).unwrap_or(u32::MAX);
    let permit = Arc::clone(budget).try_acquire_many_owned(permits).ok()?;
    let (parts, body) = response.into_parts();
    let mut unsent = body.collect().await.ok()?.to_bytes();
    let chunks = iter::from_fn(move || {
        let _until_the_end = &permit;
        let chunk = unsent.split_to(unsent.len().min(CHUNK_BYTES));
        (!chunk.is_empty()).then_some(Ok::<_, Infallible>(chunk))
    });
    Some(Response::from_parts(parts, Body::from_stream(stream::iter(chunks))))
}
