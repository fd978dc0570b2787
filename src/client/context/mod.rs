//! What all parts of the client use.
//!
//! | module | contents |
//! |---|---|
//! | [`client`] | the `Client`: options, HTTP, credential store, reporter and terminal of one run |
//! | [`options`], [`option_values`] | the command line |
//! | [`credentials`], `credential_store`, `private_file`, `secret` | registrations and tokens, and the file in which they are stored |
//! | `http`, `ssrf`, `urls`, `json` | requests with limits on time, size and destination; documents of other parties |
//! | `reporter`, `redact`, `terminal` | what the user sees, without secrets and control characters; what the user types |
//! | [`error`], [`oauth_error`] | why a run stopped, and what to do about it |

pub mod client;
pub(crate) mod credential_store;
pub mod credentials;
pub mod error;
pub(crate) mod http;
pub(crate) mod json;
pub mod oauth_error;
pub mod option_values;
pub mod options;
mod private_file;
pub(crate) mod redact;
pub(crate) mod reporter;
pub(crate) mod secret;
mod ssrf;
pub(crate) mod terminal;
pub(crate) mod urls;
