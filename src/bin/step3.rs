//! Step 3: Declare tools and prompts.
//!
//! Two tools and three prompts, with schemas that are derived from the types of the code. They cannot be called yet. From
//! this step on a request without `Origin` is accepted, because clients other than browsers send none.
//!
//! Adds: definitions of tools and prompts; their names in `/health`
//! Spec: MCP 2025-11-25 server "Tools" and "Prompts", JSON Schema 2020-12
//! Try:  curl -s http://localhost:9000/health

use axum::{Router, routing::get};
use mcp_auth::{
    config::Config,
    docs,
    health::{self, Health},
    mcp::{dispatcher::Dispatcher, endpoint::Endpoint, lifecycle, prompts::Prompts, tools::Tools},
    origin, program_info, server, tutorial,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    server::run(program_info!(), app).await
}

async fn app(config: Config) -> anyhow::Result<Router> {
    let tools = Tools::from([tutorial::echo(), tutorial::get_time()]);
    let prompts = Prompts::from([tutorial::greeting(), tutorial::help(), tutorial::echo_prompt()]);

    let methods = Dispatcher::new().method("ping", lifecycle::ping);
    let health = Health::new().with("tools", tools.names()).with("prompts", prompts.names());

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", Endpoint::new(methods).routes())
        .layer(origin::layer(&config.origins));

    // The guide calls the application itself. It is outside the origin check: following a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
