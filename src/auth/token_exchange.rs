//! Token exchange: calling another API in the name of the user, with a token that was issued for that API.
//!
//! A tool that needs another API must not pass on the access token that it received (MCP Security Best Practices,
//! "Token Passthrough"). That token is for this server. An API that accepted it would accept every token of every
//! server in front of it, and whoever runs the API could call this server as the user. So the server exchanges it at
//! the identity provider, as a confidential client, for a token with another audience and fewer scopes:
//!
//! ```text
//! client              this server                   identity provider           other API
//!   |  tools/call, token A |                                |                       |
//!   |--------------------->|  token A, client credentials,  |                       |
//!   |                      |  audience, scope               |                       |
//!   |                      |------------------------------->|                       |
//!   |                      |  token B: for the other API,   |                       |
//!   |                      |  one scope, the same user      |                       |
//!   |                      |<-------------------------------|                       |
//!   |                      |  GET, token B                                          |
//!   |                      |------------------------------------------------------->|
//!   |        result        |                  what belongs to this user             |
//!   |<---------------------|<-------------------------------------------------------|
//! ```
//!
//! [`TokenExchange`] keeps token B until shortly before it expires, never longer than token A is valid, and exchanges
//! each token once, however many calls wait for it. [`DownstreamApi`] sends token B to one URL, and nothing else.
//! The verifier has to [keep tokens](super::verify::TokenVerifier::keep_tokens).
//!
//! Specs: RFC 8693 sections 2.1 (request), 2.2.1 (response) and 2.2.2 (errors), RFC 6749 sections 2.3.1 (client
//! credentials) and 5.2 (errors), MCP 2025-11-25 authorization, "Access Token Privilege Restriction".
//!
//! ```
//! use mcp_auth::{
//!     auth::{
//!         provider::ProviderClient,
//!         token_exchange::{DownstreamApi, ExchangeConfig, TokenExchange},
//!     },
//!     principal::{Principal, ScopeSet},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = ProviderClient::new("https://login.example.com/realms/main", false)?;
//! let exchange = TokenExchange::new(&provider, ExchangeConfig {
//!     client_id: "https://mcp.example.com/mcp".to_owned(), // in `aud` of users' tokens
//!     client_secret: "from a file".into(),
//!     audience: "orders-api".to_owned(),
//!     scopes: ScopeSet::from(["orders:read"]),
//!     token_endpoint: None, // as in the provider's metadata
//! });
//! let api = DownstreamApi::new("https://orders.example.com/orders", exchange)?;
//!
//! async fn orders(api: &DownstreamApi, caller: &Principal) -> Result<Vec<String>, String> {
//!     api.get(caller).await.map_err(|error| error.public_message())
//! }
//! # Ok(())
//! # }
//! ```

mod downstream;
mod error;
mod response;
mod token_cache;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::timeout,
};
use url::form_urlencoded::byte_serialize;

use crate::principal::{AccessToken, Principal, ScopeSet};

use self::{response::read_response, token_cache::TokenCache};

use super::provider::{ProviderClient, ProviderError};

pub use downstream::{DownstreamApi, DownstreamError};
pub use error::ExchangeError;

/// RFC 8693, 2.1
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// RFC 8693, 3
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

const MAX_CONCURRENT: usize = 16;
/// How long a call waits for one of [`MAX_CONCURRENT`] permits.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a call waits until the token endpoint is known.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);

/// As which client tokens are exchanged, and for what.
#[derive(Debug, Clone)]
pub struct ExchangeConfig {
    /// This server's client at the provider. Providers exchange only tokens that are for the client (`aud`).
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The name of the other API at the provider, as its tokens have it in `aud`.
    pub audience: String,
    /// What the tokens are for. A user whose own token lacks one of them gets none.
    pub scopes: ScopeSet,
    /// The token endpoint; `None` for the one in the provider's metadata.
    pub token_endpoint: Option<String>,
}

/// Exchanges users' access tokens for tokens of another API. Clones share the tokens.
#[derive(Debug, Clone)]
pub struct TokenExchange(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    provider: ProviderClient,
    config: ExchangeConfig,
    token_endpoint: OnceCell<String>,
    permits: Semaphore,
    tokens: TokenCache,
}

/// An access token for another API, in the name of a user.
#[derive(Debug, Clone)]
pub struct ExchangedToken {
    token: Arc<SecretString>,
    /// When it expires, in seconds since 1970 (UTC), if the provider says so.
    pub expires_at: Option<u64>,
}

