//! Verification of access tokens: is this token valid, and who is the caller?
//!
//! `jwt.rs` is the verifier itself and reads like the RFCs. The other modules are around it: [`TokenVerifier`] adds the
//! [cache](token_cache), the revocation check and, for tokens that are no JWT, [introspection].
//!
//! ```
//! use mcp_auth::auth::{keys::KeyPair, verify::{TokenVerifier, TrustedIssuer}};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> anyhow::Result<()> {
//! # let folder = std::env::temp_dir().join(format!("mcp-auth-example-{}", std::process::id()));
//! let keys = KeyPair::load_or_create(&folder)?;
//! # std::fs::remove_dir_all(&folder)?;
//! let verifier = TokenVerifier::new().trust(TrustedIssuer::new("me", ["my-api"], &keys.jwks()));
//!
//! let claims = json!({"iss": "me", "aud": "my-api", "sub": "ada", "exp": 4_000_000_000_u64, "scope": "read"});
//! let principal = verifier.verify(&keys.sign("at+jwt", &claims)?).await?;
//! assert_eq!(principal.subject.as_deref(), Some("ada"));
//!
//! let other = json!({"iss": "me", "aud": "another-api", "sub": "ada", "exp": 4_000_000_000_u64});
//! let error = verifier.verify(&keys.sign("at+jwt", &other)?).await.unwrap_err();
//! assert_eq!(error.public_message(), "Invalid token audience");
//! # Ok(())
//! # }
//! ```

mod claims;
mod error;
pub mod introspection;
mod issuer;
pub mod jwks;
pub(in crate::auth) mod jwt;
mod opaque;
pub mod remote_jwks;
mod rules;
pub mod token_cache;
mod unique_object;

use std::{
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use metrics::Counter;

use crate::principal::{Principal, ScopeSet};

use self::{jwt::verify_jwt, opaque::verify_opaque, token_cache::TokenCache};

pub use error::TokenError;
pub use issuer::TrustedIssuer;

// Looked up once: a counter is incremented for almost every request.
static CACHED: LazyLock<Counter> = LazyLock::new(|| validations("cached"));
static VERIFIED: LazyLock<Counter> = LazyLock::new(|| validations("verified"));
static REJECTED: LazyLock<Counter> = LazyLock::new(|| validations("rejected"));

fn validations(outcome: &'static str) -> Counter {
    metrics::counter!("token_validations_total", "outcome" => outcome)
}

/// Verifies access tokens of the issuers that it trusts, and rejects all others.
#[derive(Debug, Default)]
pub struct TokenVerifier {
    issuers: Vec<TrustedIssuer>,
    cache: TokenCache,
    keep_tokens: bool,
}

impl TokenVerifier {
    /// A verifier that trusts no issuer yet, with a cache of the default capacity.
    pub fn new() -> Self {
        Self::default()
    }

    /// Caches verified tokens in this many bytes, see [`token_cache`]; 0 verifies every token of every request.
    #[must_use]
    pub fn cache_capacity(self, bytes: u64) -> Self {
        Self { cache: TokenCache::new(bytes), ..self }
    }

    /// Trusts one more issuer. Its keys are only tried for tokens that name it as `iss`.
    ///
    /// # Panics
    /// If it is trusted already: it would be unclear whose audiences and keys count.
    #[must_use]
    pub fn trust(mut self, issuer: TrustedIssuer) -> Self {
        let known = self.issuers.iter().any(|known| known.issuer == issuer.issuer);
        assert!(!known, "the issuer {} is trusted twice", issuer.issuer);
        self.issuers.push(issuer);
        self
    }

    /// Trusts several issuers, see [`TokenVerifier::trust`].
    #[must_use]
    pub fn trust_all(self, issuers: impl IntoIterator<Item = TrustedIssuer>) -> Self {
        issuers.into_iter().fold(self, Self::trust)
    }

    /// See [`TrustedIssuer::requested_scopes`]; `None` where the issuer has none of its own.
    pub(super) fn requested_scopes(&self, principal: &Principal) -> Option<&ScopeSet> {
        let issuer = self.issuers.iter().find(|issuer| issuer.issuer == principal.issuer)?;
        Some(&issuer.requested_scopes).filter(|scopes| !scopes.is_empty())
    }

    /// Gives each caller the token that it was verified by, for a
    /// [token exchange](crate::auth::token_exchange). Off by default: a server that calls no other API holds no token
    /// longer than it takes to verify it, and copies none.
    #[must_use]
    pub fn keep_tokens(self, keep: bool) -> Self {
        Self { keep_tokens: keep, ..self }
    }

    /// The caller that this bearer token describes.
    ///
    /// # Errors
    /// Why the token is rejected. The error contains nothing of the token but `kid`, `iss` and `aud`.
    pub async fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        self.verify_as(token, false).await
    }

    /// The caller that a token of the scheme `DPoP` describes. The request must also have a proof with the key that
    /// [`Identity::key_thumbprint`](crate::principal::Identity::key_thumbprint) names.
    ///
    /// # Errors
    /// As [`TokenVerifier::verify`], and when the token is not bound to a key (RFC 9449, 7.1).
    pub async fn verify_sender_constrained(&self, token: &str) -> Result<Principal, TokenError> {
        self.verify_as(token, true).await
    }

    async fn verify_as(&self, token: &str, constrained: bool) -> Result<Principal, TokenError> {
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        // Before the keys are used: if they change meanwhile, the result is not cached under the new ones.
        let generation = self.issuers.iter().map(TrustedIssuer::generation).sum();
        let cached = self.cache.get(token, now, generation);
        let counter = if cached.is_some() { &CACHED } else { &VERIFIED };
        let result = match cached {
            Some(principal) => self.check_revoked(principal),
            // Boxed, because the future is large and rare: those of cached tokens stay small.
            None => Box::pin(self.verify_uncached(token, now, generation)).await,
        };
        // A bound token without its proof may be stolen (RFC 9449, 7.2).
        let result = result.and_then(|principal| match principal.key_thumbprint.is_some() {
            is_bound if is_bound == constrained => Ok(principal),
            true => Err(TokenError::SenderConstrained),
            false => Err(TokenError::NotSenderConstrained),
        });
        let result = result.inspect(|_| counter.increment(1));
        result.inspect_err(|_| REJECTED.increment(1)).map(|principal| match self.keep_tokens {
            true => principal.with_access_token(token),
            false => principal,
        })
    }

    async fn verify_uncached(
        &self,
        token: &str,
        now: u64,
        generation: u64,
    ) -> Result<Principal, TokenError> {
        let identity = if token.split('.').count() == 3 {
            let (issuer, claims) = verify_jwt(&self.issuers, token, now).await?;
            issuer.identity(&claims, token)?
        } else {
            let (issuer, claims) = verify_opaque(&self.issuers, token, now).await?;
            issuer.identity(&claims, token)?
        };
        let principal = self.check_revoked(Principal::verified(identity))?;
        self.cache.insert(token, &principal, now, generation);
        Ok(principal)
    }

    /// A signed token stays valid until it expires, so its issuer is asked on every request.
    fn check_revoked(&self, principal: Principal) -> Result<Principal, TokenError> {
        let issuer = self.issuers.iter().find(|issuer| issuer.issuer == principal.issuer);
        match (issuer, &principal.jwt_id) {
            (Some(issuer), Some(jti)) if issuer.is_revoked(jti) => Err(TokenError::Revoked),
            _ => Ok(principal),
        }
    }
}
