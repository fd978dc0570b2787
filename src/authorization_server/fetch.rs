//! Fetches a document from wherever a stranger says, without being of use to the stranger.
//!
//! Rules: Client ID Metadata Document draft, sections 4 and 6 (https, no redirect, bounded size, no special-purpose
//! addresses), RFC 9111 sections 4.2 and 5.2 (how long an answer may be kept).

use std::{error::Error, net::IpAddr, sync::OnceLock, time::Duration};

use axum::http::{HeaderMap, header};
use reqwest::{Certificate, Client, dns, redirect};
use url::{Host, Url};

use crate::public_ip::is_public;

/// Bytes of a document, as the draft recommends.
const LONGEST: usize = 5 * 1024;
/// How long an answer is kept that says nothing of it, in seconds.
const UNSAID: u64 = 60;
/// How long one is kept at most, in seconds.
const AT_MOST: u64 = 24 * 3600;

/// What clients' documents are fetched under. The default is for the open internet.
#[derive(Debug, Clone)]
pub struct DocumentPolicy {
    /// Also from this machine, and from there by http, too. For trials of a client that you are writing.
    pub loopback: bool,
    /// Authorities to trust beside the system's, in PEM.
    pub authorities: Vec<Vec<u8>>,
    /// For the whole exchange, from the name to the last byte.
    pub timeout: Duration,
}

impl Default for DocumentPolicy {
    fn default() -> Self {
        Self { loopback: false, authorities: Vec::new(), timeout: Duration::from_secs(5) }
    }
}

impl DocumentPolicy {
    fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || (self.loopback && address.to_canonical().is_loopback())
    }
}

/// Why there is no document, in words that go on after "but ".
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum FetchError {
    #[error(
        "that is not an https URL with a path and without a fragment, a user name or dots for a path"
    )]
    Url,
    #[error("that address is not on the public internet")]
    Address,
    #[error("nothing could be fetched from there")]
    Unreachable,
    #[error("it took too long to fetch")]
    Slow,
    #[error("the answer was {0} instead of 200")]
    Status(u16),
    #[error("what was fetched is not application/json")]
    ContentType,
    #[error("what was fetched has more than 5 KiB")]
    TooLarge,
}

/// What was fetched, and how long it may be kept, in seconds.
pub(super) struct Fetched {
    pub(super) body: Vec<u8>,
    pub(super) fresh_for: u64,
}

/// An HTTP client with its hands tied.
#[derive(Debug)]
pub(super) struct Fetcher {
    policy: DocumentPolicy,
    client: OnceLock<Option<Client>>,
}

impl Fetcher {
    pub(super) fn new(policy: DocumentPolicy) -> Self {
        Self { policy, client: OnceLock::new() }
    }

    /// Whether the text has the form of a document's URL (draft, section 3). By text: the parser would repair it.
    pub(super) fn check(&self, text: &str) -> Result<Url, FetchError> {
        let url = Url::parse(text).map_err(|_| FetchError::Url)?;
        let local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(FetchError::Url),
        };
        let scheme =
            url.scheme() == "https" || (url.scheme() == "http" && self.policy.loopback && local);
        // The same text again means: nothing was repaired, no dots resolved, no port left out.
        let plain = url.as_str() == text && text.is_ascii() && !text.contains(['#', '@']);
        if !(scheme && plain && url.path() != "/") {
            return Err(FetchError::Url);
        }
        // A literal address is never resolved, so the resolver below does not see it.
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        match literal {
            Some(address) if !self.policy.allows(address) => Err(FetchError::Address),
            _ => Ok(url),
        }
    }

    pub(super) async fn fetch(&self, url: &Url) -> Result<Fetched, FetchError> {
        tokio::time::timeout(self.policy.timeout, self.exchange(url))
            .await
            .unwrap_or(Err(FetchError::Slow))
    }

    async fn exchange(&self, url: &Url) -> Result<Fetched, FetchError> {
        let client =
            self.client.get_or_init(|| self.build()).as_ref().ok_or(FetchError::Unreachable)?;
        let request = client.get(url.clone()).header(header::ACCEPT, "application/json");
        let mut response = request.send().await.map_err(|error| {
            let mut cause: Option<&dyn Error> = Some(&error);
            while let Some(error) = cause {
                if error.is::<FetchError>() {
                    return FetchError::Address;
                }
                cause = error.source();
            }
            tracing::debug!(%error, "client metadata document not fetched");
            FetchError::Unreachable
        })?;
        if response.status() != 200 {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        if !is_json(response.headers()) {
            return Err(FetchError::ContentType);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| FetchError::Unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                return Err(FetchError::TooLarge);
            }
        }
        Ok(Fetched { body, fresh_for: freshness(response.headers()) })
    }

    /// Made on first use: a machine without any certificate authorities can still do everything else.
    fn build(&self) -> Option<Client> {
        let authorities =
            self.policy.authorities.iter().filter_map(|pem| Certificate::from_pem(pem).ok());
        let client = Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy() // the proxy, not we, would resolve the name
            .https_only(!self.policy.loopback)
            .dns_resolver(Guarded(self.policy.clone()))
            .tls_certs_merge(authorities)
            .build();
        client
            .inspect_err(|error| tracing::error!(%error, "client metadata documents cannot be fetched; are ca-certificates installed?"))
            .ok()
    }
}

