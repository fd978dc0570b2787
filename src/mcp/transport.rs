//! `POST /mcp`: where HTTP and JSON-RPC meet.
//!
//! Rules: MCP 2025-11-25 transports, "Streamable HTTP": one message a request; a request is answered with JSON, a
//! notification with 202 and no body; `GET` is 405 where there is no stream; an unsupported `MCP-Protocol-Version`
//! is 400. A request that we could read is answered with 200 even when the answer is an error: clients take the
//! transport for broken otherwise. Only a missing scope is a 403, because RFC 6750 says so.

use std::{error::Error, iter::successors};

use axum::{
    Json, RequestExt,
    body::Body,
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    jsonrpc::{self, ErrorObject, Id, MaxDepth, Message},
    principal::{InsufficientScope, Principal},
};

use super::{
    dispatcher::{Call, Dispatcher, MethodError, Outcome},
    headers, protocol,
};

/// A message, and what came with it. Not to be shown in a log: among the headers is the token.
pub struct Posted {
    pub(super) headers: HeaderMap,
    pub(super) principal: Option<Principal>,
    pub(super) message: Message,
}

impl<S: Sync> FromRequest<S> for Posted {
    type Rejection = TransportError;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, TransportError> {
        check_content_type(request.headers())?;
        let headers = std::mem::take(request.headers_mut());
        let principal = request.extensions_mut().remove();
        let MaxDepth(max_depth) = request.extensions_mut().remove().unwrap_or_default();
        let body = request.into_limited_body().collect().await?.to_bytes();
        Ok(Self { headers, principal, message: Message::parse(&body, max_depth)? })
    }
}

/// `POST /mcp`
///
/// # Errors
/// A [`TransportError`] for whatever is wrong before a method can be called.
pub async fn handle(
    State(methods): State<Dispatcher>,
    Posted { headers, principal, message }: Posted,
) -> Result<Response, TransportError> {
    check_version(&headers)?;
    match message {
        Message::Request(request) => {
            let call = Call { params: request.params, principal, capabilities: None };
            let outcome = methods.dispatch(&request.method, call).await;
            Ok(answer(request.id, outcome))
        }
        Message::Notification(_) | Message::Response => Ok(StatusCode::ACCEPTED.into_response()),
    }
}

pub(super) fn answer(id: Id, outcome: Outcome) -> Response {
    match outcome {
        Ok(result) => success(&id, &result, &[]),
        Err(refusal) => {
            let forbidden = refusal.error.code == jsonrpc::FORBIDDEN;
            failure(if forbidden { StatusCode::FORBIDDEN } else { StatusCode::OK }, id, refusal)
        }
    }
}

/// A result as it was written, and in it more members: the pieces of their text, `"name":value` with commas between.
pub(super) fn success(id: &Id, result: &RawValue, members: &[&str]) -> Response {
    let added: usize = members.iter().map(|piece| piece.len()).sum();
    let mut body = String::with_capacity(64 + result.get().len() + added);
    body.push_str(r#"{"jsonrpc":"2.0","id":"#);
    body.push_str(id.as_str());
    body.push_str(r#","result":"#);
    match result.get().strip_suffix('}').filter(|_| !members.is_empty()) {
        Some(open) => {
            body.push_str(open);
            body.push_str(if open.ends_with('{') { "" } else { "," });
            body.extend(members.iter().copied());
            body.push('}');
        }
        None => body.push_str(result.get()),
    }
    body.push('}');
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// An error; what the caller lacks goes along, for the wall to name in its challenge.
pub(super) fn failure(status: StatusCode, id: Id, refusal: MethodError) -> Response {
    let MethodError { error, insufficient_scope } = refusal;
    let mut response = (status, Json(jsonrpc::Response::new(Some(id), Err(error)))).into_response();
    if let Some(insufficient_scope) = insufficient_scope {
        response.extensions_mut().insert::<InsufficientScope>(insufficient_scope);
    }
    response
}

/// Any other verb at `/mcp`. `GET` would open a stream for the server's own messages, and we have none.
pub async fn no_stream() -> TransportError {
    TransportError::NoStream
}

/// JSON, or no word about it. Browsers send other types across origins without asking first.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), TransportError> {
    // Two of them are as good as a wrong one: who looks at the other would read something else.
    let value = headers::single(headers, header::CONTENT_TYPE);
    let Some(value) = value.map_err(|_| TransportError::NotJson)? else {
        return Ok(());
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(TransportError::NotJson)
    }
}

pub(super) fn check_version(headers: &HeaderMap) -> Result<(), TransportError> {
    match headers::single(headers, protocol::VERSION_HEADER) {
        Ok(None) => Ok(()),
        Ok(Some(version)) if protocol::VERSIONS.contains(&version) => Ok(()),
        _ => Err(TransportError::UnsupportedVersion(protocol::VERSIONS.join(", "))),
    }
}

/// Why a request never became a call.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Not a message: answered in JSON-RPC.
    #[error("{}", .0.message)]
    Unreadable(ErrorObject),
    /// 405
    #[error("Method Not Allowed - This server does not support server-initiated streaming")]
    NoStream,
    /// 413
    #[error("the body is larger than this server accepts; see --max-body-size")]
    TooLarge,
    /// 400
    #[error("the body did not arrive whole")]
    Interrupted,
    /// 415
    #[error("send the message as Content-Type: application/json")]
    NotJson,
    /// 400; these would do.
    #[error("unsupported MCP-Protocol-Version; this server speaks {0}")]
    UnsupportedVersion(String),
    /// 405, for `DELETE`.
    #[error("nothing to delete; name a session in Mcp-Session-Id")]
    NoSession,
    /// 404: the client is to begin anew.
    #[error("no such session; send initialize without Mcp-Session-Id")]
    UnknownSession,
}

impl From<axum::Error> for TransportError {
    fn from(error: axum::Error) -> Self {
        let mut causes = successors(Some(&error as &dyn Error), |&error| error.source());
        let too_large = causes.any(|cause| cause.is::<LengthLimitError>());
        if too_large { Self::TooLarge } else { Self::Interrupted }
    }
}

impl From<ErrorObject> for TransportError {
    fn from(error: ErrorObject) -> Self {
        Self::Unreadable(error)
    }
}

impl IntoResponse for TransportError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            detail: String,
        }

        let status = match self {
            Self::Unreadable(error) => {
                return (StatusCode::BAD_REQUEST, Json(jsonrpc::Response::new(None, Err(error))))
                    .into_response();
            }
            Self::NoStream => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoSession => {
                let status = StatusCode::METHOD_NOT_ALLOWED;
                let allow = [(header::ALLOW, HeaderValue::from_static("POST"))];
                return (status, allow, Json(Body { detail: self.to_string() })).into_response();
            }
            Self::UnknownSession => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Interrupted | Self::UnsupportedVersion(_) => StatusCode::BAD_REQUEST,
        };
        (status, Json(Body { detail: self.to_string() })).into_response()
    }
}
