//! The Model Context Protocol: its endpoint, its methods, and what they offer.
//!
//! Knows callers only as [`Principal`](crate::principal::Principal)s; how they proved who they are is
//! [`auth`](crate::auth)'s business.

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
