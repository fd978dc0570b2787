//! The identity provider: issuer, audiences, scopes and the location of its keys.

mod file;
mod settings;

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::auth::{
    identity_provider::{IdentityProvider, Keycloak},
    provider::ProviderError,
    verify::remote_jwks::JwksCacheConfig,
};

pub(super) use file::read as read_file;
pub(super) use settings::{HEADING, ProviderArgs};

/// The identity provider, with everything that follows from the settings.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// `iss`, byte for byte.
    pub issuer: String,
    /// Accepted in `aud`, beside the server's own identifiers.
    pub audiences: Vec<String>,
    /// `scopes_supported`: what clients request. Entra for one wants `api://ID/mcp.tools` for its scope `mcp.tools`.
    pub scopes: Vec<String>,
    /// Set when the issuer is a realm of Keycloak.
    pub keycloak: Option<Keycloak>,
    /// Where the keys are; `None` for the `jwks_uri` of the provider's metadata.
    pub jwks_url: Option<String>,
    /// More claims that contain roles.
    pub role_claims: Vec<String>,
    /// The clients whose tokens are accepted; empty for all.
    pub allowed_clients: Vec<String>,
    /// How long fetched keys are fresh.
    pub jwks_ttl: Duration,
    /// How long they are used while the provider cannot be reached.
    pub jwks_max_stale: Duration,
    /// Set when opaque tokens are introspected.
    pub introspection: Option<IntrospectionConfig>,
    /// By how much the provider's clock may differ, for `nbf` and `exp`.
    pub leeway: Duration,
    /// Whether `typ` of a token must be `at+jwt`.
    pub require_at_jwt: bool,
    /// Whether the provider may be reached over http on another machine.
    pub allow_http: bool,
}

/// How opaque tokens are introspected (RFC 7662).
#[derive(Debug, Clone)]
pub struct IntrospectionConfig {
    /// This server's `client_id` at the provider.
    pub client_id: String,
    client_secret: SecretString,
    /// The endpoint; `None` for the one in the provider's metadata.
    pub url: Option<String>,
}

impl ProviderConfig {
    /// Whether a JWKS URL that was set is on the issuer's server. Otherwise one of the two may be left over from another
    /// provider, unless the same provider has two names, as in containers.
    pub(super) fn has_keys_at_issuer(&self) -> bool {
        let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
        self.jwks_url.as_ref().is_none_or(|url| origin(url) == origin(&self.issuer))
    }

