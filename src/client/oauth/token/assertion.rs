//! Tokens for an assertion of another party: a workload's own JWT, or the user's login at an enterprise identity provider.
//!
//! Specs: RFC 7523 sections 2.1 and 3 (JWT bearer), RFC 8693 section 2 (token exchange); MCP extensions "Workload
//! Identity Federation" and "Enterprise-Managed Authorization" (identity assertion authorization grant, ID-JAG).

use serde_json::Value;

use crate::client::{
    context::{
        client::Client,
        credentials::{AccessToken, AuthMethod, ClientInformation, secret::Secret},
        error::ClientError,
        reporter::Stage,
        urls,
    },
    oauth::{
        registration,
        step_up::AccessRequest,
        token::{
            self, claims,
            endpoint::{self, Form},
        },
    },
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

/// \[10\], \[11\]: exchanges an assertion for an access token. It comes from a file or from an identity provider.
///
/// # Errors
/// When there is no assertion, it is for another authorization server, or it is refused. It is sent only once.
pub async fn jwt_bearer(
    client: &Client,
    access: &AccessRequest,
) -> Result<AccessToken, ClientError> {
    let options = &client.options;
    let assertion = match (&options.assertion, &options.idp_token_endpoint) {
        (Some(assertion), None) => assertion.clone(),
        (None, Some(endpoint)) => exchange_id_token(client, access, endpoint).await?,
        _ => {
            return Err(ClientError::Usage(
                "--grant jwt-bearer needs either --assertion @FILE or --idp-token-endpoint URL --id-token @FILE".to_owned(),
            ));
        }
    };
    client.reporter.stage(Stage::TokenRequest, "Exchange the assertion (JWT bearer, RFC 7523)");
    check_audience(&assertion, access)?;
    let mut form: Form =
        vec![("grant_type", JWT_BEARER.to_owned()), ("assertion", assertion.expose().to_owned())];
    form.extend(access.scope_param());
    // Without a secret or key the assertion itself authenticates the client; the id is sent nevertheless.
    let registered = match options.client_id {
        Some(_) => Some(registration::pre_registered(client, &access.server, "").await?),
        None => None,
    };
    token::request(client, access, registered.as_ref(), form, access.proof_key()?, None)
        .await
        .map(token::not_refreshable)
}

/// Whoever receives an assertion can use it at its audience: it is sent to no other server. The audience is the issuer or
/// its token endpoint (RFC 7523, 3).
fn check_audience(assertion: &Secret, access: &AccessRequest) -> Result<(), ClientError> {
    let server = &access.server;
    let is_server =
        |aud: &str| aud == server.issuer || Some(aud) == server.token_endpoint.as_deref();
    let claims = claims::decode(assertion.expose())
        .ok_or_else(|| ClientError::Usage("the assertion is not a signed JWT".to_owned()))?;
    let audience = claims.get("aud").unwrap_or(&Value::Null);
    let matches = match audience {
        Value::String(aud) => is_server(aud),
        // Not one of several: the others could use it, too.
        Value::Array(all) => {
            !all.is_empty() && all.iter().all(|aud| aud.as_str().is_some_and(is_server))
        }
        _ => false,
    };
    match matches {
        true => Ok(()),
        false => Err(ClientError::AssertionAudienceMismatch {
            audience: audience.to_string(),
            issuer: server.issuer.clone(),
        }),
    }
}

/// Exchanges the user's ID token for a grant at this one authorization server (RFC 8693).
async fn exchange_id_token(
    client: &Client,
    access: &AccessRequest,
    url: &str,
) -> Result<Secret, ClientError> {
    let options = &client.options;
    client.reporter.stage(
        Stage::Authorization,
        "Exchange the ID token at the enterprise identity provider (RFC 8693)",
    );
    urls::secure(url)?;
    let id_token = options.id_token.as_ref().ok_or_else(|| {
        ClientError::Usage("--idp-token-endpoint needs --id-token @FILE".to_owned())
    })?;
    let mut form: Form = vec![
        ("grant_type", TOKEN_EXCHANGE.to_owned()),
        ("requested_token_type", ID_JAG.to_owned()),
        ("audience", access.server.issuer.clone()),
        ("subject_token", id_token.expose().to_owned()),
        ("subject_token_type", ID_TOKEN.to_owned()),
    ];
    form.extend(access.resource_param());
    form.extend(access.scope_param());
    // A client of its own: credentials of one authorization server are never sent to another.
    let registered = options.idp_client_id.clone().map(|client_id| {
        let secret = options.idp_client_secret.clone();
        let method = match secret {
            Some(_) => AuthMethod::ClientSecretBasic,
            None => AuthMethod::None,
        };
        ClientInformation::pre_registered(client_id, secret, method, "")
    });
    let response = endpoint::post(client, url, registered.as_ref(), url, form, None).await?;
    match response.issued_token_type.as_deref() {
        Some(ID_JAG) => Ok(response.access_token),
        other => Err(ClientError::Protocol(format!(
            "the identity provider issued {} instead of {ID_JAG}",
            other.unwrap_or("a token without a type")
        ))),
    }
}
