//! Validates `Origin` and `Host`, against DNS rebinding.
//!
//! Any web page that a user visits can send requests to the user's own machine, and an attacker can point a hostname at
//! 127.0.0.1. The browser reports the page's origin, and pages cannot forge it.
//!
//! Specs: MCP 2025-11-25 transports, "Security Warning" (an invalid `Origin` MUST be answered with 403); RFC 6454
//! section 6.2 (the form of an origin).
//!
//! ```
//! use mcp_auth::origin::AllowedOrigins;
//!
//! let allowed = vec!["https://app.example.com".parse().unwrap()];
//! let origins = AllowedOrigins::new(allowed, &"https://mcp.example.com".parse().unwrap());
//! assert!(origins.allows(&"https://app.example.com".parse().unwrap()));
//! assert!(origins.allows(&"http://localhost:3000".parse().unwrap()));
//! assert!(!origins.allows(&"http://localhost.evil.com".parse().unwrap()));
//! ```

mod rejection;

use std::{net::IpAddr, str::FromStr, sync::Arc};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, Uri, header},
    response::{IntoResponse, Response},
};
use tower_http::validate_request::{ValidateRequest, ValidateRequestHeaderLayer};
use url::{Host, Url};

use rejection::Rejection;

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Port of MCP Inspector's web page.
const INSPECTOR_PORT: u16 = 6274;

/// An origin as a browser writes it: scheme, host, port, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let invalid = || InvalidOrigin(text.to_owned());
        let url = Url::parse(text).map_err(|_| invalid())?;
        let host = url
            .host_str()
            .filter(|_| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(invalid)?;
        let port = url.port_or_known_default();
        // Serialized again it must be the same text, so `localhost@evil.com` and `127.1` are invalid.
        let bare = format!("{}://{host}", url.scheme());
        let full = port.map(|port| format!("{bare}:{port}"));
        if text == full.as_deref().unwrap_or(&bare) || (text == bare && url.port().is_none()) {
            Ok(Self { scheme: url.scheme().to_owned(), host: host.to_owned(), port })
        } else {
            Err(invalid())
        }
    }
}

impl Origin {
    fn is_loopback(&self) -> bool {
        self.scheme == "http" && LOOPBACK.contains(&self.host.as_str())
    }
}

/// Not an origin.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an origin; write it as a browser does, for example https://app.example.com")]
pub struct InvalidOrigin(String);

/// The origins of pages that may send requests, and the host names that requests may be sent to.
#[derive(Debug, Clone)]
pub struct AllowedOrigins(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    allowed: Vec<Origin>,
    hosts: Vec<String>,
    /// Pages of this machine may read responses if they are on one of these ports.
    cors_ports: Vec<u16>,
    origin_required: bool,
}

impl AllowedOrigins {
    /// Pages of this machine over plain http, the `allowed` ones, and the public URL's own.
    pub fn new(allowed: Vec<Origin>, public_url: &Url) -> Self {
        let public_host = public_url.host().map(|host: Host<&str>| host.to_string());
        let hosts = LOOPBACK.iter().map(|&host| host.to_owned()).chain(public_host).collect();
        let own: Option<Origin> = public_url.origin().ascii_serialization().parse().ok();
        let own_port = own.as_ref().filter(|own| own.is_loopback()).and_then(|own| own.port);
        Self(Arc::new(Inner {
            allowed: allowed.into_iter().chain(own).collect(),
            hosts,
            cors_ports: [80, INSPECTOR_PORT].into_iter().chain(own_port).collect(),
            origin_required: false,
        }))
    }

    /// Accepts more names in `Host`, such as those that a gateway uses.
    #[must_use]
    pub fn allow_hosts(&self, hosts: impl IntoIterator<Item = String>) -> Self {
        let mut inner = Inner::clone(&self.0);
        inner.hosts.extend(hosts);
        Self(Arc::new(inner))
    }

    /// Rejects requests without `Origin`, too. Browsers always send one with `POST`; other clients send none.
    #[must_use]
    pub fn require_origin(&self) -> Self {
        Self(Arc::new(Inner { origin_required: true, ..Inner::clone(&self.0) }))
    }

    /// Whether a page of this origin may send requests.
    pub fn allows(&self, origin: &Origin) -> bool {
        origin.is_loopback() || self.0.allowed.contains(origin)
    }

