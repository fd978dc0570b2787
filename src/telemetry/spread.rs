//! Numbers that every request adds to, whichever thread it is on.
//!
//! What all threads write to goes from core to core with every request, which takes longer than to count. So each thread
//! adds in a place of its own, and whoever wants to know the number adds the places up.

use std::{
    array, fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use metrics::HistogramFn;
use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, counter::Atomic},
};

/// More threads than this share places, which costs a little time and no number.
const PLACES: usize = 8;

/// Upper bounds of the histogram, in seconds: a request with a known token takes well under a millisecond.
const BOUNDS: [f64; 13] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, f64::INFINITY];

/// One value for each thread. What is near in memory moves together, up to two lines of 64 bytes.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place<T>(T);

fn mine<T>(places: &[Place<T>; PLACES]) -> &T {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static PLACE: usize = THREADS.fetch_add(1, Ordering::Relaxed) % PLACES;
    }
    &places[PLACE.with(|place| *place)].0
}

/// A count.
#[derive(Debug, Default)]
pub(super) struct Count([Place<AtomicU64>; PLACES]);

impl Atomic<u64> for Count {
    fn inc(&self) -> u64 {
        self.inc_by(1)
    }

    /// Adds, and gives what this thread had counted before.
    fn inc_by(&self, more: u64) -> u64 {
        mine(&self.0).fetch_add(more, Ordering::Relaxed)
    }

    fn get(&self) -> u64 {
        self.0.iter().map(|Place(part)| part.load(Ordering::Relaxed)).sum()
    }
}

/// How long things took.
#[derive(Debug, Clone, Default)]
pub(super) struct Durations(Arc<[Place<Ranges>; PLACES]>);

/// How many fell into each range, and the sum of all in nanoseconds.
#[derive(Debug, Default)]
struct Ranges {
    counts: [AtomicU64; BOUNDS.len()],
    sum: AtomicU64,
}

impl HistogramFn for Durations {
    fn record(&self, seconds: f64) {
        let range = BOUNDS.iter().position(|&bound| seconds <= bound).unwrap_or(BOUNDS.len() - 1);
        let mine = mine(&self.0);
        mine.counts[range].fetch_add(1, Ordering::Relaxed);
        mine.sum.fetch_add((seconds * 1e9) as u64, Ordering::Relaxed);
    }
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let total = |part: &dyn Fn(&Ranges) -> &AtomicU64| -> u64 {
            self.0.iter().map(|Place(ranges)| part(ranges).load(Ordering::Relaxed)).sum()
        };
        let counts: [_; BOUNDS.len()] =
            array::from_fn(|range| (BOUNDS[range], total(&|ranges| &ranges.counts[range])));
        let seconds = total(&|ranges| &ranges.sum) as f64 / 1e9;
        let count = counts.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(seconds, count, &counts, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_threads_count_is_counted_once_each() {
        const EACH: u64 = 10_000;
        let count = Count::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * PLACES {
                scope.spawn(|| {
                    for _ in 0..EACH {
                        count.inc();
                    }
                });
            }
        });
        assert_eq!(count.get(), 2 * PLACES as u64 * EACH);
    }
}
