//! The orders API: a protected resource that knows nothing of MCP. Step 10 calls it as the user, with an exchanged token
//! (RFC 8693); the token that the user's client sent to step 10 gets 401 here, because it has another audience.

use axum::{Extension, Json, Router, routing::get};
use mcp_auth::{
    auth::{
        bearer::BearerAuth, challenge::Challenge, identity_provider::IdentityProvider,
        metadata::ProtectedResource, verify::TokenVerifier,
    },
    principal::{InsufficientScope, Principal, ScopeSet},
};
use serde::Serialize;

/// As `scripts/keycloak.sh exchange` sets the realm up.
const AUDIENCE: &str = "downstream-api";
const SCOPE: &str = "downstream:read";

#[derive(Serialize)]
struct Orders {
    customer: String,
    orders: Vec<Order>,
}

#[derive(Serialize)]
struct Order {
    number: &'static str,
    item: &'static str,
    status: &'static str,
}

async fn orders(
    Extension(caller): Extension<Principal>,
) -> Result<Json<Orders>, InsufficientScope> {
    let required = ScopeSet::from([SCOPE]);
    if !caller.scopes.grants_all(&required) {
        return Err(InsufficientScope { required });
    }
    // Who asks for whom: the user is the same as at step 10, the client is step 10, and the token is another one.
    println!("user {:?} client {:?} token {:?}", caller.subject, caller.client_id, caller.jwt_id);
    let orders = vec![
        Order { number: "1001", item: "a book about OAuth", status: "shipped" },
        Order { number: "1002", item: "a key ring", status: "in the warehouse" },
    ];
    Ok(Json(Orders { customer: caller.display_name.clone(), orders }))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port = std::env::var("PORT").map_or(Ok(9300), |port| port.parse::<u16>())?;
    let issuer = std::env::var("ISSUER");
    let issuer = issuer.unwrap_or_else(|_| "http://localhost:8080/realms/mcp-realm".to_owned());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://localhost:{}/orders", listener.local_addr()?.port());

    let resource = ProtectedResource::new(&url).authorization_server(&issuer).scopes([SCOPE]);
    let provider = IdentityProvider::new(&issuer, false)?.audiences(&[AUDIENCE.to_owned()]);
    let verifier = TokenVerifier::new().trust(provider.trusted_issuer(&resource));
    let challenge = Challenge::bearer("orders").for_resource(&resource);
    let app = Router::new()
        .route("/orders", get(orders))
        .route_layer(BearerAuth::new(verifier, challenge))
        .merge(resource.routes()); // GET /.well-known/oauth-protected-resource/orders
    println!("listening on {url}");
    Ok(axum::serve(listener, app).await?)
}
