//! `GET /health`: is it up, and what can it do? Open to everyone, so it tells no secrets.
//!
//! ```
//! use mcp_auth::health::Health;
//!
//! let health = Health::new().with("tools", ["echo"]);
//! let answer = serde_json::to_string(&health).unwrap();
//! assert_eq!(answer, r#"{"status":"healthy","tools":["echo"]}"#);
//! ```

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, ensure};
use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::{Map, Value};

/// How long all live facts together may take. Whoever watches us must not wait for others.
const PATIENCE: Duration = Duration::from_secs(1);

/// What `/health` answers.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    status: &'static str,
    #[serde(flatten)]
    facts: Map<String, Value>,
    #[serde(skip)]
    live: Vec<Live>,
}

#[derive(Clone)]
struct Live {
    name: String,
    probe: Arc<dyn Fn() -> Answer + Send + Sync>,
}

type Answer = Pin<Box<dyn Future<Output = Value> + Send>>;

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Live").field(&self.name).finish()
    }
}

impl Health {
    /// Up, and nothing more to say.
    pub fn new() -> Self {
        Self { status: "healthy", facts: Map::new(), live: Vec::new() }
    }

    /// One more fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.facts.insert(name.to_owned(), to_value(value));
        self
    }

    /// The fields of an object, each as one more fact.
    #[must_use]
    pub fn with_details(mut self, details: &impl Serialize) -> Self {
        let Value::Object(details) = to_value(details) else { panic!("details are an object") };
        self.facts.extend(details);
        self
    }

    /// One more fact that changes; `probe` asks `state` for it on every request. `null` when that takes too long: we
    /// are up all the same.
    #[must_use]
    pub fn live<S, F, Fut, T>(mut self, name: &str, state: &S, probe: F) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(S) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Serialize,
    {
        let state = state.clone();
        let probe = move || -> Answer {
            let answer = probe(state.clone());
            Box::pin(async move { to_value(answer.await) })
        };
        self.live.push(Live { name: name.to_owned(), probe: Arc::new(probe) });
        self.with(name, Value::Null)
    }
}

fn to_value(value: impl Serialize) -> Value {
    serde_json::to_value(value).expect("a fact is serializable")
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

/// `GET /health`
pub async fn check(State(mut health): State<Health>) -> Json<Health> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for Live { name, probe } in std::mem::take(&mut health.live) {
        if let Ok(value) = tokio::time::timeout_at(deadline, probe()).await {
            health.facts.insert(name, value);
        }
    }
    Json(health)
}

/// Asks the server at this address for its health: a container without a shell needs a way to be looked at.
///
/// # Errors
/// When nobody answers within 2 s, or the answer is not 200.
pub async fn probe(host: IpAddr, port: u16) -> anyhow::Result<()> {
    // A server that listens everywhere is asked where it surely is.
    let host = if host.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { host };
    let url = format!("http://{}/health", std::net::SocketAddr::new(host, port));
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
    let answer =
        client.get(&url).send().await.with_context(|| format!("nobody answers at {url}"))?;
    ensure!(answer.status().is_success(), "{url} answers {}", answer.status());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_probe_that_never_answers_does_not_stop_the_others() {
        let health = Health::new()
            .live("quick", &7, async |number| number)
            .live("stuck", &(), |()| std::future::pending::<bool>())
            .with("fixed", 1);
        let started = std::time::Instant::now();
        let Json(health) = check(State(health)).await;
        assert!(started.elapsed() < PATIENCE * 2);
        let text = serde_json::to_string(&health).unwrap();
        assert_eq!(text, r#"{"status":"healthy","quick":7,"stuck":null,"fixed":1}"#);
    }
}
