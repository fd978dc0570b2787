//! Step 1: a server that only its own machine's pages may talk to.
//!
//! Any web page can send requests to `localhost`, and its owner can make a name resolve to 127.0.0.1. The browser
//! writes the page's origin into every such request, so whoever checks it is safe from strange pages.
//!
//! Adds: `GET /health`; validation of `Origin` and `Host` before everything else; `/docs`, a page to try it on
//! Spec: MCP 2025-11-25 transports, "Security Warning"
//! Try:  curl -i http://localhost:9000/mcp -H 'Origin: http://evil.example.com'

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

    // A page for people. It asks the application itself what it can do, and whoever follows a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
