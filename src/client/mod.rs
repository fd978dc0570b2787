//! What the client is made of: from a 401 to a tool's answer with nobody's help.
//!
//! | room | does | rules |
//! |---|---|---|
//! | [`discovery`] | whom to ask for a token, and how | RFC 9728, RFC 8414, OpenID Connect Discovery |
//! | [`registration`], `client_auth` | becoming a client, and proving to be it | RFC 7591, CIMD draft, RFC 7523 |
//! | [`authorization`], [`browser`], `listener`, `pkce` | a person decides; the code comes back to us alone | RFC 6749, 7636, 8252, 8707, 9207 |
//! | [`token`], [`assertion`], `dpop`, `claims` | the token, its renewal, its binding | RFC 6749, 7523, 8693, 9449 |
//! | [`journal`], [`refusal`] | what was refused, what was asked for, when to stop | RFC 6750; MCP step-up flow |
//! | [`session`], [`work`], `era`, `output`, `wire`, `stream`, `sse`, `mirror`, `elicitation`, `sample` | MCP itself, in both eras | MCP 2025-06-18, 2025-11-25, 2026-07-28 |
//! | `store`, `private_file`, `secret`, `redact`, `report`, `http`, `address` | what must be kept, hidden, told and bounded | MCP authorization, "Security Considerations" |
//! | [`check`] | an identity provider judged by its public documents | all of the above |
//!
//! The stages stand one after the other in the step file. Nothing here knows how a server is made.
//!
//! ```
//! use mcp_auth::client::{Client, discovery, error::ClientError, refusal::Refusal};
//!
//! /// From a 401 to the server that issues tokens; the metadata of both is checked on the way.
//! async fn whom_to_ask(client: &Client, refusal: &Refusal) -> Result<(), ClientError> {
//!     let resource = discovery::protected_resource(client, refusal).await?;
//!     discovery::authorization_server(client, &resource).await?;
//!     Ok(())
//! }
//! ```

mod address;
pub mod assertion;
pub mod authorization;
pub mod browser;
pub mod check;
mod claims;
mod client_auth;
pub mod discovery;
mod dpop;
mod elicitation;
mod era;
pub mod error;
mod http;
pub mod journal;
mod listener;
mod mirror;
pub mod options;
mod output;
mod pkce;
mod private_file;
mod redact;
pub mod refusal;
pub mod registration;
mod report;
mod sample;
mod secret;
pub mod session;
mod sse;
mod store;
mod stream;
mod terminal;
pub mod token;
mod wire;
pub mod work;

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::header::HeaderMap;
use url::Url;

use self::{
    error::ClientError,
    http::Http,
    options::Options,
    report::{Level, Report},
    store::Store,
    terminal::Terminal,
};

/// Everything that the stages share: the wish, the wire, the file, the voice.
#[derive(Debug)]
pub struct Client {
    /// What the person wants.
    pub options: Options,
    pub(crate) url: Url,
    pub(crate) http: Http,
    pub(crate) store: Store,
    pub(crate) report: Report,
    pub(crate) terminal: Terminal,
    pub(crate) nonces: Nonces,
    authorizations: AtomicU32,
}

/// A run that asks for more authorizations than this is being led in circles.
const AUTHORIZATIONS: u32 = 8;

impl Client {
    /// A client for the server that the options name.
    ///
    /// # Errors
    /// When the URL cannot be used, or there is no place for the credentials.
    pub async fn new(options: Options) -> Result<Self, ClientError> {
        let level = match options.verbose {
            true => Level::Everything,
            false if options.quiet || options.json || options.check.is_some() => Level::Quiet,
            false => Level::Story,
        };
        let report = Report::new(level);
        let url = address::secure(options.check.as_ref().unwrap_or(&options.url))?;
        let http = Http::new(&url, Duration::from_secs(options.timeout), report.clone()).await?;
        let store = match (&options.credentials, options.headless) {
            (Some(path), _) => Store::file(path.clone()),
            (None, true) => Store::memory(),
            (None, false) => Store::file(Store::default_path()?),
        };
        Ok(Self {
            options,
            url,
            http,
            store,
            report,
            terminal: Terminal::default(),
            nonces: Nonces::default(),
            authorizations: AtomicU32::new(0),
        })
    }

    /// Forgets what is stored for this server.
    ///
    /// # Errors
    /// When the credentials file cannot be changed.
    pub async fn forget(&self) -> Result<(), ClientError> {
        let forgotten = self.store.forget(&self.url).await?;
        match forgotten.is_empty() {
            true => self.report.note(&format!("nothing was stored for {}", self.url)),
            false => self.report.note(&format!("forgotten: {}", forgotten.join(", "))),
        }
        Ok(())
    }

    /// Tells the person what stopped us, and what they can do.
    pub fn explain(&self, error: &ClientError) {
        self.report.error(&error::chain(error), error.advice());
    }

    fn count_authorization(&self) -> Result<(), ClientError> {
        if self.authorizations.fetch_add(1, Ordering::Relaxed) >= AUTHORIZATIONS {
            return Err(ClientError::GivenUp(format!(
                "{AUTHORIZATIONS} authorizations were not enough for it"
            )));
        }
        Ok(())
    }
}

/// The latest nonce of each server, for proofs of possession (RFC 9449, 8 and 9).
#[derive(Debug, Default)]
pub(crate) struct Nonces(Mutex<HashMap<String, String>>);

impl Nonces {
    fn origin(url: &str) -> String {
        Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }

    pub(crate) fn of(&self, url: &str) -> Option<String> {
        self.0.lock().ok()?.get(&Self::origin(url)).cloned()
    }

    pub(crate) fn note(&self, url: &str, headers: &HeaderMap) {
        let nonce = headers.get(token::DPOP_NONCE).and_then(|nonce| nonce.to_str().ok());
        if let (Some(nonce), Ok(mut nonces)) = (nonce, self.0.lock()) {
            nonces.insert(Self::origin(url), nonce.to_owned());
        }
    }
}
