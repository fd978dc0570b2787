//! Step 3: what we have to offer.
//!
//! Two tools and three prompts, with schemas that come from the types that the code reads. They are declared and not
//! yet callable. Clients other than browsers, which send no `Origin`, may come in from here on.
//!
//! Adds: definitions of tools and prompts, their names in `/health`
//! Spec: MCP 2025-11-25 server "Tools" and "Prompts", JSON Schema 2020-12
//! Try:  curl -s http://localhost:9000/health

use axum::{
    Router,
    routing::{get, post},
};
use mcp_auth::{
    config::Config,
    docs,
    health::{self, Health},
    mcp::{catalog, dispatcher::Dispatcher, lifecycle, prompts::Prompts, tools::Tools, transport},
    origin, program_info, server,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    server::run(program_info!(), app).await
}

async fn app(config: Config) -> anyhow::Result<Router> {
    let tools = Tools::new().with(catalog::echo()).with(catalog::get_time());
    let prompts =
        Prompts::new().with(catalog::greeting()).with(catalog::help()).with(catalog::echo_prompt());

    let methods = Dispatcher::new().method("ping", lifecycle::ping);

    let health = Health::new().with("tools", tools.names()).with("prompts", prompts.names());
    let mcp = post(transport::handle).with_state(methods);

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", mcp)
        .layer(origin::layer(&config.origins));

    // A page for people. It asks the application itself what it can do, and whoever follows a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
