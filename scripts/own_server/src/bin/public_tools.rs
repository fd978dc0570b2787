//! Public and protected tools on one endpoint of an rmcp server: everyone may read the menu, and who orders must log in.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use axum::{Router, http::request::Parts};
use mcp_auth::{
    auth::{
        bearer::BearerAuth,
        challenge::Challenge,
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

#[derive(Clone)]
struct Restaurant;

#[derive(Serialize, schemars::JsonSchema)]
struct Menu {
    dishes: [&'static str; 2],
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Order {
    dish: String,
}

#[derive(Serialize, schemars::JsonSchema)]
struct Ordered {
    dish: String,
    guest: String,
}

#[tool_router]
impl Restaurant {
    #[tool(description = "What there is to eat")]
    fn menu(&self) -> Json<Menu> {
        Json(Menu { dishes: ["soup", "bread"] })
    }

    #[tool(description = "Order a dish")]
    fn order(
        &self,
        Parameters(Order { dish }): Parameters<Order>,
        Extension(request): Extension<Parts>,
    ) -> Json<Ordered> {
        let guest: &Principal = request.extensions.get().expect("the policy requires a caller");
        Json(Ordered { dish, guest: guest.display_name.clone() })
    }
}

#[tool_handler]
impl ServerHandler for Restaurant {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

// snippet: public
fn app(resource: &ProtectedResource, issuer: TrustedIssuer) -> Router {
    let challenge = Challenge::bearer("restaurant").for_resource(resource);
    // Requests without a token pass; one with a token that is not valid is still a 401.
    let auth = BearerAuth::new(TokenVerifier::new().trust(issuer), challenge).allow_anonymous();

    // Everyone may connect and see the tools. All else needs a token, and its scopes decide.
    let methods = Policy::new().allow_anonymous([
        "initialize",
        "ping",
        "server/discover",
        "tools/list",
        "tools/call", // the policy for tools decides
    ]);
    let tools =
        Policy::new().allow_anonymous(["menu"]).require_any_scope("order", ["mcp:tools"], "orders");
    let policy = PolicyLayer::new(methods).tools(tools);
    // end of snippet

    let config = StreamableHttpServerConfig::default()
        .enforce_origin_validation()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let sessions = Arc::<NeverSessionManager>::default();
    let server = StreamableHttpService::new(|| Ok(Restaurant), sessions, config);
    Router::new().route_service("/mcp", server).layer(policy).layer(auth).merge(resource.routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port = std::env::var("PORT").map_or(Ok(9300), |port| port.parse::<u16>())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://localhost:{}", listener.local_addr()?.port());
    let resource = ProtectedResource::new(format!("{url}/mcp"))
        .scopes(["mcp:tools"])
        .authorization_server(&url);
    let keys = KeyPair::load_or_create("keys".as_ref())?;
    let login =
        AuthorizationServer::new(IpAddr::V4(Ipv4Addr::LOCALHOST), &url, &keys)?.resource(&resource);
    let app = app(&resource, login.trusted_issuer()).merge(login.routes()).merge(keys.routes());
    println!("listening on {url}/mcp");
    Ok(axum::serve(listener, app).await?)
}
