//! The public keys of somebody else: fetched when first needed, kept, and looked after without being a burden.
//!
//! - Keys are believed for five minutes ([`Timing::fresh`]), then fetched again before they are used.
//! - A token that names a key that we do not know makes us look early, because providers change keys; but not more
//!   often than every 30 seconds ([`Timing::early`]), because anybody can make up names.
//! - However many requests wait, one of them asks the provider, and all use its answer, good or bad.
//! - While the provider cannot be reached, the keys that we have serve on, up to an hour ([`Timing::stale`]).
//! - Without any keys nobody can be let in: that is a 503, not a 401, since the token may well be good.
//!
//! Rules: RFC 7517 section 5 (a set of keys), OpenID Connect Core 1.0 section 10.1.1 (rotation: an unfamiliar `kid` means
//! look again), RFC 9110 section 15.6.4 (503 and `Retry-After`).

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

use super::{
    jwks::{JwkSet, KeySet, VerificationKey},
    provider::{Provider, ProviderError},
};

/// Longest time for all documents that lead to the keys.
const FLIGHT: Duration = Duration::from_secs(10);

/// How long keys are believed, and how often a provider may be asked for them.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Up to this age keys are used without a question.
    pub fresh: Duration,
    /// Up to this age they serve when the provider cannot be reached.
    pub stale: Duration,
    /// From one look for an unknown `kid` to the next.
    pub early: Duration,
    /// From a failure to the next attempt.
    pub retry: Duration,
    /// How long a request that could use older keys waits for newer ones.
    pub patience: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(5 * 60),
            stale: Duration::from_secs(60 * 60),
            early: Duration::from_secs(30),
            retry: Duration::from_secs(5),
            patience: Duration::from_millis(500),
        }
    }
}

/// The keys of a [`Provider`]. Clones share them.
#[derive(Debug, Clone)]
pub struct RemoteKeys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    provider: Provider,
    /// Given, not found in the metadata.
    url: Option<String>,
    timing: Timing,
    /// Replaced as a whole after every attempt; readers hold the lock just long enough to take a reference.
    known: RwLock<Arc<Known>>,
    /// Grows whenever the keys are others than before.
    generation: AtomicU64,
    /// Held while somebody asks the provider.
    flight: Arc<Mutex<()>>,
    /// Set while the provider takes longer than anyone should wait who need not.
    slow: AtomicBool,
}

/// What is known after the last attempt.
#[derive(Debug, Clone, Default)]
struct Known {
    url: Option<String>,
    document: JwkSet,
    keys: KeySet,
    fetched: Option<Instant>,
    looked_early: Option<Instant>,
    failure: Option<(Instant, ProviderError)>,
}

impl Known {
    fn younger_than(&self, age: Duration) -> bool {
        self.fetched.is_some_and(|fetched| fetched.elapsed() < age)
    }

    fn failed_within(&self, time: Duration) -> bool {
        self.failure.as_ref().is_some_and(|(at, _)| at.elapsed() < time)
    }
}

/// No keys, so no decision.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("cannot check this token: {cause}")]
pub struct Unavailable {
    /// What could not be had.
    pub cause: ProviderError,
    /// When it is worth trying again, in seconds.
    pub retry_after: u64,
}

/// The state of the keys, for people.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Where they come from; `null` before the first success.
    jwks_uri: Option<String>,
    /// How many of them can verify a signature.
    keys: usize,
    /// Seconds since they were fetched.
    age: Option<u64>,
    /// What went wrong with the last attempt.
    error: Option<String>,
}

impl RemoteKeys {
    /// The keys that the metadata of `provider` points to, or those at `url`.
    pub fn new(provider: &Provider, url: Option<String>, timing: Timing) -> Self {
        Self(Arc::new(Inner {
            provider: provider.clone(),
            url,
            timing,
            known: RwLock::default(),
            generation: AtomicU64::new(0),
            flight: Arc::default(),
            slow: AtomicBool::new(false),
        }))
    }

    /// Whose keys they are.
    pub fn issuer(&self) -> &str {
        self.0.provider.issuer()
    }

    /// A number that changes with the keys: whatever was decided under another one must be decided anew.
    pub(crate) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// The keys that may have signed a token with this header. Only a token that is `ours` by its claims makes
    /// us look early.
    ///
    /// # Errors
    /// When there are no keys, or when the one that is named may be new and the provider cannot be asked.
    pub(crate) async fn candidates(
        &self,
        header: &Header,
        ours: bool,
    ) -> Result<Vec<Arc<VerificationKey>>, Unavailable> {
        let started = Instant::now();
        let mut known = self.up_to_date().await?;
        let Some(kid) = header.kid.as_deref() else {
            return Ok(Vec::new());
        };
        if ours && !known.keys.knows(kid) {
            if known.fetched.is_none_or(|fetched| fetched < started) {
                known = self.look_early(known).await;
            }
            if let (false, Some((_, cause))) = (known.keys.knows(kid), &known.failure) {
                return Err(self.unavailable(cause.clone()));
            }
        }
        Ok(known.keys.named(kid, header.alg))
    }

