//! Which URLs may be used.
//!
//! Specs: MCP authorization "Canonical Server URI" and "Communication Security"; RFC 3986 section 6.2.1
//! (comparison byte for byte). A URL from a document goes into requests exactly as it was written: a parser's
//! `http://host/` is another identifier than the document's `http://host`.

use url::{Host, Url, form_urlencoded};

use crate::client::context::error::ClientError;

/// Parses a URL and requires a transport that keeps secrets: https, or http to this machine.
pub(crate) fn secure(text: &str) -> Result<Url, ClientError> {
    let unusable = |why: &'static str| ClientError::UnusableUrl { url: text.to_owned(), why };
    let url = Url::parse(text).map_err(|_| unusable("it is not a URL"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(unusable("http is for this machine only; use https")),
        _ => return Err(unusable("only https, and http to this machine, is allowed")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unusable("it contains a user name or password"));
    }
    if url.fragment().is_some() {
        return Err(unusable("it has a fragment (RFC 8707, 2)"));
    }
    Ok(url)
}

/// Whether the URL's host is this machine, by name or by address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Names that mean this machine and are never looked up in DNS (RFC 6761, 6.3).
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether a resource identifier stands for `url`: it is the same, or a parent of it at a `/`.
pub(crate) fn covers(resource: &str, url: &Url) -> bool {
    let Ok(resource) = secure(resource) else {
        return false;
    };
    let parent = resource.path().trim_end_matches('/');
    let below = url.path().strip_prefix(parent);
    resource.origin() == url.origin()
        && (resource.query().is_none() || resource.query() == url.query())
        && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `endpoint` with more parameters. Its own query stays as it is (RFC 6749, 3.1).
pub(crate) fn with_query(endpoint: &str, params: &[(&str, String)]) -> String {
    let query: String =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let separator = match endpoint.find('?') {
        None => "?",
        Some(at) if at + 1 == endpoint.len() => "",
        Some(_) => "&",
    };
    format!("{endpoint}{separator}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_transports_that_keep_secrets_are_used() {
        for (url, expected) in [
            ("https://as.example.com/x", true),
            ("http://localhost:9000/mcp", true),
            ("http://app.localhost:9000/mcp", true),
            ("http://127.0.0.1:1/", true),
            ("http://[::1]:9000/mcp", true),
            ("http://as.example.com/x", false),
            ("http://localhost.evil.com/", false),
            ("http://192.168.0.1/", false),
            ("file:///etc/passwd", false),
            ("javascript:alert(1)", false),
            ("https://user:pw@as.example.com/", false),
            ("https://as.example.com/#x", false),
            ("as.example.com", false),
        ] {
            assert_eq!(secure(url).is_ok(), expected, "{url}");
        }
    }

    #[test]
    fn a_resource_covers_itself_and_what_is_below_it() {
        let url = Url::parse("http://localhost:9000/mcp").unwrap();
        for (resource, expected) in [
            ("http://localhost:9000/mcp", true),
            ("http://LOCALHOST:9000/mcp", true),
            ("http://localhost:9000", true),
            ("http://localhost:9000/", true),
            ("http://localhost:9000/mc", false),
            ("http://localhost:9000/mcp/more", false),
            ("http://localhost:9001/mcp", false),
            ("https://localhost:9000/mcp", false),
            ("http://127.0.0.1:9000/mcp", false),
            ("https://evil.example.com/mcp", false),
            ("http://localhost:9000/mcp#x", false),
            ("", false),
        ] {
            assert_eq!(covers(resource, &url), expected, "{resource}");
        }
    }

    #[test]
    fn the_query_of_an_endpoint_is_kept() {
        let params = [("a", "x y&".to_owned())];
        for (endpoint, expected) in [
            ("https://h/p", "https://h/p?a=x+y%26"),
            ("https://h/p?", "https://h/p?a=x+y%26"),
            ("https://h/p?t=1", "https://h/p?t=1&a=x+y%26"),
        ] {
            assert_eq!(with_query(endpoint, &params), expected);
        }
    }
}
