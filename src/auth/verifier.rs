//! Is this token good, and whose is it?
//!
//! Rules: RFC 7519 section 7.2 (validation), RFC 7515 section 4.1.11 (`crit`), RFC 8725 (best current practices:
//! the key decides the algorithm, issuer and audience are checked, types are told apart), RFC 9068 section 4.
//!
//! Verified tokens are remembered for a short while, see [`TokenCache`](super::token_cache).

mod error;
mod issuer;

use std::{
    sync::{Arc, LazyLock},
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Header, dangerous, decode_header};
use metrics::Counter;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::principal::Principal;

use super::{claims::Claims, jwks::VerificationKey, members::Members, token_cache::TokenCache};

pub use error::TokenError;
pub use issuer::TrustedIssuer;

// Looked up once: the first of them is counted for almost every request.
static CACHED: LazyLock<Counter> = LazyLock::new(|| checks("cached"));
static VERIFIED: LazyLock<Counter> = LazyLock::new(|| checks("verified"));
static REFUSED: LazyLock<Counter> = LazyLock::new(|| checks("refused"));

fn checks(outcome: &'static str) -> Counter {
    metrics::counter!("token_checks_total", "outcome" => outcome)
}

/// Longer tokens are refused unread, in bytes. Entra's with the most groups that it writes, 200, has 11 kB.
const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// Verifies access tokens of the issuers that it trusts, and of nobody else.
#[derive(Debug, Default)]
pub struct TokenVerifier {
    issuers: Vec<TrustedIssuer>,
    cache: TokenCache,
}

impl TokenVerifier {
    /// Trusts nobody yet, and remembers what it verifies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers verified tokens in so many bytes, see [`token_cache`](super::token_cache); 0 verifies every token of
    /// every request.
    #[must_use]
    pub fn remembering(self, bytes: u64) -> Self {
        Self { cache: TokenCache::new(bytes), ..self }
    }

    /// Trusts one more issuer.
    #[must_use]
    pub fn trust(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// The caller whom this token describes.
    ///
    /// # Errors
    /// One [`TokenError`] per reason; nothing of the token is in it but `kid`, `iss` and `aud`.
    pub async fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        // Before the keys are looked at: if they change meanwhile, what we find out is not remembered.
        let generation = self.generation();
        let known = self.cache.get(token, now, generation);
        let counter = if known.is_some() { &CACHED } else { &VERIFIED };
        let outcome = match known {
            Some(principal) => self.check_withdrawn(&principal).map(|()| principal),
            // On the heap, because it is large (it may ask a provider) and rare: requests with a known token stay small.
            None => Box::pin(self.verify_anew(token, now, generation)).await,
        };
        outcome.inspect(|_| counter.increment(1)).inspect_err(|_| REFUSED.increment(1))
    }

    /// Each part only ever grows, so the sum is another one as soon as any of them is.
    fn generation(&self) -> u64 {
        self.issuers.iter().map(TrustedIssuer::generation).sum()
    }

    async fn verify_anew(
        &self,
        token: &str,
        now: u64,
        generation: u64,
    ) -> Result<Principal, TokenError> {
        let principal = self.verify_at(token, now).await?;
        self.check_withdrawn(&principal)?;
        self.cache.insert(token, &principal, now, generation);
        Ok(principal)
    }

    fn check_withdrawn(&self, principal: &Principal) -> Result<(), TokenError> {
        let issuer = self.issuers.iter().find(|issuer| issuer.dialect.issuer == principal.issuer);
        match (issuer, &principal.token_id) {
            (Some(issuer), Some(jti)) if issuer.took_back(jti) => Err(TokenError::Withdrawn),
            _ => Ok(()),
        }
    }

    async fn verify_at(&self, token: &str, now: u64) -> Result<Principal, TokenError> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenError::Malformed);
        }
        if token.split('.').count() != 3 {
            return self.introspect(token, now).await;
        }
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        acceptable(token, &header)?;
        // Not verified yet: until then one claim is read, and it only says whose keys to try.
        let Issued { iss } = claims(token)?;
        let iss = iss.as_ref().and_then(Value::as_str);
        let named = self.issuers.iter().find(|issuer| Some(&*issuer.dialect.issuer) == iss);
        let issuer = named.or(self.issuers.first()).ok_or(TokenError::Malformed)?;
        let keys = issuer.candidates(&header, named.is_some()).await?;
        verify_signature(token, &header, &keys)?;
        let claims: Claims = claims(token)?;
        claims.check(named.map(|issuer| &issuer.dialect), now)?;
        Ok(Principal::verified(claims.identity(&issuer.dialect)?))
    }

    /// A token that is no JWT says nothing about its issuer, so only one issuer can be asked.
    async fn introspect(&self, token: &str, now: u64) -> Result<Principal, TokenError> {
        let issuer = self.issuers.iter().find_map(|i| Some((i, i.introspection.as_ref()?)));
        let (TrustedIssuer { dialect, .. }, introspection) = issuer.ok_or(TokenError::Opaque)?;
        // `b64token` of RFC 6750, 2.1: nothing else is worth a question.
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if !token.bytes().all(is_token) {
            return Err(TokenError::Malformed);
        }
        let claims = introspection.ask(token).await?.ok_or(TokenError::Inactive)?;
        claims.check_introspected(dialect, now)?;
        Ok(Principal::verified(claims.identity(dialect)?))
    }
}

/// Who issued a token, as it says itself.
#[derive(Deserialize)]
struct Issued {
    iss: Option<Value>,
}

/// What a token says, be it true or not.
fn claims<T: DeserializeOwned>(token: &str) -> Result<T, TokenError> {
    dangerous::insecure_decode_claims(token).map_err(|_| TokenError::Malformed)
}

/// Whether a header is one of an access token that we understand.
fn acceptable(token: &str, header: &Header) -> Result<(), TokenError> {
    let text = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let Members(members) =
        text.and_then(|text| serde_json::from_slice(&text).ok()).ok_or(TokenError::Malformed)?;
    // An extension marked critical must be understood (RFC 7515, 4.1.11), and we understand none.
    if members.contains_key("crit") {
        return Err(TokenError::Malformed);
    }
    let typ = header.typ.as_deref().unwrap_or("JWT");
    let typ = typ.strip_prefix("application/").unwrap_or(typ);
    if ["JWT", "at+jwt"].iter().any(|known| known.eq_ignore_ascii_case(typ)) {
        Ok(())
    } else {
        Err(TokenError::WrongType)
    }
}

/// The signature alone: header and claims have been read already, and are believed only after this.
fn verify_signature(
    token: &str,
    header: &Header,
    keys: &[Arc<VerificationKey>],
) -> Result<(), TokenError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::BadSignature)?;
    if keys.is_empty() {
        return Err(TokenError::UnknownKey(header.kid.clone()));
    }
    let ours = keys.iter().any(|key| key.signed(header.alg, signed, &signature));
    if ours { Ok(()) } else { Err(TokenError::BadSignature) }
}
