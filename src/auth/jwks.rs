//! Public keys: published by those who sign, read one by one by those who verify.
//!
//! RSA (RS and PS, 256 to 512), P-256 (ES256), P-384 (ES384) and Ed25519 (EdDSA) verify. ES512 does not: jsonwebtoken 11,
//! which checks our signatures, has no P-521. A provider that signs with it has to be told to use another algorithm.
//!
//! Rules: RFC 7517 (JWK and JWK Set), RFC 7518 section 6 (key parameters), RFC 8725 section 3.1 (an algorithm is
//! accepted because of the key, never because the token asks for it).

use std::sync::Arc;

use aws_lc_rs::{
    rsa::PublicKeyComponents as RsaPublicKeyComponents,
    signature::{
        self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
        RsaParameters, VerificationAlgorithm,
    },
};
use axum::{Json, extract::State, http::header, response::IntoResponse};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde::{Deserialize, Serialize, de};

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
    /// When it is not a JSON object with a list `keys`, in UTF-8 to its last member (RFC 8259, section 8.1).
    pub fn parse(document: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Raw {
            keys: Vec<serde_json::Value>,
        }
        // The reader skips members that nobody asks for, broken characters included.
        let text = str::from_utf8(document).map_err(de::Error::custom)?;
        let raw: Raw = serde_json::from_str(text)?;
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

/// A public key, parsed once for each of the algorithms that it may be used with.
#[derive(Debug)]
pub struct VerificationKey {
    kid: Option<String>,
    checks: Vec<(Algorithm, ParsedPublicKey)>,
}

impl VerificationKey {
    /// `None` for keys that never verify here: meant for encryption, symmetric, of an unknown kind, or malformed.
    fn new(jwk: &Jwk) -> Option<Self> {
        use Algorithm::{ES256, ES384, EdDSA};

        let mut operations = jwk.key_ops.iter().flatten();
        let for_signatures = jwk.public_key_use.as_deref().is_none_or(|purpose| purpose == "sig")
            && (jwk.key_ops.is_none() || operations.any(|operation| operation == "verify"));
        let meant_for = |algorithm: Algorithm| {
            for_signatures && jwk.alg.as_deref().is_none_or(|alg| alg.parse() == Ok(algorithm))
        };
        let parse = |name, rules: &'static dyn VerificationAlgorithm, key: Option<Vec<u8>>| {
            let key = key.filter(|_| meant_for(name))?;
            Some(vec![(name, ParsedPublicKey::new(rules, key).ok()?)])
        };
        // Both coordinates, uncompressed (SEC 1, 2.3.3).
        let point = || Some([&[4][..], &bytes(&jwk.x)?, &bytes(&jwk.y)?].concat());
        let checks = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => {
                let key = RsaPublicKeyComponents { n: bytes(&jwk.n)?, e: bytes(&jwk.e)? };
                let wanted = RSA.into_iter().filter(|(name, _)| meant_for(*name));
                wanted
                    .filter_map(|(name, rules)| Some((name, key.to_parsed_public_key(rules).ok()?)))
                    .collect()
            }
            ("EC", Some("P-256")) => parse(ES256, &ECDSA_P256_SHA256_FIXED, point())?,
            ("EC", Some("P-384")) => parse(ES384, &ECDSA_P384_SHA384_FIXED, point())?,
            ("OKP", Some("Ed25519")) => parse(EdDSA, &ED25519, bytes(&jwk.x))?,
            _ => Vec::new(),
        };
        (!checks.is_empty()).then(|| Self { kid: jwk.kid.clone(), checks })
    }

    fn check(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        self.checks.iter().find(|(known, _)| *known == algorithm).map(|(_, key)| key)
    }

    /// Whether this key made the signature of this text, with an algorithm that it is for.
    pub(super) fn signed(&self, algorithm: Algorithm, text: &str, signature: &[u8]) -> bool {
        let check = self.check(algorithm);
        check.is_some_and(|key| key.verify_sig(text.as_bytes(), signature).is_ok())
    }
}

/// How RSA signatures are checked: keys of 2048 bits and more only (RFC 7518, 3.3 and 3.5).
const RSA: [(Algorithm, &RsaParameters); 6] = [
    (Algorithm::RS256, &signature::RSA_PKCS1_2048_8192_SHA256),
    (Algorithm::RS384, &signature::RSA_PKCS1_2048_8192_SHA384),
    (Algorithm::RS512, &signature::RSA_PKCS1_2048_8192_SHA512),
    (Algorithm::PS256, &signature::RSA_PSS_2048_8192_SHA256),
    (Algorithm::PS384, &signature::RSA_PSS_2048_8192_SHA384),
    (Algorithm::PS512, &signature::RSA_PSS_2048_8192_SHA512),
];

/// A member in base64url (RFC 7518, 2).
fn bytes(member: &Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(member.as_deref()?).ok()
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
        self.0.iter().filter(|key| key.check(algorithm).is_some() && wanted(key)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of RFC 7517, appendix A.1.
    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWK\
        RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJ\
        ZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw\
        0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    const POINT: &str = r#""x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;

    #[test]
    fn keys_that_are_not_for_signatures_never_verify() {
        let document = format!(
            r#"{{"keys":[
            {{"kty":"RSA","kid":"enc","use":"enc","n":"{N}","e":"AQAB"}},
            {{"kty":"RSA","kid":"wrap","key_ops":["wrapKey"],"n":"{N}","e":"AQAB"}},
            {{"kty":"RSA","kid":"oaep","alg":"RSA-OAEP","n":"{N}","e":"AQAB"}},
            {{"kty":"oct","kid":"secret","k":"AQAB"}},
            {{"kty":"AKP","kid":"ml-dsa","pub":"AQAB"}},
            {{"kty":"RSA","kid":"half","n":"{N}"}},
            {{"kty":7}},
            "no key",
            {{"kty":"EC","kid":"elsewhere","crv":"P-256","x":"AQAB","y":"AQAB"}},
            {{"kty":"EC","kid":"other curve","crv":"P-384",{POINT}}},
            {{"kty":"EC","kid":"es","crv":"P-256",{POINT}}},
            {{"kty":"RSA","kid":"any","n":"{N}","e":"AQAB"}},
            {{"kty":"RSA","kid":"rs","alg":"RS256","use":"sig","n":"{N}","e":"AQAB"}}]}}"#
        );
        let keys = JwkSet::parse(document.as_bytes()).unwrap().verification_keys();
        let names = |algorithm| {
            keys.usable(algorithm).iter().map(|k| k.kid.clone().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names(Algorithm::RS256), ["any", "rs"]);
        assert_eq!(names(Algorithm::PS512), ["any"]);
        assert_eq!(names(Algorithm::ES256), ["es"]);
        assert!(names(Algorithm::ES384).is_empty(), "no point of that curve");
        assert!(names(Algorithm::HS256).is_empty(), "a public key is no HMAC secret");
        assert!(!keys.knows("enc"));
        assert!(JwkSet::parse(b"[]").is_err());
        assert!(JwkSet::parse(b"{\"x\":\"\xc7\",\"keys\":[]}").is_err(), "not UTF-8");
    }
}
