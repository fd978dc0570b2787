//! Tokens for those who were already vouched for: a workload's own JWT, or a person's login at their company.
//!
//! Rules: RFC 7523 section 2.1 (JWT bearer), RFC 8693 section 2 (token exchange); MCP extensions "Workload Identity
//! Federation" and "Enterprise-Managed Authorization" (the identity assertion authorization grant, ID-JAG).
use crate::client::{
    context::{client::Client, error::ClientError, reporter::Stage, secret::Secret, urls},
    oauth::{
        client_auth::Method,
        registration::{self, ClientInformation},
        step_up::AccessRequest,
        token::{self, Form},
        unauthorized::AccessToken,
    },
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

/// \[10\], \[11\]: an assertion becomes a token. It comes from a file, or from the company's identity provider.
///
/// # Errors
/// When there is no assertion, or somebody refuses it. It is not tried twice: an assertion is good for one use.
pub async fn jwt_bearer(
    client: &Client,
    access: &AccessRequest,
) -> Result<AccessToken, ClientError> {
    let options = &client.options;
    client.count_authorization()?;
    let assertion = match (&options.assertion, &options.idp_token_endpoint) {
        (Some(assertion), None) => assertion.clone(),
        (None, Some(endpoint)) => exchange(client, access, endpoint).await?,
        _ => {
            return Err(ClientError::Usage(
                "--grant jwt-bearer needs either --assertion @FILE or --idp-token-endpoint URL --id-token @FILE".to_owned(),
            ));
        }
    };
    client
        .report
        .stage(Stage::TokenRequest, "The assertion becomes a token (JWT bearer, RFC 7523)");
    let mut form: Form =
        vec![("grant_type", JWT_BEARER.to_owned()), ("assertion", assertion.expose().to_owned())];
    token::scope(&mut form, access);
    let app = match options.client_id {
        Some(_) => Some(registration::pre_registered(client, &access.server, "").await?),
        None => None,
    };
    // Without a secret or key the assertion itself is the proof; the id goes along all the same.
    let app = app.map(|app| match (&app.client_secret, &options.private_key) {
        (None, None) => ClientInformation { method: Method::None, ..app },
        _ => app,
    });
    token::request(client, access, app.as_ref(), form, None).await.map(token::without_app)
}

/// The identity provider turns the person's ID token into a grant for this one authorization server (RFC 8693).
async fn exchange(
    client: &Client,
    access: &AccessRequest,
    endpoint: &str,
) -> Result<Secret, ClientError> {
    let options = &client.options;
    client.report.stage(
        Stage::Authorization,
        "The company's identity provider vouches for the person (RFC 8693)",
    );
    urls::secure(endpoint)?;
    let id_token = options.id_token.as_ref().ok_or_else(|| {
        ClientError::Usage("--idp-token-endpoint needs --id-token @FILE".to_owned())
    })?;
    let mut form: Form = vec![
        ("grant_type", TOKEN_EXCHANGE.to_owned()),
        ("requested_token_type", ID_JAG.to_owned()),
        ("audience", access.server.issuer.clone()),
        ("resource", access.resource.clone()),
        ("subject_token", id_token.expose().to_owned()),
        ("subject_token_type", ID_TOKEN.to_owned()),
    ];
    token::scope(&mut form, access);
    // Another server, another client: nothing of our registration at the authorization server is shown here.
    let app = options.idp_client_id.as_ref().map(|id| ClientInformation {
        client_id: id.clone(),
        client_secret: options.idp_client_secret.clone(),
        method: match options.idp_client_secret {
            Some(_) => Method::Basic,
            None => Method::None,
        },
        redirect_uri: String::new(),
        registered_scopes: None,
    });
    let answer = token::post(client, endpoint, app.as_ref(), endpoint, form, None).await?;
    match answer.issued_token_type.as_deref() {
        Some(ID_JAG) => Ok(answer.access_token),
        other => Err(ClientError::Protocol(format!(
            "the identity provider issued {:?} instead of {ID_JAG}",
            other.unwrap_or("a token of no type")
        ))),
    }
}
