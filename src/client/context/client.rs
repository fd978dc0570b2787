//! The client: what all stages of a run share.

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

use crate::client::{
    context::{
        credential_store::Store,
        error::{self, ClientError},
        http::Http,
        options::Options,
        reporter::{Reporter, Verbosity},
        terminal::Terminal,
        urls,
    },
    oauth::token::DPOP_NONCE,
};

/// Everything that the stages share: the wish, the wire, the file, the voice.
#[derive(Debug)]
pub struct Client {
    /// What the person wants.
    pub options: Options,
    pub(crate) url: Url,
    pub(crate) http: Http,
    pub(crate) store: Store,
    pub(crate) report: Reporter,
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
            true => Verbosity::Verbose,
            false if options.quiet || options.json || options.check.is_some() => Verbosity::Quiet,
            false => Verbosity::Normal,
        };
        let report = Reporter::new(level);
        let url = urls::secure(options.check.as_ref().unwrap_or(&options.url))?;
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
        self.report.error(&error::chain(error), error.hint());
    }

    pub(crate) fn count_authorization(&self) -> Result<(), ClientError> {
        if self.authorizations.fetch_add(1, Ordering::Relaxed) >= AUTHORIZATIONS {
            return Err(ClientError::RetryLimit(format!(
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
        let nonce = headers.get(DPOP_NONCE).and_then(|nonce| nonce.to_str().ok());
        if let (Some(nonce), Ok(mut nonces)) = (nonce, self.0.lock()) {
            nonces.insert(Self::origin(url), nonce.to_owned());
        }
    }
}
