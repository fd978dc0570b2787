//! The development authorization server, asked as browsers and clients ask: one router, no ports.

mod consent;
mod documents;
mod metadata;
mod pages;
mod registration;
mod requests;
mod support;
mod tokens;
