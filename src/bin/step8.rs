//! Step 8: what a token may do.
//!
//! A token is no master key: its scopes say what it may be used for, and a role says what its holder is. Whoever
//! lacks a scope gets a 403 that names it, so that a client can ask for just that.
//!
//! Adds: scopes for methods, the role `admin`; 403 with `insufficient_scope`
//! Spec: RFC 6749 section 3.3, RFC 6750 section 3.1, MCP 2025-11-25 authorization "Scope Challenge Handling"
//! Try:  curl -i http://localhost:9000/mcp -H "Authorization: Bearer $(cargo run -q --bin gen-token -- --username bob --scopes mcp:read,mcp:prompts --print-token)" -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hi"}}}'

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
        metadata::ProtectedResource,
        verify::{TokenVerifier, TrustedIssuer},
    },
    authorization_server::AuthorizationServer,
    config::Config,
    docs,
    health::{self, Health},
    mcp::{
        catalog,
        dispatcher::{Dispatcher, WithState},
        lifecycle::{self, Pong, Server},
        policy::Policy,
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

    // What a token may do. Of several scopes any one is enough; a challenge asks for the first.
    let policy = Policy::new()
        .open(["initialize", "ping"])
        .allow("tools/list", ["mcp:read", "mcp:tools"], "tools access")
        .allow("tools/call", ["mcp:tools"], "tool execution")
        .allow("prompts/list", ["mcp:prompts", "mcp:read"], "prompts access")
        .allow("prompts/get", ["mcp:prompts", "mcp:read"], "prompts access")
        .allow_role("admin");
    let methods = methods.guarded_by(policy);

    let keys = KeyPair::load_or_create(&config.keys_dir)?;

    // Discovery: the challenge names this document (RFC 9728), and the document names the authorization server.
    let resource = ProtectedResource::new(config.public_url.join("/mcp"))
        .authorization_server(config.public_url.as_str())
        .scopes(["mcp:read", "mcp:tools", "mcp:prompts"])
        .documentation(config.public_url.join("/docs"));
    // For development only; in production an identity provider takes its place (step 10).
    let authorization_server =
        AuthorizationServer::new(config.host, config.public_url.as_str(), &keys)?
            .resource(&resource)
            .allow_local_client_metadata(config.allow_local_client_metadata);
    let info = AuthInfo::new()
        .jwks_available()
        .auth_required()
        .scope_based_auth()
        .oauth_metadata(&resource, &authorization_server.metadata_urls());

    let health = Health::new()
        .with("tools", tools.names())
        .with("prompts", prompts.names())
        .with_details(&info);
    let server = Server::new("mcp-echo").offering("tools").offering("prompts").with_details(&info);
    let methods = methods.method("initialize", lifecycle::initialize.with_state(&server));
    let pong = Pong::new().with("oauth_metadata_available", true);
    let methods = methods.method("ping", lifecycle::ping_with.with_state(&pong));

    let mcp = post(transport::handle).fallback(transport::no_stream).with_state(methods);

    // Only requests with a valid access token get past this layer.
    let verifier = TokenVerifier::new()
        .cache_capacity(config.limits.token_cache_bytes)
        .trust(TrustedIssuer::new("mcp-simple-auth", ["mcp-server"], &keys.jwks()))
        .trust(authorization_server.trusted_issuer());
    let challenge = Challenge::bearer("mcp-server").for_resource(&resource);
    let auth = BearerAuth::new(verifier, challenge);
    let mcp = mcp.route_layer(auth);

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", mcp)
        .merge(keys.routes()) // GET /.well-known/jwks.json
        .merge(resource.routes()) // GET /.well-known/oauth-protected-resource/mcp
        .merge(authorization_server.routes()) // its metadata, and /auth/*
        .layer(origin::layer(&config.origins));

    // A page for people. It asks the application itself what it can do, and whoever follows a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
