//! Verified tokens, remembered for a short while: checking a signature costs more than all the rest of a request.
//!
//! Why this is safe. An entry is found by the whole token, never by a part of it, so a token with another signature is
//! another key. Only tokens that passed every check are kept. An entry is good until the token expires, for
//! [`MAX_AGE`] at the most, and only under the keys that were there when it was made: it carries their generation.
//! Scopes and policy are decided anew on every request, and so is whether the issuer took the token back; the cache
//! only answers "who is this?". Its size is bounded by weight, and a flood of different tokens must each be validly
//! signed to enter at all.

use std::ops::Range;

use quick_cache::{Weighter, sync::Cache};

use crate::principal::Principal;

/// How long a verified token is believed without another look, in seconds.
pub const MAX_AGE: u64 = 60;

/// How much a cache may hold unless a setting says otherwise, in bytes: 15,000 tokens of ordinary size.
pub const DEFAULT_CAPACITY: u64 = 24 * 1024 * 1024;

/// What an entry weighs beside its token, in bytes: the identity and the cache's own bookkeeping.
const OVERHEAD: u64 = 768;

/// What a scope or a role weighs beside its text: its place in a set, and the allocation.
const WORD: u64 = 48;

/// A bounded map from tokens to the callers whom they describe; `None` remembers nothing.
#[derive(Debug)]
pub(super) struct TokenCache(Option<Cache<Box<str>, Entry, Weight>>);

#[derive(Debug, Clone)]
struct Entry {
    principal: Principal,
    generation: u64,
    /// When it may be believed, in seconds since 1970. It has a beginning, too: when the clock is set back, an entry
    /// must not live on until the old time comes again.
    times: Range<u64>,
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Box<str>, Entry> for Weight {
    fn weight(&self, token: &Box<str>, Entry { principal, .. }: &Entry) -> u64 {
        // A token lists more roles than it has room for in memory: each of them takes ten times its bytes.
        let words = principal.scopes.iter().chain(principal.roles.iter().map(String::as_str));
        token.len() as u64 + OVERHEAD + words.map(|word| word.len() as u64 + WORD).sum::<u64>()
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self::new(DEFAULT_CAPACITY)
    }
}

impl TokenCache {
    /// A cache for so many bytes of tokens and of what is kept with them; 0 remembers nothing.
    pub(super) fn new(capacity: u64) -> Self {
        let entries = usize::try_from(capacity / (2 * OVERHEAD)).unwrap_or(usize::MAX);
        Self((capacity > 0).then(|| Cache::with_weighter(entries, capacity, Weight)))
    }

    /// The caller of a token that was verified not long ago. `now` in seconds since 1970.
    pub(super) fn get(&self, token: &str, now: u64, generation: u64) -> Option<Principal> {
        let entry = self.0.as_ref()?.get(token)?;
        let good = entry.times.contains(&now) && generation == entry.generation;
        good.then_some(entry.principal)
    }

    /// Remembers a token that has just passed every check. `generation` is that of the keys before the checks began.
    pub(super) fn insert(&self, token: &str, principal: &Principal, now: u64, generation: u64) {
        if let Some(cache) = &self.0 {
            let until = principal.expires_at.min(now + MAX_AGE);
            let entry = Entry { principal: principal.clone(), generation, times: now..until };
            cache.insert(token.into(), entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_the_whole_token_and_only_while_it_is_good() {
        let cache = TokenCache::default();
        cache.insert("a.b.c", &Principal::for_test("alice", "", &[]), 100, 1);
        assert_eq!(cache.get("a.b.c", 100 + MAX_AGE - 1, 1).unwrap().name, "alice");
        for (token, now) in [
            ("a.b.c", 100 + MAX_AGE),
            ("a.b.c", 99),
            ("a.b.d", 100),
            ("a.b.", 100),
            ("a.b.cc", 100),
        ] {
            assert!(cache.get(token, now, 1).is_none(), "{token} at {now}");
        }
        assert!(cache.get("a.b.c", 100, 2).is_none(), "the keys are others now");
    }

    #[test]
    fn a_flood_of_tokens_stays_within_the_bound() {
        let roles: Vec<_> = (0..500).map(|number| number.to_string()).collect();
        let roles: Vec<_> = roles.iter().map(String::as_str).collect();
        let alice = Principal::for_test("alice", "mcp:read mcp:tools", &["user"]);
        let heavy = Principal::for_test("heavy", "", &roles);
        for (capacity, principal) in [(4_000_000, &alice), (4_000_000, &heavy), (5_000, &alice)] {
            let cache = TokenCache::new(capacity);
            for number in 0..20_000 {
                cache.insert(&format!("{number:0>700}"), principal, 100, 0);
            }
            let cache = cache.0.unwrap();
            assert!(cache.weight() <= capacity, "{} of {capacity}", cache.weight());
            let lightest = 700 + OVERHEAD + principal.roles.len() as u64 * WORD;
            assert!(cache.len() as u64 * lightest <= capacity, "{} entries", cache.len());
        }
    }

    #[test]
    fn without_room_nothing_is_remembered() {
        let cache = TokenCache::new(0);
        cache.insert("a.b.c", &Principal::for_test("alice", "", &[]), 100, 1);
        assert!(cache.get("a.b.c", 100, 1).is_none());
    }
}
