//! Counts the calls of a method by their outcome.

use metrics::{Counter, counter};

use crate::mcp::call::MethodError;

/// `mcp_requests_total` of one method.
pub(super) struct CallCounters {
    ok: Counter,
    forbidden: Counter,
    error: Counter,
}

impl CallCounters {
    pub(super) fn new(method: &'static str) -> Self {
        let count =
            |outcome| counter!("mcp_requests_total", "method" => method, "outcome" => outcome);
        Self { ok: count("ok"), forbidden: count("forbidden"), error: count("error") }
    }

    pub(super) fn count<T>(&self, result: &Result<T, MethodError>) {
        match result {
            Ok(_) => &self.ok,
            Err(error) if error.is_forbidden() => &self.forbidden,
            Err(_) => &self.error,
        }
        .increment(1);
    }
}
