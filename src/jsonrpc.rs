//! The envelope of every message: JSON-RPC 2.0 as MCP narrows it.
//!
//! Rules: JSON-RPC 2.0; MCP 2025-06-18 and later, "Base Protocol: Messages" (ids are strings or integers, never
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
mod params;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

pub use error::{
    ErrorObject, FORBIDDEN, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND,
    PARSE_ERROR,
};
pub use id::Id;
pub(crate) use params::{META, Text, complaint, text};
pub use params::{Members, Params};

/// The members of a JSON object.
pub type Object = Map<String, Value>;

/// How deep a message may be nested unless a setting says otherwise.
pub const DEFAULT_MAX_DEPTH: usize = 64;

/// How deep a message may be nested. Travels with a request, from the settings to whoever reads its body.
#[derive(Debug, Clone, Copy)]
pub struct MaxDepth(pub usize);

impl Default for MaxDepth {
    fn default() -> Self {
        Self(DEFAULT_MAX_DEPTH)
    }
}

/// What a client may send to a server.
#[derive(Debug)]
pub enum Message {
    /// Wants an answer.
    Request(Request),
    /// Wants none.
    Notification(Notification),
    /// Answers a request of ours. We send none, so nobody waits for it.
    Response,
}

/// A request: a method, its parameters, and the id that its answer carries.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    jsonrpc: Version,
    /// Echoed in the answer.
    pub id: Id,
    /// The name of the method, such as `tools/call`.
    pub method: String,
    /// The parameters; empty when the message has none.
    #[serde(skip_serializing_if = "Params::is_empty")]
    pub params: Params,
}

impl Request {
    /// A request of our own.
    pub fn new(id: impl Into<Id>, method: impl Into<String>, params: impl Into<Params>) -> Self {
        Self { jsonrpc: Version, id: id.into(), method: method.into(), params: params.into() }
    }
}

/// A message that nobody answers.
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
    /// A notification of our own.
    pub fn new(method: impl Into<String>, params: impl Into<Params>) -> Self {
        Self { jsonrpc: Version, method: method.into(), params: params.into() }
    }
}

impl Message {
    /// Reads a message from the body of a `POST`.
    ///
    /// # Errors
    /// -32700 when the body is not JSON, -32600 when it is JSON but no message of MCP (a batch, an id of the wrong
    /// type, another `jsonrpc`, nesting beyond `max_depth`).
    pub fn parse(body: &[u8], max_depth: usize) -> Result<Self, ErrorObject> {
        let text = std::str::from_utf8(body)
            .map_err(|e| ErrorObject::parse_error(format!("the body is not UTF-8: {e}")))?;
        // Few brackets cannot nest deep, and counting them is much faster than following them.
        if brackets(body) > max_depth && depth(text) > max_depth {
            return Err(ErrorObject::invalid_request(format!(
                "nested deeper than {max_depth} levels"
            )));
        }
        let envelope: Envelope = match text.trim_start().as_bytes().first() {
            Some(b'{') => serde_json::from_str(text).map_err(ErrorObject::unreadable)?,
            // serde would read an array into a struct; say what it is instead.
            Some(b'[') => {
                serde_json::from_str::<de::IgnoredAny>(text).map_err(ErrorObject::unreadable)?;
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
                serde_json::from_str::<de::IgnoredAny>(text).map_err(ErrorObject::unreadable)?;
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

/// How many brackets open. Counted in bytes, which 255 cannot overflow: so many bytes are looked at by one instruction.
fn brackets(body: &[u8]) -> usize {
    let opens = |byte: &u8| u8::from(matches!(byte, b'{' | b'['));
    body.chunks(255).map(|chunk| usize::from(chunk.iter().map(opens).sum::<u8>())).sum()
}

/// How deep brackets nest in a JSON text, strings left out.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The member `"jsonrpc": "2.0"`; nothing else is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Version;

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("2.0")
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Text::deserialize(deserializer)?.0.as_ref() {
            "2.0" => Ok(Self),
            _ => Err(de::Error::custom("jsonrpc must be \"2.0\"")),
        }
    }
}

/// An answer: a result or an error.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Response {
    jsonrpc: Version,
    /// The id of the request; absent when the request could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// What the method gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why it gave nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorObject>,
}

impl Response {
    /// The answer to request `id` (`None`: it could not be read).
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
    fn what_is_not_a_message_is_refused_with_the_code_of_its_fault() {
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
    fn an_id_comes_back_exactly_as_it_was_sent() {
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

    #[test]
    fn brackets_in_strings_do_not_nest() {
        assert_eq!(depth(r#"{"a":"[[[\"[["}"#), 1);
        assert_eq!(depth(r#"{"a":[{}]}"#), 3);
        assert_eq!(brackets(r#"{"a":[{}]}"#.as_bytes()), 3);
        assert_eq!(brackets(&[b'['; 1000]), 1000);
    }
}
