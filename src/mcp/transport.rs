//! Streamable HTTP: from an HTTP request to a JSON-RPC message, and from the outcome of a call to an HTTP response.
//!
//! Specs: MCP 2025-11-25 transports, "Streamable HTTP": one message per request; a request is answered with JSON, a
//! notification with 202 and no body; an unsupported `MCP-Protocol-Version` is a 400. A readable request gets HTTP 200
//! even when the answer is a JSON-RPC error, because clients take the transport for broken otherwise. Only a call
//! that the policy denies is a 403 (RFC 6750 section 3.1).

pub(in crate::mcp) mod span;

use std::{error::Error, iter::successors};

use axum::{
    Json, RequestExt,
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header, header::AsHeaderName, request::Parts},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError};
use serde::Serialize;

use crate::{
    jsonrpc::{self, ErrorObject, Id, Message, MessageLimits},
    principal::{AuthenticationRequired, InsufficientScope, Principal},
};

use super::{
    call::{MethodError, MethodResult},
    protocol,
};

/// A message, and what came with it. It has no `Debug`, because the token is among its headers.
pub struct McpRequest {
    pub(super) headers: HeaderMap,
    pub(super) principal: Option<Principal>,
    pub(super) max_result_bytes: usize,
    pub(super) message: Message,
}

impl<S: Sync> FromRequest<S> for McpRequest {
    type Rejection = TransportError;

    async fn from_request(request: Request, _: &S) -> Result<Self, TransportError> {
        let (Parts { headers, mut extensions, .. }, body) =
            request.with_limited_body().into_parts();
        check_content_type(&headers)?;
        let principal = extensions.remove();
        let MessageLimits { max_depth, max_result_bytes } = extensions.remove().unwrap_or_default();
        let body = body.collect().await?.to_bytes();
        let message = Message::parse(&body, max_depth)?;
        Ok(Self { headers, principal, max_result_bytes, message })
    }
}

/// The HTTP response of a call in the legacy era.
pub(super) fn respond(id: Id, result: MethodResult<Vec<u8>>) -> Response {
    match result {
        Ok(body) => success(body),
        Err(error) if error.is_forbidden() => failure(StatusCode::FORBIDDEN, id, error),
        Err(error) => failure(StatusCode::OK, id, error),
    }
}

/// 200, with a response that is serialized already.
pub(super) fn success(body: Vec<u8>) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], Body::from(body)).into_response()
}

/// An error. The authentication middleware finds in the extensions what is missing, and adds its challenge.
pub(super) fn failure(
    status: StatusCode,
    id: impl Into<Option<Id>>,
    error: MethodError,
) -> Response {
    let MethodError { error, insufficient_scope, authentication_required } = error;
    let mut response =
        (status, Json(jsonrpc::Response::new(id.into(), Err(error)))).into_response();
    if let Some(insufficient_scope) = insufficient_scope {
        response.extensions_mut().insert::<InsufficientScope>(insufficient_scope);
    }
    if let Some(authentication_required) = authentication_required {
        response.extensions_mut().insert::<AuthenticationRequired>(authentication_required);
    }
    response
}

/// Any other HTTP method than `POST`. `GET` would open a stream for messages of the server, and it sends none.
pub(super) async fn method_not_allowed() -> TransportError {
    TransportError::NoStream
}

/// The only value of a header, without surrounding white space.
pub(super) fn single_header(
    headers: &HeaderMap,
    name: impl AsHeaderName,
) -> Result<Option<&str>, HeaderError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let value = value.to_str().map_err(|_| HeaderError::InvalidCharacters)?;
            Ok(Some(value.trim_matches([' ', '\t'])))
        }
        // A proxy may have acted on the other one.
        (Some(_), Some(_)) => Err(HeaderError::Duplicate),
    }
}

/// Why a header has no usable value.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub(super) enum HeaderError {
    #[error("is given twice")]
    Duplicate,
    #[error("contains characters that are not allowed in a header")]
    InvalidCharacters,
    #[error("is not valid Base64 of UTF-8 text")]
    InvalidBase64,
}

