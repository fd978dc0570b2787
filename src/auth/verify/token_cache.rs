//! A cache of verified tokens: verifying a signature costs more than everything else in a request.
//!
//! The key of an entry is the whole token, so a token with another signature is another key. Only tokens that passed
//! every check are stored. An entry is valid until the token expires, for [`MAX_AGE_SECONDS`] at most, and only as long
//! as the issuers' keys are those that verified it (their generation). Scopes, policy and revocation are decided on
//! every request; the cache only answers "who is the caller?". Its size is bounded in bytes, and only validly signed
//! tokens enter it.

use std::ops::Range;

use quick_cache::{Weighter, sync::Cache};

use crate::principal::Principal;

/// How long a verified token may be cached, in seconds.
pub const MAX_AGE_SECONDS: u64 = 60;

/// The default capacity: about 15,000 tokens of ordinary size.
pub const DEFAULT_CAPACITY_BYTES: u64 = 24 * 1024 * 1024;

/// Memory of an entry beside its token: the identity and the cache's own data.
const ENTRY_OVERHEAD_BYTES: u64 = 768;

/// Memory of a scope or role beside its text: an element of a set, and the allocation.
const ELEMENT_OVERHEAD_BYTES: u64 = 48;

/// A bounded map from tokens to callers; `None` caches nothing.
#[derive(Debug)]
pub(super) struct TokenCache(Option<Cache<Box<str>, Entry, Weight>>);

#[derive(Debug, Clone)]
struct Entry {
    principal: Principal,
    generation: u64,
    /// When it is valid, in seconds since 1970. The start matters when the clock is set back: then the entry must
    /// not stay valid until that time comes again.
    times: Range<u64>,
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Box<str>, Entry> for Weight {
    fn weight(&self, token: &Box<str>, Entry { principal, .. }: &Entry) -> u64 {
        // A short role takes many times its bytes in memory.
        let elements = principal.scopes.iter().chain(principal.roles.iter().map(String::as_str));
        token.len() as u64
            + ENTRY_OVERHEAD_BYTES
            + elements.map(|text| text.len() as u64 + ELEMENT_OVERHEAD_BYTES).sum::<u64>()
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self::new(DEFAULT_CAPACITY_BYTES)
    }
}

impl TokenCache {
    /// A cache of this many bytes; 0 caches nothing.
    pub(super) fn new(capacity: u64) -> Self {
        let entries = usize::try_from(capacity / (2 * ENTRY_OVERHEAD_BYTES)).unwrap_or(usize::MAX);
        Self((capacity > 0).then(|| Cache::with_weighter(entries, capacity, Weight)))
    }

    /// The caller of a cached token. `now` is in seconds since 1970.
    pub(super) fn get(&self, token: &str, now: u64, generation: u64) -> Option<Principal> {
        let entry = self.0.as_ref()?.get(token)?;
        let valid = entry.times.contains(&now) && generation == entry.generation;
        valid.then_some(entry.principal)
    }

    /// Stores a token that passed every check. `generation` is that of the keys before the checks began.
    pub(super) fn insert(&self, token: &str, principal: &Principal, now: u64, generation: u64) {
        if let Some(cache) = &self.0 {
            let until = principal.expires_at.min(now + MAX_AGE_SECONDS);
            let entry = Entry { principal: principal.clone(), generation, times: now..until };
            cache.insert(token.into(), entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support;

    #[test]
    fn an_entry_is_found_by_the_whole_token_and_only_while_it_is_valid() {
        let cache = TokenCache::default();
        cache.insert("a.b.c", &test_support::principal("alice", "", &[]), 100, 1);
        assert_eq!(cache.get("a.b.c", 100 + MAX_AGE_SECONDS - 1, 1).unwrap().display_name, "alice");
        for (token, now) in [
            ("a.b.c", 100 + MAX_AGE_SECONDS),
            ("a.b.c", 99),
            ("a.b.d", 100),
            ("a.b.", 100),
            ("a.b.cc", 100),
        ] {
            assert!(cache.get(token, now, 1).is_none(), "{token} at {now}");
        }
        assert!(cache.get("a.b.c", 100, 2).is_none(), "other keys");
    }

    #[test]
    fn many_tokens_stay_within_the_capacity() {
        let roles: Vec<_> = (0..500).map(|number| number.to_string()).collect();
        let roles: Vec<_> = roles.iter().map(String::as_str).collect();
        let alice = test_support::principal("alice", "mcp:read mcp:tools", &["user"]);
        let heavy = test_support::principal("heavy", "", &roles);
        for (capacity, principal) in [(4_000_000, &alice), (4_000_000, &heavy), (5_000, &alice)] {
            let cache = TokenCache::new(capacity);
            for number in 0..20_000 {
                cache.insert(&format!("{number:0>700}"), principal, 100, 0);
            }
            let cache = cache.0.unwrap();
            assert!(cache.weight() <= capacity, "{} of {capacity}", cache.weight());
            let lightest =
                700 + ENTRY_OVERHEAD_BYTES + principal.roles.len() as u64 * ELEMENT_OVERHEAD_BYTES;
            assert!(cache.len() as u64 * lightest <= capacity, "{} entries", cache.len());
        }
    }

    #[test]
    fn without_capacity_nothing_is_cached() {
        let cache = TokenCache::new(0);
        cache.insert("a.b.c", &test_support::principal("alice", "", &[]), 100, 1);
        assert!(cache.get("a.b.c", 100, 1).is_none());
    }
}
