//! Verified tokens, remembered for a short while: checking a signature costs more than all the rest of a request.
//!
//! Why this is safe. An entry is found by the whole token, never by a part of it, so a token with another signature is
//! another key. Only tokens that passed every check are kept. An entry is good until the token expires, for
//! [`MAX_AGE`] at the most, and only under the keys that were there when it was made: it carries their generation.
//! Scopes and policy are decided anew on every request; the cache only answers "who is this?". Its size is bounded by weight, and a flood of
//! different tokens must each be validly signed to enter at all.

use std::ops::Range;

use quick_cache::{Weighter, sync::Cache};

use crate::principal::Principal;

/// How long a verified token is believed without another look, in seconds.
pub const MAX_AGE: u64 = 60;

/// How much the cache may hold, in bytes of tokens and what is kept with them.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// What an entry weighs beside its token, in bytes: the identity and the cache's own bookkeeping.
const OVERHEAD: u64 = 512;

/// A bounded map from tokens to the callers whom they describe.
#[derive(Debug)]
pub(crate) struct TokenCache(Cache<Box<str>, Entry, Weight>);

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
    fn weight(&self, token: &Box<str>, _: &Entry) -> u64 {
        token.len() as u64 + OVERHEAD
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        #[allow(clippy::cast_possible_truncation)] // a constant
        Self(Cache::with_weighter((CAPACITY / (2 * OVERHEAD)) as usize, CAPACITY, Weight))
    }
}

impl TokenCache {
    /// The caller of a token that was verified not long ago. `now` in seconds since 1970.
    pub(crate) fn get(&self, token: &str, now: u64, generation: u64) -> Option<Principal> {
        let entry = self.0.get(token)?;
        let good = entry.times.contains(&now) && generation == entry.generation;
        good.then_some(entry.principal)
    }

    /// Remembers a token that has just passed every check. `generation` is that of the keys before the checks began.
    pub(crate) fn insert(&self, token: &str, principal: &Principal, now: u64, generation: u64) {
        let until = principal.expires_at.min(now + MAX_AGE);
        let entry = Entry { principal: principal.clone(), generation, times: now..until };
        self.0.insert(token.into(), entry);
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
        let cache = TokenCache::default();
        let alice = Principal::for_test("alice", "", &[]);
        for number in 0..60_000 {
            cache.insert(&format!("{number:0>700}"), &alice, 100, 0);
        }
        assert!(cache.0.weight() <= CAPACITY, "{}", cache.0.weight());
    }
}
