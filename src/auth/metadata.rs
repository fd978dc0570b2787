//! The documents by which a client finds its way: the protected resource's card and the authorization server's.
//!
//! Rules: RFC 9728 section 2 (protected resource), RFC 8414 section 2 (authorization server), RFC 9207 section 3
//! (`authorization_response_iss_parameter_supported`), MCP 2025-11-25 authorization, "Authorization Server Location".
//! URLs are strings here, never parsed and printed again: `resource` and `issuer` are compared byte for byte.

use axum::{
    body::Bytes,
    http::{Method, header},
    routing::{MethodRouter, get},
};
use serde::{Deserialize, Serialize};
use tower_http::cors::{Any, CorsLayer};

/// The protected resource's metadata (RFC 9728, 2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProtectedResource {
    /// The resource identifier: what a client names as `resource` (RFC 8707) and a token has as `aud`.
    pub resource: String,
    /// The issuers whose tokens are accepted here, exactly as they call themselves.
    pub authorization_servers: Vec<String>,
    /// The scopes that are of use here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// How a token may be sent: `header` and nothing else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bearer_methods_supported: Vec<String>,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// A page for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_documentation: Option<String>,
    /// The tutorial's own member: the revision of MCP that its posts are about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_protocol_version: Option<String>,
    /// The tutorial's own member: `mcp-server`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
}

/// The authorization server's metadata (RFC 8414, 2; OpenID Connect Discovery 1.0, 3).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizationServerMetadata {
    /// Who issues; must equal the URL that the document was asked for (RFC 8414, 3.3).
    pub issuer: String,
    /// Where a person is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// Where a code becomes a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// Where clients register themselves (RFC 7591).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// Where the public keys are (RFC 7517).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Where opaque tokens are explained (RFC 7662).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<String>,
    /// The scopes that may be asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes_supported: Option<Vec<String>>,
    /// `code` is the one that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_types_supported: Option<Vec<String>>,
    /// Absent means `authorization_code` and `implicit` (RFC 8414, 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_types_supported: Option<Vec<String>>,
    /// Absent means `client_secret_basic` (RFC 8414, 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// MCP clients must refuse a server that does not list `S256` (RFC 7636; MCP authorization).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Whether answers carry `iss` (RFC 9207, 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_response_iss_parameter_supported: Option<bool>,
    /// Whether a URL may serve as `client_id` (Client ID Metadata Documents draft).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id_metadata_document_supported: Option<bool>,
    /// The tutorial's own member: whether a token is for the `resource` that was asked for (RFC 8707).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_indicators_supported: Option<bool>,
    /// Present when proofs of possession are understood (RFC 9449, 5.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
    /// OpenID Connect Discovery requires it; we issue no ID tokens ourselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_types_supported: Option<Vec<String>>,
}

impl ProtectedResource {
    /// A resource that accepts tokens of `authorization_server` with these scopes, in the header only.
    pub fn new(resource: String, authorization_server: String, scopes: &[&str]) -> Self {
        Self {
            resource,
            authorization_servers: vec![authorization_server],
            scopes_supported: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            bearer_methods_supported: vec!["header".to_owned()],
            mcp_protocol_version: Some("2025-06-18".to_owned()),
            resource_type: Some("mcp-server".to_owned()),
            ..Self::default()
        }
    }

    /// The same, with a page for people.
    #[must_use]
    pub fn documented_at(self, url: String) -> Self {
        Self { resource_documentation: Some(url), ..self }
    }

    /// The same under another identifier.
    #[must_use]
    pub fn renamed(&self, resource: String) -> Self {
        Self { resource, ..self.clone() }
    }
}

/// Where the documents are; the tutorial shows it in `/health` and in `serverInfo`.
#[derive(Debug, Clone, Serialize)]
pub struct Links {
    /// URL of the protected resource's metadata.
    pub protected_resource: String,
    /// URL of the authorization server's metadata.
    pub authorization_server: String,
    /// URL of the public keys; empty when only the authorization server's metadata knows it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub jwks: String,
}

/// `GET` of a document that never changes: serialized once, served often, and readable by web pages, since it holds
/// nothing personal.
pub fn document(document: &impl Serialize) -> MethodRouter {
    let bytes = Bytes::from(serde_json::to_vec(document).expect("a wire document is serializable"));
    get(move || async { ([(header::CONTENT_TYPE, "application/json")], bytes) })
        .layer(CorsLayer::new().allow_origin(Any).allow_methods([Method::GET]).allow_headers(Any))
}
