//! Grants that were taken back, remembered until the last access token that came of them has expired.
//!
//! Rules: RFC 6749 section 4.1.2 and 10.5 (a code that comes twice revokes the tokens that it gave). A signed token
//! says of itself that it is good; so whoever verifies it must be able to ask here.

use std::sync::{Arc, RwLock};

use super::{expiring::Expiring, secret};

/// More grants than this cannot be alive at once, so no more can be taken back.
const CAPACITY: usize = 10_000;

/// What the token endpoint writes and the wall reads.
#[derive(Debug, Clone)]
pub(super) struct Withdrawn(Arc<RwLock<Expiring<()>>>);

impl Withdrawn {
    pub(super) fn new() -> Self {
        Self(Arc::new(RwLock::new(Expiring::new(CAPACITY))))
    }

    /// Takes back all tokens of a grant; the last of them expires at `until`.
    pub(super) fn add(&self, grant_id: &str, until: u64, now: u64) {
        self.0.write().expect("no panic here").insert(name_of(grant_id), (), until, now);
    }

    pub(super) fn contains(&self, grant_id: &str, now: u64) -> bool {
        self.0.read().expect("no panic here").contains(&name_of(grant_id), now)
    }

    /// Whether the token with this `jti` was taken back.
    pub(super) fn has_token(&self, jti: &str, now: u64) -> bool {
        let name = jti.split('.').next().unwrap_or_default();
        self.0.read().expect("no panic here").contains(name, now)
    }
}

/// A `jti` that is unique and names its grant. Not by its id, which is half of a refresh token.
pub(super) fn new_token_id(grant_id: &str) -> String {
    format!("{}.{}", name_of(grant_id), &secret::random()[..11])
}

fn name_of(grant_id: &str) -> String {
    secret::s256(grant_id)[..22].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tokens_of_a_grant_are_taken_back_and_no_others() {
        let withdrawn = Withdrawn::new();
        let [first, second, other] = ["a", "a", "b"].map(new_token_id);
        assert_ne!(first, second);
        withdrawn.add("a", 100, 0);
        assert!(withdrawn.has_token(&first, 99) && withdrawn.has_token(&second, 99));
        assert!(withdrawn.contains("a", 99) && !withdrawn.contains("b", 99));
        assert!(!withdrawn.has_token(&other, 99) && !withdrawn.has_token("", 99));
        assert!(!withdrawn.has_token(&first, 100), "it has expired by itself");
    }
}
