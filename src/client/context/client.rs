//! The client: what all stages of a run share.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::header::{HeaderMap, HeaderName};
use url::Url;

use crate::client::context::{
    credentials::store::CredentialStore,
    error::ClientError,
    http::Http,
    options::{Format, Options},
    reporter::{Reporter, Verbosity},
    terminal::Terminal,
    urls,
};

/// The options of a run, and its HTTP, credential store, reporter and terminal.
#[derive(Debug)]
pub struct Client {
    /// What the user wants.
    pub options: Options,
    pub(crate) url: Url,
    pub(crate) http: Http,
    pub(crate) store: CredentialStore,
    pub(crate) reporter: Reporter,
    pub(crate) terminal: Terminal,
    pub(crate) nonces: DpopNonces,
    authorizations: AtomicU32,
}

/// A run that needs more authorizations than this goes round in circles.
const MAX_AUTHORIZATIONS: u32 = 8;

impl Client {
    /// A client for the server that the options name.
    ///
    /// # Errors
    /// When the URL cannot be used, or there is no place for the credentials.
    pub async fn new(options: Options) -> Result<Self, ClientError> {
        let verbosity = match options.verbose {
            true => Verbosity::Verbose,
            false if options.quiet || options.format == Format::Json || options.check.is_some() => {
                Verbosity::Quiet
            }
            false => Verbosity::Normal,
        };
        let reporter = Reporter::new(verbosity);
        let url = urls::secure(options.check.as_ref().unwrap_or(&options.url))?;
        let http =
            Http::new(&url, Duration::from_secs(options.timeout), options.trust_proxy, reporter)
                .await?;
        let store = match (&options.credentials_file, options.headless) {
            (Some(path), _) => CredentialStore::file(path.clone()),
            (None, true) => CredentialStore::memory(),
            (None, false) => CredentialStore::file(CredentialStore::default_path()?),
        };
        if options.omit_resource {
            reporter.warn(
                "without `resource` (RFC 8707) the authorization server does not know which server a token is for: the token may be accepted elsewhere, and whoever receives it can use it there",
            );
        }
        Ok(Self {
            options,
            url,
            http,
            store,
            reporter,
            terminal: Terminal::default(),
            nonces: DpopNonces::default(),
            authorizations: AtomicU32::new(0),
        })
    }

    /// Removes the stored credentials for this server.
    ///
    /// # Errors
    /// When the credentials file cannot be changed.
    pub(crate) async fn logout(&self) -> Result<(), ClientError> {
        let removed = self.store.logout(&self.url).await?;
        match removed.is_empty() {
            true => self.reporter.note(&format!("nothing was stored for {}", self.url)),
            false => self.reporter.note(&format!("removed: {}", removed.join(", "))),
        }
        Ok(())
    }

    /// Counts an authorization before it begins.
    pub(crate) fn count_authorization(&self) -> Result<(), ClientError> {
        if self.authorizations.fetch_add(1, Ordering::Relaxed) >= MAX_AUTHORIZATIONS {
            return Err(ClientError::RetryLimit(format!(
                "{MAX_AUTHORIZATIONS} authorizations were not enough"
            )));
        }
        Ok(())
    }
}

pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The latest DPoP nonce of each server (RFC 9449, 8 and 9).
#[derive(Debug, Default)]
pub(crate) struct DpopNonces(Mutex<HashMap<String, String>>);

impl DpopNonces {
    fn origin(url: &str) -> String {
        Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }

    pub(crate) fn get(&self, url: &str) -> Option<String> {
        self.0.lock().ok()?.get(&Self::origin(url)).cloned()
    }

    pub(crate) fn update(&self, url: &str, headers: &HeaderMap) {
        let nonce = headers.get(DPOP_NONCE).and_then(|nonce| nonce.to_str().ok());
        if let (Some(nonce), Ok(mut nonces)) = (nonce, self.0.lock()) {
            nonces.insert(Self::origin(url), nonce.to_owned());
        }
    }
}
