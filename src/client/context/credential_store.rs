//! The credentials file: what we are and hold at each authorization server, for the next run.
//!
//! Rules: MCP authorization "Authorization Server Binding" (credentials are keyed by the issuer) and "Token Theft"
//! (OAuth 2.1, 7.1). Readable by its owner only, written whole or not at all, one writer at a time.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, UNIX_EPOCH},
};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    client::{
        context::{
            error::ClientError,
            private_file::{folder, only_ours, private, replace},
            secret::Secret,
        },
        oauth::{dpop::ProofKey, registration::ClientInformation, unauthorized::AccessToken},
    },
    principal::ScopeSet,
};

/// Keeps registrations and tokens, in a file or, for runs that leave nothing behind, in memory.
#[derive(Debug)]
pub(crate) struct Store {
    path: Option<PathBuf>,
    memory: Mutex<Contents>,
    /// The clients that were registered in this run.
    registered: Mutex<HashSet<String>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Contents {
    /// By issuer: what we are there.
    #[serde(default)]
    apps: BTreeMap<String, ClientInformation>,
    /// By client id: the issuer that a pre-registered client belongs to.
    #[serde(default)]
    bound: BTreeMap<String, String>,
    /// By the URL of the MCP server: what it was last used with.
    #[serde(default)]
    tokens: BTreeMap<String, Token>,
    /// By the URL of the MCP server, then by client id: the tokens of clients that a person named while `tokens` held
    /// those of another one.
    #[serde(default)]
    named: BTreeMap<String, BTreeMap<String, Token>>,
    /// By the URL of the MCP server: the issuers where we are somebody because of it.
    #[serde(default)]
    issuers: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Token {
    issuer: String,
    resource: String,
    scope: String,
    token: Secret,
    expires_at: Option<u64>,
    refresh_token: Option<Secret>,
    proof_key: Option<Secret>,
    #[serde(default)]
    refresh_key: Option<Secret>,
    app: Option<ClientInformation>,
}

/// The right to write, held until it is dropped. The kernel takes it back from a process that is killed.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _lock: Option<File>,
}

impl Contents {
    fn note(&mut self, url: &Url, issuer: &str) {
        self.issuers.entry(url.to_string()).or_default().insert(issuer.to_owned());
    }

    fn forget(&mut self, url: &Url) -> Vec<String> {
        let mut issuers = self.issuers.remove(url.as_str()).unwrap_or_default();
        let named = self.named.remove(url.as_str()).unwrap_or_default();
        let tokens: Vec<_> =
            self.tokens.remove(url.as_str()).into_iter().chain(named.into_values()).collect();
        let mut forgotten = Vec::new();
        forgotten.extend((!tokens.is_empty()).then(|| format!("the tokens for {url}")));
        issuers.extend(tokens.into_iter().map(|token| token.issuer));
        for issuer in issuers {
            let app = self.apps.remove(&issuer);
            forgotten.extend(app.map(|_| format!("the registration at {issuer}")));
            self.bound.retain(|client_id, bound_to| {
                let forget = *bound_to == issuer;
                forgotten.extend(forget.then(|| format!("that {client_id} belongs to {issuer}")));
                !forget
            });
        }
        forgotten
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

impl Store {
    pub(crate) fn file(path: PathBuf) -> Self {
        Self { path: Some(path), ..Self::memory() }
    }

    pub(crate) fn memory() -> Self {
        Self { path: None, memory: Mutex::default(), registered: Mutex::default() }
    }

    /// The file's place in the person's configuration folder.
    pub(crate) fn default_path() -> Result<PathBuf, ClientError> {
        let strategy = etcetera::choose_base_strategy().map_err(|_| {
            ClientError::Usage(
                "this machine knows no home folder: pass --credentials FILE".to_owned(),
            )
        })?;
        Ok(strategy.config_dir().join("mcp-auth-step-by-step").join("credentials.json"))
    }

    pub(crate) fn app(&self, issuer: &str) -> Result<Option<ClientInformation>, ClientError> {
        Ok(self.read()?.apps.remove(issuer))
    }

    /// Whether a registration is from just now; one from the file may have been forgotten by its server.
    pub(crate) fn is_of_this_run(&self, app: &ClientInformation) -> bool {
        self.registered.lock().expect("nobody panics in here").contains(&app.client_id)
    }

    /// Keeps our registration at `issuer`, whom the server at `url` names.
    pub(crate) async fn remember_app(
        &self,
        url: &Url,
        issuer: &str,
        app: &ClientInformation,
    ) -> Result<(), ClientError> {
        self.registered.lock().expect("nobody panics in here").insert(app.client_id.clone());
        let turn = self.lock().await?;
        self.change(&turn, |contents| {
            contents.apps.insert(issuer.to_owned(), app.clone());
            contents.note(url, issuer);
        })
    }

    /// Notes that the server at `url`, too, is used with our registration at `issuer`.
    pub(crate) async fn note(&self, url: &Url, issuer: &str) -> Result<(), ClientError> {
        let turn = self.lock().await?;
        self.change(&turn, |contents| contents.note(url, issuer))
    }

    /// Ties a pre-registered client to the issuer that it is first used with.
    pub(crate) async fn bind(
        &self,
        url: &Url,
        client_id: &str,
        issuer: &str,
    ) -> Result<(), ClientError> {
        let turn = self.lock().await?;
        match self.read()?.bound.get(client_id) {
            Some(known) if known != issuer => Err(ClientError::ClientIssuerMismatch {
                client_id: client_id.to_owned(),
                known: known.clone(),
                issuer: issuer.to_owned(),
            }),
            _ => self.change(&turn, |contents| {
                contents.bound.insert(client_id.to_owned(), issuer.to_owned());
                contents.note(url, issuer);
            }),
        }
    }

    /// What the client `named` holds for the server at `url`; nobody named: what was last used with it.
    pub(crate) fn credential(
        &self,
        url: &Url,
        named: Option<&str>,
    ) -> Result<Option<AccessToken>, ClientError> {
        let mut contents = self.read()?;
        let last = contents.tokens.remove(url.as_str());
        let stored = match named {
            Some(id) => last.filter(|token| token.is_of(id)).or_else(|| {
                contents.named.get_mut(url.as_str()).and_then(|clients| clients.remove(id))
            }),
            None => last,
        };
        stored.map(Token::into_credential).transpose()
    }

    /// Keeps a token of the client `named`, beside that of another client; nobody named: in its place.
    pub(crate) fn remember(
        &self,
        turn: &StoreLock,
        url: &Url,
        named: Option<&str>,
        credential: &AccessToken,
    ) -> Result<(), ClientError> {
        self.change(turn, |contents| {
            let (url, token) = (url.to_string(), Token::from(credential));
            let of_another = |id: &&str| contents.tokens.get(&url).is_some_and(|t| !t.is_of(id));
            match named.filter(of_another) {
                Some(id) => {
                    contents.named.entry(url).or_default().insert(id.to_owned(), token);
                }
                None => {
                    contents.tokens.insert(url, token);
                }
            }
        })
    }

    /// Forgets the tokens of the server at `url` and what we are at their issuers. Says what was forgotten.
    pub(crate) async fn forget(&self, url: &Url) -> Result<Vec<String>, ClientError> {
        let turn = self.lock().await?;
        let mut forgotten = Vec::new();
        self.change(&turn, |contents| forgotten = contents.forget(url))?;
        Ok(forgotten)
    }

    /// Waits for our turn to write.
    pub(crate) async fn lock(&self) -> Result<StoreLock, ClientError> {
        let Some(path) = &self.path else {
            return Ok(StoreLock { _lock: None });
        };
        let path = path.with_extension("lock");
        let opened = folder(&path)
            .and_then(|()| private(OpenOptions::new().create(true).append(true)).open(&path));
        let lock = opened.map_err(at(&path))?;
        let waited = tokio::time::Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(StoreLock { _lock: Some(lock) }),
                Err(TryLockError::WouldBlock) if waited.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(at(&path)(io::Error::other("another run holds it")));
                }
                Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
            }
        }
    }

