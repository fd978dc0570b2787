//! Where a request belongs in somebody's trace, so that our log lines can be found from there.
//!
//! Rules: MCP 2026-07-28 basic, "OpenTelemetry trace context"; W3C Trace Context, section 3.2 (`traceparent`). What is
//! not exactly of that form is as good as absent (section 4.3): text of a stranger's making never enters the log.

use tracing::Span;

use crate::jsonrpc::Members;

/// The ids of a `traceparent`.
#[derive(Debug, PartialEq)]
struct TraceParent<'a> {
    trace_id: &'a str,
    parent_id: &'a str,
}

impl<'a> TraceParent<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.split('-');
        let mut hex = |length| {
            let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            fields.next().filter(|field| field.len() == length && field.bytes().all(lower_hex))
        };
        let (version, trace_id, parent_id, _flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        // Later versions may have more fields; version 00 has none.
        let complete = version != "ff" && (version != "00" || fields.next().is_none());
        let some = |id: &str| id.bytes().any(|byte| byte != b'0');
        (complete && some(trace_id) && some(parent_id)).then_some(Self { trace_id, parent_id })
    }
}

/// The span of a request: with the caller's ids if its `_meta` brings any, else none at all.
pub(super) fn span(meta: &Members) -> Span {
    let traceparent = meta.text("traceparent");
    match traceparent.as_deref().and_then(TraceParent::parse) {
        Some(TraceParent { trace_id, parent_id }) => {
            tracing::info_span!("request", trace_id, parent_id)
        }
        None => Span::none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_parent_is_of_exactly_one_form() {
        let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7");
        let known = Some(TraceParent { trace_id: trace, parent_id: parent });
        for (text, expected) in [
            (format!("00-{trace}-{parent}-01"), known.as_ref()),
            (format!("cc-{trace}-{parent}-01-what-the-future-will-be-like"), known.as_ref()),
            (format!("00-{trace}-{parent}-01-more"), None),
            (format!("ff-{trace}-{parent}-01"), None),
            (format!("00-{}-{parent}-01", "0".repeat(32)), None),
            (format!("00-{trace}-{}-01", "0".repeat(16)), None),
            (format!("00-{}-{parent}-01", trace.to_uppercase()), None),
            (format!("00-{trace}\n-{parent}-01"), None),
            (format!("00-{trace}-{parent}"), None),
            (String::new(), None),
        ] {
            assert_eq!(TraceParent::parse(&text).as_ref(), expected, "{text}");
        }
    }
}
