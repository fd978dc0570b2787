//! Where the client may connect: a public server must not send it to private addresses.
//!
//! Specs: MCP Security Best Practices, "Server-Side Request Forgery"; RFC 6761 section 6.3 (`localhost`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::{
    client::context::{error::ClientError, urls},
    public_ip::is_public,
};

/// How far away an address is. Whoever is further away names no address that is nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Public,
    Private,
    ThisMachine,
}

impl Reach {
    fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            // 0.0.0.0 and :: reach this machine, too.
            ip if ip.is_loopback() || ip.is_unspecified() => Self::ThisMachine,
            ip if is_public(ip) => Self::Public,
            _ => Self::Private,
        }
    }
}

/// Allows addresses that are as far away as the server that the user named, and none that are nearer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SsrfGuard {
    nearest: Reach,
}

const REFUSED: &str =
    "a server further away named an address of a private network or of this machine";

impl SsrfGuard {
    /// For the server at `url`. It counts as its furthest address: whoever controls its name can add a private one.
    pub(crate) async fn for_server(url: &Url) -> Self {
        let addresses = addresses(url).await.unwrap_or_default();
        Self { nearest: furthest(&addresses) }
    }

    /// For a server whose address is not known: it counts as a public one.
    pub(crate) fn public() -> Self {
        Self { nearest: Reach::Public }
    }

    /// Whether no address is forbidden, because the server that the user named is on this machine.
    pub(crate) fn allows_all(self) -> bool {
        self.nearest == Reach::ThisMachine
    }

    /// Every address must be allowed: the caller does not choose which of them is connected to.
    fn allows(self, addresses: &[IpAddr]) -> bool {
        addresses.iter().all(|&ip| Reach::of(ip) <= self.nearest)
    }

    /// Refuses a URL whose host is a forbidden address. Names are checked when they are resolved.
    pub(crate) fn check_literal(self, url: &Url) -> Result<(), ClientError> {
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => IpAddr::from(ip),
            Some(Host::Ipv6(ip)) => IpAddr::from(ip),
            _ => return Ok(()),
        };
        self.check(url, &[literal])
    }

    /// Refuses a URL that a browser must not open, because its host is or resolves to a forbidden address.
    pub(crate) async fn check_browser_url(self, url: &Url) -> Result<(), ClientError> {
        match addresses(url).await {
            Ok(addresses) => self.check(url, &addresses),
            Err(_) => Err(ClientError::UnusableUrl {
                url: url.to_string(),
                why: "its host name cannot be resolved",
            }),
        }
    }

    fn check(self, url: &Url, addresses: &[IpAddr]) -> Result<(), ClientError> {
        match self.allows(addresses) {
            true => Ok(()),
            false => Err(ClientError::UnusableUrl { url: url.to_string(), why: REFUSED }),
        }
    }
}

impl Resolve for SsrfGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let addresses = resolve(name.as_str()).await?;
            if !guard.allows(&addresses) {
                return Err(REFUSED.into());
            }
            Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::from((ip, 0)))) as Addrs)
        })
    }
}

fn furthest(addresses: &[IpAddr]) -> Reach {
    addresses.iter().copied().map(Reach::of).min().unwrap_or(Reach::Public)
}

async fn addresses(url: &Url) -> std::io::Result<Vec<IpAddr>> {
    match url.host() {
        Some(Host::Ipv4(ip)) => Ok(vec![ip.into()]),
        Some(Host::Ipv6(ip)) => Ok(vec![ip.into()]),
        Some(Host::Domain(name)) => resolve(name).await,
        None => Ok(Vec::new()),
    }
}

/// The addresses of a name. Those that mean this machine are not left to DNS, whose answer may be another one.
async fn resolve(name: &str) -> std::io::Result<Vec<IpAddr>> {
    if urls::is_localhost(name) {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let found = tokio::net::lookup_host((name, 0)).await?;
    Ok(found.map(|address| address.ip()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(addresses: &[&str]) -> Vec<IpAddr> {
        addresses.iter().map(|ip| ip.parse().unwrap()).collect()
    }

    #[test]
    fn every_address_must_be_as_far_away_as_the_server_that_the_user_named() {
        for (name, server, destination, expected) in [
            ("public to public", &["1.1.1.1"][..], &["2606:4700::1111"][..], true),
            ("public to private", &["1.1.1.1"], &["10.0.0.1"], false),
            ("public to link-local", &["1.1.1.1"], &["169.254.169.254"], false),
            ("public to benchmarking", &["1.1.1.1"], &["198.18.0.1"], false),
            ("public to NAT64", &["1.1.1.1"], &["64:ff9b::a00:1"], false),
            ("public to this machine", &["1.1.1.1"], &["::1"], false),
            ("one private address is enough", &["1.1.1.1"], &["1.1.1.1", "10.0.0.1"], false),
            (
                "a name with a private address is public",
                &["1.1.1.1", "10.0.0.1"],
                &["10.0.0.2"],
                false,
            ),
            (
                "a name with a loopback address is public",
                &["1.1.1.1", "127.0.0.1"],
                &["127.0.0.1"],
                false,
            ),
            ("private to private", &["10.0.0.1"], &["192.168.0.1"], true),
            ("private to public", &["10.0.0.1"], &["1.1.1.1"], true),
            ("private to this machine", &["10.0.0.1"], &["127.0.0.1"], false),
            ("private to this machine, mapped", &["10.0.0.1"], &["::ffff:127.0.0.1"], false),
            ("private to this machine, unspecified", &["10.0.0.1"], &["0.0.0.0"], false),
            ("private to this machine, unspecified IPv6", &["10.0.0.1"], &["::"], false),
            ("public to this machine, unspecified", &["1.1.1.1"], &["0.0.0.0"], false),
            ("unspecified to this machine", &["0.0.0.0"], &["127.0.0.1", "::"], true),
            (
                "this machine to anywhere",
                &["127.0.0.1", "::1"],
                &["127.0.0.1", "10.0.0.1", "1.1.1.1"],
                true,
            ),
            ("an unknown server is public", &[], &["127.0.0.1"], false),
        ] {
            let guard = SsrfGuard { nearest: furthest(&ips(server)) };
            assert_eq!(guard.allows(&ips(destination)), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn a_literal_address_of_this_machine_is_refused_however_it_is_written() {
        let guard = SsrfGuard { nearest: Reach::Private };
        for url in [
            "http://0.0.0.0/",
            "http://0/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://[::]/",
            "http://[::1]/",
            "http://[::ffff:0:0]/",
        ] {
            let url = Url::parse(url).unwrap();
            assert!(guard.check_literal(&url).is_err(), "{url}");
            assert!(guard.check_browser_url(&url).await.is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn localhost_names_are_not_left_to_dns() {
        for name in ["localhost", "app.localhost", "APP.LOCALHOST", "no-such-name.localhost"] {
            assert_eq!(resolve(name).await.unwrap(), ips(&["127.0.0.1", "::1"]), "{name}");
        }
    }
}
