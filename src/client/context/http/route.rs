//! Which way a request takes: straight to the server, or through the proxy that the environment names.
//!
//! A proxy resolves host names itself, so the client cannot see whether a name leads into a private network. MCP Security
//! Best Practices, "Server-Side Request Forgery", recommends proxies that refuse private addresses; whether this one
//! does, only the user knows.

use std::{sync::Arc, time::Duration};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Client, ClientBuilder, redirect::Policy};
use url::Url;

use crate::client::context::{error::ClientError, http::ssrf::SsrfGuard, urls};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, read as reqwest reads them. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Routes {
    proxies: Arc<Matcher>,
    direct: Client,
    /// `None` if a proxy could reach what the guard forbids, and the user does not trust it.
    proxied: Option<Client>,
    guard: SsrfGuard,
}

impl Routes {
    /// Routes for a run that begins at `url`, with the proxies of the environment.
    pub(super) async fn new(
        proxies: Matcher,
        url: &Url,
        timeout: Duration,
        trust_proxy: bool,
    ) -> Result<Self, reqwest::Error> {
        // The name of a server behind a proxy is the proxy's to resolve.
        let guard = match url.domain() {
            Some(_) if is_proxied(&proxies, url) => SsrfGuard::public(),
            _ => SsrfGuard::for_server(url).await,
        };
        let timeout = timeout.min(CONNECT_TIMEOUT);
        let direct = builder(timeout).no_proxy().dns_resolver(Arc::new(guard)).build()?;
        let proxied = trust_proxy || guard.allows_all();
        let proxied = proxied.then(|| builder(timeout).build()).transpose()?;
        Ok(Self { proxies: Arc::new(proxies), direct, proxied, guard })
    }

    /// The client for a request to this URL.
    ///
    /// # Errors
    /// When its host is a forbidden address, or could be one behind a proxy that the user does not trust.
    pub(super) fn to(&self, url: &Url) -> Result<&Client, ClientError> {
        self.guard.check_literal(url)?;
        if !is_proxied(&self.proxies, url) {
            return Ok(&self.direct);
        }
        let untrusted = || ClientError::UntrustedProxy { url: url.to_string() };
        self.proxied.as_ref().ok_or_else(untrusted)
    }

    /// Refuses a URL that must not be opened in a browser: the rules are those of requests.
    pub(super) async fn check_browser_url(&self, url: &Url) -> Result<(), ClientError> {
        self.to(url)?;
        match is_proxied(&self.proxies, url) {
            true => Ok(()),
            false => self.guard.check_browser_url(url).await,
        }
    }
}

fn builder(timeout: Duration) -> ClientBuilder {
    Client::builder()
        .redirect(Policy::none())
        .connect_timeout(timeout)
        .user_agent(concat!("mcp-auth-step-by-step/", env!("CARGO_PKG_VERSION")))
}

/// Never for this machine: a proxy would look for the server on its own.
fn is_proxied(proxies: &Matcher, url: &Url) -> bool {
    let intercepts = |uri| proxies.intercept(&uri).is_some();
    !urls::is_loopback(url) && url.as_str().parse().is_ok_and(intercepts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_proxy_needs_trust_unless_every_address_is_allowed_and_literals_are_checked() {
        for (name, server, trust_proxy, destination, expected) in [
            ("not trusted", "https://mcp.example.com/mcp", false, "https://as.example.com", false),
            ("trusted", "https://mcp.example.com/mcp", true, "https://as.example.com", true),
            ("private", "https://mcp.example.com/mcp", true, "https://10.0.0.1/", false),
            ("private to private", "https://10.0.0.1/mcp", true, "https://192.168.0.1/", true),
            ("private, not trusted", "https://10.0.0.1/mcp", false, "https://10.0.0.1/mcp", false),
            ("this machine", "https://mcp.example.com/mcp", true, "http://127.0.0.1:1/", false),
            ("from this machine", "http://[::1]:1/mcp", false, "https://as.example.com", true),
        ] {
            let proxies = Matcher::builder().all("http://192.0.2.1:3128").build();
            let server = Url::parse(server).unwrap();
            let routes = Routes::new(proxies, &server, CONNECT_TIMEOUT, trust_proxy).await.unwrap();
            assert_eq!(routes.to(&Url::parse(destination).unwrap()).is_ok(), expected, "{name}");
        }
    }
}
