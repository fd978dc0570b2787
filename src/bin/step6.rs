//! Step 6: Bearer authentication.
//!
//! Every request to `/mcp` must carry an access token whose signature, issuer, audience and expiry the server verifies.
//! Otherwise it is answered with 401 and a challenge that tells what is wrong.
//!
//! Adds: bearer authentication in front of `/mcp`
//! Spec: RFC 6750, RFC 7519 section 7.2, RFC 8725, RFC 9068
//! Try:  curl -s http://localhost:9000/mcp -H "Authorization: Bearer $(cargo run -q --bin gen-token -- --username alice --print-token)" -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"ping"}'

use axum::{Router, routing::get};
use mcp_auth::{
    auth::{
        bearer::BearerAuth,
        challenge::Challenge,
        info::AuthInfo,
        keys::KeyPair,
        verify::{TokenVerifier, TrustedIssuer},
    },
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
    let info = AuthInfo::new().jwks_available().auth_required();

    let server = ServerInfo::new("mcp-echo").enable_tools().enable_prompts().with_details(&info);
    let methods = Dispatcher::new()
        .merge(server.methods()) // initialize, ping
        .merge(tools.methods()) // tools/list, tools/call
        .merge(prompts.methods()); // prompts/list, prompts/get
    let health = Health::new()
        .with("tools", tools.names())
        .with("prompts", prompts.names())
        .with_details(&info);

    // Only requests with a valid access token get past this layer.
    let verifier = TokenVerifier::new()
        .cache_capacity(config.limits.token_cache_bytes)
        .trust(TrustedIssuer::new("mcp-simple-auth", ["mcp-server"], &keys.jwks()));
    let challenge = Challenge::bearer("mcp-server");
    let auth = BearerAuth::new(verifier, challenge);

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        // route_layer, not layer: a GET is 405 even without a token.
        .route("/mcp", Endpoint::new(methods).routes().route_layer(auth))
        .merge(keys.routes()) // GET /.well-known/jwks.json
        .layer(origin::layer(&config.origins));

    // The guide calls the application itself. It is outside the origin check: following a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
