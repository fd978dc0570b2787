//! Step 5: Signing keys and JWKS.
//!
//! An RSA key pair: whoever has the private key can sign tokens for any user, and everyone can verify them with the public
//! key, which the server publishes as a JWKS. The program `gen-token` signs tokens; no request needs one yet.
//!
//! Adds: a key pair, `GET /.well-known/jwks.json`, the program `gen-token`
//! Spec: RFC 7517, RFC 7518
//! Try:  curl -s http://localhost:9000/.well-known/jwks.json

use axum::{Router, routing::get};
use mcp_auth::{
    auth::{info::AuthInfo, keys::KeyPair},
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

    let keys = KeyPair::load_or_create(&config.keys_dir)?;
    let info = AuthInfo::new().jwks_available();

    let server = ServerInfo::new("mcp-echo").enable_tools().enable_prompts().with_details(&info);
    let methods = Dispatcher::new()
        .merge(server.methods()) // initialize, ping
        .merge(tools.methods()) // tools/list, tools/call
        .merge(prompts.methods()); // prompts/list, prompts/get
    let health = Health::new()
        .with("tools", tools.names())
        .with("prompts", prompts.names())
        .with_details(&info);

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", Endpoint::new(methods).routes())
        .merge(keys.routes()) // GET /.well-known/jwks.json
        .layer(origin::layer(&config.origins));

    // The guide calls the application itself. It is outside the origin check: following a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
