//! Verification of a token that only its issuer can read: the provider is asked (RFC 7662), and its response has to pass
//! the same checks as the claims of a JWT.

use std::sync::Arc;

use serde_json::Value;

use super::{
    claims::Claims,
    error::TokenError,
    issuer::TrustedIssuer,
    jwt::{truncated, validate_audience, validate_expiry, validate_not_before, validate_types},
};

/// The introspection response for an active token, and its issuer. `now` is in seconds since 1970.
pub(super) async fn verify_opaque<'i>(
    issuers: &'i [TrustedIssuer],
    token: &str,
    now: u64,
) -> Result<(&'i TrustedIssuer, Arc<Claims>), TokenError> {
    // An opaque token does not name its issuer, so only one issuer can be asked.
    let issuer = issuers.iter().find_map(|i| Some((i, i.introspection.as_ref()?)));
    let (issuer, introspection) = issuer.ok_or(TokenError::NotAJwt)?;
    // `b64token` of RFC 6750, 2.1: other characters are not sent on.
    let is_b64token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if !token.bytes().all(is_b64token) {
        return Err(TokenError::Malformed);
    }
    let claims = introspection.introspect(token).await?.ok_or(TokenError::Inactive)?;
    validate(&claims, issuer, now)?;
    Ok((issuer, claims))
}

/// `exp` and `iss` are optional (RFC 7662, 2.2); `aud` is required here, because a token for another resource must not
/// be accepted.
fn validate(claims: &Claims, issuer: &TrustedIssuer, now: u64) -> Result<(), TokenError> {
    validate_types(claims)?;
    let bound = claims.key_thumbprint()?.map(|_| "DPoP");
    let is_access_token = |typ: &Value| {
        let typ = typ.as_str().unwrap_or_default();
        let mut known = ["Bearer", "access_token"].into_iter().chain(bound);
        known.any(|known| known.eq_ignore_ascii_case(typ))
    };
    claims.validate_if_present("token_type", is_access_token)?;
    if let Some(iss) = claims.get("iss")
        && iss.as_str() != Some(&issuer.issuer)
    {
        return Err(TokenError::InvalidIssuer(truncated(iss)));
    }
    validate_not_before(claims, issuer, now)?;
    if claims.get("exp").is_some() {
        validate_expiry(claims, issuer, now)?;
    }
    validate_audience(claims, issuer)?;
    issuer.rules.validate(claims, now)
}
