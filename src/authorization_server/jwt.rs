//! Verifies JWTs that clients send: assertions signed with their keys, and access tokens to be revoked.
//!
//! Specs: RFC 7515 (JWS, section 4.1.11 for `crit`), RFC 7517 (JWK Set), RFC 8725 section 3.1 (asymmetric algorithms
//! only). The claims are the caller's to check.

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// What `token_endpoint_auth_signing_alg_values_supported` lists.
pub(super) const ALGORITHMS: [(Algorithm, &str); 9] = [
    (Algorithm::RS256, "RS256"),
    (Algorithm::RS384, "RS384"),
    (Algorithm::RS512, "RS512"),
    (Algorithm::PS256, "PS256"),
    (Algorithm::PS384, "PS384"),
    (Algorithm::PS512, "PS512"),
    (Algorithm::ES256, "ES256"),
    (Algorithm::ES384, "ES384"),
    (Algorithm::EdDSA, "EdDSA"),
];

/// Public keys that verify signatures.
#[derive(Debug, Clone)]
pub(super) struct JwtKeys(Vec<Jwk>);

impl JwtKeys {
    /// Reads a JWK Set. Keys of an unknown kind are left out.
    pub(super) fn parse(document: &Value) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set = Set::deserialize(document).ok()?;
        Some(Self(set.keys.iter().filter_map(|key| Jwk::deserialize(key).ok()).collect()))
    }

    /// Whether the key that a token names is here.
    pub(super) fn contains_key_of(&self, token: &str) -> bool {
        let Some(kid) = decode_header(token).ok().and_then(|header| header.kid) else {
            return true;
        };
        self.0.iter().any(|key| key.common.key_id.as_ref() == Some(&kid))
    }

    /// The claims of a token that one of these keys signed.
    pub(super) fn verify<C: DeserializeOwned>(&self, token: &str) -> Option<C> {
        let header = decode_header(token).ok()?;
        let supported = ALGORITHMS.iter().any(|(algorithm, _)| *algorithm == header.alg);
        // No extension is understood here, so a critical one must be rejected.
        if !supported || header.crit.is_some() {
            return None;
        }
        // Times and audience are checked by the caller, with this server's clock.
        let mut validation = Validation::new(header.alg);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let usable = |key: &&Jwk| {
            let common = &key.common;
            common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
                && common.key_algorithm.is_none_or(|alg| alg == KeyAlgorithm::from(header.alg))
                && (header.kid.is_none() || common.key_id.is_none() || common.key_id == header.kid)
        };
        self.0.iter().filter(usable).find_map(|key| {
            let key = DecodingKey::from_jwk(key).ok()?;
            decode::<C>(token, &key, &validation).ok().map(|token| token.claims)
        })
    }
}
