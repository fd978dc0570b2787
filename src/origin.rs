//! Which web pages may talk to this server: `Origin` and `Host`, held against a list.
//!
//! Any page that a person visits can send requests to their own machine, and a name that the page's owner controls
//! can be made to resolve to 127.0.0.1 (DNS rebinding). The browser tells us the page's origin; we believe that.
//!
//! Rules: MCP 2025-11-25 transports, "Security Warning" (an invalid `Origin` MUST be answered with 403); RFC 6454
//! section 6.2 (what an origin looks like).
//!
//! ```
//! use mcp_auth::origin::AllowedOrigins;
//!
//! let listed = vec!["https://app.example.com".parse().unwrap()];
//! let origins = AllowedOrigins::new(listed, &"https://mcp.example.com".parse().unwrap());
//! assert!(origins.contains(&"https://app.example.com".parse().unwrap()));
//! assert!(origins.contains(&"http://localhost:3000".parse().unwrap()));
//! assert!(!origins.contains(&"http://localhost.evil.com".parse().unwrap()));
//! ```

use std::{str::FromStr, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tower_http::validate_request::{ValidateRequest, ValidateRequestHeaderLayer};
use url::{Host, Url};

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Port of the user interface of MCP Inspector.
const INSPECTOR: u16 = 6274;

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
        // Written back, it must be what came in: this leaves no room for `localhost@evil.com` or `127.1`.
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

/// The pages that may talk to us, and the names by which we may be called.
#[derive(Debug, Clone)]
pub struct AllowedOrigins(Arc<Rules>);

#[derive(Debug, Clone)]
struct Rules {
    listed: Vec<Origin>,
    hosts: Vec<String>,
    /// Ports of the pages of this machine that may read answers.
    ports: Vec<u16>,
    header_required: bool,
}

impl AllowedOrigins {
    /// Pages of this machine over plain http, the `listed` ones, and our own public URL.
    pub fn new(listed: Vec<Origin>, public_url: &Url) -> Self {
        let public_host = public_url.host().map(|host: Host<&str>| host.to_string());
        let hosts = LOOPBACK.iter().map(|&host| host.to_owned()).chain(public_host).collect();
        let own: Option<Origin> = public_url.origin().ascii_serialization().parse().ok();
        let own_port = own.as_ref().filter(|own| own.is_loopback()).and_then(|own| own.port);
        Self(Arc::new(Rules {
            listed: listed.into_iter().chain(own).collect(),
            hosts,
            ports: [80, INSPECTOR].into_iter().chain(own_port).collect(),
            header_required: false,
        }))
    }

    /// Refuses requests without an `Origin` too. Browsers always send one with `POST`; other clients send none.
    #[must_use]
    pub fn require_header(&self) -> Self {
        Self(Arc::new(Rules { header_required: true, ..Rules::clone(&self.0) }))
    }

    /// Whether a page of this origin may talk to us.
    pub fn contains(&self, origin: &Origin) -> bool {
        origin.is_loopback() || self.0.listed.contains(origin)
    }

    /// Whether a page of this origin may also read what we answer it, see [`cors`](crate::cors). Not every page of this
    /// machine may.
    pub fn may_read(&self, origin: &Origin) -> bool {
        let known = origin.port.is_some_and(|port| self.0.ports.contains(&port));
        (origin.is_loopback() && known) || self.0.listed.contains(origin)
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut values = headers.get_all(header::ORIGIN).iter();
        match (values.next(), values.next()) {
            (None, _) if self.0.header_required => Err(Refusal::origin("None")),
            (None, _) => Ok(()),
            (Some(value), None) => {
                let value = String::from_utf8_lossy(value.as_bytes());
                // `null` is a real origin (a sandboxed frame), not an absent one; it does not parse.
                let allowed = value.parse().is_ok_and(|origin| self.contains(&origin));
                if allowed { Ok(()) } else { Err(Refusal::origin(&value)) }
            }
            (Some(_), Some(_)) => Err(Refusal::origin("given twice")),
        }
    }

    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut values = headers.get_all(header::HOST).iter();
        let (host, second) = (values.next(), values.next());
        let host = host.filter(|_| second.is_none()).and_then(|host| host.to_str().ok());
        let host = host.ok_or_else(Refusal::no_single_host)?;
        // A request line can name a host as well, and that one counts (RFC 9112, 3.2.2).
        let host = uri.authority().map_or(host, |authority| authority.as_str());
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let known = self.0.hosts.iter().any(|known| known.eq_ignore_ascii_case(name));
        if known { Ok(()) } else { Err(Refusal::host(host)) }
    }
}

/// Lets requests pass whose `Origin` and `Host` are ours, and refuses all others with 403, or with 400 for want of one
/// `Host`. `/health` is open to everyone: it tells nothing.
pub fn validate(origins: &AllowedOrigins) -> ValidateRequestHeaderLayer<AllowedOrigins> {
    ValidateRequestHeaderLayer::custom(origins.clone())
}

impl ValidateRequest<Body> for AllowedOrigins {
    type ResponseBody = Body;

    fn validate(&mut self, request: &mut Request) -> Result<(), Response> {
        if request.uri().path() == "/health" {
            return Ok(());
        }
        self.check_origin(request.headers())
            .and_then(|()| self.check_host(request.uri(), request.headers()))
            .map_err(IntoResponse::into_response)
    }
}

/// How much of a refused value is shown and logged, in characters.
const SHOWN: usize = 200;

/// A page or a name that is not on the list.
#[derive(Debug, Serialize)]
struct Refusal {
    #[serde(skip)]
    status: StatusCode,
    detail: String,
}

impl Refusal {
    fn origin(origin: &str) -> Self {
        let origin: String = origin.chars().take(SHOWN).collect();
        metrics::counter!("http_requests_rejected_total", "reason" => "origin").increment(1);
        tracing::warn!(?origin, "origin refused");
        Self {
            status: StatusCode::FORBIDDEN,
            detail: format!(
                "Origin '{origin}' is not allowed. Only localhost and 127.0.0.1 are permitted."
            ),
        }
    }

    fn host(host: &str) -> Self {
        let host: String = host.chars().take(SHOWN).collect();
        metrics::counter!("http_requests_rejected_total", "reason" => "host").increment(1);
        tracing::warn!(?host, "host refused");
        Self {
            status: StatusCode::FORBIDDEN,
            detail: format!(
                "Host '{host}' is not allowed. Use localhost, or start with --public-url."
            ),
        }
    }

    /// RFC 9112, 3.2: such a request MUST be answered with 400.
    fn no_single_host() -> Self {
        Self { status: StatusCode::BAD_REQUEST, detail: "Send exactly one Host header.".to_owned() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> AllowedOrigins {
        let listed = vec!["https://app.example.com".parse().unwrap()];
        AllowedOrigins::new(listed, &Url::parse("https://mcp.example.com").unwrap())
    }

    #[test]
    fn an_origin_is_parsed_before_it_is_judged() {
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
        let refusal = allowed().require_header().check_origin(&none).unwrap_err();
        assert!(refusal.detail.starts_with("Origin 'None' is not allowed."));
        let mut two = HeaderMap::new();
        two.append(header::ORIGIN, "http://localhost".parse().unwrap());
        two.append(header::ORIGIN, "http://localhost".parse().unwrap());
        assert!(allowed().check_origin(&two).is_err());
    }

    #[test]
    fn a_rebound_name_is_refused() {
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
