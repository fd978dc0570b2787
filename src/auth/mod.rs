//! Authentication and authorization: who is calling, and may they?
//!
//! Knows nothing of MCP's methods. The two meet in the step files only.

pub mod bearer;
pub mod challenge;
pub mod claims;
pub mod introspection;
pub mod jwks;
pub mod keys;
mod members;
pub mod metadata;
pub mod provider;
pub mod remote_jwks;
pub mod token_cache;
pub mod verifier;
