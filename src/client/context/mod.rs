//! What all parts of the client use.
//!
//! | module | contents |
//! |---|---|
//! | [`client`] | the `Client`: options, HTTP, credential store, reporter and terminal of one run |
//! | [`options`] | the command line |
//! | [`credentials`] | registrations and tokens, and the file in which they are stored |
//! | `http`, `urls` | requests with limits on time, size and destination; which URLs may be used |
//! | `reporter`, `terminal` | what the user sees, without secrets and control characters; what the user types |
//! | [`error`] | why a run stopped, and what to do about it |

pub mod client;
pub mod credentials;
pub mod error;
pub(crate) mod http;
pub mod options;
pub(crate) mod reporter;
pub(crate) mod terminal;
pub(crate) mod urls;
