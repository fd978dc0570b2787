//! Clients that are described by a document at their `client_id`, which is a URL.
//!
//! Rules: OAuth Client ID Metadata Document draft (sections 3, 4 and 6), MCP authorization, "Client ID Metadata
//! Documents". Good documents are kept as HTTP says, bad answers never; anybody can make us fetch, so not often.

use std::sync::{Arc, Mutex};

use serde::Deserialize;
use tokio::sync::Semaphore;

use super::{
    clients::{Client, Provenance},
    expiring::Expiring,
    fetch::{DocumentPolicy, FetchError, Fetcher},
    registration::ClientMetadata,
    throttle::PerMinute,
};
use crate::principal::ScopeSet;

const CACHED: usize = 500;
/// Fetches at one time, and in one minute.
const PARALLEL: usize = 4;
const PER_MINUTE: u32 = 60;
/// When it may be worth while to ask again, in seconds.
pub(super) const RETRY_AFTER: u64 = 60;

/// Why a URL does not name a client, in words that go on after "but ".
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum DocumentError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("what was fetched is not a JSON object with the members of a client")]
    NotMetadata,
    #[error("the document is about another client_id")]
    OtherClient,
    #[error("the document contains a secret or asks for one, and everybody can read it")]
    Secret,
    #[error("{0}")]
    Metadata(String),
    #[error("too many documents are being fetched; try again in a minute")]
    Busy,
}

#[derive(Deserialize)]
struct Document {
    client_id: String,
    client_secret: Option<serde_json::Value>,
    client_secret_expires_at: Option<serde_json::Value>,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

#[derive(Debug)]
pub(super) struct Documents {
    fetcher: Fetcher,
    cache: Mutex<Expiring<Arc<Client>>>,
    slots: Semaphore,
    rate: PerMinute,
}

impl Documents {
    pub(super) fn new(policy: DocumentPolicy) -> Self {
        Self {
            fetcher: Fetcher::new(policy),
            cache: Mutex::new(Expiring::new(CACHED)),
            slots: Semaphore::new(PARALLEL),
            rate: PerMinute::new(PER_MINUTE),
        }
    }

    /// Whether a `client_id` is meant as a URL; whether it is a good one is another question.
    pub(super) fn is_url(client_id: &str) -> bool {
        client_id.contains("://")
    }

    /// The client that the document at `client_id` describes.
    pub(super) async fn client(
        &self,
        client_id: &str,
        supported: &ScopeSet,
        now: u64,
    ) -> Result<Arc<Client>, DocumentError> {
        let url = self.fetcher.check(client_id)?;
        if let Some(client) = self.cache.lock().expect("no panic here").get(client_id, now) {
            return Ok(Arc::clone(client));
        }
        self.rate.count(now).map_err(|_| DocumentError::Busy)?;
        let _slot = self.slots.try_acquire().map_err(|_| DocumentError::Busy)?;
        let fetched = self.fetcher.fetch(&url).await?;
        let client = Arc::new(read(client_id, &fetched.body, supported)?);
        let mut cache = self.cache.lock().expect("no panic here");
        cache.insert(client_id.to_owned(), Arc::clone(&client), now + fetched.fresh_for, now);
        tracing::info!(client_id, kept_for = fetched.fresh_for, "client metadata document fetched");
        Ok(client)
    }
}

fn read(client_id: &str, body: &[u8], supported: &ScopeSet) -> Result<Client, DocumentError> {
    let document: Document =
        serde_json::from_slice(body).map_err(|_| DocumentError::NotMetadata)?;
    if document.client_id != client_id {
        return Err(DocumentError::OtherClient);
    }
    let mut metadata = document.metadata;
    let method = metadata.token_endpoint_auth_method.get_or_insert_with(|| "none".to_owned());
    let symmetric = method.starts_with("client_secret");
    if symmetric || document.client_secret.is_some() || document.client_secret_expires_at.is_some()
    {
        return Err(DocumentError::Secret);
    }
    if metadata.client_name.is_none() {
        return Err(DocumentError::NotMetadata);
    }
    let metadata = metadata
        .settle(supported)
        .map_err(|error| DocumentError::Metadata(error.error_description.into_owned()))?;
    Ok(metadata.into_client(client_id.to_owned(), Provenance::Document, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "https://app.example/client.json";

    #[test]
    fn a_document_must_be_about_its_own_url_and_hold_no_secret() {
        let read = |extra: &str| {
            let body = format!(r#"{{"redirect_uris":["http://localhost/cb"]{extra}}}"#);
            read(ID, body.as_bytes(), &ScopeSet::parse("mcp:read"))
        };
        let named = format!(r#","client_id":"{ID}","client_name":"App""#);
        let client = read(&named).unwrap();
        assert_eq!((client.id.as_str(), client.name.as_str(), client.secret), (ID, "App", None));
        for (extra, expected) in [
            ("", DocumentError::NotMetadata),
            (r#","client_id":7"#, DocumentError::NotMetadata),
            (
                r#","client_id":"https://app.example/client.json/","client_name":"x""#,
                DocumentError::OtherClient,
            ),
            (&named[..named.len() - 20], DocumentError::NotMetadata),
            (&format!(r#"{named},"client_secret":"x""#), DocumentError::Secret),
            (
                &format!(r#"{named},"token_endpoint_auth_method":"client_secret_basic""#),
                DocumentError::Secret,
            ),
        ] {
            assert_eq!(read(extra).unwrap_err(), expected, "{extra}");
        }
        let error = read(&format!(r#"{named},"token_endpoint_auth_method":"private_key_jwt""#))
            .unwrap_err();
        assert!(error.to_string().contains("token_endpoint_auth_method"), "{error}");
    }
}
