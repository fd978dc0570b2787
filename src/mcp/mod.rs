//! The Model Context Protocol: its endpoint, its methods, and what they offer.
//!
//! Knows callers only as [`Principal`](crate::principal::Principal)s; how they proved who they are is
//! [`auth`](crate::auth)'s business.

pub mod catalog;
pub mod dispatcher;
pub mod lifecycle;
pub mod policy;
pub mod prompts;
pub mod protocol;
pub mod tools;
pub mod transport;
