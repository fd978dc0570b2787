//! The other API: requests with exchanged tokens, and what can go wrong with them.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Client, StatusCode,
    header::{self, HeaderMap},
    redirect,
};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    auth::{
        challenge::Challenge,
        provider::{cause, is_loopback, read_body},
        urls::without_query,
    },
    principal::{Principal, ScopeSet},
};

use super::{ExchangeError, TokenExchange};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// From the first byte sent to the last one read.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Another API, called in the name of users. Clones share its connections.
#[derive(Debug, Clone)]
pub struct DownstreamApi(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    url: Url,
    exchange: TokenExchange,
    http: Client,
}

impl DownstreamApi {
    /// The API at `url`, whose tokens come from `exchange`. Nothing is sent yet.
    ///
    /// # Errors
    /// When the URL is neither https nor on this machine: anyone on the network path could read the token.
    pub fn new(url: &str, exchange: TokenExchange) -> Result<Self, DownstreamError> {
        let error = |why| DownstreamError::Url { url: without_query(url).to_owned(), why };
        let parsed = Url::parse(url).map_err(|_| error("it is no URL"))?;
        let loopback = is_loopback(&parsed);
        if !(parsed.scheme() == "https" || parsed.scheme() == "http" && loopback) {
            return Err(error("use https; http is allowed to this machine only"));
        }
        let mut http = Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // The token is for this URL.
            .redirect(redirect::Policy::none());
        if loopback {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|_| error("no HTTP client can be made"))?;
        Ok(Self(Arc::new(Inner { url: parsed, exchange, http })))
    }

    /// The scopes that a user's own token needs.
    pub fn scopes(&self) -> &ScopeSet {
        self.0.exchange.scopes()
    }

    /// `GET` of the URL in the name of the caller, with an exchanged token.
    ///
    /// # Errors
    /// When there is no token for the caller, or the API gives no usable answer.
    pub async fn get<T: DeserializeOwned>(&self, caller: &Principal) -> Result<T, DownstreamError> {
        let Inner { url, exchange, http } = &*self.0;
        let token = exchange.exchange(caller).await?;
        let name = || without_query(url.as_str()).to_owned();
        let failed = |error: reqwest::Error| DownstreamError::Unreachable {
            url: name(),
            cause: cause(&error),
        };
        let request = http.get(url.clone()).bearer_auth(token.expose_secret());
        let request = request.header(header::ACCEPT, "application/json");
        let response = request.send().await.map_err(failed)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => {
                exchange.forget(caller);
                let audience = exchange.audience().to_owned();
                return Err(DownstreamError::Unauthorized { url: name(), audience });
            }
            StatusCode::FORBIDDEN => {
                let scope = required_scope(response.headers());
                return Err(DownstreamError::Forbidden { url: name(), scope });
            }
            status => {
                return Err(DownstreamError::Status { url: name(), status: status.as_u16() });
            }
        }
        let body = read_body(response, MAX_BODY_BYTES).await.map_err(failed)?;
        let too_large = || DownstreamError::TooLarge { url: name(), limit: MAX_BODY_BYTES };
        // The position only: serde's own text shows data of the user.
        serde_json::from_slice(&body.ok_or_else(too_large)?).map_err(|error| {
            DownstreamError::InvalidBody { url: name(), line: error.line(), column: error.column() }
        })
    }
}

/// `scope` of an `insufficient_scope` challenge (RFC 6750, 3.1).
fn required_scope(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
    let challenges = values.filter_map(|value| Challenge::parse_all(value.to_str().ok()?).ok());
    let mut challenges = challenges.flatten();
    let challenge = challenges.find(|c| c.param("error") == Some("insufficient_scope"))?;
    challenge.param("scope").map(str::to_owned)
}

/// Why the other API gives no answer.
///
/// The text is for the log of whoever runs the server; callers see [`DownstreamError::public_message`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DownstreamError {
    /// A URL that no token is sent to.
    #[error("{url}: {why}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no token for the caller.
    #[error("no token for the API: {0}")]
    Exchange(#[from] ExchangeError),
    /// No response, or none within the timeout.
    #[error("cannot reach {url} ({cause}); check DOWNSTREAM_URL, and that the API is running")]
    Unreachable {
        /// The URL.
        url: String,
        /// As the operating system reports it.
        cause: String,
    },
    /// 401
    #[error(
        "{url} does not accept the exchanged token (401); the API must trust the same provider and accept the audience \
         {audience}"
    )]
    Unauthorized {
        /// The URL.
        url: String,
        /// The audience of the token.
        audience: String,
    },
    /// 403
    #[error("{url} refuses the user (403){}", .scope.as_ref().map(|scope| format!(": the exchanged token lacks {scope:?}, see DOWNSTREAM_SCOPE")).unwrap_or_default())]
    Forbidden {
        /// The URL.
        url: String,
        /// The scope that its challenge names.
        scope: Option<String>,
    },
    /// Another status than 200; a redirect, too.
    #[error("{url} answered with status {status}")]
    Status {
        /// The URL.
        url: String,
        /// The status.
        status: u16,
    },
    /// More than a tool should return.
    #[error("the answer of {url} is larger than {limit} bytes")]
    TooLarge {
        /// The URL.
        url: String,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Not the JSON that was expected.
    #[error("the answer of {url} is not the JSON that was expected (line {line}, column {column})")]
    InvalidBody {
        /// The URL.
        url: String,
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
    },
}

impl DownstreamError {
    /// What callers may read: no URL, because it may be an internal one.
    pub fn public_message(&self) -> String {
        match self {
            Self::Exchange(error) => error.public_message(),
            Self::Unreachable { .. } => "the API cannot be reached; try again later".to_owned(),
            Self::Forbidden { .. } => "the API does not allow this to you".to_owned(),
            Self::Status { status, .. } => format!("the API answered with status {status}"),
            Self::TooLarge { .. } => "the answer of the API is too large".to_owned(),
            Self::InvalidBody { .. } => {
                "the answer of the API is not the JSON that was expected".to_owned()
            }
            Self::Url { .. } | Self::Unauthorized { .. } => {
                "the API does not accept this server; the server's log says why".to_owned()
            }
        }
    }
}
