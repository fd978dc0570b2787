//! The table of samples: when each one applies, and what to look for in the response.

use super::{
    Credentials::{self, Invalid, Omitted, Token},
    Sample,
};
use crate::docs::facts::Facts;

const fn get(
    title: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    applies: fn(&Facts) -> bool,
    text: &'static str,
) -> Sample {
    let (rpc_method, params, credentials) = ("", "", Omitted);
    Sample { title, text, path, rpc_method, params, credentials, headers, applies }
}

const fn rpc(
    title: &'static str,
    (rpc_method, params): (&'static str, &'static str),
    credentials: Credentials,
    applies: fn(&Facts) -> bool,
    text: &'static str,
) -> Sample {
    let (path, headers) = ("/mcp", &[]);
    Sample { title, text, path, rpc_method, params, credentials, headers, applies }
}

/// A request of 2026-07-28: headers that repeat parts of the body, and `_meta` instead of a session.
const fn stateless(
    title: &'static str,
    (rpc_method, params): (&'static str, &'static str),
    headers: &'static [(&'static str, &'static str)],
    applies: fn(&Facts) -> bool,
    text: &'static str,
) -> Sample {
    let (path, credentials) = ("/mcp", Token);
    Sample { title, text, path, rpc_method, params, credentials, headers, applies }
}

/// Parameters with the `_meta` that every request of 2026-07-28 carries.
macro_rules! with_meta {
    ($params:literal) => {
        with_meta!($params, "{}")
    };
    ($params:literal, $capabilities:literal) => {
        concat!(
            "{",
            $params,
            r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
            r#""io.modelcontextprotocol/clientInfo":{"name":"docs","version":"1"},"#,
            r#""io.modelcontextprotocol/clientCapabilities":"#,
            $capabilities,
            "}}"
        )
    };
}

pub(super) const FOREIGN_ORIGIN: &str = "Foreign Origin";
pub(super) const FOREIGN_HOST: &str = "Foreign Host";
const INITIALIZE: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"docs","version":"1"}}"#;
const ECHO: &str = r#"{"name":"echo","arguments":{"message":"hello","repeat_count":2}}"#;
const WHOAMI: &str = r#"{"name":"whoami","arguments":{}}"#;
const LIST_ORDERS: &str = r#"{"name":"list_orders","arguments":{}}"#;
const RECENT_CALLS: &str = r#"{"name":"recent_calls","arguments":{"limit":5}}"#;
const PROFILE: &str = r#"{"uri":"tutorial://me"}"#;
const CHAPTER: &str = r#"{"uri":"tutorial://tools/whoami"}"#;
const STYLE: &str =
    r#"{"ref":{"type":"ref/prompt","name":"greeting"},"argument":{"name":"style","value":"f"}}"#;
const GREETING: &str = r#"{"name":"greeting","arguments":{"name":"Ada"}}"#;

