//! A flood of requests must not become a flood of log lines: whoever is refused a hundred thousand times would fill the
//! disk, and writing costs more than refusing.

use std::{
    cell::Cell,
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tracing::{Event, Level, Subscriber, callsite::Identifier};
use tracing_subscriber::{Layer, layer};

/// How often the same place in the code may write in a second. Whoever asks for `debug` gets every line.
const LINES: u32 = 100;

const SECOND: Duration = Duration::from_secs(1);

thread_local! {
    static LEFT_OUT: Cell<u32> = const { Cell::new(0) };
}

/// Leaves out lines beyond the bound, place by place, so that none hides the others.
#[derive(Debug, Default)]
pub(super) struct Brake(Mutex<HashMap<Identifier, Window>>);

#[derive(Debug)]
struct Window {
    since: Instant,
    lines: u32,
}

impl Brake {
    /// How many lines the place left out in the second before, if it may write this one.
    fn pass(&self, place: Identifier, now: Instant) -> Option<u32> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = places.entry(place).or_insert(Window { since: now, lines: 0 });
        let mut left_out = 0;
        if now.duration_since(window.since) >= SECOND {
            left_out = window.lines.saturating_sub(LINES);
            *window = Window { since: now, lines: 0 };
        }
        window.lines = window.lines.saturating_add(1);
        (window.lines <= LINES).then_some(left_out)
    }

    /// How many lines were left out before the one that is being written on this thread.
    pub(super) fn left_out() -> Option<u32> {
        Some(LEFT_OUT.take()).filter(|&count| count > 0)
    }
}

impl<S: Subscriber> Layer<S> for Brake {
    fn event_enabled(&self, event: &Event<'_>, _: layer::Context<'_, S>) -> bool {
        if *event.metadata().level() > Level::INFO {
            return true;
        }
        let passed = self.pass(event.metadata().callsite(), Instant::now());
        LEFT_OUT.set(passed.unwrap_or_default());
        passed.is_some()
    }
}

#[cfg(test)]
mod tests {
    use tracing::{Metadata, callsite::Callsite, subscriber::Interest};

    use super::*;

    struct Place;

    impl Callsite for Place {
        fn set_interest(&self, _: Interest) {}
        fn metadata(&self) -> &Metadata<'_> {
            unreachable!("nobody asks")
        }
    }

    #[test]
    fn beyond_a_hundred_a_second_lines_are_counted_and_not_written() {
        let brake = Brake::default();
        let (place, start) = (Identifier(&Place), Instant::now());
        for _ in 0..LINES {
            assert_eq!(brake.pass(place.clone(), start), Some(0));
        }
        for _ in 0..7 {
            assert_eq!(brake.pass(place.clone(), start + SECOND / 2), None);
        }
        assert_eq!(brake.pass(place.clone(), start + SECOND), Some(7), "the next second says so");
        assert_eq!(brake.pass(place, start + SECOND), Some(0));
    }
}
