//! The settings of the identity provider, and what follows from them.

use std::time::Duration;

use clap::Args;
use secrecy::SecretString;

use super::{IntrospectionConfig, Keycloak, ProviderConfig};
use crate::config::values::{HttpUrl, Sensitive, non_empty, seconds};

/// The heading of these settings in `--help`.
pub(in crate::config) const HEADING: &str = "Identity provider";

/// As they are given; [`ProviderArgs::resolve`] fills in the others.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = HEADING)]
pub(in crate::config) struct ProviderArgs {
    /// URL of Keycloak. [default: http://localhost:8080]
    #[arg(long, env = "KEYCLOAK_URL", value_parser = Sensitive::URL, value_name = "URL")]
    keycloak_url: Option<HttpUrl>,

    /// Its realm.
    #[arg(long, env = "KEYCLOAK_REALM", default_value = "mcp-realm", value_name = "NAME")]
    keycloak_realm: String,

    /// Issuer of accepted tokens, byte for byte as in their `iss`. For a private CA, set SSL_CERT_FILE to its certificates.
    /// [default: KEYCLOAK_URL/realms/KEYCLOAK_REALM]
    #[arg(long, env = "JWT_ISSUER", value_parser = Sensitive::URL, value_name = "URL")]
    issuer: Option<HttpUrl>,

    /// Accepted audiences: one of them, or this server's own URL, must be in `aud` (comma-separated).
    #[arg(
        long,
        env = "JWT_AUDIENCE",
        default_value = "echo-mcp-server",
        value_delimiter = ',',
        value_parser = non_empty,
        value_name = "AUD"
    )]
    audience: Vec<String>,

    /// URL of the provider's JWKS. [default: jwks_uri of the provider's metadata]
    #[arg(long, env = "JWKS_URL", value_parser = Sensitive::URL, value_name = "URL")]
    jwks_url: Option<HttpUrl>,

    /// Scopes that clients request (comma-separated). [default: mcp:read,mcp:tools,mcp:prompts, and for
    /// Keycloak echo-mcp-server-audience]
    #[arg(
        long,
        env = "MCP_SCOPES",
        value_delimiter = ',',
        value_parser = non_empty,
        value_name = "SCOPE"
    )]
    scopes: Vec<String>,

    /// Claims that contain roles, beside roles, groups, realm_access and resource_access (comma-separated).
    #[arg(
        long,
        env = "JWT_ROLE_CLAIMS",
        value_delimiter = ',',
        value_parser = non_empty,
        value_name = "CLAIM"
    )]
    role_claims: Vec<String>,

    /// Clients whose tokens are accepted, by client id (comma-separated). A token that names no client is then rejected.
    /// [default: every client of the provider]
    #[arg(
        long,
        env = "OAUTH_ALLOWED_CLIENTS",
        value_delimiter = ',',
        value_parser = non_empty,
        allow_hyphen_values = true,
        value_name = "ID"
    )]
    allowed_clients: Vec<String>,

    /// How long the provider's keys are cached, in seconds.
    #[arg(long, env = "JWKS_TTL", default_value = "300", value_parser = seconds, value_name = "SECONDS")]
    jwks_ttl: Duration,

    /// How long they are used while the provider cannot be reached, in seconds.
    #[arg(long, env = "JWKS_MAX_STALE", default_value = "3600", value_parser = seconds, value_name = "SECONDS")]
    jwks_max_stale: Duration,

    /// Client id for introspection of opaque tokens (RFC 7662); without it they are rejected.
    #[arg(
        long,
        env = "INTROSPECTION_CLIENT_ID",
        requires = "introspection_client_secret",
        allow_hyphen_values = true
    )]
    introspection_client_id: Option<String>,

    /// Its client secret; set it in the environment or a file.
    #[arg(
        long,
        env = "INTROSPECTION_CLIENT_SECRET",
        requires = "introspection_client_id",
        hide_env_values = true,
        allow_hyphen_values = true,
        value_name = "SECRET"
    )]
    introspection_client_secret: Option<SecretString>,

    /// URL of the introspection endpoint. [default: as in the provider's metadata]
    #[arg(
        long,
        env = "INTROSPECTION_URL",
        requires = "introspection_client_id",
        value_parser = Sensitive::URL,
        value_name = "URL"
    )]
    introspection_url: Option<HttpUrl>,

    /// By how much the provider's clock may differ from this server's, in seconds (0 to 300), when `nbf` and `exp` are
    /// checked.
    #[arg(long, env = "JWT_LEEWAY", default_value = "5", value_parser = leeway, value_name = "SECONDS")]
    clock_leeway: Duration,

    /// Accept tokens only if their header has the type at+jwt (RFC 9068). Not every provider writes it.
    #[arg(
        long,
        env = "JWT_REQUIRE_AT_JWT",
        action = clap::ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_value_t = false,
        default_missing_value = "true",
        value_name = "true|false"
    )]
    require_at_jwt: bool,

    /// Allow plain http to a provider on another machine: anyone on the network path can then forge tokens.
    #[arg(
        long,
        env = "MCP_ALLOW_HTTP_PROVIDER",
        action = clap::ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_value_t = false,
        default_missing_value = "true",
        value_name = "true|false"
    )]
    allow_http_provider: bool,
}

