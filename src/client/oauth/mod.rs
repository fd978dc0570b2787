//! OAuth: from a 401 to an access token.
//!
//! In the order of the flow:
//!
//! | module | contents | specifications |
//! |---|---|---|
//! | [`unauthorized`] | the challenge of a 401 or 403 | RFC 6750, 9110, 9449 |
//! | [`discovery`], [`metadata`] | resource metadata, authorization server metadata | RFC 9728, RFC 8414, OpenID Connect Discovery |
//! | [`step_up`] | which scopes to request, and when to stop | MCP authorization |
//! | [`browser`] | redirect URI, browser, callback server | RFC 8252 |
//! | [`registration`], `client_auth` | client id, client authentication | RFC 7591, 7523, client ID metadata documents |
//! | [`authorization`], `authorization_response`, `pkce` | authorization code | RFC 6749, 7636, 8707, 9207 |
//! | [`token`], `token_endpoint`, `claims` | access token, refresh | RFC 6749, 8707 |
//! | [`assertion`] | tokens for an assertion | RFC 7523, 8693 |
//! | `dpop` | tokens that are bound to a key | RFC 9449 |

pub mod assertion;
pub mod authorization;
mod authorization_response;
pub mod browser;
mod claims;
mod client_auth;
pub mod discovery;
pub(crate) mod dpop;
pub mod metadata;
mod pkce;
pub mod registration;
pub mod step_up;
pub mod token;
pub(crate) mod token_endpoint;
pub mod unauthorized;
