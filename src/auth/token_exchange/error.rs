//! Why a token is not exchanged.

use crate::{auth::provider::ProviderError, principal::ScopeSet};

/// Why a token is not exchanged.
///
/// The text is for the log of whoever runs the server: it names clients, scopes and settings, and never a token or a
/// secret. Callers see [`ExchangeError::public_message`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ExchangeError {
    /// The verifier keeps no tokens.
    #[error("the caller's token was not kept; add `.keep_tokens(true)` to the TokenVerifier")]
    NoToken,
    /// A token of another issuer, which the provider must not see.
    #[error("tokens of {issuer} are not sent to {provider}, which issued others")]
    OtherIssuer {
        /// The issuer of the caller's token.
        issuer: String,
        /// The provider that exchanges tokens.
        provider: String,
    },
    /// The caller's token is bound to a key of the client (RFC 9449).
    #[error(
        "the caller's token is bound to a key of the client (DPoP), and the token of an exchange would not be; clients \
         have to use bearer tokens for this"
    )]
    SenderConstrained,
    /// The caller's token lacks a scope that the other API needs.
    #[error("the caller's token lacks {required}")]
    InsufficientScope {
        /// All that is needed.
        required: ScopeSet,
    },
    /// The provider rejects the client's credentials.
    #[error(
        "the provider does not accept the credentials of the client {client_id}; check EXCHANGE_CLIENT_ID and \
         EXCHANGE_CLIENT_SECRET"
    )]
    Credentials {
        /// The client.
        client_id: String,
    },
    /// The client may not exchange tokens.
    #[error(
        "the client {client_id} may not exchange tokens; it must be a confidential client with this grant enabled \
         (Keycloak: the attribute standard.token.exchange.enabled, or scripts/keycloak.sh exchange)"
    )]
    NotEnabled {
        /// The client.
        client_id: String,
    },
    /// The provider does not know this grant at all.
    #[error(
        "the provider does not support token exchange (RFC 8693); its metadata lists what it supports"
    )]
    Unsupported,
    /// The caller's token is not for the client.
    #[error(
        "the caller's token is not for the client {client_id}; EXCHANGE_CLIENT_ID must be in the `aud` of users' tokens \
         (Keycloak: the client whose id is the URL of this server, which scripts/keycloak.sh exchange URL makes)"
    )]
    NotInAudience {
        /// The client.
        client_id: String,
    },
    /// The provider does not know the audience.
    #[error(
        "the provider does not know the audience {audience}, or issues no tokens for it; check DOWNSTREAM_AUDIENCE"
    )]
    UnknownAudience {
        /// The audience.
        audience: String,
    },
    /// No scope that the provider grants adds the audience.
    #[error(
        "the provider knows {audience}, but the scope {scopes} does not add it to `aud`; give the scope an audience mapper, \
         or the user the role that the scope requires"
    )]
    AudienceNotAvailable {
        /// The audience.
        audience: String,
        /// The requested scopes.
        scopes: ScopeSet,
    },
    /// The provider does not grant the scope.
    #[error(
        "the provider does not grant {scopes} to the client {client_id} for this user; assign the scope to the client, and \
         the user's token must have it already; check DOWNSTREAM_SCOPE"
    )]
    InvalidScope {
        /// The requested scopes.
        scopes: ScopeSet,
        /// The client.
        client_id: String,
    },
    /// The provider does not accept the caller's token: the user has logged out, or the token was revoked.
    #[error(
        "the provider does not accept the caller's token any more: the user has logged out, or it was revoked"
    )]
    SubjectToken,
    /// Another refusal.
    #[error("the provider refuses the exchange with status {status}: {reason}")]
    Refused {
        /// The status.
        status: u16,
        /// `error` and `error_description`, if they are readable.
        reason: String,
    },
    /// The provider granted another scope than the one asked for (RFC 8693, 2.2.1).
    #[error(
        "the provider granted {granted:?} instead of {requested:?}; DOWNSTREAM_SCOPE must name exactly what it grants, so \
         take the default scopes from the client {client_id}"
    )]
    OtherScope {
        /// What was asked for.
        requested: String,
        /// What was granted.
        granted: String,
        /// The client.
        client_id: String,
    },
    /// A response that is not one of RFC 8693.
    #[error("the provider's response is no token exchange response: {0}")]
    InvalidResponse(&'static str),
    /// Too many exchanges are in flight.
    #[error("too many exchanges are in flight at the provider")]
    Busy,
    /// There is no response.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl ExchangeError {
    /// What callers may read: whether it helps to try again, to log in again, or to ask the operator.
    pub fn public_message(&self) -> String {
        match self {
            Self::SenderConstrained => {
                "your token is bound to a key (DPoP), so it cannot be exchanged; use a bearer token"
                    .to_owned()
            }
            Self::InsufficientScope { required } => format!("your token lacks {required}"),
            Self::SubjectToken => {
                "your login has ended at the identity provider; log in again".to_owned()
            }
            Self::InvalidScope { scopes, .. } | Self::AudienceNotAvailable { scopes, .. } => {
                format!("the identity provider does not grant {scopes} to you")
            }
            Self::OtherIssuer { .. } => {
                "tokens of your identity provider cannot be used for this".to_owned()
            }
            Self::Busy => "too many calls are waiting; try again later".to_owned(),
            Self::Refused { status: status @ 500.., .. } => {
                format!("the identity provider answered with status {status}; try again later")
            }
            Self::Provider(error) => format!("{}; try again later", error.public_message()),
            Self::NoToken
            | Self::Credentials { .. }
            | Self::NotEnabled { .. }
            | Self::Unsupported
            | Self::NotInAudience { .. }
            | Self::UnknownAudience { .. }
            | Self::Refused { .. }
            | Self::OtherScope { .. }
            | Self::InvalidResponse(_) => {
                "the identity provider issues no token for this; the server's log says why"
                    .to_owned()
            }
        }
    }
}
