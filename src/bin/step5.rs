//! Step 5: who could sign a token.
//!
//! Tokens will be signed with a private key and checked with the public one. This step makes the pair and publishes
//! the public half; nothing is checked yet.
//!
//! Adds: a key pair in `keys/`, `GET /.well-known/jwks.json`; `gen-token` signs tokens with it
//! Spec: RFC 7517 (JWK Set), RFC 7518 section 3.3 (RS256)
//! Try:  curl -s http://localhost:9000/.well-known/jwks.json

use axum::{
    Router,
    routing::{get, post},
};
use mcp_auth::{
    auth::{info::AuthInfo, keys::KeyPair},
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

    let keys = KeyPair::load_or_create(&config.keys_dir)?;

    let info = AuthInfo::new().jwks_available();
    let health = Health::new()
        .with("tools", tools.names())
        .with("prompts", prompts.names())
        .with_details(&info);
    let server = Server::new("mcp-echo").offering("tools").offering("prompts").with_details(&info);
    let methods = methods.method("initialize", lifecycle::initialize.with_state(&server));

    let mcp = post(transport::handle).fallback(transport::no_stream).with_state(methods);

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", mcp)
        .merge(keys.routes()) // GET /.well-known/jwks.json
        .layer(origin::layer(&config.origins));

    // A page for people. It asks the application itself what it can do, and whoever follows a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
