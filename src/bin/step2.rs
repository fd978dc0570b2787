//! Step 2: one endpoint, one envelope.
//!
//! All of MCP goes through one URL: a `POST` with one JSON-RPC message, answered with JSON. The only method so far
//! is `ping`; every other one is answered with -32601.
//!
//! Adds: `POST /mcp`, a dispatcher, `ping`
//! Spec: JSON-RPC 2.0; MCP 2025-11-25 transports "Streamable HTTP", utilities "Ping"
//! Try:  curl -i http://localhost:9000/mcp -H 'Origin: http://localhost:3000' -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"ping"}'

use axum::{
    Router,
    routing::{get, post},
};
use mcp_auth::{
    config::Config,
    docs,
    health::{self, Health},
    mcp::{dispatcher::Dispatcher, lifecycle, transport},
    origin, program_info, server,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    server::run(program_info!(), app).await
}

async fn app(config: Config) -> anyhow::Result<Router> {
    let methods = Dispatcher::new().method("ping", lifecycle::ping);

    let health = Health::new();
    let mcp = post(transport::handle).with_state(methods);

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", mcp)
        .layer(origin::layer(&config.origins.require_origin()));

    // A page for people. It asks the application itself what it can do, and whoever follows a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
