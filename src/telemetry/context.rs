//! Which request is this? Known to every log line that is written while a request is in work.
//!
//! Rules: W3C Trace Context section 3.2 (`traceparent`). An id is not a secret and proves nothing: whoever must
//! rely on it has a proxy in front that sets it.

use std::{
    cell::Cell,
    fmt,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Carries the id of a request, both ways.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Longer ids are replaced by one of ours, in bytes.
const MAX_LENGTH: usize = 128;

tokio::task_local! {
    static CURRENT: Context;
}

/// What is known of a request before anything of it is read: its id, and the trace that it belongs to.
#[derive(Debug, Clone)]
pub struct Context {
    /// Taken from the request or made here.
    pub id: RequestId,
    trace: Option<HeaderValue>,
}

impl Context {
    /// Reads `x-request-id` and `traceparent`. What is malformed or given twice counts as absent.
    pub fn of(headers: &HeaderMap) -> Self {
        let id = single(headers, &REQUEST_ID).filter(|id| well_formed(id.as_bytes()));
        Self {
            id: id.map_or_else(RequestId::make, |id| RequestId(Origin::Taken(id.clone()))),
            trace: single(headers, &TRACEPARENT).cloned(),
        }
    }

    /// Runs `work` so that every log line in it carries this id.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// Shows the request in work, if there is one, to `show`.
    pub(super) fn with_current(show: impl FnOnce(&Self)) {
        let _ = CURRENT.try_with(show);
    }

    /// The trace of the caller, when its `traceparent` is one: 32 hexadecimal digits, not all zero.
    pub(super) fn trace_id(&self) -> Option<&str> {
        let text = self.trace.as_ref()?.to_str().ok()?;
        let mut parts = text.split('-');
        let [version, trace, parent, flags] =
            [parts.next(), parts.next(), parts.next(), parts.next()].map(Option::unwrap_or_default);
        let hex = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        // Version 00 ends here; a later one may go on, and ff is none.
        let ends = version != "00" || parts.next().is_none();
        let valid = hex(version, 2) && version != "ff" && hex(trace, 32) && hex(parent, 16);
        let some = |text: &str| text.bytes().any(|b| b != b'0');
        (valid && hex(flags, 2) && ends && some(trace) && some(parent)).then_some(trace)
    }
}

/// The id of a request: visible ASCII without anything that could break a line, a header or a JSON string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Origin);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Made(u64),
    Taken(HeaderValue),
}

impl RequestId {
    /// Sixteen hexadecimal digits, unique in this process and not to be confused with those of its neighbours.
    fn make() -> Self {
        static START: LazyLock<u64> = LazyLock::new(rand::random);
        let number = START.wrapping_add(next_number());
        // Neighbours shall look different; the steps of SplitMix64 lose no number, so ids stay unique.
        let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Self(Origin::Made((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)))
    }

    /// Puts the id on an answer.
    pub fn write_to(&self, headers: &mut HeaderMap) {
        let value = match &self.0 {
            Origin::Made(number) => {
                let digit = |index| b"0123456789abcdef"[(number >> (60 - 4 * index)) as usize & 15];
                let text: [u8; 16] = std::array::from_fn(digit);
                HeaderValue::from_bytes(&text).expect("hexadecimal digits fit into a header")
            }
            Origin::Taken(value) => value.clone(),
        };
        headers.insert(REQUEST_ID, value);
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Origin::Made(number) => write!(f, "{number:016x}"),
            Origin::Taken(value) => f.write_str(value.to_str().expect("checked when it was taken")),
        }
    }
}

/// A number that no other request of this process has. Each thread has a range of its own, and asks for the next one
/// when it is used up: what all threads add to would go from core to core with every request.
fn next_number() -> u64 {
    const RANGE: u64 = 1 << 16;
    static RANGES: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        static NEXT: Cell<u64> = const { Cell::new(0) };
    }
    let next = match NEXT.get() {
        // Used up, or the first of this thread.
        end if end % RANGE == 0 => RANGES.fetch_add(RANGE, Ordering::Relaxed),
        next => next,
    };
    NEXT.set(next + 1);
    next
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn well_formed(id: &[u8]) -> bool {
    let known = |&b: &u8| b.is_ascii_alphanumeric() || b"._:/=+@-".contains(&b);
    (1..=MAX_LENGTH).contains(&id.len()) && id.iter().all(known)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn context(name: HeaderName, values: &[&str]) -> Context {
        let value = |v: &&str| (name.clone(), HeaderValue::from_bytes(v.as_bytes()).unwrap());
        Context::of(&values.iter().map(value).collect())
    }

    #[test]
    fn an_id_is_taken_when_it_can_do_no_harm_and_made_otherwise() {
        let long = "x".repeat(MAX_LENGTH + 1);
        for (values, taken) in [
            (&["0b8e-4f"][..], true),
            (&["Root=1-67891233-abcdef012345678912345678"], true),
            (&[&long[1..]], true),
            (&[&long], false),
            (&[""], false),
            (&["a b"], false),
            (&["a\"b"], false),
            (&["a\\nb"], false),
            (&["\u{e9}"], false),
            (&["a", "a"], false),
            (&[], false),
        ] {
            let id = context(REQUEST_ID, values).id.to_string();
            assert_eq!(values.first() == Some(&id.as_str()), taken, "{values:?}");
            assert!(taken || id.len() == 16 && u64::from_str_radix(&id, 16).is_ok(), "{id}");
        }
    }

    #[test]
    fn no_two_requests_get_the_same_id_whichever_threads_they_are_on() {
        const EACH: usize = 70_000;
        let make = || (0..EACH).map(|_| RequestId::make().to_string()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(make)).collect();
        let ids: HashSet<_> = threads.into_iter().flat_map(|ids| ids.join().unwrap()).collect();
        assert_eq!(ids.len(), 4 * EACH);
    }

    #[test]
    fn a_trace_is_joined_when_it_is_one() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = "00f067aa0ba902b7";
        let zero = "0".repeat(32);
        for (value, expected) in [
            (format!("00-{trace}-{parent}-01"), Some(trace)),
            (format!("cc-{trace}-{parent}-01-what-else"), Some(trace)),
            (format!("00-{trace}-{parent}-01-what-else"), None),
            (format!("ff-{trace}-{parent}-01"), None),
            (format!("00-{zero}-{parent}-01"), None),
            (format!("00-{trace}-{}-01", &zero[..16]), None),
            (format!("00-{}-{parent}-01", trace.to_uppercase()), None),
            (format!("00-{trace}-{parent}"), None),
            (String::new(), None),
        ] {
            assert_eq!(context(TRACEPARENT, &[&value]).trace_id(), expected, "{value}");
        }
    }
}
