//! Step 9: The server knows who is calling.
//!
//! So far a token only granted access; now handlers use the caller's identity: results name the user, each tool has a scope
//! or a role of its own, and lists show what the caller may use. The endpoint also serves the revision 2026-07-28.
//!
//! Adds: `whoami`, `recent_calls`, `clear_call_log`, resources, completion; a policy for each tool; both protocol eras
//! Spec: MCP 2026-07-28 versioning, transports/streamable-http, server/tools, server/resources
//! Try:  curl -s http://localhost:9000/mcp -H "Authorization: Bearer $(cargo run -q --bin gen-token -- --username alice --print-token)" -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"}}'

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
        call_log::CallLog, completion::Completions, dispatcher::Dispatcher, endpoint::Endpoint,
        lifecycle::ServerInfo, policy::Policy, prompts::Prompts, resources::Resources,
        tools::Tools,
    },
    origin, program_info, server, tutorial,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    server::run(program_info!(), app).await
}

async fn app(config: Config) -> anyhow::Result<Router> {
    // Each tool has a rule of its own, and lists show what the caller may use. `mcp:tools` includes `mcp:tools:echo`.
    let tool_policy = Policy::new()
        .require_any_scope("echo", ["mcp:tools:echo"], "tool execution")
        .require_any_scope("get_time", ["mcp:tools:get_time"], "tool execution")
        .allow_authenticated(["whoami"])
        .require_role("recent_calls", "admin")
        .require_role("clear_call_log", "admin")
        .grant_all_to_role("admin");
    let call_log = CallLog::new();
    let tools = Tools::from([
        tutorial::echo(),
        tutorial::get_time(),
        tutorial::whoami(),
        tutorial::recent_calls(&call_log),
        tutorial::clear_call_log(&call_log), // asks for confirmation first; can be skipped
    ])
    .with_policy(tool_policy)
    .signing_secret(config.signing_secret());
    let prompts = Prompts::from([tutorial::greeting(), tutorial::help(), tutorial::echo_prompt()]);
    let resources = Resources::new()
        .with(tutorial::profile()) // the caller's own data
        .with(tutorial::guide(&config.program))
        .template(tutorial::tool_guide(&tools)); // can be skipped

    let keys = KeyPair::load_or_create(&config.keys_dir)?;

    // Discovery: the challenge names this document (RFC 9728), and the document names the authorization server.
    let resource = ProtectedResource::mcp_server(config.public_url.join("/mcp"))
        .authorization_server(config.public_url.as_str())
        .scopes(["mcp:read", "mcp:tools", "mcp:prompts"])
        .dpop() // tokens may be bound to a key of the client
        .documentation(config.public_url.join("/docs"));
    // For development only; in production an identity provider takes its place (step 10).
    let authorization_server =
        AuthorizationServer::new(config.host, config.public_url.as_str(), &keys)?
            .resource(&resource)
            .tools(tools.names()) // their scopes may be asked for
            .settings(&config.authorization_server);
    let info = AuthInfo::new()
        .jwks_available()
        .auth_required()
        .scope_based_auth()
        .oauth_metadata(&resource, &authorization_server.metadata_urls());

    // What a token may do. Any one of the scopes is enough; a challenge asks for the first.
    let policy = Policy::new()
        .allow_authenticated(["tools/list", "tools/call"]) // tool_policy decides
        .require_any_scope("prompts/list", ["mcp:prompts", "mcp:read"], "prompts access")
        .require_any_scope("prompts/get", ["mcp:prompts", "mcp:read"], "prompts access")
        .require_any_scope("resources/list", ["mcp:read"], "resources access")
        .require_any_scope("resources/templates/list", ["mcp:read"], "resources access")
        .require_any_scope("resources/read", ["mcp:read"], "resources access")
        .require_any_scope("completion/complete", ["mcp:prompts", "mcp:read"], "completion")
        .grant_all_to_role("admin");
    let server = ServerInfo::new("mcp-echo")
        .enable_tools()
        .enable_prompts()
        .enable_resources()
        .enable_completions()
        .with_details(&info);
    let methods = Dispatcher::new()
        .merge(tools.methods()) // tools/list, tools/call
        .merge(prompts.methods()) // prompts/list, prompts/get
        .merge(resources.methods()) // resources/list, resources/templates/list, resources/read
        .merge(Completions::new(&prompts, &resources, &policy).methods()) // can be skipped
        .with_policy(policy)
        .with_call_log(&call_log);
    // Serves both protocol eras, and answers initialize, ping and server/discover itself.
    let mcp = Endpoint::dual_era(methods, &server, &tools).signing_secret(config.signing_secret());
    let health = Health::new()
        .with("tools", tools.names())
        .with("prompts", prompts.names())
        .with("resources", resources.uris())
        .with("protocol_versions", mcp.protocol_versions())
        .with_details(&info);

    // Only requests with a valid access token get past this layer.
    let verifier = TokenVerifier::new()
        .cache_capacity(config.limits.token_cache_bytes)
        .trust(TrustedIssuer::new("mcp-simple-auth", ["mcp-server"], &keys.jwks()))
        .trust(authorization_server.trusted_issuer());
    let challenge = Challenge::bearer("mcp-server").for_resource(&resource);
    let auth = BearerAuth::new(verifier, challenge).dpop(config.public_url.as_str());

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        // route_layer, not layer: a GET is 405 even without a token.
        .route("/mcp", mcp.routes().route_layer(auth))
        .merge(keys.routes()) // GET /.well-known/jwks.json
        .merge(resource.routes()) // GET /.well-known/oauth-protected-resource/mcp
        .merge(authorization_server.routes()) // its metadata, and /auth/*
        .layer(origin::layer(&config.origins));

    // The guide calls the application itself. It is outside the origin check: following a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