/// Resolves names to the addresses that are then connected to: what was checked is what is used.
struct Guarded(DocumentPolicy);

impl dns::Resolve for Guarded {
    fn resolve(&self, name: dns::Name) -> dns::Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let addresses: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if addresses.iter().all(|address| policy.allows(address.ip())) {
                Ok(Box::new(addresses.into_iter()) as dns::Addrs)
            } else {
                Err(FetchError::Address.into())
            }
        })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// RFC 9111, 4.2.1, for a shared cache: `s-maxage`, `max-age`, `Expires`, in this order, less the `Age`.
fn freshness(headers: &HeaderMap) -> u64 {
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
        // An unreadable date means: already over (RFC 9111, 5.3).
        let time =
            |text| jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp().as_second());
        let expires = text(header::EXPIRES)?;
        let date =
            text(header::DATE).and_then(time).unwrap_or_else(|| jiff::Timestamp::now().as_second());
        Some(time(expires).map_or(0, |expires| u64::try_from(expires - date).unwrap_or(0)))
    });
    let age = text(header::AGE).and_then(|age| age.parse().ok()).unwrap_or(0);
    lifetime.unwrap_or(UNSAID).saturating_sub(age).min(AT_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_urls_name_documents() {
        let open = Fetcher::new(DocumentPolicy::default());
        let local = Fetcher::new(DocumentPolicy { loopback: true, ..DocumentPolicy::default() });
        for good in ["https://app.example/client.json", "https://app.example:8443/a/b?c=d"] {
            assert!(open.check(good).is_ok(), "{good}");
        }
        for bad in [
            "https://app.example",
            "https://app.example/",
            "http://app.example/c",
            "https://app.example/a/../c",
            "https://app.example/./c",
            "https://app.example/c#x",
            "https://me@app.example/c",
            "https://APP.example/c",
            "https://app.example:443/c",
            "https:app.example/c",
            "https://app.example/ü",
            "ftp://app.example/c",
            "mcp-test-client",
            "http://localhost:1234/c",
        ] {
            assert_eq!(open.check(bad), Err(FetchError::Url), "{bad}");
        }
        assert!(
            local.check("http://localhost:1234/c").is_ok()
                && local.check("http://127.0.0.1:1234/c").is_ok()
        );
        assert!(local.check("http://app.example/c").is_err());
    }

    #[test]
    fn answers_are_kept_as_long_as_http_says() {
        let kept = |headers: &[(&'static str, &str)]| {
            freshness(
                &headers
                    .iter()
                    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                    .collect(),
            )
        };
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (headers, expected) in [
            (&[][..], UNSAID),
            (&[("cache-control", "max-age=300")], 300),
            (&[("cache-control", "Public, Max-Age=\"300\", s-maxage=20")], 20),
            (&[("cache-control", "max-age=300"), ("age", "100")], 200),
            (&[("cache-control", "max-age=300, no-store")], 0),
            (&[("cache-control", "private")], 0),
            (&[("cache-control", "max-age=nonsense")], 0),
            (&[("cache-control", "max-age=99999999")], AT_MOST),
            (&[date, ("expires", "Sun, 06 Nov 1994 08:50:37 GMT")], 60),
            (&[date, ("expires", "Sun, 06 Nov 1994 08:00:00 GMT")], 0),
            (&[("expires", "0")], 0),
        ] {
            assert_eq!(kept(headers), expected, "{headers:?}");
        }
    }
}
