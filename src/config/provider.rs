//! Settings about the identity provider: whose tokens count, whom they are meant for, and where its keys are.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::{
    limits::seconds,
    values::{HttpUrl, Secret, word},
};

/// The heading of these settings in `--help`.
pub(super) const HEADING: &str = "Identity provider";

/// As they are given; [`ProviderSettings::resolve`] fills in what follows from others.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = HEADING)]
pub(super) struct ProviderSettings {
    /// Where Keycloak is. [default: http://localhost:8080]
    #[arg(long, env = "KEYCLOAK_URL", value_name = "URL")]
    keycloak_url: Option<HttpUrl>,

    /// The realm in it.
    #[arg(long, env = "KEYCLOAK_REALM", default_value = "mcp-realm", value_name = "NAME")]
    keycloak_realm: String,

    /// Whose tokens count: `iss`, byte for byte as the provider writes it. [default: KEYCLOAK_URL/realms/KEYCLOAK_REALM]
    #[arg(long, env = "JWT_ISSUER", value_name = "URL")]
    issuer: Option<HttpUrl>,

    /// Whom tokens are meant for: one of these, or this server's own URL, must be in `aud` (a list with commas).
    #[arg(
        long,
        env = "JWT_AUDIENCE",
        default_value = "echo-mcp-server",
        value_delimiter = ',',
        value_parser = word,
        value_name = "AUD"
    )]
    audience: Vec<String>,

    /// Where the provider's public keys are. [default: as the provider's metadata says]
    #[arg(long, env = "JWKS_URL", value_name = "URL")]
    jwks_url: Option<HttpUrl>,

    /// Scopes that clients are told to ask for (a list with commas). [default: mcp:read,mcp:tools,mcp:prompts, and for
    /// Keycloak echo-mcp-server-audience]
    #[arg(
        long,
        env = "MCP_SCOPES",
        value_delimiter = ',',
        value_parser = word,
        value_name = "SCOPE"
    )]
    scopes: Vec<String>,

    /// Claims that hold roles, beside roles, groups, realm_access and resource_access (a list with commas).
    #[arg(
        long,
        env = "JWT_ROLE_CLAIMS",
        value_delimiter = ',',
        value_parser = word,
        value_name = "CLAIM"
    )]
    role_claims: Vec<String>,

    /// How long the provider's keys are used before they are fetched again, in seconds.
    #[arg(long, env = "JWKS_FRESH", default_value = "300", value_parser = seconds, value_name = "SECONDS")]
    jwks_fresh: Duration,

    /// How long they serve while the provider cannot be reached, in seconds.
    #[arg(long, env = "JWKS_STALE", default_value = "3600", value_parser = seconds, value_name = "SECONDS")]
    jwks_stale: Duration,

    /// Who we are when we ask the provider about tokens that are no JWT (RFC 7662); without it they are refused.
    #[arg(long, env = "INTROSPECTION_CLIENT_ID", requires = "introspection_client_secret")]
    introspection_client_id: Option<String>,

    /// The password for that; better in the environment or a file than on the command line.
    #[arg(
        long,
        env = "INTROSPECTION_CLIENT_SECRET",
        requires = "introspection_client_id",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    introspection_client_secret: Option<Secret>,

    /// Where to ask. [default: as the provider's metadata says]
    #[arg(
        long,
        env = "INTROSPECTION_URL",
        requires = "introspection_client_id",
        value_name = "URL"
    )]
    introspection_url: Option<HttpUrl>,

    /// Lets keys come over plain http from another machine: whoever sits between can then sign tokens.
    #[arg(
        long,
        env = "PROVIDER_PLAIN_HTTP",
        action = clap::ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_value_t = false,
        default_missing_value = "true",
        value_name = "true|false"
    )]
    provider_plain_http: bool,
}

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
    pub jwks_fresh: Duration,
    /// How long they serve through an outage.
    pub jwks_stale: Duration,
    /// Set when the provider is to be asked about opaque tokens.
    pub introspection: Option<IntrospectionConfig>,
    /// Whether http to another machine is fine.
    pub plain_http: bool,
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

impl ProviderSettings {
    pub(super) fn resolve(self) -> ProviderConfig {
        let realm_path = format!("/realms/{}", self.keycloak_realm);
        let issuer = self.issuer.map(HttpUrl::into_text);
        // An issuer that is a realm tells where its Keycloak is, unless we are to reach it by another name.
        let base = |issuer: &String| issuer.strip_suffix(&realm_path).map(str::to_owned);
        let given = self.keycloak_url.map(|url| url.into_text().trim_end_matches('/').to_owned());
        let url = given
            .or_else(|| issuer.as_ref().and_then(base))
            .unwrap_or_else(|| "http://localhost:8080".to_owned());
        let realm = format!("{url}{realm_path}");
        let issuer = issuer.unwrap_or_else(|| realm.clone());
        let certs = format!("{realm}/protocol/openid-connect/certs");

        let explicit = self.jwks_url.map(HttpUrl::into_text);
        let keycloak = issuer.ends_with(&realm_path).then(|| Keycloak {
            url,
            realm: self.keycloak_realm,
            issuer: issuer.clone(),
            jwks_url: explicit.clone().unwrap_or_else(|| certs.clone()),
        });
        // Reached by another name than its tokens say (in containers): its metadata would lead us to the other one.
        let elsewhere = (keycloak.is_some() && issuer != realm).then_some(certs);
        let scopes = if self.scopes.is_empty() {
            // With Keycloak it is this scope that puts us into `aud`; no other provider knows it.
            let audience = keycloak.is_some().then_some("echo-mcp-server-audience");
            let scopes = audience.into_iter().chain(["mcp:read", "mcp:tools", "mcp:prompts"]);
            scopes.map(str::to_owned).collect()
        } else {
            self.scopes
        };
        ProviderConfig {
            audiences: self.audience,
            scopes,
            keycloak,
            jwks_url: explicit.or(elsewhere),
            role_claims: self.role_claims,
            jwks_fresh: self.jwks_fresh,
            jwks_stale: self.jwks_stale,
            introspection: self.introspection_client_id.zip(self.introspection_client_secret).map(
                |(client_id, client_secret)| IntrospectionConfig {
                    client_id,
                    client_secret,
                    url: self.introspection_url.map(HttpUrl::into_text),
                },
            ),
            plain_http: self.provider_plain_http,
            issuer,
        }
    }
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
        provider: ProviderSettings,
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
