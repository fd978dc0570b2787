//! `POST /auth/token`: the token endpoint.
//!
//! Specs: RFC 6749 sections 4.1.3 (code), 4.4 (client credentials), 5 and 6 (refresh); RFC 7636 section 4.6 (PKCE);
//! RFC 8707 section 2.2 (`resource`); RFC 9449 sections 5, 5.2 and 10 (DPoP); OAuth 2.1 section 4.3.1 (rotation of refresh
//! tokens). The grant of RFC 7523 is in `id_jag`.

mod access_token;
mod id_jag;

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, Method, header},
    response::{IntoResponse, Response},
};

use self::access_token::{AccessToken, Subject, TokenResponse};
use super::{client_authentication::authenticate, error::OAuthError, parameters::Parameters};
use crate::{
    auth::dpop::DPOP,
    authorization_server::{
        app_state::AppState,
        client_metadata::JWT_BEARER,
        scopes::{ADMIN, OFFLINE_ACCESS},
        secret,
        state::revocation::machine_grant_id,
        state::{
            clients::Client,
            grants::{Grant, InvalidGrant},
        },
    },
    principal::ScopeSet,
};

/// The token endpoint.
pub(crate) async fn issue(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, OAuthError> {
    let form = Parameters::from_form(&headers, body)?;
    let grant_type =
        form.one("grant_type").ok_or(OAuthError::invalid_request("grant_type is missing"))?;
    let client = authenticate(&state, &headers, &form).await?;
    // With a proof, the tokens are bound to its key (RFC 9449, 5). Some clients have said that they always send one (5.2).
    let key = match &state.dpop {
        Some(dpop) if headers.contains_key(DPOP) || client.always_uses_dpop => {
            Some(dpop.verify(&headers, &Method::POST, "/auth/token", None)?)
        }
        _ => None,
    };
    let key = key.as_deref();
    let tokens = match (grant_type, &state.enterprise_provider) {
        ("authorization_code", _) => redeem_code(&state, &client, &form, key),
        ("refresh_token", _) => refresh(&state, &client, &form, key),
        ("client_credentials", _) => client_credentials(&state, &client, &form, key),
        (JWT_BEARER, Some(provider)) => {
            id_jag::redeem(&state, provider, &client, &form, key).await
        }
        _ => Err(OAuthError::new(
            "unsupported_grant_type",
            "grant_type must be one of grant_types_supported in the metadata",
        )),
    }
    .inspect_err(|error| {
        tracing::warn!(client_id = %client.id, error = error.error, reason = %error.error_description, "token request rejected");
    })?;
    // A client can get a token without a user as soon as it has registered, so that one does not count.
    if grant_type != "client_credentials" {
        state.mark_used(&client, state.clock.now());
    }
    Ok(([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(tokens))
        .into_response())
}

fn redeem_code(
    state: &AppState,
    client: &Client,
    form: &Parameters,
    key: Option<&str>,
) -> Result<TokenResponse, OAuthError> {
    let required = |name, error| form.one(name).ok_or(OAuthError::invalid_request(error));
    let code = required("code", "code is missing")?;
    let verifier = required("code_verifier", "code_verifier is missing")?;
    let now = state.clock.now();
    // Checked before the code is used up, so that the client can correct its request.
    let resources = match state.grants.peek_code(code, now) {
        Some(grant) => requested_resources(state, &grant.resources, form)?,
        None => Vec::new(),
    };
    // From here on the code is used up: with a wrong client, URI or verifier it may have been stolen.
    let code = state.grants.redeem(code, now).map_err(invalid_grant)?;
    let grant = &code.grant;
    if grant.client_id != client.id {
        return Err(OAuthError::invalid_grant("the code was issued to another client"));
    }
    // OAuth 2.1, 10.2: current clients leave it out; one that sends it must send the same.
    if form.one("redirect_uri").is_some_and(|uri| uri != code.redirect_uri) {
        return Err(OAuthError::invalid_grant(
            "redirect_uri is not the one of the authorization request",
        ));
    }
    if !secret::verify_pkce(verifier, &code.challenge) {
        return Err(OAuthError::invalid_grant("code_verifier does not match code_challenge"));
    }
    if code.dpop_jkt.is_some() && code.dpop_jkt.as_deref() != key {
        return Err(OAuthError::invalid_grant("the code is bound to another key: see dpop_jkt"));
    }
    // A confidential client proves by its own credentials that a refresh token is its own (RFC 9449, 5).
    let bound_to = key.filter(|_| !client.authentication.is_confidential()).map(str::to_owned);
    let refresh_token = match grant.offline {
        true => state.grants.issue_refresh_token(grant, bound_to, now),
        false => None,
    };
    if state.grants.is_revoked(&grant.id, now) {
        return Err(invalid_grant(InvalidGrant::Replayed));
    }
    access_token(grant, &grant.scopes, &resources, key).issue(state, refresh_token)
}

fn refresh(
    state: &AppState,
    client: &Client,
    form: &Parameters,
    key: Option<&str>,
) -> Result<TokenResponse, OAuthError> {
    let token =
        form.one("refresh_token").ok_or(OAuthError::invalid_request("refresh_token is missing"))?;
    let now = state.clock.now();
    let (grant, bound_to) = state.grants.grant_of(token, &client.id, now).map_err(invalid_grant)?;
    // Whoever stole the token cannot use it, and so cannot make it look replayed.
    if bound_to.is_some() && bound_to.as_deref() != key {
        let error = "the refresh token is bound to a key; send a DPoP proof with that key";
        return Err(OAuthError::invalid_grant(error));
    }
    let resources = requested_resources(state, &grant.resources, form)?;
    let scopes = requested_scopes(state, &grant.scopes, form)?;
    let successor = state.grants.rotate(token, &client.id, now).map_err(invalid_grant)?;
    access_token(&grant, &scopes, &resources, key).issue(state, Some(successor))
}

/// A machine acts for itself (RFC 6749, 4.4). No user is there, so there are no roles and no refresh token.
fn client_credentials(
    state: &AppState,
    client: &Client,
    form: &Parameters,
    key: Option<&str>,
) -> Result<TokenResponse, OAuthError> {
    if !client.authentication.is_confidential() || !client.allows_grant_type("client_credentials") {
        return Err(OAuthError::new(
            "unauthorized_client",
            "only a confidential client that registered for client_credentials may use it",
        ));
    }
    let for_users = [ADMIN, OFFLINE_ACCESS];
    let registered: ScopeSet =
        client.scopes.iter().filter(|scope| !for_users.contains(scope)).collect();
    let scopes = requested_scopes(state, &registered, form)?;
    if scopes.is_empty() {
        return Err(OAuthError::new("invalid_scope", "none of these scopes can be granted"));
    }
    let resources = state.resources(form.all("resource")).ok_or_else(OAuthError::invalid_target)?;
    let token = AccessToken {
        grant_id: &machine_grant_id(),
        client_id: &client.id,
        subject: Subject::Client,
        scopes: &scopes,
        resources: &resources,
        key_thumbprint: key,
    };
    token.issue(state, None)
}

/// Some of the granted resources: those that the request names, or all.
fn requested_resources(
    state: &AppState,
    granted: &[String],
    form: &Parameters,
) -> Result<Vec<String>, OAuthError> {
    if form.all("resource").next().is_none() {
        return Ok(granted.to_vec());
    }
    state
        .resources(form.all("resource"))
        .filter(|resources| resources.iter().all(|resource| granted.contains(resource)))
        .ok_or_else(OAuthError::invalid_target)
}

/// Some of the granted scopes: those that the request names, or all (RFC 6749, 6). They bind this access token only.
fn requested_scopes(
    state: &AppState,
    granted: &ScopeSet,
    form: &Parameters,
) -> Result<ScopeSet, OAuthError> {
    let Some(scope) = form.one("scope") else {
        return Ok(granted.clone());
    };
    let wanted = ScopeSet::parse(scope);
    let wanted: ScopeSet = wanted.iter().filter(|scope| *scope != OFFLINE_ACCESS).collect();
    if !wanted.iter().all(|scope| state.scopes.contains(scope) && granted.grants(scope)) {
        return Err(OAuthError::new("invalid_scope", "a scope is unknown or was not granted"));
    }
    Ok(wanted)
}

fn access_token<'a>(
    grant: &'a Grant,
    scopes: &'a ScopeSet,
    resources: &'a [String],
    key_thumbprint: Option<&'a str>,
) -> AccessToken<'a> {
    AccessToken {
        grant_id: &grant.id,
        client_id: &grant.client_id,
        subject: Subject::Account(&grant.account),
        scopes,
        resources,
        key_thumbprint,
    }
}

fn invalid_grant(reason: InvalidGrant) -> OAuthError {
    OAuthError::invalid_grant(match reason {
        InvalidGrant::Unknown => "unknown, expired or revoked; send the user to log in again",
        InvalidGrant::Replayed => {
            "used before, so the grant is revoked; send the user to log in again"
        }
    })
}
