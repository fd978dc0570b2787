//! `Mcp-Method` and `Mcp-Name`: headers that repeat part of the body. Both must be equal, or a proxy and this server
//! would act on different requests.
//!
//! Specs: MCP 2026-07-28 transports/streamable-http, "Request Metadata" and "Server Validation".

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName};

use crate::{
    jsonrpc::{ErrorObject, Request},
    mcp::{
        protocol,
        transport::{HeaderError, single_header},
    },
};

use super::headers::decode;

/// A header, its name as the specification writes it, and how its value is decoded.
struct RepeatedHeader(HeaderName, &'static str, fn(&str) -> Result<Cow<'_, str>, HeaderError>);

/// The specification allows an encoded value for a name, but not for a method.
const METHOD: RepeatedHeader =
    RepeatedHeader(HeaderName::from_static("mcp-method"), "Mcp-Method", |value| Ok(value.into()));
const NAME: RepeatedHeader =
    RepeatedHeader(HeaderName::from_static("mcp-name"), "Mcp-Name", decode);

/// Checks a request of 2026-07-28, which must carry both headers.
///
/// # Errors
/// -32020
pub(super) fn check_required(headers: &HeaderMap, request: &Request) -> Result<(), ErrorObject> {
    METHOD.require(headers, &request.method)?;
    match protocol::name_param(&request.method) {
        // Without a name there is nothing to repeat; the method itself asks for it.
        Some(param) => NAME.require(headers, &request.params.text(param).unwrap_or_default()),
        None => Ok(()),
    }
}

/// Checks a request of the legacy era. Its revisions know neither header, so both may be absent; but a proxy may act on
/// one that is present, whatever the revision.
///
/// # Errors
/// -32020
pub(in crate::mcp) fn check_present(
    headers: &HeaderMap,
    request: &Request,
) -> Result<(), ErrorObject> {
    METHOD.check(headers, &request.method)?;
    if let Some(param) = protocol::name_param(&request.method) {
        NAME.check(headers, &request.params.text(param).unwrap_or_default())?;
    }
    Ok(())
}

impl RepeatedHeader {
    /// The header must be present, and equal to `body`.
    fn require(&self, headers: &HeaderMap, body: &str) -> Result<(), ErrorObject> {
        match self.check(headers, body)? {
            None if !body.is_empty() => Err(missing(self.1, body)),
            _ => Ok(()),
        }
    }

    /// If the header is present, it must be equal to `body`.
    fn check(&self, headers: &HeaderMap, body: &str) -> Result<Option<()>, ErrorObject> {
        let Self(header, name, decode) = self;
        let value = single_header(headers, header).and_then(|value| value.map(decode).transpose());
        match value {
            Ok(None) => Ok(None),
            Ok(Some(value)) if value == body => Ok(Some(())),
            Ok(Some(value)) => Err(mismatch(name, &value, body)),
            Err(error) => Err(header_mismatch(format!("{name} {error}"))),
        }
    }
}

/// In the words of the specification's example.
pub(super) fn mismatch(name: &str, header: &str, body: &str) -> ErrorObject {
    let (header, body) = (truncated(header), truncated(body));
    header_mismatch(format!("{name} header value '{header}' does not match body value '{body}'"))
}

pub(super) fn missing(name: &str, body: &str) -> ErrorObject {
    header_mismatch(format!("{name} is missing, and must repeat '{}' of the body", truncated(body)))
}

pub(super) fn header_mismatch(reason: String) -> ErrorObject {
    ErrorObject::new(protocol::HEADER_MISMATCH, format!("Header mismatch: {reason}"))
}

fn truncated(text: &str) -> String {
    text.chars().take(100).collect()
}
