//! Verification of a JWT access token, in the order of RFC 7519 section 7.2 and RFC 9068 section 4; and of signature and
//! `typ` of the other JWTs of a provider.
//!
//! `jsonwebtoken` verifies the signature and parses the claims. All decisions on claims are here: `jsonwebtoken` accepts
//! a list as `iss`, ignores `exp` and `nbf` of the wrong type, has one leeway for both, and never looks at `crit`.
//!
//! Caching, revocation and introspection are around this module, see [`TokenVerifier`](super::TokenVerifier).
//!
//! Specs: RFC 7515 sections 4.1.11 and 5.2, RFC 7519 sections 4.1 and 7.2, RFC 8725 (best current practices),
//! RFC 9068 section 4, RFC 8705 section 3 and RFC 9449 section 7.2 (`cnf`).

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, Header, Validation, dangerous, decode, decode_header, errors::ErrorKind,
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::{
    claims::Claims, error::TokenError, issuer::TrustedIssuer, jwks::VerificationKey,
    remote_jwks::RemoteJwks, unique_object::UniqueObject,
};

/// Claims that only ID tokens have (OpenID Connect Core 1.0, 2, 3.1.3.6 and 3.3.2.11; FAPI 1.0).
const ID_TOKEN_CLAIMS: [&str; 4] = ["at_hash", "c_hash", "s_hash", "nonce"];

/// The claims of a valid token, and its issuer. `now` is in seconds since 1970.
pub(super) async fn verify_jwt<'i>(
    issuers: &'i [TrustedIssuer],
    token: &str,
    now: u64,
) -> Result<(&'i TrustedIssuer, Claims), TokenError> {
    let header = validate_header(token)?;
    let issuer = unverified_issuer(token)?;
    let issuer = issuers
        .iter()
        .find(|trusted| issuer.as_str() == Some(&trusted.issuer))
        .ok_or_else(|| TokenError::InvalidIssuer(truncated(&issuer)))?;
    validate_header_type(&header, issuer.require_at_jwt)?;
    let keys = issuer.candidate_keys(&header).await?;
    let claims: Claims = verify_signature(token, &header, &keys, &issuer.issuer)?;
    // From here on the claims are the issuer's words.
    validate_types(&claims)?;
    validate_not_before(&claims, issuer, now)?;
    validate_expiry(&claims, issuer, now)?;
    validate_audience(&claims, issuer)?;
    issuer.rules.validate(&claims, now)?;
    Ok((issuer, claims))
}

/// The claims of a JWT that is no access token and that says so in `typ` (RFC 8725, 3.11). Issuer and signature are
/// verified; all other claims are the caller's to check.
pub(in crate::auth) async fn verify_typed_jwt<C: DeserializeOwned>(
    keys: &RemoteJwks,
    typ: &str,
    token: &str,
) -> Result<C, TokenError> {
    let header = validate_header(token)?;
    let issuer = unverified_issuer(token)?;
    if issuer.as_str() != Some(keys.issuer()) {
        return Err(TokenError::InvalidIssuer(truncated(&issuer)));
    }
    if !media_type(&header).eq_ignore_ascii_case(typ) {
        return Err(TokenError::InvalidType);
    }
    let candidates = keys.candidates(&header).await?;
    verify_signature(token, &header, &candidates, keys.issuer())
}

/// A JOSE header whose parameters are unique and understood (RFC 7519, 7.2, steps 2 to 5).
fn validate_header(token: &str) -> Result<Header, TokenError> {
    // Rejects unknown algorithms, `none` among them (RFC 8725, 3.2).
    let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
    // No published key verifies these, so none is looked for. Keycloak signs its refresh tokens so.
    if matches!(header.alg, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) {
        return Err(TokenError::Malformed);
    }
    let json = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let UniqueObject(parameters) =
        json.and_then(|json| serde_json::from_slice(&json).ok()).ok_or(TokenError::Malformed)?;
    // Critical extensions must be understood (RFC 7515, 4.1.11), and none is understood here.
    if parameters.contains_key("crit") { Err(TokenError::Malformed) } else { Ok(header) }
}

/// The issuer that the token names. Nothing is verified yet: `iss` only selects the keys that are tried, so that the keys
/// of one issuer never prove tokens of another (RFC 8725, 3.8).
fn unverified_issuer(token: &str) -> Result<Value, TokenError> {
    #[derive(Deserialize)]
    struct Unverified {
        #[serde(default, deserialize_with = "present")]
        iss: Option<Value>,
    }
    fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        Value::deserialize(deserializer).map(Some) // null is an issuer of the wrong type
    }

    let claims: Result<Unverified, _> = dangerous::insecure_decode_claims(token);
    claims.ok().and_then(|claims| claims.iss).ok_or(TokenError::Malformed)
}

