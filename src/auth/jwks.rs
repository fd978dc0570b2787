//! Public keys: published by those who sign, read one by one by those who verify.
//!
//! RSA (RS and PS, 256 to 512), P-256 (ES256), P-384 (ES384) and Ed25519 (EdDSA) verify. ES512 does not: jsonwebtoken 11,
//! which checks our signatures, has no P-521. A provider that signs with it has to be told to use another algorithm.
//!
//! Rules: RFC 7517 (JWK and JWK Set), RFC 7518 section 6 (key parameters), RFC 8725 section 3.1 (an algorithm is
//! accepted because of the key, never because the token asks for it).

use std::sync::Arc;

use axum::{Json, extract::State, http::header, response::IntoResponse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};

/// A public key as a document (RFC 7517, 4). Private members are not read, so they cannot be published.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Jwk {
    /// Key type: `RSA`, `EC` or `OKP`.
    pub kty: String,
    /// `sig` or `enc`.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub public_key_use: Option<String>,
    /// The name by which tokens refer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// What may be done with it; a key that verifies says `verify`, or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_ops: Option<Vec<String>>,
    /// The one algorithm that it is for; some providers leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// RSA modulus, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA exponent, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// Curve of an `EC` or `OKP` key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// Coordinate, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Coordinate, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
}

/// A set of public keys as a document (RFC 7517, 5).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

impl FromIterator<Jwk> for JwkSet {
    fn from_iter<I: IntoIterator<Item = Jwk>>(keys: I) -> Self {
        Self { keys: keys.into_iter().collect() }
    }
}

impl JwkSet {
    /// Reads a document key by key: one of an unknown kind does not spoil the others.
    ///
    /// # Errors
    /// When it is not a JSON object with a list `keys`.
    pub fn parse(document: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Raw {
            keys: Vec<serde_json::Value>,
        }
        let raw: Raw = serde_json::from_slice(document)?;
        Ok(raw.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
    }

    /// The keys that can verify a signature, ready for use.
    pub fn verification_keys(&self) -> KeySet {
        KeySet(self.keys.iter().filter_map(VerificationKey::new).map(Arc::new).collect())
    }
}

/// `GET /.well-known/jwks.json`, readable by web pages too: public keys are for everybody.
pub async fn publish(State(jwks): State<JwkSet>) -> impl IntoResponse {
    ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(jwks))
}

/// A public key with the algorithms that it may be used with.
#[derive(Debug)]
pub struct VerificationKey {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    /// The key as the signature check wants it.
    pub(crate) key: DecodingKey,
}

impl VerificationKey {
    /// `None` for keys that never verify here: meant for encryption, symmetric, of an unknown kind, or malformed.
    fn new(jwk: &Jwk) -> Option<Self> {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};

        let mut operations = jwk.key_ops.iter().flatten();
        let for_signatures = jwk.public_key_use.as_deref().is_none_or(|purpose| purpose == "sig")
            && (jwk.key_ops.is_none() || operations.any(|operation| operation == "verify"));
        if !for_signatures {
            return None;
        }
        let (possible, key): (&[Algorithm], _) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => (
                &[RS256, RS384, RS512, PS256, PS384, PS512],
                DecodingKey::from_rsa_components(jwk.n.as_deref()?, jwk.e.as_deref()?),
            ),
            ("EC", Some("P-256")) => {
                (&[ES256], DecodingKey::from_ec_components(jwk.x.as_deref()?, jwk.y.as_deref()?))
            }
            ("EC", Some("P-384")) => {
                (&[ES384], DecodingKey::from_ec_components(jwk.x.as_deref()?, jwk.y.as_deref()?))
            }
            ("OKP", Some("Ed25519")) => {
                (&[EdDSA], DecodingKey::from_ed_components(jwk.x.as_deref()?))
            }
            _ => return None,
        };
        let algorithms: Vec<_> = match &jwk.alg {
            Some(alg) => {
                possible.iter().copied().filter(|possible| alg.parse() == Ok(*possible)).collect()
            }
            None => possible.to_vec(),
        };
        if algorithms.is_empty() {
            None
        } else {
            Some(Self { kid: jwk.kid.clone(), algorithms, key: key.ok()? })
        }
    }
}

/// Keys that can verify a signature.
#[derive(Debug, Clone, Default)]
pub struct KeySet(Vec<Arc<VerificationKey>>);

impl KeySet {
    /// The keys that a token with this header may have been signed with: the one of that `kid`.
    pub fn named(&self, kid: &str, algorithm: Algorithm) -> Vec<Arc<VerificationKey>> {
        self.select(algorithm, |key| key.kid.as_deref() == Some(kid))
    }

    /// Every key for this algorithm, whatever its name.
    pub fn usable(&self, algorithm: Algorithm) -> Vec<Arc<VerificationKey>> {
        self.select(algorithm, |_| true)
    }

    /// Whether a key of this name is here at all.
    pub fn knows(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn select(
        &self,
        algorithm: Algorithm,
        wanted: impl Fn(&VerificationKey) -> bool,
    ) -> Vec<Arc<VerificationKey>> {
        self.0
            .iter()
            .filter(|key| key.algorithms.contains(&algorithm) && wanted(key))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_not_for_signatures_never_verify() {
        let document = br#"{"keys":[
            {"kty":"RSA","kid":"enc","use":"enc","n":"AQAB","e":"AQAB"},
            {"kty":"RSA","kid":"wrap","key_ops":["wrapKey"],"n":"AQAB","e":"AQAB"},
            {"kty":"RSA","kid":"oaep","alg":"RSA-OAEP","n":"AQAB","e":"AQAB"},
            {"kty":"oct","kid":"secret","k":"AQAB"},
            {"kty":"AKP","kid":"ml-dsa","pub":"AQAB"},
            {"kty":"RSA","kid":"half","n":"AQAB"},
            {"kty":7},
            "no key",
            {"kty":"EC","kid":"es","crv":"P-256","x":"AQAB","y":"AQAB"},
            {"kty":"RSA","kid":"any","n":"AQAB","e":"AQAB"},
            {"kty":"RSA","kid":"rs","alg":"RS256","use":"sig","n":"AQAB","e":"AQAB"}]}"#;
        let keys = JwkSet::parse(document).unwrap().verification_keys();
        let names = |algorithm| {
            keys.usable(algorithm).iter().map(|k| k.kid.clone().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names(Algorithm::RS256), ["any", "rs"]);
        assert_eq!(names(Algorithm::PS512), ["any"]);
        assert_eq!(names(Algorithm::ES256), ["es"]);
        assert!(names(Algorithm::HS256).is_empty(), "a public key is no HMAC secret");
        assert!(!keys.knows("enc"));
        assert!(JwkSet::parse(b"[]").is_err());
    }
}
