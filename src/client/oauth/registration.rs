//! Becoming a client that the authorization server knows.
//!
//! Rules: MCP authorization "Client Registration" (the order: pre-registered, metadata document, dynamic registration,
//! ask) and "Authorization Server Binding"; RFC 7591; OpenID Connect Dynamic Client Registration 1.0 section 2
//! (`application_type`); OAuth Client ID Metadata Document draft, section 3.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    auth::metadata::AuthorizationServerMetadata,
    client::{
        context::{
            client::Client,
            error::{ClientError, OAuthError},
            reporter::Stage,
            secret::Secret,
        },
        oauth::{authorization, client_auth::Method, step_up::AccessRequest},
    },
    principal::ScopeSet,
};

const NAME: &str = "MCP Auth Step by Step";

/// What we are at one authorization server, and nowhere else (RFC 6749, 2.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientInformation {
    pub(crate) client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<Secret>,
    pub(crate) method: Method,
    #[serde(default)]
    pub(crate) redirect_uri: String,
    /// The scopes that the registration is limited to, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) registered_scopes: Option<String>,
}

impl ClientInformation {
    /// Whether this registration allows to ask for `scopes`.
    fn allows(&self, scopes: &ScopeSet) -> bool {
        match &self.registered_scopes {
            Some(registered) => {
                let registered = ScopeSet::parse(registered);
                registered.union(scopes) == registered
            }
            None => true,
        }
    }
}

/// \[6\], \[7\]: finds or makes our registration at the authorization server.
///
/// # Errors
/// When there is no way to become a client there, or registration is refused.
pub async fn register(
    client: &Client,
    access: &AccessRequest,
    redirect_uri: &str,
) -> Result<ClientInformation, ClientError> {
    let report = &client.report;
    report.stage(Stage::Registration, "Who are we there? (client registration)");
    let app = if client.options.client_id.is_some() {
        report.note("registered beforehand: --client-id");
        let app = pre_registered(client, &access.server, redirect_uri).await?;
        // A public client authenticates with nothing, also where "none" is not advertised (Auth0, Entra).
        match client.options.private_key {
            None if app.client_secret.is_none() => App { method: Method::None, ..app },
            _ => app,
        }
    } else if let Some(app) = metadata_document(client, &access.server, redirect_uri)? {
        report.note(
            "a client id metadata document: the URL is the name, the server reads it by itself",
        );
        app
    } else if let Some(app) = remembered(client, access, redirect_uri).await? {
        report.note("registered in an earlier run; --forget would register anew");
        client.store.note(&client.url, &access.server.issuer).await?;
        app
    } else {
        let app = dynamic(client, access, redirect_uri).await?;
        client.store.remember_app(&client.url, &access.server.issuer, &app).await?;
        app
    };
    report.stage(Stage::Client, &format!("The client: {}", app.client_id));
    report.note(&format!("authenticates with: {}", app.method.name()));
    Ok(app)
}

/// What `--client-id` says. Bound to the first issuer that it is used with.
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
    Ok(ClientInformation {
        client_id,
        client_secret: options.client_secret.clone(),
        method: Method::choose(
            server.token_endpoint_auth_methods_supported.as_deref(),
            options.client_secret.is_some(),
            options.private_key.is_some(),
        ),
        redirect_uri: redirect_uri.to_owned(),
        registered_scopes: None,
    })
}

/// `--client-metadata-url`, where the authorization server takes URLs for client ids.
fn metadata_document(
    client: &Client,
    server: &AuthorizationServerMetadata,
    redirect_uri: &str,
) -> Result<Option<ClientInformation>, ClientError> {
    let supported = server.client_id_metadata_document_supported == Some(true);
    let Some(url) = client.options.client_metadata_url.as_ref().filter(|_| supported) else {
        return Ok(None);
    };
    check_document_url(url)?;
    let methods = server.token_endpoint_auth_methods_supported.as_deref();
    Ok(Some(ClientInformation {
        client_id: url.clone(),
        client_secret: None,
        // A document that everybody can read holds no shared secret: a key pair or nothing.
        method: match client.options.private_key {
            Some(_) => Method::choose(methods, false, true),
            None => Method::None,
        },
        redirect_uri: redirect_uri.to_owned(),
        registered_scopes: None,
    }))
}

