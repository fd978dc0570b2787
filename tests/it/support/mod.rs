//! What the tests share: servers on free ports, requests to them, and tokens.
//!
//! ```ignore
//! let server = Server::start("step6");
//! let answer = server.rpc(&server.token("alice", "mcp:tools"), "tools/list", json!({})).await;
//! assert_eq!((answer.status, answer.json()["id"].clone()), (200, json!(1)));
//! ```

#![allow(dead_code, unused_imports)] // each subject uses what it needs

pub(crate) mod dpop;
mod http;
pub(crate) mod schema;
mod secrets;
mod server;
mod tokens;

pub(crate) use http::{Answer, Ask, client, message};
pub(crate) use secrets::note;
pub(crate) use server::{Server, binary, command};
pub(crate) use tokens::{claims, key_folder, key_pair, now, private_pem, public_pem};
