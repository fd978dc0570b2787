//! Metadata documents of the protected resource and the authorization server: where they are, and how they are fetched.
//!
//! Specs: RFC 9728 sections 2 and 3.1, RFC 8414 sections 2 and 3.1, OpenID Connect Discovery 1.0 section 4.1.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    auth::{metadata::AuthorizationServerMetadata, urls},
    client::context::{client::Client, error::ClientError, http::Response},
};

/// Protected resource metadata, as far as a client uses it (RFC 9728, 2).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ResourceMetadata {
    /// The resource identifier, byte for byte.
    pub(crate) resource: String,
    pub(crate) authorization_servers: Vec<String>,
    pub(crate) scopes_supported: Vec<String>,
    /// Whether tokens must be bound to a key.
    pub(crate) dpop_bound_access_tokens_required: bool,
}

impl ResourceMetadata {
    /// What MCP 2025-03-26 assumes: the server's own origin issues the tokens ("Authorization Base URL").
    pub(crate) fn legacy(url: &Url) -> Self {
        Self {
            resource: url.to_string(),
            authorization_servers: vec![url.origin().ascii_serialization()],
            ..Self::default()
        }
    }
}

/// A metadata document.
pub(crate) trait Document: DeserializeOwned {
    /// Its name in errors.
    const NAME: &'static str;
    /// The required property, which distinguishes it from other JSON.
    const IDENTIFIER: &'static str;
}

impl Document for ResourceMetadata {
    const NAME: &'static str = "protected resource metadata";
    const IDENTIFIER: &'static str = "resource";
}

impl Document for AuthorizationServerMetadata {
    const NAME: &'static str = "authorization server metadata";
    const IDENTIFIER: &'static str = "issuer";
}

/// The first document that is found, and its URL. A location with something else is passed over: some servers answer every
/// path with 200 and a page, or redirect to another server.
///
/// # Errors
/// Why there is none; `None` if no location has one.
pub(crate) async fn first_document<T: Document>(
    client: &Client,
    locations: &[String],
    advertised: bool,
) -> Result<(String, T), Option<ClientError>> {
    let mut failure = None;
    for url in locations {
        let response = match client.http.document(url).await {
            Ok(response) => response,
            Err(error @ ClientError::Redirected { .. }) => {
                failure.get_or_insert(error);
                continue;
            }
            Err(error) => return Err(Some(error)),
        };
        match document(&response) {
            Some(document) => return document.map(|found| (url.clone(), found)).map_err(Some),
            None if advertised => {
                failure.get_or_insert(not_found::<T>(&response));
            }
            None => {}
        }
    }
    Err(failure)
}

/// The document in a response, if it is one; an error if it is one with an invalid property.
pub(crate) fn document<T: Document>(response: &Response) -> Option<Result<T, ClientError>> {
    let object: Map<String, Value> = serde_json::from_slice(&response.body).ok()?;
    let found =
        response.status.is_success() && object.get(T::IDENTIFIER).is_some_and(Value::is_string);
    found.then(|| response.json(T::NAME))
}

fn not_found<T: Document>(response: &Response) -> ClientError {
    let (what, url) = (T::NAME, response.url.clone());
    if !response.status.is_success() {
        return ClientError::Status { what, url, status: response.status.as_u16() };
    }
    let why = format!("it is not a JSON object with a string `{}`", T::IDENTIFIER);
    ClientError::Malformed { what, url, why }
}

/// Whether the MCP server's own origin has authorization server metadata at its root, as in MCP 2025-03-26.
pub(crate) async fn has_server_metadata(client: &Client) -> bool {
    let url = urls::well_known_root(client.url.as_str(), urls::AUTHORIZATION_SERVER);
    first_document::<AuthorizationServerMetadata>(client, &[url], false).await.is_ok()
}

/// Where protected resource metadata may be: below the path of the MCP endpoint, then at the root.
pub(crate) fn resource_locations(url: &Url) -> Vec<String> {
    let mut locations = vec![
        urls::well_known(url.as_str(), urls::PROTECTED_RESOURCE),
        urls::well_known_root(url.as_str(), urls::PROTECTED_RESOURCE),
    ];
    locations.dedup();
    locations
}

/// Where an issuer's metadata may be, in the order that MCP prescribes, and the standard of each location.
pub(crate) fn server_locations(issuer: &Url) -> Vec<(String, &'static str)> {
    let mut locations = vec![
        (urls::well_known(issuer.as_str(), urls::AUTHORIZATION_SERVER), "RFC 8414"),
        (
            urls::well_known(issuer.as_str(), urls::OPENID_CONFIGURATION),
            "OpenID Connect Discovery, path inserted",
        ),
        (
            urls::well_known_appended(issuer.as_str(), urls::OPENID_CONFIGURATION),
            "OpenID Connect Discovery",
        ),
    ];
    // Without a path the last two are the same.
    if locations[1].0 == locations[2].0 {
        locations.remove(1);
    }
    locations
}

/// Whether PKCE with S256 is supported (RFC 7636; MCP authorization, "Authorization Code Protection").
pub(crate) fn offers_s256(metadata: &AuthorizationServerMetadata) -> bool {
    let methods = metadata.code_challenge_methods_supported.as_deref();
    methods.is_some_and(|methods| methods.iter().any(|method| method == "S256"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_with_a_path_has_three_locations_and_one_without_has_two() {
        let urls = |issuer| -> Vec<String> {
            server_locations(&Url::parse(issuer).unwrap()).into_iter().map(|(url, _)| url).collect()
        };
        assert_eq!(
            urls("https://auth.example.com/tenant1"),
            [
                "https://auth.example.com/.well-known/oauth-authorization-server/tenant1",
                "https://auth.example.com/.well-known/openid-configuration/tenant1",
                "https://auth.example.com/tenant1/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            urls("https://auth.example.com"),
            [
                "https://auth.example.com/.well-known/oauth-authorization-server",
                "https://auth.example.com/.well-known/openid-configuration",
            ]
        );
    }

    #[test]
    fn resource_metadata_is_below_the_path_or_at_the_root() {
        assert_eq!(
            resource_locations(&Url::parse("https://example.com/public/mcp").unwrap()),
            [
                "https://example.com/.well-known/oauth-protected-resource/public/mcp",
                "https://example.com/.well-known/oauth-protected-resource",
            ]
        );
    }
}
