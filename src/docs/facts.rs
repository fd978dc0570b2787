//! What this server can do, found out by asking it: the same requests that a client would send, in process.
//!
//! So the page is right whatever it is mounted beside, and never has to be told.

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

/// More than any document of ours; the page does not need a longer one.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// What a client could know of this server before it has a token.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Whether a request without `Origin` is refused.
    pub(super) origin_required: bool,
    /// Whether `/mcp` answers at all.
    pub(super) mcp: bool,
    /// Whether it does more than `ping`.
    pub(super) handshake: bool,
    /// Whether it wants a token.
    pub(super) wall: bool,
    /// Whether a token must have scopes.
    pub(super) policy: bool,
    /// Whether the public keys are published here.
    pub(super) keys: bool,
    /// The path of the protected resource's metadata, and what it says.
    pub(super) resource: Option<(String, ProtectedResource)>,
    /// Whether the authorization server is this very server.
    pub(super) own_authorization_server: bool,
    /// Names, as `/health` tells them.
    pub(super) tools: Vec<String>,
    /// Names, as `/health` tells them.
    pub(super) prompts: Vec<String>,
    /// URIs, as `/health` tells them.
    pub(super) resources: Vec<String>,
    /// Revisions of MCP, as `/health` tells them.
    pub(super) revisions: Vec<String>,
}

impl Facts {
    /// Asks `app`, which calls itself `public_url`.
    pub(super) async fn of(app: &Router, public_url: &PublicUrl) -> Self {
        let inside = Inside { app, origin: public_url.as_str() };
        let health = inside.get("/health").await.body;
        let names = |member: &str| {
            let names = health[member].as_array().into_iter().flatten();
            names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        let hello = inside.initialize().await;
        let wall = hello.status == StatusCode::UNAUTHORIZED;
        let path = hello.challenge.as_ref().and_then(|challenge| {
            Some(Url::parse(challenge.param("resource_metadata")?).ok()?.path().to_owned())
        });
        Self {
            origin_required: inside.without_origin().await.status == StatusCode::FORBIDDEN,
            mcp: hello.status != StatusCode::NOT_FOUND,
            handshake: wall || hello.body.get("result").is_some(),
            wall,
            policy: health["scope_based_auth"] == true,
            keys: inside.get("/.well-known/jwks.json").await.status == StatusCode::OK,
            resource: match path {
                Some(path) => inside.protected_resource(path).await,
                None => None,
            },
            own_authorization_server: {
                inside.get("/.well-known/oauth-authorization-server").await.status == StatusCode::OK
            },
            tools: names("tools"),
            prompts: names("prompts"),
            resources: names("resources"),
            revisions: names("protocol_versions"),
        }
    }

    /// The issuer that a person of ours logs in at.
    pub(super) fn issuer(&self) -> Option<&str> {
        let (_, resource) = self.resource.as_ref()?;
        resource.authorization_servers.first().map(String::as_str)
    }

    /// The scopes that are of use here.
    pub(super) fn scopes(&self) -> &[String] {
        self.resource.as_ref().map_or(&[], |(_, resource)| &resource.scopes_supported)
    }

    /// Whether requests may stand alone, without a handshake before them.
    pub(super) fn stateless(&self) -> bool {
        self.revisions.iter().any(|revision| revision == "2026-07-28")
    }

    pub(super) fn offers(&self, tool: &str) -> bool {
        self.tools.iter().any(|name| name == tool)
    }
}

/// The application, without a socket between us.
struct Inside<'a> {
    app: &'a Router,
    origin: &'a str,
}

#[derive(Default)]
struct Answer {
    status: StatusCode,
    challenge: Option<Challenge>,
    body: Value,
}

impl Inside<'_> {
    fn request(&self) -> Builder {
        Request::builder().header(header::HOST, "localhost").header(header::ORIGIN, self.origin)
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request().uri(path), Body::empty()).await
    }

    async fn initialize(&self) -> Answer {
        let me = json!({"name": "docs", "version": "1"});
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": me});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
        let request = self.request().method("POST").uri("/mcp");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request, Body::from(message.to_string())).await
    }

    async fn without_origin(&self) -> Answer {
        // `/health` is open to everyone; any other path will do.
        let request = Request::builder().uri("/mcp").header(header::HOST, "localhost");
        self.send(request, Body::empty()).await
    }

    async fn protected_resource(&self, path: String) -> Option<(String, ProtectedResource)> {
        let answer = self.get(&path).await;
        let found = answer.status == StatusCode::OK;
        let document = serde_json::from_value(answer.body).ok().filter(|_| found)?;
        Some((path, document))
    }

    /// An application that cannot be asked is one that can do nothing: the page stays, and says less.
    async fn send(&self, request: Builder, body: Body) -> Answer {
        let Ok(request) = request.body(body) else { return Answer::default() };
        // What the page asks for itself is no news for the log.
        let answer = self.app.clone().oneshot(request).with_subscriber(NoSubscriber::default());
        let Ok(response) = answer.await;
        let (parts, body) = response.into_parts();
        let challenge = parts.headers.get(header::WWW_AUTHENTICATE);
        let challenge = challenge
            .and_then(|value| Challenge::parse_all(value.to_str().ok()?).ok()?.into_iter().next());
        let bytes = match Limited::new(body, LONGEST_ANSWER).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return Answer::default(),
        };
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: parts.status, challenge, body }
    }
}
