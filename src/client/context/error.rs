//! Everything that can stop the client, in one line, and what a person can do about it in the next.

use std::{io, path::PathBuf};

use serde::Deserialize;

use crate::{auth::challenge::ChallengeError, jsonrpc::ErrorObject};

/// Why the client stopped.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages below are the documentation.
#[non_exhaustive]
pub enum ClientError {
    #[error("{0}")]
    Usage(String),
    #[error("{url} cannot be used: {why}")]
    UnusableUrl { url: String, why: &'static str },
    #[error("no answer from {url}")]
    Unreachable { url: String, source: reqwest::Error },
    #[error("{url} did not finish its answer within {seconds} s")]
    TimedOut { url: String, seconds: u64 },
    #[error("{url} answered more than {limit} bytes")]
    TooLarge { url: String, limit: usize },
    #[error("{from} redirects to {to}, which is not followed")]
    Redirected { from: String, to: String },
    #[error("{what} at {url} answered {status}")]
    Status { what: &'static str, url: String, status: u16 },
    #[error("{what} at {url} cannot be read: {why}")]
    Malformed { what: &'static str, url: String, why: String },
    #[error("the server refused with {status}, but sent no challenge that can be answered: {why}")]
    NoChallenge { status: u16, why: String },
    #[error(transparent)]
    Challenge(#[from] ChallengeError),
    #[error("the server refuses, and says nowhere who issues its tokens")]
    NoResourceMetadata,
    #[error("the metadata at {document} is for {found:?}, not for {url}")]
    ResourceMismatch { document: String, found: String, url: String },
    #[error("the protected resource's metadata names no authorization server that fits")]
    NoAuthorizationServer,
    #[error("{issuer} publishes no authorization server metadata")]
    NoServerMetadata { issuer: String },
    #[error("the metadata at {document} is for issuer {found:?}, not for {issuer:?}")]
    MetadataIssuerMismatch { document: String, found: String, issuer: String },
    #[error("{issuer} does not offer PKCE with S256")]
    NoPkce { issuer: String },
    #[error("{issuer} has no {endpoint}")]
    NoEndpoint { issuer: String, endpoint: &'static str },
    #[error("{issuer} registers no clients by itself, and no client id was given")]
    NoRegistration { issuer: String },
    #[error("client id {client_id:?} belongs to {known}, but the server now names {issuer}")]
    ClientIssuerMismatch { client_id: String, known: String, issuer: String },
    #[error("the {at} refused: {error}")]
    Refused { at: &'static str, error: OAuthError },
    #[error(
        "the authorization answer has no or another state: it is not the answer to our request"
    )]
    StateMismatch,
    #[error("the authorization answer says nothing of its issuer, which {issuer} promises to do")]
    ResponseIssuerMissing { issuer: String },
    #[error("the authorization answer is from another issuer than {issuer:?}")]
    ResponseIssuerMismatch { issuer: String },
    #[error("the authorization server sends the answer to {found}, not to {expected}")]
    RedirectMismatch { expected: String, found: String },
    #[error("the authorization answer holds neither a code nor an error")]
    NoCode,
    #[error("the authorization page wants a person")]
    InteractionRequired { url: String },
    #[error("nobody answered the authorization page within {seconds} s")]
    LoginTimeout { seconds: u64 },
    #[error("the token endpoint issued a token of type {0:?}")]
    TokenType(String),
    #[error("{issuer} issued a Bearer token where one that is bound to our key was asked for")]
    NotSenderConstrained { issuer: String },
    #[error("{method} needs the scope {needs:?}")]
    Forbidden { method: String, needs: String },
    #[error("the token is still not enough: {asked:?} was asked for, {granted:?} was granted")]
    NotGranted { asked: String, granted: String },
    #[error("the server still refuses: {0}")]
    RetryLimit(String),
    #[error("the server broke the protocol: {0}")]
    Protocol(String),
    #[error("the server answered {method} with error {}: {}", error.code, error.message)]
    Rpc { method: String, error: Box<ErrorObject> },
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is not a credentials file of this program", .0.display())]
    NotCredentials(PathBuf),
    #[error("the key cannot sign: {0}")]
    Key(String),
}

impl ClientError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Unreachable { source, .. } if source.is_connect() => {
                "is the server running, and at this address?"
            }
            Self::NoResourceMetadata => {
                "ask its operator for RFC 9728 metadata (a resource_metadata parameter in the 401 challenge)"
            }
            Self::ResourceMismatch { .. } => {
                "use the URL that the server calls itself by, or have its `resource` corrected: a token for another resource would go astray"
            }
            Self::MetadataIssuerMismatch { .. } => {
                "`authorization_servers` must hold the issuer exactly as the issuer writes it, slash for slash (RFC 8414, 3.3)"
            }
            Self::NoPkce { .. } => {
                "MCP requires code_challenge_methods_supported with S256; if you know that it does S256 without saying so (Entra does), pass --assume-s256"
            }
            Self::NoRegistration { .. } => {
                "register a client there by hand and pass --client-id ID [--client-secret @FILE]"
            }
            Self::ClientIssuerMismatch { .. } => {
                "register a client at the new issuer, or pass --issuer to say that it is the same client there"
            }
            Self::Refused { error, .. } => return error.hint(),
            Self::Status { status: 500.., .. } => {
                "that server is out of order: try again later; if that does not help, run with --forget, then again"
            }
            Self::StateMismatch => {
                "start again; if it happens again, do not trust this authorization server"
            }
            Self::ResponseIssuerMissing { .. } | Self::ResponseIssuerMismatch { .. } => {
                "the code was not used: an attacker may have mixed two authorization servers up (RFC 9207)"
            }
            Self::RedirectMismatch { .. } => {
                "the code was not used: it went to an address that is not ours"
            }
            Self::InteractionRequired { .. } => "run again without --headless",
            Self::LoginTimeout { .. } => "run again, or paste the address that the browser ends on",
            Self::NotSenderConstrained { .. } => {
                "the token was not used: a thief could, too (RFC 9449, 5); have DPoP enabled for this client there, or run again without --dpop if you asked for it"
            }
            Self::NotCredentials(_) => "move it away, or pass --credentials FILE",
            Self::NotGranted { .. } => {
                "this person may not do that, or did not consent; log in as somebody who may (--forget first)"
            }
            Self::RetryLimit(_) => {
                "compare the token's aud, iss and scope above with what the server expects"
            }
            _ => return None,
        })
    }
}

