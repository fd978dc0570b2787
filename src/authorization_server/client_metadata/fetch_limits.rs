//! How often documents are fetched.
//!
//! Anybody can make this server fetch, by a request with a `client_id` of their own. Documents of clients that a user has
//! allowed something have limits of their own, so that a flood of others does not keep these users from logging in.

use std::sync::Mutex;

use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use crate::authorization_server::{throttle::FixedWindowLimiter, ttl_map::TtlMap};

/// Each of the two groups of documents.
const MAX_CONCURRENT: usize = 4;
const MAX_PER_MINUTE: u32 = 60;
const MAX_KNOWN: usize = 500;
/// Seconds until a document is forgotten whose client nobody uses any more: thirty days.
const KNOWN_TTL: u64 = 30 * 24 * 3600;

#[derive(Debug)]
pub(super) struct FetchLimits {
    /// By URL. Not by host: anybody can name other documents of a host that many use.
    known_documents: Mutex<TtlMap<()>>,
    known: Limits,
    unknown: Limits,
}

#[derive(Debug)]
struct Limits {
    permits: Semaphore,
    limiter: FixedWindowLimiter,
}

impl Limits {
    fn new() -> Self {
        Self {
            permits: Semaphore::new(MAX_CONCURRENT),
            limiter: FixedWindowLimiter::per_minute(MAX_PER_MINUTE),
        }
    }
}

impl FetchLimits {
    pub(super) fn new() -> Self {
        let known_documents = Mutex::new(TtlMap::new(MAX_KNOWN));
        Self { known_documents, known: Limits::new(), unknown: Limits::new() }
    }

    /// A user allowed the client of this document something. A valid document is not enough: anybody can publish one.
    pub(super) fn mark_known(&self, url: &Url, now: u64) {
        let mut known = self.known_documents.lock().expect("not poisoned");
        known.insert(url.to_string(), (), now + KNOWN_TTL, now);
    }

    /// A permit for one fetch, if the limits allow another one now.
    pub(super) fn acquire(&self, url: &Url, now: u64) -> Option<SemaphorePermit<'_>> {
        let known = self.known_documents.lock().expect("not poisoned").contains(url.as_str(), now);
        let limits = if known { &self.known } else { &self.unknown };
        limits.limiter.count(now).ok()?;
        limits.permits.try_acquire().ok()
    }
}
