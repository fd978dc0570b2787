//! All identity providers of one protected resource: each with keys, audiences and claims of its own.
//!
//! A token is verified by the rules of the issuer that it names, and by no other's: the keys of one provider never prove
//! tokens of another (RFC 8725, 3.8). All are in `authorization_servers` of the resource's metadata, and a client chooses one
//! of them (RFC 9728, 2 and 7.6).
//!
//! ```
//! use mcp_auth::auth::{
//!     identity_provider::IdentityProvider, identity_providers::IdentityProviders,
//!     metadata::ProtectedResource, verify::TokenVerifier,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let providers = IdentityProviders::new([
//!     IdentityProvider::new("https://login.example.com/realms/staff", false)?,
//!     IdentityProvider::new("https://partner.example.org/", false)?.audiences(["notes"]),
//! ])?;
//! let resource = ProtectedResource::new("https://mcp.example.com/mcp")
//!     .authorization_servers(providers.issuers());
//! let verifier = TokenVerifier::new().trust_all(providers.trusted_issuers(&resource));
//! # Ok(())
//! # }
//! ```

use serde::Serialize;

use super::{
    identity_provider::{IdentityProvider, Keycloak},
    metadata::{MetadataUrls, ProtectedResource},
    provider::ProviderError,
    verify::{TrustedIssuer, remote_jwks::JwksStatus},
};

/// The identity providers of one resource, in the order in which clients see them.
#[derive(Debug, Clone)]
pub struct IdentityProviders(Vec<IdentityProvider>);

/// The state of one provider's keys, for `/health`.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderStatus {
    issuer: String,
    #[serde(flatten)]
    jwks: JwksStatus,
}

impl IdentityProviders {
    /// These providers; the first is the one that most clients choose.
    ///
    /// # Errors
    /// When two have the same issuer, or when two are to introspect opaque tokens: such a token does not name its issuer, so
    /// one provider would see the tokens of the other.
    pub fn new(
        providers: impl IntoIterator<Item = IdentityProvider>,
    ) -> Result<Self, ProviderError> {
        let providers: Vec<_> = providers.into_iter().collect();
        for (index, provider) in providers.iter().enumerate() {
            let earlier = &providers[..index];
            let issuer = provider.issuer();
            if earlier.iter().any(|other| other.issuer() == issuer) {
                return Err(ProviderError::DuplicateIssuer { issuer: issuer.to_owned() });
            }
            let introspects = earlier.iter().find(|other| other.introspects());
            if let Some(other) = introspects.filter(|_| provider.introspects()) {
                let issuers = [other.issuer().to_owned(), issuer.to_owned()];
                return Err(ProviderError::AmbiguousIntrospection { issuers });
            }
        }
        Ok(Self(providers))
    }

    /// The issuer identifiers.
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(IdentityProvider::issuer)
    }

    /// The scopes of all providers, as their clients request them.
    pub fn scopes(&self) -> Vec<&str> {
        let mut scopes = Vec::new();
        for scope in self.0.iter().flat_map(IdentityProvider::requested_scopes) {
            if !scopes.contains(&scope.as_str()) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// The providers as issuers of tokens for `resource`.
    pub fn trusted_issuers(&self, resource: &ProtectedResource) -> Vec<TrustedIssuer> {
        self.0.iter().map(|provider| provider.trusted_issuer(resource)).collect()
    }

    /// Where the documents of the first provider are, and the metadata of the others.
    pub fn metadata_urls(&self) -> MetadataUrls {
        let mut urls = self.0.iter().map(IdentityProvider::metadata_urls);
        let first = urls.next().unwrap_or_default();
        let others = urls.map(|urls| urls.authorization_server).collect();
        MetadataUrls { other_authorization_servers: others, ..first }
    }

    /// The first realm of Keycloak among them.
    pub fn keycloak_realm(&self) -> Option<&Keycloak> {
        self.0.iter().find_map(IdentityProvider::keycloak_realm)
    }

    /// Whether there are keys of at least one provider, for a readiness probe: the users of that provider can be served, and
    /// a server that is taken out of service because another provider is down would serve nobody.
    pub async fn jwks_available(self) -> bool {
        self.of_each(IdentityProvider::jwks_available).await.contains(&true)
    }

    /// The state of each provider's keys, for `/health`.
    pub async fn status(self) -> Vec<ProviderStatus> {
        let issuers: Vec<_> = self.issuers().map(str::to_owned).collect();
        let states = self.of_each(IdentityProvider::status).await;
        issuers
            .into_iter()
            .zip(states)
            .map(|(issuer, jwks)| ProviderStatus { issuer, jwks })
            .collect()
    }

    /// Asks all at the same time, so that a slow one does not delay the others.
    async fn of_each<F, T>(self, ask: impl Fn(IdentityProvider) -> F) -> Vec<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let tasks: Vec<_> =
            self.0.into_iter().map(|provider| tokio::spawn(ask(provider))).collect();
        let mut answers = Vec::with_capacity(tasks.len());
        for task in tasks {
            answers.push(task.await.expect("a probe does not panic"));
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(issuer: &str) -> IdentityProvider {
        IdentityProvider::new(issuer, false).unwrap()
    }

    #[test]
    fn each_provider_is_named_once() {
        let two = ["https://a.example.com", "https://b.example.com/"];
        let providers = IdentityProviders::new(two.map(provider)).unwrap();
        assert!(providers.issuers().eq(two));
        let urls = providers.metadata_urls();
        assert_eq!(
            urls.authorization_server,
            "https://a.example.com/.well-known/openid-configuration"
        );
        assert_eq!(
            urls.other_authorization_servers,
            ["https://b.example.com/.well-known/openid-configuration"]
        );
        let twice = ["https://a.example.com", "https://b.example.com", "https://a.example.com"];
        let error = IdentityProviders::new(twice.map(provider)).unwrap_err().to_string();
        assert!(error.contains("https://a.example.com is given twice"), "{error}");
    }

    #[test]
    fn scopes_are_those_of_all_providers_once() {
        let first = provider("https://a.example.com").scopes(["mcp:read", "mcp:tools"]);
        let second = provider("https://b.example.com").scopes(["api://id/mcp:read", "mcp:tools"]);
        let providers = IdentityProviders::new([first, second]).unwrap();
        assert_eq!(providers.scopes(), ["mcp:read", "mcp:tools", "api://id/mcp:read"]);
    }

    /// An opaque token does not name its issuer (RFC 7662, 2.1).
    #[test]
    fn one_provider_at_most_introspects() {
        let two = ["https://a.example.com", "https://b.example.com"];
        let [first, second] = two.map(|issuer| provider(issuer).introspection("me", "hush", None));
        let error = IdentityProviders::new([first.clone(), second]).unwrap_err().to_string();
        assert!(two.iter().all(|issuer| error.contains(issuer)), "{error}");
        assert!(IdentityProviders::new([first, provider(two[1])]).is_ok());
    }
}
