//! An identity provider instead of our own keys: discovery, keys, dialects, introspection, settings, CORS.

mod cors;
mod dialects;
mod discovery;
mod header_tricks;
mod introspection;
mod keys;
mod provider;
mod settings;
mod signing;
