//! The rooms of the house, and the texts that rule them.
pub mod about;
pub mod auth;
pub mod config;
pub mod docs;
pub mod health;
pub mod jsonrpc;
pub mod mcp;
pub mod origin;
pub mod principal;
pub mod server;
