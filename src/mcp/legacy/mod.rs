//! The legacy era, as the MCP specification calls it: revisions 2025-03-26 to 2025-11-25, in which a client initializes
//! first and may then name its session in every request.
//!
//! Specs: MCP 2025-11-25 lifecycle; transports, "Session Management".

mod sessions;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use crate::{
    jsonrpc::{Message, Request},
    principal::Principal,
};

use super::{
    call::{CallContext, response::Envelope},
    call_log::CallLog,
    dispatcher::{Dispatcher, WithState},
    lifecycle::{self, ServerInfo},
    stateless::check_repeated_headers,
    transport::{self, McpRequest, TransportError, span::request_span},
};
use sessions::Sessions;

/// Names a session (MCP 2025-11-25 transports, "Session Management").
const SESSION_HEADER: HeaderName = HeaderName::from_static("mcp-session-id");

/// How a dual-era endpoint serves the legacy era.
#[derive(Debug)]
pub(super) struct LegacyEra {
    /// `initialize` and `ping`.
    own_methods: Dispatcher,
    sessions: Sessions,
}

impl LegacyEra {
    pub(super) fn new(server: &ServerInfo, call_log: Option<&CallLog>) -> Self {
        let own_methods = Dispatcher::new()
            .method("initialize", lifecycle::initialize.with_state(server))
            .method("ping", lifecycle::empty_ping)
            .with_optional_call_log(call_log);
        Self { own_methods, sessions: Sessions::new(None) }
    }

    pub(super) fn signing_secret(&mut self, secret: Option<&str>) {
        self.sessions = Sessions::new(secret);
    }

    /// Handles a message of this era.
    ///
    /// # Errors
    /// 400 for an unsupported revision, 404 for a session that is not the caller's.
    pub(super) async fn handle(
        &self,
        methods: &Dispatcher,
        McpRequest { headers, principal, max_result_bytes, message }: McpRequest,
    ) -> Result<Response, TransportError> {
        transport::check_version(&headers)?;
        let Message::Request(request) = message else {
            self.check_session(&headers, principal.as_ref())?;
            return Ok(StatusCode::ACCEPTED.into_response());
        };
        if let Err(error) = check_repeated_headers(&headers, &request) {
            return Ok(transport::failure(StatusCode::BAD_REQUEST, request.id, error.into()));
        }
        let Request { method, id, params, .. } = request;
        let initializes = method == "initialize";
        if !initializes {
            self.check_session(&headers, principal.as_ref())?;
        }
        let is_own = self.own_methods.has_method(&method);
        if is_own && let Err(error) = methods.authorize_anonymous(&method, principal.as_ref()) {
            return Ok(transport::respond(id, Err(error)));
        }
        let methods = if is_own { &self.own_methods } else { methods };
        let mut envelope = Envelope::new(id.clone(), max_result_bytes);
        // The result of a ping is empty in every revision (utilities/ping).
        envelope.user = principal.clone().filter(|_| method != "ping");
        let span = request_span(&params.meta);
        // Capabilities count as they were declared in `initialize`, not as this request has them.
        let call = CallContext { params, principal: principal.clone(), client_capabilities: None };
        let result = methods.dispatch(&method, call, envelope).instrument(span).await;
        let session =
            (initializes && result.is_ok()).then(|| self.sessions.create(principal.as_ref()));
        let mut response = transport::respond(id, result);
        if let Some(id) = session {
            let id = HeaderValue::try_from(id).expect("Base64 is visible ASCII");
            response.headers_mut().insert(SESSION_HEADER, id);
        }
        Ok(response)
    }

    /// Terminates the session that the headers name.
    ///
    /// # Errors
    /// 405 without one, 400 for an unsupported revision, 404 for one that is not the caller's.
    pub(super) fn delete_session(
        &self,
        headers: &HeaderMap,
        principal: Option<&Principal>,
    ) -> Result<StatusCode, TransportError> {
        let id = session_id(headers)?.ok_or(TransportError::MissingSessionId)?;
        transport::check_version(headers)?;
        self.check_session(headers, principal)?;
        self.sessions.terminate(id);
        Ok(StatusCode::NO_CONTENT)
    }

    /// A session is optional, but one that is named must be valid.
    fn check_session(
        &self,
        headers: &HeaderMap,
        principal: Option<&Principal>,
    ) -> Result<(), TransportError> {
        match session_id(headers)? {
            Some(id) if !self.sessions.is_valid(id, principal) => {
                Err(TransportError::SessionNotFound)
            }
            _ => Ok(()),
        }
    }
}

fn session_id(headers: &HeaderMap) -> Result<Option<&str>, TransportError> {
    transport::single_header(headers, SESSION_HEADER).map_err(|_| TransportError::SessionNotFound)
}
