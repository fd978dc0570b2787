//! Why something of a provider could not be had.

use std::error::Error as _;

use super::MAX_DOCUMENT;

/// Why something of a provider could not be had. Callers may be told: there is nothing in it but URLs.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProviderError {
    /// A start-up error, or a document that points to a place where we do not go.
    #[error("{url}: {why}")]
    Url {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A start-up error.
    #[error(
        "access tokens of https://accounts.google.com are opaque, are made for Google's own APIs, and cannot be checked \
         by RFC 7662; put a broker in front (Keycloak with Google as identity provider, for example) and give its \
         issuer as JWT_ISSUER"
    )]
    Google,
    /// No answer, or none within the time.
    #[error("cannot reach {url} ({cause})")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// In the words of the operating system.
        cause: String,
    },
    /// A redirect that we do not follow.
    #[error("{url} leads to another host, or in a circle")]
    Detour {
        /// What was asked for.
        url: String,
    },
    /// An answer, but no document.
    #[error("{url} answered with status {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// Not 200.
        status: u16,
    },
    /// More than any provider has to say.
    #[error("{url} is larger than {MAX_DOCUMENT} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
    },
    /// A page, perhaps.
    #[error("{url} is no {what}")]
    Garbage {
        /// What was asked for.
        url: String,
        /// What it should have been.
        what: &'static str,
    },
    /// The metadata of somebody else (RFC 8414, 3.3).
    #[error(
        "{url} is about the issuer {found}, not about {issuer}; is JWT_ISSUER what the provider calls itself?"
    )]
    WrongIssuer {
        /// Where the metadata is.
        url: String,
        /// Whom we asked for.
        issuer: String,
        /// Whom it is about.
        found: String,
    },
    /// The metadata does not say where this is.
    #[error("the metadata of {issuer} names no {what}")]
    NotNamed {
        /// Whose metadata.
        issuer: String,
        /// The member that is missing.
        what: &'static str,
    },
    /// A set of keys in which none is for signatures.
    #[error("{url} holds no key for signatures")]
    NoKeys {
        /// Where the keys are.
        url: String,
    },
    /// The provider does not know us.
    #[error(
        "{url} does not accept our credentials; check INTROSPECTION_CLIENT_ID and INTROSPECTION_CLIENT_SECRET"
    )]
    Credentials {
        /// The endpoint.
        url: String,
    },
    /// Too many questions to the provider at the same time.
    #[error("too many tokens wait for an answer of {url}")]
    Busy {
        /// The endpoint.
        url: String,
    },
}

impl ProviderError {
    pub(super) fn of_request(url: &str, error: &reqwest::Error) -> Self {
        if error.is_redirect() {
            return Self::Detour { url: url.to_owned() };
        }
        let mut cause = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            cause = error.to_string();
            source = error.source();
        }
        if error.is_timeout() {
            cause = "it took too long".to_owned();
        }
        Self::Unreachable { url: url.to_owned(), cause }
    }

    /// No answer within a time that was set for several documents.
    pub(crate) fn too_slow(url: &str) -> Self {
        Self::Unreachable { url: url.to_owned(), cause: "it took too long".to_owned() }
    }
}
