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
    origin,
    principal::ScopeSet,
    program_docs, program_info, server,
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
    let health = health
        .with("resources", resources.uris())
        .with("protocol_versions", protocol::all().collect::<Vec<_>>());
    let server = Server::new("mcp-echo")
        .offering("tools")
        .offering("prompts")
        .with("jwt_enabled", true)
        .with("oauth_metadata", &links);
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
