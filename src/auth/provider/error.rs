//! Why something could not be fetched from an identity provider.

use std::error::Error as _;

use crate::auth::urls::without_query;

/// Why something could not be fetched from an identity provider.
///
/// The text is for logs and start-up errors: it names URLs, without their queries. Clients see
/// [`ProviderError::public_message`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProviderError {
    /// A URL that nothing is fetched from.
    #[error("{url}: {why}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The issuer is Google.
    #[error(
        "access tokens of https://accounts.google.com are opaque, are made for Google's own APIs, and cannot be \
         introspected (RFC 7662); put a broker in front (Keycloak with Google as identity provider, for example) and \
         give its issuer as JWT_ISSUER"
    )]
    Google,
    /// Two providers with the same issuer: it would be unclear whose settings count.
    #[error("the issuer {issuer} is given twice; describe each identity provider once")]
    DuplicateIssuer {
        /// The issuer.
        issuer: String,
    },
    /// Two providers that introspect: an opaque token does not name its issuer.
    #[error(
        "{} and {} both have an introspection client; an opaque token does not name its issuer, so only one of them can \
         be asked", .issuers[0], .issuers[1]
    )]
    AmbiguousIntrospection {
        /// The issuers.
        issuers: [String; 2],
    },
    /// No response, or none within the timeout.
    #[error("cannot reach {url} ({cause})")]
    Unreachable {
        /// The requested URL.
        url: String,
        /// As the operating system reports it.
        cause: String,
    },
    /// A redirect to another origin, or too many.
    #[error("{url} redirects to another origin, or in a circle")]
    Redirect {
        /// The requested URL.
        url: String,
    },
    /// Another status than 200.
    #[error("{url} answered with status {status}")]
    Status {
        /// The requested URL.
        url: String,
        /// The status.
        status: u16,
    },
    /// Larger than any document of a provider.
    #[error("{url} is larger than {limit} bytes")]
    TooLarge {
        /// The requested URL.
        url: String,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Not the expected kind of document; an HTML page, perhaps.
    #[error("{url} is not {expected}")]
    InvalidDocument {
        /// The requested URL.
        url: String,
        /// What it should have been.
        expected: &'static str,
    },
    /// Metadata of another issuer (RFC 8414, 3.3).
    #[error(
        "{url} is about the issuer {found}, not about {issuer}; JWT_ISSUER must be the `issuer` of the provider's metadata"
    )]
    WrongIssuer {
        /// Where the metadata is.
        url: String,
        /// The expected issuer.
        issuer: String,
        /// The issuer that the metadata names.
        found: String,
    },
    /// A field that this server needs is missing in the metadata.
    #[error("the metadata of {issuer} lacks `{field}`")]
    MissingField {
        /// Whose metadata.
        issuer: String,
        /// The field.
        field: &'static str,
    },
    /// A JWKS without keys for signatures.
    #[error("{url} holds no signing key that this server supports")]
    NoKeys {
        /// Where the keys are.
        url: String,
    },
    /// The key is unknown, and the JWKS may not be fetched again yet.
    #[error(
        "the token names an unknown key, and the JWKS was refreshed for an unknown key moments ago"
    )]
    RefreshThrottled,
    /// The provider rejects this server's client credentials.
    #[error(
        "{url} does not accept this server's credentials; check INTROSPECTION_CLIENT_ID and INTROSPECTION_CLIENT_SECRET"
    )]
    Credentials {
        /// The endpoint.
        url: String,
    },
    /// Too many introspection requests are in flight.
    #[error("too many tokens wait for introspection at {url}")]
    Busy {
        /// The endpoint.
        url: String,
    },
}

impl ProviderError {
    pub(super) fn of_request(url: &str, error: &reqwest::Error) -> Self {
        let url = without_query(url).to_owned();
        if error.is_redirect() {
            return Self::Redirect { url };
        }
        Self::Unreachable { url, cause: cause(error) }
    }

    /// No response within a timeout that was set for several documents.
    pub(crate) fn timeout(url: &str) -> Self {
        Self::Unreachable { url: without_query(url).to_owned(), cause: "timeout".to_owned() }
    }

    /// What anybody may read: no URL, because it may be an internal one, and nothing of the operating system.
    pub fn public_message(&self) -> String {
        match self {
            Self::Url { .. } => "a URL of the identity provider is not usable".to_owned(),
            Self::DuplicateIssuer { .. } | Self::AmbiguousIntrospection { .. } => {
                "the identity providers of this server contradict each other".to_owned()
            }
            Self::Google => "the tokens of this identity provider cannot be verified".to_owned(),
            Self::Unreachable { .. } => "the identity provider cannot be reached".to_owned(),
            Self::Redirect { .. } => "the identity provider redirects elsewhere".to_owned(),
            Self::Status { status, .. } => {
                format!("the identity provider answered with status {status}")
            }
            Self::TooLarge { .. } => "a response of the identity provider is too large".to_owned(),
            Self::InvalidDocument { expected, .. } => {
                format!("a response of the identity provider is not {expected}")
            }
            Self::WrongIssuer { .. } => {
                "the metadata of the identity provider is about another issuer".to_owned()
            }
            Self::MissingField { field, .. } => {
                format!("the metadata of the identity provider lacks `{field}`")
            }
            Self::NoKeys { .. } => "the identity provider publishes no signing key".to_owned(),
            Self::RefreshThrottled => "its signing key is not known yet".to_owned(),
            Self::Credentials { .. } => {
                "the identity provider rejects this server's credentials".to_owned()
            }
            Self::Busy { .. } => "too many tokens wait for introspection".to_owned(),
        }
    }
}

/// Why there is no response. reqwest's own text names the URL with its query; the last cause is the operating system's.
pub(in crate::auth) fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timeout".to_owned();
    }
    let mut cause = "the request failed".to_owned();
    let mut source = error.source();
    while let Some(error) = source {
        cause = error.to_string();
        source = error.source();
    }
    cause
}

/// A token can be neither accepted nor rejected, because the identity provider does not help.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("cannot verify the token: {}", .cause.public_message())]
pub struct Unavailable {
    /// What could not be fetched.
    pub cause: ProviderError,
    /// When the client may try again, in seconds.
    pub retry_after: u64,
}
