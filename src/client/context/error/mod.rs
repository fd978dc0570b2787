//! Why the client stopped, in one line, and what the user can do about it in the next.

pub mod oauth;

use std::{borrow::Cow, io, path::PathBuf};

use crate::{client::context::error::oauth::OAuthError, jsonrpc::ErrorObject};

/// Why the client stopped.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages below are the documentation.
#[non_exhaustive]
pub enum ClientError {
    #[error("{0}")]
    Usage(String),
    #[error("{url} cannot be used: {why}")]
    UnusableUrl { url: String, why: &'static str },
    #[error(
        "{url} would be requested through a proxy, which may resolve its host name to an address of a private network"
    )]
    UntrustedProxy { url: String },
    #[error("no response from {url}")]
    Unreachable { url: String, source: reqwest::Error },
    #[error("{url} did not finish its response within {seconds} s")]
    TimedOut { url: String, seconds: u64 },
    #[error("{url} sent more than {limit} bytes")]
    TooLarge { url: String, limit: usize },
    #[error("{from} redirects to {to}, which is not followed")]
    Redirected { from: String, to: String },
    #[error("{what} at {url} returned {status}")]
    Status { what: &'static str, url: String, status: u16 },
    #[error("{what} at {url} is invalid: {why}")]
    Malformed { what: &'static str, url: String, why: String },
    #[error("{url} is not an MCP endpoint: {method} returned {status} and no JSON-RPC message")]
    NotAnMcpEndpoint { url: String, method: String, status: u16 },
    #[error(
        "the server returned 403 without `insufficient_scope`: more authorization will not help"
    )]
    Denied,
    #[error("401 without resource metadata: no authorization server found")]
    NoResourceMetadata,
    #[error(
        "{origin} has no protected resource metadata, only authorization server metadata at its root, as in MCP 2025-03-26"
    )]
    LegacyDiscovery { origin: String },
    #[error("the metadata at {document} is for {found:?}, not for {url}")]
    ResourceMismatch { document: String, found: String, url: String },
    #[error("the protected resource metadata names no authorization server")]
    NoAuthorizationServer,
    #[error("the protected resource metadata names {named}, not {issuer}")]
    IssuerNotNamed { issuer: String, named: String },
    #[error("{what} would be sent to {issuer}, which is known only from the MCP server's metadata")]
    IssuerNotPinned { issuer: String, what: &'static str },
    #[error("{issuer} is a template, not an issuer")]
    IssuerTemplate { issuer: String },
    #[error("{issuer} publishes no authorization server metadata")]
    NoServerMetadata { issuer: String },
    #[error("{url} is neither an issuer nor an MCP server that names one")]
    NothingToCheck { url: String },
    #[error("the metadata at {document} is for issuer {found:?}, not for {issuer:?}")]
    MetadataIssuerMismatch { document: String, found: String, issuer: String },
    #[error("{issuer} does not offer PKCE with S256")]
    NoPkce { issuer: String },
    #[error("the metadata of {issuer} has no {endpoint}")]
    NoEndpoint { issuer: String, endpoint: &'static str },
    #[error("{issuer} has no registration endpoint, and no client id was given")]
    NoRegistration { issuer: String },
    #[error("the registration endpoint {url} returned {status} to an unknown client")]
    RegistrationClosed { url: String, status: u16 },
    #[error("client id {client_id:?} belongs to {bound_to}, but the server now names {issuer}")]
    ClientIssuerMismatch { client_id: String, bound_to: String, issuer: String },
    #[error("the {endpoint} returned an error: {error}")]
    OAuth { endpoint: &'static str, error: OAuthError },
    #[error(
        "the authorization response has a missing or wrong state: it is not the response to this request"
    )]
    StateMismatch,
    #[error("the authorization response has no `iss`, although {issuer} advertises it")]
    ResponseIssuerMissing { issuer: String },
    #[error("the authorization response is from another issuer than {issuer:?}")]
    ResponseIssuerMismatch { issuer: String },
    #[error("the authorization server redirects to {found}, not to {expected}")]
    RedirectMismatch { expected: String, found: String },
    #[error("the authorization response has neither a code nor an error")]
    NoCode,
    #[error("the authorization page needs a user")]
    InteractionRequired { url: String },
    #[error("no authorization response within {seconds} s")]
    LoginTimeout { seconds: u64 },
    #[error("the assertion is for {audience}, not for {issuer}")]
    AssertionAudienceMismatch { audience: String, issuer: String },
    #[error("the token endpoint issued a token of type {0:?}")]
    TokenType(String),
    #[error("{issuer} issued a Bearer token although a DPoP-bound one was requested")]
    NotSenderConstrained { issuer: String },
    #[error("{method} needs the scope {needs:?}")]
    Forbidden { method: String, needs: String },
    #[error(
        "the granted scopes are not enough: {requested:?} was requested, {granted:?} was granted"
    )]
    NotGranted { requested: String, granted: String },
    #[error("the server still rejects the request: {0}")]
    RetryLimit(String),
    #[error("the server violated the protocol: {0}")]
    Protocol(String),
    #[error("{method} returned error {}: {}", error.code, error.message)]
    Rpc { method: String, error: Box<ErrorObject> },
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is not a credentials file of this program", .0.display())]
    NotACredentialsFile(PathBuf),
    #[error("the key cannot sign: {0}")]
    Key(String),
}

const REGISTER_BY_HAND: &str =
    "register a client there by hand and pass --client-id ID [--client-secret @FILE]";

