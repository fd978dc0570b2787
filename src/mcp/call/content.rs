//! Content of tool results and prompt messages.
//!
//! Specs: MCP 2025-11-25 server/tools, "Text Content".

use serde::Serialize;

/// `TextContent` of the schema: `{"type": "text", "text": …}`.
#[derive(Debug, Clone, Serialize)]
pub(in crate::mcp) struct Content {
    #[serde(rename = "type")]
    kind: &'static str,
    text: String,
}

impl Content {
    pub(in crate::mcp) fn text(text: impl Into<String>) -> Self {
        Self { kind: "text", text: text.into() }
    }
}
