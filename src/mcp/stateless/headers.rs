//! "Value Encoding" of MCP 2026-07-28 transports/streamable-http: text that does not fit a header travels as
//! `=?base64?…?=`.

use std::borrow::Cow;

use axum::http::HeaderValue;
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::mcp::transport::HeaderError;

const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

/// The text of a header value.
pub(in crate::mcp) fn decode(value: &str) -> Result<Cow<'_, str>, HeaderError> {
    let Some(encoded) = value.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX))
    else {
        return Ok(Cow::Borrowed(value));
    };
    let bytes = STANDARD.decode(encoded).map_err(|_| HeaderError::InvalidBase64)?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| HeaderError::InvalidBase64)
}

/// The header value of any text.
pub(in crate::mcp) fn encode(text: &str) -> HeaderValue {
    let not_printable = |byte: u8| !matches!(byte, b' '..=b'~');
    let looks_encoded = text.starts_with(PREFIX) && text.ends_with(SUFFIX);
    let plain =
        !(text.bytes().any(not_printable) || text.trim_matches(' ') != text || looks_encoded);
    let value = if plain { Cow::Borrowed(text) } else { Cow::Owned(base64(text)) };
    HeaderValue::from_str(&value).expect("plain ASCII is a header value")
}

fn base64(text: &str) -> String {
    format!("{PREFIX}{}{SUFFIX}", STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_survives_a_header() {
        // The examples of "Value Encoding".
        for (text, expected) in [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("", ""),
        ] {
            assert_eq!(encode(text), expected);
            assert_eq!(decode(expected).as_deref(), Ok(text));
        }
    }

    #[test]
    fn base64_is_decoded_strictly_and_only_between_its_markers() {
        for (value, expected) in [
            ("=?base64?SGVsbG8=?=", Ok("Hello")),
            ("=?base64??=", Ok("")),
            ("SGVsbG8=", Ok("SGVsbG8=")),
            ("=?base64?SGVsbG8=", Ok("=?base64?SGVsbG8=")),
            ("=?BASE64?SGVsbG8=?=", Ok("=?BASE64?SGVsbG8=?=")),
            ("=?base64?SGVsbG8?=", Err(HeaderError::InvalidBase64)),
            ("=?base64?SGVs!!!bG8=?=", Err(HeaderError::InvalidBase64)),
            ("=?base64?/w==?=", Err(HeaderError::InvalidBase64)),
        ] {
            assert_eq!(decode(value).as_deref().map_err(|e| *e), expected, "{value}");
        }
    }
}
