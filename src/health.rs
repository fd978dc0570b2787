//! `GET /health`: is it up, and what can it do? Open to everyone, so it tells no secrets.

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