/// `typ`, whose prefix may be left out (RFC 7515, 4.1.9).
fn media_type(header: &Header) -> &str {
    let typ = header.typ.as_deref().unwrap_or("JWT");
    typ.strip_prefix("application/").unwrap_or(typ)
}

/// `typ` says that this is an access token (RFC 9068, 4), or not what it is: many providers write `JWT` or nothing.
fn validate_header_type(header: &Header, require_at_jwt: bool) -> Result<(), TokenError> {
    let typ = media_type(header);
    let is_access_token = typ.eq_ignore_ascii_case("at+jwt");
    let is_untyped = typ.eq_ignore_ascii_case("JWT") && !require_at_jwt;
    if is_access_token || is_untyped { Ok(()) } else { Err(TokenError::InvalidType) }
}

/// The claims, if one of the keys made the signature (RFC 7515, 5.2). A key is tried with the algorithm of the header
/// only if it is meant for that algorithm (RFC 8725, 3.1).
fn verify_signature<C: DeserializeOwned>(
    token: &str,
    header: &Header,
    keys: &[Arc<VerificationKey>],
    issuer: &str,
) -> Result<C, TokenError> {
    if keys.is_empty() {
        return Err(TokenError::UnknownKey(header.kid.clone()));
    }
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    for key in keys {
        match decode::<C>(token, key.decoding_key(), &validation) {
            Ok(token) => return Ok(token.claims),
            Err(error) if *error.kind() == ErrorKind::InvalidSignature => {}
            Err(_) => return Err(TokenError::Malformed),
        }
    }
    Err(TokenError::InvalidSignature { issuer: issuer.to_owned() })
}

/// An access token, and one whose binding to a key can be checked.
pub(super) fn validate_types(claims: &Claims) -> Result<(), TokenError> {
    for claim in ["sub", "jti"] {
        claims.validate_if_present(claim, Value::is_string)?;
    }
    // ID tokens and refresh tokens are signed with the same keys (RFC 8725, 3.11 and 3.12). `typ` is Keycloak's claim.
    let is_id_token = ID_TOKEN_CLAIMS.iter().any(|claim| claims.get(claim).is_some());
    let key_thumbprint = claims.key_thumbprint()?;
    let is_access_token = |typ: &Value| {
        let is = |name: &str| typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case(name));
        is("Bearer") || is("DPoP") && key_thumbprint.is_some()
    };
    if is_id_token || !claims.get("typ").is_none_or(is_access_token) {
        return Err(TokenError::InvalidType);
    }
    Ok(())
}

/// `nbf` has passed (RFC 7519, 4.1.5), with a small leeway for clocks that differ.
pub(super) fn validate_not_before(
    claims: &Claims,
    issuer: &TrustedIssuer,
    now: u64,
) -> Result<(), TokenError> {
    if claims.get("nbf").is_none() {
        return Ok(());
    }
    let nbf = claims.numeric_date("nbf").ok_or(TokenError::Malformed)?;
    let valid = nbf <= seconds(now) + issuer.leeway.nbf.as_secs_f64();
    if valid { Ok(()) } else { Err(TokenError::NotYetValid) }
}

/// `exp` is there and has not passed (RFC 7519, 4.1.4; RFC 9068, 2.2), with a small leeway or none.
pub(super) fn validate_expiry(
    claims: &Claims,
    issuer: &TrustedIssuer,
    now: u64,
) -> Result<(), TokenError> {
    let exp = claims.numeric_date("exp").ok_or(TokenError::Malformed)?;
    let valid = seconds(now) < exp + issuer.leeway.exp.as_secs_f64();
    if valid { Ok(()) } else { Err(TokenError::Expired) }
}

#[allow(clippy::cast_precision_loss)] // seconds fit into 53 bits
fn seconds(now: u64) -> f64 {
    now as f64
}

/// `aud` names this resource (RFC 7519, 4.1.3; RFC 9068, 4).
pub(super) fn validate_audience(claims: &Claims, issuer: &TrustedIssuer) -> Result<(), TokenError> {
    let aud = claims.get("aud").filter(|aud| !aud.is_null() && **aud != Value::Array(Vec::new()));
    let aud = aud.ok_or(TokenError::Malformed)?;
    if claims.strings("aud").any(|aud| issuer.audiences.contains(aud)) {
        return Ok(());
    }
    let expected = issuer.audiences.iter().cloned().collect();
    Err(TokenError::InvalidAudience { found: truncated(aud), expected })
}

/// A claim for the log: JSON text has no line breaks.
pub(super) fn truncated(claim: &Value) -> String {
    claim.to_string().chars().take(200).collect()
}
