//! OAuth: from a 401 to an access token.
//!
//! In the order of the flow:
//!
//! | module | contents | specifications |
//! |---|---|---|
//! | [`unauthorized`] | the challenge of a 401 or 403 | RFC 6750, 9110, 9449 |
//! | [`discovery`], [`metadata`] | resource metadata, authorization server metadata | RFC 9728, RFC 8414, OpenID Connect Discovery |
//! | [`step_up`] | which scopes to request, and when to stop | MCP authorization |
//! | [`registration`], `client_auth` | client id, client authentication | RFC 7591, 7523, client ID metadata documents |
//! | [`authorization`] | authorization code with PKCE, by a browser | RFC 6749, 7636, 8252, 8707, 9207 |
//! | [`token`] | access token, refresh, grants without a user | RFC 6749, 7523, 8693, 8707 |
//! | `dpop` | tokens that are bound to a key | RFC 9449 |

pub mod authorization;
mod client_auth;
pub mod discovery;
pub(crate) mod dpop;
pub mod metadata;
pub mod registration;
pub mod step_up;
pub mod token;
pub mod unauthorized;
