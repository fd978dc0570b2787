//! The protocol revisions that this server supports, its identity, and the error codes that MCP adds to JSON-RPC's.
//!
//! Specs: MCP 2025-11-25 lifecycle, "Version Negotiation"; transports, "Protocol Version Header"; MCP 2026-07-28
//! versioning, basic ("Error Codes").

use axum::http::HeaderName;
use serde::Serialize;

use crate::jsonrpc::{ErrorObject, RawObject};

/// The revision for a client that asks for none, or for one that is older than all of these.
pub const DEFAULT_VERSION: &str = "2025-06-18";

/// The revisions with an `initialize` handshake, the oldest first.
pub const LEGACY_VERSIONS: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];

/// The revision without a handshake: every request carries its own metadata.
pub const STATELESS_VERSION: &str = "2026-07-28";

/// All supported revisions, the newest first.
pub fn all_versions() -> impl Iterator<Item = &'static str> {
    [STATELESS_VERSION].into_iter().chain(LEGACY_VERSIONS.into_iter().rev())
}

/// Names the revision: on every request since 2026-07-28, before that on every request after `initialize`.
pub const VERSION_HEADER: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// No such resource (MCP 2025-11-25 server/resources, "Error Handling"; -32602 since 2026-07-28).
pub const RESOURCE_NOT_FOUND: i64 = -32002;
/// A header does not repeat what the body has (MCP 2026-07-28 transports/streamable-http, "Server Validation").
pub const HEADER_MISMATCH: i64 = -32020;
/// The client did not declare a capability that the request needs (MCP 2026-07-28 basic).
pub const MISSING_CLIENT_CAPABILITY: i64 = -32021;
/// A revision that this server does not support (MCP 2026-07-28 versioning).
pub const UNSUPPORTED_VERSION: i64 = -32022;

/// Name and version of a server (`Implementation` of the schema).
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Implementation {
    name: &'static str,
    version: &'static str,
}

impl Implementation {
    /// In the version of this crate.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, version: env!("CARGO_PKG_VERSION") }
    }
}

/// The client's revision if it is supported, else ours: the latest for a client that is ahead of us (MCP 2025-11-25
/// lifecycle). Revisions are dates, so the later one is the greater string.
pub fn negotiate(requested: Option<&str>) -> &'static str {
    let latest = LEGACY_VERSIONS[LEGACY_VERSIONS.len() - 1];
    let ours = if requested > Some(latest) { latest } else { DEFAULT_VERSION };
    LEGACY_VERSIONS.into_iter().find(|version| Some(*version) == requested).unwrap_or(ours)
}

/// The parameter that names the tool, prompt or resource of a call.
pub(super) fn name_param(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        _ => None,
    }
}

/// The lists have one page, so no cursor can be valid.
///
/// # Errors
/// -32602 for any cursor (MCP 2025-11-25 and 2026-07-28 server/utilities/pagination, "Error Handling").
pub(super) fn check_cursor(params: &RawObject) -> Result<(), ErrorObject> {
    match params.get("cursor") {
        Some(cursor) if cursor.get() != "null" => {
            Err(ErrorObject::invalid_params("Invalid params: unknown cursor"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_chooses_among_the_supported_revisions() {
        for (requested, expected) in [
            (Some("2025-11-25"), "2025-11-25"),
            (Some("2025-03-26"), "2025-03-26"),
            (Some("1999-01-01"), "2025-06-18"),
            (Some("2026-07-28"), "2025-11-25"),
            (None, "2025-06-18"),
        ] {
            assert_eq!(negotiate(requested), expected);
        }
    }
}
