//! `GET /health`: that the server is up, and what it offers. It needs no token, so it contains nothing secret.
//!
//! ```
//! use mcp_auth::health::Health;
//!
//! let health = Health::new().with("tools", ["echo"]);
//! let body = serde_json::to_string(&health).unwrap();
//! assert_eq!(body, r#"{"status":"healthy","tools":["echo"]}"#);
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
use tokio::task::JoinSet;

/// For all probes together: monitoring must not wait for a slow identity provider.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The document at `/health`.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    status: &'static str,
    #[serde(flatten)]
    details: Map<String, Value>,
    #[serde(skip)]
    probes: Vec<Probe>,
}

#[derive(Clone)]
struct Probe {
    name: String,
    run: Arc<dyn Fn() -> ProbeFuture + Send + Sync>,
}

type ProbeFuture = Pin<Box<dyn Future<Output = Value> + Send>>;

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").field(&self.name).finish()
    }
}

impl Health {
    /// `{"status":"healthy"}`
    pub fn new() -> Self {
        Self { status: "healthy", details: Map::new(), probes: Vec::new() }
    }

    /// Adds a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.details.insert(name.to_owned(), to_value(value));
        self
    }

    /// Adds the fields of an object.
    #[must_use]
    pub fn with_details(mut self, details: &impl Serialize) -> Self {
        let Value::Object(details) = to_value(details) else { panic!("details are an object") };
        self.details.extend(details);
        self
    }

    /// Adds a value that `probe` reads from `state` for every request; `null` if that takes longer than a second.
    #[must_use]
    pub fn with_probe<S, F, Fut, T>(mut self, name: &str, state: &S, probe: F) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(S) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Serialize,
    {
        let state = state.clone();
        let run = move || -> ProbeFuture {
            let value = probe(state.clone());
            Box::pin(async move { to_value(value.await) })
        };
        self.probes.push(Probe { name: name.to_owned(), run: Arc::new(run) });
        self.with(name, Value::Null)
    }
}

fn to_value(value: impl Serialize) -> Value {
    serde_json::to_value(value).expect("values of /health serialize")
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

/// `GET /health`
pub async fn check(State(mut health): State<Health>) -> Json<Health> {
    let deadline = tokio::time::Instant::now() + PROBE_TIMEOUT;
    let mut probes = JoinSet::new();
    for Probe { name, run } in std::mem::take(&mut health.probes) {
        let value = run();
        probes.spawn(async { (name, value.await) });
    }
    while let Ok(Some(done)) = tokio::time::timeout_at(deadline, probes.join_next()).await {
        if let Ok((name, value)) = done {
            health.details.insert(name, value);
        }
    }
    Json(health)
}

/// Requests `/health` of the server at this address, for a container without a shell.
///
/// # Errors
/// When there is no response within 2 s, or its status is not 200.
pub async fn check_remote(host: IpAddr, port: u16) -> anyhow::Result<()> {
    let host = if host.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { host };
    let url = format!("http://{}/health", std::net::SocketAddr::new(host, port));
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
    let response =
        client.get(&url).send().await.with_context(|| format!("no response from {url}"))?;
    ensure!(response.status().is_success(), "{url} answers {}", response.status());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_probe_that_never_completes_does_not_stop_the_others() {
        let health = Health::new()
            .with_probe("stuck", &(), |()| std::future::pending::<bool>())
            .with_probe("quick", &7, async |number| number)
            .with("fixed", 1);
        let started = std::time::Instant::now();
        let Json(health) = check(State(health)).await;
        assert!(started.elapsed() < PROBE_TIMEOUT * 2);
        let text = serde_json::to_string(&health).unwrap();
        assert_eq!(text, r#"{"status":"healthy","stuck":null,"quick":7,"fixed":1}"#);
    }
}
