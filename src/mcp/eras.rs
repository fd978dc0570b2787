//! One endpoint for both eras of MCP: the handshake with its sessions, and requests that carry everything themselves.
//!
//! Rules: MCP 2026-07-28 versioning, "Backward Compatibility with Initialization-Based Versions": a dual-era server
//! serves each request by what that request says. A request of the older kind is answered as
//! [`transport`] answers it; what is different for the newer one is in `stateless`.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::value::RawValue;
use tracing::Instrument;

use crate::{
    jsonrpc::{self, ErrorObject, Message},
    principal::Principal,
};

use super::{
    caller,
    dispatcher::{Call, Dispatcher},
    headers,
    lifecycle::Server,
    mirrors::Mirrors,
    sessions::Sessions,
    stateless::{self, is_stateless},
    tools::Tools,
    trace,
    transport::{self, Posted, TransportError},
};

/// The header of a session (MCP 2025-11-25 transports, "Session Management").
pub const SESSION_HEADER: HeaderName = HeaderName::from_static("mcp-session-id");

/// An endpoint that speaks both eras.
#[derive(Debug, Clone)]
pub struct Endpoint(Arc<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    methods: Dispatcher,
    /// How `_meta` begins in the answers of the newer era.
    meta: String,
    mirrors: Mirrors,
    sessions: Sessions,
}

impl Endpoint {
    /// Answers `methods` as `server`; of the arguments of `tools`, headers may repeat some.
    pub fn new(methods: Dispatcher, server: &Server, tools: &Tools) -> Self {
        Self(Arc::new(Parts {
            methods,
            meta: stateless::meta(&server.identity()),
            mirrors: Mirrors::of(tools),
            sessions: Sessions::new(None),
        }))
    }

    /// Seals its sessions with this secret, so that replicas that have it too know them.
    #[must_use]
    pub fn sealed_with(self, secret: Option<&str>) -> Self {
        let sessions = Sessions::new(secret);
        Self(Arc::new(Parts { sessions, ..Arc::unwrap_or_clone(self.0) }))
    }
}

/// `POST /mcp`, in whichever era the request is of.
///
/// # Errors
/// A [`TransportError`] for whatever is wrong before a method can be called.
pub async fn handle(
    State(Endpoint(endpoint)): State<Endpoint>,
    Posted { headers, principal, message }: Posted,
) -> Result<Response, TransportError> {
    let mut response = match message {
        Message::Request(request) if is_stateless(&request.params.meta, &headers) => {
            endpoint.answer_stateless(&headers, request, principal.as_ref()).await
        }
        Message::Request(request) => {
            endpoint.answer_in_session(&headers, request, principal.as_ref()).await?
        }
        Message::Notification(note) if is_stateless(&note.params.meta, &headers) => {
            stateless::check_notification(&headers)?;
            StatusCode::ACCEPTED.into_response()
        }
        Message::Notification(_) | Message::Response => {
            transport::check_version(&headers)?;
            endpoint.check_session(&headers, principal.as_ref())?;
            StatusCode::ACCEPTED.into_response()
        }
    };
    if let Some(principal) = &principal {
        response.headers_mut().insert(caller::HEADER, caller::header_value(principal));
    }
    Ok(response)
}

/// `DELETE /mcp`: ends a session.
///
/// # Errors
/// 405 without a session, which is all that the newer era knows; 400 for a revision without sessions; 404 for one that
/// is not the caller's.
pub async fn end_session(
    State(Endpoint(endpoint)): State<Endpoint>,
    request: Request,
) -> Result<StatusCode, TransportError> {
    let id = session(request.headers())?.ok_or(TransportError::NoSession)?;
    transport::check_version(request.headers())?;
    endpoint.check_session(request.headers(), request.extensions().get())?;
    endpoint.sessions.end(id);
    Ok(StatusCode::NO_CONTENT)
}

impl Parts {
    async fn answer_stateless(
        &self,
        headers: &HeaderMap,
        request: jsonrpc::Request,
        principal: Option<&Principal>,
    ) -> Response {
        let jsonrpc::Request { ref method, ref id, .. } = request;
        if let Err(error) = stateless::check(headers, &request, &self.mirrors) {
            let status = match error.code {
                jsonrpc::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
                _ => StatusCode::BAD_REQUEST,
            };
            return transport::failure(status, id.clone(), error.into());
        }
        let meta = &request.params.meta;
        let span = trace::span(meta);
        let capabilities = stateless::client_capabilities(meta).map(ToOwned::to_owned);
        let call = Call { params: request.params, principal: principal.cloned(), capabilities };
        match self.methods.dispatch(method, call).instrument(span).await {
            Ok(result) => {
                let members = stateless::members(method, &result, &self.meta, principal);
                transport::success(id, &result, &[&members])
            }
            Err(mut refusal) => {
                let (status, error) = stateless::error(refusal.error);
                refusal.error = error;
                transport::failure(status, id.clone(), refusal)
            }
        }
    }

    async fn answer_in_session(
        &self,
        headers: &HeaderMap,
        request: jsonrpc::Request,
        principal: Option<&Principal>,
    ) -> Result<Response, TransportError> {
        transport::check_version(headers)?;
        let jsonrpc::Request { method, id, params, .. } = request;
        let begins = method == "initialize";
        if !begins {
            self.check_session(headers, principal)?;
        }
        if stateless::ADDED.contains(&method.as_str()) {
            let error = ErrorObject::method_not_found(&method);
            return Ok(transport::answer(id, Err(error.into())));
        }
        // What a request of this kind says of capabilities counts for nothing: they were agreed on in the handshake.
        let span = trace::span(&params.meta);
        let call = Call { params, principal: principal.cloned(), capabilities: None };
        let outcome = self.methods.dispatch(&method, call).instrument(span).await;
        let begun = begins && outcome.is_ok();
        let mut response = match (&outcome, principal) {
            (Ok(result), Some(principal)) => with_caller(&id, result, principal),
            _ => transport::answer(id, outcome),
        };
        if begun {
            let id = self.sessions.begin(principal);
            let id = HeaderValue::try_from(id).expect("an id is visible ASCII");
            response.headers_mut().insert(SESSION_HEADER, id);
        }
        Ok(response)
    }

    /// A session is not required, but one that is named must be good.
    fn check_session(
        &self,
        headers: &HeaderMap,
        principal: Option<&Principal>,
    ) -> Result<(), TransportError> {
        match session(headers)? {
            Some(id) if !self.sessions.knows(id, principal) => Err(TransportError::UnknownSession),
            _ => Ok(()),
        }
    }
}

fn session(headers: &HeaderMap) -> Result<Option<&str>, TransportError> {
    headers::single(headers, SESSION_HEADER).map_err(|_| TransportError::UnknownSession)
}

/// A result of the older kind, and in its `_meta` who asked.
fn with_caller(id: &jsonrpc::Id, result: &RawValue, principal: &Principal) -> Response {
    // An empty result stays empty: that is what it means. And a method may have told on its own.
    if result.get() == "{}" || result.get().starts_with(r#"{"_meta":"#) {
        return transport::success(id, result, &[]);
    }
    transport::success(id, result, &[r#""_meta":{"#, caller::member(principal), "}"])
}
