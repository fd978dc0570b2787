//! The caller, as the `_meta` of a result names them: what the server took the client's user for.
//!
//! Specs: MCP 2026-07-28 basic, "_meta" (keys of one's own have a prefix in reverse DNS notation; replace `example` when
//! you copy this).

use serde::Serialize;

use crate::principal::{Principal, ScopeSet};

/// The value of `com.example.mcp-auth/user` in `_meta`.
#[derive(Debug, Serialize)]
pub(super) struct UserMeta<'a> {
    /// A display name.
    pub(super) name: &'a str,
    /// `sub`: stable and unique at the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<&'a str>,
    /// The OAuth client that holds the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<&'a str>,
    /// What the token may be used for.
    pub(super) scopes: &'a ScopeSet,
}

impl<'a> From<&'a Principal> for UserMeta<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self {
            name: &principal.display_name,
            subject: principal.subject.as_deref(),
            client: principal.client_id.as_deref(),
            scopes: &principal.scopes,
        }
    }
}
