//! Why a token is refused.

use crate::auth::remote_jwks::Unavailable;

/// Why a token is refused. The text is for the log; what the caller learns is [`TokenError::detail`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, or a claim or header member that is missing, of the wrong type, or not understood.
    #[error("malformed")]
    Malformed,
    /// A JWT, but no access token.
    #[error("wrong type of token")]
    WrongType,
    /// No key of that name for that algorithm.
    #[error("no key {0:?} for this algorithm")]
    UnknownKey(Option<String>),
    /// None of the keys made this signature.
    #[error("bad signature")]
    BadSignature,
    /// `nbf` lies ahead.
    #[error("not valid yet")]
    NotYetValid,
    /// `exp` has passed.
    #[error("expired")]
    Expired,
    /// Its issuer took it back.
    #[error("taken back by its issuer")]
    Withdrawn,
    /// `iss` is none of ours.
    #[error("issuer {0} is not trusted")]
    WrongIssuer(String),
    /// Meant for somebody else.
    #[error("audience {0} is not ours")]
    WrongAudience(String),
    /// No JWT, and nobody to ask what it means.
    #[error("no JWT; opaque tokens need --introspection-client-id and a provider with RFC 7662")]
    Opaque,
    /// The provider says that it is withdrawn, expired, or none of its own (RFC 7662, 2.2).
    #[error("not active, says the provider")]
    Inactive,
    /// Perhaps good, but that cannot be found out now. The one reason that is not the caller's.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl TokenError {
    /// The reason as a label of a counter.
    pub(in crate::auth) fn label(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongType => "wrong_type",
            Self::UnknownKey(_) => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::WrongIssuer(_) => "wrong_issuer",
            Self::WrongAudience(_) => "wrong_audience",
            Self::Withdrawn => "withdrawn",
            Self::Opaque => "opaque",
            Self::Inactive => "inactive",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// What the caller is told, in the words of the tutorial.
    pub fn detail(&self) -> &'static str {
        match self {
            Self::Expired => "Token has expired",
            Self::WrongIssuer(_) => "Invalid token issuer",
            Self::WrongAudience(_) => "Invalid token audience",
            _ => "Invalid token",
        }
    }
}