impl ProviderArgs {
    /// Drops an issuer and a JWKS URL when a Keycloak or a realm was set closer to the user (see `precedence`): a
    /// `--keycloak-url` means another issuer than the file does.
    pub(in crate::config) fn drop_overridden(&mut self, precedence: impl Fn(&str) -> u8) {
        let keycloak = precedence("keycloak_url").max(precedence("keycloak_realm"));
        self.issuer.take_if(|_| precedence("issuer") < keycloak);
        self.jwks_url.take_if(|_| precedence("jwks_url") < keycloak);
    }

    pub(in crate::config) fn resolve(self) -> ProviderConfig {
        let realm_path = format!("/realms/{}", self.keycloak_realm);
        let issuer = self.issuer.map(HttpUrl::into_string);
        // The issuer of a realm contains the URL of its Keycloak, unless this server reaches it by another name.
        let base = |issuer: &String| issuer.strip_suffix(&realm_path).map(str::to_owned);
        let given = self.keycloak_url.map(|url| url.into_string().trim_end_matches('/').to_owned());
        let url = given
            .or_else(|| issuer.as_ref().and_then(base))
            .unwrap_or_else(|| "http://localhost:8080".to_owned());
        let realm = format!("{url}{realm_path}");
        let issuer = issuer.unwrap_or_else(|| realm.clone());
        let certs = format!("{realm}/protocol/openid-connect/certs");

        let explicit = self.jwks_url.map(HttpUrl::into_string);
        let keycloak = Keycloak::of_issuer(&issuer, &self.keycloak_realm);
        // Reached by another name than in its tokens, as in containers: its metadata names URLs that work elsewhere.
        let elsewhere = (keycloak.is_some() && issuer != realm).then_some(certs);
        let scopes = if self.scopes.is_empty() {
            // In Keycloak this scope adds this server to `aud`; other providers do not know it.
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
            allowed_clients: self.allowed_clients,
            leeway: self.clock_leeway,
            require_at_jwt: self.require_at_jwt,
            jwks_ttl: self.jwks_ttl,
            jwks_max_stale: self.jwks_max_stale,
            introspection: self.introspection_client_id.zip(self.introspection_client_secret).map(
                |(client_id, client_secret)| IntrospectionConfig {
                    client_id,
                    client_secret,
                    url: self.introspection_url.map(HttpUrl::into_string),
                },
            ),
            allow_http: self.allow_http_provider,
            issuer,
        }
    }
}

fn leeway(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds @ 0..=300) => Ok(Duration::from_secs(seconds)),
        _ => Err("give whole seconds, 0 to 300".to_owned()),
    }
}
