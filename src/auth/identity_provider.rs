//! An identity provider as a trusted issuer: remote keys, introspection, claims and audiences together.
//!
//! ```
//! use mcp_auth::auth::{
//!     identity_provider::IdentityProvider, metadata::ProtectedResource, verify::TokenVerifier,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let resource = ProtectedResource::new("https://mcp.example.com/mcp")
//!     .authorization_server("https://login.example.com/realms/main");
//! let provider = IdentityProvider::new("https://login.example.com/realms/main", false)?;
//! let verifier = TokenVerifier::new().trust(provider.trusted_issuer(&resource));
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    metadata::{MetadataUrls, ProtectedResource},
    provider::{ProviderClient, ProviderError},
    urls::{self, AUTHORIZATION_SERVER, OPENID_CONFIGURATION, split_origin, without_query},
    verify::{
        TokenError, TrustedIssuer,
        introspection::Introspection,
        jwt,
        remote_jwks::{JwksCacheConfig, JwksStatus, RemoteJwks},
    },
};

/// The leeway for `nbf` and `exp` unless a setting says otherwise.
pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(5);

/// An identity provider. Nothing is fetched before the first token is verified.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    client: ProviderClient,
    jwks_url: Option<String>,
    jwks: RemoteJwks,
    introspection: Option<Introspection>,
    audiences: Vec<String>,
    scopes: Vec<String>,
    role_claims: Vec<String>,
    allowed_clients: Option<Vec<String>>,
    leeway: Duration,
    require_at_jwt: bool,
    keycloak_realm: Option<Keycloak>,
}

/// A realm of Keycloak, as `/health` and `serverInfo` report it: by the URLs of its issuer, never by internal ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Keycloak {
    /// The part of the issuer before `/realms/`.
    pub url: String,
    /// The name of the realm.
    pub realm: String,
    /// The issuer identifier.
    pub issuer: String,
    /// The JWKS of the realm.
    pub jwks_url: String,
}

impl Keycloak {
    /// The realm of this name, if the issuer is one.
    pub fn of_issuer(issuer: &str, realm: &str) -> Option<Self> {
        let url = issuer.strip_suffix(&format!("/realms/{realm}"))?;
        Some(Self {
            url: url.to_owned(),
            realm: realm.to_owned(),
            issuer: issuer.to_owned(),
            jwks_url: format!("{issuer}/protocol/openid-connect/certs"),
        })
    }
}

impl IdentityProvider {
    /// The provider with this issuer identifier. `allow_http` allows plain http to other machines.
    ///
    /// # Errors
    /// When the issuer is no https URL, or is known to issue no tokens for other servers.
    pub fn new(issuer: &str, allow_http: bool) -> Result<Self, ProviderError> {
        let client = ProviderClient::new(issuer, allow_http)?;
        Ok(Self {
            jwks: RemoteJwks::new(&client, None, JwksCacheConfig::default()),
            client,
            jwks_url: None,
            introspection: None,
            audiences: Vec::new(),
            scopes: Vec::new(),
            role_claims: Vec::new(),
            allowed_clients: None,
            leeway: DEFAULT_LEEWAY,
            require_at_jwt: false,
            keycloak_realm: None,
        })
    }

    /// Where the keys are, if not where the provider's metadata says, and how they are cached.
    #[must_use]
    pub fn jwks(self, url: Option<String>, cache: JwksCacheConfig) -> Self {
        let jwks = RemoteJwks::new(&self.client, url.clone(), cache);
        Self { jwks, jwks_url: url, ..self }
    }

    /// Introspects tokens that are no JWT (RFC 7662) as this client, at `url` or where the provider's metadata says.
    #[must_use]
    pub fn introspection(self, client_id: &str, client_secret: &str, url: Option<String>) -> Self {
        let introspection = Introspection::new(&self.client, url, client_id, client_secret);
        Self { introspection: Some(introspection), ..self }
    }

    /// Values of `aud` that are accepted beside the identifiers of the resource.
    #[must_use]
    pub fn audiences<A: Into<String>>(self, audiences: impl IntoIterator<Item = A>) -> Self {
        Self { audiences: audiences.into_iter().map(Into::into).collect(), ..self }
    }