pub(super) const HEADER_MISMATCH: &str = "Header mismatch";
const DISCOVER_META: &str = with_meta!("");
const ECHO_META: &str = with_meta!(r#""name":"echo","arguments":{"message":"hello"},"#);
const PROFILE_META: &str = with_meta!(r#""uri":"tutorial://me","#);
const CLEAR_META: &str =
    with_meta!(r#""name":"clear_call_log","arguments":{},"#, r#"{"elicitation":{}}"#);
const REVISION: (&str, &str) = ("MCP-Protocol-Version", "2026-07-28");

#[rustfmt::skip] // one row, one request
pub(super) const SAMPLES: [Sample; 33] = [
    get(FOREIGN_ORIGIN, "/mcp", &[("Origin", "http://evil.example.com")], |_| true,
        "403: the origin is not on the list. A browser sets Origin itself and a script cannot change it, so send this one from the terminal."),
    rpc("Allowed Origin", ("ping", ""), Omitted, |facts| !facts.mcp,
        "404 instead of 403: the request passes the check, and there is no endpoint yet. The browser adds the Origin of this page."),
    get("No Origin", "/mcp", &[], |facts| facts.origin_required,
        "403: this server requires the header. A browser sends no Origin with a GET to the page’s own server."),
    get(FOREIGN_HOST, "/mcp", &[("Origin", "http://localhost:3000"), ("Host", "rebound.example.com")], |facts| !facts.mcp,
        "403: DNS rebinding. The attacker’s name resolves to 127.0.0.1, and the browser sends that name as Host."),
    get("Health check", "/health", &[], |_| true,
        "200, whatever the Origin: load balancers call it. It reports what the server supports."),
    rpc("Ping", ("ping", ""), Token, |facts| facts.mcp && !facts.auth_required,
        "An empty result."),
    rpc("Call without a token", ("ping", ""), Omitted, |facts| facts.auth_required,
        "401. WWW-Authenticate has the challenge."),
    rpc("Call with an invalid token", ("ping", ""), Invalid, |facts| facts.auth_required,
        "401, now with error=\"invalid_token\"."),
    rpc("Call with your token", ("ping", ""), Token, |facts| facts.auth_required,
        "200: the token is valid."),
    rpc("Initialize", ("initialize", INITIALIZE), Token, |facts| facts.initialize,
        "The protocol revision, the capabilities and the server’s name: the first request of an MCP client."),
    rpc("List the tools", ("tools/list", ""), Token, |facts| facts.initialize && facts.has_tool("echo"),
        "Names, descriptions, and JSON schemas of arguments and results."),
    rpc("List the tools", ("tools/list", ""), Token, |facts| !facts.initialize && facts.has_tool("echo"),
        "-32601 Method not found: the tools are declared, but no method serves them yet."),
    rpc("Call a tool", ("tools/call", ECHO), Token, |facts| facts.initialize && facts.has_tool("echo") && !facts.scopes_enforced,
        "The text twice. Set repeat_count to 11 for an error that a language model can correct."),
    rpc("Call a tool", ("tools/call", ECHO), Token, |facts| facts.scopes_enforced && facts.has_tool("echo"),
        "The text twice, or 403 if the token lacks the scope."),
    rpc("Call whoami", ("tools/call", WHOAMI), Token, |facts| facts.has_tool("whoami"),
        "The caller’s identity, from the token."),
    rpc("Call another API as the user", ("tools/call", LIST_ORDERS), Token, |facts| facts.has_tool("list_orders"),
        "The caller’s orders, from another API. It gets a token of its own by token exchange, never yours. 403 if your token lacks the scope of that API."),
    rpc("List the prompts", ("prompts/list", ""), Token, |facts| facts.initialize && !facts.prompts.is_empty(),
        "Prompts that a client can offer to the user."),
    rpc("Get a prompt", ("prompts/get", GREETING), Token, |facts| facts.initialize && !facts.prompts.is_empty(),
        "A message for the language model."),
    rpc("Unknown method", ("dance", ""), Token, |facts| facts.mcp,
        "A JSON-RPC error: -32601 Method not found."),
    rpc("Recent calls", ("tools/call", RECENT_CALLS), Token, |facts| facts.has_tool("recent_calls"),
        "The latest calls of all users, for the role admin. All others get a 403 without a scope: no scope replaces the role."),
    rpc("List the resources", ("resources/list", ""), Token, |facts| !facts.resources.is_empty(),
        "Resources with their URIs."),
    rpc("Read a resource", ("resources/read", PROFILE), Token, |facts| facts.has_resource("tutorial://me"),
        "The caller’s own profile: the same URI, another content for each user."),
    rpc("List the resource templates", ("resources/templates/list", ""), Token, |facts| !facts.resources.is_empty(),
        "URI templates (RFC 6570)."),
    rpc("Read from a template", ("resources/read", CHAPTER), Token, |facts| facts.has_resource("tutorial://guide"),
        "The template tutorial://tools/{name} for the tool whoami. A tool that you may not use is an error."),
    rpc("Complete an argument", ("completion/complete", STYLE), Token, |facts| !facts.resources.is_empty() && !facts.prompts.is_empty(),
        "Values for the argument style of the prompt greeting that start with f."),
    stateless("Discover the server", ("server/discover", DISCOVER_META), &[REVISION, ("Mcp-Method", "server/discover")], Facts::is_stateless,
        "MCP 2026-07-28 has no initialize. A client asks for revisions and capabilities when it needs them."),
    stateless("Call a tool (2026-07-28)", ("tools/call", ECHO_META), &[REVISION, ("Mcp-Method", "tools/call"), ("Mcp-Name", "echo")], |facts| facts.is_stateless() && facts.has_tool("echo"),
        "_meta carries revision and client information, so that any replica can serve the request."),
    stateless("Read a resource (2026-07-28)", ("resources/read", PROFILE_META), &[REVISION, ("Mcp-Method", "resources/read"), ("Mcp-Name", "tutorial://me")], |facts| facts.is_stateless() && facts.has_resource("tutorial://me"),
        "The same profile. ttlMs and cacheScope say how long it may be cached, and for whom."),
    stateless(HEADER_MISMATCH, ("tools/call", ECHO_META), &[REVISION, ("Mcp-Method", "tools/call"), ("Mcp-Name", "whoami")], |facts| facts.is_stateless() && facts.has_tool("echo"),
        "400, -32020: a proxy that reads only headers would have allowed another tool."),
    stateless("Confirm before clearing", ("tools/call", CLEAR_META), &[REVISION, ("Mcp-Method", "tools/call"), ("Mcp-Name", "clear_call_log")], |facts| facts.is_stateless() && facts.has_tool("clear_call_log"),
        "For the role admin: input_required instead of a result. The client asks the user, and sends the call again with requestState and the answer in inputResponses."),
    get("JWKS", "/.well-known/jwks.json", &[], |facts| facts.jwks,
        "The public key. It verifies tokens and cannot sign them."),
    get("Protected resource metadata", "", &[], |facts| facts.resource.is_some(),
        "The resource identifier, and the authorization servers that issue tokens for it."),
    get("Authorization server metadata", "/.well-known/oauth-authorization-server", &[], |facts| facts.own_authorization_server,
        "The endpoints for registration, authorization and tokens."),
];
