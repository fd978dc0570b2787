//! The Model Context Protocol: the endpoint, its methods, and the features of a server.
//!
//! | module | what it does | spec |
//! |---|---|---|
//! | [`endpoint`] | `/mcp` for one protocol era or both | MCP transports, versioning |
//! | [`transport`] | HTTP to message, outcome to HTTP | MCP transports |
//! | [`dispatcher`], [`call`] | method name to handler, its typed result to JSON | JSON-RPC 2.0 |
//! | [`lifecycle`], [`protocol`] | `initialize`, `ping`, revisions | MCP lifecycle |
//! | [`tools`], [`prompts`], [`resources`], [`completion`] | the features | MCP server features |
//! | [`policy`], [`call_log`] | who may do what, who did what | RFC 6750 section 3.1 |
//! | [`policy::layer`] | the policy in front of another server, such as one made with rmcp | RFC 6750 section 3.1 |
//! | `legacy` | sessions | MCP 2025-11-25 |
//! | `stateless` | headers, parameter headers, `_meta` | MCP 2026-07-28 |
//!
//! A caller is a [`Principal`](crate::principal::Principal); how it was authenticated is up to [`auth`](crate::auth).
//!
//! A tool of your own, its schemas derived from its types, behind a policy:
//!
//! ```
//! use mcp_auth::mcp::{dispatcher::Dispatcher, policy::Policy, tools::{Tool, Tools}};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Numbers { a: i32, b: i32 }
//!
//! #[derive(Serialize, JsonSchema)]
//! struct Sum { sum: i32 }
//!
//! impl std::fmt::Display for Sum {
//!     fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
//!         write!(f, "the sum is {}", self.sum)
//!     }
//! }
//!
//! let add = Tool::new("add", "Add", "Adds two numbers", async |Numbers { a, b }, _| {
//!     Ok(Sum { sum: a + b })
//! });
//! let tools = Tools::new().with(add);
//! let policy = Policy::new().require_any_scope("tools/call", ["math:add"], "tool execution");
//! let methods = Dispatcher::new().merge(tools.methods()).with_policy(policy);
//! assert!(methods.has_method("tools/call") && tools.names() == ["add"]);
//! ```

pub mod call;
pub mod call_log;
pub mod completion;
pub mod dispatcher;
pub mod endpoint;
mod legacy;
pub mod lifecycle;
mod mac;
pub mod policy;
pub mod prompts;
pub mod protocol;
pub mod resources;
mod stateless;
pub mod tools;
pub mod transport;
