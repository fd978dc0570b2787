//! The grant `jwt-bearer` with an ID-JAG: an enterprise identity provider has decided that this client may act for this
//! user here, so nobody logs in and nobody is asked.
//!
//! Specs: draft-ietf-oauth-identity-assertion-authz-grant sections 3 (claims), 4.4 (processing) and 9.1 (confidential
//! clients only); MCP extension "Enterprise-Managed Authorization" (`resource` is required, and the token is for it
//! alone); RFC 7523 sections 3 (an assertion may be accepted once) and 3.1 (`invalid_grant`); RFC 8725 section 3.11
//! (`typ`).

use axum::http::StatusCode;
use serde::Deserialize;

use super::{
    AccessToken, AppState, Client, OAuthError, Parameters, Subject, TokenResponse, secret,
};
use crate::{
    auth::{identity_provider::IdentityProvider, verify::TokenError},
    authorization_server::{
        client_metadata::JWT_BEARER,
        scopes::{ADMIN, OFFLINE_ACCESS},
    },
    principal::ScopeSet,
};

const TYP: &str = "oauth-id-jag+jwt";
/// Tolerance for clocks, in seconds (RFC 7519, 4.1.4).
const LEEWAY: u64 = 5;
/// For how long an assertion is accepted after `iat`, in seconds, whatever its `exp` is. Used ones are remembered as long.
const MAX_AGE: u64 = 300;

/// The claims that decide (draft, 3).
#[derive(Deserialize)]
struct IdJag {
    iss: String,
    sub: String,
    aud: OneOrMany,
    client_id: String,
    jti: String,
    exp: u64,
    iat: u64,
    nbf: Option<u64>,
    resource: OneOrMany,
    /// Without it the identity provider has allowed nothing.
    #[serde(default)]
    scope: String,
    email: Option<String>,
    cnf: Option<Confirmation>,
}

/// The only binding that is understood (RFC 9449, 6.1).
#[derive(Deserialize)]
struct Confirmation {
    jkt: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// An access token for the user of the assertion. There is no refresh token: the client asks the identity provider again,
/// which may have changed its mind (draft, 4.4.3).
pub(super) async fn redeem(
    state: &AppState,
    provider: &IdentityProvider,
    client: &Client,
    form: &Parameters,
    key: Option<&str>,
) -> Result<TokenResponse, OAuthError> {
    if !client.authentication.is_confidential() || !client.allows_grant_type(JWT_BEARER) {
        return Err(OAuthError::new(
            "unauthorized_client",
            "only a confidential client that registered for jwt-bearer may use it",
        ));
    }
    let assertion =
        form.one("assertion").ok_or(OAuthError::invalid_request("assertion is missing"))?;
    let claims: IdJag = provider.verify_jwt(TYP, assertion).await.map_err(not_accepted)?;
    let now = state.clock.now();
    let not_after =
        validate(state, client, key, &claims, now).map_err(OAuthError::invalid_grant)?;
    let resources = resources(state, &claims, form)?;
    let scopes = scopes(state, client, &claims, form)?;
    // Last, so that the client can correct its request.
    let mut used = state.used_id_jags.lock().expect("not poisoned");
    if used.contains(&claims.jti, now) {
        return Err(OAuthError::invalid_grant("the assertion was used before"));
    }
    // A used assertion must not be forgotten while it is valid.
    if !used.has_space(now) {
        return Err(OAuthError::temporarily_unavailable("too many assertions", MAX_AGE));
    }
    used.insert(claims.jti, (), not_after, now);
    drop(used);
    // `sub` is unique together with `iss` (draft, 3). No account of this server has an id that begins like a URL.
    let id = format!("{}|{}", claims.iss, claims.sub);
    let token = AccessToken {
        grant_id: &secret::random(),
        client_id: &client.id,
        subject: Subject::Enterprise { id: &id, name: claims.email.as_deref().unwrap_or(&id) },
        scopes: &scopes,
        resources: &resources,
        key_thumbprint: key,
    };
    token.issue(state, None)
}

/// Until when the assertion could be accepted.
///
/// # Errors
/// What is wrong, for the client's developer.
fn validate(
    state: &AppState,
    client: &Client,
    key: Option<&str>,
    claims: &IdJag,
    now: u64,
) -> Result<u64, &'static str> {
    if claims.sub.is_empty() || claims.jti.is_empty() {
        return Err("sub and jti of the assertion must not be empty");
    }
    // One that is for several servers could be passed on by each of them.
    if claims.aud.as_slice() != [state.issuer.as_str()] {
        return Err("aud of the assertion must be the issuer of this server, and nothing else");
    }
    if claims.client_id != client.id {
        return Err("client_id of the assertion is another client than the authenticated one");
    }
    let expires_at = claims.exp.min(claims.iat.saturating_add(MAX_AGE)).saturating_add(LEEWAY);
    if expires_at <= now {
        return Err("the assertion has expired, or was issued more than 5 minutes ago");
    }
    if claims.iat.max(claims.nbf.unwrap_or_default()) > now + LEEWAY {
        return Err("iat or nbf of the assertion is in the future");
    }
    if claims.cnf.as_ref().is_some_and(|cnf| Some(cnf.jkt.as_str()) != key) {
        return Err("the assertion is bound to a key; send a DPoP proof with that key");
    }
    Ok(expires_at)
}

