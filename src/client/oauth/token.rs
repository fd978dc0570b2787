//! The token endpoint: a code, a refresh token, an assertion or the client itself becomes an access token.
//!
//! Rules: RFC 6749 sections 4.1.3, 4.4, 5 and 6; RFC 8707 section 2.2 (`resource`); RFC 9449 section 5 (DPoP).

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::{
    client::{
        context::{
            client::Client,
            error::{ClientError, OAuthError},
            http::Answer,
            options::Grant,
            reporter::Stage,
            secret::Secret,
        },
        oauth::{
            authorization::AuthorizationCode,
            claims, client_auth,
            dpop::ProofKey,
            registration::{self, ClientInformation},
            step_up::AccessRequest,
            unauthorized::{AccessToken, AuthChallenge},
        },
    },
    principal::ScopeSet,
};

pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// A form in the making.
pub(crate) type Form = Vec<(&'static str, String)>;

#[derive(Deserialize)]
pub(crate) struct TokenResponse {
    pub(crate) access_token: Secret,
    pub(crate) token_type: String,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    refresh_token: Option<Secret>,
    scope: Option<String>,
    pub(crate) issued_token_type: Option<String>,
}

/// Some servers write the number in quotes.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Number(f64),
        Text(String),
    }
    Ok(match Option::<Seconds>::deserialize(deserializer)? {
        Some(Seconds::Number(number)) => Some(number.max(0.0) as u64),
        Some(Seconds::Text(text)) => text.parse().ok(),
        None => None,
    })
}

/// \[10\], \[11\]: the code and the verifier become a token.
///
/// # Errors
/// When the token endpoint refuses, or answers something else than a token.
pub async fn redeem(
    client: &Client,
    access: &AccessRequest,
    app: &ClientInformation,
    code: AuthorizationCode,
) -> Result<AccessToken, ClientError> {
    client.report.stage(Stage::TokenRequest, "The code becomes a token");
    let form = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.code.expose().to_owned()),
        ("redirect_uri", app.redirect_uri.clone()),
        ("code_verifier", code.verifier.expose().to_owned()),
    ];
    let credential = request(client, access, Some(app), form, None).await?;
    let turn = client.store.lock().await?;
    client.store.remember(&turn, &client.url, named(client), &credential)?;
    Ok(credential)
}

/// The token of an earlier run, if this run asks for one of that kind: given by a person, to the client of
/// `--client-id`, by the issuer of `--issuer`, bound to a key for `--dpop`. A machine's token is never stored.
pub(crate) fn stored(client: &Client) -> Result<Option<AccessToken>, ClientError> {
    let options = &client.options;
    if options.grant != Grant::AuthorizationCode {
        return Ok(None);
    }
    let stored = client.store.credential(&client.url, named(client))?;
    Ok(stored.filter(|stored| {
        options.issuer.as_ref().is_none_or(|issuer| *issuer == stored.issuer)
            && (!options.dpop || stored.proof_key.is_some())
    }))
}

/// The client whose tokens are meant; none: that of the last login.
fn named(client: &Client) -> Option<&str> {
    client.options.client_id.as_deref()
}

/// \[10\], \[11\]: a token for the client itself, without any person (RFC 6749, 4.4).
///
/// # Errors
/// When the client cannot authenticate, or the token endpoint refuses.
pub async fn client_credentials(
    client: &Client,
    access: &AccessRequest,
) -> Result<AccessToken, ClientError> {
    client.report.stage(Stage::TokenRequest, "The client asks for itself (client credentials)");
    client.count_authorization()?;
    let app = registration::pre_registered(client, &access.server, "").await?;
    let mut form = vec![("grant_type", "client_credentials".to_owned())];
    scope(&mut form, access);
    request(client, access, Some(&app), form, None).await.map(without_app)
}

/// A grant that is repeated instead of refreshed.
pub(crate) fn without_app(credential: AccessToken) -> AccessToken {
    AccessToken { app: None, refresh_token: None, ..credential }
}

pub(crate) fn scope(form: &mut Form, access: &AccessRequest) {
    if !access.scopes.is_empty() {
        form.push(("scope", access.scopes.to_string()));
    }
}

