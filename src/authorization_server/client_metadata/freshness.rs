//! How long a response may be cached.
//!
//! Specs: RFC 9111 sections 4.2 and 5.2.

use axum::http::{HeaderMap, header};

/// Seconds for a response without a lifetime of its own.
const DEFAULT_TTL: u64 = 60;
const MAX_TTL: u64 = 24 * 3600;

/// RFC 9111, 4.2.1, for a shared cache: `s-maxage`, `max-age`, `Expires`, in this order, less the `Age`.
pub(super) fn freshness(headers: &HeaderMap) -> u64 {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let control = text(header::CACHE_CONTROL).unwrap_or_default().to_ascii_lowercase();
    let directives =
        control.split(',').map(|part| part.trim().split_once('=').unwrap_or((part.trim(), "")));
    if directives.clone().any(|(name, _)| ["no-store", "no-cache", "private"].contains(&name)) {
        return 0;
    }
    let seconds = |wanted| {
        let (_, value) = directives.clone().find(|(name, _)| *name == wanted)?;
        Some(value.trim_matches('"').parse::<u64>().unwrap_or(0))
    };
    let lifetime = seconds("s-maxage").or_else(|| seconds("max-age")).or_else(|| {
        // An invalid date means expired (RFC 9111, 5.3).
        let time =
            |text| jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp().as_second());
        let expires = text(header::EXPIRES)?;
        let date =
            text(header::DATE).and_then(time).unwrap_or_else(|| jiff::Timestamp::now().as_second());
        Some(time(expires).map_or(0, |expires| u64::try_from(expires - date).unwrap_or(0)))
    });
    let age = text(header::AGE).and_then(|age| age.parse().ok()).unwrap_or(0);
    lifetime.unwrap_or(DEFAULT_TTL).saturating_sub(age).min(MAX_TTL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_cached_as_long_as_http_says() {
        let ttl = |headers: &[(&'static str, &str)]| {
            freshness(
                &headers
                    .iter()
                    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                    .collect(),
            )
        };
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (headers, expected) in [
            (&[][..], DEFAULT_TTL),
            (&[("cache-control", "max-age=300")], 300),
            (&[("cache-control", "Public, Max-Age=\"300\", s-maxage=20")], 20),
            (&[("cache-control", "max-age=300"), ("age", "100")], 200),
            (&[("cache-control", "max-age=300, no-store")], 0),
            (&[("cache-control", "private")], 0),
            (&[("cache-control", "max-age=nonsense")], 0),
            (&[("cache-control", "max-age=99999999")], MAX_TTL),
            (&[date, ("expires", "Sun, 06 Nov 1994 08:50:37 GMT")], 60),
            (&[date, ("expires", "Sun, 06 Nov 1994 08:00:00 GMT")], 0),
            (&[("expires", "0")], 0),
        ] {
            assert_eq!(ttl(headers), expected, "{headers:?}");
        }
    }
}
