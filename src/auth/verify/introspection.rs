//! Token introspection: the provider says whether an opaque token is active. Responses are cached for a short time.
//!
//! Many providers issue opaque tokens: PingFederate's reference tokens, ForgeRock's server-side tokens. Google's are
//! opaque, too, but Google has no such endpoint, see [`ProviderError::Google`].
//!
//! Specs: RFC 7662 sections 2.1 (the request, with this server's own credentials), 2.2 (the response), 4
//! (responses may be cached, but not beyond `exp`); RFC 6749 section 2.3.1 (how credentials are encoded).

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;
use reqwest::StatusCode;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::timeout,
};
use url::form_urlencoded::byte_serialize;

use crate::auth::{
    provider::{ProviderClient, ProviderError, Unavailable},
    urls::without_query,
};

use super::claims::Claims;

/// How long a response is cached. That of a valid token also enters the cache of verified tokens.
const CACHE_TTL: Duration = Duration::from_secs(10);
const MAX_CACHED: usize = 10_000;

const MAX_CONCURRENT: usize = 16;
/// How long a request waits for one of [`MAX_CONCURRENT`] permits.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);

/// The time from a failure to the next attempt.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// An introspection endpoint. Clones share the cache.
#[derive(Debug, Clone)]
pub struct Introspection(Arc<Inner>);

struct Inner {
    provider: ProviderClient,
    client_id: String,
    client_secret: String,
    url: OnceCell<String>,
    permits: Semaphore,
    /// By the hash of the token; concurrent requests with one token share one introspection request.
    responses: Cache<[u8; 32], CachedResponse>,
    /// The last failure that concerns all tokens.
    failure: RwLock<Option<(Instant, ProviderError)>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Introspection").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// What is known about one token.
#[derive(Debug, Clone)]
struct CachedResponse {
    /// `None` for an inactive token; the error of a response that concerns this token only.
    result: Result<Option<Arc<Claims>>, ProviderError>,
    received: Instant,
}

impl CachedResponse {
    fn is_fresh(&self) -> bool {
        let ttl = if self.result.is_ok() { CACHE_TTL } else { RETRY_AFTER };
        self.received.elapsed() < ttl
    }
}

impl Introspection {
    /// Introspects as this client, at `url` or at the endpoint that the provider's metadata names.
    pub fn new(
        provider: &ProviderClient,
        url: Option<String>,
        client_id: &str,
        client_secret: &str,
    ) -> Self {
        Self(Arc::new(Inner {
            provider: provider.clone(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            url: OnceCell::new_with(url),
            permits: Semaphore::new(MAX_CONCURRENT),
            responses: Cache::new(MAX_CACHED),
            failure: RwLock::default(),
        }))
    }

    /// The claims of an active token; `None` for an inactive one.
    ///
    /// # Errors
    /// When the provider gives no usable response.
    pub(super) async fn introspect(&self, token: &str) -> Result<Option<Arc<Claims>>, Unavailable> {
        let responses = &self.0.responses;
        let key: [u8; 32] = Sha256::digest(token).into();
        if responses.get(&key).is_some_and(|response| !response.is_fresh()) {
            responses.remove(&key);
        }
        let response = responses.get_or_insert_async(&key, self.request(token)).await;
        response
            .and_then(|response| response.result)
            .map_err(|cause| Unavailable { cause, retry_after: RETRY_AFTER.as_secs() })
    }

    /// # Errors
    /// A failure that concerns all tokens. It is not cached for this one, but no request is sent for a while.
    async fn request(&self, token: &str) -> Result<CachedResponse, ProviderError> {
        let failure = self.0.failure.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, cause)) = failure
            && at.elapsed() < RETRY_AFTER
        {
            return Err(cause);
        }
        let result = match self.send(token).await {
            Err(cause) if concerns_all_tokens(&cause) => {
                self.set_failure(&cause);
                return Err(cause);
            }
            // The requests that are waiting may get a permit.
            Err(cause @ ProviderError::Busy { .. }) => return Err(cause),
            result => result,
        };
        Ok(CachedResponse { result, received: Instant::now() })
    }

    async fn send(&self, token: &str) -> Result<Option<Arc<Claims>>, ProviderError> {
        let Inner { provider, client_id, client_secret, permits, .. } = &*self.0;
        let endpoint = self.0.url.get_or_try_init(|| self.endpoint()).await?;
        let url = without_query(endpoint).to_owned();
        let permit = timeout(QUEUE_TIMEOUT, permits.acquire()).await;
        let _permit = permit.map_err(|_| ProviderError::Busy { url: url.clone() })?;

        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let request = provider
            .post(endpoint)?
            .basic_auth(encoded(client_id), Some(encoded(client_secret)))
            .form(&[("token", token), ("token_type_hint", "access_token")]);
        match provider.send(endpoint, request).await? {
            (StatusCode::OK, body) => {
                let expected = "an introspection response (RFC 7662)";
                let claims: Claims = serde_json::from_slice(&body)
                    .map_err(|_| ProviderError::InvalidDocument { url, expected })?;
                let active = claims.get("active") == Some(&Value::Bool(true));
                Ok(active.then(|| Arc::new(claims)))
            }
            // RFC 7662, 2.3. A 403 may come from a firewall that dislikes this one token.
            (StatusCode::UNAUTHORIZED, _) => {
                tracing::error!(%url, "introspection endpoint rejects this server's credentials");
                Err(ProviderError::Credentials { url })
            }
            (status, _) => Err(ProviderError::Status { url, status: status.as_u16() }),
        }
    }

    async fn endpoint(&self) -> Result<String, ProviderError> {
        let provider = &self.0.provider;
        // Metadata is the same for all tokens, whatever is wrong with it.
        let metadata = provider.metadata().await.inspect_err(|cause| self.set_failure(cause))?;
        metadata.introspection_endpoint.ok_or_else(|| {
            let issuer = provider.issuer().to_owned();
            ProviderError::MissingField { issuer, field: "introspection_endpoint" }
        })
    }

    fn set_failure(&self, cause: &ProviderError) {
        let mut failure = self.0.failure.write().unwrap_or_else(PoisonError::into_inner);
        *failure = Some((Instant::now(), cause.clone()));
    }
}

/// Whether requests about other tokens would fail, too. A response to a request about one token says nothing about the
/// others: whoever finds a token that makes the endpoint fail must not keep everybody else out.
fn concerns_all_tokens(cause: &ProviderError) -> bool {
    match cause {
        ProviderError::Status { status, .. } => *status == 429,
        ProviderError::InvalidDocument { .. }
        | ProviderError::TooLarge { .. }
        | ProviderError::Busy { .. } => false,
        _ => true,
    }
}
