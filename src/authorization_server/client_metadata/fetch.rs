//! Fetches a document from a URL that an untrusted party chose.
//!
//! Specs: Client ID Metadata Document draft, sections 4 and 6 (https, no redirect, bounded size, no special-purpose
//! addresses), RFC 6761 section 6.3 (`.localhost`).

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::OnceLock,
    time::Duration,
};

use axum::http::{HeaderMap, header};
use reqwest::{Certificate, Client, dns, redirect};
use url::{Host, Url};

use super::freshness::freshness;
use crate::public_ip::is_public;

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

    #[tokio::test]
    async fn localhost_names_are_this_machine_and_not_asked_of_dns() {
        use dns::Resolve;

        for (name, allow_loopback) in
            [("localhost", true), ("app.localhost", true), ("app.localhost", false)]
        {
            let policy = ClientMetadataPolicy { allow_loopback, ..ClientMetadataPolicy::default() };
            let found = CheckedResolver(policy).resolve(name.parse().unwrap()).await;
            assert_eq!(found.is_ok(), allow_loopback, "{name}");
            assert!(
                found.into_iter().flatten().all(|address| address.ip().is_loopback()),
                "{name}"
            );
        }
    }
}