/// JSON, or no type at all. A web page can send other types to another origin without a CORS preflight.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), TransportError> {
    let value = single_header(headers, header::CONTENT_TYPE);
    let Some(value) = value.map_err(|_| TransportError::UnsupportedMediaType)? else {
        return Ok(());
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(TransportError::UnsupportedMediaType)
    }
}

/// `MCP-Protocol-Version` of the legacy era.
pub(super) fn check_version(headers: &HeaderMap) -> Result<(), TransportError> {
    match single_header(headers, protocol::VERSION_HEADER) {
        Ok(None) => Ok(()),
        Ok(Some(version)) if protocol::LEGACY_VERSIONS.contains(&version) => Ok(()),
        _ => Err(TransportError::UnsupportedVersion(protocol::LEGACY_VERSIONS.join(", "))),
    }
}

/// Why a request is rejected before any method is called.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// 400, with a JSON-RPC error: the body is no message.
    #[error("{}", .0.message)]
    InvalidMessage(ErrorObject),
    /// 405
    #[error("Method Not Allowed - This server does not support server-initiated streaming")]
    NoStream,
    /// 413
    #[error("the body is larger than this server accepts; see --max-body-size")]
    BodyTooLarge,
    /// 400
    #[error("the body did not arrive completely")]
    IncompleteBody,
    /// 415
    #[error("send the message as Content-Type: application/json")]
    UnsupportedMediaType,
    /// 400, with the supported revisions.
    #[error("unsupported MCP-Protocol-Version; this server supports {0}")]
    UnsupportedVersion(String),
    /// 405, for `DELETE`.
    #[error("no session to delete; name one in Mcp-Session-Id")]
    MissingSessionId,
    /// 404: the client has to initialize again.
    #[error("session not found; send initialize without Mcp-Session-Id")]
    SessionNotFound,
}

impl From<axum::Error> for TransportError {
    fn from(error: axum::Error) -> Self {
        let mut causes = successors(Some(&error as &dyn Error), |&error| error.source());
        let too_large = causes.any(|cause| cause.is::<LengthLimitError>());
        if too_large { Self::BodyTooLarge } else { Self::IncompleteBody }
    }
}

impl From<ErrorObject> for TransportError {
    fn from(error: ErrorObject) -> Self {
        Self::InvalidMessage(error)
    }
}

impl IntoResponse for TransportError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            detail: String,
        }

        let status = match self {
            Self::InvalidMessage(error) => {
                return (StatusCode::BAD_REQUEST, Json(jsonrpc::Response::new(None, Err(error))))
                    .into_response();
            }
            Self::NoStream => StatusCode::METHOD_NOT_ALLOWED,
            Self::MissingSessionId => {
                let status = StatusCode::METHOD_NOT_ALLOWED;
                let allow = [(header::ALLOW, HeaderValue::from_static("POST"))];
                return (status, allow, Json(Body { detail: self.to_string() })).into_response();
            }
            Self::SessionNotFound => StatusCode::NOT_FOUND,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::IncompleteBody | Self::UnsupportedVersion(_) => StatusCode::BAD_REQUEST,
        };
        (status, Json(Body { detail: self.to_string() })).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_counts_if_it_is_given_once_in_ascii() {
        let headers = |values: &[&[u8]]| -> HeaderMap {
            let name = axum::http::HeaderName::from_static("mcp-name");
            values.iter().map(|v| (name.clone(), HeaderValue::from_bytes(v).unwrap())).collect()
        };
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&[&b" echo\t"[..]][..], Ok(Some("echo"))),
            (&[&b"echo"[..], b"echo"][..], Err(HeaderError::Duplicate)),
            (&["é".as_bytes()][..], Err(HeaderError::InvalidCharacters)),
        ] {
            assert_eq!(single_header(&headers(values), "mcp-name"), expected);
        }
    }
}