/// \[10\], \[11\]: a refresh token becomes a new access token, if there is one that fits; `None` means: ask for a grant.
///
/// Two programs that share a credentials file take turns here. A refresh token is used once (it rotates: OAuth 2.1,
/// 4.3.1); whoever comes second takes what the first one got.
///
/// # Errors
/// When the token endpoint cannot be reached or is out of order. A refusal is no error: the refresh token has just
/// expired.
pub async fn renew(
    client: &Client,
    access: &AccessRequest,
    refusal: &AuthChallenge,
) -> Result<Option<AccessToken>, ClientError> {
    // A refresh never widens the scope (RFC 6749, 6): a step-up goes to the authorization endpoint.
    if refusal.status == 403 || client.options.grant != Grant::AuthorizationCode {
        return Ok(None);
    }
    let turn = client.store.lock().await?;
    let stored = stored(client)?;
    let fits = |c: &&AccessToken| c.issuer == access.server.issuer && c.resource == access.resource;
    let refused = refusal.credential.as_deref();
    let newer = |c: &AccessToken| refused.is_none_or(|refused| refused.token != c.token);
    if stored.as_ref().filter(fits).is_some_and(|c| newer(c) && !c.expires_soon()) {
        client.report.note("another run has a newer token in the credentials file");
        return Ok(stored);
    }
    let Some(old) = stored.as_ref().or(refused).filter(fits) else {
        return Ok(None);
    };
    let (Some(refresh_token), Some(app)) = (&old.refresh_token, &old.app) else {
        return Ok(None);
    };
    client.report.stage(Stage::TokenRequest, "The refresh token becomes a new token");
    let form = vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", refresh_token.expose().to_owned()),
    ];
    match request(client, access, Some(app), form, Some(old)).await {
        Ok(mut credential) => {
            if credential.refresh_token.is_none() {
                credential.refresh_token.clone_from(&old.refresh_token);
            }
            client.store.remember(&turn, &client.url, named(client), &credential)?;
            Ok(Some(credential))
        }
        Err(error) if is_final(&error) => {
            client.report.note(&format!("no new token this way: {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether a refresh has failed for good (RFC 6749, 5.2): an answer that is no token will be none the next time, too.
/// No answer at all, or a server out of order, says nothing of the refresh token.
fn is_final(error: &ClientError) -> bool {
    match error {
        ClientError::Refused { error, .. } => {
            !matches!(&*error.error, "server_error" | "temporarily_unavailable")
        }
        ClientError::Status { status, .. } => *status < 500,
        ClientError::Malformed { .. }
        | ClientError::TooLarge { .. }
        | ClientError::TokenType(_)
        | ClientError::NotSenderConstrained { .. } => true,
        _ => false,
    }
}

/// Sends a token request and reads a bearer or DPoP token from the answer. `old` is what a refresh renews: its key
/// proves the request, its scopes are those of the answer unless that names others (RFC 6749, 6).
pub(crate) async fn request(
    client: &Client,
    access: &AccessRequest,
    app: Option<&ClientInformation>,
    mut form: Form,
    old: Option<&AccessToken>,
) -> Result<AccessToken, ClientError> {
    let server = &access.server;
    let endpoint = server.token_endpoint.as_deref().ok_or_else(|| ClientError::NoEndpoint {
        issuer: server.issuer.clone(),
        endpoint: "token_endpoint",
    })?;
    form.push(("resource", access.resource.clone()));
    let proof_key = match old.and_then(|old| old.proof_key.as_ref().or(old.refresh_key.as_ref())) {
        None if access.dpop => Some(ProofKey::generate()?),
        given => given.cloned(),
    };
    let asked = old.map_or(&access.scopes, |old| &old.scopes);
    let token = post(client, endpoint, app, &server.issuer, form, proof_key.as_ref()).await?;
    let (proof_key, refresh_key) = match token.token_type.to_ascii_lowercase().as_str() {
        "bearer" if access.dpop => {
            return Err(ClientError::NotSenderConstrained { issuer: server.issuer.clone() });
        }
        "bearer" => (None, proof_key),
        "dpop" if proof_key.is_some() => (proof_key, None),
        _ => return Err(ClientError::TokenType(token.token_type)),
    };
    let credential = AccessToken {
        proof_key,
        refresh_key,
        expires_at: token
            .expires_in
            .and_then(|s| SystemTime::now().checked_add(Duration::from_secs(s))),
        scopes: token.scope.as_deref().map_or_else(|| asked.clone(), ScopeSet::parse),
        token: token.access_token,
        refresh_token: token.refresh_token,
        issuer: server.issuer.clone(),
        resource: access.resource.clone(),
        app: app.cloned(),
    };
    claims::explain(client, asked, &credential);
    Ok(credential)
}

/// One token request, and a second one if the server wants a nonce in the proof (RFC 9449, 8).
pub(crate) async fn post(
    client: &Client,
    endpoint: &str,
    app: Option<&ClientInformation>,
    audience: &str,
    form: Form,
    proof_key: Option<&ProofKey>,
) -> Result<TokenResponse, ClientError> {
    let mut retried = false;
    loop {
        let (mut headers, mut form) = (HeaderMap::new(), form.clone());
        // Authenticated anew each time: an assertion is used once.
        if let Some(app) = app {
            client_auth::authenticate(client, app, audience, &mut headers, &mut form)?;
        }
        if let Some(key) = proof_key {
            let proof = key.proof("POST", endpoint, client.nonces.of(endpoint), None)?;
            headers.insert(DPOP, HeaderValue::try_from(proof).expect("a JWT is ASCII"));
        }
        let answer = client.http.form(endpoint, headers, &form).await?;
        client.nonces.note(endpoint, &answer.headers);
        match read(&answer) {
            Err(ClientError::Refused { error, .. })
                if error.error == "use_dpop_nonce"
                    && proof_key.is_some()
                    && !std::mem::replace(&mut retried, true)
                    && answer.headers.contains_key(DPOP_NONCE) => {}
            outcome => return outcome,
        }
    }
}

fn read(answer: &Answer) -> Result<TokenResponse, ClientError> {
    // Some servers answer errors with 200.
    if let Ok(error) = answer.json::<OAuthError>("token error") {
        return Err(ClientError::Refused { at: "token endpoint", error });
    }
    if !answer.status.is_success() {
        return Err(ClientError::Status {
            what: "the token endpoint",
            url: answer.url.clone(),
            status: answer.status.as_u16(),
        });
    }
    answer.json("token answer")
}
