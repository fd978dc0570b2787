//! MCP over Streamable HTTP, as a client speaks it.

pub(crate) mod elicitation;
pub(crate) mod example_args;
pub(crate) mod param_headers;
pub mod session;
pub(crate) mod transport;
