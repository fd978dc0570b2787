//! Clients that are described by a document at their `client_id`, which is a URL; and the keys of clients.
//!
//! Specs: OAuth Client ID Metadata Document draft (sections 3, 4 and 6); MCP authorization, "Client ID Metadata
//! Documents". Valid documents are cached as HTTP says, errors never. Anybody can make this server fetch, so the rate is
//! limited.

use std::sync::{Arc, Mutex};

use serde::Deserialize;
use url::Url;

use super::{
    ClientMetadata, MetadataError, NONE, PRIVATE_KEY_JWT,
    fetch::{ClientMetadataPolicy, FetchError, Fetched, Fetcher},
    fetch_limits::FetchLimits,
};
use crate::authorization_server::{
    jwt::JwtKeys,
    scopes::SupportedScopes,
    state::clients::{Authentication, Client, ClientKeys, Provenance},
    ttl_map::TtlMap,
};

const MAX_CACHED: usize = 500;
/// Bytes of a metadata document, as the draft recommends.
const MAX_DOCUMENT_BYTES: usize = 5 * 1024;
/// Bytes of a JWK Set, whose keys may come with certificates.
const MAX_JWKS_BYTES: usize = 64 * 1024;
/// Seconds until a fetch may succeed again.
pub(crate) const RETRY_AFTER: u64 = 60;
/// Seconds before keys are fetched again for an unknown `kid`.
const MIN_JWKS_AGE: u64 = 60;

/// Why a document describes no client. The texts continue a sentence after "but ".
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the response is not a JSON object with the properties of a client")]
    NotMetadata,
    #[error("the response is not a JWK Set")]
    NotJwks,
    #[error("the document has another client_id")]
    OtherClient,
    #[error("the document contains a client secret or asks for one, and everybody can read it")]
    Secret,
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error("this server is fetching too many documents; try again in a minute")]
    RateLimited,
}

impl DocumentError {
    /// Whether the same request may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        use FetchError::{Timeout, Unreachable};

        matches!(self, Self::RateLimited | Self::Fetch(Unreachable | Timeout))
    }
}

#[derive(Deserialize)]
struct Document {
    client_id: String,
    client_secret: Option<serde_json::Value>,
    client_secret_expires_at: Option<serde_json::Value>,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

/// Fetches and caches what clients publish.
#[derive(Debug)]
pub(crate) struct ClientDocuments {
    fetcher: Fetcher,
    grant_types: &'static [&'static str],
    clients: Mutex<TtlMap<Arc<Client>>>,
    /// Keys by URL, and when they were fetched.
    jwks: Mutex<TtlMap<(Arc<JwtKeys>, u64)>>,
    limits: FetchLimits,
}

impl ClientDocuments {
    pub(crate) fn new(policy: ClientMetadataPolicy, grant_types: &'static [&'static str]) -> Self {
        Self {
            fetcher: Fetcher::new(policy),
            grant_types,
            clients: Mutex::new(TtlMap::new(MAX_CACHED)),
            jwks: Mutex::new(TtlMap::new(MAX_CACHED)),
            limits: FetchLimits::new(),
        }
    }

    /// A user allowed this client something, so its documents are fetched also during a flood of requests for others.
    pub(crate) fn mark_used(&self, client: &Client, now: u64) {
        let keys = match &client.authentication {
            Authentication::PrivateKeyJwt(ClientKeys::Uri(uri))
            | Authentication::NoneOrPrivateKeyJwt(ClientKeys::Uri(uri)) => Some(uri),
            _ => None,
        };
        let document = Some(&client.id).filter(|id| Self::is_url(id));
        for url in document.into_iter().chain(keys) {
            if let Ok(url) = self.fetcher.check(url) {
                self.limits.mark_known(&url, now);
            }
        }
    }

    /// Whether a `client_id` is meant as a URL. It may still be an invalid one.
    pub(crate) fn is_url(client_id: &str) -> bool {
        client_id.contains("://")
    }

    /// The client that the document at `client_id` describes.
    pub(crate) async fn client(
        &self,
        client_id: &str,
        supported: &SupportedScopes,
        now: u64,
    ) -> Result<Arc<Client>, DocumentError> {
        let url = self.fetcher.check(client_id)?;
        if let Some(client) = self.clients.lock().expect("not poisoned").get(client_id, now) {
            return Ok(Arc::clone(client));
        }
        let fetched = self.fetch(&url, MAX_DOCUMENT_BYTES, now).await?;
        let client = Arc::new(parse(client_id, &fetched.body, supported, self.grant_types)?);
        let mut clients = self.clients.lock().expect("not poisoned");
        clients.insert(client_id.to_owned(), Arc::clone(&client), now + fetched.fresh_for, now);
        tracing::info!(
            client_id,
            fresh_for = fetched.fresh_for,
            "client metadata document fetched"
        );
        Ok(client)
    }

    /// The keys of a client. `assertion` names one of them; if it is not among cached keys, they are fetched again.
    pub(crate) async fn keys(
        &self,
        keys: &ClientKeys,
        assertion: &str,
        now: u64,
    ) -> Result<Arc<JwtKeys>, DocumentError> {
        let uri = match keys {
            ClientKeys::Jwks(keys) => return Ok(Arc::clone(keys)),
            ClientKeys::Uri(uri) => uri,
        };
        if let Some((keys, fetched_at)) = self.jwks.lock().expect("not poisoned").get(uri, now)
            && (keys.contains_key_of(assertion) || now < *fetched_at + MIN_JWKS_AGE)
        {
            return Ok(Arc::clone(keys));
        }
        let fetched = self.fetch(&self.fetcher.check(uri)?, MAX_JWKS_BYTES, now).await?;
        let document = serde_json::from_slice(&fetched.body).ok();
        let keys = document.as_ref().and_then(JwtKeys::parse).ok_or(DocumentError::NotJwks)?;
        let keys = Arc::new(keys);
        let expires_at = now + fetched.fresh_for.max(MIN_JWKS_AGE);
        let mut jwks = self.jwks.lock().expect("not poisoned");
        jwks.insert(uri.clone(), (Arc::clone(&keys), now), expires_at, now);
        Ok(keys)
    }

    async fn fetch(&self, url: &Url, max_bytes: usize, now: u64) -> Result<Fetched, DocumentError> {
        let _permit = self.limits.acquire(url, now).ok_or(DocumentError::RateLimited)?;
        Ok(self.fetcher.fetch(url, max_bytes).await?)
    }
}

