//! What the servers of this tutorial offer: tools, prompts and resources, each defined once for all steps. Where the
//! caller is authenticated, some of them use the caller's identity.
//!
//! Replace this module when you build a server of your own; nothing else depends on it.

mod administration;
mod arguments;
mod identity;
mod orders;
mod prompts;
mod resources;
mod tools;

pub use administration::{clear_call_log, recent_calls};
pub use identity::{profile, whoami};
pub use orders::list_orders;
pub use prompts::{echo_prompt, greeting, help};
pub use resources::{guide, tool_guide};
pub use tools::{echo, get_time};
