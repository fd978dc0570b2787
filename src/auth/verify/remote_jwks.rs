//! The JWKS of an identity provider: fetched when first needed, and cached.
//!
//! - Keys are used for [`ttl`](JwksCacheConfig::ttl), then fetched again before they are used.
//! - An unknown `kid` triggers a refresh, because providers rotate keys, but only once per
//!   [`cooldown`](JwksCacheConfig::cooldown): anybody can invent a `kid`. Until the next refresh tokens with an unknown
//!   `kid` are neither accepted nor rejected, because the key may be new.
//! - However many requests wait, one fetches the keys, and all use the result.
//! - While the provider cannot be reached, cached keys are used up to [`max_stale`](JwksCacheConfig::max_stale).
//!
//! Specs: RFC 7517 section 5 (JWK Set), OpenID Connect Core 1.0 section 10.1.1 (rotation: an unknown `kid` is a
//! reason to fetch the keys again), RFC 9110 section 15.6.4 (503 and `Retry-After`).

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jsonwebtoken::Header;
use serde::Serialize;
use tokio::{sync::Mutex, time::timeout};

use crate::auth::{
    provider::{ProviderClient, ProviderError, Unavailable},
    urls::without_query,
};

use super::jwks::{JwkSet, KeySet, VerificationKey};

/// For all documents that lead to the keys.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// How long keys are used, and how often they are fetched.
#[derive(Debug, Clone, Copy)]
pub struct JwksCacheConfig {
    /// Up to this age keys are used as they are.
    pub ttl: Duration,
    /// Up to this age keys are used when the provider cannot be reached.
    pub max_stale: Duration,
    /// The time from one refresh for an unknown `kid` to the next.
    pub cooldown: Duration,
    /// The time from a failure to the next attempt.
    pub retry_after: Duration,
    /// How long a request that could use stale keys waits for fresh ones.
    pub refresh_wait: Duration,
}

impl Default for JwksCacheConfig {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(5 * 60),
            max_stale: Duration::from_secs(60 * 60),
            cooldown: Duration::from_secs(30),
            retry_after: Duration::from_secs(5),
            refresh_wait: Duration::from_millis(500),
        }
    }
}

/// The JWKS of one provider. Clones share the cache.
#[derive(Debug, Clone)]
pub struct RemoteJwks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    provider: ProviderClient,
    /// From the settings, instead of the provider's metadata.
    url: Option<String>,
    config: JwksCacheConfig,
    /// Replaced as a whole after every attempt; readers hold the lock only to clone the `Arc`.
    cached: RwLock<Arc<Cached>>,
    /// Incremented when the keys change.
    generation: AtomicU64,
    refresh_lock: Arc<Mutex<()>>,
    /// Set while a fetch takes longer than `refresh_wait`.
    is_slow: AtomicBool,
}

/// The result of the last attempts.
#[derive(Debug, Clone, Default)]
struct Cached {
    url: Option<String>,
    document: JwkSet,
    keys: KeySet,
    fetched: Option<Instant>,
    /// The last refresh for an unknown `kid`.
    kid_refresh: Option<Instant>,
    failure: Option<(Instant, ProviderError)>,
}

impl Cached {
    fn is_younger_than(&self, age: Duration) -> bool {
        self.fetched.is_some_and(|fetched| fetched.elapsed() < age)
    }

    fn failed_within(&self, time: Duration) -> bool {
        self.failure.as_ref().is_some_and(|(at, _)| at.elapsed() < time)
    }
}

/// The state of the JWKS for `/health`: public, so without URLs and without errors of the operating system.
#[derive(Debug, Clone, Serialize)]
pub struct JwksStatus {
    keys: usize,
    age_seconds: Option<u64>,
    error: Option<String>,
}

impl RemoteJwks {
    /// The JWKS at `url`, or the one that the metadata of `provider` names.
    pub fn new(provider: &ProviderClient, url: Option<String>, config: JwksCacheConfig) -> Self {
        Self(Arc::new(Inner {
            provider: provider.clone(),
            url,
            config,
            cached: RwLock::default(),
            generation: AtomicU64::new(0),
            refresh_lock: Arc::default(),
            is_slow: AtomicBool::new(false),
        }))
    }

    /// The issuer whose keys they are.
    pub fn issuer(&self) -> &str {
        self.0.provider.issuer()
    }

    /// Changes with the keys: a token that was verified under another generation must be verified again.
    pub(super) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// The keys that may have signed a token with this header.
    ///
    /// # Errors
    /// When there are no keys, or when the key is unknown and may be a new one.
    pub(super) async fn candidates(
        &self,
        header: &Header,
    ) -> Result<Vec<Arc<VerificationKey>>, Unavailable> {
        let started = Instant::now();
        let mut cached = self.up_to_date().await?;
        let Some(kid) = header.kid.as_deref() else {
            return Ok(Vec::new());
        };
        let fetched_for_this = cached.fetched.is_some_and(|fetched| fetched >= started);
        if !cached.keys.contains_kid(kid) && !fetched_for_this {
            cached = self.refresh_for_unknown_kid(cached).await?;
        }
        match &cached.failure {
            Some((_, cause)) if !cached.keys.contains_kid(kid) => {
                Err(self.unavailable(cause.clone()))
            }
            _ => Ok(cached.keys.find(kid, header.alg)),
        }
    }

    /// Whether there are keys to verify tokens with. Fetches them if necessary, but does not wait for long.
    pub async fn is_available(&self) -> bool {
        let wait = self.0.config.refresh_wait;
        timeout(wait, self.up_to_date()).await.is_ok_and(|cached| cached.is_ok())
    }

