//! The development authorization server: a user can log in on a machine with nothing but Rust.
//!
//! Specs: OAuth 2.1 (draft 13), RFC 8414 (metadata), RFC 7591 (registration), RFC 7636 (PKCE), RFC 8707 (`resource`),
//! RFC 9207 (`iss`), RFC 9068 (access tokens), RFC 7009 (revocation), RFC 7523 (`private_key_jwt`), RFC 9449 (DPoP), the Client ID Metadata
//! Document draft, the ID-JAG draft (enterprise-managed authorization); MCP authorization 2025-11-25 and 2026-07-28. Everything is in memory and bounded.
//!
//! **For development only:** its accounts and passwords are public, so it serves loopback addresses only.
//!
//! | module | what it holds |
//! |---|---|
//! | `endpoints` | authorization with login and consent; token, revocation, registration; metadata |
//! | `state` | clients, grants with codes and refresh tokens, revoked grants, sessions, accounts |
//! | `client_metadata` | what a client says about itself, and the documents where it says so |
//! | `pages` | login, consent and error pages |
//! | `settings` | what a deployment decides |
//! | the others | what these share: redirect URIs, scopes, JWTs, secrets, rate limits, expiring maps, the clock |
//!
//! ```
//! use mcp_auth::{
//!     auth::{keys::KeyPair, metadata::ProtectedResource},
//!     authorization_server::{Account, AuthorizationServer},
//! };
//!
//! fn login(keys: &KeyPair, resource: &ProtectedResource) -> anyhow::Result<axum::Router> {
//!     let host = std::net::Ipv4Addr::LOCALHOST.into();
//!     let server = AuthorizationServer::new(host, "http://localhost:9000", keys)?
//!         .resource(resource)
//!         .accounts([Account::new("carol", "carol123").scopes(["mcp:read"])]);
//!     Ok(server.routes())
//! }
//! ```

mod app_state;
mod client_metadata;
mod clock;
mod endpoints;
mod jwt;
mod pages;
mod redirect_uri;
mod scopes;
mod secret;
mod settings;
mod state;
mod throttle;
mod ttl_map;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, Method, header},
    routing::{get, post},
};
use tower_http::cors::{Any, CorsLayer};

use self::{
    app_state::AppState,
    client_metadata::{documents::ClientDocuments, grant_types},
    clock::Clock,
    endpoints::{authorize, registration, revoke, token},
    scopes::SupportedScopes,
    state::{clients::Clients, grants::Grants, revocation::RevokedGrants, sessions::Sessions},
    throttle::{FailureDelay, FixedWindowLimiter},
    ttl_map::TtlMap,
};
pub use self::{
    client_metadata::fetch::ClientMetadataPolicy, settings::Settings, state::accounts::Account,
};
use crate::auth::{
    dpop::{DPOP, DpopVerifier},
    identity_provider::IdentityProvider,
    keys::KeyPair,
    metadata::{self, AuthorizationServerMetadata, MetadataUrls, ProtectedResource},
    urls,
    verify::TrustedIssuer,
};

/// Bytes of a form or a registration.
const MAX_BODY_BYTES: usize = 16 * 1024;
const MAX_USED_ASSERTIONS: usize = 10_000;

/// An authorization server, before it is mounted.
#[derive(Debug)]
pub struct AuthorizationServer {
    issuer: String,
    keys: KeyPair,
    resources: Vec<String>,
    scopes: SupportedScopes,
    accounts: Vec<Account>,
    access_token_lifetime: u64,
    refresh_grace: u64,
    client_metadata: ClientMetadataPolicy,
    enterprise_provider: Option<IdentityProvider>,
    binds_tokens: bool,
    clock: Clock,
    revoked: RevokedGrants,
}

impl AuthorizationServer {
    /// A server with this issuer identifier, byte for byte, that signs with `keys`. `host` is where it will listen.
    ///
    /// # Errors
    /// When `host` is not a loopback address: the passwords are public.
    pub fn new(
        host: IpAddr,
        issuer: impl Into<String>,
        keys: &KeyPair,
    ) -> Result<Self, NotLoopback> {
        if !host.is_loopback() {
            return Err(NotLoopback(host));
        }
        Ok(Self {
            issuer: issuer.into(),
            keys: keys.clone(),
            resources: Vec::new(),
            scopes: SupportedScopes::default(),
            accounts: Account::defaults(),
            access_token_lifetime: 15 * 60,
            refresh_grace: 10,
            client_metadata: ClientMetadataPolicy::default(),
            enterprise_provider: None,
            binds_tokens: false,
            clock: Clock::system(),
            revoked: RevokedGrants::new(),
        })
    }

    /// A resource that tokens can be issued for (RFC 8707), with its scopes. The first one is used when a client names
    /// none. Tokens are bound to keys of clients (RFC 9449) if a resource accepts that.
    #[must_use]
    pub fn resource(mut self, resource: &ProtectedResource) -> Self {
        self.resources.extend(resource.audiences());
        self.scopes.add(resource.scopes_supported.iter().cloned());
        self.binds_tokens |= !resource.dpop_signing_alg_values_supported.is_empty();
        self
    }

    /// Tools with a scope of their own: clients may ask for `mcp:tools:NAME` of these.
    #[must_use]
    pub fn tools(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes.add_tools(names.into_iter().map(Into::into));
        self
    }

    /// The users who can log in, in place of alice, bob, admin and guest. The login page shows their passwords.
    #[must_use]
    pub fn accounts(self, accounts: impl IntoIterator<Item = Account>) -> Self {
        Self { accounts: accounts.into_iter().collect(), ..self }
    }

