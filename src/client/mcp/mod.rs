//! MCP over Streamable HTTP, in both protocol eras.
//!
//! | module | contents |
//! |---|---|
//! | [`session`] | version negotiation, requests, and their repetition after a challenge |
//! | `transport` | HTTP requests with the access token; event streams |
//! | `tools`, `param_headers`, `example_args` | lists, tool calls, `Mcp-Param-*` headers, arguments made from schemas |
//! | `elicitation` | input that the server requests from the user |

pub(crate) mod elicitation;
pub(crate) mod example_args;
pub(crate) mod param_headers;
pub mod session;
pub(crate) mod tools;
pub(crate) mod transport;
