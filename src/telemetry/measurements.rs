//! Numbers for Prometheus, when a setting asks for them. Without it every count is an empty call.
//!
//! | name | labels | what it counts |
//! |---|---|---|
//! | `http_requests_total` | `method`, `status` | answered requests |
//! | `http_request_duration_seconds` | | from a request's headers to its answer's |
//! | `http_connections_open` | | connections, busy or idle |
//! | `mcp_calls_total` | `method`, `outcome` | JSON-RPC requests: `ok`, `error`, `forbidden` |
//! | `requests_refused_total` | `reason` | turned away: at the wall, for their origin, for overload |
//! | `token_checks_total` | `outcome` | `cached`, `verified`, `refused` |
//! | `jwks_fetches_total` | `outcome` | key sets asked for at identity providers |
//!
//! No label is made from what a client sends: their number is bounded.

use std::{array, sync::OnceLock, time::Instant};

use anyhow::Context;
use axum::http::{Method, StatusCode};
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the latency histogram, in seconds: a request with a known token takes well under a millisecond.
const BUCKETS: [f64; 12] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// The methods and statuses that are told apart; the last row stands for all others.
const METHODS: [&str; 7] = ["GET", "POST", "OPTIONS", "HEAD", "DELETE", "PUT", "other"];
const STATUSES: [&str; 20] = [
    "200", "201", "202", "204", "302", "303", "307", "400", "401", "403", "404", "405", "408",
    "413", "415", "429", "500", "502", "503", "other",
];

static HTTP: OnceLock<Http> = OnceLock::new();

/// What every request counts, each looked up once.
struct Http {
    requests: [[Counter; STATUSES.len()]; METHODS.len()],
    duration: Histogram,
    connections: Gauge,
}

/// Starts to count. To be called before anything that counts is built.
///
/// # Errors
/// When somebody else counts already.
pub fn start() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .context("cannot start to count")?;
    describe_counter!("http_requests_total", "Answered requests.");
    describe_histogram!(
        "http_request_duration_seconds",
        "From a request's headers to its answer's."
    );
    describe_gauge!("http_connections_open", "Connections, busy or idle.");
    describe_counter!("mcp_calls_total", "JSON-RPC requests.");
    describe_counter!("requests_refused_total", "Requests turned away.");
    describe_counter!("token_checks_total", "Access tokens looked at.");
    describe_counter!("jwks_fetches_total", "Key sets asked for at identity providers.");
    let count = |m: usize, s: usize| counter!("http_requests_total", "method" => METHODS[m], "status" => STATUSES[s]);
    let http = Http {
        requests: array::from_fn(|m| array::from_fn(|s| count(m, s))),
        duration: histogram!("http_request_duration_seconds"),
        connections: gauge!("http_connections_open"),
    };
    anyhow::ensure!(HTTP.set(http).is_ok(), "already counting");
    Ok(handle)
}

/// A request in work.
pub(crate) struct Stopwatch(Option<(&'static Http, usize, Instant)>);

impl Stopwatch {
    pub(crate) fn start(method: &Method) -> Self {
        Self(HTTP.get().map(|http| (http, place(&METHODS, method.as_str()), Instant::now())))
    }

    pub(crate) fn stop(self, status: StatusCode) {
        if let Some((http, method, start)) = self.0 {
            http.requests[method][place(&STATUSES, status.as_str())].increment(1);
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
