//! Black-box tests: the programs as a reader runs them, over real HTTP on free ports of this machine.
//!
//! One target, so that everything is linked once. `support` starts servers and signs tokens; each other module holds
//! one subject.

mod attacks;
mod authorization_server;
mod bad_input;
mod client;
mod docs;
mod exchange;
mod faults;
mod gen_token;
mod idp;
mod ladder;
mod lifecycle;
mod log_secrets;
mod messages;
mod raw_http;
mod schemas;
mod scopes;
mod scripts;
mod step9;
mod support;
mod tokens;
