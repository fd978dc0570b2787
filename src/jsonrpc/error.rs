//! What can go wrong, in numbers and words.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Invalid JSON (JSON-RPC 2.0, 5.1).
pub const PARSE_ERROR: i64 = -32700;
/// JSON, but not a valid request (JSON-RPC 2.0, 5.1).
pub const INVALID_REQUEST: i64 = -32600;
/// No such method (JSON-RPC 2.0, 5.1).
pub const METHOD_NOT_FOUND: i64 = -32601;
/// Invalid parameters (JSON-RPC 2.0, 5.1).
pub const INVALID_PARAMS: i64 = -32602;
/// Our own fault (JSON-RPC 2.0, 5.1).
pub const INTERNAL_ERROR: i64 = -32603;
/// The caller may not do this; a code of the tutorial's own (the range -32000..-32019 is implementation-defined).
pub const FORBIDDEN: i64 = -32001;

/// The `error` member of an answer.
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
    pub fn with_data(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }

    fn with_detail(code: i64, message: &str, detail: impl Into<String>) -> Self {
        Self::new(code, message)
            .with_data(Value::Object(Map::from_iter([("detail".to_owned(), detail.into().into())])))
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

    /// -32603; what went wrong belongs into the log, not into the answer.
    pub fn internal() -> Self {
        Self::new(INTERNAL_ERROR, "Internal error")
    }

    /// -32001, in the words of the tutorial.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::with_detail(FORBIDDEN, "Forbidden", detail)
    }

    pub(super) fn unreadable(error: serde_json::Error) -> Self {
        match error.classify() {
            serde_json::error::Category::Data => Self::invalid_request(error.to_string()),
            _ => Self::parse_error(error.to_string()),
        }
    }
}
