//! DPoP: a token that is bound to a key of the client. Whoever steals the token alone cannot use it.
//!
//! The client signs a proof for every request, in the header `DPoP`. The token names the key by its thumbprint
//! (`cnf.jkt`). [`BearerAuth::dpop`](super::bearer::BearerAuth::dpop) accepts such tokens beside bearer tokens; an
//! authorization server uses [`DpopVerifier`] at its token endpoint.
//!
//! Specs: RFC 9449 sections 4.3 (checking a proof), 7 (protected resources), 8, 9 (nonces) and 11.1 (replay).

mod nonce;
mod proof;
mod replay;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, HeaderName, Method};

use self::{nonce::Nonces, proof::Proof, replay::UsedProofs};

/// The header with the proof.
pub const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The header in which a server gives a nonce.
pub const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The signature algorithms of proofs: `algs` of a challenge, `dpop_signing_alg_values_supported` of metadata.
pub const ALGORITHMS: [&str; 9] =
    ["ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

/// How old a proof may be, in seconds.
const MAX_AGE: u64 = 60;

/// By how much the client's clock may be ahead, in seconds.
const LEEWAY: u64 = 15;

/// How many used proofs are remembered: about 15 MB. A tenth of them can be of one key.
const MAX_USED_PROOFS: usize = 100_000;

/// Verifies proofs for one server. Clones share the proofs that were used and the key of the nonces.
#[derive(Debug, Clone)]
pub struct DpopVerifier {
    public_url: String,
    used: Arc<Mutex<UsedProofs>>,
    nonces: Option<Arc<Nonces>>,
}

/// An access token, and the thumbprint of the key that it is bound to.
#[derive(Debug, Clone, Copy)]
pub struct BoundToken<'a> {
    /// The token as the request has it.
    pub token: &'a str,
    /// `cnf.jkt` of the token.
    pub thumbprint: &'a str,
}

/// Why a proof is not accepted. The text is the `error_description` that the client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// No header `DPoP`.
    #[error("the DPoP proof is missing")]
    Missing,
    /// RFC 9449, 4.3, step 1.
    #[error("more than one DPoP header")]
    DuplicateHeader,
    /// Not a JWT with the header parameters and claims of RFC 9449, 4.2.
    #[error("the DPoP proof is no JWT with typ, alg, jwk, jti, htm, htu and iat")]
    Malformed,
    /// `typ` is not `dpop+jwt`.
    #[error("typ of the DPoP proof is not dpop+jwt")]
    WrongType,
    /// The key is private or symmetric, too weak, or not for the algorithm.
    #[error("jwk of the DPoP proof is not a supported public key for its alg")]
    UnsupportedKey,
    /// Signed with another key.
    #[error("the signature of the DPoP proof is invalid")]
    InvalidSignature,
    /// For another method.
    #[error("htm of the DPoP proof is not the method of the request")]
    WrongMethod,
    /// For another URL.
    #[error("htu of the DPoP proof is not the public URL of the request")]
    WrongUrl,
    /// For another access token.
    #[error("ath of the DPoP proof is not the hash of the access token")]
    WrongToken,
    /// Another key than that of the token.
    #[error("the access token is bound to another key than that of the DPoP proof")]
    WrongKey,
    /// `iat` is too long ago, or in the future.
    #[error("iat of the DPoP proof is not now")]
    NotNow,
    /// Used before.
    #[error("the DPoP proof was used before")]
    Replayed,
    /// A nonce is required, and the proof has none, or an old one.
    #[error("the DPoP proof needs the nonce of the header DPoP-Nonce")]
    NonceRequired,
}

impl DpopError {
    /// The error code (RFC 9449, 5, 7.1, 8 and 12.2).
    pub fn code(&self) -> &'static str {
        match self {
            Self::NonceRequired => "use_dpop_nonce",
            Self::WrongKey => "invalid_token",
            _ => "invalid_dpop_proof",
        }
    }
}

impl DpopVerifier {
    /// Verifies proofs for the server that clients reach at this URL. Behind a proxy, `Host` and scheme of a request are
    /// the proxy's choice; the client signed the public URL.
    pub fn new(public_url: impl Into<String>) -> Self {
        let used = Arc::new(Mutex::new(UsedProofs::new(MAX_USED_PROOFS)));
        Self { public_url: public_url.into(), used, nonces: None }
    }

    /// Requires a nonce of this server in every proof (RFC 9449, 9), so that no proof can be made in advance. It costs
    /// clients one more request every few minutes.
    #[must_use]
    pub fn require_nonce(self) -> Self {
        Self { nonces: Some(Arc::new(Nonces::new())), ..self }
    }

    /// The thumbprint of the key that signed the proof of this request (RFC 7638). `path` is that below the public URL;
    /// `bound` is the request's access token, and `None` at a token endpoint.
    ///
    /// # Errors
    /// When there is not exactly one proof, or it is not for this request, this token and this moment.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        method: &Method,
        path: &str,
        bound: Option<BoundToken<'_>>,
    ) -> Result<String, DpopError> {
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        self.verify_at(headers, method, path, bound, now)
    }

    fn verify_at(
        &self,
        headers: &HeaderMap,
        method: &Method,
        path: &str,
        bound: Option<BoundToken<'_>>,
        now: u64,
    ) -> Result<String, DpopError> {
        let mut values = headers.get_all(DPOP).iter();
        let value = values.next().ok_or(DpopError::Missing)?;
        if values.next().is_some() {
            return Err(DpopError::DuplicateHeader);
        }
        let proof = Proof::verify_signature(value.to_str().map_err(|_| DpopError::Malformed)?)?;
        proof.validate_request(method, &format!("{}{path}", self.public_url))?;
        if let Some(bound) = bound {
            proof.validate_token(&bound)?;
        }
        if let Some(nonces) = &self.nonces
            && !proof.nonce.as_deref().is_some_and(|nonce| nonces.is_valid(nonce, now))
        {
            return Err(DpopError::NonceRequired);
        }
        if proof.iat.saturating_add(MAX_AGE) < now || now + LEEWAY < proof.iat {
            return Err(DpopError::NotNow);
        }
        // Last: at a resource, only proofs of keys with a token take memory.
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.insert(&proof, now).map(|()| proof.thumbprint)
    }

    /// A nonce for the client, if nonces are required.
    pub fn nonce(&self) -> Option<String> {
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        self.nonces.as_ref().map(|nonces| nonces.issue(now))
    }
}

#[cfg(test)]
mod tests;
