//! What `/health`, `serverInfo` and the `_meta` of `ping` report about authorization, in the tutorial's words.

use serde::Serialize;

use super::{
    identity_provider::Keycloak,
    identity_providers::IdentityProviders,
    metadata::{MetadataUrls, ProtectedResource},
};

/// The facts about authorization that a server reports: public, and alike wherever they are reported.
///
/// ```
/// use mcp_auth::auth::info::AuthInfo;
///
/// let info = AuthInfo::new().jwks_available().auth_required();
/// let json = serde_json::to_string(&info).unwrap();
/// assert_eq!(json, r#"{"jwt_enabled":true,"jwks_available":true,"auth_required":true}"#);
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct AuthInfo {
    jwt_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_available: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keycloak_integration: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope_based_auth: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keycloak_config: Option<Keycloak>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_metadata_available: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_metadata: Option<OauthMetadata>,
}

#[derive(Debug, Clone, Serialize)]
struct OauthMetadata {
    protected_resource: String,
    #[serde(flatten)]
    urls: MetadataUrls,
}

impl AuthInfo {
    /// JWTs are in use.
    pub fn new() -> Self {
        Self {
            jwt_enabled: true,
            jwks_available: None,
            keycloak_integration: None,
            auth_required: None,
            scope_based_auth: None,
            keycloak_config: None,
            oauth_metadata_available: None,
            oauth_metadata: None,
        }
    }

    /// The server has its own keys and publishes them.
    #[must_use]
    pub fn jwks_available(self) -> Self {
        Self { jwks_available: Some(true), ..self }
    }

    /// Requests to the MCP endpoint need an access token.
    #[must_use]
    pub fn auth_required(self) -> Self {
        Self { auth_required: Some(true), ..self }
    }

    /// Methods need scopes.
    #[must_use]
    pub fn scope_based_auth(self) -> Self {
        Self { scope_based_auth: Some(true), ..self }
    }

    /// Where the metadata documents are.
    #[must_use]
    pub fn oauth_metadata(self, resource: &ProtectedResource, urls: &MetadataUrls) -> Self {
        let protected_resource = resource.root_metadata_url();
        let metadata = OauthMetadata { protected_resource, urls: urls.clone() };
        Self { oauth_metadata: Some(metadata), oauth_metadata_available: Some(true), ..self }
    }

    /// Whether a realm of Keycloak is among the issuers of tokens.
    #[must_use]
    pub fn identity_providers(self, providers: &IdentityProviders) -> Self {
        let keycloak_config = providers.keycloak_realm().cloned();
        Self { keycloak_integration: Some(keycloak_config.is_some()), keycloak_config, ..self }
    }
}

impl Default for AuthInfo {
    fn default() -> Self {
        Self::new()
    }
}
