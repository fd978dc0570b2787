//! The rooms.
pub mod auth;
pub mod jsonrpc;
pub mod principal;