/// An error answer of an authorization server (RFC 6749, 4.1.2.1 and 5.2; RFC 7591, 3.2.2).
#[derive(Debug, Clone, PartialEq, Deserialize, thiserror::Error)]
#[error("{error}{}", error_description.as_deref().map(|d| format!(" ({d})")).unwrap_or_default())]
pub struct OAuthError {
    /// A code of the specifications, such as `access_denied`.
    pub error: String,
    /// A line for people.
    pub error_description: Option<String>,
}

impl OAuthError {
    fn hint(&self) -> Option<&'static str> {
        Some(match self.error.as_str() {
            "access_denied" => {
                "you or a policy said no; run again and consent, or log in as somebody who may"
            }
            "invalid_scope" => {
                "one of the scopes is not for this client; pass --scope with fewer, or have them allowed (run with --forget first if the client is registered already)"
            }
            "invalid_client" | "unauthorized_client" => {
                "the authorization server does not (or no longer) know this client or its way to authenticate; run with --forget, then again"
            }
            "invalid_grant" => {
                "the code, assertion or refresh token has expired or was used before; run again"
            }
            "invalid_target" => {
                "the authorization server does not know this resource (RFC 8707): its administrator must add it"
            }
            "invalid_redirect_uri" => {
                "pass --redirect-uri with a URI that this authorization server accepts for native clients"
            }
            "invalid_client_metadata" => {
                "this authorization server restricts registration; register by hand and pass --client-id"
            }
            "interaction_required" | "login_required" | "consent_required" => {
                "run again without --headless"
            }
            "server_error" | "temporarily_unavailable" => "try again later",
            _ => return None,
        })
    }
}

/// The message with its causes.
pub fn chain(error: &ClientError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_explained_in_its_own_words_and_in_ours() {
        let error: OAuthError = serde_json::from_str(
            r#"{"error":"access_denied","error_description":"no","error_uri":"https://x"}"#,
        )
        .unwrap();
        let error = ClientError::Refused { at: "authorization endpoint", error };
        assert_eq!(error.to_string(), "the authorization endpoint refused: access_denied (no)");
        assert!(error.hint().unwrap().contains("consent"));
    }
}