    /// The scopes as clients request them here, see [`TrustedIssuer::requested_scopes`]. If none are given, those of the
    /// resource count.
    #[must_use]
    pub fn scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        Self { scopes: scopes.into_iter().map(Into::into).collect(), ..self }
    }

    /// Claims with roles, see [`TrustedIssuer::role_claims`].
    #[must_use]
    pub fn role_claims(self, claims: &[String]) -> Self {
        Self { role_claims: claims.to_vec(), ..self }
    }

    /// The clients whose tokens are accepted, see [`TrustedIssuer::allowed_clients`].
    #[must_use]
    pub fn allowed_clients<C: Into<String>>(self, clients: impl IntoIterator<Item = C>) -> Self {
        Self { allowed_clients: Some(clients.into_iter().map(Into::into).collect()), ..self }
    }

    /// By how much the clocks may differ, see [`TrustedIssuer::leeway`].
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        Self { leeway, ..self }
    }

    /// See [`TrustedIssuer::require_at_jwt`].
    #[must_use]
    pub fn require_at_jwt(self, required: bool) -> Self {
        Self { require_at_jwt: required, ..self }
    }

    /// The realm of Keycloak that the issuer is.
    #[must_use]
    pub fn with_keycloak_realm(self, realm: Option<Keycloak>) -> Self {
        Self { keycloak_realm: realm, ..self }
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        self.client.issuer()
    }

    pub(super) fn requested_scopes(&self) -> &[String] {
        &self.scopes
    }

    pub(super) fn introspects(&self) -> bool {
        self.introspection.is_some()
    }

    /// The provider as the issuer of tokens for `resource`.
    pub fn trusted_issuer(&self, resource: &ProtectedResource) -> TrustedIssuer {
        let audiences = self.audiences.iter().cloned().chain(resource.audiences());
        let issuer = TrustedIssuer::from_remote(&self.jwks, audiences)
            .role_claims(&self.role_claims)
            .requested_scopes(self.scopes.iter().cloned())
            .leeway(self.leeway)
            .require_at_jwt(self.require_at_jwt);
        let issuer = match &self.allowed_clients {
            Some(clients) => issuer.allowed_clients(clients),
            None => issuer,
        };
        match &self.introspection {
            Some(introspection) => issuer.with_introspection(introspection),
            None => issuer,
        }
    }

    /// Where its documents are. A JWKS elsewhere than at the issuer is left out, since its URL may be internal.
    pub fn metadata_urls(&self) -> MetadataUrls {
        let issuer = self.issuer();
        // The tutorial shows Keycloak's document of RFC 8414; all others have that of OpenID Connect.
        let suffix = match self.keycloak_realm {
            Some(_) => AUTHORIZATION_SERVER,
            None => OPENID_CONFIGURATION,
        };
        let keycloak = self.keycloak_realm.as_ref().map(|keycloak| keycloak.jwks_url.clone());
        let given = self.jwks_url.as_deref().map(without_query);
        let given = given.filter(|url| split_origin(url).0 == split_origin(issuer).0);
        MetadataUrls {
            authorization_server: urls::well_known_appended(issuer, suffix),
            jwks: keycloak.or_else(|| given.map(str::to_owned)),
            other_authorization_servers: Vec::new(),
        }
    }

    /// The realm, if the provider is Keycloak.
    pub fn keycloak_realm(&self) -> Option<&Keycloak> {
        self.keycloak_realm.as_ref()
    }

    /// The claims of a JWT that this provider issued for another purpose than access, as `typ` says. All claims but `iss`
    /// are the caller's to check.
    ///
    /// # Errors
    /// When the provider did not issue it, it is of another type, or the keys cannot be fetched.
    pub async fn verify_jwt<C: DeserializeOwned>(
        &self,
        typ: &str,
        token: &str,
    ) -> Result<C, TokenError> {
        jwt::verify_typed_jwt(&self.jwks, typ, token).await
    }

    /// Whether there are keys to verify tokens with: for a readiness probe.
    pub async fn jwks_available(self) -> bool {
        self.jwks.is_available().await
    }

    /// The state of the keys, for `/health`.
    pub async fn status(self) -> JwksStatus {
        self.jwks.status().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_urls_and_queries_are_not_published() {
        let issuer = "https://login.example.com/realms/main";
        let provider = |jwks: &str| {
            let cache = JwksCacheConfig::default();
            IdentityProvider::new(issuer, false).unwrap().jwks(Some(jwks.to_owned()), cache)
        };
        for (jwks, expected) in [
            (
                "https://login.example.com/keys?api_key=s3cret",
                Some("https://login.example.com/keys"),
            ),
            ("http://keycloak:8080/keys", None),
        ] {
            assert_eq!(provider(jwks).metadata_urls().jwks.as_deref(), expected, "{jwks}");
        }
        let keycloak = provider("http://keycloak:8080/realms/main/protocol/openid-connect/certs")
            .with_keycloak_realm(Keycloak::of_issuer(issuer, "main"));
        assert_eq!(
            keycloak.metadata_urls().jwks.as_deref(),
            Some("https://login.example.com/realms/main/protocol/openid-connect/certs")
        );
    }
}
