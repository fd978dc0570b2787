//! What an operator sees: an id for every request, log lines that carry it, and numbers for Prometheus.
//!
//! Rules: W3C Trace Context (`traceparent`), OpenMetrics 1.0 (what Prometheus reads). Nothing here costs a request that
//! is not logged more than its id: no span is opened and no text is formatted before a line is really written.
//!
//! Any room may count something with the macros of the crate `metrics`; the names are listed in
//! [`measurements`].
//!
//! ```
//! use axum::http::{HeaderMap, HeaderValue};
//! use mcp_auth::telemetry::Context;
//!
//! let mut headers = HeaderMap::new();
//! headers.insert("x-request-id", HeaderValue::from_static("abc-123"));
//! assert_eq!(Context::of(&headers).id.to_string(), "abc-123");
//! ```

mod brake;
mod context;
mod logs;
pub mod measurements;
mod numbers;
mod spread;

pub use context::{Context, RequestId};
pub use logs::{LogFormat, init};
pub use numbers::Numbers;
