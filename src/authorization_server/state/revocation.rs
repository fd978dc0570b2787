//! Revoked grants, kept until the last access token that came of them has expired.
//!
//! Specs: RFC 6749 sections 4.1.2 and 10.5 (a code used twice revokes the tokens that it gave), RFC 7009. A signed
//! token is valid by itself, so whoever verifies it must check here, too.

use std::sync::{Arc, RwLock};

use crate::authorization_server::{secret, ttl_map::TtlMap};

/// No more grants can be alive at once.
const CAPACITY: usize = 10_000;

/// Written by the token and revocation endpoints, read by the token verifier.
#[derive(Debug, Clone)]
pub(crate) struct RevokedGrants(Arc<RwLock<TtlMap<()>>>);

impl RevokedGrants {
    pub(crate) fn new() -> Self {
        Self(Arc::new(RwLock::new(TtlMap::new(CAPACITY))))
    }

    /// Revokes all access tokens of a grant, the last of which expires at `until`.
    pub(crate) fn add(&self, name: &str, until: u64, now: u64) {
        self.0.write().expect("not poisoned").insert(name.to_owned(), (), until, now);
    }

    pub(crate) fn contains(&self, grant_id: &str, now: u64) -> bool {
        self.0.read().expect("not poisoned").contains(&public_name(grant_id), now)
    }

    /// Whether the access token with this `jti` is revoked.
    pub(crate) fn contains_token(&self, jti: &str, now: u64) -> bool {
        self.0.read().expect("not poisoned").contains(grant_name(jti), now)
    }
}

/// A unique `jti` that names its grant.
pub(crate) fn new_jti(grant_id: &str) -> String {
    format!("{}.{}", public_name(grant_id), &secret::random()[..11])
}

/// The grant that a `jti` names.
pub(crate) fn grant_name(jti: &str) -> &str {
    jti.split('.').next().unwrap_or_default()
}

/// A name of the grant that access tokens may show: its id is half of the refresh token.
pub(crate) fn public_name(grant_id: &str) -> String {
    secret::s256(grant_id)[..22].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tokens_of_a_grant_are_revoked_and_no_others() {
        let revoked = RevokedGrants::new();
        let [first, second, other] = ["a", "a", "b"].map(new_jti);
        assert_ne!(first, second);
        revoked.add(&public_name("a"), 100, 0);
        assert!(revoked.contains_token(&first, 99) && revoked.contains_token(&second, 99));
        assert!(revoked.contains("a", 99) && !revoked.contains("b", 99));
        assert!(!revoked.contains_token(&other, 99) && !revoked.contains_token("", 99));
        assert!(!revoked.contains_token(&first, 100), "it has expired by itself");
    }
}
