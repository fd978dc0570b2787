//! The ids of a distributed trace, so that a request's log lines can be found from the caller's trace.
//!
//! Specs: W3C Trace Context section 3.2 (`traceparent`); MCP 2026-07-28 basic, "OpenTelemetry trace context" (the same
//! text in `_meta`). Anything else counts as absent (section 4.3), so no other text of a caller reaches the log.

/// A valid `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent<'a> {
    /// 32 lowercase hexadecimal digits, not all zero.
    pub trace_id: &'a str,
    /// The caller's span: 16 lowercase hexadecimal digits, not all zero.
    pub parent_id: &'a str,
}

impl<'a> TraceParent<'a> {
    /// Parses `version-trace_id-parent_id-flags`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.split('-');
        let mut hex = |length| {
            let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            fields.next().filter(|field| field.len() == length && field.bytes().all(lower_hex))
        };
        let (version, trace_id, parent_id, _flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        // Later versions may have more fields; version 00 has none, and ff is invalid.
        let complete = version != "ff" && (version != "00" || fields.next().is_none());
        let non_zero = |id: &str| id.bytes().any(|byte| byte != b'0');
        (complete && non_zero(trace_id) && non_zero(parent_id))
            .then_some(Self { trace_id, parent_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_has_exactly_one_form() {
        let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7");
        let valid = Some(TraceParent { trace_id: trace, parent_id: parent });
        for (text, expected) in [
            (format!("00-{trace}-{parent}-01"), valid),
            (format!("cc-{trace}-{parent}-01-what-the-future-will-be-like"), valid),
            (format!("00-{trace}-{parent}-01-more"), None),
            (format!("ff-{trace}-{parent}-01"), None),
            (format!("00-{}-{parent}-01", "0".repeat(32)), None),
            (format!("00-{trace}-{}-01", "0".repeat(16)), None),
            (format!("00-{}-{parent}-01", trace.to_uppercase()), None),
            (format!("00-{trace}\n-{parent}-01"), None),
            (format!("00-{trace}-{parent}"), None),
            (String::new(), None),
        ] {
            assert_eq!(TraceParent::parse(&text), expected, "{text}");
        }
    }
}
