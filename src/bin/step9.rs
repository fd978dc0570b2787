//! Step 9: the server knows who is asking, and speaks both eras of MCP.
//!
//! Answers become personal, each tool has a scope of its own, and lists show what the caller may use. Beside the
//! handshake of the earlier steps stands the stateless protocol of 2026-07-28, on the same endpoint.
//!
//! Adds: `whoami`, `recent_calls`, `forget_calls`, resources, completion, scopes for single tools, MCP 2026-07-28, sessions
//! Spec: MCP 2026-07-28 versioning, transports/streamable-http, server/discover, server/tools, server/resources
//! Try:  curl -s http://localhost:9000/mcp -H "Authorization: Bearer $(cargo run -q --bin gen-token -- --username alice --print-token)" -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"}}'

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
        completion::{self, Completions},
        dispatcher::{Dispatcher, WithState},
        eras::{self, Endpoint},
        journal::Journal,
        lifecycle::{self, Pong, Server},
        personal,
        policy::Policy,
        prompts::{self, Prompts},
        protocol,
        resources::{self, Resources},
        tools::{self, Tools},
        transport,
    },
    origin, program_docs, program_info, server,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    server::run(program_info!(), app).await
}

async fn app(config: Config) -> anyhow::Result<Router> {
    let tools = Tools::new().with(catalog::echo()).with(catalog::get_time());
    let prompts =
        Prompts::new().with(catalog::greeting()).with(catalog::help()).with(catalog::echo_prompt());

    // Who is asking changes the answer. A tool takes the place of an earlier one of the same name.
    let journal = Journal::new();
    let tools = tools
        .with(personal::echo())
        .with(personal::get_time())
        .with(personal::whoami())
        .with(personal::recent_calls(&journal))
        .with(personal::forget_calls(&journal));
    let prompts = prompts.with(personal::greeting());
    let chapters = program_docs![
        "step1", "step2", "step3", "step4", "step5", "step6", "step7", "step8", "step9",
    ];
    let resources = Resources::new()
        .with(personal::profile())
        .with(personal::guide(&chapters))
        .template(personal::chapter(&chapters));

    // What a single tool needs; a broader scope such as mcp:tools implies the narrower one.
    let tool_policy = Policy::new()
        .allow("echo", ["mcp:tools:echo"], "tool execution")
        .allow("get_time", ["mcp:tools:get_time"], "tool execution")
        .open(["whoami"])
        .only_role("recent_calls", "admin")
        .only_role("forget_calls", "admin")
        .allow_role("admin");
    let tools = tools.guarded_by(tool_policy).sealed_with(config.signing_secret());

    let methods = Dispatcher::new()
        .method("ping", lifecycle::ping)
        .method("tools/list", tools::list.with_state(&tools))
        .method("tools/call", tools::call.with_state(&tools))
        .method("prompts/list", prompts::list.with_state(&prompts))
        .method("prompts/get", prompts::get.with_state(&prompts));
    let methods = methods
        .method("resources/list", resources::list.with_state(&resources))
        .method("resources/templates/list", resources::list_templates.with_state(&resources))
        .method("resources/read", resources::read.with_state(&resources));

    // What a token may do. Of several scopes any one is enough; a challenge asks for the first.
    let policy = Policy::new()
        .open(["initialize", "ping"])
        .allow("tools/list", ["mcp:read", "mcp:tools"], "tools access")
        .allow("tools/call", ["mcp:tools"], "tool execution")
        .allow("prompts/list", ["mcp:prompts", "mcp:read"], "prompts access")
        .allow("prompts/get", ["mcp:prompts", "mcp:read"], "prompts access")
        .allow_role("admin");
    // From here on every tool has a rule of its own, so these two are open; lists show what the caller may use.
    let policy = policy
        .open(["server/discover", "tools/list", "tools/call"])
        .allow("resources/list", ["mcp:read"], "resources access")
        .allow("resources/templates/list", ["mcp:read"], "resources access")
        .allow("resources/read", ["mcp:read"], "resources access")
        .allow("completion/complete", ["mcp:prompts", "mcp:read"], "completion");
    let completions = Completions::new(&prompts, &resources, &policy);
    let methods =
        methods.method("completion/complete", completion::complete.with_state(&completions));
    let methods = methods.guarded_by(policy);
    let methods = methods.recorded_in(&journal);

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
            .tools(tools.names())
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
    let health = health
        .with("resources", resources.uris())
        .with("protocol_versions", protocol::all().collect::<Vec<_>>());
    let server = Server::new("mcp-echo").offering("tools").offering("prompts").with_details(&info);
    let server = server.offering("resources").completing();
    let methods = methods.method("initialize", lifecycle::initialize.with_state(&server));
    let pong = Pong::new().with("oauth_metadata_available", true);
    let methods = methods.method("ping", lifecycle::ping_with.with_state(&pong));
    // From here on a ping is answered as bare as its text has it: official clients look.
    let methods = methods
        .method("ping", lifecycle::bare_ping)
        .method("server/discover", lifecycle::discover.with_state(&server));

    // Both eras on one endpoint: each request says of which it is.
    let endpoint = Endpoint::new(methods, &server, &tools).sealed_with(config.signing_secret());
    let mcp = post(eras::handle).delete(eras::end_session);
    let mcp = mcp.fallback(transport::no_stream).with_state(endpoint);

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