/// The resources of the assertion, or those of them that the request names.
fn resources(
    state: &AppState,
    claims: &IdJag,
    form: &Parameters,
) -> Result<Vec<String>, OAuthError> {
    let named = claims.resource.as_slice();
    if named.is_empty() {
        return Err(OAuthError::invalid_target());
    }
    let allowed =
        state.resources(named.iter().map(String::as_str)).ok_or_else(OAuthError::invalid_target)?;
    super::requested_resources(state, &allowed, form)
}

/// What the request, the assertion and the registration of the client all allow. Roles belong to the accounts of this
/// server, and a grant that is repeated needs no offline access.
fn scopes(
    state: &AppState,
    client: &Client,
    claims: &IdJag,
    form: &Parameters,
) -> Result<ScopeSet, OAuthError> {
    let asserted = ScopeSet::parse(&claims.scope);
    let requested = form.one("scope").map_or_else(|| asserted.clone(), ScopeSet::parse);
    let all = [&requested, &asserted, &client.scopes];
    // `mcp:tools` and `mcp:tools:echo` have `mcp:tools:echo` in common, whichever side names it.
    let scopes: ScopeSet = all
        .iter()
        .flat_map(|set| set.iter())
        .filter(|scope| ![ADMIN, OFFLINE_ACCESS].contains(scope) && state.scopes.contains(scope))
        .filter(|scope| all.iter().all(|set| set.grants(scope)))
        .collect();
    if scopes.is_empty() {
        return Err(OAuthError::new(
            "invalid_scope",
            "no scope is in the request, in the assertion and in the client's registration",
        ));
    }
    Ok(scopes)
}

/// RFC 7523, 3.1. While the keys of the identity provider cannot be fetched, the assertion is neither valid nor invalid.
fn not_accepted(error: TokenError) -> OAuthError {
    tracing::warn!(%error, "assertion not accepted");
    OAuthError::invalid_grant(match error {
        TokenError::Unavailable(unavailable) => {
            return OAuthError::temporarily_unavailable(
                "the keys of the enterprise identity provider cannot be fetched now",
                unavailable.retry_after,
            )
            .with_status(StatusCode::SERVICE_UNAVAILABLE);
        }
        TokenError::InvalidType => "typ of the assertion must be oauth-id-jag+jwt",
        TokenError::InvalidIssuer(_) => {
            "iss of the assertion is not the enterprise identity provider of this server"
        }
        TokenError::InvalidSignature { .. } | TokenError::UnknownKey(_) => {
            "no key of the enterprise identity provider made the signature of the assertion"
        }
        _ => {
            "the assertion is not a JWT with iss, sub, aud, client_id, jti, exp, iat and resource, signed with an asymmetric algorithm"
        }
    })
}
