//! Messages: JSON-RPC 2.0 as MCP restricts it.
//!
//! Specs: JSON-RPC 2.0; MCP 2025-06-18 and later, "Base Protocol: Messages" (ids are strings or integers, never
//! null; `params` is an object; no batches since 2025-06-18, changelog item 1).
//!
//! ```
//! use mcp_auth::jsonrpc::{DEFAULT_MAX_DEPTH, Message, PARSE_ERROR};
//!
//! let body = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
//! let Ok(Message::Request(request)) = Message::parse(body, DEFAULT_MAX_DEPTH) else { panic!() };
//! assert_eq!(request.method, "ping");
//! assert_eq!(Message::parse(b"{", DEFAULT_MAX_DEPTH).unwrap_err().code, PARSE_ERROR);
//! ```

mod error;
mod id;
mod limits;
mod params;
mod raw_object;
mod text;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

pub use error::{
    ErrorObject, FORBIDDEN, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND,
    PARSE_ERROR,
};
pub use id::Id;
pub use limits::{DEFAULT_MAX_DEPTH, DEFAULT_MAX_RESULT_BYTES, MessageLimits};
pub use params::Params;
pub use raw_object::RawObject;
pub(crate) use text::{CowStr, error_text, text};

/// The members of a JSON object.
pub type Object = Map<String, Value>;

/// What a client may send to a server.
#[derive(Debug)]
pub enum Message {
    /// Expects a response.
    Request(Request),
    /// Expects none.
    Notification(Notification),
    /// Responds to a request of the server. These servers send none, so it is ignored.
    Response,
}

/// A request: a method, its parameters, and the id that its response repeats.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    jsonrpc: Version,
    /// Repeated in the response.
    pub id: Id,
    /// The name of the method, such as `tools/call`.
    pub method: String,
    /// The parameters; empty when the message has none.
    #[serde(skip_serializing_if = "Params::is_empty")]
    pub params: Params,
}

impl Request {
    /// A request to send.
    pub fn new(id: impl Into<Id>, method: impl Into<String>, params: impl Into<Params>) -> Self {
        Self { jsonrpc: Version, id: id.into(), method: method.into(), params: params.into() }
    }
}

/// A message without a response.
#[derive(Debug, Clone, Serialize)]
pub struct Notification {
    jsonrpc: Version,
    /// The name, such as `notifications/initialized`.
    pub method: String,
    /// The parameters; empty when the message has none.
    #[serde(skip_serializing_if = "Params::is_empty")]
    pub params: Params,
}

impl Notification {
    /// A notification to send.
    pub fn new(method: impl Into<String>, params: impl Into<Params>) -> Self {
        Self { jsonrpc: Version, method: method.into(), params: params.into() }
    }
}

impl Message {
    /// Parses the body of a `POST`.
    ///
    /// # Errors
    /// -32700 when the body is not JSON, -32600 when it is JSON but not a message of MCP (a batch, an id of the wrong
    /// type, another `jsonrpc`, nesting beyond `max_depth`).
    pub fn parse(body: &[u8], max_depth: usize) -> Result<Self, ErrorObject> {
        let text = std::str::from_utf8(body)
            .map_err(|e| ErrorObject::parse_error(format!("the body is not UTF-8: {e}")))?;
        let unreadable = |error| ErrorObject::unreadable(&error, text);
        if limits::is_too_deep(text, max_depth) {
            return Err(ErrorObject::invalid_request(format!(
                "nested deeper than {max_depth} levels"
            )));
        }
        let envelope: Envelope = match text.trim_start().as_bytes().first() {
            Some(b'{') => serde_json::from_str(text).map_err(unreadable)?,
            // serde would read an array into a struct.
            Some(b'[') => {
                serde_json::from_str::<de::IgnoredAny>(text).map_err(unreadable)?;
                return Err(ErrorObject::invalid_request(
                    "batches are not part of MCP since 2025-06-18; send one message",
                ));
            }
            None => {
                return Err(ErrorObject::parse_error(
                    "the body is empty; send one JSON-RPC message",
                ));
            }
            Some(_) => {
                serde_json::from_str::<de::IgnoredAny>(text).map_err(unreadable)?;
                return Err(ErrorObject::invalid_request("a message is a JSON object"));
            }
        };
        envelope.into_message()
    }
}

