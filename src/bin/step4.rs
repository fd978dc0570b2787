//! Step 4: a working MCP server.
//!
//! The handshake, and the lists and calls behind it: from here on any MCP client can connect, list and call.
//! Whoever reaches the port may use everything; the next four steps are about that.
//!
//! Adds: `initialize`, `tools/list`, `tools/call`, `prompts/list`, `prompts/get`; `GET /mcp` says that there is no
//!       stream
//! Spec: MCP 2025-11-25 lifecycle, server "Tools" and "Prompts"
//! Try:  curl -s http://localhost:9000/mcp -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hi"}}}'

use axum::{
    Router,
    routing::{get, post},
};
use mcp_auth::{
    config::Config,
    docs,
    health::{self, Health},
    mcp::{
        catalog,
        dispatcher::{Dispatcher, WithState},
        lifecycle::{self, Server},
        prompts::{self, Prompts},
        tools::{self, Tools},
        transport,
    },
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

    let methods = Dispatcher::new()
        .method("ping", lifecycle::ping)
        .method("tools/list", tools::list.with_state(&tools))
        .method("tools/call", tools::call.with_state(&tools))
        .method("prompts/list", prompts::list.with_state(&prompts))
        .method("prompts/get", prompts::get.with_state(&prompts));

    let health = Health::new().with("tools", tools.names()).with("prompts", prompts.names());
    let server = Server::new("mcp-echo").offering("tools").offering("prompts");
    let methods = methods.method("initialize", lifecycle::initialize.with_state(&server));

    let mcp = post(transport::handle).fallback(transport::no_stream).with_state(methods);

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", mcp)
        .layer(origin::layer(&config.origins));

    // A page for people. It asks the application itself what it can do, and whoever follows a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
