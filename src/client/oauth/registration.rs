//! Client registration: how the client gets a `client_id` at the authorization server.
//!
//! Specs: MCP authorization "Client Registration" (the order: pre-registered, client ID metadata document,
//! dynamic registration) and "Authorization Server Binding"; RFC 7591; OpenID Connect Dynamic Client Registration 1.0
//! section 2 (`application_type`); OAuth Client ID Metadata Document draft, section 3.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    auth::metadata::AuthorizationServerMetadata,
    client::{
        context::{
            client::Client,
            credentials::{AccessToken, AuthMethod, ClientInformation, secret::Secret},
            error::{ClientError, oauth::OAuthError},
            reporter::Stage,
        },
        oauth::{authorization, client_auth::choose_method, step_up::AccessRequest},
    },
};

const CLIENT_NAME: &str = "MCP Auth Step by Step";

/// \[6\], \[7\]: finds or creates the client's registration at the authorization server.
///
/// # Errors
/// When there is no way to register, or registration is refused.
pub async fn register(
    client: &Client,
    access: &AccessRequest,
    redirect_uri: &str,
) -> Result<ClientInformation, ClientError> {
    let (reporter, server) = (&client.reporter, &access.server);
    reporter.stage(Stage::Registration, "Register the client");
    let registered = if client.options.client_id.is_some() {
        reporter.note("pre-registered: --client-id");
        pre_registered(client, server, redirect_uri).await?
    } else if let Some(document) = metadata_document(client, server, redirect_uri)? {
        reporter.note("client ID metadata document: its URL is the client_id");
        document
    } else if let Some(stored) = load_stored(client, access, redirect_uri).await? {
        reporter.note("registered in an earlier run; --logout deletes that registration");
        client.store.link(&client.url, &server.issuer).await?;
        stored
    } else {
        reporter.note("dynamic client registration (RFC 7591)");
        let registered = register_dynamically(client, access, redirect_uri).await?;
        client.store.save_client(&client.url, &server.issuer, &registered).await?;
        registered
    };
    reporter.stage(Stage::Client, &format!("Client id: {}", registered.client_id));
    reporter.note(&format!("authentication method: {}", registered.method.name()));
    Ok(registered)
}

/// The client of `--client-id`. It is bound to the first issuer that it is used with, unless `--issuer` names one.
pub(crate) async fn pre_registered(
    client: &Client,
    server: &AuthorizationServerMetadata,
    redirect_uri: &str,
) -> Result<ClientInformation, ClientError> {
    let options = &client.options;
    let client_id = options
        .client_id
        .clone()
        .ok_or_else(|| ClientError::NoRegistration { issuer: server.issuer.clone() })?;
    if options.issuer.is_none() {
        client.store.bind(&client.url, &client_id, &server.issuer).await?;
    }
    let method = match (&options.client_secret, &options.private_key) {
        // A public client sends no credentials, also where `none` is not advertised (Auth0, Entra).
        (None, None) => AuthMethod::None,
        (secret, key) => {
            let supported = server.token_endpoint_auth_methods_supported.as_deref();
            choose_method(supported, secret.is_some(), key.is_some())
        }
    };
    let secret = options.client_secret.clone();
    Ok(ClientInformation::pre_registered(client_id, secret, method, redirect_uri))
}

/// `--client-metadata-url`, if the authorization server supports URLs as client ids.
fn metadata_document(
    client: &Client,
    server: &AuthorizationServerMetadata,
    redirect_uri: &str,
) -> Result<Option<ClientInformation>, ClientError> {
    let supported = server.client_id_metadata_document_supported == Some(true);
    let Some(url) = client.options.client_metadata_url.clone().filter(|_| supported) else {
        return Ok(None);
    };
    validate_document_url(&url)?;
    // A public document has no shared secret: a key pair or nothing.
    let method = match client.options.private_key {
        Some(_) => AuthMethod::PrivateKeyJwt,
        None => AuthMethod::None,
    };
    Ok(Some(ClientInformation::pre_registered(url, None, method, redirect_uri)))
}

/// The draft's section 3: https, a path, no fragment, no credentials, no dot segments.
fn validate_document_url(text: &str) -> Result<(), ClientError> {
    let invalid = |why| Err(ClientError::UnusableUrl { url: text.to_owned(), why });
    let Ok(url) = Url::parse(text) else {
        return invalid("it is not a URL");
    };
    if url.scheme() != "https" || matches!(url.path(), "" | "/") {
        return invalid("a client ID metadata document has an https URL with a path");
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return invalid("a client id has neither a fragment nor credentials");
    }
    if text.split(['/', '?']).any(|segment| segment == "." || segment == "..") {
        return invalid("a client id has no dot segments");
    }
    Ok(())
}

