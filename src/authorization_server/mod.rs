//! The development authorization server: a real client can log in on a machine with nothing but Rust.
//!
//! Rules: OAuth 2.1 (draft 13), RFC 8414 (metadata), RFC 7591 (registration), RFC 7636 (PKCE), RFC 8707 (resource),
//! RFC 9207 (issuer in the answer), RFC 9068 (access tokens), the Client ID Metadata Document draft; MCP
//! authorization 2025-11-25 and 2026-07-28, the authorization server's side. Everything is in memory and bounded.
//! **For development only:** the people and their passwords are public.
//!
//! ```
//! use mcp_auth::{
//!     auth::{keys::KeyPair, metadata::ProtectedResource},
//!     authorization_server::AuthorizationServer,
//! };
//!
//! /// It tells its own address in its metadata, and listens on this machine alone.
//! fn login(keys: &KeyPair, resource: &ProtectedResource) -> anyhow::Result<axum::Router> {
//!     let host = std::net::Ipv4Addr::LOCALHOST.into();
//!     let server =
//!         AuthorizationServer::new(host, "http://localhost:9000", keys)?.resource(resource);
//!     Ok(server.routes())
//! }
//! ```

mod accounts;
mod authorize;
mod client_authentication;
mod clients;
mod clock;
mod documents;
mod error;
mod expiring;
mod fetch;
mod grants;
mod pages;
mod parameters;
mod redirect_uri;
mod registration;
mod request;
mod secret;
mod session;
mod state;
mod throttle;
mod token;
mod withdrawn;

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, Method, header},
    routing::{get, post},
};
use tower_http::cors::{Any, CorsLayer};

pub use self::fetch::DocumentPolicy;
use self::{clock::Clock, state::Server, withdrawn::Withdrawn};
use crate::{
    auth::{
        keys::KeyPair,
        metadata::{self, AuthorizationServerMetadata, MetadataUrls, ProtectedResource},
        urls,
        verify::TrustedIssuer,
    },
    principal::ScopeSet,
};

/// The scope by which a client asks for a refresh token (OpenID Connect Core 1.0, 11).
const OFFLINE_ACCESS: &str = "offline_access";
/// Bytes of a form or a registration.
const BODY: usize = 16 * 1024;

/// An authorization server, before it is mounted.
#[derive(Debug)]
pub struct AuthorizationServer {
    issuer: String,
    keys: KeyPair,
    resources: Vec<String>,
    scopes: ScopeSet,
    lifetime: u64,
    documents: DocumentPolicy,
    clock: Clock,
    withdrawn: Withdrawn,
}

impl AuthorizationServer {
    /// One that calls itself `issuer`, byte for byte, and signs with `keys`; `host` is where it will listen.
    ///
    /// # Errors
    /// When that is not this machine alone: everybody knows its passwords.
    pub fn new(
        host: IpAddr,
        issuer: impl Into<String>,
        keys: &KeyPair,
    ) -> Result<Self, NotThisMachine> {
        if !host.is_loopback() {
            return Err(NotThisMachine(host));
        }
        Ok(Self {
            issuer: issuer.into(),
            keys: keys.clone(),
            resources: Vec::new(),
            scopes: ScopeSet::default(),
            lifetime: 15 * 60,
            documents: DocumentPolicy::default(),
            clock: Clock::system(),
            withdrawn: Withdrawn::new(),
        })
    }

    /// A resource that tokens may be for (RFC 8707), with its scopes. The first one is for clients that name none.
    #[must_use]
    pub fn resource(mut self, resource: &ProtectedResource) -> Self {
        self.resources.extend(resource.audiences());
        self.scopes = self.scopes.union(&resource.scopes_supported.iter().cloned().collect());
        self
    }

    /// How long an access token lives, in seconds; 900 unless said.
    pub fn access_token_lifetime(self, lifetime: u64) -> Self {
        Self { lifetime, ..self }
    }

