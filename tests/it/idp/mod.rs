//! An identity provider instead of local keys: discovery, keys, token formats, introspection, settings, CORS.

mod allowed_clients;
mod cors;
mod discovery;
mod header_tricks;
mod introspection;
mod keys;
mod private_ca;
mod provider_tokens;
mod settings;
mod several;
mod unavailable;