    /// The provider as these settings describe it; nothing is fetched yet.
    ///
    /// # Errors
    /// When its tokens or documents cannot be used.
    pub fn identity_provider(&self) -> Result<IdentityProvider, ProviderError> {
        let cache = JwksCacheConfig {
            ttl: self.jwks_ttl,
            max_stale: self.jwks_max_stale,
            ..JwksCacheConfig::default()
        };
        let provider = IdentityProvider::new(&self.issuer, self.allow_http)?
            .jwks(self.jwks_url.clone(), cache)
            .audiences(&self.audiences)
            .scopes(&self.scopes)
            .role_claims(&self.role_claims)
            .leeway(self.leeway)
            .require_at_jwt(self.require_at_jwt)
            .with_keycloak_realm(self.keycloak.clone());
        let provider = match self.allowed_clients.as_slice() {
            [] => provider,
            clients => provider.allowed_clients(clients),
        };
        Ok(match &self.introspection {
            Some(client) => provider.introspection(
                &client.client_id,
                client.client_secret.expose_secret(),
                client.url.clone(),
            ),
            None => provider,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        provider: ProviderArgs,
    }

    fn config(arguments: &str) -> ProviderConfig {
        let arguments = std::iter::once("server").chain(arguments.split_whitespace());
        Only::try_parse_from(arguments).unwrap_or_else(|error| panic!("{error}")).provider.resolve()
    }

    #[test]
    fn settings_that_are_not_given_follow_from_those_that_are() {
        let certs = |base: &str| format!("{base}/realms/mcp-realm/protocol/openid-connect/certs");
        for (arguments, issuer, keycloak, jwks_url) in [
            ("", "http://localhost:8080/realms/mcp-realm", Some("http://localhost:8080"), None),
            (
                "--keycloak-url http://localhost:9090/ --keycloak-realm r",
                "http://localhost:9090/realms/r",
                Some("http://localhost:9090"),
                None,
            ),
            (
                "--issuer https://sso.example.com/realms/mcp-realm",
                "https://sso.example.com/realms/mcp-realm",
                Some("https://sso.example.com"),
                None,
            ),
            (
                "--keycloak-url http://keycloak:8080 --issuer http://localhost:8080/realms/mcp-realm",
                "http://localhost:8080/realms/mcp-realm",
                // What is published never names the internal host.
                Some("http://localhost:8080"),
                Some(certs("http://keycloak:8080")),
            ),
            ("--issuer https://t.eu.auth0.com/", "https://t.eu.auth0.com/", None, None),
            (
                "--keycloak-url http://localhost:8080 --issuer https://dev-1.okta.com/oauth2/default \
                 --jwks-url https://dev-1.okta.com/oauth2/default/v1/keys",
                "https://dev-1.okta.com/oauth2/default",
                None,
                Some("https://dev-1.okta.com/oauth2/default/v1/keys".to_owned()),
            ),
        ] {
            let config = config(arguments);
            assert_eq!(config.issuer, issuer, "{arguments}");
            assert_eq!(config.keycloak.map(|k| k.url).as_deref(), keycloak, "{arguments}");
            assert_eq!(config.jwks_url, jwks_url, "{arguments}");
        }
    }

    #[test]
    fn published_urls_lead_to_documents_that_exist() {
        let urls = |arguments: &str| config(arguments).identity_provider().unwrap().metadata_urls();
        let realm = "http://localhost:8080/realms/mcp-realm";
        let keycloak = urls("");
        let metadata = format!("{realm}/.well-known/oauth-authorization-server");
        assert_eq!(keycloak.authorization_server, metadata);
        let certs = format!("{realm}/protocol/openid-connect/certs");
        assert_eq!(keycloak.jwks, Some(certs));
        let auth0 = urls("--issuer https://t.eu.auth0.com/");
        let metadata = "https://t.eu.auth0.com/.well-known/openid-configuration";
        assert_eq!((&*auth0.authorization_server, auth0.jwks), (metadata, None));
    }

    #[test]
    fn scopes_follow_from_the_provider_unless_they_are_given() {
        let scopes = |arguments: &str| config(arguments).scopes;
        let auth0 = scopes("--issuer https://t.eu.auth0.com/");
        assert_eq!(auth0, ["mcp:read", "mcp:tools", "mcp:prompts"]);
        assert_eq!(scopes("--scopes a,b"), ["a", "b"]);
    }

    #[test]
    fn clocks_may_differ_by_five_seconds_unless_a_setting_says_otherwise() {
        for (arguments, seconds, required) in
            [("", 5, false), ("--clock-leeway 0", 0, false), ("--require-at-jwt", 5, true)]
        {
            let config = config(arguments);
            assert_eq!(config.leeway, Duration::from_secs(seconds), "{arguments}");
            assert_eq!(config.require_at_jwt, required, "{arguments}");
        }
        let too_much = Only::try_parse_from(["server", "--clock-leeway", "301"]);
        assert!(too_much.is_err());
    }

    #[test]
    fn lists_are_split_and_secrets_stay_secret() {
        let config = config(
            "--audience a,b --role-claims https://example.com/roles,cognito:groups \
             --introspection-client-id me --introspection-client-secret hush",
        );
        assert_eq!(config.audiences, ["a", "b"]);
        assert_eq!(config.role_claims, ["https://example.com/roles", "cognito:groups"]);
        assert_eq!(config.introspection.as_ref().unwrap().client_secret.expose_secret(), "hush");
        assert!(!format!("{config:?}").contains("hush"));
        for wrong in ["--audience a,,b", "--introspection-client-id me", "--issuer localhost"] {
            let arguments = std::iter::once("server").chain(wrong.split_whitespace());
            assert!(Only::try_parse_from(arguments).is_err(), "{wrong}");
        }
    }
}