    /// Also describes clients by documents on this machine, over http: for trials of a client that you are writing.
    pub fn local_client_documents(mut self, allowed: bool) -> Self {
        self.documents.loopback = allowed;
        self
    }

    /// From where client metadata documents are fetched; the public internet unless said.
    pub fn client_documents(self, documents: DocumentPolicy) -> Self {
        Self { documents, ..self }
    }

    /// Another clock, in seconds since 1970 (UTC): for tests that do not want to wait.
    pub fn clock(self, now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { clock: Clock::new(now), ..self }
    }

    /// This server as the issuer of tokens for its resources; tokens that it revoked are rejected.
    pub fn trusted_issuer(&self) -> TrustedIssuer {
        let (withdrawn, clock) = (self.withdrawn.clone(), self.clock.clone());
        TrustedIssuer::new(&self.issuer, &self.resources, &self.keys.jwks())
            .with_revocation_check(move |jti| withdrawn.has_token(jti, clock.now()))
    }

    /// Where its documents are.
    pub fn metadata_urls(&self) -> MetadataUrls {
        MetadataUrls {
            authorization_server: urls::well_known(&self.issuer, urls::AUTHORIZATION_SERVER),
            jwks: Some(format!("{}/.well-known/jwks.json", self.issuer)),
        }
    }

    /// Its metadata (RFC 8414, 2).
    pub fn metadata(&self) -> AuthorizationServerMetadata {
        let at = |path| Some(format!("{}{path}", self.issuer));
        let list = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
        AuthorizationServerMetadata {
            issuer: self.issuer.clone(),
            authorization_endpoint: at("/auth/authorize"),
            token_endpoint: at("/auth/token"),
            registration_endpoint: at("/auth/register"),
            jwks_uri: at("/.well-known/jwks.json"),
            scopes_supported: Some(
                self.scopes.iter().chain([OFFLINE_ACCESS]).map(str::to_owned).collect(),
            ),
            response_types_supported: list(&["code"]),
            grant_types_supported: list(&["authorization_code", "refresh_token"]),
            token_endpoint_auth_methods_supported: list(&[
                "none",
                "client_secret_basic",
                "client_secret_post",
            ]),
            code_challenge_methods_supported: list(&["S256"]),
            authorization_response_iss_parameter_supported: Some(true),
            client_id_metadata_document_supported: Some(true),
            resource_indicators_supported: Some(true),
            subject_types_supported: list(&["public"]),
            ..AuthorizationServerMetadata::default()
        }
    }

    /// Its doors, and the documents that lead to them.
    pub fn routes(self) -> Router {
        let metadata = self.metadata();
        // Programs may run in a browser, on any page whose origin is let in: they send no cookies here.
        let programs =
            CorsLayer::new().allow_origin(Any).allow_methods([Method::POST]).allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                HeaderName::from_static("mcp-protocol-version"),
            ]);
        tracing::warn!(issuer = %self.issuer, "the development authorization server is open: everybody knows its passwords");
        Router::new()
            // Around these two alone: a layer of the router would stand around every unknown path, too.
            .route("/auth/register", post(registration::register).layer(programs.clone()))
            .route("/auth/token", post(token::issue).layer(programs))
            // For people. No CORS from here on: no other page has any business here.
            .route("/auth/authorize", get(authorize::ask))
            .route("/auth/login", post(authorize::log_in))
            .route("/auth/logout", post(authorize::log_out))
            .route("/auth/consent", post(authorize::decide))
            .route("/auth/style.css", get(pages::style))
            .layer(DefaultBodyLimit::max(BODY))
            .with_state(Arc::new(Server::from(self)))
            .route("/.well-known/oauth-authorization-server", metadata::json_document(&metadata))
            .route("/.well-known/openid-configuration", metadata::json_document(&metadata))
    }
}

/// Other machines could reach an authorization server whose passwords are public.
#[derive(Debug, thiserror::Error)]
#[error(
    "the development authorization server must not be reachable from other machines, as with --host {0}; listen on 127.0.0.1, or run step10 with an identity provider"
)]
pub struct NotThisMachine(IpAddr);
