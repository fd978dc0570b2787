//! Metadata documents: the protected resource's and the authorization server's.
//!
//! Specs: RFC 9728 section 2 (protected resource), RFC 8414 section 2 (authorization server), RFC 9207 section 3
//! (`authorization_response_iss_parameter_supported`), MCP 2025-11-25 authorization, "Authorization Server Location".
//! URLs stay text, as they were written: `resource` and `issuer` are compared byte for byte.

use axum::{
    Router,
    body::Bytes,
    http::{Method, header},
    routing::{MethodRouter, get},
};
use serde::{Deserialize, Serialize};
use tower_http::cors::{Any, CorsLayer};

use super::{
    dpop,
    urls::{self, PROTECTED_RESOURCE},
};

/// The protected resource's metadata (RFC 9728, 2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProtectedResource {
    /// The resource identifier: `resource` of a token request (RFC 8707) and `aud` of the token.
    pub resource: String,
    /// The issuer identifiers of the authorization servers whose tokens are accepted, byte for byte.
    pub authorization_servers: Vec<String>,
    /// The scopes that clients may request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// How a token may be sent (RFC 6750, 2): in the `Authorization` header only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bearer_methods_supported: Vec<String>,
    /// Signature algorithms of DPoP proofs; absent where bound tokens are not accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// Human-readable name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// Human-readable documentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_documentation: Option<String>,
    /// An extension of the tutorial: the MCP revision that its posts describe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_protocol_version: Option<String>,
    /// An extension of the tutorial: `mcp-server`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
}

/// The authorization server's metadata (RFC 8414, 2; OpenID Connect Discovery 1.0, 3).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizationServerMetadata {
    /// The issuer identifier; must equal the one that the document was requested for (RFC 8414, 3.3).
    pub issuer: String,
    /// Where the user's browser is sent (RFC 6749, 3.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// Where a code is exchanged for a token (RFC 6749, 3.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// Dynamic client registration (RFC 7591).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// The JWKS (RFC 7517).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Token introspection (RFC 7662).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<String>,
    /// The scopes that clients may request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes_supported: Option<Vec<String>>,
    /// `code` is the one that OAuth 2.1 uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_types_supported: Option<Vec<String>>,
    /// Absent means `authorization_code` and `implicit` (RFC 8414, 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_types_supported: Option<Vec<String>>,
    /// Profiles of assertion grants, such as ID-JAG (draft-ietf-oauth-identity-assertion-authz-grant, 7.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_grant_profiles_supported: Option<Vec<String>>,
    /// Absent means `client_secret_basic` (RFC 8414, 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Signature algorithms of client assertions; required beside `private_key_jwt` (RFC 8414, 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// Where clients revoke their tokens (RFC 7009).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// Absent means `client_secret_basic` (RFC 8414, 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Required with `private_key_jwt` (RFC 8414, 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// MCP clients must refuse a server that does not list `S256` (RFC 7636; MCP authorization).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Whether authorization responses carry `iss` (RFC 9207, 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_response_iss_parameter_supported: Option<bool>,
    /// Whether a URL may serve as `client_id` (Client ID Metadata Documents draft).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id_metadata_document_supported: Option<bool>,
    /// An extension of the tutorial: whether tokens are bound to the requested `resource` (RFC 8707).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_indicators_supported: Option<bool>,
    /// Signature algorithms for DPoP proofs (RFC 9449, 5.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
}

impl ProtectedResource {
    /// Metadata of the resource with this identifier. It is kept byte for byte: a `Url` would add a slash.
    pub fn new(resource: impl Into<String>) -> Self {
        Self {
            resource: resource.into(),
            bearer_methods_supported: vec!["header".to_owned()],
            ..Self::default()
        }
    }

    /// The same for the tutorial's server, with the two properties that its posts show. No specification defines them, and no
    /// client needs them.
    pub fn mcp_server(resource: impl Into<String>) -> Self {
        Self {
            mcp_protocol_version: Some("2025-06-18".to_owned()),
            resource_type: Some("mcp-server".to_owned()),
            ..Self::new(resource)
        }
    }

    /// Adds the issuer identifier of an authorization server.
    #[must_use]
    pub fn authorization_server(mut self, issuer: impl Into<String>) -> Self {
        self.authorization_servers.push(issuer.into());
        self
    }

    /// Adds the issuer identifiers of several; a client chooses one of them (RFC 9728, 7.6).
    #[must_use]
    pub fn authorization_servers<S: Into<String>>(
        mut self,
        issuers: impl IntoIterator<Item = S>,
    ) -> Self {
        self.authorization_servers.extend(issuers.into_iter().map(Into::into));
        self
    }

    /// The scopes that clients may request; challenges name all of them.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes_supported = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The URL of a page for developers.
    #[must_use]
    pub fn documentation(self, url: impl Into<String>) -> Self {
        Self { resource_documentation: Some(url.into()), ..self }
    }

    /// Says that tokens which are bound to a key of the client are accepted, as well as bearer tokens. For a resource
    /// behind [`BearerAuth::dpop`](super::bearer::BearerAuth::dpop).
    #[must_use]
    pub fn dpop(self) -> Self {
        let algorithms = dpop::ALGORITHMS.map(str::to_owned).to_vec();
        Self { dpop_signing_alg_values_supported: algorithms, ..self }
    }

