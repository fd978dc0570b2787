//! Step 9: who is asking, and in which era.

mod call_log;
mod callers;
mod confirmation;
mod eras;
mod limits;
mod personal;
mod sessions;
mod stateless;
mod stateless_answers;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::support::{Answer, Ask, Server, message, schema::STATELESS};

/// Everything that a person of the tutorial may do: name and scopes; `nobody` has no token.
const CALLERS: [(&str, &str); 5] = [
    ("alice", "mcp:read mcp:tools"),
    ("bob", "mcp:read mcp:prompts"),
    ("admin", "mcp:read mcp:tools mcp:prompts"),
    ("guest", ""),
    ("nobody", ""),
];

/// The token of a caller; none for `nobody`.
fn token(server: &Server, name: &str) -> String {
    let scopes = CALLERS.iter().find(|(caller, _)| *caller == name).expect("a caller").1;
    if name == "nobody" { String::new() } else { server.token(name, scopes) }
}

/// `_meta` as every request of 2026-07-28 has it.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": STATELESS,
        "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A request of 2026-07-28 with all that belongs to it.
fn stateless(server: &Server, token: &str, method: &str, params: Value) -> RequestBuilder {
    let mut params = if params.is_null() { json!({}) } else { params };
    let name =
        ["name", "uri"].iter().find_map(|member| params[*member].as_str()).map(str::to_owned);
    if params.get("_meta").is_none() {
        params["_meta"] = meta();
    }
    let request = server
        .mcp(token, message(method, params))
        .header("mcp-protocol-version", STATELESS)
        .header("mcp-method", method);
    match name {
        Some(name) => request.header("mcp-name", name),
        None => request,
    }
}

/// The two eras.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Era {
    Legacy,
    Stateless,
}

impl Era {
    const BOTH: [Self; 2] = [Self::Legacy, Self::Stateless];

    async fn ask(self, server: &Server, token: &str, method: &str, params: Value) -> Answer {
        match self {
            Self::Legacy => {
                let request = server.mcp(token, message(method, params));
                request.header("mcp-protocol-version", "2025-11-25").answer().await
            }
            Self::Stateless => stateless(server, token, method, params).answer().await,
        }
    }
}
