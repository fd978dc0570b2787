//! HTTP to an identity provider: its metadata, its JWKS, its introspection endpoint.

mod client;
mod error;

pub use client::ProviderClient;
pub use error::{ProviderError, Unavailable};
