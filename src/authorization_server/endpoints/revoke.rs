//! `POST /auth/revoke`: a client gives its tokens up, for example at logout.
//!
//! Specs: RFC 7009 section 2. Either token revokes the whole grant: the refresh token and every access token. A token
//! that is not valid is no error, because the client has what it wants.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;

use super::{client_authentication::authenticate, error::OAuthError, parameters::Parameters};
use crate::authorization_server::{
    app_state::AppState,
    jwt::JwtKeys,
    state::revocation::{grant_name, public_name},
};

#[derive(Deserialize)]
struct Claims {
    jti: String,
    client_id: String,
}

/// The revocation endpoint.
pub(crate) async fn revoke(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, OAuthError> {
    let form = Parameters::from_form(&headers, body)?;
    let token = form.one("token").ok_or(OAuthError::invalid_request("token is missing"))?;
    let client = authenticate(&state, &headers, &form).await?;
    let now = state.clock.now();
    // `token_type_hint` is not needed: the two kinds of token look different.
    let found = match state.grants.owner_of(token, now) {
        Some(client_id) => {
            Some((client_id, public_name(token.split('.').next().unwrap_or_default())))
        }
        None => {
            let jwks = serde_json::to_value(state.keys.jwks()).ok();
            let keys = jwks.as_ref().and_then(JwtKeys::parse);
            let claims = keys.and_then(|keys| keys.verify::<Claims>(token));
            claims.map(|claims| (claims.client_id, grant_name(&claims.jti).to_owned()))
        }
    };
    let Some((client_id, grant)) = found else {
        return Ok(StatusCode::OK);
    };
    if client_id != client.id {
        return Err(OAuthError::invalid_grant("the token was issued to another client"));
    }
    state.grants.revoke(&grant, now);
    tracing::info!(client_id = %client.id, "grant revoked by its client");
    Ok(StatusCode::OK)
}
