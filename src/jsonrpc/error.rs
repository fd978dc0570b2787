//! Error objects (JSON-RPC 2.0 section 5.1).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text::undecodable;

/// Invalid JSON (JSON-RPC 2.0, 5.1).
pub const PARSE_ERROR: i64 = -32700;
/// JSON, but not a valid request (JSON-RPC 2.0, 5.1).
pub const INVALID_REQUEST: i64 = -32600;
/// No such method (JSON-RPC 2.0, 5.1).
pub const METHOD_NOT_FOUND: i64 = -32601;
/// Invalid parameters (JSON-RPC 2.0, 5.1).
pub const INVALID_PARAMS: i64 = -32602;
/// An error of the server (JSON-RPC 2.0, 5.1).
pub const INTERNAL_ERROR: i64 = -32603;
/// The caller may not do this; the code of the posts (the range -32000..-32019 is implementation-defined).
pub const FORBIDDEN: i64 = -32001;

/// `error` of a response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorObject {
    /// One of the codes above, or of a revision of MCP.
    pub code: i64,
    /// One line for people.
    pub message: String,
    /// More for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl ErrorObject {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same error, with data for programs.
    ///
    /// # Panics
    /// If `data` cannot be serialized.
    pub fn with_data(self, data: &impl Serialize) -> Self {
        Self { data: Some(serde_json::to_value(data).expect("serializable data")), ..self }
    }

    fn with_detail(code: i64, message: &str, detail: impl Into<String>) -> Self {
        #[derive(Serialize)]
        struct Data {
            detail: String,
        }

        Self::new(code, message).with_data(&Data { detail: detail.into() })
    }

    /// -32700.
    pub fn parse_error(detail: impl Into<String>) -> Self {
        Self::with_detail(PARSE_ERROR, "Parse error", detail)
    }

    /// -32600.
    pub fn invalid_request(detail: impl Into<String>) -> Self {
        Self::with_detail(INVALID_REQUEST, "Invalid Request", detail)
    }

    /// -32601.
    pub fn method_not_found(method: &str) -> Self {
        Self::new(METHOD_NOT_FOUND, format!("Method not found: {method}"))
    }

    /// -32602.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    /// -32603; what went wrong belongs in the log, not in the response.
    pub fn internal() -> Self {
        Self::new(INTERNAL_ERROR, "Internal error")
    }

    /// -32001, in the words of the posts.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::with_detail(FORBIDDEN, "Forbidden", detail)
    }

    /// -32603; `max` is the limit that the result exceeds.
    pub(crate) fn result_too_large(max: usize) -> Self {
        Self::new(
            INTERNAL_ERROR,
            format!(
                "the result is larger than {max} bytes; ask for less, or raise --max-result-size"
            ),
        )
    }

    /// -32700 for what is not JSON, -32600 for JSON that is not a message.
    pub(super) fn unreadable(error: &serde_json::Error, body: &str) -> Self {
        let detail = undecodable(error, body).unwrap_or_else(|| error.to_string());
        if error.is_data() { Self::invalid_request(detail) } else { Self::parse_error(detail) }
    }
}
