//! The credential store: registrations and tokens of earlier runs.
//!
//! Specs: MCP authorization "Authorization Server Binding" (credentials are stored by issuer) and "Token Theft"
//! (OAuth 2.1, 7.1). The file is readable by its owner only, is replaced as a whole and has one writer at a time.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::client::context::{
    credentials::{
        AccessToken, ClientInformation,
        private_file::{check_permissions, create_folder, owner_only, replace},
    },
    error::ClientError,
};

/// Keeps credentials in a file or, for runs that leave nothing behind, in memory.
#[derive(Debug)]
pub(crate) struct CredentialStore {
    path: Option<PathBuf>,
    memory: Mutex<Contents>,
    /// The ids of clients that were registered in this run.
    registered: Mutex<HashSet<String>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Contents {
    /// By issuer: the client's registration there.
    #[serde(default)]
    clients: BTreeMap<String, ClientInformation>,
    /// By client id: the issuer to which a pre-registered client belongs.
    #[serde(default)]
    pre_registered: BTreeMap<String, String>,
    /// By the URL of the MCP server: the token that was last used with it.
    #[serde(default)]
    tokens: BTreeMap<String, AccessToken>,
    /// By the URL of the MCP server, then by client id: tokens of clients that the user named while `tokens` held that of
    /// another one.
    #[serde(default)]
    tokens_by_client: BTreeMap<String, BTreeMap<String, AccessToken>>,
    /// By the URL of the MCP server: the issuers at which the client is registered because of it.
    #[serde(default)]
    issuers: BTreeMap<String, BTreeSet<String>>,
}

impl Contents {
    fn link(&mut self, url: &Url, issuer: &str) {
        self.issuers.entry(url.to_string()).or_default().insert(issuer.to_owned());
    }

    fn logout(&mut self, url: &Url) -> Vec<String> {
        let mut issuers = self.issuers.remove(url.as_str()).unwrap_or_default();
        let by_client = self.tokens_by_client.remove(url.as_str()).unwrap_or_default();
        let tokens: Vec<_> =
            self.tokens.remove(url.as_str()).into_iter().chain(by_client.into_values()).collect();
        let mut removed = Vec::new();
        removed.extend((!tokens.is_empty()).then(|| format!("the tokens for {url}")));
        issuers.extend(tokens.into_iter().map(|token| token.issuer));
        for issuer in issuers {
            let client = self.clients.remove(&issuer);
            removed.extend(client.map(|_| format!("the registration at {issuer}")));
            self.pre_registered.retain(|client_id, bound_to| {
                let remove = *bound_to == issuer;
                removed.extend(remove.then(|| format!("that {client_id} belongs to {issuer}")));
                !remove
            });
        }
        removed
    }
}

/// The right to write, held until it is dropped. The kernel releases the lock of a process that is killed.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _file: Option<File>,
}

const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

impl CredentialStore {
    pub(crate) fn file(path: PathBuf) -> Self {
        Self { path: Some(path), ..Self::memory() }
    }

    pub(crate) fn memory() -> Self {
        Self { path: None, memory: Mutex::default(), registered: Mutex::default() }
    }

    /// The default file, in the user's configuration folder.
    pub(crate) fn default_path() -> Result<PathBuf, ClientError> {
        let strategy = etcetera::choose_base_strategy().map_err(|_| {
            ClientError::Usage("no home folder found; pass --credentials-file FILE".to_owned())
        })?;
        Ok(strategy.config_dir().join("mcp-auth-step-by-step").join("credentials.json"))
    }

    pub(crate) fn client(&self, issuer: &str) -> Result<Option<ClientInformation>, ClientError> {
        Ok(self.read()?.clients.remove(issuer))
    }

    /// Whether a client was registered in this run. The authorization server may have deleted an older one.
    pub(crate) fn is_from_this_run(&self, client: &ClientInformation) -> bool {
        self.registered.lock().expect("not poisoned").contains(&client.client_id)
    }

    /// Stores a registration at `issuer`, which the MCP server at `url` names.
    pub(crate) async fn save_client(
        &self,
        url: &Url,
        issuer: &str,
        client: &ClientInformation,
    ) -> Result<(), ClientError> {
        self.registered.lock().expect("not poisoned").insert(client.client_id.clone());
        let lock = self.lock().await?;
        self.update(&lock, |contents| {
            contents.clients.insert(issuer.to_owned(), client.clone());
            contents.link(url, issuer);
        })
    }

