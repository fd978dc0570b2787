//! The revisions of MCP that we speak, and how one of them is chosen.
//!
//! Rules: MCP 2025-11-25 lifecycle, "Version Negotiation"; transports, "Protocol Version Header"; MCP 2026-07-28
//! versioning.

use axum::http::HeaderName;

use crate::jsonrpc::{ErrorObject, Members};

/// What is answered to a client that asks for no revision, or for one that is older than all of ours.
pub const DEFAULT_VERSION: &str = "2025-06-18";

/// The revisions with an `initialize` handshake that this server speaks.
pub const VERSIONS: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];

/// The revision whose requests carry everything themselves.
pub const STATELESS_VERSION: &str = "2026-07-28";

/// All of them, the newest first.
pub fn all() -> impl Iterator<Item = &'static str> {
    [STATELESS_VERSION].into_iter().chain(VERSIONS.into_iter().rev())
}

/// The header that names the revision on every request, in the older ones on every request after `initialize`.
pub const VERSION_HEADER: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// The client's revision if we speak it, else ours: for a client that is ahead of us the latest that we have, as the
/// text asks for (MCP 2025-11-25 lifecycle). Revisions are dates, so that the later one is the greater text.
pub fn negotiate(wanted: Option<&str>) -> &'static str {
    let latest = VERSIONS[VERSIONS.len() - 1];
    let ours = if wanted > Some(latest) { latest } else { DEFAULT_VERSION };
    VERSIONS.into_iter().find(|version| Some(*version) == wanted).unwrap_or(ours)
}

/// Which member of `params` names what a method is about: a tool, a prompt, a resource.
pub(super) fn named(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        _ => None,
    }
}

/// Our lists have one page, so a cursor for another cannot be from us.
///
/// # Errors
/// -32602 for any cursor (MCP 2025-11-25 and 2026-07-28 server/utilities/pagination, "Error Handling").
pub(super) fn first_page(params: &Members) -> Result<(), ErrorObject> {
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
    fn the_client_chooses_among_what_we_speak() {
        for (wanted, expected) in [
            (Some("2025-11-25"), "2025-11-25"),
            (Some("2025-03-26"), "2025-03-26"),
            (Some("1999-01-01"), "2025-06-18"),
            (Some("2026-07-28"), "2025-11-25"),
            (None, "2025-06-18"),
        ] {
            assert_eq!(negotiate(wanted), expected);
        }
    }
}
