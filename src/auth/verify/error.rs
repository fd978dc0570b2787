//! Why a token is rejected.

use crate::auth::provider::Unavailable;

/// Why a token is rejected. `Display` is for the log; the client gets [`TokenError::public_message`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, or a claim or header parameter that is missing, of the wrong type, or not understood.
    #[error("malformed: not a JWT, or a claim is missing, duplicate or of the wrong type")]
    Malformed,
    /// A JWT, but not an access token.
    #[error("not an access token, but another type of JWT")]
    InvalidType,
    /// No key with that `kid` for that algorithm.
    #[error("no key {} for this algorithm", escaped(.0.as_deref().unwrap_or("without a kid")))]
    UnknownKey(Option<String>),
    /// No trusted key made this signature.
    #[error(
        "invalid signature: no key of {issuer} made it; a token of gen-token must be signed with the key pair that \
         this server uses (--keys-dir)"
    )]
    InvalidSignature {
        /// The issuer that the token names.
        issuer: String,
    },
    /// `nbf` is in the future.
    #[error("not yet valid")]
    NotYetValid,
    /// `exp` is in the past.
    #[error("expired")]
    Expired,
    /// The issuer revoked it.
    #[error("revoked by its issuer")]
    Revoked,
    /// `iss` is not trusted.
    #[error(
        "issuer {0} is not trusted: tokens must come from an issuer that the metadata or settings name"
    )]
    InvalidIssuer(String),
    /// For another resource.
    #[error("audience {found} is not this resource: one of {} is required", .expected.join(", "))]
    InvalidAudience {
        /// `aud` of the token.
        found: String,
        /// The accepted values.
        expected: Vec<String>,
    },
    /// Bound to a key of the client (`cnf`), and sent as a plain bearer token, or bound in a way that is not supported.
    #[error(
        "sender-constrained (cnf), and not sent with the scheme DPoP; client certificates are not supported"
    )]
    SenderConstrained,
    /// Not bound to a key, and sent with the scheme `DPoP`.
    #[error("a bearer token (no cnf.jkt), sent with the scheme DPoP")]
    NotSenderConstrained,
    /// Issued to a client that is not on the list of allowed clients.
    #[error(
        "client {} is not allowed, see --allowed-clients", escaped(.0.as_deref().unwrap_or("without an id"))
    )]
    ClientNotAllowed(Option<String>),
    /// A claim that this deployment requires is missing or has another value.
    #[error("claim `{0}` is missing or has another value than the required one")]
    MissingClaim(String),
    /// Issued longer ago than this deployment allows.
    #[error("older than allowed, by `iat`")]
    TooOld,
    /// Not a JWT, and introspection is not configured.
    #[error("not a JWT; opaque tokens need --introspection-client-id and a provider with RFC 7662")]
    NotAJwt,
    /// Revoked, expired or unknown, according to the provider (RFC 7662, 2.2).
    #[error("inactive, according to the provider")]
    Inactive,
    /// Neither valid nor invalid, as far as can be known now. The one error that is not the client's.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// For the log: on one line, and short.
fn escaped(text: &str) -> String {
    text.escape_debug().take(100).collect()
}

impl TokenError {
    /// The reason as a label of a metric.
    pub(in crate::auth) fn label(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::InvalidType => "invalid_type",
            Self::UnknownKey(_) => "unknown_key",
            Self::InvalidSignature { .. } => "invalid_signature",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::InvalidIssuer(_) => "invalid_issuer",
            Self::InvalidAudience { .. } => "invalid_audience",
            Self::SenderConstrained => "sender_constrained",
            Self::NotSenderConstrained => "not_sender_constrained",
            Self::ClientNotAllowed(_) => "client_not_allowed",
            Self::MissingClaim(_) => "missing_claim",
            Self::TooOld => "too_old",
            Self::Revoked => "revoked",
            Self::NotAJwt => "not_a_jwt",
            Self::Inactive => "inactive",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// What the client is told, in the tutorial's words.
    pub fn public_message(&self) -> &'static str {
        match self {
            Self::Expired | Self::TooOld => "Token has expired",
            Self::NotYetValid => "Token is not yet valid",
            Self::InvalidIssuer(_) => "Invalid token issuer",
            Self::InvalidAudience { .. } => "Invalid token audience",
            Self::SenderConstrained => {
                "Token is bound to a key and cannot be used as a bearer token"
            }
            Self::ClientNotAllowed(_) => "Token was issued to a client that is not allowed here",
            Self::NotSenderConstrained => "Token is not bound to a key; send it as a bearer token",
            _ => "Invalid token",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_names_what_was_found_and_what_is_required() {
        let expected = vec!["mcp-server".to_owned(), "http://localhost:9000/mcp".to_owned()];
        let error = TokenError::InvalidAudience { found: "\"other\"".to_owned(), expected };
        let message = "audience \"other\" is not this resource: one of mcp-server, http://localhost:9000/mcp is required";
        assert_eq!(error.to_string(), message);
        assert_eq!(error.public_message(), "Invalid token audience");
        let key = |kid: Option<&str>| TokenError::UnknownKey(kid.map(str::to_owned)).to_string();
        assert_eq!(key(Some("old")), "no key old for this algorithm");
        assert_eq!(key(None), "no key without a kid for this algorithm");
    }
}
