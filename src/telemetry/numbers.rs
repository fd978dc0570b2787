//! Where the numbers are: what the crate `metrics` is told, kept as Prometheus asks for it.

use std::sync::{Arc, atomic::AtomicU64};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Label, Metadata, Recorder,
    SharedString, Unit,
};
use prometheus_client::{
    encoding::text,
    metrics::{counter, family::Family, gauge},
    registry::Registry,
};

use super::spread::{Count, Durations};

/// What is counted, and what it means. The format adds `_total` to the names. A counter that is new needs a line here.
const COUNTERS: [(&str, &str); 5] = [
    ("http_requests", "Answered requests"),
    ("mcp_calls", "JSON-RPC requests"),
    ("http_requests_rejected", "Rejected requests"),
    ("token_validations", "Validated access tokens"),
    ("jwks_fetches", "Key sets asked for at identity providers"),
];

/// The histogram.
pub(super) const DURATION: &str = "http_request_duration_seconds";

/// The gauge.
pub(super) const CONNECTIONS: &str = "http_connections_open";

type Labels = Vec<(String, String)>;

/// All numbers.
#[derive(Debug, Clone)]
pub struct Numbers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    counters: [Family<Labels, counter::Counter<u64, Count>>; COUNTERS.len()],
    durations: Durations,
    connections: Level,
}

impl Default for Numbers {
    fn default() -> Self {
        let mut registry = Registry::default();
        let counters = COUNTERS.map(|(name, help)| {
            let family = Family::default();
            registry.register(name, help, family.clone());
            family
        });
        let durations = Durations::default();
        let help = "From a request's headers to its answer's";
        registry.register(DURATION, help, durations.clone());
        let connections = Level::default();
        let help = "Connections, busy or idle";
        registry.register(CONNECTIONS, help, connections.0.clone());
        Self(Arc::new(Inner { registry, counters, durations, connections }))
    }
}

impl Numbers {
    /// Everything, in the format of OpenMetrics 1.0.
    pub fn render(&self) -> String {
        let mut page = String::new();
        text::encode(&mut page, &self.0.registry).expect("a string takes any text");
        page
    }
}

/// What has no place here is not counted.
impl Recorder for Numbers {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let name = key.name().strip_suffix("_total");
        let place = COUNTERS.iter().position(|(known, _)| Some(*known) == name);
        place.map_or_else(Counter::noop, |place| {
            let label = |label: &Label| (label.key().to_owned(), label.value().to_owned());
            let labels = key.labels().map(label).collect();
            let count = self.0.counters[place].get_or_create_owned(&labels);
            Counter::from_arc(Arc::new(Total(count)))
        })
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        match key.name() {
            CONNECTIONS => Gauge::from_arc(Arc::new(self.0.connections.clone())),
            _ => Gauge::noop(),
        }
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        match key.name() {
            DURATION => Histogram::from_arc(Arc::new(self.0.durations.clone())),
            _ => Histogram::noop(),
        }
    }
}

struct Total(counter::Counter<u64, Count>);

impl CounterFn for Total {
    fn increment(&self, more: u64) {
        self.0.inc_by(more);
    }

    fn absolute(&self, value: u64) {
        self.0.inc_by(value.saturating_sub(self.0.get()));
    }
}

/// A number that goes up and down.
#[derive(Debug, Clone, Default)]
struct Level(gauge::Gauge<f64, AtomicU64>);

impl GaugeFn for Level {
    fn increment(&self, by: f64) {
        self.0.inc_by(by);
    }

    fn decrement(&self, by: f64) {
        self.0.dec_by(by);
    }

    fn set(&self, value: f64) {
        self.0.set(value);
    }
}

#[cfg(test)]
mod tests {
    use metrics::{counter, gauge, histogram};

    use super::*;

    #[test]
    fn whatever_is_counted_stands_on_the_page() {
        let numbers = Numbers::default();
        metrics::with_local_recorder(&numbers, || {
            for (name, _) in COUNTERS {
                let count = counter!(format!("{name}_total"), "kind" => "a\"b");
                count.increment(2);
                count.absolute(3);
                count.absolute(1);
            }
            counter!("unknown_total").increment(1);
            gauge!("http_connections_open").increment(2);
            gauge!("http_connections_open").decrement(1);
            for seconds in [0.0001, 0.0002, 60.0] {
                histogram!("http_request_duration_seconds").record(seconds);
            }
        });
        let page = numbers.render();
        let counters = COUNTERS.map(|(name, _)| format!(r#"{name}_total{{kind="a\"b"}} 3"#));
        let others = [
            "http_connections_open 1.0",
            "http_request_duration_seconds_sum 60.0003",
            "http_request_duration_seconds_count 3",
            r#"http_request_duration_seconds_bucket{le="0.0001"} 1"#,
            r#"http_request_duration_seconds_bucket{le="0.00025"} 2"#,
            r#"http_request_duration_seconds_bucket{le="5.0"} 2"#,
            r#"http_request_duration_seconds_bucket{le="+Inf"} 3"#,
        ];
        for line in counters.iter().map(String::as_str).chain(others) {
            assert!(page.lines().any(|known| known == line), "{line} in:\n{page}");
        }
        assert!(!page.contains("unknown") && page.ends_with("# EOF\n"), "{page}");
    }
}
