//! Step 2: JSON-RPC over POST /mcp.
//!
//! MCP has one endpoint: a `POST` carries one JSON-RPC message and is answered with JSON. The only method so far is `ping`;
//! any other one is answered with the error -32601.
//!
//! Adds: `POST /mcp`, a dispatcher, the method `ping`
//! Spec: JSON-RPC 2.0; MCP 2025-11-25 transports "Streamable HTTP", utilities "Ping"
//! Try:  curl -i http://localhost:9000/mcp -H 'Origin: http://localhost:3000' -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"ping"}'

use axum::{Router, routing::get};
use mcp_auth::{
    config::Config,
    docs,
    health::{self, Health},
    mcp::{dispatcher::Dispatcher, endpoint::Endpoint, lifecycle},
    origin, program_info, server,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    server::run(program_info!(), app).await
}

async fn app(config: Config) -> anyhow::Result<Router> {
    let methods = Dispatcher::new().method("ping", lifecycle::ping);
    let health = Health::new();

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", Endpoint::new(methods).routes())
        .layer(origin::layer(&config.origins.require_origin()));

    // The guide calls the application itself. It is outside the origin check: following a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