    /// The state of the JWKS. Waits no longer than [`RemoteJwks::is_available`].
    pub async fn status(&self) -> JwksStatus {
        self.is_available().await;
        let cached = self.cached();
        JwksStatus {
            keys: cached.keys.len(),
            age_seconds: cached.fetched.map(|fetched| fetched.elapsed().as_secs()),
            error: cached.failure.as_ref().map(|(_, error)| error.public_message()),
        }
    }

    fn cached(&self) -> Arc<Cached> {
        Arc::clone(&self.0.cached.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn up_to_date(&self) -> Result<Arc<Cached>, Unavailable> {
        let JwksCacheConfig { ttl, max_stale, retry_after, refresh_wait, .. } = self.0.config;
        let mut cached = self.cached();
        if !cached.is_younger_than(ttl) && !cached.failed_within(retry_after) {
            if !cached.is_younger_than(max_stale) {
                self.refresh(&cached, false).await;
            } else if !self.0.is_slow.load(Ordering::Relaxed)
                && timeout(refresh_wait, self.refresh(&cached, false)).await.is_err()
            {
                self.0.is_slow.store(true, Ordering::Relaxed);
            }
            cached = self.cached();
        }
        if cached.is_younger_than(max_stale.max(ttl)) {
            return Ok(cached);
        }
        let cause = cached.failure.as_ref().map(|(_, cause)| cause.clone());
        Err(self.unavailable(cause.unwrap_or_else(|| ProviderError::timeout(self.issuer()))))
    }

    /// # Errors
    /// When the last such refresh was a moment ago: the key may be newer than that.
    async fn refresh_for_unknown_kid(
        &self,
        cached: Arc<Cached>,
    ) -> Result<Arc<Cached>, Unavailable> {
        let JwksCacheConfig { cooldown, retry_after, .. } = self.0.config;
        let since_last = cached.kid_refresh.map_or(cooldown, |at| at.elapsed());
        if let Some(wait) = cooldown.checked_sub(since_last).filter(|wait| !wait.is_zero()) {
            let retry_after = wait.as_secs() + 1;
            return Err(Unavailable { cause: ProviderError::RefreshThrottled, retry_after });
        }
        if !cached.failed_within(retry_after) {
            self.refresh(&cached, true).await;
        }
        Ok(self.cached())
    }

    /// Fetches the keys, unless another request did since `seen` was read.
    async fn refresh(&self, seen: &Arc<Cached>, for_unknown_kid: bool) {
        let guard = Arc::clone(&self.0.refresh_lock).lock_owned().await;
        if !Arc::ptr_eq(&self.cached(), seen) {
            return;
        }
        let (this, before) = (self.clone(), Arc::clone(seen));
        // In a task of its own: a client that disconnects must not cancel what others wait for.
        let task = tokio::spawn(async move {
            let result = timeout(FETCH_TIMEOUT, this.fetch(before.url.as_deref())).await;
            let timed_out = |_| Err(ProviderError::timeout(this.issuer()));
            this.replace(&before, result.unwrap_or_else(timed_out), for_unknown_kid);
            drop(guard);
        });
        if let Err(error) = task.await {
            tracing::error!(%error, "fetching the provider's keys was aborted");
        }
    }

    async fn fetch(&self, found: Option<&str>) -> Result<(String, JwkSet), ProviderError> {
        let provider = &self.0.provider;
        let url = match self.0.url.as_deref().or(found) {
            Some(url) => url.to_owned(),
            None => provider.metadata().await?.jwks_uri.ok_or_else(|| {
                let issuer = provider.issuer().to_owned();
                ProviderError::MissingField { issuer, field: "jwks_uri" }
            })?,
        };
        let document = provider.get(&url).await?;
        match JwkSet::parse(&document) {
            Ok(document) => Ok((url, document)),
            Err(_) => {
                let url = without_query(&url).to_owned();
                Err(ProviderError::InvalidDocument { url, expected: "a JWK Set (RFC 7517)" })
            }
        }
    }

    fn replace(
        &self,
        before: &Cached,
        result: Result<(String, JwkSet), ProviderError>,
        for_unknown_kid: bool,
    ) {
        let now = Instant::now();
        let kid_refresh = if for_unknown_kid { Some(now) } else { before.kid_refresh };
        let after = match result {
            Ok((url, document)) => {
                let keys = document.verification_keys();
                let shown = without_query(&url).to_owned();
                tracing::info!(url = %shown, keys = keys.len(), "fetched the provider's keys");
                let failure =
                    keys.is_empty().then_some((now, ProviderError::NoKeys { url: shown }));
                let fetched = failure.is_none().then_some(now);
                Cached { url: Some(url), document, keys, fetched, kid_refresh, failure }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot fetch the provider's keys");
                let failure = Some((now, error));
                // The keys may have moved: the next attempt reads the metadata again.
                Cached { url: None, kid_refresh, failure, ..before.clone() }
            }
        };
        let outcome = if after.failure.is_none() { "fetched" } else { "failed" };
        metrics::counter!("jwks_fetches_total", "outcome" => outcome).increment(1);
        let changed = after.document != before.document;
        *self.0.cached.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(after);
        self.0.is_slow.store(false, Ordering::Relaxed);
        if changed {
            // After the keys: a reader of the new generation gets the new keys.
            self.0.generation.fetch_add(1, Ordering::Release);
        }
    }

    fn unavailable(&self, cause: ProviderError) -> Unavailable {
        Unavailable { cause, retry_after: self.0.config.retry_after.as_secs().max(1) }
    }
}
