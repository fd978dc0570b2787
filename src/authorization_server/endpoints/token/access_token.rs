//! Access tokens.
//!
//! Specs: RFC 9068 (JWT access tokens), RFC 6749 section 5.1 (the response), RFC 9449 sections 5 and 6 (bound tokens).
//! `preferred_username` is there as in the tokens of `gen-token`.

use std::borrow::Cow;

use axum::http::StatusCode;
use serde::Serialize;

use crate::{
    authorization_server::{
        app_state::AppState,
        endpoints::error::OAuthError,
        scopes::{ADMIN, OFFLINE_ACCESS},
        state::{accounts::Account, revocation::new_jti},
    },
    principal::ScopeSet,
};

/// A successful response of the token endpoint (RFC 6749, 5.1).
#[derive(Serialize)]
pub(super) struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Always there, because it may be less than was asked for (RFC 6749, 3.3).
    scope: String,
}

/// RFC 9068, 2.2.
#[derive(Serialize)]
struct AccessTokenClaims<'a> {
    iss: &'a str,
    sub: Cow<'a, str>,
    aud: Audience<'a>,
    exp: u64,
    iat: u64,
    jti: String,
    client_id: &'a str,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    /// Only with the scope `mcp:admin`: otherwise a role would let the client do what the user did not allow.
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation<'a>>,
}

/// RFC 9449, 6.1.
#[derive(Serialize)]
struct Confirmation<'a> {
    jkt: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Many(&'a [String]),
}

/// Whom an access token is about (RFC 9068, 2.2).
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// A user who logged in here.
    Account(&'a Account),
    /// A user of the enterprise identity provider. No account has such an `id`.
    Enterprise { id: &'a str, name: &'a str },
    /// The client itself: no user is there.
    Client,
}

/// What an access token is for.
pub(super) struct AccessToken<'a> {
    /// Names the token in `jti`.
    pub(super) grant_id: &'a str,
    pub(super) client_id: &'a str,
    pub(super) subject: Subject<'a>,
    pub(super) scopes: &'a ScopeSet,
    pub(super) resources: &'a [String],
    /// The key that the token is bound to, if the client proved that it has one (RFC 9449, 5).
    pub(super) key_thumbprint: Option<&'a str>,
}

impl AccessToken<'_> {
    /// Signs the token and makes the response.
    pub(super) fn issue(
        &self,
        state: &AppState,
        refresh_token: Option<String>,
    ) -> Result<TokenResponse, OAuthError> {
        let now = state.clock.now();
        let with_roles = self.scopes.iter().any(|scope| scope == ADMIN);
        let (sub, preferred_username, roles) = match self.subject {
            Subject::Account(account) => {
                let roles = with_roles.then_some(account.roles.as_slice());
                (account.subject().into(), Some(account.name.as_str()), roles)
            }
            Subject::Enterprise { id, name } => (id.into(), Some(name), None),
            Subject::Client => (self.client_id.into(), None, None),
        };
        let claims = AccessTokenClaims {
            iss: &state.issuer,
            sub,
            aud: match self.resources {
                [one] => Audience::One(one),
                many => Audience::Many(many),
            },
            exp: now + state.access_token_lifetime,
            iat: now,
            jti: new_jti(self.grant_id),
            client_id: self.client_id,
            scope: self.scopes.to_string(),
            preferred_username,
            roles,
            cnf: self.key_thumbprint.map(|jkt| Confirmation { jkt }),
        };
        let access_token = state.keys.sign("at+jwt", &claims).map_err(|_| {
            OAuthError::new("server_error", "the token could not be signed")
                .with_status(StatusCode::INTERNAL_SERVER_ERROR)
        })?;
        let offline = refresh_token.is_some().then_some(OFFLINE_ACCESS);
        let scope = self.scopes.iter().chain(offline).collect::<Vec<_>>().join(" ");
        tracing::info!(sub = %claims.sub, client_id = self.client_id, %scope, "access token issued");
        Ok(TokenResponse {
            access_token,
            token_type: if self.key_thumbprint.is_some() { "DPoP" } else { "Bearer" },
            expires_in: state.access_token_lifetime,
            refresh_token,
            scope,
        })
    }
}
