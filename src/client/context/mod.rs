//! What all parts of the client use.
//!
//! | module | contents |
//! |---|---|
//! | [`client`] | the `Client`: options, HTTP, store, reporter and terminal of one run |
//! | [`options`] | the command line |
//! | `credential_store`, `private_file` | registrations and tokens, in a file for their owner only |
//! | `http`, `urls` | requests with limits on time, size and destination; which URLs may be used |
//! | `reporter`, `redact`, `secret` | what the user sees, without secrets and control characters |
//! | `terminal` | lines that the user types |
//! | [`error`] | why a run stopped, and what to do about it |

pub mod client;
pub(crate) mod credential_store;
pub mod error;
pub(crate) mod http;
pub mod options;
mod private_file;
pub(crate) mod redact;
pub(crate) mod reporter;
pub(crate) mod secret;
pub(crate) mod terminal;
pub(crate) mod urls;
