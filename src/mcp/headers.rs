//! What request headers repeat of a message, so that proxies can route without reading bodies.
//!
//! Rules: MCP 2026-07-28 transports/streamable-http, "Value Encoding" and "Server Validation": a value that does not
//! fit a header comes as `=?base64?…?=`; whatever is repeated must be the same in both places, or a proxy and this
//! server would act on different requests.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderValue, header::AsHeaderName};
use base64::{Engine, engine::general_purpose::STANDARD};

const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

/// Why a header cannot be compared with anything.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("is given twice")]
    Repeated,
    #[error("contains characters that no header may")]
    Characters,
    #[error("is not valid Base64 of UTF-8 text")]
    Encoding,
}

/// The one value of a header, blanks around it left out.
pub(super) fn single(
    headers: &HeaderMap,
    name: impl AsHeaderName,
) -> Result<Option<&str>, Unreadable> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let value = value.to_str().map_err(|_| Unreadable::Characters)?;
            Ok(Some(value.trim_matches([' ', '\t'])))
        }
        // A proxy may have looked at the other one.
        (Some(_), Some(_)) => Err(Unreadable::Repeated),
    }
}

/// The text that a value stands for.
pub(super) fn decode(value: &str) -> Result<Cow<'_, str>, Unreadable> {
    let Some(encoded) = value.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX))
    else {
        return Ok(Cow::Borrowed(value));
    };
    let bytes = STANDARD.decode(encoded).map_err(|_| Unreadable::Encoding)?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| Unreadable::Encoding)
}

/// A header value for any text.
pub(super) fn encode(text: &str) -> HeaderValue {
    let unlike = |byte: u8| !matches!(byte, b' '..=b'~');
    let marked = text.starts_with(PREFIX) && text.ends_with(SUFFIX);
    let plain = !(text.bytes().any(unlike) || text.trim_matches(' ') != text || marked);
    let value = if plain { Cow::Borrowed(text) } else { Cow::Owned(wrapped(text)) };
    HeaderValue::from_str(&value).expect("plain ASCII is a header value")
}

fn wrapped(text: &str) -> String {
    format!("{PREFIX}{}{SUFFIX}", STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_travels_unharmed() {
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
    fn base64_is_read_strictly_and_only_between_its_marks() {
        for (value, expected) in [
            ("=?base64?SGVsbG8=?=", Ok("Hello")),
            ("=?base64??=", Ok("")),
            ("SGVsbG8=", Ok("SGVsbG8=")),
            ("=?base64?SGVsbG8=", Ok("=?base64?SGVsbG8=")),
            ("=?BASE64?SGVsbG8=?=", Ok("=?BASE64?SGVsbG8=?=")),
            ("=?base64?SGVsbG8?=", Err(Unreadable::Encoding)),
            ("=?base64?SGVs!!!bG8=?=", Err(Unreadable::Encoding)),
            ("=?base64?/w==?=", Err(Unreadable::Encoding)),
        ] {
            assert_eq!(decode(value).as_deref().map_err(|e| *e), expected, "{value}");
        }
    }

    #[test]
    fn a_header_counts_once_and_as_ascii() {
        let headers = |values: &[&[u8]]| -> HeaderMap {
            let name = axum::http::HeaderName::from_static("mcp-name");
            values.iter().map(|v| (name.clone(), HeaderValue::from_bytes(v).unwrap())).collect()
        };
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&[&b" echo\t"[..]][..], Ok(Some("echo"))),
            (&[&b"echo"[..], b"echo"][..], Err(Unreadable::Repeated)),
            (&["é".as_bytes()][..], Err(Unreadable::Characters)),
        ] {
            assert_eq!(single(&headers(values), "mcp-name"), expected);
        }
    }
}
