//! Step 1: Validate Origin and Host (DNS rebinding).
//!
//! A web page can send requests to `localhost`, and an attacker can point a hostname at 127.0.0.1. The browser reports the
//! page's origin in every such request, so a server that checks `Origin` and `Host` rejects pages from elsewhere.
//!
//! Adds: `GET /health`; validation of `Origin` and `Host` before anything else; `/docs`, a page to try the server
//! Spec: MCP 2025-11-25 transports, "Security Warning"
//! Try:  curl -i http://localhost:9000/mcp -H 'Origin: http://evil'

use axum::{Router, routing::get};
use mcp_auth::{
    config::Config,
    docs,
    health::{self, Health},
    origin, program_info, server,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    server::run(program_info!(), app).await
}

async fn app(config: Config) -> anyhow::Result<Router> {
    let health = Health::new();

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .layer(origin::layer(&config.origins.require_origin()));

    // The guide calls the application itself. It is outside the origin check: following a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
