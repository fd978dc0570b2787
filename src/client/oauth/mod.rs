//! From a 401 to an access token.

pub mod assertion;
pub mod authorization;
pub mod browser;
mod claims;
mod client_auth;
pub mod discovery;
pub(crate) mod dpop;
mod pkce;
pub mod registration;
pub mod step_up;
pub mod token;
pub mod unauthorized;
