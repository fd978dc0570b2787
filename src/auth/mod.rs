//! OAuth 2.1 resource server: verifies access tokens, answers with challenges, publishes metadata.
//!
//! This module depends on [`principal`](crate::principal) and on nothing else of this crate, so it also works in front
//! of other services. [`bearer::BearerAuth`] is a [`tower::Layer`]: a request with a valid token reaches the inner
//! service with a [`Principal`](crate::principal::Principal) among its extensions.
//!
//! ```
//! use axum::{Extension, Router, routing::get};
//! use mcp_auth::{
//!     auth::{
//!         bearer::BearerAuth, challenge::Challenge, keys::KeyPair, metadata::ProtectedResource,
//!         verify::{TokenVerifier, TrustedIssuer},
//!     },
//!     principal::Principal,
//! };
//!
//! fn app(keys: &KeyPair) -> Router {
//!     let resource = ProtectedResource::new("http://localhost:9000/api")
//!         .authorization_server("https://login.example.com")
//!         .scopes(["read"]);
//!     let issuer = TrustedIssuer::new("https://login.example.com", resource.audiences(), &keys.jwks());
//!     let challenge = Challenge::bearer("my-api").for_resource(&resource);
//!     let auth = BearerAuth::new(TokenVerifier::new().trust(issuer), challenge);
//!     let hello = |Extension(caller): Extension<Principal>| async move { format!("hello {}", caller.display_name) };
//!     Router::new().route("/api", get(hello).route_layer(auth)).merge(resource.routes())
//! }
//! ```
//!
//! | module | what it does | specification |
//! |---|---|---|
//! | [`bearer`] | the middleware | RFC 6750 |
//! | [`dpop`] | tokens that are bound to a key of the client | RFC 9449, RFC 7638 |
//! | [`challenge`] | `WWW-Authenticate`: written by servers, parsed by clients | RFC 9110, RFC 6750, RFC 9728 |
//! | [`verify`] | is this token valid, and who is the caller? | RFC 7519, RFC 8725, RFC 9068, RFC 7662 |
//! | [`metadata`] | protected resource and authorization server metadata | RFC 9728, RFC 8414 |
//! | [`keys`] | a key pair of our own | RFC 7517, RFC 7518 |
//! | [`provider`] | HTTP to an identity provider | RFC 8414, OpenID Connect Discovery 1.0 |
//! | [`token_exchange`] | a token for another API, in the name of the user | RFC 8693 |
//! | [`identity_provider`], [`identity_providers`] | one or several identity providers as trusted issuers | RFC 9728 |
//! | [`info`] | what `/health` and `serverInfo` report about authorization | |
//! | [`urls`] | where well-known documents are | RFC 8414, RFC 9728 |

pub mod bearer;
pub mod challenge;
pub mod dpop;
pub mod identity_provider;
pub mod identity_providers;
pub mod info;
#[cfg(feature = "keys")]
pub mod keys;
pub mod metadata;
pub mod provider;
pub mod token_exchange;
pub mod urls;
pub mod verify;
