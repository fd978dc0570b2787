//! Logs and metrics: an id for every request, log lines that carry it, and metrics for Prometheus.
//!
//! Specs: W3C Trace Context (`traceparent`), OpenMetrics 1.0.
//!
//! ```
//! use axum::http::{HeaderMap, HeaderValue};
//! use mcp_auth::telemetry::RequestContext;
//!
//! let mut headers = HeaderMap::new();
//! headers.insert("x-request-id", HeaderValue::from_static("abc-123"));
//! assert_eq!(RequestContext::from_headers(&headers).id.to_string(), "abc-123");
//! ```

mod log_rate_limit;
mod logs;
mod prometheus;
mod request_context;

pub use logs::{LogFormat, init};
pub use prometheus::{HttpMetrics, Prometheus};
pub use request_context::{RequestContext, RequestId};
