//! Routes of a plain axum server behind bearer authentication: any HTTP API can be a protected resource.

use std::net::{IpAddr, Ipv4Addr};

use axum::{Extension, Json, Router, response::IntoResponse, routing::get};
use mcp_auth::{
    auth::{
        bearer::BearerAuth,
        challenge::Challenge,
        identity_provider::IdentityProvider,
        keys::KeyPair,
        metadata::ProtectedResource,
        verify::{TokenVerifier, TrustedIssuer},
    },
    authorization_server::{Account, AuthorizationServer},
    principal::{InsufficientScope, Principal, ScopeSet},
};
use serde::Serialize;

// snippet: routes
#[derive(Serialize)]
struct Note {
    owner: String,
    text: &'static str,
}

async fn read(Extension(caller): Extension<Principal>) -> Json<Note> {
    Json(Note { owner: caller.unique_id.clone(), text: "buy milk" })
}

/// A handler can require a scope itself: the middleware adds the challenge to the 403.
async fn delete(
    Extension(caller): Extension<Principal>,
) -> Result<&'static str, InsufficientScope> {
    let required = ScopeSet::from(["notes:write"]);
    if !caller.scopes.grants_all(&required) {
        return Err(InsufficientScope { required });
    }
    Ok("deleted")
}

/// The API, for tokens of `issuer` that are for `resource`.
fn app(resource: &ProtectedResource, issuer: TrustedIssuer) -> Router {
    let challenge = Challenge::bearer("notes").for_resource(resource);
    let auth = BearerAuth::new(TokenVerifier::new().trust(issuer), challenge);
    Router::new()
        .route("/notes", get(read).delete(delete))
        .route_layer(auth)
        .route("/health", get(|| async { "ok".into_response() })) // after the layer, so it needs no token
        .merge(resource.routes())
}
// end of snippet

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port = std::env::var("PORT").map_or(Ok(9200), |port| port.parse::<u16>())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://localhost:{}", listener.local_addr()?.port());
    let resource =
        ProtectedResource::new(format!("{url}/notes")).scopes(["notes:read", "notes:write"]);
    let app = match std::env::var("ISSUER") {
        Ok(issuer) => {
            let resource = resource.authorization_server(&issuer);
            let provider = IdentityProvider::new(&issuer, false)?;
            app(&resource, provider.trusted_issuer(&resource))
        }
        Err(_) => {
            let resource = resource.authorization_server(&url);
            let keys = KeyPair::load_or_create("keys".as_ref())?;
            // The default accounts hold the scopes of the tutorial; users can grant only what they hold.
            let accounts = [
                Account::new("alice", "alice123").scopes(["notes:read", "notes:write"]),
                Account::new("bob", "bob123").scopes(["notes:read"]),
            ];
            let login = AuthorizationServer::new(IpAddr::V4(Ipv4Addr::LOCALHOST), &url, &keys)?
                .resource(&resource)
                .accounts(accounts);
            app(&resource, login.trusted_issuer()).merge(login.routes()).merge(keys.routes())
        }
    };
    println!("listening on {url}/notes");
    Ok(axum::serve(listener, app).await?)
}
