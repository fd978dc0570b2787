//! A cache of exchanged tokens, by the hash of the user's token.
//!
//! Concurrent calls with one token share one exchange. A token is used until shortly before it expires, and not longer
//! than the user's own token is valid. The size is bounded in bytes.

use std::{fmt, ops::Range};

use quick_cache::{Weighter, sync::Cache};
use sha2::{Digest, Sha256};

use super::{ExchangeError, ExchangedToken, now};

/// About 2,000 tokens of ordinary size.
const CAPACITY_BYTES: u64 = 4 * 1024 * 1024;
/// Memory of an entry beside its token.
const ENTRY_OVERHEAD_BYTES: u64 = 512;

/// The API must still accept the token when it arrives there, by its own clock.
const EXPIRY_MARGIN_SECONDS: u64 = 10;

/// How long a failure is remembered: a client that repeats its call causes no request each time.
const RETRY_AFTER_SECONDS: u64 = 5;

type Key = [u8; 32];
type Result = std::result::Result<ExchangedToken, ExchangeError>;

/// The outcome of one exchange.
#[derive(Clone)]
struct Entry {
    result: Result,
    /// In seconds since 1970. The start matters when the clock is set back: see the cache of verified tokens.
    valid: Range<u64>,
}

impl Entry {
    fn new(result: Result, subject_expires_at: u64, now: u64) -> Self {
        let until = match &result {
            // Without an expiration time it may have expired already (RFC 8693, 2.2.1: RECOMMENDED).
            Ok(token) => token.expires_at.unwrap_or_default().saturating_sub(EXPIRY_MARGIN_SECONDS),
            Err(_) => now + RETRY_AFTER_SECONDS,
        };
        Self { result, valid: now..until.min(subject_expires_at) }
    }
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Key, Entry> for Weight {
    fn weight(&self, _: &Key, entry: &Entry) -> u64 {
        let token = entry.result.as_ref().map_or(0, |token| token.expose_secret().len() as u64);
        token + ENTRY_OVERHEAD_BYTES
    }
}

/// A bounded map from users' tokens to exchanged ones.
pub(super) struct TokenCache(Cache<Key, Entry, Weight>);

impl Default for TokenCache {
    fn default() -> Self {
        let entries = usize::try_from(CAPACITY_BYTES / (4 * ENTRY_OVERHEAD_BYTES));
        Self(Cache::with_weighter(entries.unwrap_or(usize::MAX), CAPACITY_BYTES, Weight))
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("len", &self.0.len()).finish_non_exhaustive()
    }
}

impl TokenCache {
    /// The exchanged token of `subject`, which expires at `expires_at`; `exchange` runs if there is none.
    pub(super) async fn get_or_insert(
        &self,
        subject: &str,
        expires_at: u64,
        exchange: impl Future<Output = Result>,
    ) -> Result {
        let key = key(subject);
        let started = now();
        if self.0.get(&key).is_some_and(|entry| !entry.valid.contains(&started)) {
            self.0.remove(&key);
        }
        let entry = self.0.get_or_insert_async(&key, async {
            match exchange.await {
                // Nobody was asked about this token.
                Err(ExchangeError::Busy) => Err(ExchangeError::Busy),
                result => Ok(Entry::new(result, expires_at, started)),
            }
        });
        entry.await?.result
    }

    /// Forgets the exchanged token of `subject`.
    pub(super) fn remove(&self, subject: &str) {
        self.0.remove(&key(subject));
    }
}

fn key(subject: &str) -> Key {
    Sha256::digest(subject).into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn token(expires_at: Option<u64>) -> ExchangedToken {
        ExchangedToken { token: Arc::new("e.f.g".into()), expires_at }
    }

    #[test]
    fn a_token_is_used_until_shortly_before_the_first_of_the_two_expires() {
        let refused = || Err(ExchangeError::SubjectToken);
        for (name, result, subject_expires_at, expected) in [
            ("it expires first", Ok(token(Some(160))), 400, 150),
            ("the user's token expires first", Ok(token(Some(1_000))), 130, 130),
            ("it is as good as expired", Ok(token(Some(105))), 400, 95),
            ("nobody knows when it expires", Ok(token(None)), 400, 0),
            ("refused", refused(), 400, 105),
            ("refused, of a token that expires", refused(), 102, 102),
        ] {
            let valid = Entry::new(result, subject_expires_at, 100).valid;
            assert_eq!((valid.start, valid.end), (100, expected), "{name}");
        }
    }

    #[tokio::test]
    async fn the_size_is_bounded_and_no_token_is_shown() {
        let cache = TokenCache::default();
        let long = ExchangedToken {
            token: Arc::new("x".repeat(16 * 1024).into()),
            expires_at: Some(u64::MAX),
        };
        for number in 0..1_000 {
            let exchange = async { Ok(long.clone()) };
            let _ = cache.get_or_insert(&number.to_string(), u64::MAX, exchange).await;
        }
        assert!(cache.0.weight() <= CAPACITY_BYTES, "{}", cache.0.weight());
        assert!(cache.0.len() as u64 <= CAPACITY_BYTES / (16 * 1024), "{} entries", cache.0.len());
        assert!(!format!("{cache:?} {long:?}").contains("xx"));
    }
}