/// The registration of an earlier run, if it fits this request and the authorization server still accepts it.
async fn load_stored(
    client: &Client,
    access: &AccessRequest,
    redirect_uri: &str,
) -> Result<Option<ClientInformation>, ClientError> {
    let stored = client.store.client(&access.server.issuer)?;
    let fits = |stored: &ClientInformation| {
        stored.redirect_uri == redirect_uri && stored.allows(&access.scopes)
    };
    let Some(stored) = stored.filter(fits) else {
        return Ok(None);
    };
    if stored.is_expired() {
        client.reporter.note("the client secret has expired (client_secret_expires_at)");
        return Ok(None);
    }
    if !client.options.headless
        && !client.store.is_from_this_run(&stored)
        && !authorization::accepts_client(client, access, &stored).await
    {
        client.reporter.note("the authorization server does not know the registration any more");
        return Ok(None);
    }
    Ok(Some(stored))
}

/// Discards a registration of an earlier run if the authorization server does not know it any more (`invalid_client`), so
/// that [`register`] makes a new one. `false` if there is none, or if it is from this run: another one would not help.
///
/// # Errors
/// When the credentials file cannot be changed.
pub async fn discard_if_deleted(
    client: &Client,
    access: &AccessRequest,
    registered: &ClientInformation,
    outcome: &Result<AccessToken, ClientError>,
) -> Result<bool, ClientError> {
    let Err(error @ ClientError::OAuth { error: oauth, .. }) = outcome else {
        return Ok(false);
    };
    let issuer = &access.server.issuer;
    let stored = client.store.client(issuer)?;
    if !oauth.is_invalid_client()
        || client.store.is_from_this_run(registered)
        || stored.is_none_or(|stored| stored.client_id != registered.client_id)
    {
        return Ok(false);
    }
    client.store.remove_client(issuer, &registered.client_id).await?;
    client.reporter.repeat(&format!("{error}; the client registers again"));
    Ok(true)
}

/// A registration request (RFC 7591, 2).
#[derive(Serialize)]
struct RegistrationRequest<'a> {
    client_name: &'static str,
    /// OpenID providers allow loopback redirects to native clients only.
    application_type: &'static str,
    redirect_uris: [&'a str; 1],
    grant_types: Vec<&'static str>,
    response_types: [&'static str; 1],
    token_endpoint_auth_method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// A client information response (RFC 7591, 3.2.1).
#[derive(Deserialize)]
struct RegistrationResponse {
    client_id: String,
    client_secret: Option<Secret>,
    client_secret_expires_at: Option<u64>,
    token_endpoint_auth_method: Option<String>,
    scope: Option<String>,
}

async fn register_dynamically(
    client: &Client,
    access: &AccessRequest,
    redirect_uri: &str,
) -> Result<ClientInformation, ClientError> {
    let server = &access.server;
    let endpoint = server
        .registration_endpoint
        .as_deref()
        .ok_or_else(|| ClientError::NoRegistration { issuer: server.issuer.clone() })?;
    let requested =
        choose_method(server.token_endpoint_auth_methods_supported.as_deref(), false, false);
    // Refresh tokens are requested unless they are ruled out.
    let refresh = server
        .grant_types_supported
        .as_ref()
        .is_none_or(|grants| grants.iter().any(|grant| grant == "refresh_token"));
    // Many authorization servers hold a client to the scopes of its registration: name those of later step-ups, too.
    let scope = Some(access.registration_scopes.to_string()).filter(|scope| !scope.is_empty());
    let request = RegistrationRequest {
        client_name: CLIENT_NAME,
        application_type: "native",
        redirect_uris: [redirect_uri],
        grant_types: match refresh {
            true => vec!["authorization_code", "refresh_token"],
            false => vec!["authorization_code"],
        },
        response_types: ["code"],
        token_endpoint_auth_method: requested.name(),
        scope: scope.clone(),
    };
    let response = client.http.json(endpoint, &request).await?;
    if !response.status.is_success() {
        return Err(match response.json::<OAuthError>("registration error") {
            Ok(error) => ClientError::OAuth { endpoint: "registration endpoint", error },
            // Okta and others refuse unknown clients in words of their own.
            Err(_) => ClientError::RegistrationClosed {
                url: response.url,
                status: response.status.as_u16(),
            },
        });
    }
    let registered: RegistrationResponse = response.json("registration response")?;
    let method = match registered.token_endpoint_auth_method.as_deref() {
        None => requested,
        Some(name) => AuthMethod::parse(name).ok_or_else(|| ClientError::Malformed {
            what: "registration response",
            url: endpoint.to_owned(),
            why: format!("token_endpoint_auth_method {name:?} was not requested"),
        })?,
    };
    Ok(ClientInformation {
        client_id: registered.client_id,
        client_secret: registered.client_secret,
        client_secret_expires_at: registered.client_secret_expires_at,
        method,
        redirect_uri: redirect_uri.to_owned(),
        registered_scopes: registered.scope.or(scope),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_metadata_url_is_a_public_document() {
        for (url, expected) in [
            ("https://app.example.com/client.json", true),
            ("https://app.example.com/", false),
            ("https://app.example.com", false),
            ("http://app.example.com/client.json", false),
            ("https://app.example.com/client.json#x", false),
            ("https://u:p@app.example.com/client.json", false),
            ("https://app.example.com/a/../client.json", false),
        ] {
            assert_eq!(validate_document_url(url).is_ok(), expected, "{url}");
        }
    }
}
