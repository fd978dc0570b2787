//! OAuth 2.1 for MCP servers and clients: in front of your own server, and step by step.
//!
//! # In front of your own server
//!
//! [`BearerAuth`](auth::bearer::BearerAuth) is a [`tower::Layer`]. It lets requests with a valid access token reach the
//! service behind it, and answers all others with a challenge (RFC 6750) that leads clients to the metadata of the
//! resource (RFC 9728), and so to its authorization server.
//!
//! ```
//! use axum::{Extension, Router, routing::get};
//! use mcp_auth::{
//!     auth::{
//!         bearer::BearerAuth, challenge::Challenge, identity_provider::IdentityProvider,
//!         metadata::ProtectedResource, verify::TokenVerifier,
//!     },
//!     principal::{InsufficientScope, Principal, ScopeSet},
//! };
//!
//! async fn delete(Extension(caller): Extension<Principal>) -> Result<String, InsufficientScope> {
//!     let required = ScopeSet::from(["notes:write"]);
//!     if !caller.scopes.grants_all(&required) {
//!         return Err(InsufficientScope { required }); // 403, and the challenge names the scope
//!     }
//!     Ok(format!("deleted by {}", caller.unique_id))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = "https://login.example.com/realms/main";
//! let resource = ProtectedResource::new("https://api.example.com/notes")
//!     .authorization_server(issuer)
//!     .scopes(["notes:read", "notes:write"]);
//! // The provider's keys are fetched when the first token arrives.
//! let provider = IdentityProvider::new(issuer, false)?;
//! let verifier = TokenVerifier::new().trust(provider.trusted_issuer(&resource));
//! let auth = BearerAuth::new(verifier, Challenge::bearer("notes").for_resource(&resource));
//! let app: Router = Router::new()
//!     .route("/notes", get(|| async { "buy milk" }).delete(delete))
//!     .route_layer(auth)
//!     .merge(resource.routes()); // /.well-known/oauth-protected-resource/notes, without a token
//! # Ok(())
//! # }
//! ```
//!
//! In front of an MCP server that is made with another library, [`PolicyLayer`](mcp::policy::layer::PolicyLayer) requires
//! scopes for its methods and tools. `scripts/own_server` is a package with such a server, made with rmcp, the official
//! SDK, and with one whose tools do not all need a token, see
//! [`BearerAuth::allow_anonymous`](auth::bearer::BearerAuth::allow_anonymous). For tests there is `test_support`, with the
//! feature `test-support`.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | none (`default-features = false`) | [`auth`] without [`auth::keys`], [`principal`], [`origin`], [`cors`], [`health`], [`display_text`] |
//! | `mcp` | [`mcp`]: the policy layer, and an MCP server without an SDK |
//! | `keys` | [`auth::keys`]: a key pair of your own |
//! | `authorization-server` | [`authorization_server`]: a login for development |
//! | `server` | [`server`], [`config`], [`telemetry`], [`docs`]: what the steps have in common; with `mcp` and `authorization-server` |
//! | `client` | [`client`]: the client of step 11 |
//! | `test-support` | `test_support`: for `[dev-dependencies]` only |
//!
//! All but the last are on by default.
//!
//! # Modules
//!
//! The programs `step1` to `step11` in `src/bin` put these modules together, and each adds one idea to the step before.
//!
//! | module | purpose | specification | first used in |
//! |---|---|---|---|
//! | [`server`] | connections, limits, timeouts, graceful shutdown | RFC 9110, RFC 9112 | 1 |
//! | [`telemetry`], [`trace_context`] | request ids, logs, metrics | W3C Trace Context, OpenMetrics | 1 |
//! | [`config`] | command line, environment, file, defaults | | 1 |
//! | [`program`] | title, summary and example of a program, from the header of its source | | 1 |
//! | [`health`] | `GET /health` | | 1 |
//! | [`origin`] | validation of `Origin` and `Host` | MCP transports, RFC 6454 | 1 |
//! | [`docs`] | `GET /docs`: a page that explains the server and sends requests to it | RFC 9728, CSP 3 | 1 |
//! | [`jsonrpc`] | messages | JSON-RPC 2.0 | 2 |
//! | [`mcp::endpoint`], [`mcp::dispatcher`] | `POST /mcp`, and the handler of each method | MCP transports | 2 |
//! | [`mcp::tools`], [`mcp::prompts`], [`tutorial`] | tools and prompts, and those of the steps | MCP server features | 3 |
//! | [`mcp::lifecycle`], [`mcp::protocol`] | `initialize`, `ping`, revisions | MCP lifecycle | 4 |
//! | [`auth::keys`] | a key pair, and its public half as a JWKS | RFC 7517, RFC 7518 | 5 |
//! | [`auth::bearer`], [`auth::challenge`] | the middleware and `WWW-Authenticate` | RFC 6750, RFC 9110 | 6 |
//! | [`auth::verify`] | whether a token is valid, and who the caller is | RFC 7519, RFC 8725, RFC 9068 | 6 |
//! | [`principal`] | the caller, and scopes | RFC 6749 | 6 |
//! | [`auth::metadata`] | protected resource and authorization server metadata | RFC 9728, RFC 8414 | 7 |
//! | [`authorization_server`] | a login for development | OAuth 2.1, RFC 7591, RFC 8707, RFC 9207, RFC 7523 | 7 |
//! | [`display_text`] | names that others chose, as people and models may read them | Unicode Annex 9 | 7 |
//! | [`public_ip`] | which addresses are public, against server-side request forgery | RFC 6890 | 7 |
//! | [`mcp::policy`] | scopes and roles | RFC 6749, RFC 6750 | 8 |
//! | [`mcp::resources`], [`mcp::completion`], [`mcp::call_log`] | what depends on the caller | MCP server features | 9 |
//! | [`auth::identity_provider`], [`auth::provider`] | a provider, its keys, its introspection | RFC 8414, RFC 7517, RFC 7662 | 10 |
//! | [`auth::token_exchange`] | calls to another API as the user | RFC 8693 | 10 |
//! | [`cors`] | which web pages may read responses | Fetch, RFC 9728 | 10 |
//! | [`client`] | discovery, registration, login, calls | MCP authorization | 11 |
//!
//! [`auth`] and [`mcp`] never import each other. A [`principal::Principal`] comes with the request's extensions; a
//! [`principal::InsufficientScope`] goes back with the response's, and only [`auth::bearer`] writes a challenge.
//! `tests/architecture` checks who may import whom.

pub mod auth;
#[cfg(feature = "authorization-server")]
pub mod authorization_server;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod config;
pub mod cors;
pub mod display_text;
#[cfg(feature = "server")]
pub mod docs;
pub mod health;
#[cfg(feature = "mcp")]
pub mod jsonrpc;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod origin;
pub mod principal;
#[cfg(feature = "server")]
pub mod program;
pub mod public_ip;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod telemetry;
#[cfg(feature = "test-support")]
pub mod test_support;
#[cfg(feature = "mcp")]
pub mod trace_context;
#[cfg(feature = "server")]
pub mod tutorial;
