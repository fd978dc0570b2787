//! HTTP to an identity provider: its metadata, its JWKS, its introspection endpoint.

mod client;
mod error;

pub(super) use client::{is_loopback, read_body};
pub(super) use error::cause;

pub use client::ProviderClient;
pub use error::{ProviderError, Unavailable};
