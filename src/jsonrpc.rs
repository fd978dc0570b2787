//! The envelope of every message: JSON-RPC 2.0 as MCP narrows it.
//!
//! Rules: JSON-RPC 2.0; MCP 2025-06-18 and later, "Base Protocol: Messages" (ids are strings or integers, never
//! null; `params` is an object; no batches since 2025-06-18, changelog item 1).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value, value::RawValue};

/// The members of `params`, or of any other JSON object.
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

/// The id of a request: a string or an integer, kept exactly as it was written.
///
/// Numbers are not read into a machine type: `2^70` is a legal id and must come back unchanged.
#[derive(Clone)]
pub struct Id(Box<RawValue>);

impl Id {
    fn parse(raw: Box<RawValue>) -> Result<Self, &'static str> {
        let text = raw.get();
        // A string with a lone surrogate is legal to skip over but not to echo: decode it once.
        let legal = if text.starts_with('"') {
            serde_json::from_str::<String>(text).is_ok()
        } else {
            let digits = text.strip_prefix('-').unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
        };
        if legal { Ok(Self(raw)) } else { Err("id must be a string or an integer") }
    }
}

impl From<i64> for Id {
    fn from(number: i64) -> Self {
        Self(RawValue::from_string(number.to_string()).expect("an integer is JSON"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Id::parse(Box::<RawValue>::deserialize(deserializer)?).map_err(de::Error::custom)
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
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub params: Object,
}

impl Request {
    /// A request of our own.
    pub fn new(id: impl Into<Id>, method: impl Into<String>, params: Object) -> Self {
        Self { jsonrpc: Version, id: id.into(), method: method.into(), params }
    }
}

/// A message that nobody answers.
#[derive(Debug, Clone, Serialize)]
pub struct Notification {
    jsonrpc: Version,
    /// The name, such as `notifications/initialized`.
    pub method: String,
    /// The parameters; empty when the message has none.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub params: Object,
}

impl Notification {
    /// A notification of our own.
    pub fn new(method: impl Into<String>, params: Object) -> Self {
        Self { jsonrpc: Version, method: method.into(), params }
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
        if depth(text) > max_depth {
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
    #[serde(default)]
    params: Option<Object>,
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
        match String::deserialize(deserializer)?.as_str() {
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

    fn unreadable(error: serde_json::Error) -> Self {
        match error.classify() {
            serde_json::error::Category::Data => Self::invalid_request(error.to_string()),
            _ => Self::parse_error(error.to_string()),
        }
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
            (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"\ud800"}}"#, PARSE_ERROR),
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
    }
}