    /// The values that `aud` of a token for this resource may have: the identifier, and for `http://localhost:9000/mcp`
    /// also `http://localhost:9000`, which the tutorial's clients request. With any other path the host may be shared,
    /// and a token for another resource on it must not be accepted (RFC 8707, 2).
    pub fn audiences(&self) -> Vec<String> {
        std::iter::once(self.resource.as_str())
            .chain(self.server_url())
            .map(str::to_owned)
            .collect()
    }

    fn server_url(&self) -> Option<&str> {
        let (origin, path) = urls::split_origin(&self.resource);
        (path == "/mcp").then_some(origin)
    }

    /// Where the document is (RFC 9728, 3.1): `/.well-known/oauth-protected-resource`, then the resource's path.
    pub fn metadata_url(&self) -> String {
        urls::well_known(&self.resource, PROTECTED_RESOURCE)
    }

    /// `GET` of the document at the path that RFC 9728, 3.1 derives from the resource, and at the root of the host,
    /// where the tutorial shows it, about the server's URL.
    pub fn routes(&self) -> Router {
        let path = urls::well_known_path(&self.resource, PROTECTED_RESOURCE);
        let router = Router::new().route(&path, json_document(self));
        match self.server_url() {
            Some(url) => {
                let alias = Self { resource: url.to_owned(), ..self.clone() };
                router.route(&urls::well_known_path(url, PROTECTED_RESOURCE), json_document(&alias))
            }
            None => router,
        }
    }

    /// The URL of the document at the root of the host, or of the only one.
    pub(super) fn root_metadata_url(&self) -> String {
        urls::well_known(self.server_url().unwrap_or(&self.resource), PROTECTED_RESOURCE)
    }
}

/// Where an authorization server's documents are.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MetadataUrls {
    /// URL of the authorization server's metadata.
    pub authorization_server: String,
    /// URL of the JWKS, when it is known without reading the metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<String>,
    /// URLs of the metadata of further authorization servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_authorization_servers: Vec<String>,
}

/// `GET` of a JSON document that never changes: serialized once. Scripts of any origin may read it, since it is public.
pub fn json_document(document: &impl Serialize) -> MethodRouter {
    let bytes = Bytes::from(serde_json::to_vec(document).expect("a wire document is serializable"));
    get(move || async { ([(header::CONTENT_TYPE, "application/json")], bytes) })
        .layer(CorsLayer::new().allow_origin(Any).allow_methods([Method::GET]).allow_headers(Any))
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    async fn resource_at(router: &Router, path: &str) -> Option<String> {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let body = router.clone().oneshot(request).await.unwrap().into_body();
        let document = body.collect().await.unwrap().to_bytes();
        let document: Value = serde_json::from_slice(&document).ok()?;
        document["resource"].as_str().map(str::to_owned)
    }

    #[tokio::test]
    async fn the_document_is_where_rfc_9728_derives_it_and_at_the_root_of_a_host_with_one_resource()
    {
        let routes = ProtectedResource::new("http://localhost:9000/mcp").routes();
        let at = async |path: &str| resource_at(&routes, path).await;
        assert_eq!(
            at("/.well-known/oauth-protected-resource/mcp").await.as_deref(),
            Some("http://localhost:9000/mcp")
        );
        assert_eq!(
            at("/.well-known/oauth-protected-resource").await.as_deref(),
            Some("http://localhost:9000")
        );
    }

    #[tokio::test]
    async fn on_a_shared_host_the_root_says_nothing_and_its_url_is_no_audience() {
        let resource = ProtectedResource::new("https://mcp.example.com/team-a/mcp");
        assert_eq!(resource.audiences(), ["https://mcp.example.com/team-a/mcp"]);
        assert_eq!(
            resource.metadata_url(),
            "https://mcp.example.com/.well-known/oauth-protected-resource/team-a/mcp"
        );
        let routes = resource.routes();
        let at = async |path: &str| resource_at(&routes, path).await;
        let expected = Some("https://mcp.example.com/team-a/mcp");
        assert_eq!(
            at("/.well-known/oauth-protected-resource/team-a/mcp").await.as_deref(),
            expected
        );
        assert_eq!(at("/.well-known/oauth-protected-resource").await, None);
    }

    #[test]
    fn the_url_of_a_server_with_an_endpoint_mcp_is_an_audience_too() {
        for (resource, expected) in [
            (
                "http://localhost:9000/mcp",
                &["http://localhost:9000/mcp", "http://localhost:9000"][..],
            ),
            ("https://mcp.example.com", &["https://mcp.example.com"]),
            ("https://mcp.example.com/", &["https://mcp.example.com/"]),
            ("https://mcp.example.com/team-a", &["https://mcp.example.com/team-a"]),
            ("https://mcp.example.com/team-a/mcp", &["https://mcp.example.com/team-a/mcp"]),
        ] {
            assert_eq!(ProtectedResource::new(resource).audiences(), expected, "{resource}");
        }
    }
}
