//! Slows down whoever guesses passwords or secrets, without letting them fill memory or shut a door for long.
//!
//! Rules: RFC 6749 section 2.3.1 (the server must protect secrets against brute force) and section 10.10.

use std::sync::Mutex;

use super::expiring::Expiring;

/// Attempts that cost nothing but the attempt.
const FREE: u32 = 5;
/// The longest time that one wrong attempt closes the door for, in seconds.
const LONGEST: u64 = 30;
/// Quiet time after which failures are forgotten, in seconds.
const FORGET: u64 = 900;
/// Names that are counted at once.
const NAMES: usize = 4096;

#[derive(Debug, Default)]
struct Failures {
    count: u32,
    closed_until: u64,
}

/// Counts attempts by name: after five, each further one waits 1, 2, 4 .. 30 seconds.
///
/// Names must come from a list that strangers cannot extend: accounts, or clients that hold a secret.
#[derive(Debug)]
pub(super) struct Throttle(Mutex<Expiring<Failures>>);

impl Throttle {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Expiring::new(NAMES)))
    }

    /// Before a secret is looked at. The attempt counts at once, so that a hundred parallel guesses are a hundred.
    ///
    /// # Errors
    /// The seconds to wait.
    pub(super) fn attempt(&self, name: &str, now: u64) -> Result<(), u64> {
        let mut names = self.0.lock().expect("no panic while counting");
        let mut failures = names.remove(name, now).unwrap_or_default();
        // When the clock is set back, the door must not stay closed until the old time comes again.
        failures.closed_until = failures.closed_until.min(now + LONGEST);
        let outcome = if failures.closed_until > now {
            Err(failures.closed_until - now)
        } else {
            failures.count = failures.count.saturating_add(1);
            if failures.count >= FREE {
                let wait = 1_u64 << (failures.count - FREE).min(5);
                failures.closed_until = now + wait.min(LONGEST);
            }
            Ok(())
        };
        names.insert(name.to_owned(), failures, now + FORGET, now);
        outcome
    }

    /// The secret was right: nothing is held against this name.
    pub(super) fn forget(&self, name: &str, now: u64) {
        let mut names = self.0.lock().expect("no panic while counting");
        names.remove(name, now);
    }
}

/// So many in a minute, whoever asks: for doors at which nobody says who they are.
#[derive(Debug)]
pub(super) struct PerMinute {
    limit: u32,
    /// The minute, and how many it has seen.
    seen: Mutex<(u64, u32)>,
}

impl PerMinute {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, seen: Mutex::new((0, 0)) }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// The seconds until the next minute, when this one is full.
    pub(super) fn count(&self, now: u64) -> Result<(), u64> {
        let mut seen = self.seen.lock().expect("no panic while counting");
        if seen.0 != now / 60 {
            *seen = (now / 60, 0);
        }
        seen.1 = seen.1.saturating_add(1);
        if seen.1 > self.limit { Err(60 - now % 60) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_gets_slower_and_a_right_answer_is_a_clean_slate() {
        let throttle = Throttle::new();
        for attempt in 1..=5 {
            assert_eq!(throttle.attempt("alice", 100), Ok(()), "{attempt}");
        }
        assert_eq!(throttle.attempt("alice", 100), Err(1));
        assert_eq!(throttle.attempt("bob", 100), Ok(()), "others are not concerned");
        assert_eq!(throttle.attempt("alice", 101), Ok(()));
        assert_eq!(throttle.attempt("alice", 101), Err(2));
        let mut now = 103;
        for _ in 0..20 {
            assert_eq!(throttle.attempt("alice", now), Ok(()));
            now += throttle.attempt("alice", now).unwrap_err();
        }
        assert_eq!(throttle.attempt("alice", now), Ok(()));
        assert_eq!(throttle.attempt("alice", now), Err(30), "never longer than this");
        throttle.forget("alice", now);
        assert_eq!(throttle.attempt("alice", now), Ok(()));
        assert_eq!(throttle.attempt("alice", now), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_closes_no_door_for_long() {
        let throttle = Throttle::new();
        for _ in 0..5 {
            let _ = throttle.attempt("alice", 10_000);
        }
        assert_eq!(throttle.attempt("alice", 100), Err(30));
        assert_eq!(throttle.attempt("alice", 130), Ok(()));
    }

    #[test]
    fn a_minute_has_its_limit() {
        let rate = PerMinute::new(2);
        assert_eq!([90, 119, 119].map(|now| rate.count(now)), [Ok(()), Ok(()), Err(1)]);
        assert_eq!(rate.count(120), Ok(()));
    }
}