/// The draft's section 3: https, a path, no fragment, no credentials, no dot segments.
fn check_document_url(text: &str) -> Result<(), ClientError> {
    let refuse = |why| Err(ClientError::UnusableUrl { url: text.to_owned(), why });
    let Ok(url) = Url::parse(text) else {
        return refuse("it is not a URL");
    };
    if url.scheme() != "https" || matches!(url.path(), "" | "/") {
        return refuse("a client metadata document has an https URL with a path");
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return refuse("a client id has neither fragment nor credentials");
    }
    if text.split(['/', '?']).any(|segment| segment == "." || segment == "..") {
        return refuse("a client id has no dot segments");
    }
    Ok(())
}

async fn remembered(
    client: &Client,
    access: &AccessRequest,
    redirect_uri: &str,
) -> Result<Option<ClientInformation>, ClientError> {
    let app = client.store.app(&access.server.issuer)?;
    let Some(app) =
        app.filter(|app| app.redirect_uri == redirect_uri && app.allows(&access.scopes))
    else {
        return Ok(None);
    };
    let old = !client.store.is_of_this_run(&app);
    if old && !client.options.headless && !authorization::still_known(client, access, &app).await {
        client.report.note("the server does not know our registration any more");
        return Ok(None);
    }
    Ok(Some(app))
}

#[derive(Deserialize)]
struct Registered {
    client_id: String,
    client_secret: Option<String>,
    token_endpoint_auth_method: Option<String>,
    scope: Option<String>,
}

async fn dynamic(
    client: &Client,
    access: &AccessRequest,
    redirect_uri: &str,
) -> Result<ClientInformation, ClientError> {
    let server = &access.server;
    let endpoint = server
        .registration_endpoint
        .as_deref()
        .ok_or_else(|| ClientError::NoRegistration { issuer: server.issuer.clone() })?;
    let wanted =
        Method::choose(server.token_endpoint_auth_methods_supported.as_deref(), false, false);
    let request = request(access, redirect_uri, wanted);
    client.report.note("dynamic registration (RFC 7591)");
    let answer = client.http.json(endpoint, &request).await?;
    if !answer.status.is_success() {
        return Err(match answer.json::<OAuthError>("registration error") {
            Ok(error) => ClientError::Refused { at: "registration endpoint", error },
            Err(_) => ClientError::Status {
                what: "the registration endpoint",
                url: answer.url,
                status: answer.status.as_u16(),
            },
        });
    }
    let registered: Registered = answer.json("registration answer")?;
    let method = match registered.token_endpoint_auth_method.as_deref() {
        None => wanted,
        Some(name) => Method::named(name).ok_or_else(|| ClientError::Malformed {
            what: "registration answer",
            url: endpoint.to_owned(),
            why: format!("token_endpoint_auth_method {name:?} is none that was asked for"),
        })?,
    };
    Ok(ClientInformation {
        client_id: registered.client_id,
        client_secret: registered.client_secret.map(Secret::from),
        method,
        redirect_uri: redirect_uri.to_owned(),
        registered_scopes: registered
            .scope
            .or_else(|| request.get("scope").and_then(Value::as_str).map(str::to_owned)),
    })
}

fn request(access: &AccessRequest, redirect_uri: &str, method: Method) -> Value {
    // Refresh tokens are asked for wherever they are not plainly out of question.
    let refresh = match &access.server.grant_types_supported {
        Some(grants) => grants.iter().any(|grant| grant == "refresh_token"),
        None => true,
    };
    let mut grants = vec!["authorization_code"];
    grants.extend(refresh.then_some("refresh_token"));
    let mut request = Map::from_iter([
        ("client_name".to_owned(), NAME.into()),
        // A program on this machine: OpenID providers take loopback redirects from no other kind.
        ("application_type".to_owned(), "native".into()),
        ("redirect_uris".to_owned(), json!([redirect_uri])),
        ("grant_types".to_owned(), json!(grants)),
        ("response_types".to_owned(), json!(["code"])),
        ("token_endpoint_auth_method".to_owned(), method.name().into()),
    ]);
    // Many servers hold a client to the scopes that it registered with: name those of later step-ups, too.
    if !access.registrable.is_empty() {
        request.insert("scope".to_owned(), access.registrable.to_string().into());
    }
    Value::Object(request)
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
            assert_eq!(check_document_url(url).is_ok(), expected, "{url}");
        }
    }
}