#[derive(Deserialize)]
struct Envelope {
    jsonrpc: Version,
    #[serde(default, deserialize_with = "present")]
    id: Option<Id>,
    method: Option<String>,
    params: Option<Params>,
    result: Option<de::IgnoredAny>,
    error: Option<de::IgnoredAny>,
}

/// `"id": null` is not an absent id: MCP forbids it.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
    Id::deserialize(deserializer).map(Some)
}

impl Envelope {
    fn into_message(self) -> Result<Message, ErrorObject> {
        let Self { jsonrpc, id, method, params, result, error } = self;
        let params = params.unwrap_or_default();
        match (method, id) {
            (Some(method), Some(id)) => {
                Ok(Message::Request(Request { jsonrpc, id, method, params }))
            }
            (Some(method), None) => {
                Ok(Message::Notification(Notification { jsonrpc, method, params }))
            }
            (None, _) if result.is_some() || error.is_some() => Ok(Message::Response),
            (None, _) => Err(ErrorObject::invalid_request("missing field `method`")),
        }
    }
}

/// The value of `"jsonrpc"`: always `"2.0"`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Version;

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("2.0")
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match CowStr::deserialize(deserializer)?.0.as_ref() {
            "2.0" => Ok(Self),
            _ => Err(de::Error::custom("jsonrpc must be \"2.0\"")),
        }
    }
}

/// A response: a result or an error.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Response {
    jsonrpc: Version,
    /// The id of the request; absent when the request could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// The result of the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why there is no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorObject>,
}

impl Response {
    /// The response to request `id` (`None`: it could not be read).
    pub fn new(id: Option<Id>, outcome: Result<Value, ErrorObject>) -> Self {
        let (result, error) = match outcome {
            Ok(result) => (Some(result), None),
            Err(error) => (None, Some(error)),
        };
        Self { jsonrpc: Version, id, result, error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> i64 {
        Message::parse(body.as_bytes(), 8).expect_err(body).code
    }

    #[test]
    fn an_invalid_message_is_rejected_with_the_code_of_its_fault() {
        for (body, expected) in [
            ("", PARSE_ERROR),
            ("{", PARSE_ERROR),
            ("\u{feff}{}", PARSE_ERROR),
            ("NaN", PARSE_ERROR),
            (r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#, PARSE_ERROR),
            (r#"{"jsonrpc":"2.0","id":"\ud800","method":"m"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"\u"}}"#, PARSE_ERROR),
            (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"\ud800":1}}"#, PARSE_ERROR),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1,"\u0061":2}}"#,
                INVALID_REQUEST,
            ),
            ("[]", INVALID_REQUEST),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"m"}]"#, INVALID_REQUEST),
            (r#"["2.0",1,"m"]"#, INVALID_REQUEST),
            ("1", INVALID_REQUEST),
            ("{}", INVALID_REQUEST),
            (r#"{"id":1,"method":"m"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":true,"method":"m"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"m"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[]}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}"#, INVALID_REQUEST),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":[[[[[[[[1]]]]]]]]}}"#,
                INVALID_REQUEST,
            ),
        ] {
            assert_eq!(code(body), expected, "{body}");
        }
    }

    #[test]
    fn an_id_is_repeated_exactly_as_it_was_sent() {
        for id in
            ["1", "0", "-3", "9007199254740993", "1180591620717411303424", r#""abc""#, r#""""#]
        {
            let body =
                format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m","params":null,"extra":1}}"#);
            let Ok(Message::Request(request)) = Message::parse(body.as_bytes(), 8) else {
                panic!("{body}")
            };
            let answer =
                serde_json::to_string(&Response::new(Some(request.id), Ok(Value::Null))).unwrap();
            assert_eq!(answer, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#));
        }
    }
}
