//! Step 10: a real identity provider.
//!
//! Keycloak knows the people, asks for their passwords and signs the tokens; any other provider will do as well. What is
//! left here is a resource server: it verifies with keys that it fetches, and its users' scopes decide.
//!
//! Adds: keys fetched from the provider, settings from a file, CORS for clients in a browser
//! Spec: RFC 7517, RFC 8414 section 3, RFC 7662, OpenID Connect Discovery 1.0, Fetch
//! Env:  keycloak_direct.env
//! Try:  scripts/keycloak.sh up; curl -s http://localhost:9000/health

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use mcp_auth::{
    auth::{
        bearer::{self, BearerAuth},
        challenge::Challenge,
        introspection::Introspection,
        metadata::{self, Links, ProtectedResource},
        provider::Provider,
        remote_jwks::{RemoteKeys, Timing},
        verifier::{TokenVerifier, TrustedIssuer},
    },
    config::Config,
    cors, docs,
    health::{self, Health},
    mcp::{
        catalog,
        completion::{self, Completions},
        dispatcher::{Dispatcher, WithState},
        eras::{self, Endpoint},
        lifecycle::{self, Server},
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
    let tools = tools.with(personal::echo()).with(personal::get_time()).with(personal::whoami());
    let prompts = prompts.with(personal::greeting());
    let chapters = program_docs![
        "step1", "step2", "step3", "step4", "step5", "step6", "step7", "step8", "step9", "step10",
    ];
    let resources = Resources::new()
        .with(personal::profile())
        .with(personal::guide(&chapters))
        .template(personal::chapter(&chapters));

    // What a single tool needs; a broader scope such as mcp:tools implies the narrower one.
    let tool_policy = Policy::new()
        .allow("echo", ["mcp:tools:echo"], "tool execution")
        .allow("get_time", ["mcp:tools:get_time"], "tool execution")
        .open(["whoami"]);
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

    // What a token may do: each scope opens its own door and no other. The provider's roles open none.
    let policy = Policy::new()
        .open(["initialize", "ping"])
        .allow("tools/list", ["mcp:tools"], "tools access")
        .allow("tools/call", ["mcp:tools"], "tool execution")
        .allow("prompts/list", ["mcp:prompts"], "prompts access")
        .allow("prompts/get", ["mcp:prompts"], "prompts access");
    let policy = policy
        .open(["server/discover"])
        .allow("resources/list", ["mcp:read"], "resources access")
        .allow("resources/templates/list", ["mcp:read"], "resources access")
        .allow("resources/read", ["mcp:read"], "resources access")
        .allow("completion/complete", ["mcp:prompts", "mcp:read"], "completion");
    let completions = Completions::new(&prompts, &resources, &policy);
    let methods =
        methods.method("completion/complete", completion::complete.with_state(&completions));
    let methods = methods.guarded_by(policy);

    // The provider: who signs, and where its keys are. Nothing is fetched before it is needed.
    let idp = &config.provider;
    let provider = Provider::new(&idp.issuer, idp.allow_http)?;
    let timing = Timing { fresh: idp.jwks_ttl, stale: idp.jwks_max_stale, ..Timing::default() };
    let keys = RemoteKeys::new(&provider, idp.jwks_url.clone(), timing);
    let introspection = idp.introspection.as_ref().map(|asking| {
        let (id, secret) = (&asking.client_id, asking.client_secret.reveal());
        Introspection::new(&provider, asking.url.clone(), id, secret)
    });

    // The trail: who we are, and who issues our tokens.
    let url = |path: &str| config.public_url.join(path);
    let scopes: Vec<_> = idp.scopes.iter().map(String::as_str).collect();
    let resource = ProtectedResource::new(url("/mcp"), idp.issuer.clone(), &scopes)
        .documented_at(url("/docs"));
    let root = resource.renamed(url(""));
    let links = Links {
        protected_resource: url("/.well-known/oauth-protected-resource"),
        authorization_server: idp.metadata_url(),
        jwks: idp.known_jwks_url(),
    };

    let health = Health::new()
        .with("tools", tools.names())
        .with("prompts", prompts.names())
        .with("keycloak_integration", idp.keycloak.is_some())
        .live("jwks_available", &keys, RemoteKeys::available)
        .live("provider", &keys, RemoteKeys::status)
        .with("auth_required", true)
        .with("keycloak_config", &idp.keycloak)
        .with("oauth_metadata", &links)
        .with("scope_based_auth", true);
    let health = health
        .with("resources", resources.uris())
        .with("protocol_versions", protocol::all().collect::<Vec<_>>());
    let server = Server::new("mcp-echo")
        .offering("tools")
        .offering("prompts")
        .with("keycloak_integration", idp.keycloak.is_some())
        .with("keycloak_config", &idp.keycloak)
        .with("oauth_metadata", &links);
    let server = server.offering("resources").completing();
    let methods = methods.method("initialize", lifecycle::initialize.with_state(&server));
    // From here on a ping is answered as bare as its text has it: official clients look.
    let methods = methods
        .method("ping", lifecycle::bare_ping)
        .method("server/discover", lifecycle::discover.with_state(&server));

    // Both eras on one endpoint: each request says of which it is.
    let endpoint = Endpoint::new(methods, &server, &tools).sealed_with(config.signing_secret());
    let mcp = post(eras::handle).delete(eras::end_session);
    let mcp = mcp.fallback(transport::no_stream).with_state(endpoint);

    // The wall: whoever passes it has a verified identity.
    let audiences = idp.audiences.iter().cloned().chain([url("/mcp"), url("")]);
    let issuer = TrustedIssuer::remote(&keys, audiences)
        .with_roles_in(&idp.role_claims)
        .introspected_by(introspection);
    let verifier = TokenVerifier::new().remembering(config.limits.token_cache_bytes).trust(issuer);
    let challenge = Challenge::bearer("mcp-server");
    let challenge = challenge
        .resource_metadata(url("/.well-known/oauth-protected-resource/mcp"))
        .scopes(&ScopeSet::from_iter(scopes));
    let wall = BearerAuth::new(verifier, challenge);
    let mcp = mcp.route_layer(from_fn_with_state(wall, bearer::authenticate));

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", mcp)
        .route("/.well-known/oauth-protected-resource/mcp", metadata::document(&resource))
        .route("/.well-known/oauth-protected-resource", metadata::document(&root))
        // Clients in a browser ask before they send a token, so the answer stands before the wall.
        .layer((origin::validate(&config.origins), cors::share(&config.origins)));

    // A page for people. It asks the application itself what it can do, and whoever follows a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
