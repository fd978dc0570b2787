//! What an answer says of the caller: in its `_meta` for the client, in a header for the logs of proxies.
//!
//! Rules: MCP 2026-07-28 basic, "_meta" (a prefix of one's own, in reverse DNS notation; `example` is to be replaced by
//! whoever copies this); transports/streamable-http, "Value Encoding" for a name that is not plain ASCII.

use axum::http::{HeaderName, HeaderValue};
use serde::Serialize;

use crate::principal::{Principal, ScopeSet};

use super::headers;

/// The key in `_meta` of every result: who we took the caller for, and what they may do.
pub const META_KEY: &str = "com.example.mcp-auth/user";

/// The header of every answer to a verified caller: their name.
pub const HEADER: HeaderName = HeaderName::from_static("x-authenticated-user");

/// The value at [`META_KEY`].
#[derive(Debug, Serialize)]
pub struct User<'a> {
    /// A name to show.
    pub name: &'a str,
    /// Stable and unique at the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a str>,
    /// The OAuth client that holds the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<&'a str>,
    /// What the token may be used for.
    pub scopes: &'a ScopeSet,
}

impl<'a> From<&'a Principal> for User<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self {
            name: &principal.name,
            subject: principal.subject.as_deref(),
            client: principal.client.as_deref(),
            scopes: &principal.scopes,
        }
    }
}

/// [`META_KEY`] and its value, as a member of a JSON object.
pub(super) fn member(principal: &Principal) -> &str {
    principal.introduced(|| {
        let user = serde_json::to_string(&User::from(principal)).expect("a user is serializable");
        format!("\"{META_KEY}\":{user}")
    })
}

/// The value of [`HEADER`].
pub(super) fn header_value(principal: &Principal) -> HeaderValue {
    headers::encode(&principal.name)
}
