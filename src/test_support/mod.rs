//! For tests of servers that use this crate: an identity provider, keys that sign whatever a test wants, and callers
//! without a token.
//!
//! A [`Principal`] proves that a token was verified, and [`principal`] makes one without. So this module needs the feature
//! `test-support`, which belongs to `[dev-dependencies]` only: Cargo then leaves it out of programs.
//!
//! ```
//! use jsonwebtoken::Algorithm;
//! use mcp_auth::{
//!     auth::{identity_provider::IdentityProvider, metadata::ProtectedResource, verify::TokenVerifier},
//!     test_support::{Provider, SigningKey},
//! };
//!
//! # #[tokio::main]
//! # async fn main() {
//! let key = SigningKey::new(Algorithm::ES256, "key-1");
//! let provider = Provider::start(&[&key]).await;
//! let resource = ProtectedResource::new("https://api.example.com/notes");
//! let trusted = IdentityProvider::new(&provider.issuer(), false).unwrap().trusted_issuer(&resource);
//! let verifier = TokenVerifier::new().trust(trusted);
//!
//! let mut claims = provider.claims("notes:read");
//! claims["aud"] = "https://api.example.com/notes".into();
//! let caller = verifier.verify(&key.sign(&claims)).await.unwrap();
//! assert!(caller.scopes.iter().eq(["notes:read"]));
//!
//! claims["aud"] = "https://api.example.com/other".into();
//! assert!(verifier.verify(&key.sign(&claims)).await.is_err());
//! # }
//! ```

mod provider;
mod signing_key;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::principal::{Identity, Principal, ScopeSet};

pub use provider::{Provider, Reply};
pub use signing_key::SigningKey;

/// A caller without a token, for tests of handlers.
pub fn principal(name: &str, scopes: &str, roles: &[&str]) -> Principal {
    Principal::verified(Identity {
        display_name: name.to_owned(),
        subject: Some(format!("user_{name}")),
        unique_id: format!("user_{name}"),
        client_id: None,
        jwt_id: None,
        issuer: "test".to_owned(),
        scopes: ScopeSet::parse(scopes),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        key_thumbprint: None,
        expires_at: u64::MAX,
    })
}

/// Now, in seconds since 1970 (UTC), for claims.
///
/// # Panics
/// When the clock of the machine is before 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}