    /// The lifetime of an access token, in seconds; 900 by default.
    #[must_use]
    pub fn access_token_lifetime(self, seconds: u64) -> Self {
        Self { access_token_lifetime: seconds, ..self }
    }

    /// How long a rotated refresh token still works and gets the same successor, in seconds; 10 by default, 0 turns it
    /// off.
    #[must_use]
    pub fn refresh_grace(self, seconds: u64) -> Self {
        Self { refresh_grace: seconds, ..self }
    }

    /// What the deployment decides.
    #[must_use]
    pub fn settings(mut self, settings: &Settings) -> Self {
        self.client_metadata.allow_loopback = settings.allow_local_client_metadata;
        self.enterprise_provider.clone_from(&settings.enterprise_provider);
        self
    }

    /// From where client metadata documents are fetched; the public internet by default.
    #[must_use]
    pub fn client_metadata_policy(self, policy: ClientMetadataPolicy) -> Self {
        Self { client_metadata: policy, ..self }
    }

    /// Another clock, in seconds since 1970 (UTC), for tests.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { clock: Clock::new(now), ..self }
    }

    /// What a resource server needs to accept this server's tokens: issuer, audiences, keys and revocation check.
    #[must_use]
    pub fn trusted_issuer(&self) -> TrustedIssuer {
        let (revoked, clock) = (self.revoked.clone(), self.clock.clone());
        TrustedIssuer::new(&self.issuer, &self.resources, &self.keys.jwks())
            .with_revocation_check(move |jti| revoked.contains_token(jti, clock.now()))
    }

    /// Where the metadata and the keys are published.
    #[must_use]
    pub fn metadata_urls(&self) -> MetadataUrls {
        MetadataUrls {
            other_authorization_servers: Vec::new(),
            authorization_server: urls::well_known(&self.issuer, urls::AUTHORIZATION_SERVER),
            jwks: Some(format!("{}/.well-known/jwks.json", self.issuer)),
        }
    }

    /// The metadata (RFC 8414, 2).
    #[must_use]
    pub fn metadata(&self) -> AuthorizationServerMetadata {
        endpoints::metadata::document(
            &self.issuer,
            &self.scopes,
            self.enterprise_provider.is_some(),
            self.binds_tokens,
        )
    }

    /// The endpoints and the metadata document.
    pub fn routes(self) -> Router {
        let metadata = metadata::json_document(&self.metadata());
        // Programs may run in a browser, on any page that the Origin check accepts. They send no cookies here.
        let cors =
            CorsLayer::new().allow_origin(Any).allow_methods([Method::POST]).allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                HeaderName::from_static("mcp-protocol-version"),
                DPOP,
            ]);
        tracing::warn!(issuer = %self.issuer, "development authorization server: its accounts and passwords are public");
        let router = Router::new()
            // On these routes only: a layer on the router would also wrap unknown paths.
            .route("/auth/register", post(registration::register).layer(cors.clone()))
            .route("/auth/token", post(token::issue).layer(cors.clone()))
            .route("/auth/revoke", post(revoke::revoke).layer(cors))
            // For the user's browser. Without CORS: no other page may read these.
            .route("/auth/authorize", get(authorize::authorize))
            .route("/auth/login", post(authorize::log_in))
            .route("/auth/logout", post(authorize::log_out))
            .route("/auth/consent", post(authorize::consent))
            .route("/auth/style.css", get(pages::style))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
        // Where RFC 8414, 3.1, derives it from the issuer; and at the root of the host, where the tutorial shows it.
        let root = format!("/.well-known/{}", urls::AUTHORIZATION_SERVER);
        let path = urls::well_known_path(&self.issuer, urls::AUTHORIZATION_SERVER);
        let router = router.with_state(Arc::new(AppState::from(self)));
        let router = match path == root {
            true => router,
            false => router.route(&path, metadata.clone()),
        };
        router.route(&root, metadata)
    }
}

impl From<AuthorizationServer> for AppState {
    fn from(server: AuthorizationServer) -> Self {
        Self {
            clients: Clients::new(&server.scopes.advertised()),
            documents: ClientDocuments::new(
                server.client_metadata,
                grant_types(server.enterprise_provider.is_some()),
            ),
            grants: Grants::new(server.access_token_lifetime, server.refresh_grace, server.revoked),
            sessions: Sessions::new(&server.issuer),
            login_failures: FailureDelay::default(),
            registrations: FixedWindowLimiter::per_minute(
                registration::MAX_REGISTRATIONS_PER_MINUTE,
            ),
            used_assertions: Mutex::new(TtlMap::new(MAX_USED_ASSERTIONS)),
            used_id_jags: Mutex::new(TtlMap::new(MAX_USED_ASSERTIONS)),
            enterprise_provider: server.enterprise_provider,
            dpop: server.binds_tokens.then(|| DpopVerifier::new(&server.issuer)),
            issuer: server.issuer,
            keys: server.keys,
            resources: server.resources,
            scopes: server.scopes,
            accounts: server.accounts.into_iter().map(Arc::new).collect(),
            access_token_lifetime: server.access_token_lifetime,
            clock: server.clock,
        }
    }
}

/// Other machines could reach an authorization server whose passwords are public.
#[derive(Debug, thiserror::Error)]
#[error(
    "the development authorization server must not be reachable from other machines, as with --host {0}; listen on 127.0.0.1, or run step10 with an identity provider"
)]
pub struct NotLoopback(IpAddr);
