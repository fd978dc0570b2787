//! Token requests: a code, a refresh token or the client's own credentials in exchange for an access token.
//!
//! Specs: RFC 6749 sections 4.1.3, 4.4 and 6; RFC 8707 section 2.2 (`resource`); RFC 9449 section 5 (DPoP).

pub mod assertion;
mod claims;
pub(crate) mod endpoint;

use self::endpoint::Form;
use crate::{
    client::{
        context::{
            client::Client,
            credentials::{AccessToken, AuthMethod, ClientInformation, unix_now},
            error::ClientError,
            options::Grant,
            reporter::Stage,
        },
        oauth::{
            authorization::AuthorizationCode, dpop::ProofKey, registration, step_up::AccessRequest,
            unauthorized::AuthChallenge,
        },
    },
    principal::ScopeSet,
};

/// \[10\], \[11\]: exchanges the code and the PKCE verifier for an access token.
///
/// # Errors
/// When the token endpoint refuses, or returns something else than a token.
pub async fn exchange_code(
    client: &Client,
    access: &AccessRequest,
    registered: &ClientInformation,
    code: AuthorizationCode,
) -> Result<AccessToken, ClientError> {
    client.reporter.stage(Stage::TokenRequest, "Exchange the code");
    let form = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.code.expose().to_owned()),
        ("redirect_uri", registered.redirect_uri.clone()),
        ("code_verifier", code.verifier.expose().to_owned()),
    ];
    let token = request(client, access, Some(registered), form, code.proof_key, None).await?;
    let lock = client.store.lock().await?;
    client.store.save_token(&lock, &client.url, client.options.client_id.as_deref(), &token)?;
    Ok(token)
}

/// \[10\], \[11\]: gets a token for the client itself, without a user (RFC 6749, 4.4).
///
/// # Errors
/// When the client cannot authenticate, or the token endpoint refuses.
pub async fn client_credentials(
    client: &Client,
    access: &AccessRequest,
) -> Result<AccessToken, ClientError> {
    client.reporter.stage(Stage::TokenRequest, "Request a token with client credentials");
    let registered = registration::pre_registered(client, &access.server, "").await?;
    if registered.method == AuthMethod::None {
        let usage = "--grant client_credentials needs --client-secret @FILE or --private-key @FILE";
        return Err(ClientError::Usage(usage.to_owned()));
    }
    let mut form = vec![("grant_type", "client_credentials".to_owned())];
    form.extend(access.scope_param());
    let key = access.proof_key()?;
    request(client, access, Some(&registered), form, key, None).await.map(not_refreshable)
}

/// A token of a grant that is repeated instead of refreshed.
pub(crate) fn not_refreshable(token: AccessToken) -> AccessToken {
    AccessToken { client: None, refresh_token: None, ..token }
}

/// The stored token of an earlier run, if it fits the options of this one: granted by a user, issued to the client of
/// `--client-id` by the issuer of `--issuer`, DPoP-bound for `--dpop`. Tokens of other grants are never stored.
pub(crate) fn load_stored(client: &Client) -> Result<Option<AccessToken>, ClientError> {
    let options = &client.options;
    if options.grant != Grant::AuthorizationCode {
        return Ok(None);
    }
    let stored = client.store.token(&client.url, options.client_id.as_deref())?;
    Ok(stored.filter(|stored| {
        options.issuer.as_ref().is_none_or(|issuer| *issuer == stored.issuer)
            && (!options.dpop || stored.proof_key.is_some())
    }))
}