fn parse(
    client_id: &str,
    body: &[u8],
    supported: &SupportedScopes,
    grant_types: &[&str],
) -> Result<Client, DocumentError> {
    let document: Document =
        serde_json::from_slice(body).map_err(|_| DocumentError::NotMetadata)?;
    if document.client_id != client_id {
        return Err(DocumentError::OtherClient);
    }
    let mut metadata = document.metadata;
    // The draft, 4.1, forbids shared secrets.
    let symmetric = metadata
        .token_endpoint_auth_method
        .as_ref()
        .is_some_and(|method| method.starts_with("client_secret"));
    if symmetric || document.client_secret.is_some() || document.client_secret_expires_at.is_some()
    {
        return Err(DocumentError::Secret);
    }
    if metadata.client_name.is_none() {
        return Err(DocumentError::NotMetadata);
    }
    let methods = metadata.auth_methods(&[NONE, PRIVATE_KEY_JWT], NONE);
    let authentication = match (methods.contains(&NONE), methods.contains(&PRIVATE_KEY_JWT)) {
        (true, false) => Authentication::None,
        // Without keys the client can only be a public one.
        (true, true) => {
            metadata.keys().map_or(Authentication::None, Authentication::NoneOrPrivateKeyJwt)
        }
        (false, true) => Authentication::PrivateKeyJwt(metadata.keys()?),
        (false, false) => {
            return Err(DocumentError::Metadata(MetadataError::Invalid(
                "token_endpoint_auth_method must be none or private_key_jwt",
            )));
        }
    };
    // Machine clients register (RFC 7591): a document only describes clients that users log in with.
    if let Some(grants) = metadata.grant_types.as_mut() {
        grants.retain(|grant| grant != "client_credentials");
    }
    let metadata = metadata.validate(supported, grant_types)?;
    Ok(metadata.into_client(client_id.to_owned(), Provenance::MetadataDocument, authentication))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "https://app.example/client.json";

    fn client(extra: &str) -> Result<Client, DocumentError> {
        let body = format!(r#"{{"redirect_uris":["http://localhost/cb"]{extra}}}"#);
        let mut supported = SupportedScopes::default();
        supported.add(["mcp:read".to_owned()]);
        parse(ID, body.as_bytes(), &supported, &["authorization_code"])
    }

    fn named(extra: &str) -> String {
        format!(r#","client_id":"{ID}","client_name":"App"{extra}"#)
    }

    #[test]
    fn a_document_must_have_its_own_url_and_no_secret() {
        let app = client(&named("")).unwrap();
        assert_eq!((app.id.as_str(), app.name.as_str()), (ID, "App"));
        assert!(!app.always_uses_dpop);
        let bound = client(&named(r#","dpop_bound_access_tokens":true"#)).unwrap();
        assert!(bound.always_uses_dpop, "RFC 9449, 5.2");
        for (extra, expected) in [
            (String::new(), DocumentError::NotMetadata),
            (r#","client_id":7"#.to_owned(), DocumentError::NotMetadata),
            (format!(r#","client_id":"{ID}/","client_name":"x""#), DocumentError::OtherClient),
            (format!(r#","client_id":"{ID}""#), DocumentError::NotMetadata),
            (named(r#","client_secret":"x""#), DocumentError::Secret),
            (
                named(r#","token_endpoint_auth_method":"client_secret_basic""#),
                DocumentError::Secret,
            ),
        ] {
            assert_eq!(client(&extra).unwrap_err(), expected, "{extra}");
        }
    }

    #[test]
    fn the_methods_that_both_sides_support_are_used() {
        const KEYS: &str = r#","jwks_uri":"https://app.example/jwks.json""#;
        for (method, list, keys, expected) in [
            ("", "", "", "None"),
            ("none", "", KEYS, "None"),
            ("private_key_jwt", "", KEYS, "PrivateKeyJwt"),
            ("private_key_jwt", r#""none","private_key_jwt""#, KEYS, "NoneOrPrivateKeyJwt"),
            ("", r#""private_key_jwt""#, KEYS, "PrivateKeyJwt"),
            ("tls_client_auth", r#""none","tls_client_auth""#, "", "None"),
            ("private_key_jwt", r#""none""#, "", "None"),
            ("private_key_jwt", "", "", "needs jwks"),
            ("tls_client_auth", "", KEYS, "must be none or private_key_jwt"),
            ("", r#""tls_client_auth""#, KEYS, "must be none or private_key_jwt"),
        ] {
            let mut extra = named(keys);
            if !method.is_empty() {
                extra += &format!(r#","token_endpoint_auth_method":"{method}""#);
            }
            if !list.is_empty() {
                extra += &format!(r#","token_endpoint_auth_methods_supported":[{list}]"#);
            }
            let found = match client(&extra) {
                Ok(client) => format!("{:?}", client.authentication),
                Err(error) => error.to_string(),
            };
            assert!(found.split('(').next().unwrap().contains(expected), "{extra}: {found}");
        }
    }
}
