//! The span of a request that belongs to a caller's trace.
//!
//! Rules: MCP 2026-07-28 basic, "OpenTelemetry trace context".

use tracing::Span;

use crate::{jsonrpc::Members, trace_context::TraceParent};

/// With the ids of `traceparent` in `_meta`, if it is valid.
pub(super) fn span(meta: &Members) -> Span {
    let traceparent = meta.text("traceparent");
    match traceparent.as_deref().and_then(TraceParent::parse) {
        Some(TraceParent { trace_id, parent_id }) => {
            tracing::info_span!("request", trace_id, parent_id)
        }
        None => Span::none(),
    }
}
