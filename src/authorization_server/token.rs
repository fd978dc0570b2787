//! `POST /auth/token`: a code, or a refresh token, becomes an access token.
//!
//! Rules: RFC 6749 sections 4.1.3, 5 and 6; RFC 7636 section 4.6; RFC 8707 section 2.2; RFC 9068 (the access token);
//! OAuth 2.1 section 4.3.1 (rotation).

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    OFFLINE_ACCESS,
    client_authentication::authenticate,
    clients::Client,
    error::OAuthError,
    grants::{Grant, Worthless},
    parameters::Parameters,
    secret,
    state::Server,
    withdrawn::new_token_id,
};
use crate::principal::ScopeSet;

/// How long a wrong code or refresh token waits for its answer. They cannot be guessed; this is for the noise.
const PENALTY: Duration = Duration::from_millis(200);

/// The answer (RFC 6749, 5.1).
#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Always there: it may be less than was asked for (RFC 6749, 3.3).
    scope: String,
}

/// The claims of an access token (RFC 9068, 2.2), with the names that the token generator gives, too.
#[derive(Serialize)]
struct AccessTokenClaims<'a> {
    iss: &'a str,
    sub: String,
    aud: Audience<'a>,
    exp: u64,
    iat: u64,
    jti: String,
    client_id: &'a str,
    scope: String,
    preferred_username: &'a str,
    roles: &'a [&'a str],
}

#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Many(&'a [String]),
}

/// The token endpoint.
pub(super) async fn issue(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, OAuthError> {
    let body = body.map_err(|rejection| {
        OAuthError::invalid_request("the request is too large").with_status(rejection.status())
    })?;
    let is_form = |value: &HeaderValue| {
        let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    };
    if !headers.get(header::CONTENT_TYPE).is_some_and(is_form) {
        return Err(OAuthError::invalid_request(
            "the body must be application/x-www-form-urlencoded",
        ));
    }
    let form = Parameters::parse(&body);
    if form.has_duplicates() {
        return Err(OAuthError::invalid_request("a parameter comes twice"));
    }
    let grant_type =
        form.one("grant_type").ok_or(OAuthError::invalid_request("grant_type is missing"))?;
    let client = authenticate(&server, &headers, &form).await?;
    let outcome = match grant_type {
        "authorization_code" => redeem_code(&server, &client, &form),
        "refresh_token" => refresh(&server, &client, &form),
        _ => Err(OAuthError::new(
            "unsupported_grant_type",
            "grant_type must be authorization_code or refresh_token",
        )),
    };
    match outcome {
        Ok(tokens) => {
            server.clients.touch(&client.id, server.clock.now());
            Ok(([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(tokens))
                .into_response())
        }
        Err(error) => {
            if error.error == "invalid_grant" {
                tracing::warn!(client_id = %client.id, reason = %error.error_description, "no token");
                tokio::time::sleep(PENALTY).await;
            }
            Err(error)
        }
    }
}

fn redeem_code(
    server: &Server,
    client: &Client,
    form: &Parameters,
) -> Result<TokenResponse, OAuthError> {
    let needed = |name, error| form.one(name).ok_or(OAuthError::invalid_request(error));
    let code = needed("code", "code is missing")?;
    let verifier = needed("code_verifier", "code_verifier is missing")?;
    let now = server.clock.now();
    // One attempt, whatever comes of it: a code that is shown with something wrong about it may have been stolen.
    let code = server.grants.redeem(code, now).map_err(worthless)?;
    let grant = &code.grant;
    if grant.client_id != client.id {
        return Err(OAuthError::invalid_grant("the code was given to another client"));
    }
    // OAuth 2.1, 10.2: clients of today leave it out; one that sends it must mean the same place.
    if form.one("redirect_uri").is_some_and(|uri| uri != code.redirect_uri) {
        return Err(OAuthError::invalid_grant(
            "redirect_uri is not the one of the authorization request",
        ));
    }
    let well_formed = (43..=128).contains(&verifier.len());
    if !well_formed || !secret::answers(verifier, &code.challenge) {
        return Err(OAuthError::invalid_grant("code_verifier does not answer code_challenge"));
    }
    let resources = narrowed(server, grant, form)?;
    let refresh_token = if grant.offline { server.grants.start_family(grant, now) } else { None };
    if server.grants.is_withdrawn(&grant.id, now) {
        return Err(worthless(Worthless::Replayed));
    }
    sign(server, grant, &grant.scopes, &resources, refresh_token)
}

fn refresh(
    server: &Server,
    client: &Client,
    form: &Parameters,
) -> Result<TokenResponse, OAuthError> {
    let token =
        form.one("refresh_token").ok_or(OAuthError::invalid_request("refresh_token is missing"))?;
    let now = server.clock.now();
    let grant = server.grants.grant_of(token, &client.id, now).map_err(worthless)?;
    let resources = narrowed(server, &grant, form)?;
    // RFC 6749, 6: less than was granted, never more; what is asked for here binds this access token only.
    let wanted = form.one("scope").map(ScopeSet::parse);
    let scopes: ScopeSet = match &wanted {
        Some(wanted) => wanted.iter().filter(|scope| *scope != OFFLINE_ACCESS).collect(),
        None => grant.scopes.clone(),
    };
    if !grant.scopes.holds_all(&scopes) {
        return Err(OAuthError::new("invalid_scope", "a scope is beyond what was granted"));
    }
    let next = server.grants.rotate(token, &client.id, now).map_err(worthless)?;
    sign(server, &grant, &scopes, &resources, Some(next))
}

/// The resources that this request names: some of those that the person was asked about, or without a word all.
fn narrowed(server: &Server, grant: &Grant, form: &Parameters) -> Result<Vec<String>, OAuthError> {
    if form.all("resource").next().is_none() {
        return Ok(grant.resources.clone());
    }
    server
        .resources(form.all("resource"))
        .filter(|resources| resources.iter().all(|resource| grant.resources.contains(resource)))
        .ok_or_else(OAuthError::invalid_target)
}

fn worthless(reason: Worthless) -> OAuthError {
    OAuthError::invalid_grant(match reason {
        Worthless::Unknown => "unknown or expired; ask the person again",
        Worthless::Replayed => {
            "used before: everything that it gave is taken back; ask the person again"
        }
    })
}

fn sign(
    server: &Server,
    grant: &Grant,
    scopes: &ScopeSet,
    resources: &[String],
    refresh_token: Option<String>,
) -> Result<TokenResponse, OAuthError> {
    let now = server.clock.now();
    let claims = AccessTokenClaims {
        iss: &server.issuer,
        sub: grant.account.subject(),
        aud: match resources {
            [one] => Audience::One(one),
            many => Audience::Many(many),
        },
        exp: now + server.lifetime,
        iat: now,
        jti: new_token_id(&grant.id),
        client_id: &grant.client_id,
        scope: scopes.to_string(),
        preferred_username: grant.account.name,
        roles: grant.account.roles,
    };
    let access_token = server.keys.sign("at+jwt", &claims).map_err(|_| {
        OAuthError::new("server_error", "the token could not be signed")
            .with_status(axum::http::StatusCode::INTERNAL_SERVER_ERROR)
    })?;
    let refreshes = refresh_token.is_some().then_some(OFFLINE_ACCESS);
    let granted = scopes.iter().chain(refreshes).collect::<Vec<_>>().join(" ");
    tracing::info!(account = grant.account.name, client_id = %grant.client_id, scope = %granted, "access token issued");
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: server.lifetime,
        refresh_token,
        scope: granted,
    })
}
