//! The development authorization server, with the requests of browsers and clients: one router, no ports.

mod client_authentication;
mod client_credentials;
mod client_metadata;
mod consent;
mod dpop;
mod fetches;
mod forms;
mod id_jag;
mod metadata;
mod metadata_host;
mod pages;
mod refresh;
mod registration;
mod requests;
mod response;
mod revocation;
mod support;
mod tokens;
