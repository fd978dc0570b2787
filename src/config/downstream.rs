//! The API that a tool calls as the user, and the client that exchanges tokens for it.

use clap::Args;
use secrecy::SecretString;

use super::{
    Config,
    values::{HttpUrl, Sensitive, non_empty},
};
use crate::{
    auth::{
        provider::ProviderClient,
        token_exchange::{
            DownstreamApi, DownstreamError, ExchangeConfig, ExchangeError, TokenExchange,
        },
    },
    principal::ScopeSet,
};

/// The heading of these settings in `--help`.
pub(super) const HEADING: &str = "API called as the user";

/// All of them, or none.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = HEADING)]
pub(super) struct DownstreamArgs {
    /// URL of the API that the tool `list_orders` reads; without it there is no such tool.
    #[arg(
        long,
        env = "DOWNSTREAM_URL",
        requires_all = ["downstream_audience", "downstream_scope", "exchange_client_id", "exchange_client_secret"],
        value_parser = Sensitive::URL,
        value_name = "URL"
    )]
    downstream_url: Option<HttpUrl>,

    /// Audience of the tokens for that API, as the provider names it.
    #[arg(
        long,
        env = "DOWNSTREAM_AUDIENCE",
        requires = "downstream_url",
        value_parser = non_empty,
        value_name = "AUD"
    )]
    downstream_audience: Option<String>,

    /// Scope of the tokens for that API; the user's own token must have it, too.
    #[arg(
        long,
        env = "DOWNSTREAM_SCOPE",
        requires = "downstream_url",
        value_parser = non_empty,
        value_name = "SCOPE"
    )]
    downstream_scope: Option<String>,

    /// Client id for the exchange of users' tokens (RFC 8693); it must be in the `aud` of users' tokens. For Keycloak it is
    /// the URL of this server's endpoint, such as http://localhost:9000/mcp.
    #[arg(
        long,
        env = "EXCHANGE_CLIENT_ID",
        requires = "downstream_url",
        allow_hyphen_values = true,
        value_parser = non_empty
    )]
    exchange_client_id: Option<String>,

    /// Its client secret; set it in the environment or a file.
    #[arg(
        long,
        env = "EXCHANGE_CLIENT_SECRET",
        requires = "downstream_url",
        hide_env_values = true,
        allow_hyphen_values = true,
        value_name = "SECRET"
    )]
    exchange_client_secret: Option<SecretString>,

    /// URL of the provider's token endpoint. [default: as in the provider's metadata]
    #[arg(
        long,
        env = "EXCHANGE_URL",
        requires = "downstream_url",
        value_parser = Sensitive::URL,
        value_name = "URL"
    )]
    exchange_url: Option<HttpUrl>,
}

/// The API that a tool calls as the user.
#[derive(Debug, Clone)]
pub struct DownstreamConfig {
    /// Its URL.
    pub url: String,
    /// How its tokens are obtained.
    pub exchange: ExchangeConfig,
}

impl DownstreamArgs {
    pub(super) fn resolve(self) -> Option<DownstreamConfig> {
        Some(DownstreamConfig {
            url: self.downstream_url?.into_string(),
            exchange: ExchangeConfig {
                client_id: self.exchange_client_id?,
                client_secret: self.exchange_client_secret?,
                audience: self.downstream_audience?,
                scopes: ScopeSet::parse(&self.downstream_scope?),
                token_endpoint: self.exchange_url.map(HttpUrl::into_string),
            },
        })
    }
}

impl Config {
    /// The API that a tool calls as the user, with tokens of the first provider; nothing is sent yet.
    ///
    /// # Errors
    /// When no token may be sent to the URL of the API or of the provider.
    pub fn downstream_api(&self) -> Result<Option<DownstreamApi>, DownstreamError> {
        let Some(DownstreamConfig { url, exchange }) = &self.downstream else { return Ok(None) };
        let provider = self.providers.first().expect("there is always one");
        let provider = ProviderClient::new(&provider.issuer, provider.allow_http);
        let provider = provider.map_err(ExchangeError::from)?;
        DownstreamApi::new(url, TokenExchange::new(&provider, exchange.clone())).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        downstream: DownstreamArgs,
    }

    const ALL: [&str; 5] = [
        "--downstream-url=http://localhost:9300/orders",
        "--downstream-audience=downstream-api",
        "--downstream-scope=downstream:read",
        "--exchange-client-id=http://localhost:9000/mcp",
        "--exchange-client-secret=hush",
    ];

    #[test]
    fn all_of_them_are_needed_or_none() {
        assert!(Only::parse_from(["server"]).downstream.resolve().is_none());
        let all = Only::parse_from(["server"].iter().chain(&ALL));
        assert!(!format!("{all:?}").contains("hush"));
        let config = all.downstream.resolve().unwrap();
        assert_eq!(config.exchange.scopes, ScopeSet::from(["downstream:read"]));
        assert!(!format!("{config:?}").contains("hush"));
        for missing in ALL {
            let arguments = ALL.into_iter().filter(|argument| *argument != missing);
            let arguments = ["server"].into_iter().chain(arguments);
            let error = Only::try_parse_from(arguments).unwrap_err().to_string();
            let flag = missing.split('=').next().unwrap();
            assert!(error.contains("not provided") && error.contains(flag), "{flag}: {error}");
        }
    }
}
