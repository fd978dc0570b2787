//! The tracing span of a request.

use tracing::Span;

use crate::{jsonrpc::RawObject, trace_context::TraceParent};

/// A span with the ids of the `traceparent` in `_meta` (MCP 2026-07-28 basic, "OpenTelemetry trace context"); none
/// without one.
pub(in crate::mcp) fn request_span(meta: &RawObject) -> Span {
    let traceparent = meta.text("traceparent");
    match traceparent.as_deref().and_then(TraceParent::parse) {
        Some(TraceParent { trace_id, parent_id }) => {
            tracing::info_span!("request", trace_id, parent_id)
        }
        None => Span::none(),
    }
}
