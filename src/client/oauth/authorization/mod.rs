//! The authorization request.
//!
//! Specs: RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 8707 section 2.1, OpenID Connect Core 1.0 sections
//! 3.1.2.1 and 11 (`prompt`), RFC 9449 section 10 (`dpop_jkt`).

pub mod browser;
pub(crate) mod pkce;
pub(crate) mod response;

use crate::client::{
    context::{
        client::Client,
        credentials::{ClientInformation, secret::Secret},
        error::ClientError,
        reporter::Stage,
        urls,
    },
    oauth::{
        authorization::{browser::Browser, pkce::Pkce, response::PendingAuthorization},
        dpop::ProofKey,
        step_up::AccessRequest,
    },
};

/// An authorization code, and what it is worthless without: the PKCE verifier, and the key that it is bound to, if any.
#[derive(Debug)]
pub struct AuthorizationCode {
    pub(crate) code: Secret,
    pub(crate) verifier: Secret,
    pub(crate) proof_key: Option<ProofKey>,
}

/// \[8\], \[9\]: sends the user to the authorization server and waits for the code.
///
/// # Errors
/// When the user or the authorization server denies the request, or the response is not to be trusted.
pub async fn request_code(
    client: &Client,
    access: &AccessRequest,
    registered: &ClientInformation,
    browser: Browser,
) -> Result<AuthorizationCode, ClientError> {
    let reporter = &client.reporter;
    reporter.stage(Stage::Authorization, "Request authorization: create PKCE verifier and state");
    let endpoint =
        access.server.authorization_endpoint.as_deref().ok_or_else(|| ClientError::NoEndpoint {
            issuer: access.server.issuer.clone(),
            endpoint: "authorization_endpoint",
        })?;
    let pkce = Pkce::new();
    let pending = PendingAuthorization::new(&access.server, &registered.redirect_uri);
    let mut params = params(access, registered, &pending, &pkce);
    // The code is bound to the key, so that whoever steals code and verifier can use neither.
    let proof_key = access.proof_key()?;
    if let Some(key) = &proof_key {
        params.push(("dpop_jkt", key.thumbprint()?));
    }
    for (name, value) in &params {
        reporter.note(&format!("{name:<22} {value}   ({})", meaning(name)));
    }
    let url = urls::with_query(endpoint, &params);
    let code = browser.visit(client, url, &pending).await?;

    reporter.stage(Stage::AuthorizationResponse, "Validate the response");
    reporter.verified("`state` is the one that was sent: this is the response to this request");
    if pending.expects_issuer() {
        reporter.verified("`iss` is the authorization server that was asked (RFC 9207)");
    }
    reporter.note(&format!("code {} (can be used once, and only with the verifier)", code.hint()));
    Ok(AuthorizationCode { code, verifier: pkce.verifier, proof_key })
}

fn params(
    access: &AccessRequest,
    registered: &ClientInformation,
    pending: &PendingAuthorization,
    pkce: &Pkce,
) -> Vec<(&'static str, String)> {
    let mut params = vec![
        ("response_type", "code".to_owned()),
        ("client_id", registered.client_id.clone()),
        ("redirect_uri", registered.redirect_uri.clone()),
        ("state", pending.state().to_owned()),
        ("code_challenge", pkce.challenge.clone()),
        ("code_challenge_method", "S256".to_owned()),
    ];
    params.extend(access.resource_param());
    params.extend(access.scope_param());
    // OpenID providers grant offline access only with the user's consent.
    if access.scopes.iter().any(|scope| scope == "offline_access") {
        params.push(("prompt", "consent".to_owned()));
    }
    params
}

fn meaning(param: &str) -> &'static str {
    match param {
        "response_type" => "a code: tokens do not belong into an address bar",
        "client_id" => "the client",
        "redirect_uri" => "where the response goes",
        "state" => "comes back with the response, or it is not the response to this request",
        "code_challenge" => "the hash of the PKCE verifier, RFC 7636",
        "code_challenge_method" => "SHA-256",
        "resource" => "the server that the token is for, RFC 8707",
        "scope" => "what the token may do",
        "dpop_jkt" => "the key that code and token are bound to, RFC 9449",
        _ => "ask for consent, even if it was given before",
    }
}

/// Whether the authorization server still accepts a registration of an earlier run. Asked before the user is: they would
/// end on an error page, and the client would wait for a response that never comes.
pub(crate) async fn accepts_client(
    client: &Client,
    access: &AccessRequest,
    registered: &ClientInformation,
) -> bool {
    let Some(endpoint) = access.server.authorization_endpoint.as_deref() else {
        return true;
    };
    let pending = PendingAuthorization::new(&access.server, &registered.redirect_uri);
    let mut params = params(access, registered, &pending, &Pkce::new());
    params.retain(|(name, _)| *name != "prompt");
    // Without a page, where `prompt` is supported.
    params.push(("prompt", "none".to_owned()));
    let response = client.http.page(&urls::with_query(endpoint, &params), "").await;
    !response.is_ok_and(|response| response.status.is_client_error())
}