/// \[10\], \[11\]: exchanges a refresh token for a new access token. `None` if there is none that fits or it is refused:
/// a new grant is needed.
///
/// Runs that share a credentials file take turns. A refresh token can be used once (it rotates: OAuth 2.1, 4.3.1), so the
/// second run takes the token that the first one got.
///
/// # Errors
/// When the token endpoint cannot be reached or fails.
pub async fn refresh(
    client: &Client,
    access: &AccessRequest,
    challenge: &AuthChallenge,
) -> Result<Option<AccessToken>, ClientError> {
    // A refresh never widens the scope (RFC 6749, 6): a step-up needs the user.
    if challenge.status == 403 || client.options.grant != Grant::AuthorizationCode {
        return Ok(None);
    }
    let lock = client.store.lock().await?;
    let stored = load_stored(client)?;
    let fits = |token: &&AccessToken| {
        token.issuer == access.server.issuer && token.resource == access.resource
    };
    let rejected = challenge.token.as_deref();
    let is_newer = |token: &AccessToken| rejected.is_none_or(|old| old.token != token.token);
    if stored.as_ref().filter(fits).is_some_and(|token| is_newer(token) && !token.expires_soon()) {
        client.reporter.note("another run has stored a newer token");
        return Ok(stored);
    }
    let Some(old) = stored.as_ref().or(rejected).filter(fits) else {
        return Ok(None);
    };
    let (Some(refresh_token), Some(registered)) = (&old.refresh_token, &old.client) else {
        return Ok(None);
    };
    if registered.is_expired() {
        return Ok(None);
    }
    client.reporter.stage(Stage::TokenRequest, "Refresh the token");
    let form = vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", refresh_token.expose().to_owned()),
    ];
    let key = match old.proof_key.as_ref().or(old.refresh_key.as_ref()) {
        Some(exported) => Some(ProofKey::import(exported)?),
        None => access.proof_key()?,
    };
    match request(client, access, Some(registered), form, key, Some(old)).await {
        Ok(mut token) => {
            if token.refresh_token.is_none() {
                token.refresh_token.clone_from(&old.refresh_token);
            }
            let client_id = client.options.client_id.as_deref();
            client.store.save_token(&lock, &client.url, client_id, &token)?;
            Ok(Some(token))
        }
        Err(error) if is_final(&error) => {
            client.reporter.note(&format!("the refresh token cannot be used: {error}"));
            drop(lock);
            registration::discard_if_deleted(client, access, registered, &Err(error)).await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether a refresh has failed for good (RFC 6749, 5.2). No response, or a server that fails, says nothing about the
/// refresh token.
fn is_final(error: &ClientError) -> bool {
    match error {
        ClientError::OAuth { error, .. } => {
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

/// Sends a token request, with a proof of `key`. `old` is the token that a refresh replaces: its scopes are granted again
/// unless the response names others (RFC 6749, 6).
pub(crate) async fn request(
    client: &Client,
    access: &AccessRequest,
    registered: Option<&ClientInformation>,
    mut form: Form,
    key: Option<ProofKey>,
    old: Option<&AccessToken>,
) -> Result<AccessToken, ClientError> {
    let server = &access.server;
    let endpoint = server.token_endpoint.as_deref().ok_or_else(|| ClientError::NoEndpoint {
        issuer: server.issuer.clone(),
        endpoint: "token_endpoint",
    })?;
    form.extend(access.resource_param());
    let response =
        endpoint::post(client, endpoint, registered, &server.issuer, form, key.as_ref()).await?;
    let key = key.map(|key| key.export());
    let (proof_key, refresh_key) = match response.token_type.to_ascii_lowercase().as_str() {
        "bearer" if access.dpop => {
            return Err(ClientError::NotSenderConstrained { issuer: server.issuer.clone() });
        }
        "bearer" => (None, key),
        "dpop" if key.is_some() => (key, None),
        _ => return Err(ClientError::TokenType(response.token_type)),
    };
    let requested = old.map_or(&access.scopes, |old| &old.scopes);
    let token = AccessToken {
        token: response.access_token,
        issuer: server.issuer.clone(),
        resource: access.resource.clone(),
        scopes: response.scope.as_deref().map_or_else(|| requested.clone(), ScopeSet::parse),
        expires_at: response.expires_in.map(|seconds| unix_now().saturating_add(seconds)),
        refresh_token: response.refresh_token,
        proof_key,
        refresh_key,
        client: registered.cloned(),
    };
    claims::report(client, requested, &token);
    Ok(token)
}
