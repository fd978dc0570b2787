//! The endpoints. For programs: metadata, registration, token and revocation. For browsers: authorization with login and
//! consent.

pub(super) mod authorization_request;
pub(super) mod authorize;
mod client_assertion;
mod client_authentication;
mod error;
pub(super) mod metadata;
mod parameters;
pub(super) mod registration;
pub(super) mod revoke;
pub(super) mod token;
