//! Step 10: A real identity provider.
//!
//! Keycloak, or any other provider, knows the users, asks for their passwords and signs the tokens. What remains is a pure
//! resource server: it verifies tokens with keys that it fetches, and the scopes of a token decide what it may do.
//!
//! Adds: keys fetched from the provider; settings from a file; CORS for clients in a browser; another API, called as the
//!       user by token exchange
//! Spec: RFC 7517, RFC 8414 section 3, RFC 7662, RFC 8693, OpenID Connect Discovery 1.0, Fetch
//! Env:  keycloak_direct.env
//! Try:  scripts/keycloak.sh up; curl -s http://localhost:9000/health

use axum::{Router, routing::get};
use mcp_auth::{
    auth::{
        bearer::BearerAuth, challenge::Challenge, identity_providers::IdentityProviders,
        info::AuthInfo, metadata::ProtectedResource, verify::TokenVerifier,
    },
    config::Config,
    cors, docs,
    health::{self, Health},
    mcp::{
        completion::Completions, dispatcher::Dispatcher, endpoint::Endpoint, lifecycle::ServerInfo,
        policy::Policy, prompts::Prompts, resources::Resources, tools::Tools,
    },
    origin, program_info, server, tutorial,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    server::run(program_info!(), app).await
}

async fn app(config: Config) -> anyhow::Result<Router> {
    let tools = Tools::from([tutorial::echo(), tutorial::get_time(), tutorial::whoami()])
        .with_all(config.downstream_api()?.map(tutorial::list_orders)); // another API, called as the user
    let prompts = Prompts::from([tutorial::greeting(), tutorial::help(), tutorial::echo_prompt()]);
    let resources = Resources::new()
        .with(tutorial::profile()) // the caller's own data
        .with(tutorial::guide(&config.program))
        .template(tutorial::tool_guide(&tools)); // can be skipped

    // Issue the tokens. Nothing is fetched before the first token is verified.
    let providers = config.identity_providers()?;

    // Discovery: the challenge names this document (RFC 9728), and the document names the identity providers.
    let resource = ProtectedResource::mcp_server(config.public_url.join("/mcp"))
        .authorization_servers(providers.issuers())
        .scopes(providers.scopes())
        .dpop() // tokens may be bound to a key of the client
        .documentation(config.public_url.join("/docs"));
    let info = AuthInfo::new()
        .auth_required()
        .scope_based_auth()
        .identity_providers(&providers)
        .oauth_metadata(&resource, &providers.metadata_urls());

    // What a token may do: each scope allows its own methods. The roles of the provider allow nothing.
    let policy = Policy::new()
        .require_any_scope("tools/list", ["mcp:tools"], "tools access")
        .require_any_scope("tools/call", ["mcp:tools"], "tool execution")
        .require_any_scope("prompts/list", ["mcp:prompts"], "prompts access")
        .require_any_scope("prompts/get", ["mcp:prompts"], "prompts access")
        .require_any_scope("resources/list", ["mcp:read"], "resources access")
        .require_any_scope("resources/templates/list", ["mcp:read"], "resources access")
        .require_any_scope("resources/read", ["mcp:read"], "resources access")
        .require_any_scope("completion/complete", ["mcp:prompts", "mcp:read"], "completion");
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
        .with_policy(policy);
    // Serves both protocol eras, and answers initialize, ping and server/discover itself.
    let mcp = Endpoint::dual_era(methods, &server, &tools).signing_secret(config.signing_secret());
    let health = Health::new()
        .with("tools", tools.names())
        .with("prompts", prompts.names())
        .with("resources", resources.uris())
        .with("protocol_versions", mcp.protocol_versions())
        .with_probe("jwks_available", &providers, IdentityProviders::jwks_available)
        .with_probe("providers", &providers, IdentityProviders::status)
        .with_details(&info);

    // Only requests with a valid access token get past this layer.
    let verifier = TokenVerifier::new()
        .cache_capacity(config.limits.token_cache_bytes)
        .trust_all(providers.trusted_issuers(&resource))
        .keep_tokens(config.downstream.is_some()); // to exchange them for tokens of that API
    let challenge = Challenge::bearer("mcp-server").for_resource(&resource);
    let auth = BearerAuth::new(verifier, challenge).dpop(config.public_url.as_str());

    let app = Router::new()
        .route("/health", get(health::check).with_state(health))
        // route_layer, not layer: a GET is 405 even without a token.
        .route("/mcp", mcp.routes().route_layer(auth))
        .merge(resource.routes()) // GET /.well-known/oauth-protected-resource/mcp
        // Preflight requests carry no token, so CORS is outside of bearer authentication.
        .layer((origin::layer(&config.origins), cors::layer(&config.origins)));

    // The guide calls the application itself. It is outside the origin check: following a link sends no `Origin`.
    Ok(app.clone().nest("/docs", docs::guide(&config, app)))
}
