//! Well-known URLs: where the metadata of a resource or of an issuer is.
//!
//! Specs: RFC 8615 (well-known URIs), RFC 9728 section 3.1 and RFC 8414 section 3.1 (the suffix is inserted
//! between host and path), OpenID Connect Discovery 1.0 section 4.1 (the suffix is appended to the path).
//!
//! All functions work on text: identifiers are compared byte for byte, and a URL parser would change some of them
//! (`http://host` becomes `http://host/`).

/// The suffix of a protected resource's metadata (RFC 9728, 3).
pub const PROTECTED_RESOURCE: &str = "oauth-protected-resource";
/// The suffix of an authorization server's metadata (RFC 8414, 3).
pub const AUTHORIZATION_SERVER: &str = "oauth-authorization-server";
/// The suffix of an OpenID provider's metadata (OpenID Connect Discovery 1.0, 4).
pub const OPENID_CONFIGURATION: &str = "openid-configuration";

/// Scheme and authority of a URL, and the rest.
pub fn split_origin(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    url.split_at(end)
}

/// The path of [`well_known`], without a query.
pub fn well_known_path(identifier: &str, suffix: &str) -> String {
    let path = split_origin(without_query(identifier)).1;
    format!("/.well-known/{suffix}{}", path.trim_end_matches('/'))
}

/// `/.well-known/SUFFIX` inserted between host and path; a query is kept (RFC 9728, 3.1; RFC 8414, 3.1).
pub fn well_known(identifier: &str, suffix: &str) -> String {
    let query = &identifier[without_query(identifier).len()..];
    let (origin, _) = split_origin(identifier);
    format!("{origin}{}{query}", well_known_path(identifier, suffix))
}

/// `/.well-known/SUFFIX` at the root of the host.
pub fn well_known_root(url: &str, suffix: &str) -> String {
    format!("{}/.well-known/{suffix}", split_origin(url).0)
}

/// `/.well-known/SUFFIX` after the path (OpenID Connect Discovery 1.0, 4.1).
pub fn well_known_appended(identifier: &str, suffix: &str) -> String {
    format!("{}/.well-known/{suffix}", identifier.trim_end_matches('/'))
}

/// Where the metadata of an issuer may be, in the order of MCP authorization, "Authorization Server Metadata
/// Discovery".
pub fn issuer_metadata(issuer: &str) -> Vec<String> {
    let mut urls = vec![
        well_known(issuer, AUTHORIZATION_SERVER),
        well_known(issuer, OPENID_CONFIGURATION),
        well_known_appended(issuer, OPENID_CONFIGURATION),
    ];
    urls.dedup();
    urls
}

/// A URL without its query and fragment, for logs: some providers put API keys there.
pub fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_at_three_places_or_at_two() {
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
            assert_eq!(issuer_metadata(issuer), expected, "{issuer}");
        }
    }

    #[test]
    fn the_suffix_is_inserted_before_the_path_and_a_query_is_kept() {
        for (resource, expected) in [
            ("https://h/mcp", "https://h/.well-known/oauth-protected-resource/mcp"),
            ("https://h/mcp/", "https://h/.well-known/oauth-protected-resource/mcp"),
            ("https://h/a/mcp/?x=1", "https://h/.well-known/oauth-protected-resource/a/mcp?x=1"),
            ("https://h?x=1", "https://h/.well-known/oauth-protected-resource?x=1"),
            ("https://h/", "https://h/.well-known/oauth-protected-resource"),
            ("https://[::1]:9000", "https://[::1]:9000/.well-known/oauth-protected-resource"),
        ] {
            assert_eq!(well_known(resource, PROTECTED_RESOURCE), expected);
        }
        let root = well_known_root("https://h/mcp?x=1", PROTECTED_RESOURCE);
        assert_eq!(root, "https://h/.well-known/oauth-protected-resource");
    }

    #[test]
    fn a_query_is_left_out_of_logs() {
        for (url, expected) in [
            ("https://idp.example.com/keys?api_key=s3cret", "https://idp.example.com/keys"),
            ("https://idp.example.com/keys#x", "https://idp.example.com/keys"),
            ("https://idp.example.com", "https://idp.example.com"),
        ] {
            assert_eq!(without_query(url), expected);
        }
    }
}
