//! The id of a request and the trace that it belongs to, for every log line that is written while it is processed.
//!
//! tower-http's `SetRequestIdLayer` was tried: it takes any id, with control characters too, and `TraceLayer` formats a
//! span for every request, logged or not (1.4 to 1.7 times the CPU, see scripts/bench/README.md).

use std::fmt;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::trace_context::TraceParent;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Longer ids are replaced.
const MAX_ID_BYTES: usize = 128;

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// What is known of a request before it is processed.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The caller's, or a generated one.
    pub id: RequestId,
    traceparent: Option<HeaderValue>,
}

impl RequestContext {
    /// Reads `x-request-id` and `traceparent`. A malformed or repeated header counts as absent.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let id = single(headers, &REQUEST_ID).filter(|id| is_valid(id.as_bytes()));
        Self {
            id: id.cloned().map_or_else(RequestId::generate, RequestId),
            traceparent: single(headers, &TRACEPARENT).cloned(),
        }
    }

    /// Runs `future` so that every log line in it carries this id.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// Calls `f` with the context of the current request, if there is one.
    pub(super) fn with_current(f: impl FnOnce(&Self)) {
        let _ = CURRENT.try_with(f);
    }

    pub(super) fn trace_id(&self) -> Option<&str> {
        let text = self.traceparent.as_ref()?.to_str().ok()?;
        TraceParent::parse(text).map(|parent| parent.trace_id)
    }
}

/// The id of a request: visible ASCII that cannot break a log line, a header or a JSON string. Not a secret, and no
/// proof of anything: it is the caller's word unless a proxy sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    fn generate() -> Self {
        Self(rand::random::<u64>().into())
    }

    /// Sets `x-request-id`.
    pub fn write_to(self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.0);
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().expect("validated"))
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn is_valid(id: &[u8]) -> bool {
    let allowed = |&b: &u8| b.is_ascii_alphanumeric() || b"._:/=+@-".contains(&b);
    (1..=MAX_ID_BYTES).contains(&id.len()) && id.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(name: HeaderName, values: &[&str]) -> RequestContext {
        let value = |v: &&str| (name.clone(), HeaderValue::from_bytes(v.as_bytes()).unwrap());
        RequestContext::from_headers(&values.iter().map(value).collect())
    }

    #[test]
    fn a_valid_id_is_kept_and_any_other_replaced() {
        let long = "x".repeat(MAX_ID_BYTES + 1);
        for (values, kept) in [
            (&["0b8e-4f"][..], true),
            (&["Root=1-67891233-abcdef012345678912345678"], true),
            (&[&long[1..]], true),
            (&[&long], false),
            (&[""], false),
            (&["a b"], false),
            (&["a\"b"], false),
            (&["a\\nb"], false),
            (&["\u{e9}"], false),
            (&["a", "a"], false),
            (&[], false),
        ] {
            let id = context(REQUEST_ID, values).id.to_string();
            assert_eq!(values.first() == Some(&id.as_str()), kept, "{values:?}");
            assert!(kept || id.parse::<u64>().is_ok(), "{id}");
        }
        assert_ne!(RequestId::generate(), RequestId::generate());
    }

    #[test]
    fn the_trace_id_is_that_of_a_single_valid_traceparent() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736");
        for (values, expected) in
            [(&[parent][..], trace_id), (&[parent, parent], None), (&["00-1-2-01"], None)]
        {
            assert_eq!(context(TRACEPARENT, values).trace_id(), expected, "{values:?}");
        }
    }
}
