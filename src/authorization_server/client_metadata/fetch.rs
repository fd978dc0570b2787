//! Fetches a document from a URL that an untrusted party chose.
//!
//! Specs: Client ID Metadata Document draft, sections 4 and 6 (https, no redirect, bounded size, no special-purpose
//! addresses), RFC 9111 sections 4.2 and 5.2 (freshness), RFC 6761 section 6.3 (`.localhost`).

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::OnceLock,
    time::Duration,
};

use axum::http::{HeaderMap, header};
use reqwest::{Certificate, Client, dns, redirect};
use url::{Host, Url};

use crate::public_ip::is_public;

/// Seconds for a response without a lifetime of its own.
const DEFAULT_TTL: u64 = 60;
const MAX_TTL: u64 = 24 * 3600;

/// From where client metadata documents and the keys of clients are fetched. The default is the public internet.
#[derive(Debug, Clone)]
pub struct ClientMetadataPolicy {
    /// Also from this machine, with http, too. To try a client that is still being written.
    pub allow_loopback: bool,
    /// Certificate authorities to trust beside the system's, in PEM.
    pub root_certificates: Vec<Vec<u8>>,
    /// For the whole exchange, from name resolution to the last byte.
    pub timeout: Duration,
}

impl Default for ClientMetadataPolicy {
    fn default() -> Self {
        Self {
            allow_loopback: false,
            root_certificates: Vec::new(),
            timeout: Duration::from_secs(5),
        }
    }
}

impl ClientMetadataPolicy {
    fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || (self.allow_loopback && address.to_canonical().is_loopback())
    }
}

/// Why there is no document. The texts continue a sentence after "but ".
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error(
        "that is not an https URL with a path and without a fragment, a user name or dots for a path"
    )]
    Url,
    #[error("that address is not on the public internet")]
    Address,
    #[error("the document cannot be fetched")]
    Unreachable,
    #[error("fetching it took too long")]
    Timeout,
    #[error("the response status was {0} instead of 200")]
    Status(u16),
    #[error("the response is not application/json")]
    ContentType,
    #[error("the response has more than {0} bytes")]
    TooLarge(usize),
}

/// A response body, and how long it may be cached, in seconds.
pub(crate) struct Fetched {
    pub(super) body: Vec<u8>,
    pub(super) fresh_for: u64,
}

/// An HTTP client for untrusted URLs: https, public addresses, no redirects, bounded time and size.
#[derive(Debug)]
pub(crate) struct Fetcher {
    policy: ClientMetadataPolicy,
    client: OnceLock<Option<Client>>,
}

impl Fetcher {
    pub(super) fn new(policy: ClientMetadataPolicy) -> Self {
        Self { policy, client: OnceLock::new() }
    }

    /// Parses the URL of a document (draft, section 3). The text must be what the parser writes: it would repair more.
    pub(super) fn check(&self, text: &str) -> Result<Url, FetchError> {
        let url = Url::parse(text).map_err(|_| FetchError::Url)?;
        let local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(FetchError::Url),
        };
        let scheme = url.scheme() == "https"
            || (url.scheme() == "http" && self.policy.allow_loopback && local);
        let plain = url.as_str() == text && text.is_ascii() && !text.contains(['#', '@']);
        if !(scheme && plain && url.path() != "/") {
            return Err(FetchError::Url);
        }
        // An IP address is not resolved, so the resolver below does not see it.
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

    pub(super) async fn fetch(&self, url: &Url, max_bytes: usize) -> Result<Fetched, FetchError> {
        tokio::time::timeout(self.policy.timeout, self.exchange(url, max_bytes))
            .await
            .unwrap_or(Err(FetchError::Timeout))
    }

    async fn exchange(&self, url: &Url, max_bytes: usize) -> Result<Fetched, FetchError> {
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
            if body.len() > max_bytes {
                return Err(FetchError::TooLarge(max_bytes));
            }
        }
        Ok(Fetched { body, fresh_for: freshness(response.headers()) })
    }

    /// Built on first use: without any certificate authorities on this machine, everything else still works.
    fn build(&self) -> Option<Client> {
        let certificates =
            self.policy.root_certificates.iter().filter_map(|pem| Certificate::from_pem(pem).ok());
        let client = Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy() // a proxy would resolve the name itself
            .https_only(!self.policy.allow_loopback)
            .dns_resolver(CheckedResolver(self.policy.clone()))
            .tls_certs_merge(certificates)
            .build();
        client
            .inspect_err(|error| tracing::error!(%error, "client metadata documents cannot be fetched; are ca-certificates installed?"))
            .ok()
    }
}

/// Checks every address that a name resolves to. The client connects to these addresses, so an answer that changes
/// (DNS rebinding) is of no use.
struct CheckedResolver(ClientMetadataPolicy);

impl dns::Resolve for CheckedResolver {
    fn resolve(&self, name: dns::Name) -> dns::Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            // RFC 6761, 6.3: these names mean this machine, and DNS must not be asked.
            let addresses: Vec<SocketAddr> = if is_localhost(name.as_str()) {
                vec![(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()]
            } else {
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect()
            };
            if addresses.iter().all(|address| policy.allows(address.ip())) {
                Ok(Box::new(addresses.into_iter()) as dns::Addrs)
            } else {
                Err(FetchError::Address.into())
            }
        })
    }
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
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
    fn only_plain_https_urls_name_documents() {
        let open = Fetcher::new(ClientMetadataPolicy::default());
        let local = Fetcher::new(ClientMetadataPolicy {
            allow_loopback: true,
            ..ClientMetadataPolicy::default()
        });
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