    /// Whether a page of this origin may also read the responses, see [`cors`](crate::cors). Of the pages of this
    /// machine only some may.
    pub fn allows_cors(&self, origin: &Origin) -> bool {
        let known_port = origin.port.is_some_and(|port| self.0.cors_ports.contains(&port));
        (origin.is_loopback() && known_port) || self.0.allowed.contains(origin)
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        let mut values = headers.get_all(header::ORIGIN).iter();
        match (values.next(), values.next()) {
            (None, _) if self.0.origin_required => Err(Rejection::origin("None")),
            (None, _) => Ok(()),
            (Some(value), None) => {
                let value = String::from_utf8_lossy(value.as_bytes());
                // `null` is a real origin (a sandboxed frame), not an absent one; it does not parse.
                let allowed = value.parse().is_ok_and(|origin| self.allows(&origin));
                if allowed { Ok(()) } else { Err(Rejection::origin(&value)) }
            }
            (Some(_), Some(_)) => Err(Rejection::origin("given twice")),
        }
    }

    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Rejection> {
        let mut values = headers.get_all(header::HOST).iter();
        let (host, second) = (values.next(), values.next());
        let host = host.filter(|_| second.is_none()).and_then(|host| host.to_str().ok());
        let host = host.ok_or_else(Rejection::invalid_host)?;
        // A host in the request line takes precedence (RFC 9112, 3.2.2).
        let host = uri.authority().map_or(host, |authority| authority.as_str());
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let allowed = self.0.hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
            || (uri.path() == HEALTH && is_address(name));
        if allowed { Ok(()) } else { Err(Rejection::host(host)) }
    }
}

/// Probes send the address of a pod or container. An address is no name that an attacker could point elsewhere.
fn is_address(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

/// Any page may ask for it, but only under a name of this server: it tells nothing secret.
const HEALTH: &str = "/health";

/// A layer that answers 403 when `Origin` or `Host` is not allowed, and 400 unless there is exactly one `Host`.
pub fn layer(origins: &AllowedOrigins) -> ValidateRequestHeaderLayer<AllowedOrigins> {
    ValidateRequestHeaderLayer::custom(origins.clone())
}

impl ValidateRequest<Body> for AllowedOrigins {
    type ResponseBody = Body;

    fn validate(&mut self, request: &mut Request) -> Result<(), Response> {
        let (uri, headers) = (request.uri(), request.headers());
        let origin = if uri.path() == HEALTH { Ok(()) } else { self.check_origin(headers) };
        origin.and_then(|()| self.check_host(uri, headers)).map_err(IntoResponse::into_response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> AllowedOrigins {
        let allowed = vec!["https://app.example.com".parse().unwrap()];
        AllowedOrigins::new(allowed, &Url::parse("https://mcp.example.com").unwrap())
            .allow_hosts(["gateway.internal".to_owned()])
    }

    #[test]
    fn an_origin_is_parsed_before_it_is_compared() {
        for (origin, expected) in [
            ("http://localhost", true),
            ("http://localhost:80", true),
            ("http://localhost:6274", true),
            ("http://127.0.0.1:3000", true),
            ("http://[::1]:3000", true),
            ("https://app.example.com", true),
            ("https://mcp.example.com", true),
            ("https://localhost", false),
            ("http://localhost.evil.com", false),
            ("http://localhostevil.com", false),
            ("http://127.0.0.1.evil.com", false),
            ("http://localhost@evil.com", false),
            ("http://evil.com#http://localhost", false),
            ("http://localhost/", false),
            ("http://localhost/x", false),
            ("http://localhost:99999", false),
            ("http://LOCALHOST", false),
            ("http://127.1", false),
            ("http://app.example.com", false),
            ("https://app.example.com:444", false),
            ("null", false),
            ("", false),
            ("file://", false),
            ("http://\u{e9}.com", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ORIGIN, origin.parse().unwrap())]);
            assert_eq!(allowed().check_origin(&headers).is_ok(), expected, "{origin}");
        }
    }

    #[test]
    fn a_missing_origin_is_fine_unless_it_is_required_and_two_never_are() {
        let none = HeaderMap::new();
        assert!(allowed().check_origin(&none).is_ok());
        let rejection = allowed().require_origin().check_origin(&none).unwrap_err();
        assert!(rejection.detail.starts_with("Origin 'None' is not allowed."));
        let mut two = HeaderMap::new();
        two.append(header::ORIGIN, "http://localhost".parse().unwrap());
        two.append(header::ORIGIN, "http://localhost".parse().unwrap());
        assert!(allowed().check_origin(&two).is_err());
    }

    #[test]
    fn an_unknown_host_is_rejected() {
        for (uri, host, expected) in [
            ("/mcp", "localhost:9000", true),
            ("/mcp", "127.0.0.1", true),
            ("/mcp", "[::1]:9000", true),
            ("/mcp", "MCP.example.com", true),
            ("/mcp", "evil.example.com", false),
            ("/mcp", "localhost.evil.com:9000", false),
            ("/mcp", "localhost:9000:evil.com", false),
            ("/mcp", "", false),
            ("http://evil.com/mcp", "localhost", false),
            ("/mcp", "10.0.0.7:9000", false),
            ("/health", "10.0.0.7:9000", true),
            ("/health", "[fd00::7]:9000", true),
            ("/health", "evil.example.com", false),
            ("/health", "10.0.0.7.evil.com", false),
            ("/mcp", "gateway.internal", true),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            assert_eq!(
                allowed().check_host(&uri.parse().unwrap(), &headers).is_ok(),
                expected,
                "{uri} {host}"
            );
        }
        assert!(allowed().check_host(&"/mcp".parse().unwrap(), &HeaderMap::new()).is_err());
    }
}