    /// Whether tokens can be checked now. Fetches the keys if need be, but does not wait for long.
    pub async fn available(self) -> bool {
        timeout(self.0.timing.patience, self.up_to_date()).await.is_ok_and(|known| known.is_ok())
    }

    /// The state of the keys. Waits no longer than [`RemoteKeys::available`].
    pub async fn status(self) -> Status {
        self.clone().available().await;
        let known = self.known();
        Status {
            jwks_uri: known.url.clone().or_else(|| self.0.url.clone()),
            keys: known.keys.len(),
            age: known.fetched.map(|fetched| fetched.elapsed().as_secs()),
            error: known.failure.as_ref().map(|(_, error)| error.to_string()),
        }
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.0.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn up_to_date(&self) -> Result<Arc<Known>, Unavailable> {
        let Timing { fresh, stale, retry, patience, .. } = self.0.timing;
        let mut known = self.known();
        if !known.younger_than(fresh) && !known.failed_within(retry) {
            if !known.younger_than(stale) {
                self.ask(&known, false).await;
            } else if !self.0.slow.load(Ordering::Relaxed)
                && timeout(patience, self.ask(&known, false)).await.is_err()
            {
                self.0.slow.store(true, Ordering::Relaxed);
            }
            known = self.known();
        }
        if known.younger_than(stale.max(fresh)) {
            return Ok(known);
        }
        let too_old = || ProviderError::too_slow(self.issuer());
        let cause = known.failure.as_ref().map(|(_, cause)| cause.clone());
        Err(self.unavailable(cause.unwrap_or_else(too_old)))
    }

    async fn look_early(&self, known: Arc<Known>) -> Arc<Known> {
        let Timing { early, retry, .. } = self.0.timing;
        if known.looked_early.is_some_and(|at| at.elapsed() < early) || known.failed_within(retry) {
            return known;
        }
        self.ask(&known, true).await;
        self.known()
    }

    /// Asks the provider, unless somebody else did since `seen` was looked at: then that answer is good enough.
    async fn ask(&self, seen: &Arc<Known>, early: bool) {
        let flight = Arc::clone(&self.0.flight).lock_owned().await;
        if !Arc::ptr_eq(&self.known(), seen) {
            return;
        }
        let (this, before) = (self.clone(), Arc::clone(seen));
        // In a task of its own: a client that hangs up must not end what others wait for.
        let task = tokio::spawn(async move {
            let outcome = timeout(FLIGHT, this.fetch(before.url.as_deref())).await;
            let too_slow = |_| Err(ProviderError::too_slow(this.issuer()));
            this.replace(&before, outcome.unwrap_or_else(too_slow), early);
            drop(flight);
        });
        if let Err(error) = task.await {
            tracing::error!(%error, "fetching keys was cut short");
        }
    }

    async fn fetch(&self, found: Option<&str>) -> Result<(String, JwkSet), ProviderError> {
        let provider = &self.0.provider;
        let url = match self.0.url.as_deref().or(found) {
            Some(url) => url.to_owned(),
            None => provider.metadata().await?.jwks_uri.ok_or_else(|| ProviderError::NotNamed {
                issuer: provider.issuer().to_owned(),
                what: "jwks_uri",
            })?,
        };
        let document = provider.get(&url).await?;
        match JwkSet::parse(&document) {
            Ok(document) => Ok((url, document)),
            Err(_) => Err(ProviderError::Garbage { url, what: "set of keys" }),
        }
    }

    fn replace(
        &self,
        before: &Known,
        outcome: Result<(String, JwkSet), ProviderError>,
        early: bool,
    ) {
        let now = Instant::now();
        let looked_early = if early { Some(now) } else { before.looked_early };
        let after = match outcome {
            Ok((url, document)) => {
                let keys = document.verification_keys();
                tracing::info!(%url, keys = keys.len(), "keys of the provider fetched");
                let failure =
                    keys.is_empty().then(|| (now, ProviderError::NoKeys { url: url.clone() }));
                let fetched = failure.is_none().then_some(now);
                let url = Some(url);
                Known { url, document, keys, fetched, looked_early, failure }
            }
            Err(error) => {
                tracing::warn!(%error, "keys of the provider could not be fetched");
                let failure = Some((now, error));
                // The keys may have moved: the next attempt asks the metadata again.
                Known { url: None, looked_early, failure, ..before.clone() }
            }
        };
        let outcome = if after.failure.is_none() { "fetched" } else { "failed" };
        metrics::counter!("jwks_fetches_total", "outcome" => outcome).increment(1);
        let changed = after.document != before.document;
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(after);
        self.0.slow.store(false, Ordering::Relaxed);
        if changed {
            // After the keys: who sees the new number sees the new keys.
            self.0.generation.fetch_add(1, Ordering::Release);
        }
    }

    fn unavailable(&self, cause: ProviderError) -> Unavailable {
        Unavailable { cause, retry_after: self.0.timing.retry.as_secs().max(1) }
    }
}
