//! Why a token is refused.

use crate::auth::remote_jwks::Unavailable;

/// Why a token is refused. The text is for the log; what the caller learns is [`TokenError::detail`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, or a claim or header member that is missing, of the wrong type, or not understood.
    #[error("malformed: not a JWT, or a claim is missing or of the wrong type")]
    Malformed,
    /// A JWT, but no access token.
    #[error("wrong type of token: an access token was expected")]
    WrongType,
    /// No key of that name for that algorithm.
    #[error("no key {} for this algorithm", .0.as_deref().unwrap_or("without a name"))]
    UnknownKey(Option<String>),
    /// None of the keys made this signature.
    #[error("bad signature: no key that we trust for this issuer has made it")]
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
    #[error("issuer {0} is not trusted: tokens must come from who our metadata or settings name")]
    WrongIssuer(String),
    /// Meant for somebody else.
    #[error("audience {found} is not ours: one of {} was expected", .ours.join(", "))]
    WrongAudience {
        /// `aud`, as it came.
        found: String,
        /// What would have done.
        ours: Vec<String>,
    },
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
            Self::WrongAudience { .. } => "wrong_audience",
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
            Self::WrongAudience { .. } => "Invalid token audience",
            _ => "Invalid token",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_what_came_and_what_was_expected() {
        let ours = vec!["mcp-server".to_owned(), "http://localhost:9000/mcp".to_owned()];
        let wrong = TokenError::WrongAudience { found: "\"other\"".to_owned(), ours };
        let expected = "audience \"other\" is not ours: one of mcp-server, http://localhost:9000/mcp was expected";
        assert_eq!(wrong.to_string(), expected);
        assert_eq!(wrong.detail(), "Invalid token audience");
        let key = |name: Option<&str>| TokenError::UnknownKey(name.map(str::to_owned)).to_string();
        assert_eq!(key(Some("old")), "no key old for this algorithm");
        assert_eq!(key(None), "no key without a name for this algorithm");
    }
}
