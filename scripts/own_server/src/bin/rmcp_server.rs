//! An MCP server made with rmcp, the official SDK, behind bearer authentication and scopes.
//!
//! `ISSUER=https://login.example.com/realms/main cargo run --bin rmcp_server`; without `ISSUER`, users log in at the
//! development authorization server, as in step 9.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use axum::{Router, http::request::Parts};
use mcp_auth::{
    auth::{
        bearer::BearerAuth,
        challenge::Challenge,
        identity_provider::IdentityProvider,
        keys::KeyPair,
        metadata::ProtectedResource,
        verify::{TokenVerifier, TrustedIssuer},
    },
    authorization_server::AuthorizationServer,
    mcp::policy::{Policy, layer::PolicyLayer},
    principal::Principal,
};
use rmcp::{
    Json, ServerHandler,
    handler::server::{tool::Extension, wrapper::Parameters},
    model::{ServerCapabilities, ServerConfig},
    schemars, tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde::{Deserialize, Serialize};

// snippet: tools
#[derive(Clone)]
struct Calculator;

#[derive(Deserialize, schemars::JsonSchema)]
struct Numbers {
    a: i32,
    b: i32,
}

#[derive(Serialize, schemars::JsonSchema)]
struct Sum {
    sum: i64,
}

#[derive(Serialize, schemars::JsonSchema)]
struct Caller {
    name: String,
    scopes: Vec<String>,
}

#[tool_router]
impl Calculator {
    #[tool(description = "Add two numbers")]
    fn add(&self, Parameters(Numbers { a, b }): Parameters<Numbers>) -> Json<Sum> {
        Json(Sum { sum: i64::from(a) + i64::from(b) })
    }

    #[tool(description = "Report who is calling")]
    fn whoami(&self, Extension(request): Extension<Parts>) -> Json<Caller> {
        // The bearer middleware put the verified caller into the request's extensions.
        let caller: &Principal = request.extensions.get().expect("BearerAuth is in front");
        let scopes = caller.scopes.iter().map(str::to_owned).collect();
        Json(Caller { name: caller.display_name.clone(), scopes })
    }
}
// end of snippet

#[tool_handler]
impl ServerHandler for Calculator {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

// snippet: app
/// The server, for tokens of `issuer` that are for `resource`.
fn app(resource: &ProtectedResource, issuer: TrustedIssuer) -> Router {
    // 401 without a valid token; the challenge leads clients to `resource.routes()`.
    let challenge = Challenge::bearer("calculator").for_resource(resource);
    let auth = BearerAuth::new(TokenVerifier::new().trust(issuer), challenge);

    // 403 without the scope. A method or tool without a rule is refused.
    let methods = Policy::new().allow_authenticated([
        "initialize",
        "ping",
        "server/discover",
        "tools/list",
        "tools/call",
    ]);
    let tools = Policy::new().allow_authenticated(["whoami"]).require_any_scope(
        "add",
        ["mcp:tools"],
        "tool execution",
    );
    let policy = PolicyLayer::new(methods).tools(tools);

    // Without sessions: rmcp does not check that a session is used by the user who began it.
    let config = StreamableHttpServerConfig::default() // accepts loopback hosts only: add your own
        .enforce_origin_validation()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let sessions = Arc::<NeverSessionManager>::default();
    let server = StreamableHttpService::new(|| Ok(Calculator), sessions, config);
    Router::new()
        .route_service("/mcp", server)
        .layer(policy)
        .layer(auth) // the last layer is the outermost: it runs first
        .merge(resource.routes()) // GET /.well-known/oauth-protected-resource/mcp, without a token
}
// end of snippet

// snippet: main
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port()?)).await?;
    let url = format!("http://localhost:{}", listener.local_addr()?.port());
    let resource = ProtectedResource::new(format!("{url}/mcp")).scopes(["mcp:read", "mcp:tools"]);
    let app = match std::env::var("ISSUER") {
        // Production: your identity provider issues the tokens. Its keys are fetched when the first token arrives.
        Ok(issuer) => {
            let resource = resource.authorization_server(&issuer);
            let provider = IdentityProvider::new(&issuer, false)?; // false: https only, except on this machine
            app(&resource, provider.trusted_issuer(&resource))
        }
        // Development: users log in at this program, as alice with the password alice123.
        Err(_) => {
            let resource = resource.authorization_server(&url);
            let keys = KeyPair::load_or_create("keys".as_ref())?;
            let login = AuthorizationServer::new(IpAddr::V4(Ipv4Addr::LOCALHOST), &url, &keys)?
                .resource(&resource);
            app(&resource, login.trusted_issuer()).merge(login.routes()).merge(keys.routes())
        }
    };
    println!("listening on {url}/mcp");
    Ok(axum::serve(listener, app).await?)
}
// end of snippet

fn port() -> anyhow::Result<u16> {
    Ok(std::env::var("PORT").map_or(Ok(9100), |port| port.parse())?)
}
