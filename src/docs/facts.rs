//! What the application supports, found by sending it the requests that a client would send, in process.
//!
//! So the page describes the application as it is, without a list to maintain.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header, request::Builder},
};
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};
use tower::ServiceExt;
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};
use url::Url;

use crate::{
    auth::{challenge::Challenge, metadata::ProtectedResource},
    config::PublicUrl,
};

/// The largest response body that is read.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// What a client can learn about the server before it has a token.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Whether a request without `Origin` is rejected.
    pub(super) origin_required: bool,
    /// Whether there is an endpoint `/mcp`.
    pub(super) mcp: bool,
    /// Whether it supports `initialize`.
    pub(super) initialize: bool,
    /// Whether it requires a bearer token.
    pub(super) auth_required: bool,
    /// Whether methods require scopes.
    pub(super) scopes_enforced: bool,
    /// Whether the server publishes a JWKS.
    pub(super) jwks: bool,
    /// The protected resource metadata and its path.
    pub(super) resource: Option<(String, ProtectedResource)>,
    /// Whether this server is its own authorization server.
    pub(super) own_authorization_server: bool,
    /// Names of tools, from `/health`.
    pub(super) tools: Vec<String>,
    /// Names of prompts, from `/health`.
    pub(super) prompts: Vec<String>,
    /// URIs of resources, from `/health`.
    pub(super) resources: Vec<String>,
    /// Revisions of MCP, from `/health`.
    pub(super) revisions: Vec<String>,
}

impl Facts {
    /// The facts of `app`, which is reached at `public_url`.
    pub(super) async fn of(app: &Router, public_url: &PublicUrl) -> Self {
        let app = InProcess { app, origin: public_url.origin() };
        let health = app.get("/health").await.body;
        let names = |field: &str| {
            let names = health[field].as_array().into_iter().flatten();
            names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        let initialize = app.initialize().await;
        let auth_required = initialize.status == StatusCode::UNAUTHORIZED;
        let path = initialize.challenge.as_ref().and_then(|challenge| {
            Some(Url::parse(challenge.param("resource_metadata")?).ok()?.path().to_owned())
        });
        Self {
            origin_required: app.without_origin().await.status == StatusCode::FORBIDDEN,
            mcp: initialize.status != StatusCode::NOT_FOUND,
            initialize: auth_required || initialize.body.get("result").is_some(),
            auth_required,
            scopes_enforced: health["scope_based_auth"] == true,
            jwks: app.exists("/.well-known/jwks.json").await,
            resource: match path {
                Some(path) => app.protected_resource(path).await,
                None => None,
            },
            own_authorization_server: {
                app.exists("/.well-known/oauth-authorization-server").await
            },
            tools: names("tools"),
            prompts: names("prompts"),
            resources: names("resources"),
            revisions: names("protocol_versions"),
        }
    }

    /// The issuers whose tokens are accepted.
    pub(super) fn issuers(&self) -> &[String] {
        self.resource.as_ref().map_or(&[], |(_, resource)| &resource.authorization_servers)
    }

    /// The issuer of the tokens that users get on this page.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.issuers().first().map(String::as_str)
    }

    /// The scopes in the protected resource metadata.
    pub(super) fn scopes(&self) -> &[String] {
        self.resource.as_ref().map_or(&[], |(_, resource)| &resource.scopes_supported)
    }

    /// Whether the server accepts tokens that are bound to a key of the client (RFC 9449).
    pub(super) fn accepts_dpop(&self) -> bool {
        self.resource
            .as_ref()
            .is_some_and(|(_, resource)| !resource.dpop_signing_alg_values_supported.is_empty())
    }

    /// Whether the server accepts the requests of 2026-07-28, which need no `initialize`.
    pub(super) fn is_stateless(&self) -> bool {
        self.revisions.iter().any(|revision| revision == "2026-07-28")
    }

    pub(super) fn has_tool(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| tool == name)
    }

    pub(super) fn has_resource(&self, uri: &str) -> bool {
        self.resources.iter().any(|resource| resource == uri)
    }
}

/// The application, called without a socket.
struct InProcess<'a> {
    app: &'a Router,
    origin: &'a str,
}

#[derive(Default)]
struct AppResponse {
    status: StatusCode,
    challenge: Option<Challenge>,
    body: Value,
}

impl InProcess<'_> {
    fn request(&self) -> Builder {
        Request::builder().header(header::HOST, "localhost").header(header::ORIGIN, self.origin)
    }

    async fn get(&self, path: &str) -> AppResponse {
        self.send(self.request().uri(path), Body::empty()).await
    }

    async fn exists(&self, path: &str) -> bool {
        self.get(path).await.status == StatusCode::OK
    }

    async fn initialize(&self) -> AppResponse {
        let client = json!({"name": "docs", "version": "1"});
        let params =
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
        let request = self.request().method("POST").uri("/mcp");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request, Body::from(message.to_string())).await
    }

    async fn without_origin(&self) -> AppResponse {
        // `/health` is exempt from the check; any other path will do.
        let request = Request::builder().uri("/mcp").header(header::HOST, "localhost");
        self.send(request, Body::empty()).await
    }

    async fn protected_resource(&self, path: String) -> Option<(String, ProtectedResource)> {
        let response = self.get(&path).await;
        let found = response.status == StatusCode::OK;
        let document = serde_json::from_value(response.body).ok().filter(|_| found)?;
        Some((path, document))
    }

    /// A request that fails counts as a feature that is not there: the page still renders.
    async fn send(&self, request: Builder, body: Body) -> AppResponse {
        let Ok(request) = request.body(body) else { return AppResponse::default() };
        // The page's own requests stay out of the log.
        let response = self.app.clone().oneshot(request).with_subscriber(NoSubscriber::default());
        let Ok(response) = response.await;
        let (parts, body) = response.into_parts();
        let challenge = parts.headers.get(header::WWW_AUTHENTICATE);
        let challenge = challenge
            .and_then(|value| Challenge::parse_all(value.to_str().ok()?).ok()?.into_iter().next());
        let bytes = match Limited::new(body, MAX_BODY_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return AppResponse::default(),
        };
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        AppResponse { status: parts.status, challenge, body }
    }
}
