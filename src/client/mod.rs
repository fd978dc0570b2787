//! The OAuth client of an MCP server, from the first 401 to the result of a tool call.
//!
//! | folder | contents | specifications |
//! |---|---|---|
//! | [`oauth`] | discovery, registration, authorization code with PKCE, tokens, step-up | RFC 9728, 8414, 7591, 6749, 7636, 8252, 8707, 9207, 9449; MCP authorization |
//! | [`mcp`] | Streamable HTTP in both protocol eras: sessions, streams, tools | MCP 2025-06-18, 2025-11-25, 2026-07-28 |
//! | [`cli`] | the run that the command line asks for, and its output | |
//! | [`check`] | an authorization server evaluated by its public metadata | the same as `oauth` |
//! | [`context`] | what all of them use: options, HTTP, URLs, credential store, reporter, errors | MCP authorization, "Security Considerations" |
//!
//! `oauth` uses `context`; `mcp` uses both; `cli` and `check` use all three. Nothing here depends on the server modules.
//!
//! ```
//! use mcp_auth::client::{
//!     context::{client::Client, error::ClientError},
//!     oauth::{discovery, unauthorized::AuthChallenge},
//! };
//!
//! /// From a 401 to the authorization server that issues tokens; the metadata of both is validated on the way.
//! async fn discover(client: &Client, challenge: &AuthChallenge) -> Result<(), ClientError> {
//!     let resource = discovery::protected_resource(client, challenge).await?;
//!     discovery::authorization_server(client, &resource).await?;
//!     Ok(())
//! }
//! ```

pub mod check;
pub mod cli;
pub mod context;
pub mod mcp;
pub mod oauth;
