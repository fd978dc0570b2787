//! Someone whose tokens count.

use std::{fmt, sync::Arc};

use jsonwebtoken::Header;

use crate::auth::{
    claims::Dialect,
    introspection::Introspection,
    jwks::{JwkSet, KeySet, VerificationKey},
    remote_jwks::RemoteKeys,
};

use super::TokenError;

/// Someone whose tokens count here: a name, what its tokens must be meant for, and its keys. The three belong
/// together: a key of one issuer never vouches for another.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    pub(super) dialect: Dialect,
    keys: Keys,
    pub(super) introspection: Option<Introspection>,
    withdrawn: Option<Withdrawn>,
}

#[derive(Debug, Clone)]
enum Keys {
    Own(KeySet),
    Remote(RemoteKeys),
}

/// Says by its `jti` whether a token was taken back before its time.
#[derive(Clone)]
struct Withdrawn(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl fmt::Debug for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Withdrawn")
    }
}

impl TrustedIssuer {
    /// Tokens with this `iss` and at least one of these `aud`, signed by one of these keys.
    pub fn new<A: Into<String>>(
        issuer: impl Into<String>,
        audiences: impl IntoIterator<Item = A>,
        keys: &JwkSet,
    ) -> Self {
        Self {
            dialect: Dialect {
                issuer: issuer.into(),
                audiences: audiences.into_iter().map(Into::into).collect(),
                name_claims: vec!["preferred_username".to_owned()],
                role_claims: Vec::new(),
            },
            keys: Keys::Own(keys.verification_keys()),
            introspection: None,
            withdrawn: None,
        }
    }

    /// The same for an identity provider, whose keys are fetched. Not all of them tell a name, so `sub` will do.
    pub fn remote<A: Into<String>>(
        keys: &RemoteKeys,
        audiences: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut issuer = Self::new(keys.issuer(), audiences, &JwkSet::default());
        issuer.dialect.name_claims.push("sub".to_owned());
        Self { keys: Keys::Remote(keys.clone()), ..issuer }
    }

    /// More claims that hold roles, such as `https://example.com/roles`.
    #[must_use]
    pub fn with_roles_in(mut self, claims: &[String]) -> Self {
        self.dialect.role_claims.extend_from_slice(claims);
        self
    }

    /// Asks the issuer about tokens that we cannot read ourselves; `None` refuses them.
    #[must_use]
    pub fn introspected_by(mut self, introspection: Option<Introspection>) -> Self {
        if introspection.is_some() {
            // What RFC 7662, 2.2 calls the name.
            self.dialect.name_claims.insert(1, "username".to_owned());
        }
        Self { introspection, ..self }
    }

    /// Its tokens count unless `withdrawn` says of their `jti` that they were taken back. Asked on every request.
    #[must_use]
    pub fn unless(mut self, withdrawn: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.withdrawn = Some(Withdrawn(Arc::new(withdrawn)));
        self
    }

    pub(super) fn took_back(&self, token_id: &str) -> bool {
        self.withdrawn.as_ref().is_some_and(|withdrawn| withdrawn.0(token_id))
    }

    /// See [`RemoteKeys::generation`]; our own keys stay what they are.
    pub(super) fn generation(&self) -> u64 {
        match &self.keys {
            Keys::Own(_) => 0,
            Keys::Remote(keys) => keys.generation(),
        }
    }

    /// A key of our own keeps its place under any name; with one key there is nothing to choose. A provider has
    /// several, and must say which one it used.
    pub(super) async fn candidates(
        &self,
        header: &Header,
        ours: bool,
    ) -> Result<Vec<Arc<VerificationKey>>, TokenError> {
        match (&self.keys, header.kid.as_deref()) {
            (Keys::Remote(keys), _) => Ok(keys.candidates(header, ours).await?),
            (Keys::Own(keys), Some(kid)) if keys.knows(kid) => Ok(keys.named(kid, header.alg)),
            (Keys::Own(keys), _) => Ok(keys.usable(header.alg)),
        }
    }
}
