//! `GET /health`: is it up, and what can it do? Open to everyone, so it tells no secrets.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use anyhow::{Context, ensure};
use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::{Map, Value};

/// What `/health` answers.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    status: &'static str,
    #[serde(flatten)]
    facts: Map<String, Value>,
}

impl Health {
    /// Up, and nothing more to say.
    pub fn new() -> Self {
        Self { status: "healthy", facts: Map::new() }
    }

    /// One more fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("a fact is serializable");
        self.facts.insert(name.to_owned(), value);
        self
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

/// `GET /health`
pub async fn check(State(health): State<Health>) -> Json<Health> {
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
