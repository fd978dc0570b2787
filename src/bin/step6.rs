//! Step 6: no token, no entry.
//!
//! Every request to `/mcp` must carry a token that we can verify: signature, issuer, audience, expiry. The 401 says
//! what is wanted, and why what was sent is not enough.
//!
//! Adds: the wall in front of `/mcp`: bearer authentication, 401 with a challenge
//! Spec: RFC 6750, RFC 7519 section 7.2, RFC 8725, RFC 9068
//! Try:  curl -s http://localhost:9000/mcp -H "Authorization: Bearer $(cargo run -q --bin gen-token -- --username alice --print-token)" -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"ping"}'

use axum::{
    Router,
    routing::{get, post},
};
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

    let info = AuthInfo::new().jwks_available().auth_required();
    let health = Health::new()
        .with("tools", tools.names())
        .with("prompts", prompts.names())
        .with_details(&info);
    let server = Server::new("mcp-echo").offering("tools").offering("prompts").with_details(&info);
    let methods = methods.method("initialize", lifecycle::initialize.with_state(&server));

    let mcp = post(transport::handle).fallback(transport::no_stream).with_state(methods);

    // Only requests with a valid access token get past this layer.
    let verifier = TokenVerifier::new()
        .cache_capacity(config.limits.token_cache_bytes)
        .trust(TrustedIssuer::new("mcp-simple-auth", ["mcp-server"], &keys.jwks()));
    let challenge = Challenge::bearer("mcp-server");
    let auth = BearerAuth::new(verifier, challenge);
    let mcp = mcp.route_layer(auth);

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", mcp)
        .merge(keys.routes()) // GET /.well-known/jwks.json
        .layer(origin::layer(&config.origins));

    // A page for people. It asks the application itself what it can do, and whoever follows a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
