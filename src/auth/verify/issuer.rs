//! An issuer whose tokens are accepted.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use jsonwebtoken::Header;
use serde_json::Value;

use crate::principal::{Identity, ScopeSet};

use super::{
    claims::{ClaimMapping, Claims},
    error::TokenError,
    introspection::Introspection,
    jwks::{JwkSet, KeySet, VerificationKey},
    remote_jwks::RemoteJwks,
    rules::Rules,
};

/// An issuer whose tokens are accepted: its identifier, the audiences that its tokens must be for, and its keys. The
/// three belong together: the keys of one issuer never prove tokens of another.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    pub(super) issuer: String,
    pub(super) audiences: BTreeSet<String>,
    pub(super) leeway: Leeway,
    pub(super) require_at_jwt: bool,
    pub(super) rules: Rules,
    pub(super) introspection: Option<Introspection>,
    pub(super) requested_scopes: ScopeSet,
    mapping: ClaimMapping,
    keys: Keys,
    revocation: Option<RevocationCheck>,
}

/// By how much clocks may differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leeway {
    pub(super) nbf: Duration,
    pub(super) exp: Duration,
}

#[derive(Debug, Clone)]
enum Keys {
    Local(KeySet),
    Remote(RemoteJwks),
}

/// Whether the token with this `jti` was revoked.
#[derive(Clone)]
struct RevocationCheck(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl fmt::Debug for RevocationCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RevocationCheck")
    }
}

impl TrustedIssuer {
    /// Accepts tokens with this `iss` and at least one of these `aud`, signed with one of these keys. `nbf` may be 5 s
    /// ahead; `exp` has no leeway.
    pub fn new<A: Into<String>>(
        issuer: impl Into<String>,
        audiences: impl IntoIterator<Item = A>,
        keys: &JwkSet,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: audiences.into_iter().map(Into::into).collect(),
            leeway: Leeway { nbf: Duration::from_secs(5), exp: Duration::ZERO },
            require_at_jwt: false,
            rules: Rules::default(),
            introspection: None,
            requested_scopes: ScopeSet::default(),
            mapping: ClaimMapping {
                name_claims: vec!["preferred_username".to_owned()],
                role_claims: Vec::new(),
            },
            keys: Keys::Local(keys.verification_keys()),
            revocation: None,
        }
    }

    /// The same for an identity provider, whose keys are fetched. Tokens without `preferred_username` are shown by `sub`.
    pub fn from_remote<A: Into<String>>(
        keys: &RemoteJwks,
        audiences: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut issuer = Self::new(keys.issuer(), audiences, &JwkSet::default());
        issuer.mapping.name_claims.push("sub".to_owned());
        Self { keys: Keys::Remote(keys.clone()), ..issuer }
    }

    /// By how much this server's clock may differ from the issuer's, for `nbf` and `exp`.
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        Self { leeway: Leeway { nbf: leeway, exp: leeway }, ..self }
    }

    /// Whether `typ` must be `at+jwt` (RFC 9068, 4). Not all providers write it, but with those that do, no ID token
    /// can be mistaken for an access token.
    #[must_use]
    pub fn require_at_jwt(self, required: bool) -> Self {
        Self { require_at_jwt: required, ..self }
    }

    /// Accepts only tokens that were issued to one of these clients: `client_id` (RFC 9068, 2.2; RFC 7662, 2.2), `azp`
    /// (OpenID Connect Core 1.0, 2), or `cid` and `appid` of Okta and Entra. A token that names no client is rejected, and so
    /// is one that names several of which one is not allowed. The answer is 401 `invalid_token` (RFC 6750, 3.1: "invalid for
    /// other reasons"), because no further scope would help.
    #[must_use]
    pub fn allowed_clients<C: Into<String>>(
        mut self,
        clients: impl IntoIterator<Item = C>,
    ) -> Self {
        self.rules.allowed_clients = Some(clients.into_iter().map(Into::into).collect());
        self
    }

    /// Accepts only tokens whose claim has this value, or is a list with it: `.require_claim("email_verified", true)`.
    #[must_use]
    pub fn require_claim(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.rules.required_claims.push((claim.to_owned(), value.into()));
        self
    }

    /// Accepts tokens for this long after they were issued (`iat`), whatever their `exp` is.
    #[must_use]
    pub fn max_token_age(mut self, age: Duration) -> Self {
        self.rules.max_age = Some(age);
        self
    }

    /// The scopes as clients request them from this issuer, where that differs from the resource's other issuers: the
    /// challenge of a 403 names them so, see [`Challenge::required_scopes`].
    ///
    /// [`Challenge::required_scopes`]: crate::auth::challenge::Challenge::required_scopes
    #[must_use]
    pub fn requested_scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        Self { requested_scopes: scopes.into_iter().collect(), ..self }
    }

    /// More claims with roles, such as `https://example.com/roles`.
    #[must_use]
    pub fn role_claims(mut self, claims: &[String]) -> Self {
        self.mapping.role_claims.extend_from_slice(claims);
        self
    }

    /// Asks the issuer about tokens that are no JWT; otherwise they are rejected.
    #[must_use]
    pub fn with_introspection(mut self, introspection: &Introspection) -> Self {
        // The name of the user in RFC 7662, 2.2.
        self.mapping.name_claims.insert(1, "username".to_owned());
        Self { introspection: Some(introspection.clone()), ..self }
    }

    /// Rejects tokens of whose `jti` this function says that they were revoked. Called on every request.
    #[must_use]
    pub fn with_revocation_check(
        mut self,
        is_revoked: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.revocation = Some(RevocationCheck(Arc::new(is_revoked)));
        self
    }

    pub(super) fn is_revoked(&self, jti: &str) -> bool {
        self.revocation.as_ref().is_some_and(|check| check.0(jti))
    }

    /// See [`RemoteJwks::generation`]; local keys never change.
    pub(super) fn generation(&self) -> u64 {
        match &self.keys {
            Keys::Local(_) => 0,
            Keys::Remote(keys) => keys.generation(),
        }
    }

    /// The keys that may have signed a token with this header. With local keys `kid` is optional. A provider rotates
    /// its keys and must name the one that it used.
    pub(super) async fn candidate_keys(
        &self,
        header: &Header,
    ) -> Result<Vec<Arc<VerificationKey>>, TokenError> {
        match (&self.keys, header.kid.as_deref()) {
            (Keys::Remote(keys), _) => Ok(keys.candidates(header).await?),
            (Keys::Local(keys), Some(kid)) if keys.contains_kid(kid) => {
                Ok(keys.find(kid, header.alg))
            }
            (Keys::Local(keys), _) => Ok(keys.for_algorithm(header.alg)),
        }
    }

    /// The caller that verified claims describe.
    pub(super) fn identity(&self, claims: &Claims, token: &str) -> Result<Identity, TokenError> {
        let mut identity = self.mapping.identity(claims, &self.issuer, &self.audiences, token)?;
        let age = self.rules.expires_at(claims);
        identity.expires_at = age.map_or(identity.expires_at, |at| at.min(identity.expires_at));
        Ok(identity)
    }
}
