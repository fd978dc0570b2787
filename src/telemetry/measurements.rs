//! Numbers for Prometheus, when a setting asks for them. Without it every count is an empty call.
//!
//! | name | labels | what it counts |
//! |---|---|---|
//! | `http_requests_total` | `method`, `status` | answered requests |
//! | `http_request_duration_seconds` | | from a request's headers to its answer's |
//! | `http_connections_open` | | connections, busy or idle |
//! | `mcp_calls_total` | `method`, `outcome` | JSON-RPC requests: `ok`, `error`, `forbidden` |
//! | `http_requests_rejected_total` | `reason` | turned away: at the wall, for their origin, for overload |
//! | `token_validations_total` | `outcome` | `cached`, `verified`, `rejected` |
//! | `jwks_fetches_total` | `outcome` | key sets asked for at identity providers |
//!
//! No label is made from what a client sends: their number is bounded.

use std::{array, sync::OnceLock, time::Instant};

use anyhow::Context;
use axum::http::{Method, StatusCode};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::numbers::{CONNECTIONS, DURATION, Numbers};

/// The methods and statuses that are told apart; the last row stands for all others.
const METHODS: [&str; 7] = ["GET", "POST", "OPTIONS", "HEAD", "DELETE", "PUT", "other"];
const STATUSES: [&str; 20] = [
    "200", "201", "202", "204", "302", "303", "307", "400", "401", "403", "404", "405", "408",
    "413", "415", "429", "500", "502", "503", "other",
];

static HTTP: OnceLock<Http> = OnceLock::new();

/// What every request counts, each looked up once.
struct Http {
    requests: [[OnceLock<Counter>; STATUSES.len()]; METHODS.len()],
    duration: Histogram,
    connections: Gauge,
}

/// Starts to count. To be called before anything that counts is built.
///
/// # Errors
/// When somebody else counts already.
pub fn start() -> anyhow::Result<Numbers> {
    let numbers = Numbers::default();
    metrics::set_global_recorder(numbers.clone()).context("cannot start to count")?;
    let http = Http {
        requests: array::from_fn(|_| array::from_fn(|_| OnceLock::new())),
        duration: histogram!(DURATION),
        connections: gauge!(CONNECTIONS),
    };
    anyhow::ensure!(HTTP.set(http).is_ok(), "already counting");
    Ok(numbers)
}

/// A request in work.
pub(crate) struct Stopwatch(Option<(&'static Http, usize, Instant)>);

impl Stopwatch {
    pub(crate) fn start(method: &Method) -> Self {
        Self(HTTP.get().map(|http| (http, place(&METHODS, method.as_str()), Instant::now())))
    }

    pub(crate) fn stop(self, status: StatusCode) {
        if let Some((http, method, start)) = self.0 {
            let status = place(&STATUSES, status.as_str());
            let count = || counter!("http_requests_total", "method" => METHODS[method], "status" => STATUSES[status]);
            http.requests[method][status].get_or_init(count).increment(1);
            http.duration.record(start.elapsed());
        }
    }
}

fn place(names: &[&str], name: &str) -> usize {
    names.iter().position(|&known| known == name).unwrap_or(names.len() - 1)
}

/// A connection, counted as long as this lives.
pub(crate) struct OpenConnection(Option<&'static Gauge>);

impl OpenConnection {
    pub(crate) fn new() -> Self {
        let gauge = HTTP.get().map(|http| &http.connections);
        if let Some(gauge) = gauge {
            gauge.increment(1);
        }
        Self(gauge)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if let Some(gauge) = self.0 {
            gauge.decrement(1);
        }
    }
}
