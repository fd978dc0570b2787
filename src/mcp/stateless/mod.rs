//! Revision 2026-07-28, without a handshake: each request carries its own metadata in `_meta`, and headers repeat part
//! of the body so that proxies can route without parsing it.
//!
//! Specs: MCP 2026-07-28 basic ("_meta", "Error Codes"); versioning; transports/streamable-http ("Request Metadata",
//! "Server Validation"); server/discover; server/utilities/caching. The handlers of methods know nothing of this.

pub(super) mod headers;
mod meta;
mod param_headers;
mod repeated;

use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tracing::Instrument;

use crate::{
    jsonrpc::{self, ErrorObject, Message, Request},
    principal::Principal,
};

use super::{
    call::{
        CallContext, MethodResult, ResultBody,
        response::{CacheHint, CacheScope, Envelope},
    },
    call_log::CallLog,
    dispatcher::{Dispatcher, WithState},
    lifecycle::{Capabilities, ServerInfo},
    protocol::{self, Implementation},
    tools::Tools,
    transport::{self, McpRequest, TransportError, span::request_span},
};
use param_headers::ParamHeaders;

pub(super) use meta::is_stateless;
pub(super) use repeated::check_present as check_repeated_headers;

/// The caller may not make this call. This revision reserves -32000 to -32019, and so the legacy era's -32001; the HTTP
/// status stands in for it.
const FORBIDDEN: i64 = 403;

/// Methods that this revision removed.
const REMOVED: [&str; 5] =
    ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

/// Lists that may have pages.
const PAGINATED: [&str; 4] =
    ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];

/// How a dual-era endpoint serves this revision.
#[derive(Debug)]
pub(super) struct StatelessEra {
    /// `server/discover`
    own_methods: Dispatcher,
    implementation: Implementation,
    param_headers: ParamHeaders,
}

impl StatelessEra {
    pub(super) fn new(server: &ServerInfo, tools: &Tools, call_log: Option<&CallLog>) -> Self {
        Self {
            own_methods: Dispatcher::new()
                .method("server/discover", discover.with_state(server))
                .with_optional_call_log(call_log),
            implementation: server.implementation(),
            param_headers: ParamHeaders::from_tools(tools),
        }
    }

    /// Handles a message of this revision.
    ///
    /// # Errors
    /// 400 for a notification of an unsupported revision.
    pub(super) async fn handle(
        &self,
        methods: &Dispatcher,
        request: McpRequest,
    ) -> Result<Response, TransportError> {
        let McpRequest { headers, principal, max_result_bytes, message } = request;
        let Message::Request(request) = message else {
            meta::check_notification(&headers)?;
            return Ok(StatusCode::ACCEPTED.into_response());
        };
        let id = request.id.clone();
        if let Err(error) = self.check(&headers, &request) {
            let not_found = error.code == jsonrpc::METHOD_NOT_FOUND;
            let status = if not_found { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
            return Ok(transport::failure(status, id, error.into()));
        }
        let Request { method, params, .. } = request;
        let is_own = self.own_methods.has_method(&method);
        if is_own && let Err(error) = methods.authorize_anonymous(&method, principal.as_ref()) {
            return Ok(transport::failure(StatusCode::FORBIDDEN, id, error));
        }
        let methods = if is_own { &self.own_methods } else { methods };
        let mut envelope = Envelope::new(id.clone(), max_result_bytes);
        self.complete(&mut envelope, &method, principal.as_ref());
        let span = request_span(&params.meta);
        let client_capabilities = meta::client_capabilities(&params.meta).map(ToOwned::to_owned);
        let call = CallContext { params, principal, client_capabilities };
        Ok(match methods.dispatch(&method, call, envelope).instrument(span).await {
            Ok(body) => transport::success(body),
            Err(mut error) => {
                let status = translate(&mut error.error);
                transport::failure(status, id, error)
            }
        })
    }

    /// Checks the metadata of a request, in its body and in its headers.
    fn check(&self, headers: &HeaderMap, request: &Request) -> Result<(), ErrorObject> {
        let Request { method, params, .. } = request;
        meta::check(headers, &params.meta)?;
        repeated::check_required(headers, request)?;
        if REMOVED.contains(&method.as_str()) {
            return Err(ErrorObject::method_not_found(method));
        }
        if PAGINATED.contains(&method.as_str()) {
            protocol::check_cursor(params)?;
        }
        if method == "tools/call" {
            let name = params.text("name").unwrap_or_default();
            let arguments = params.get("arguments");
            self.param_headers
                .check(&name, arguments, headers)
                .map_err(repeated::header_mismatch)?;
        }
        Ok(())
    }

    /// What this revision adds to a result.
    fn complete(&self, envelope: &mut Envelope, method: &str, caller: Option<&Principal>) {
        envelope.has_result_type = true;
        envelope.server_info = Some(self.implementation);
        envelope.cache = cache_hint(method);
        // What anyone may cache must not name the caller.
        let public = envelope.cache.is_some_and(|hint| hint.cache_scope == CacheScope::Public);
        envelope.user = caller.filter(|_| !public).cloned();
    }
}

/// How long the result of a method may be cached. Lists show what the caller may use, so they are private.
fn cache_hint(method: &str) -> Option<CacheHint> {
    let (ttl_ms, cache_scope) = match method {
        "server/discover" => (3_600_000, CacheScope::Public),
        "resources/read" => (60_000, CacheScope::Private),
        list if PAGINATED.contains(&list) => (300_000, CacheScope::Private),
        _ => return None,
    };
    Some(CacheHint { ttl_ms, cache_scope })
}

/// The HTTP status of an error, whose code becomes the one of this revision.
fn translate(error: &mut ErrorObject) -> StatusCode {
    match error.code {
        jsonrpc::FORBIDDEN => {
            error.code = FORBIDDEN;
            StatusCode::FORBIDDEN
        }
        jsonrpc::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        protocol::MISSING_CLIENT_CAPABILITY => StatusCode::BAD_REQUEST,
        protocol::RESOURCE_NOT_FOUND => {
            error.code = jsonrpc::INVALID_PARAMS;
            StatusCode::OK
        }
        _ => StatusCode::OK,
    }
}

/// The result of `server/discover`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DiscoverResult {
    supported_versions: Vec<&'static str>,
    capabilities: Capabilities,
}

impl ResultBody for DiscoverResult {}

async fn discover(server: ServerInfo, _: CallContext) -> MethodResult<DiscoverResult> {
    let supported_versions = protocol::all_versions().collect();
    Ok(DiscoverResult { supported_versions, capabilities: server.capabilities() })
}
