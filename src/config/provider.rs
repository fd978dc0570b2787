//! The identity provider: whose tokens count, whom they are meant for, and where its keys are.

mod settings;

use std::time::Duration;

use serde::Serialize;

use super::values::Secret;
pub(super) use settings::{HEADING, ProviderArgs};

/// The identity provider, with everything that follows from the settings.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// `iss`, byte for byte.
    pub issuer: String,
    /// Any one of these is enough in `aud`, beside our own identifiers.
    pub audiences: Vec<String>,
    /// What clients are told to ask for. Not every provider calls it what its tokens say: Entra wants
    /// `api://ID/mcp.tools`.
    pub scopes: Vec<String>,
    /// Set when the issuer is a realm of Keycloak.
    pub keycloak: Option<Keycloak>,
    /// Where the keys are, if the provider's metadata is not to be asked.
    pub jwks_url: Option<String>,
    /// More claims that hold roles.
    pub role_claims: Vec<String>,
    /// How long keys are used without a question.
    pub jwks_ttl: Duration,
    /// How long they serve through an outage.
    pub jwks_max_stale: Duration,
    /// Set when the provider is to be asked about opaque tokens.
    pub introspection: Option<IntrospectionConfig>,
    /// Whether http to another machine is fine.
    pub allow_http: bool,
}

/// A realm of Keycloak.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Keycloak {
    /// Without a trailing slash.
    pub url: String,
    /// Its name.
    pub realm: String,
    /// What tokens call it.
    pub issuer: String,
    /// Where it publishes its keys.
    pub jwks_url: String,
}

/// Who asks the provider about a token, and where.
#[derive(Debug, Clone)]
pub struct IntrospectionConfig {
    /// `client_id`
    pub client_id: String,
    /// `client_secret`
    pub client_secret: Secret,
    /// The endpoint, if the provider's metadata is not to be asked.
    pub url: Option<String>,
}

impl ProviderConfig {
    /// The document that tells everything else. Keycloak has it where the tutorial shows it; all others have this one.
    pub fn metadata_url(&self) -> String {
        let document = match self.keycloak {
            Some(_) => "oauth-authorization-server",
            None => "openid-configuration",
        };
        let base = self.keycloak.as_ref().map(|k| format!("{}/realms/{}", k.url, k.realm));
        let base = base.as_deref().unwrap_or(self.issuer.trim_end_matches('/'));
        format!("{base}/.well-known/{document}")
    }

    /// Where the keys are, when that is known without asking; empty otherwise.
    pub fn known_jwks_url(&self) -> String {
        let keycloak = self.keycloak.as_ref().map(|keycloak| &keycloak.jwks_url);
        self.jwks_url.as_ref().or(keycloak).cloned().unwrap_or_default()
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
    fn what_is_not_said_follows_from_what_is() {
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
                Some("http://keycloak:8080"),
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
    fn links_lead_to_documents_that_exist() {
        let keycloak = config("");
        assert_eq!(
            keycloak.metadata_url(),
            "http://localhost:8080/realms/mcp-realm/.well-known/oauth-authorization-server"
        );
        assert!(
            keycloak.known_jwks_url().ends_with("/realms/mcp-realm/protocol/openid-connect/certs")
        );
        let auth0 = config("--issuer https://t.eu.auth0.com/");
        assert_eq!(auth0.metadata_url(), "https://t.eu.auth0.com/.well-known/openid-configuration");
        assert_eq!(auth0.known_jwks_url(), "");
        assert_eq!(auth0.scopes, ["mcp:read", "mcp:tools", "mcp:prompts"]);
        assert_eq!(config("--scopes a,b").scopes, ["a", "b"]);
    }

    #[test]
    fn lists_are_split_and_secrets_stay_secret() {
        let config = config(
            "--audience a,b --role-claims https://example.com/roles,cognito:groups \
             --introspection-client-id me --introspection-client-secret hush",
        );
        assert_eq!(config.audiences, ["a", "b"]);
        assert_eq!(config.role_claims, ["https://example.com/roles", "cognito:groups"]);
        assert_eq!(config.introspection.as_ref().unwrap().client_secret.reveal(), "hush");
        assert!(!format!("{config:?}").contains("hush"));
        for wrong in ["--audience a,,b", "--introspection-client-id me", "--issuer localhost"] {
            let arguments = std::iter::once("server").chain(wrong.split_whitespace());
            assert!(Only::try_parse_from(arguments).is_err(), "{wrong}");
        }
    }
}
