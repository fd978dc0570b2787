//! Limits on requests that anybody may send, and slow answers to wrong passwords.
//!
//! Specs: RFC 6749 section 10.10. What this server generates (client secrets, codes, refresh tokens) has 256 random
//! bits and needs no throttle. A throttle that rejects attempts would let anybody lock an account, and as this server
//! listens on a loopback address only, all requests come from one source. So the right password always works at once, and
//! only the answer to a wrong one is delayed, or refused when too many are. That slows down whoever waits for answers, and
//! not a program that sends guesses side by side: accounts need passwords that cannot be guessed.

use std::{sync::Mutex, time::Duration};

use tokio::sync::Semaphore;

/// Wrong passwords whose answer is not delayed.
const FREE_ATTEMPTS: u32 = 5;
const MAX_DELAY: Duration = Duration::from_secs(8);
/// Failures are forgotten after this time without one, in seconds.
const QUIET_PERIOD: u64 = 900;

/// How many answers are held back at once: each of them occupies a request.
const MAX_HELD_BACK: usize = 16;

/// Delays the answers to wrong passwords: 1, 2, 4, 8 seconds after the free attempts.
#[derive(Debug)]
pub(super) struct FailureDelay {
    failures: Mutex<Failures>,
    permits: Semaphore,
}

#[derive(Debug, Default)]
struct Failures {
    count: u32,
    last: u64,
}

impl Default for FailureDelay {
    fn default() -> Self {
        Self { failures: Mutex::default(), permits: Semaphore::new(MAX_HELD_BACK) }
    }
}

impl FailureDelay {
    /// Counts a failure and returns when it may be answered.
    ///
    /// # Errors
    /// The seconds after which to try again, at once, when too many answers are held back already.
    pub(super) async fn hold_back(&self, now: u64) -> Result<(), u64> {
        let delay = self.count(now);
        if !delay.is_zero() {
            let _permit = self.permits.try_acquire().map_err(|_| MAX_DELAY.as_secs())?;
            tokio::time::sleep(delay).await;
        }
        Ok(())
    }

    fn count(&self, now: u64) -> Duration {
        let mut failures = self.failures.lock().expect("not poisoned");
        if now.saturating_sub(failures.last) >= QUIET_PERIOD {
            failures.count = 0;
        }
        failures.last = now;
        failures.count = failures.count.saturating_add(1);
        match failures.count.checked_sub(FREE_ATTEMPTS + 1) {
            None => Duration::ZERO,
            Some(further) => MAX_DELAY.min(Duration::from_secs(1 << further.min(5))),
        }
    }
}

/// At most `limit` requests a minute, whoever sends them.
#[derive(Debug)]
pub(super) struct FixedWindowLimiter {
    limit: u32,
    /// The minute, and the requests counted in it.
    window: Mutex<(u64, u32)>,
}

impl FixedWindowLimiter {
    pub(super) fn per_minute(limit: u32) -> Self {
        Self { limit, window: Mutex::new((0, 0)) }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The seconds until the next minute, when the limit of this one is reached.
    pub(super) fn count(&self, now: u64) -> Result<(), u64> {
        let mut window = self.window.lock().expect("not poisoned");
        if window.0 != now / 60 {
            *window = (now / 60, 0);
        }
        window.1 = window.1.saturating_add(1);
        if window.1 > self.limit { Err(60 - now % 60) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_answers_to_wrong_passwords_get_slower_up_to_a_limit() {
        let failures = FailureDelay::default();
        let delays = || failures.count(10_000).as_secs();
        let seen: Vec<_> = (0..11).map(|_| delays()).collect();
        assert_eq!(seen, [0, 0, 0, 0, 0, 1, 2, 4, 8, 8, 8]);
        assert_eq!(failures.count(10_000 + QUIET_PERIOD), Duration::ZERO, "forgotten");
        assert_eq!(failures.count(0), Duration::ZERO, "a clock that is set back does no harm");
    }

    #[tokio::test]
    async fn only_so_many_answers_are_held_back_and_the_others_are_refused_at_once() {
        let failures = Arc::new(FailureDelay::default());
        let waiting: Vec<_> = (0..FREE_ATTEMPTS as usize + MAX_HELD_BACK)
            .map(|_| {
                let failures = Arc::clone(&failures);
                tokio::spawn(async move { failures.hold_back(10_000).await })
            })
            .collect();
        // Each of them has reached its delay, or is done.
        tokio::task::yield_now().await;
        assert_eq!(failures.hold_back(10_000).await, Err(8));
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
    }

    #[test]
    fn a_minute_has_its_limit() {
        let limiter = FixedWindowLimiter::per_minute(2);
        assert_eq!([90, 119, 119].map(|now| limiter.count(now)), [Ok(()), Ok(()), Err(1)]);
        assert_eq!(limiter.count(120), Ok(()));
    }
}
