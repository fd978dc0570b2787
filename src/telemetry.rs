//! Logs and metrics: an id for every request, log lines that carry it, and metrics for Prometheus.
//!
//! Specs: W3C Trace Context (`traceparent`), OpenMetrics 1.0.

mod log_rate_limit;
mod logs;
mod prometheus;
mod request_context;

pub use logs::{LogFormat, init};
pub use prometheus::{HttpMetrics, Prometheus};
pub use request_context::{RequestContext, RequestId};
