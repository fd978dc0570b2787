//! How often documents are fetched.
//!
//! Anybody can make this server fetch, by a request with a `client_id` of their own. Hosts whose clients a user has allowed
//! something have limits of their own, so that a flood of others does not keep these users from logging in.

use std::sync::Mutex;

use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use crate::authorization_server::{throttle::FixedWindowLimiter, ttl_map::TtlMap};

/// Each of the two groups of hosts.
const MAX_CONCURRENT: usize = 4;
const MAX_PER_MINUTE: u32 = 60;
const MAX_KNOWN_HOSTS: usize = 500;
/// Seconds until a host is forgotten whose clients nobody uses any more: thirty days.
const KNOWN_HOST_TTL: u64 = 30 * 24 * 3600;

#[derive(Debug)]
pub(super) struct FetchLimits {
    known_hosts: Mutex<TtlMap<()>>,
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
        let known_hosts = Mutex::new(TtlMap::new(MAX_KNOWN_HOSTS));
        Self { known_hosts, known: Limits::new(), unknown: Limits::new() }
    }

    /// A user allowed a client of this host something. A valid document is not enough: anybody can publish one.
    pub(super) fn mark_known(&self, url: &Url, now: u64) {
        let mut known = self.known_hosts.lock().expect("not poisoned");
        known.insert(url.authority().to_owned(), (), now + KNOWN_HOST_TTL, now);
    }

    /// A permit for one fetch, if the limits allow another one now.
    pub(super) fn acquire(&self, url: &Url, now: u64) -> Option<SemaphorePermit<'_>> {
        let known = self.known_hosts.lock().expect("not poisoned").contains(url.authority(), now);
        let limits = if known { &self.known } else { &self.unknown };
        limits.limiter.count(now).ok()?;
        limits.permits.try_acquire().ok()
    }
}