    fn read(&self) -> Result<Contents, ClientError> {
        let Some(path) = &self.path else {
            return Ok(self.memory.lock().expect("nobody panics in here").clone());
        };
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
            Err(error) => return Err(at(path)(error)),
        };
        only_ours(path).map_err(at(path))?;
        serde_json::from_slice(&text).map_err(|_| ClientError::NotCredentials(path.clone()))
    }

    fn change(
        &self,
        _turn: &StoreLock,
        change: impl FnOnce(&mut Contents),
    ) -> Result<(), ClientError> {
        let mut contents = self.read()?;
        change(&mut contents);
        let Some(path) = &self.path else {
            *self.memory.lock().expect("nobody panics in here") = contents;
            return Ok(());
        };
        let text = serde_json::to_vec_pretty(&contents).expect("strings and numbers are JSON");
        replace(path, &text).map_err(at(path))
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> ClientError {
    let path = path.to_owned();
    move |source| ClientError::File { path: path.clone(), source }
}

impl From<&AccessToken> for Token {
    fn from(credential: &AccessToken) -> Self {
        let since_epoch =
            |at: std::time::SystemTime| at.duration_since(UNIX_EPOCH).ok().map(|d| d.as_secs());
        Self {
            issuer: credential.issuer.clone(),
            resource: credential.resource.clone(),
            scope: credential.scopes.to_string(),
            token: credential.token.clone(),
            expires_at: credential.expires_at.and_then(since_epoch),
            refresh_token: credential.refresh_token.clone(),
            proof_key: credential.proof_key.as_ref().map(ProofKey::export),
            refresh_key: credential.refresh_key.as_ref().map(ProofKey::export),
            app: credential.app.clone(),
        }
    }
}

impl Token {
    fn is_of(&self, client_id: &str) -> bool {
        self.app.as_ref().is_some_and(|app| app.client_id == client_id)
    }

    fn into_credential(self) -> Result<AccessToken, ClientError> {
        Ok(AccessToken {
            token: self.token,
            proof_key: self.proof_key.as_ref().map(ProofKey::import).transpose()?,
            expires_at: self
                .expires_at
                .and_then(|s| UNIX_EPOCH.checked_add(Duration::from_secs(s))),
            refresh_token: self.refresh_token,
            refresh_key: self.refresh_key.as_ref().map(ProofKey::import).transpose()?,
            scopes: ScopeSet::parse(&self.scope),
            issuer: self.issuer,
            resource: self.resource,
            app: self.app,
        })
    }
}
