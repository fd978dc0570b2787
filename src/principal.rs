//! The authenticated caller: what the bearer middleware passes on to handlers, and how a handler asks for more scopes.
//!
//! Specs: RFC 6749 section 3.3 (scopes), RFC 9068 section 2.2 (claims), RFC 6750 section 3.1
//! (`insufficient_scope`).
//!
//! ```
//! use mcp_auth::principal::ScopeSet;
//!
//! let held = ScopeSet::parse("mcp:read mcp:tools");
//! assert!(held.grants("mcp:tools:echo"), "a broader scope includes the narrower one");
//! assert!(!held.grants("mcp:prompts"));
//! ```

use std::{collections::BTreeSet, fmt, sync::Arc};

use axum::{
    Extension, Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

/// A set of scopes: case-sensitive tokens (RFC 6749, 3.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ScopeSet(BTreeSet<String>);

impl ScopeSet {
    /// Parses the space-separated form; surplus spaces are ignored.
    pub fn parse(text: &str) -> Self {
        text.split(' ').collect()
    }

    /// Whether `scope` is in the set, or a broader one: `mcp:tools` includes `mcp:tools:echo`.
    pub fn grants(&self, scope: &str) -> bool {
        let mut scope = scope;
        loop {
            if self.0.contains(scope) {
                return true;
            }
            match scope.rsplit_once(':') {
                Some((broader, _)) if broader.contains(':') => scope = broader,
                _ => return false,
            }
        }
    }

    /// Whether the set grants every scope of `other`.
    pub fn grants_all(&self, other: &ScopeSet) -> bool {
        other.iter().all(|scope| self.grants(scope))
    }

    /// The scopes of both sets.
    pub fn union(&self, other: &ScopeSet) -> Self {
        Self(&self.0 | &other.0)
    }

    /// The scopes, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is no scope.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<S: Into<String>> FromIterator<S> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        Self(scopes.into_iter().map(Into::into).filter(|s: &String| !s.is_empty()).collect())
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for ScopeSet {
    fn from(scopes: [S; N]) -> Self {
        scopes.into_iter().collect()
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            write!(f, "{}{scope}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// What the claims of a verified token say about the caller.
#[derive(Debug, Clone)]
pub struct Identity {
    /// A name to display: `preferred_username`, or the first of the issuer's other name claims. Not unique.
    pub display_name: String,
    /// `sub`: stable and unique at its issuer.
    pub subject: Option<String>,
    /// Identifies the caller at its issuer: `sub`, or a hash of the token where a token has none, so that two such
    /// tokens never share state.
    pub unique_id: String,
    /// The OAuth client that holds the token.
    pub client_id: Option<String>,
    /// `jti`: the identifier of the token, by which its issuer can revoke it.
    pub jwt_id: Option<String>,
    /// `iss`: the issuer of the token.
    pub issuer: String,
    /// What the token may be used for.
    pub scopes: ScopeSet,
    /// The roles of the user; their meaning depends on the issuer.
    pub roles: BTreeSet<String>,
    /// `cnf.jkt`: the key that the token is bound to (RFC 9449, 6.1); `None` for a bearer token.
    pub key_thumbprint: Option<String>,
    /// When the token expires, in seconds since 1970 (UTC): `exp`, or earlier by a rule on its age.
    pub expires_at: u64,
}

/// A verified caller. Only [`TokenVerifier`](crate::auth::verify::TokenVerifier) creates one, so a handler that has it
/// need not check the token again.
#[derive(Debug, Clone)]
pub struct Principal {
    identity: Arc<Identity>,
    access_token: Option<AccessToken>,
}

/// The access token of a caller. It is for the server that received it: code can exchange it
/// ([`TokenExchange`](crate::auth::token_exchange::TokenExchange)), but neither read it nor pass it on (MCP Security Best
/// Practices, "Token Passthrough").
#[derive(Debug, Clone)]
pub struct AccessToken(Arc<SecretString>);

impl AccessToken {
    /// The text, for the provider that issued it and for nobody else.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Principal {
    /// For the verifier only.
    pub(crate) fn verified(identity: Identity) -> Self {
        Self { identity: Arc::new(identity), access_token: None }
    }

    /// For the verifier only.
    pub(crate) fn with_access_token(self, token: &str) -> Self {
        Self { access_token: Some(AccessToken(Arc::new(token.into()))), ..self }
    }

    /// The caller without the token, for what is kept longer than a call takes, such as a log.
    #[must_use]
    pub fn without_access_token(&self) -> Self {
        Self { identity: Arc::clone(&self.identity), access_token: None }
    }

    /// The token that this caller was verified by, if the verifier
    /// [keeps tokens](crate::auth::verify::TokenVerifier::keep_tokens).
    pub fn access_token(&self) -> Option<&AccessToken> {
        self.access_token.as_ref()
    }

    /// Whether the caller has exactly this role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.contains(role)
    }
}

impl std::ops::Deref for Principal {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

/// There is no caller, and the operation needs one. It goes the way of [`InsufficientScope`]; the bearer middleware makes it
/// the 401 that a request without a token gets (RFC 6750, 3.1). Only needed behind
/// [`BearerAuth::allow_anonymous`](crate::auth::bearer::BearerAuth::allow_anonymous).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AuthenticationRequired;

/// The token lacks a scope. A handler puts it into the extensions of its response, or returns it; the bearer middleware
/// adds the challenge (RFC 6750, 3.1).
#[derive(Debug, Clone, PartialEq)]
pub struct InsufficientScope {
    /// All scopes that the operation needs, so that one further authorization is enough.
    pub required: ScopeSet,
}

#[derive(Serialize)]
struct ErrorBody {
    detail: &'static str,
}

impl IntoResponse for InsufficientScope {
    fn into_response(self) -> Response {
        let body = Json(ErrorBody { detail: "Insufficient scope" });
        (StatusCode::FORBIDDEN, Extension(self), body).into_response()
    }
}

impl IntoResponse for AuthenticationRequired {
    fn into_response(self) -> Response {
        let body = Json(ErrorBody { detail: "Authentication required" });
        (StatusCode::UNAUTHORIZED, Extension(self), body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_compared_exactly_and_broader_ones_include_narrower_ones() {
        let held = ScopeSet::parse("mcp:tools  mcp:read:files");
        for (scope, expected) in [
            ("mcp:tools", true),
            ("mcp:tools:echo", true),
            ("mcp:tools:echo:twice", true),
            ("mcp:toolsmith", false),
            ("MCP:tools", false),
            ("mcp:read", false),
            ("mcp", false),
            ("", false),
        ] {
            assert_eq!(held.grants(scope), expected, "{scope}");
        }
        assert!(
            !ScopeSet::parse("mcp").grants("mcp:tools"),
            "a bare prefix is no scope of this resource"
        );
    }
}
