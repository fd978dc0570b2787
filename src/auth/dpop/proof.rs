//! One proof: what it says, and whether that is this request (RFC 9449, 4.2 and 4.3).

use axum::http::Method;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Validation, decode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::Url;

use super::{BoundToken, DpopError};
use crate::auth::verify::jwks::{Jwk, JwkSet};

/// Parameters of a JWK that belong to private and symmetric keys (RFC 7518, 6).
const PRIVATE_PARAMETERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A proof with a valid signature.
#[derive(Debug)]
pub(super) struct Proof {
    /// The thumbprint of the key that made the signature (RFC 7638).
    pub(super) thumbprint: String,
    pub(super) jti: String,
    pub(super) iat: u64,
    pub(super) nonce: Option<String>,
    htm: String,
    htu: String,
    ath: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: Algorithm,
    jwk: Map<String, Value>,
    #[serde(default)]
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    nonce: Option<String>,
    ath: Option<String>,
}

impl Proof {
    /// Steps 2 to 7 of RFC 9449, 4.3.
    pub(super) fn verify_signature(proof: &str) -> Result<Self, DpopError> {
        let [header, claims, _] =
            proof.split('.').collect::<Vec<_>>().try_into().map_err(|_| DpopError::Malformed)?;
        let header: Header = json(header)?;
        let Claims { jti, htm, htu, iat, nonce, ath } = json(claims)?;
        // No critical extension is understood here (RFC 7515, 4.1.11).
        if header.crit.is_some() || !iat.is_finite() || iat < 0.0 {
            return Err(DpopError::Malformed);
        }
        if !header.typ.eq_ignore_ascii_case("dpop+jwt") {
            return Err(DpopError::WrongType);
        }
        if PRIVATE_PARAMETERS.iter().any(|name| header.jwk.contains_key(*name)) {
            return Err(DpopError::UnsupportedKey);
        }
        let jwk: Jwk = serde_json::from_value(Value::Object(header.jwk))
            .map_err(|_| DpopError::UnsupportedKey)?;
        let thumbprint = jwk.thumbprint().ok_or(DpopError::UnsupportedKey)?;
        let keys = JwkSet::from_iter([jwk]).verification_keys().for_algorithm(header.alg);
        let key = keys.first().ok_or(DpopError::UnsupportedKey)?;
        let mut validation = Validation::new(header.alg);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        decode::<Value>(proof, key.decoding_key(), &validation)
            .map_err(|_| DpopError::InvalidSignature)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
        Ok(Self { thumbprint, jti, iat: iat as u64, nonce, htm, htu, ath })
    }

    /// Steps 8 and 9: `htm` and `htu` are method and URL of the request, without query and fragment.
    pub(super) fn validate_request(&self, method: &Method, url: &str) -> Result<(), DpopError> {
        if self.htm != method.as_str() {
            return Err(DpopError::WrongMethod);
        }
        let same = normalized(&self.htu).is_some_and(|htu| Some(htu) == normalized(url));
        same.then_some(()).ok_or(DpopError::WrongUrl)
    }

    /// Step 12: the proof is for this token, and the token is bound to the key of the proof.
    pub(super) fn validate_token(&self, bound: &BoundToken<'_>) -> Result<(), DpopError> {
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(bound.token));
        if self.ath.as_ref() != Some(&hash) {
            return Err(DpopError::WrongToken);
        }
        (self.thumbprint == bound.thumbprint).then_some(()).ok_or(DpopError::WrongKey)
    }
}

/// A part of a JWT. serde rejects duplicate members.
fn json<T: DeserializeOwned>(part: &str) -> Result<T, DpopError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| DpopError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| DpopError::Malformed)
}

/// A URL after the normalization of RFC 3986, 6.2.2 and 6.2.3, as RFC 9449, 4.3 recommends it. A trailing slash of the path
/// makes no difference, as it makes none for the routes of this server.
fn normalized(url: &str) -> Option<Url> {
    let mut url = Url::parse(url).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut().ok()?.pop_if_empty();
    Some(url)
}
