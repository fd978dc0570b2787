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
    routing::{get, post},
};
use mcp_auth::{
    auth::{
        bearer::BearerAuth, challenge::Challenge, identity_provider::IdentityProvider,
        info::AuthInfo, metadata::ProtectedResource, verify::TokenVerifier,
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

    // Issues the tokens. Nothing is fetched before the first token is verified.
    let provider = config.provider.identity_provider()?;

    // Discovery: the challenge names this document (RFC 9728), and the document names the identity provider.
    let resource = ProtectedResource::new(config.public_url.join("/mcp"))
        .authorization_server(provider.issuer())
        .scopes(&config.provider.scopes)
        .documentation(config.public_url.join("/docs"));
    let info = AuthInfo::new()
        .auth_required()
        .scope_based_auth()
        .identity_provider(&provider)
        .oauth_metadata(&resource, &provider.metadata_urls());

    let health = Health::new()
        .with("tools", tools.names())
        .with("prompts", prompts.names())
        .with_probe("jwks_available", &provider, IdentityProvider::jwks_available)
        .with_probe("provider", &provider, IdentityProvider::status)
        .with_details(&info);
    let health = health
        .with("resources", resources.uris())
        .with("protocol_versions", protocol::all().collect::<Vec<_>>());
    let server = Server::new("mcp-echo").offering("tools").offering("prompts").with_details(&info);
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

    // Only requests with a valid access token get past this layer.
    let verifier = TokenVerifier::new()
        .cache_capacity(config.limits.token_cache_bytes)
        .trust(provider.trusted_issuer(&resource));
    let challenge = Challenge::bearer("mcp-server").for_resource(&resource);
    let auth = BearerAuth::new(verifier, challenge);
    let mcp = mcp.route_layer(auth);

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        .route("/mcp", mcp)
        .merge(resource.routes()) // GET /.well-known/oauth-protected-resource/mcp
        // Clients in a browser ask before they send a token, so the answer stands before the wall.
        .layer((origin::layer(&config.origins), cors::layer(&config.origins)));

    // A page for people. It asks the application itself what it can do, and whoever follows a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
