//! Public keys as documents (JWK and JWK Set), and as keys that verify signatures.
//!
//! Supported: RSA (RS and PS, 256 to 512), P-256 (ES256), P-384 (ES384) and Ed25519 (EdDSA). ES512 is not: jsonwebtoken 11
//! has no P-521, so a provider that signs with it must be configured for another algorithm.
//!
//! Specs: RFC 7517 (JWK and JWK Set), RFC 7518 section 6 (key parameters), RFC 8725 section 3.1 (the key
//! determines which algorithms are accepted, not the token), RFC 7638 (thumbprint).

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize, de};
use sha2::{Digest, Sha256};

/// A public key as a document (RFC 7517, 4). Private parameters are not read, so they cannot be published.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Jwk {
    /// Key type: `RSA`, `EC` or `OKP`.
    pub kty: String,
    /// `sig` or `enc`.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub public_key_use: Option<String>,
    /// The identifier by which tokens refer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Permitted operations; a key for verification has `verify`, or no `key_ops`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_ops: Option<Vec<String>>,
    /// The algorithm that it is for; some providers leave it out.
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

impl Jwk {
    /// The thumbprint: SHA-256 over the parameters that define the key (RFC 7638, 3). `None` for unknown key types.
    pub fn thumbprint(&self) -> Option<String> {
        let (n, e, crv) = (self.n.as_deref(), self.e.as_deref(), self.crv.as_deref());
        let (x, y) = (self.x.as_deref(), self.y.as_deref());
        let parameters: &[_] = match self.kty.as_str() {
            "RSA" => &[("e", e?), ("kty", "RSA"), ("n", n?)],
            "EC" => &[("crv", crv?), ("kty", "EC"), ("x", x?), ("y", y?)],
            "OKP" => &[("crv", crv?), ("kty", "OKP"), ("x", x?)],
            _ => return None,
        };
        let parameters: BTreeMap<_, _> = parameters.iter().copied().collect();
        let json = serde_json::to_vec(&parameters).ok()?;
        Some(URL_SAFE_NO_PAD.encode(Sha256::digest(json)))
    }
}

/// A JWK Set (RFC 7517, 5).
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
    /// Parses a document key by key: keys of unknown types are left out.
    ///
    /// # Errors
    /// When it is not a JSON object with an array `keys`, or not in UTF-8 (RFC 8259, 8.1).
    pub fn parse(document: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Raw {
            keys: Vec<serde_json::Value>,
        }
        // serde_json does not check the encoding of fields that it skips.
        let text = str::from_utf8(document).map_err(de::Error::custom)?;
        let raw: Raw = serde_json::from_str(text)?;
        Ok(raw.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
    }

    /// The keys that can verify signatures, parsed.
    pub fn verification_keys(&self) -> KeySet {
        KeySet(self.keys.iter().filter_map(VerificationKey::new).map(Arc::new).collect())
    }
}

/// A public key, parsed once, with the algorithms that it may be used with.
#[derive(Debug)]
pub struct VerificationKey {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl VerificationKey {
    /// `None` for keys that never verify here: meant for encryption, symmetric, of an unknown type, or malformed.
    fn new(jwk: &Jwk) -> Option<Self> {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};

        let mut operations = jwk.key_ops.iter().flatten();
        let is_for_signatures = jwk.public_key_use.as_deref().is_none_or(|usage| usage == "sig")
            && (jwk.key_ops.is_none() || operations.any(|operation| operation == "verify"));
        let (n, e) = (jwk.n.as_deref(), jwk.e.as_deref());
        let (x, y) = (jwk.x.as_deref(), jwk.y.as_deref());
        let (key, algorithms) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            // 2048 bits or more (RFC 7518, 3.3 and 3.5).
            ("RSA", _) if length(n) >= 256 => (
                DecodingKey::from_rsa_components(n?, e?).ok()?,
                vec![RS256, RS384, RS512, PS256, PS384, PS512],
            ),
            // Coordinates have the full length of the curve (RFC 7518, 6.2.1.2).
            ("EC", Some("P-256")) if (length(x), length(y)) == (32, 32) => {
                (DecodingKey::from_ec_components(x?, y?).ok()?, vec![ES256])
            }
            ("EC", Some("P-384")) if (length(x), length(y)) == (48, 48) => {
                (DecodingKey::from_ec_components(x?, y?).ok()?, vec![ES384])
            }
            ("OKP", Some("Ed25519")) if length(x) == 32 => {
                (DecodingKey::from_ed_components(x?).ok()?, vec![EdDSA])
            }
            _ => return None,
        };
        let is_meant_for = |algorithm: &Algorithm| {
            jwk.alg.as_deref().is_none_or(|alg| alg.parse() == Ok(*algorithm))
        };
        let algorithms: Vec<_> = algorithms.into_iter().filter(is_meant_for).collect();
        let usable = is_for_signatures && !algorithms.is_empty();
        usable.then(|| Self { kid: jwk.kid.clone(), algorithms, key })
    }

    /// For [`jsonwebtoken::decode`].
    pub(in crate::auth) fn decoding_key(&self) -> &DecodingKey {
        &self.key
    }
}

/// The number of bytes of a base64url value (RFC 7518, 2); 0 when it is absent or malformed.
fn length(value: Option<&str>) -> usize {
    value.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).map_or(0, |bytes| bytes.len())
}

/// The keys of a JWK Set that can verify signatures.
#[derive(Debug, Clone, Default)]
pub struct KeySet(Vec<Arc<VerificationKey>>);

impl KeySet {
    /// The keys with this `kid` for this algorithm.
    pub fn find(&self, kid: &str, algorithm: Algorithm) -> Vec<Arc<VerificationKey>> {
        self.select(algorithm, |key| key.kid.as_deref() == Some(kid))
    }

    /// All keys for this algorithm.
    pub fn for_algorithm(&self, algorithm: Algorithm) -> Vec<Arc<VerificationKey>> {
        self.select(algorithm, |_| true)
    }

    /// Whether there is a key with this `kid`.
    pub fn contains_kid(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
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

    /// The keys of RFC 7517, appendix A.1.
    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWK\
        RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJ\
        ZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw\
        0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    const POINT: &str = r#""x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let key = |json: &str| serde_json::from_str::<Jwk>(json).unwrap().thumbprint();
        // RFC 7638, 3.1; RFC 8037, A.3.
        let rsa =
            format!(r#"{{"kty":"RSA","n":"{N}","e":"AQAB","alg":"RS256","kid":"2011-04-29"}}"#);
        assert_eq!(key(&rsa).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        let ed25519 =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert_eq!(key(ed25519).unwrap(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(key(r#"{"kty":"EC","crv":"P-256","x":"AQAB"}"#), None);
        assert_eq!(key(r#"{"kty":"oct"}"#), None);
    }

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
            keys.for_algorithm(algorithm).iter().map(|k| k.kid.clone().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names(Algorithm::RS256), ["any", "rs"]);
        assert_eq!(names(Algorithm::PS512), ["any"]);
        assert_eq!(names(Algorithm::ES256), ["es"]);
        assert!(names(Algorithm::ES384).is_empty(), "no point of that curve");
        assert!(names(Algorithm::HS256).is_empty(), "a public key is no HMAC secret");
        assert!(!keys.contains_kid("enc"));
        assert!(JwkSet::parse(b"[]").is_err());
        assert!(JwkSet::parse(b"{\"x\":\"\xc7\",\"keys\":[]}").is_err(), "not UTF-8");
    }
}
