//! MCP authorization, step by step.
//!
//! Everything that the programs `step1` to `step11` are assembled from lives here once. A step file under `src/bin`
//! only says which of these rooms stand in front of which door; the difference between two neighbours is the lesson.
//!
//! # The map
//!
//! | room | what it is for | ruled by | first used in |
//! |---|---|---|---|
//! | [`server`] | connections, limits, timeouts, graceful shutdown | RFC 9110, RFC 9112 | 1 |
//! | [`telemetry`], [`trace_context`] | request ids, logs, metrics | W3C Trace Context, OpenMetrics | 1 |
//! | [`config`] | command line, environment, file, defaults | | 1 |
//! | [`program`] | title, summary and example of a program, from the header of its source | | 1 |
//! | [`health`] | `GET /health` | | 1 |
//! | [`origin`] | validation of `Origin` and `Host` | MCP transports, RFC 6454 | 1 |
//! | [`docs`] | `GET /docs`: a page that explains the server and lets one try it | RFC 9728, CSP 3 | 1 |
//! | [`jsonrpc`] | the envelope | JSON-RPC 2.0 | 2 |
//! | [`mcp::transport`], [`mcp::dispatcher`] | `POST /mcp`, and from a name to its code | MCP transports | 2 |
//! | [`mcp::tools`], [`mcp::prompts`], [`mcp::catalog`] | what is offered | MCP server features | 3 |
//! | [`mcp::lifecycle`], [`mcp::protocol`] | `initialize`, `ping`, revisions | MCP lifecycle | 4 |
//! | [`auth::keys`], [`auth::jwks`] | a key pair, and its public half | RFC 7517, RFC 7518 | 5 |
//! | [`auth::bearer`] | the wall | RFC 6750 | 6 |
//! | [`auth::verifier`], [`auth::claims`], [`auth::token_cache`] | is this token good, and whose is it? | RFC 7519, RFC 8725, RFC 9068 | 6 |
//! | [`auth::challenge`] | `WWW-Authenticate`, written and read | RFC 9110, RFC 6750, RFC 9728 | 6 |
//! | [`principal`] | the caller, on this side of the wall | RFC 6749 | 6 |
//! | [`public_ip`] | which addresses are public: the rule against server-side request forgery | RFC 6890 | 7 |
//! | [`auth::metadata`] | the documents of the trail | RFC 9728, RFC 8414 | 7 |
//! | [`authorization_server`] | a real login, for development | OAuth 2.1, RFC 7591, RFC 8707, RFC 9207 | 7 |
//! | [`mcp::policy`] | scopes and roles | RFC 6749, RFC 6750 | 8 |
//! | [`mcp::eras`], [`mcp::sessions`] | two eras of MCP on one endpoint | MCP versioning, streamable HTTP | 9 |
//! | [`mcp::personal`], [`mcp::resources`], [`mcp::completion`], [`mcp::confirmation`] | answers that depend on who asks; a person asked first | MCP server features, elicitation | 9 |
//! | [`auth::provider`], [`auth::remote_jwks`], [`auth::introspection`] | an identity provider, its keys, its word on opaque tokens | RFC 8414, RFC 7517, RFC 7662 | 10 |
//! | [`cors`] | which web pages may read responses | Fetch, RFC 9728 | 10 |
//! | [`client`] | from a 401 to an answer, with nobody's help | MCP authorization | 11 |
//!
//! # Who may know whom
//!
//! [`auth`] and [`mcp`] never import each other. A [`principal::Principal`] goes in through the request's extensions;
//! a [`principal::InsufficientScope`] comes out through the response's; only the wall writes a challenge.
//! `tests/architecture/` holds these lines.

pub mod auth;
pub mod authorization_server;
pub mod client;
pub mod config;
pub mod cors;
pub mod docs;
pub mod health;
pub mod jsonrpc;
pub mod mcp;
pub mod origin;
pub mod principal;
pub mod program;
pub mod public_ip;
pub mod server;
pub mod telemetry;
pub mod trace_context;
pub mod tutorial;
