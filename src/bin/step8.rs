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
    middleware::from_fn_with_state,
    routing::{get, post},
};
use mcp_auth::{
    auth::{
        bearer::{self, BearerAuth},
        challenge::Challenge,
        jwks,
        keys::KeyPair,
        metadata::{self, Links, ProtectedResource},
        verifier::{TokenVerifier, TrustedIssuer},
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
    origin,
    principal::ScopeSet,
    program_info, server,
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
    let jwks = keys.jwks();

    // The trail: who we are, and who issues our tokens.
    let url = |path: &str| config.public_url.join(path);
    let scopes = ["mcp:read", "mcp:tools", "mcp:prompts"];
    let resource =
        ProtectedResource::new(url("/mcp"), url(""), &scopes).documented_at(url("/docs"));
    let root = resource.renamed(url(""));
    // For development: here a person can log in. Production has an identity provider in its place.
    let authorization_server = AuthorizationServer::new(config.host, url(""), &keys)?
        .protects(url("/mcp"), &scopes)
        .protects(url(""), &scopes)
        .local_client_documents(config.allow_local_client_metadata);
    let links = Links {
        protected_resource: url("/.well-known/oauth-protected-resource"),
        authorization_server: url("/.well-known/oauth-authorization-server"),
        jwks: url("/.well-known/jwks.json"),
    };

    let health = Health::new()
        .with("tools", tools.names())
        .with("prompts", prompts.names())
        .with("jwt_enabled", true)
        .with("jwks_available", true)
        .with("auth_required", true)
        .with("oauth_metadata", &links)
        .with("scope_based_auth", true);
    let server = Server::new("mcp-echo")
        .offering("tools")
        .offering("prompts")
        .with("jwt_enabled", true)
        .with("oauth_metadata", &links);
    let methods = methods.method("initialize", lifecycle::initialize.with_state(&server));
    let pong = Pong::new().with("oauth_metadata_available", true);
    let methods = methods.method("ping", lifecycle::ping_with.with_state(&pong));

    let mcp = post(transport::handle).fallback(transport::no_stream).with_state(methods);

    // The wall: whoever passes it has a verified identity.
    let own = TrustedIssuer::new(url(""), [url("/mcp"), url("")], &jwks);
    let verifier = TokenVerifier::new()
        .remembering(config.limits.token_cache_bytes)
        .trust(TrustedIssuer::new("mcp-simple-auth", ["mcp-server"], &jwks))
        .trust(own.unless(authorization_server.withdrawn()));
    let challenge = Challenge::bearer("mcp-server");
    let challenge = challenge
        .resource_metadata(url("/.well-known/oauth-protected-resource/mcp"))
        .scopes(&ScopeSet::from(scopes));
    let wall = BearerAuth::new(verifier, challenge);
    let mcp = mcp.route_layer(from_fn_with_state(wall, bearer::authenticate));

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", mcp)
        .route("/.well-known/jwks.json", get(jwks::publish).with_state(jwks))
        .route("/.well-known/oauth-protected-resource/mcp", metadata::document(&resource))
        .route("/.well-known/oauth-protected-resource", metadata::document(&root))
        .merge(authorization_server.routes())
        .layer(origin::validate(&config.origins));

    // A page for people. It asks the application itself what it can do, and whoever follows a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
