//! Products that can be recognized by their URLs, and what their documents do not state.
//!
//! From the vendors' documentation and from reports of users, as of September 2026. Nothing is decided by it: it is shown
//! beside what the documents say.

use crate::auth::metadata::AuthorizationServerMetadata;

/// A product.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) name: &'static str,
    /// The token or authorization endpoint contains one of these.
    url_parts: &'static [&'static str],
    /// RFC 8707 has no property in the metadata.
    pub(crate) rfc8707: &'static str,
    /// If a registration endpoint is listed: whether unknown clients can register.
    pub(crate) rfc7591: &'static str,
    pub(crate) notes: &'static [&'static str],
}

const PRODUCTS: [Product; 7] = [
    Product {
        name: "Okta",
        url_parts: &[".okta.com/", ".oktapreview.com/"],
        rfc8707: "no",
        rfc7591: "closed",
        notes: &[
            "the registration endpoint wants an administrator's API token: register by hand",
            "client id metadata documents: an administrator must register the exact URL first",
            "aud is fixed for each authorization server: one authorization server for each MCP server",
        ],
    },
    Product {
        name: "Auth0",
        url_parts: &[".auth0.com/"],
        rfc8707: "opt-in",
        rfc7591: "opt-in",
        notes: &[
            "the issuer ends with a slash: write it so in `authorization_servers`",
            "`resource` counts when the tenant turns its compatibility profile on; `audience` wins if both are sent",
            "dynamic registration is opt-in for each tenant, and makes third-party clients: connections must be on domain level",
            "iss in the answer is a tenant's setting, off by default",
        ],
    },
    Product {
        name: "Keycloak",
        url_parts: &["/protocol/openid-connect/"],
        rfc8707: "opt-in",
        rfc7591: "yes",
        notes: &[
            "`resource` is ignored unless started with --features=resource-indicators; an audience mapper does it without",
            "the RFC 8414 address with the path inserted is there since 26.4",
            "dynamic registration goes through client registration policies: trusted hosts, allowed scopes",
            "client id metadata documents need --features=cimd and a client policy",
        ],
    },
    Product {
        name: "PingFederate",
        url_parts: &["/as/token.oauth2", "/as/authorization.oauth2"],
        rfc8707: "partly",
        rfc7591: "opt-in",
        notes: &[
            "`resource` selects an access token manager by its resource URI; aud is what that one is configured to write",
            "dynamic registration is off by default, and an initial access token is advised",
            "the names of the claims are configurable",
        ],
    },
    Product {
        name: "ForgeRock",
        url_parts: &["/am/oauth2/", ".forgeblocks.com"],
        rfc8707: "not stated",
        rfc7591: "yes",
        notes: &[
            "the issuer holds the port (:443) and the realm: compare byte for byte",
            "aud is the client's id unless a script changes it; scope is an array in the token",
        ],
    },
    Product {
        name: "Google",
        url_parts: &["oauth2.googleapis.com", "accounts.google.com"],
        rfc8707: "no",
        rfc7591: "yes",
        notes: &[
            "access tokens are opaque and cannot be bound to an MCP server: put a broker in front",
        ],
    },
    Product {
        name: "Entra",
        url_parts: &["login.microsoftonline.com", "login.microsoftonline.us", "login.windows.net"],
        rfc8707: "partly",
        rfc7591: "yes",
        notes: &[
            "it supports PKCE with S256 without advertising it: --assume-pkce-s256",
            "`resource` must be, byte for byte, the application id URI of the requested scopes (AADSTS9010010); else --omit-resource",
            "ask for v2 tokens (requestedAccessTokenVersion 2); aud is then the API's client id",
            "client id metadata documents are a public preview",
        ],
    },
];

/// The product that published this, if it is known.
pub(crate) fn product(metadata: &AuthorizationServerMetadata) -> Option<&'static Product> {
    let endpoints = [&metadata.token_endpoint, &metadata.authorization_endpoint];
    let contains = |part: &'static str| {
        endpoints.iter().any(|endpoint| endpoint.as_deref().is_some_and(|e| e.contains(part)))
    };
    PRODUCTS.iter().find(|product| product.url_parts.iter().any(|part| contains(part)))
}