    /// Removes the registration at `issuer` if it is still this one.
    pub(crate) async fn remove_client(
        &self,
        issuer: &str,
        client_id: &str,
    ) -> Result<(), ClientError> {
        let lock = self.lock().await?;
        self.update(&lock, |contents| {
            if contents.clients.get(issuer).is_some_and(|client| client.client_id == client_id) {
                contents.clients.remove(issuer);
            }
        })
    }

    /// Records that the MCP server at `url`, too, is used with the registration at `issuer`.
    pub(crate) async fn link(&self, url: &Url, issuer: &str) -> Result<(), ClientError> {
        let lock = self.lock().await?;
        self.update(&lock, |contents| contents.link(url, issuer))
    }

    /// Binds a pre-registered client to the issuer with which it is first used.
    pub(crate) async fn bind(
        &self,
        url: &Url,
        client_id: &str,
        issuer: &str,
    ) -> Result<(), ClientError> {
        let lock = self.lock().await?;
        match self.read()?.pre_registered.get(client_id) {
            Some(bound_to) if bound_to != issuer => Err(ClientError::ClientIssuerMismatch {
                client_id: client_id.to_owned(),
                bound_to: bound_to.clone(),
                issuer: issuer.to_owned(),
            }),
            _ => self.update(&lock, |contents| {
                contents.pre_registered.insert(client_id.to_owned(), issuer.to_owned());
                contents.link(url, issuer);
            }),
        }
    }

    /// The token of the client `client_id` for the server at `url`; without an id, the token that was last used.
    pub(crate) fn token(
        &self,
        url: &Url,
        client_id: Option<&str>,
    ) -> Result<Option<AccessToken>, ClientError> {
        let mut contents = self.read()?;
        let last = contents.tokens.remove(url.as_str());
        Ok(match client_id {
            Some(id) => last.filter(|token| token.belongs_to(id)).or_else(|| {
                contents.tokens_by_client.get_mut(url.as_str()).and_then(|all| all.remove(id))
            }),
            None => last,
        })
    }

    /// Stores a token: that of a client which the user named beside that of another client, else in its place.
    pub(crate) fn save_token(
        &self,
        lock: &StoreLock,
        url: &Url,
        client_id: Option<&str>,
        token: &AccessToken,
    ) -> Result<(), ClientError> {
        self.update(lock, |contents| {
            let (url, token) = (url.to_string(), token.clone());
            let of_another =
                |id: &&str| contents.tokens.get(&url).is_some_and(|token| !token.belongs_to(id));
            match client_id.filter(of_another) {
                Some(id) => {
                    let by_client = contents.tokens_by_client.entry(url).or_default();
                    by_client.insert(id.to_owned(), token);
                }
                None => {
                    contents.tokens.insert(url, token);
                }
            }
        })
    }

    /// Removes what is stored because of the server at `url`, and says what that was.
    pub(crate) async fn logout(&self, url: &Url) -> Result<Vec<String>, ClientError> {
        let lock = self.lock().await?;
        let mut removed = Vec::new();
        self.update(&lock, |contents| removed = contents.logout(url))?;
        Ok(removed)
    }

    /// Waits for the right to write.
    pub(crate) async fn lock(&self) -> Result<StoreLock, ClientError> {
        let Some(path) = &self.path else {
            return Ok(StoreLock { _file: None });
        };
        let path = path.with_extension("lock");
        let opened = create_folder(&path)
            .and_then(|()| owner_only(OpenOptions::new().create(true).append(true)).open(&path));
        let file = opened.map_err(at(&path))?;
        let start = tokio::time::Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(StoreLock { _file: Some(file) }),
                Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_TIMEOUT => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(at(&path)(io::Error::other("another run holds the lock")));
                }
                Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
            }
        }
    }

    fn read(&self) -> Result<Contents, ClientError> {
        let Some(path) = &self.path else {
            return Ok(self.memory.lock().expect("not poisoned").clone());
        };
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
            Err(error) => return Err(at(path)(error)),
        };
        check_permissions(path).map_err(at(path))?;
        serde_json::from_slice(&text).map_err(|_| ClientError::NotACredentialsFile(path.clone()))
    }

    fn update(
        &self,
        _lock: &StoreLock,
        change: impl FnOnce(&mut Contents),
    ) -> Result<(), ClientError> {
        let mut contents = self.read()?;
        change(&mut contents);
        let Some(path) = &self.path else {
            *self.memory.lock().expect("not poisoned") = contents;
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