impl ExchangedToken {
    /// The text, for the `Authorization` header of requests to that API.
    pub fn expose_secret(&self) -> &str {
        self.token.expose_secret()
    }
}

impl TokenExchange {
    /// Exchanges tokens that this provider issued. Nothing is sent yet.
    pub fn new(provider: &ProviderClient, config: ExchangeConfig) -> Self {
        Self(Arc::new(Inner {
            provider: provider.clone(),
            token_endpoint: OnceCell::new_with(config.token_endpoint.clone()),
            config,
            permits: Semaphore::new(MAX_CONCURRENT),
            tokens: TokenCache::default(),
        }))
    }

    /// The scopes that a user's own token needs.
    pub fn scopes(&self) -> &ScopeSet {
        &self.0.config.scopes
    }

    /// The audience of the tokens.
    pub fn audience(&self) -> &str {
        &self.0.config.audience
    }

    /// A token for the other API in the name of the caller: an earlier one, or a new one from the provider.
    ///
    /// # Errors
    /// When the caller's token may not be exchanged, or the provider gives no usable token for it. A refusal is
    /// remembered for a few seconds.
    pub async fn exchange(&self, caller: &Principal) -> Result<ExchangedToken, ExchangeError> {
        let subject = self.subject(caller)?;
        let tokens = &self.0.tokens;
        tokens.get_or_insert(subject.expose(), caller.expires_at, self.request(subject)).await
    }

    /// Forgets the caller's token, because the API does not accept it.
    fn forget(&self, caller: &Principal) {
        if let Some(token) = caller.access_token() {
            self.0.tokens.remove(token.expose());
        }
    }

    /// The caller's token, if it may leave for this provider.
    fn subject<'a>(&self, caller: &'a Principal) -> Result<&'a AccessToken, ExchangeError> {
        let token = caller.access_token().ok_or(ExchangeError::NoToken)?;
        let provider = self.0.provider.issuer();
        // Another provider could send it to this server as the user.
        if caller.issuer != provider {
            let (issuer, provider) = (caller.issuer.clone(), provider.to_owned());
            return Err(ExchangeError::OtherIssuer { issuer, provider });
        }
        // The new token would be worth something without the client's key.
        if caller.key_thumbprint.is_some() {
            return Err(ExchangeError::SenderConstrained);
        }
        // Not every provider refuses to widen a token.
        if !caller.scopes.grants_all(self.scopes()) {
            return Err(ExchangeError::InsufficientScope { required: self.scopes().clone() });
        }
        Ok(token)
    }

    /// The request of RFC 8693, 2.1, without `resource`, because `audience` names the API, and without an actor:
    /// the client's credentials say who acts.
    async fn request(&self, subject: &AccessToken) -> Result<ExchangedToken, ExchangeError> {
        let Inner { provider, config, permits, .. } = &*self.0;
        let permit = timeout(QUEUE_TIMEOUT, permits.acquire()).await;
        let _permit = permit.map_err(|_| ExchangeError::Busy)?;
        let endpoint = self.0.token_endpoint.get_or_try_init(|| self.token_endpoint());
        // Calls that wait for the metadata try one after the other.
        let endpoint = timeout(METADATA_TIMEOUT, endpoint).await;
        let endpoint = endpoint.map_err(|_| ProviderError::timeout(provider.issuer()))??;

        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let scope = config.scopes.to_string();
        let request = provider
            .post(endpoint)?
            // Form-encoded (RFC 6749, 2.3.1): the identifier of a resource has colons.
            .basic_auth(
                encoded(&config.client_id),
                Some(encoded(config.client_secret.expose_secret())),
            )
            .form(&[
                ("grant_type", TOKEN_EXCHANGE),
                ("subject_token", subject.expose()),
                ("subject_token_type", ACCESS_TOKEN),
                ("requested_token_type", ACCESS_TOKEN),
                ("audience", &config.audience),
                ("scope", &scope),
            ]);
        let sent_at = now();
        let (status, body) = provider.send(endpoint, request).await?;
        read_response(status, &body, config, subject, sent_at)
    }

    async fn token_endpoint(&self) -> Result<String, ExchangeError> {
        let provider = &self.0.provider;
        let metadata = provider.metadata().await?;
        let missing = || ProviderError::MissingField {
            issuer: provider.issuer().to_owned(),
            field: "token_endpoint",
        };
        Ok(metadata.token_endpoint.ok_or_else(missing)?)
    }
}

/// In seconds since 1970 (UTC).
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
