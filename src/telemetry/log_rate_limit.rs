//! A flood of rejected requests must not fill the disk with log lines.
//!
//! No crate on the shelf counts what it leaves out per call site; logging rejections at `debug` would hide them from
//! operators. `faults::observability` floods the server and counts lines.

use std::{
    cell::Cell,
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tracing::{Event, Level, Subscriber, callsite::Identifier};
use tracing_subscriber::{Layer, layer};

/// How many lines one call site may write per second. At `debug` and `trace` there is no limit.
const MAX_LINES_PER_SECOND: u32 = 100;

thread_local! {
    static SUPPRESSED: Cell<u32> = const { Cell::new(0) };
}

/// Drops log lines above the limit, each call site by itself.
#[derive(Debug, Default)]
pub(super) struct LogRateLimit(Mutex<HashMap<Identifier, Window>>);

#[derive(Debug)]
struct Window {
    start: Instant,
    lines: u32,
}

impl LogRateLimit {
    /// How many lines the call site dropped in the second before, if it may write this one.
    fn check(&self, callsite: Identifier, now: Instant) -> Option<u32> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(callsite).or_insert(Window { start: now, lines: 0 });
        let mut suppressed = 0;
        if now.duration_since(window.start) >= Duration::from_secs(1) {
            suppressed = window.lines.saturating_sub(MAX_LINES_PER_SECOND);
            *window = Window { start: now, lines: 0 };
        }
        window.lines = window.lines.saturating_add(1);
        (window.lines <= MAX_LINES_PER_SECOND).then_some(suppressed)
    }

    /// How many lines were dropped before the one that this thread is writing.
    pub(super) fn take_suppressed() -> Option<u32> {
        Some(SUPPRESSED.take()).filter(|&count| count > 0)
    }
}

impl<S: Subscriber> Layer<S> for LogRateLimit {
    fn event_enabled(&self, event: &Event<'_>, _: layer::Context<'_, S>) -> bool {
        if *event.metadata().level() > Level::INFO {
            return true;
        }
        let allowed = self.check(event.metadata().callsite(), Instant::now());
        SUPPRESSED.set(allowed.unwrap_or_default());
        allowed.is_some()
    }
}

#[cfg(test)]
mod tests {
    use tracing::{Metadata, callsite::Callsite, subscriber::Interest};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    struct Site;

    impl Callsite for Site {
        fn set_interest(&self, _: Interest) {}
        fn metadata(&self) -> &Metadata<'_> {
            unreachable!("not called")
        }
    }

    #[test]
    fn lines_above_the_limit_are_counted_and_not_written() {
        let limit = LogRateLimit::default();
        let (site, start) = (Identifier(&Site), Instant::now());
        for _ in 0..MAX_LINES_PER_SECOND {
            assert_eq!(limit.check(site.clone(), start), Some(0));
        }
        for _ in 0..7 {
            assert_eq!(limit.check(site.clone(), start + SECOND / 2), None);
        }
        assert_eq!(limit.check(site.clone(), start + SECOND), Some(7), "the next second says so");
        assert_eq!(limit.check(site, start + SECOND), Some(0));
    }
}
