//! Tokens that only their issuer can read: we ask it (RFC 7662), and ask no more often than we must.
//!
//! Many providers issue opaque tokens: PingFederate's reference tokens, ForgeRock's server-side ones. Google's are opaque as
//! well, but Google has no such endpoint and its tokens are never meant for others, see
//! [`ProviderError::Google`].
//!
//! Rules: RFC 7662 sections 2.1 (the question, with our own credentials), 2.2 (the answer), 4 (answers may be remembered,
//! never beyond `exp`); RFC 6749 section 2.3.1 (how credentials are written).

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

use super::{
    claims::Claims,
    provider::{Provider, ProviderError},
    remote_jwks::Unavailable,
};

/// How long an answer counts, good or bad. A good one goes on into the cache of verified tokens.
const REMEMBER: Duration = Duration::from_secs(10);
const REMEMBERED: usize = 10_000;

/// Questions on their way at the same time, and how long one more waits for its turn.
const QUESTIONS: usize = 16;
const TURN: Duration = Duration::from_secs(2);

/// From a failure to the next attempt.
const RETRY: Duration = Duration::from_secs(5);

/// The provider's answers about opaque tokens. Clones share what is remembered.
#[derive(Debug, Clone)]
pub struct Introspection(Arc<Inner>);

struct Inner {
    provider: Provider,
    client_id: String,
    client_secret: String,
    url: OnceCell<String>,
    turns: Semaphore,
    /// By the hash of the token; whoever asks about the same one at the same time waits for the same answer.
    answers: Cache<[u8; 32], Answer>,
    failure: RwLock<Option<(Instant, ProviderError)>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Introspection").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// Whether others would fail, too. A question that was not understood (RFC 9110, 15.5) was about one token, and whoever
/// sent that must not keep others out.
fn is_about_the_provider(cause: &ProviderError) -> bool {
    match cause {
        ProviderError::Busy { .. } => false,
        ProviderError::Status { status, .. } => !(400..500).contains(status) || *status == 429,
        _ => true,
    }
}

#[derive(Debug, Clone)]
struct Answer {
    /// `None` for a token that is not active.
    claims: Option<Arc<Claims>>,
    at: Instant,
}

impl Introspection {
    /// Asks `provider` as this client, at `url` or where its metadata says.
    pub fn new(
        provider: &Provider,
        url: Option<String>,
        client_id: &str,
        client_secret: &str,
    ) -> Self {
        Self(Arc::new(Inner {
            provider: provider.clone(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            url: OnceCell::new_with(url),
            turns: Semaphore::new(QUESTIONS),
            answers: Cache::new(REMEMBERED),
            failure: RwLock::default(),
        }))
    }

    /// What the provider says of a token; `None` when it is not active.
    ///
    /// # Errors
    /// When the provider cannot be asked.
    pub(crate) async fn ask(&self, token: &str) -> Result<Option<Arc<Claims>>, Unavailable> {
        let Inner { answers, failure, .. } = &*self.0;
        let key: [u8; 32] = Sha256::digest(token).into();
        match answers.get(&key) {
            Some(answer) if answer.at.elapsed() < REMEMBER => return Ok(answer.claims),
            Some(_) => _ = answers.remove(&key),
            None => {}
        }
        let answer = answers.get_or_insert_async(&key, self.question(token)).await;
        answer.map(|answer| answer.claims).map_err(|cause| {
            if is_about_the_provider(&cause) {
                let mut failure = failure.write().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert((Instant::now(), cause.clone()));
            }
            Unavailable { cause, retry_after: RETRY.as_secs() }
        })
    }

    async fn question(&self, token: &str) -> Result<Answer, ProviderError> {
        let Inner { provider, client_id, client_secret, turns, failure, .. } = &*self.0;
        // Whoever waited while somebody else found out that nobody answers need not try again at once.
        let recent = failure.read().unwrap_or_else(PoisonError::into_inner).clone();
        match recent {
            Some((at, cause)) if at.elapsed() < RETRY => return Err(cause),
            Some(_) => *failure.write().unwrap_or_else(PoisonError::into_inner) = None,
            None => {}
        }
        let url = self.0.url.get_or_try_init(|| self.endpoint()).await?;
        let turn = timeout(TURN, turns.acquire()).await;
        let _turn = turn.map_err(|_| ProviderError::Busy { url: url.clone() })?;

        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let request = provider
            .post(url)?
            .basic_auth(encoded(client_id), Some(encoded(client_secret)))
            .form(&[("token", token), ("token_type_hint", "access_token")]);
        let (status, body) = provider.send(url, request).await?;
        let url = url.clone();
        match status {
            StatusCode::OK => {
                let what = "answer about a token (RFC 7662)";
                let claims: Claims = serde_json::from_slice(&body)
                    .map_err(|_| ProviderError::Garbage { url, what })?;
                let active = claims.get("active") == Some(&Value::Bool(true));
                Ok(Answer { claims: active.then(|| Arc::new(claims)), at: Instant::now() })
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                tracing::error!(%url, "the provider does not accept our credentials");
                Err(ProviderError::Credentials { url })
            }
            status => Err(ProviderError::Status { url, status: status.as_u16() }),
        }
    }

    async fn endpoint(&self) -> Result<String, ProviderError> {
        let provider = &self.0.provider;
        provider.metadata().await?.introspection_endpoint.ok_or_else(|| ProviderError::NotNamed {
            issuer: provider.issuer().to_owned(),
            what: "introspection_endpoint",
        })
    }
}