impl ClientError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::UnusableUrl { url, .. } if !url.contains("://") && url.contains(['.', ':']) => {
                return Some(format!("a URL starts with its scheme: http://{url} for this machine, else https://{url}").into());
            }
            Self::UntrustedProxy { .. } => {
                "pass --trust-proxy if the proxy refuses private addresses, or add the host to NO_PROXY to connect without it"
            }
            Self::Unreachable { url, source } if source.is_connect() => {
                let no_tls =
                    url.starts_with("https:") && chain(self).contains("InvalidContentType");
                match no_tls {
                    true => "the server speaks no TLS on this port; on this machine use http://",
                    false => "is the server running, and at this address?",
                }
            }
            Self::NotAnMcpEndpoint { url, .. } => {
                let origin = url.split('/').take(3).collect::<Vec<_>>().join("/");
                return Some(format!("an MCP endpoint is often at /mcp: try {origin}/mcp").into());
            }
            Self::NoResourceMetadata => {
                "ask its operator for RFC 9728 metadata (a resource_metadata parameter in the 401 challenge)"
            }
            Self::LegacyDiscovery { origin } => {
                return Some(format!("pass --protocol-version 2025-03-26 if {origin} may issue the tokens itself; later revisions need RFC 9728 metadata").into());
            }
            Self::ResourceMismatch { .. } => {
                "use the URL that is the server's resource identifier, or have its `resource` corrected: a token for another resource could be replayed there"
            }
            Self::IssuerNotPinned { issuer, .. } => {
                return Some(
                    format!("pass --issuer {issuer} if you trust it with these credentials").into(),
                );
            }
            Self::IssuerNotNamed { .. } => {
                "the server does not trust this issuer; pass one that it names, or leave --issuer out"
            }
            Self::IssuerTemplate { .. } => TEMPLATE,
            Self::NothingToCheck { .. } => {
                "pass the issuer exactly as its metadata has it, or the URL of the MCP endpoint, often /mcp"
            }
            Self::MetadataIssuerMismatch { found, .. } if found.contains('{') => TEMPLATE,
            Self::MetadataIssuerMismatch { .. } => {
                "`authorization_servers` must hold the issuer exactly as the issuer writes it, slash for slash (RFC 8414, 3.3)"
            }
            Self::NoPkce { .. } => {
                "MCP requires code_challenge_methods_supported with S256; if you know that it supports S256 without saying so (Entra does), pass --assume-pkce-s256"
            }
            Self::NoRegistration { .. } | Self::RegistrationClosed { .. } => REGISTER_BY_HAND,
            Self::ClientIssuerMismatch { .. } => {
                "register a client at the new issuer, or pass --issuer to say that it is the same client there"
            }
            // No user was asked: the authorization server does not register unknown clients, or wants a token for it.
            Self::OAuth { endpoint: "registration endpoint", error }
                if !matches!(error.error.as_str(), "invalid_redirect_uri" | "server_error") =>
            {
                REGISTER_BY_HAND
            }
            Self::OAuth { error, .. } => return error.hint().map(Cow::Borrowed),
            Self::Status { status: 500.., .. } => {
                "that server fails: try again later; if that does not help, run with --logout, then again"
            }
            Self::StateMismatch => {
                "start again; if it happens again, do not trust this authorization server"
            }
            Self::ResponseIssuerMissing { .. } | Self::ResponseIssuerMismatch { .. } => {
                "the code was not used: this may be a mix-up attack (RFC 9207)"
            }
            Self::RedirectMismatch { .. } => {
                "the code was not used: it went to an address other than the redirect URI"
            }
            Self::InteractionRequired { .. } => "run again without --headless",
            Self::LoginTimeout { .. } => "run again, or paste the address that the browser ends on",
            Self::AssertionAudienceMismatch { .. } => {
                "the assertion was not sent: whoever receives it could use it at its audience (RFC 7523, 3); get one whose aud is this authorization server"
            }
            Self::NotSenderConstrained { .. } => {
                "the token was not used: a thief could use it, too (RFC 9449, 5); have DPoP enabled for this client there, or run again without --dpop if you asked for it"
            }
            Self::NotACredentialsFile(_) => "move it away, or pass --credentials-file FILE",
            Self::NotGranted { .. } => {
                "this user may not do that, or did not consent; log in as another user (--logout first)"
            }
            Self::RetryLimit(_) => {
                "compare the token's aud, iss and scope above with what the server expects"
            }
            _ => return None,
        }))
    }
}

const TEMPLATE: &str = "`{..}` stands for a tenant: name the tenant's own issuer in `authorization_servers`, as its metadata has it (https://login.microsoftonline.com/TENANT_ID/v2.0 for Entra)";

/// The message with its causes.
pub fn chain(error: &ClientError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        // reqwest repeats the URL, hyper says only that it failed.
        let says_nothing = ["error sending request", "client error"];
        let is_new = !says_nothing.iter().any(|start| inner_text.starts_with(start));
        if is_new && !text.contains(&inner_text) {
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
    fn an_oauth_error_is_reported_with_a_hint() {
        let error: OAuthError = serde_json::from_str(
            r#"{"error":"access_denied","error_description":"no","error_uri":"https://x"}"#,
        )
        .unwrap();
        let error = ClientError::OAuth { endpoint: "authorization endpoint", error };
        assert_eq!(
            error.to_string(),
            "the authorization endpoint returned an error: access_denied (no)"
        );
        assert!(error.hint().unwrap().contains("consent"));
    }

    #[test]
    fn a_rejected_registration_is_done_by_hand() {
        for (code, expected) in [
            ("access_denied", "--client-id"),
            ("invalid_token", "--client-id"),
            ("invalid_client_metadata", "--client-id"),
            ("invalid_redirect_uri", "--redirect-uri"),
        ] {
            let error = OAuthError { error: code.to_owned(), error_description: None };
            let hint =
                ClientError::OAuth { endpoint: "registration endpoint", error }.hint().unwrap();
            assert!(hint.contains(expected), "{code}: {hint}");
        }
    }
}
