//! Revoked grants, kept until the last access token that came of them has expired.
//!
//! Specs: RFC 6749 sections 4.1.2 and 10.5 (a code used twice revokes the tokens that it gave), RFC 7009. A signed
//! token is valid by itself, so whoever verifies it must check here, too.

use std::sync::{Arc, RwLock};

use crate::authorization_server::{secret, ttl_map::TtlMap};

/// No more grants of users can be alive at once.
const CAPACITY: usize = 10_000;

/// Begins the names of grants without a user. It is not in the alphabet of base64url, so no other name begins with it.
const MACHINE: char = '~';

/// Written by the token and revocation endpoints, read by the token verifier.
///
/// A client can get and revoke tokens without a user as often as it likes. They have a map of their own, so that they
/// evict each other and never what a user's client has revoked.
#[derive(Debug, Clone)]
pub(crate) struct RevokedGrants {
    users: Arc<RwLock<TtlMap<()>>>,
    machines: Arc<RwLock<TtlMap<()>>>,
}

impl RevokedGrants {
    pub(crate) fn new() -> Self {
        let map = || Arc::new(RwLock::new(TtlMap::new(CAPACITY)));
        Self { users: map(), machines: map() }
    }

    fn map(&self, name: &str) -> &RwLock<TtlMap<()>> {
        if name.starts_with(MACHINE) { &self.machines } else { &self.users }
    }

    /// Revokes all access tokens of a grant, the last of which expires at `until`.
    pub(crate) fn add(&self, name: &str, until: u64, now: u64) {
        self.map(name).write().expect("not poisoned").insert(name.to_owned(), (), until, now);
    }

    pub(crate) fn contains(&self, grant_id: &str, now: u64) -> bool {
        let name = public_name(grant_id);
        self.map(&name).read().expect("not poisoned").contains(&name, now)
    }

    /// Whether the access token with this `jti` is revoked.
    pub(crate) fn contains_token(&self, jti: &str, now: u64) -> bool {
        let name = grant_name(jti);
        self.map(name).read().expect("not poisoned").contains(name, now)
    }
}

/// A new id for a grant without a user.
pub(crate) fn machine_grant_id() -> String {
    format!("{MACHINE}{}", secret::random())
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
    let hash = secret::s256(grant_id);
    let hash = &hash[..22];
    if grant_id.starts_with(MACHINE) { format!("{MACHINE}{hash}") } else { hash.to_owned() }
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

    #[test]
    fn revocations_of_tokens_without_a_user_do_not_evict_those_of_users() {
        let revoked = RevokedGrants::new();
        revoked.add(&public_name("a"), 100, 0);
        for _ in 0..=CAPACITY {
            revoked.add(&public_name(&machine_grant_id()), 200, 0);
        }
        assert!(revoked.contains_token(&new_jti("a"), 99));
        let machine = machine_grant_id();
        revoked.add(&public_name(&machine), 300, 0);
        assert!(revoked.contains_token(&new_jti(&machine), 299));
    }
}
