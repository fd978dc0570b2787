//! `/mcp`: the endpoint of the transport, for one protocol era or for both.
//!
//! Specs: MCP 2025-11-25 transports, "Streamable HTTP"; MCP 2026-07-28 versioning, "Backward Compatibility with
//! Initialization-Based Versions": a dual-era server serves each request by what that request contains.
//!
//! ```
//! use axum::Router;
//! use mcp_auth::mcp::{dispatcher::Dispatcher, endpoint::Endpoint, lifecycle};
//!
//! let methods = Dispatcher::new().method("ping", lifecycle::ping);
//! let app: Router = Router::new().route("/mcp", Endpoint::new(methods).routes());
//! ```

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderName, StatusCode},
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};

use crate::jsonrpc::Message;

use super::{
    call::{CallContext, response::Envelope},
    dispatcher::Dispatcher,
    legacy::LegacyEra,
    lifecycle::ServerInfo,
    protocol,
    stateless::{self, StatelessEra},
    tools::Tools,
    transport::{self, McpRequest, TransportError},
};

/// Names the caller in every response to an authenticated request, for the access logs of proxies.
const USER_HEADER: HeaderName = HeaderName::from_static("x-authenticated-user");

/// The handlers behind the route `/mcp`.
#[derive(Debug)]
pub struct Endpoint(Kind);

#[derive(Debug)]
enum Kind {
    Legacy(Dispatcher),
    DualEra(Box<DualEra>),
}

#[derive(Debug)]
struct DualEra {
    methods: Dispatcher,
    legacy: LegacyEra,
    stateless: StatelessEra,
}

impl Endpoint {
    /// Serves the legacy era, without sessions; `initialize` and `ping` are among `methods`.
    pub fn new(methods: Dispatcher) -> Self {
        Self(Kind::Legacy(methods))
    }

    /// Serves both eras: requests after a handshake, with or without a session, and requests of 2026-07-28. It answers
    /// `initialize`, `ping` and `server/discover` itself, to every caller.
    ///
    /// # Panics
    /// If `methods` contains one of these three, or if a parameter of `tools` cannot be repeated in a header.
    pub fn dual_era(methods: Dispatcher, server: &ServerInfo, tools: &Tools) -> Self {
        let legacy = LegacyEra::new(server, methods.call_log());
        let stateless = StatelessEra::new(server, tools, methods.call_log());
        for name in ["initialize", "ping", "server/discover"] {
            assert!(!methods.has_method(name), "a dual-era endpoint answers {name} itself");
        }
        Self(Kind::DualEra(Box::new(DualEra { methods, legacy, stateless })))
    }

    /// Signs session ids with this secret, so that replicas which share it accept each other's sessions.
    #[must_use]
    pub fn signing_secret(mut self, secret: Option<&str>) -> Self {
        if let Kind::DualEra(eras) = &mut self.0 {
            eras.legacy.signing_secret(secret);
        }
        self
    }

    /// The supported protocol revisions, the newest first.
    pub fn protocol_versions(&self) -> Vec<&'static str> {
        match self.0 {
            Kind::Legacy(_) => protocol::LEGACY_VERSIONS.into_iter().rev().collect(),
            Kind::DualEra(_) => protocol::all_versions().collect(),
        }
    }

    /// `POST`, and `DELETE` where there are sessions; any other HTTP method is a 405.
    pub fn routes(self) -> MethodRouter {
        match self.0 {
            Kind::Legacy(methods) => post(handle_legacy).with_state(Arc::new(methods)),
            Kind::DualEra(eras) => {
                post(handle_dual_era).delete(delete_session).with_state(Arc::<DualEra>::from(eras))
            }
        }
        .fallback(transport::method_not_allowed)
    }
}

async fn handle_legacy(
    State(methods): State<Arc<Dispatcher>>,
    McpRequest { headers, principal, max_result_bytes, message }: McpRequest,
) -> Result<Response, TransportError> {
    transport::check_version(&headers)?;
    let Message::Request(request) = message else {
        return Ok(StatusCode::ACCEPTED.into_response());
    };
    let call = CallContext { params: request.params, principal, client_capabilities: None };
    let envelope = Envelope::new(request.id.clone(), max_result_bytes);
    let result = methods.dispatch(&request.method, call, envelope).await;
    Ok(transport::respond(request.id, result))
}

async fn handle_dual_era(
    State(eras): State<Arc<DualEra>>,
    request: McpRequest,
) -> Result<Response, TransportError> {
    let DualEra { methods, legacy, stateless } = &*eras;
    let principal = request.principal.clone();
    let mut response = if stateless::is_stateless(&request) {
        stateless.handle(methods, request).await?
    } else {
        legacy.handle(methods, request).await?
    };
    if let Some(principal) = principal {
        let name = stateless::headers::encode(&principal.display_name);
        response.headers_mut().insert(USER_HEADER, name);
    }
    Ok(response)
}

/// `DELETE`: terminates a session.
async fn delete_session(
    State(eras): State<Arc<DualEra>>,
    request: Request,
) -> Result<StatusCode, TransportError> {
    eras.legacy.delete_session(request.headers(), request.extensions().get())
}
