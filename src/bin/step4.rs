//! Step 4: A working MCP server.
//!
//! With `initialize` and the methods of tools and prompts any MCP client can connect, list and call. Everyone who reaches
//! the port may use everything; steps 5 to 8 change that.
//!
//! Adds: `initialize`, `tools/list`, `tools/call`, `prompts/list`, `prompts/get`
//! Spec: MCP 2025-11-25 lifecycle, server "Tools" and "Prompts"
//! Try:  curl -s http://localhost:9000/mcp -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hi"}}}'

use axum::{Router, routing::get};
use mcp_auth::{
    config::Config,
    docs,
    health::{self, Health},
    mcp::{
        dispatcher::Dispatcher, endpoint::Endpoint, lifecycle::ServerInfo, prompts::Prompts,
        tools::Tools,
    },
    origin, program_info, server, tutorial,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    server::run(program_info!(), app).await
}

async fn app(config: Config) -> anyhow::Result<Router> {
    let tools = Tools::from([tutorial::echo(), tutorial::get_time()]);
    let prompts = Prompts::from([tutorial::greeting(), tutorial::help(), tutorial::echo_prompt()]);

    let server = ServerInfo::new("mcp-echo").enable_tools().enable_prompts();
    let methods = Dispatcher::new()
        .merge(server.methods()) // initialize, ping
        .merge(tools.methods()) // tools/list, tools/call
        .merge(prompts.methods()); // prompts/list, prompts/get
    let health = Health::new().with("tools", tools.names()).with("prompts", prompts.names());

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", Endpoint::new(methods).routes())
        .layer(origin::layer(&config.origins));

    // The guide calls the application itself. It is outside the origin check: following a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
