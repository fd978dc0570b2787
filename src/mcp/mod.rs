//! The Model Context Protocol: its endpoint, its methods, and what they offer.
//!
//! Knows callers only as [`Principal`](crate::principal::Principal)s; how they proved who they are is
//! [`auth`](crate::auth)'s business.
//!
//! A tool of your own, its schemas made from its types, behind a policy:
//!
//! ```
//! use mcp_auth::mcp::{
//!     dispatcher::{Dispatcher, WithState},
//!     policy::Policy,
//!     tools::{self, Tool, Tools},
//! };
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
//! let policy = Policy::new().allow("tools/call", ["math:add"], "tool execution");
//! let methods = Dispatcher::new()
//!     .method("tools/list", tools::list.with_state(&tools))
//!     .method("tools/call", tools::call.with_state(&tools))
//!     .guarded_by(policy);
//! assert!(methods.answers("tools/call") && tools.names() == ["add"]);
//! ```

pub mod caller;
pub mod catalog;
pub mod completion;
pub mod confirmation;
pub mod dispatcher;
pub mod eras;
mod headers;
pub mod journal;
pub mod lifecycle;
mod mirrors;
pub mod personal;
pub mod policy;
pub mod prompts;
pub mod protocol;
pub mod resources;
mod seal;
pub mod sessions;
mod stateless;
pub mod tools;
mod trace;
pub mod transport;
