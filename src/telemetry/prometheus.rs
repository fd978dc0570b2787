//! Metrics in the text format of OpenMetrics 1.0, for Prometheus.
//!
//! | name | labels | meaning |
//! |---|---|---|
//! | `http_requests_total` | `method`, `status` | HTTP responses |
//! | `http_request_duration_seconds` | | from the end of a request's head to the start of its response |
//! | `http_open_connections` | | open connections, busy or idle |
//! | `http_requests_rejected_total` | `reason` | requests rejected for their token, scope, origin, host or for overload |
//! | `mcp_requests_total` | `method`, `outcome` | JSON-RPC requests: `ok`, `error`, `forbidden` |
//! | `token_validations_total` | `outcome` | access tokens: `cached`, `verified`, `rejected` |
//! | `jwks_fetches_total` | `outcome` | JWKS fetched from identity providers |
//!
//! No label value comes from a client, so their number is bounded.
//!
//! The server counts with the types of `prometheus-client`. Other modules count with the macros of the crate `metrics`,
//! so they do not depend on this one; without a [`Prometheus`] those do nothing.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::http::{Method, StatusCode};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Label, Metadata, Recorder, SharedString,
    Unit,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter, family::Family, gauge, histogram},
    registry::Registry,
};

/// Counters of other modules: name (the format appends `_total`) and help text.
const COUNTERS: [(&str, &str); 4] = [
    ("http_requests_rejected", "Rejected requests"),
    ("mcp_requests", "JSON-RPC requests"),
    ("token_validations", "Validated access tokens"),
    ("jwks_fetches", "JWKS fetched from identity providers"),
];

/// Upper bounds in seconds: a request with a cached token takes well under a millisecond.
const DURATION_BUCKETS: [f64; 12] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

type Labels = Vec<(String, String)>;

/// All metrics of this process.
#[derive(Debug)]
pub struct Prometheus {
    registry: Registry,
    counters: [Family<Labels, counter::Counter>; COUNTERS.len()],
    /// What the HTTP server counts.
    pub http: HttpMetrics,
}

impl Prometheus {
    /// Starts counting. Call it before anything is built that counts.
    ///
    /// # Errors
    /// When the process has another recorder for the crate `metrics`.
    pub fn install() -> anyhow::Result<Arc<Self>> {
        let metrics = Arc::new(Self::new());
        metrics::set_global_recorder(metrics.clone()).context("metrics already have a recorder")?;
        Ok(metrics)
    }

    fn new() -> Self {
        let mut registry = Registry::default();
        let counters = COUNTERS.map(|(name, help)| {
            let family = Family::default();
            registry.register(name, help, family.clone());
            family
        });
        let http = HttpMetrics {
            requests: Family::default(),
            duration: histogram::Histogram::new(DURATION_BUCKETS),
            open_connections: gauge::Gauge::default(),
        };
        registry.register("http_requests", "HTTP responses", http.requests.clone());
        let help = "From the end of a request's head to the start of its response";
        registry.register("http_request_duration_seconds", help, http.duration.clone());
        let open = http.open_connections.clone();
        registry.register("http_open_connections", "Open connections", open);
        Self { registry, counters, http }
    }

    /// All metrics as text.
    pub fn render(&self) -> String {
        let mut page = String::new();
        text::encode(&mut page, &self.registry).expect("writing to a string cannot fail");
        page
    }
}

/// What the HTTP server counts.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    requests: Family<HttpLabels, counter::Counter>,
    duration: histogram::Histogram,
    open_connections: gauge::Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpLabels {
    method: &'static str,
    status: u16,
}

impl HttpMetrics {
    pub(crate) fn observe(&self, method: &Method, status: StatusCode, duration: Duration) {
        // A client may invent methods; statuses are ours.
        let method = ["GET", "POST", "OPTIONS", "HEAD", "DELETE", "PUT", "PATCH"]
            .into_iter()
            .find(|known| *known == method.as_str())
            .unwrap_or("other");
        self.requests.get_or_create(&HttpLabels { method, status: status.as_u16() }).inc();
        self.duration.observe(duration.as_secs_f64());
    }

    /// Counts a connection until the result is dropped.
    pub(crate) fn open_connection(&self) -> OpenConnection {
        self.open_connections.inc();
        OpenConnection(self.open_connections.clone())
    }
}

pub(crate) struct OpenConnection(gauge::Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Only the counters of `COUNTERS` are recorded.
impl Recorder for Prometheus {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let name = key.name().strip_suffix("_total");
        let index = COUNTERS.iter().position(|(known, _)| Some(*known) == name);
        index.map_or_else(Counter::noop, |index| {
            let label = |label: &Label| (label.key().to_owned(), label.value().to_owned());
            let labels = key.labels().map(label).collect();
            Counter::from_arc(Arc::new(FacadeCounter(
                self.counters[index].get_or_create_owned(&labels),
            )))
        })
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

struct FacadeCounter(counter::Counter);

impl CounterFn for FacadeCounter {
    fn increment(&self, more: u64) {
        self.0.inc_by(more);
    }

    fn absolute(&self, value: u64) {
        self.0.inc_by(value.saturating_sub(self.0.get()));
    }
}

#[cfg(test)]
mod tests {
    use metrics::counter;

    use super::*;

    #[test]
    fn every_metric_is_on_the_page() {
        let prometheus = Prometheus::new();
        metrics::with_local_recorder(&prometheus, || {
            for (name, _) in COUNTERS {
                let count = counter!(format!("{name}_total"), "kind" => "a\"b");
                count.increment(2);
                count.absolute(3);
                count.absolute(1);
            }
            counter!("unknown_total").increment(1);
        });
        let http = &prometheus.http;
        let open = http.open_connection();
        drop(http.open_connection());
        for (method, micros) in [("GET", 100), ("BREW", 200), ("GET", 60_000_000)] {
            let method = method.parse().unwrap();
            http.observe(&method, StatusCode::OK, Duration::from_micros(micros));
        }
        let page = prometheus.render();
        let counters = COUNTERS.map(|(name, _)| format!(r#"{name}_total{{kind="a\"b"}} 3"#));
        let others = [
            "http_open_connections 1",
            r#"http_requests_total{method="GET",status="200"} 2"#,
            r#"http_requests_total{method="other",status="200"} 1"#,
            "http_request_duration_seconds_sum 60.0003",
            "http_request_duration_seconds_count 3",
            r#"http_request_duration_seconds_bucket{le="0.0001"} 1"#,
            r#"http_request_duration_seconds_bucket{le="0.00025"} 2"#,
            r#"http_request_duration_seconds_bucket{le="5.0"} 2"#,
            r#"http_request_duration_seconds_bucket{le="+Inf"} 3"#,
        ];
        for line in counters.iter().map(String::as_str).chain(others) {
            assert!(page.lines().any(|known| known == line), "{line} in:\n{page}");
        }
        assert!(!page.contains("unknown") && page.ends_with("# EOF\n"), "{page}");
        drop(open);
        assert!(prometheus.render().contains("http_open_connections 0\n"));
    }
}
