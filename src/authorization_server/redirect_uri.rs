//! Redirect URIs: which may be registered, and which requests match one.
//!
//! Specs: MCP authorization, "Communication Security" (localhost or https) and "Open Redirection" (exact match);
//! RFC 8252 sections 7.3 and 8.3 (loopback, any port); RFC 6749 section 3.1.2 (absolute, no fragment).

use url::{Host, Url};

const MAX_BYTES: usize = 2048;
const PUBLIC_SCHEMES: [&str; 11] = [
    "http",
    "https",
    "ws",
    "wss",
    "ftp",
    "file",
    "blob",
    "data",
    "about",
    "javascript",
    "vbscript",
];
const LOOPBACK: [&str; 3] = ["http://localhost", "http://127.0.0.1", "http://[::1]"];

/// Whether `uri` may be registered.
///
/// # Errors
/// The reason, for the client's developer.
pub(super) fn check(uri: &str) -> Result<(), &'static str> {
    // The parser would repair blanks, backslashes and other alphabets, but redirect URIs are compared as text.
    if uri.len() > MAX_BYTES
        || !uri.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b))
    {
        return Err("a redirect URI must be a plain ASCII URI of at most 2048 characters");
    }
    let parsed = Url::parse(uri).map_err(|_| "a redirect URI must be an absolute URI")?;
    if uri.contains('#') {
        return Err("a redirect URI must not have a fragment");
    }
    if !parsed.username().is_empty() || parsed.password().is_some() || uri.contains('@') {
        return Err("a redirect URI must not contain a user name");
    }
    match parsed.scheme() {
        // Exactly two slashes: the parser would accept fewer and more.
        "https" if uri.strip_prefix("https://").is_some_and(|rest| !rest.starts_with('/')) => {
            Ok(())
        }
        "http" if is_loopback(uri) => Ok(()),
        _ => Err("a redirect URI must use https, or http to localhost, 127.0.0.1 or [::1]"),
    }
}

/// Whether `uri` has a private-use scheme (RFC 8252, 7.1), such as `cursor://host/callback`: MCP allows localhost and
/// https only.
pub(super) fn is_private_use(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|uri| !PUBLIC_SCHEMES.contains(&uri.scheme()))
}

/// Whether this is a loopback redirect URI of a native app, on any port (RFC 8252, 7.3).
pub(super) fn is_loopback(uri: &str) -> bool {
    loopback(uri).is_some()
}

/// Whether the host is this machine, however it is written: any program may listen there (MCP authorization,
/// "Localhost Redirect URI Risks").
pub(super) fn is_this_machine(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|uri| match uri.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            let address = address.to_canonical();
            address.is_loopback() || address.is_unspecified()
        }
        None => false,
    })
}

/// Whether `requested` is `registered`, byte for byte except for the port of a loopback URI: native apps take whichever
/// is free (RFC 8252, 7.3).
pub(super) fn matches(registered: &str, requested: &str) -> bool {
    registered == requested
        || loopback(registered).is_some_and(|parts| loopback(requested) == Some(parts))
}

/// The loopback name and what follows the port. Compared as text: `http://127.1/` and
/// `http://localhost:80@evil.example/` are not loopback URIs here.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let name = LOOPBACK.into_iter().find(|name| uri.starts_with(name))?;
    let rest = &uri[name.len()..];
    let rest = match rest.strip_prefix(':') {
        Some(port) => {
            let digits = port.bytes().take_while(u8::is_ascii_digit).count();
            port[..digits].parse::<u16>().ok().filter(|&port| port > 0)?;
            &port[digits..]
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((name, rest))
}

/// The origin, such as `https://app.example:8443`.
pub(super) fn origin(uri: &str) -> String {
    Url::parse(uri).map_or_else(|_| String::new(), |uri| uri.origin().ascii_serialization())
}

/// The host, which the consent page shows (MCP authorization, "Localhost Redirect URI Risks").
pub(super) fn host(uri: &str) -> String {
    let url = Url::parse(uri).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// `uri` with more parameters after its own (RFC 6749, 4.1.2). The rest of it stays as it is.
pub(super) fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    let separator = if uri.contains('?') { '&' } else { '?' };
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{uri}{separator}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_can_be_registered() {
        for good in [
            "https://app.example/callback",
            "https://app.example",
            "https://app.example:8443/cb?tenant=1",
            "http://localhost/cb",
            "http://127.0.0.1:3000/cb",
            "http://[::1]:3000",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let long = format!("https://app.example/{}", "a".repeat(2048));
        for bad in [
            "",
            "/callback",
            "app.example/cb",
            "http://app.example/cb",
            "http://localhost.evil.example/cb",
            "http://localhost:80@evil.example/",
            "http://127.1/cb",
            "http://2130706433/cb",
            "http://localhost:99999/cb",
            "http://localhost:0/cb",
            "https://user:pass@app.example/cb",
            "https://@app.example/cb",
            "https://app.example/cb#part",
            "https:app.example/cb",
            "https:///cb",
            "https://app.example\\@evil.example/",
            "https://app.example/\r\nSet-Cookie: a=b",
            "https://bücher.example/",
            "javascript:alert(1)",
            "data:text/html,hello",
            "com.example.app:/callback",
            "file:///etc/passwd",
            &long,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_request_matches_byte_for_byte_except_for_a_loopback_port() {
        for (registered, requested, expected) in [
            ("https://app.example/cb", "https://app.example/cb", true),
            ("https://app.example/cb", "https://app.example/cb/", false),
            ("https://app.example/cb", "https://app.example/cb?x=1", false),
            ("https://app.example/cb", "https://app.example:444/cb", false),
            ("https://app.example/cb", "https://APP.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5123/cb", true),
            ("http://127.0.0.1:3000/cb", "http://127.0.0.1:5123/cb", true),
            ("http://127.0.0.1:3000/cb", "http://127.0.0.1/cb", true),
            ("http://localhost:3000/cb", "http://localhost:5123/cb", true),
            ("http://[::1]:3000", "http://[::1]:5123", true),
            ("http://127.0.0.1/cb", "http://localhost:5123/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5123/other", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5123/cb?x=1", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5123/a/../cb", false),
            ("http://127.0.0.1/cb", "https://127.0.0.1:5123/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5123/cb#x", false),
        ] {
            assert_eq!(matches(registered, requested), expected, "{registered} {requested}");
        }
    }

    #[test]
    fn parameters_are_added_to_the_uri_as_it_was_written() {
        assert_eq!(
            with_parameters("https://app.example", &[("code", "a b&c"), ("iss", "http://i")]),
            "https://app.example?code=a+b%26c&iss=http%3A%2F%2Fi"
        );
        assert_eq!(
            with_parameters("http://localhost/cb?a=1", &[("x", "ü")]),
            "http://localhost/cb?a=1&x=%C3%BC"
        );
    }

    #[test]
    fn this_machine_has_many_names() {
        for (uri, expected) in [
            ("http://localhost:3000/cb", true),
            ("https://localhost/cb", true),
            ("https://app.localhost/cb", true),
            ("https://127.0.0.1:8443/cb", true),
            ("https://127.8.9.1/cb", true),
            ("https://[::1]/cb", true),
            ("https://[::ffff:127.0.0.1]/cb", true),
            ("https://localhost./cb", true),
            ("https://0.0.0.0/cb", true),
            ("https://[::]/cb", true),
            ("https://localhost.evil.example/cb", false),
            ("https://app.example/localhost", false),
            ("https://192.168.1.5/cb", false),
        ] {
            assert_eq!(is_this_machine(uri), expected, "{uri}");
        }
    }
}
