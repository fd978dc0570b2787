//! Step 8: Scopes and roles.
//!
//! Scopes limit what a token may do; roles describe the user. A call without the scope that it needs is answered with 403
//! and a challenge that names the scope, so that the client can ask for it.
//!
//! Adds: a policy for each method; the scope `mcp:prompts`
//! Spec: RFC 6749 section 3.3, RFC 6750 section 3.1, MCP 2025-11-25 authorization, "Scope Challenge Handling"
//! Try:  curl -s http://localhost:9000/mcp -H "Authorization: Bearer $(cargo run -q --bin gen-token -- --username bob --scopes mcp:read --print-token)" -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hi"}}}'

use axum::{Router, routing::get};
use mcp_auth::{
    auth::{
        bearer::BearerAuth,
        challenge::Challenge,
        info::AuthInfo,
        keys::KeyPair,
        metadata::ProtectedResource,
        verify::{TokenVerifier, TrustedIssuer},
    },
    authorization_server::AuthorizationServer,
    config::Config,
    docs,
    health::{self, Health},
    mcp::{
        dispatcher::Dispatcher, endpoint::Endpoint, lifecycle::ServerInfo, policy::Policy,
        prompts::Prompts, tools::Tools,
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

    // Discovery: the challenge names this document (RFC 9728), and the document names the authorization server.
    let resource = ProtectedResource::mcp_server(config.public_url.join("/mcp"))
        .authorization_server(config.public_url.as_str())
        .scopes(["mcp:read", "mcp:tools", "mcp:prompts"])
        .documentation(config.public_url.join("/docs"));
    // For development only; in production an identity provider takes its place (step 10).
    let authorization_server =
        AuthorizationServer::new(config.host, config.public_url.as_str(), &keys)?
            .resource(&resource)
            .settings(&config.authorization_server);
    let info = AuthInfo::new()
        .jwks_available()
        .auth_required()
        .scope_based_auth()
        .oauth_metadata(&resource, &authorization_server.metadata_urls());

    // What a token may do. Any one of the scopes is enough; a challenge asks for the first.
    let policy = Policy::new()
        .allow_authenticated(["initialize", "ping"])
        .require_any_scope("tools/list", ["mcp:read", "mcp:tools"], "tools access")
        .require_any_scope("tools/call", ["mcp:tools"], "tool execution")
        .require_any_scope("prompts/list", ["mcp:prompts", "mcp:read"], "prompts access")
        .require_any_scope("prompts/get", ["mcp:prompts", "mcp:read"], "prompts access")
        .grant_all_to_role("admin");
    let server = ServerInfo::new("mcp-echo").enable_tools().enable_prompts().with_details(&info);
    let methods = Dispatcher::new()
        .merge(server.methods()) // initialize, ping
        .merge(tools.methods()) // tools/list, tools/call
        .merge(prompts.methods()) // prompts/list, prompts/get
        .with_policy(policy);
    let health = Health::new()
        .with("tools", tools.names())
        .with("prompts", prompts.names())
        .with_details(&info);

    // Only requests with a valid access token get past this layer.
    let verifier = TokenVerifier::new()
        .cache_capacity(config.limits.token_cache_bytes)
        .trust(TrustedIssuer::new("mcp-simple-auth", ["mcp-server"], &keys.jwks()))
        .trust(authorization_server.trusted_issuer());
    let challenge = Challenge::bearer("mcp-server").for_resource(&resource);
    let auth = BearerAuth::new(verifier, challenge);

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        // route_layer, not layer: a GET is 405 even without a token.
        .route("/mcp", Endpoint::new(methods).routes().route_layer(auth))
        .merge(keys.routes()) // GET /.well-known/jwks.json
        .merge(resource.routes()) // GET /.well-known/oauth-protected-resource/mcp
        .merge(authorization_server.routes()) // its metadata, and /auth/*
        .layer(origin::layer(&config.origins));

    // The guide calls the application itself. It is outside the origin check: following a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
