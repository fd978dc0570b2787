//! `private_key_jwt`: the client proves with a signed JWT who it is.
//!
//! Specs: RFC 7523 section 3, OpenID Connect Core 1.0 section 9 (`jti` is required, and works once); the revision
//! draft-ietf-oauth-rfc7523bis section 3 (a single audience: an assertion for several servers could be passed on).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::{error::OAuthError, parameters::Parameters};
use crate::authorization_server::{app_state::AppState, jwt::JwtKeys, state::clients::Client};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Tolerance for clocks, in seconds (RFC 7519, 4.1.4).
const LEEWAY: u64 = 5;
/// Seconds. A used assertion is remembered until it expires, so its lifetime must be bounded.
const MAX_LIFETIME: u64 = 3600;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: u64,
    nbf: Option<u64>,
    jti: String,
}

/// One string, or an array with one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Array([String; 1]),
}

/// The assertion of a request, and the client that it claims to be from.
pub(super) fn from_form(form: &Parameters) -> Result<Option<(String, String)>, OAuthError> {
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }
    let Some(assertion) = form.one("client_assertion") else {
        return Ok(None);
    };
    if form.one("client_assertion_type") != Some(ASSERTION_TYPE) {
        return Err(OAuthError::invalid_request(
            "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ));
    }
    let payload = assertion.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let subject = payload.and_then(|json| serde_json::from_slice::<Subject>(&json).ok());
    let subject = subject.ok_or(OAuthError::invalid_request("client_assertion is not a JWT"))?;
    Ok(Some((assertion.to_owned(), subject.sub)))
}

/// Checks the signature and every claim.
///
/// # Errors
/// What is wrong, for the client's developer.
pub(super) fn verify(
    state: &AppState,
    client: &Client,
    keys: &JwtKeys,
    assertion: &str,
) -> Result<(), &'static str> {
    let claims: Claims = keys.verify(assertion).ok_or(
        "client_assertion is not a JWT with iss, sub, aud, exp and jti that a key of this client signed",
    )?;
    let now = state.clock.now();
    let audience = match &claims.aud {
        Audience::One(audience) | Audience::Array([audience]) => audience,
    };
    // RFC 7523 names the token endpoint, its revision the issuer: clients of today send either.
    let token_endpoint = format!("{}/auth/token", state.issuer);
    if claims.iss != client.id || claims.sub != client.id {
        return Err("iss and sub of client_assertion must be the client_id");
    }
    if *audience != state.issuer && *audience != token_endpoint {
        return Err("aud of client_assertion must be the issuer of this server");
    }
    if claims.exp.saturating_add(LEEWAY) <= now || claims.nbf.is_some_and(|nbf| nbf > now + LEEWAY)
    {
        return Err("client_assertion has expired or is not yet valid");
    }
    if claims.exp > now + MAX_LIFETIME + LEEWAY {
        return Err("client_assertion must expire within an hour");
    }
    let id = format!("{} {}", client.id, claims.jti);
    let mut used = state.used_assertions.lock().expect("not poisoned");
    if used.contains(&id, now) {
        return Err("client_assertion was used before");
    }
    used.insert(id, (), claims.exp.saturating_add(LEEWAY), now);
    Ok(())
}
