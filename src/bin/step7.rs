//! Step 7: Discovery and login.
//!
//! The 401 names a document about this resource. That document names the authorization server, whose own metadata says where
//! to register and to log in, so a client needs nothing but the URL. This authorization server is for development only.
//!
//! Adds: protected resource metadata; a development authorization server and its metadata
//! Spec: RFC 9728, RFC 8414, OAuth 2.1, MCP 2025-11-25 authorization
//! Try:  curl -s http://localhost:9000/.well-known/oauth-protected-resource/mcp

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

    // Discovery: the challenge names this document (RFC 9728), and the document names the authorization server.
    let resource = ProtectedResource::mcp_server(config.public_url.join("/mcp"))
        .authorization_server(config.public_url.as_str())
        .scopes(["mcp:read", "mcp:tools"])
        .documentation(config.public_url.join("/docs"));
    // For development only; in production an identity provider takes its place (step 10).
    let authorization_server =
        AuthorizationServer::new(config.host, config.public_url.as_str(), &keys)?
            .resource(&resource)
            .settings(&config.authorization_server);
    let info = AuthInfo::new()
        .jwks_available()
        .auth_required()
        .oauth_metadata(&resource, &authorization_server.metadata_urls());

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
