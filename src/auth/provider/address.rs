//! Where a provider's documents are, and which ways to them are safe.

use url::{Host, Url};

use super::ProviderError;

/// Where the metadata of an issuer may be. Built from the text, because the issuer is compared as text as well.
pub(super) fn places(issuer: &str) -> Vec<String> {
    let host = issuer.find("://").map_or(0, |scheme| scheme + 3);
    let end = issuer[host..].find('/').map_or(issuer.len(), |slash| host + slash);
    let (origin, path) = issuer.split_at(end);
    let path = path.trim_end_matches('/');
    let mut places = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
        format!("{origin}{path}/.well-known/openid-configuration"),
    ];
    places.dedup();
    places
}

/// https, or http on this machine: keys that others could swap on the way are none.
pub(super) fn secure(url: &str, plain_http: bool) -> Result<Url, ProviderError> {
    let wrong = |why| ProviderError::Url { url: url.to_owned(), why };
    let parsed = Url::parse(url).map_err(|_| wrong("it is no URL"))?;
    match parsed.scheme() {
        "https" => Ok(parsed),
        "http" if plain_http || is_loopback(&parsed) => Ok(parsed),
        "http" => Err(wrong("http is for this machine only; use https, or --allow-http-provider")),
        _ => Err(wrong("it is not https")),
    }
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_in_three_places_or_two() {
        for (issuer, expected) in [
            (
                "http://localhost:8080/realms/mcp-realm",
                vec![
                    "http://localhost:8080/.well-known/oauth-authorization-server/realms/mcp-realm",
                    "http://localhost:8080/.well-known/openid-configuration/realms/mcp-realm",
                    "http://localhost:8080/realms/mcp-realm/.well-known/openid-configuration",
                ],
            ),
            (
                "https://t.eu.auth0.com/",
                vec![
                    "https://t.eu.auth0.com/.well-known/oauth-authorization-server",
                    "https://t.eu.auth0.com/.well-known/openid-configuration",
                ],
            ),
            (
                "https://t.forgeblocks.com:443/am/oauth2/alpha/",
                vec![
                    "https://t.forgeblocks.com:443/.well-known/oauth-authorization-server/am/oauth2/alpha",
                    "https://t.forgeblocks.com:443/.well-known/openid-configuration/am/oauth2/alpha",
                    "https://t.forgeblocks.com:443/am/oauth2/alpha/.well-known/openid-configuration",
                ],
            ),
        ] {
            assert_eq!(places(issuer), expected, "{issuer}");
        }
    }

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for (url, plain_http, expected) in [
            ("https://idp.example.com/realm", false, true),
            ("http://localhost:8080/realms/r", false, true),
            ("http://127.0.0.1:8080", false, true),
            ("http://[::1]:8080", false, true),
            ("http://keycloak:8080/realms/r", false, false),
            ("http://keycloak:8080/realms/r", true, true),
            ("http://localhost.evil.com", false, false),
            ("ftp://localhost", true, false),
            ("file:///etc/passwd", true, false),
        ] {
            assert_eq!(secure(url, plain_http).is_ok(), expected, "{url}");
        }
    }
}
