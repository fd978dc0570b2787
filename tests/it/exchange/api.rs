//! The other API: a protected resource of its own, with another audience than step 10.

use std::sync::{Arc, Mutex};

use axum::{
    Extension, Json, Router,
    extract::Request,
    middleware::{Next, from_fn},
    routing::get,
};
use mcp_auth::{
    auth::{
        bearer::BearerAuth, challenge::Challenge, identity_provider::IdentityProvider,
        metadata::ProtectedResource, verify::TokenVerifier,
    },
    principal::{InsufficientScope, Principal, ScopeSet},
};
use serde_json::{Value, json};

/// An API on a free port of this machine, which records the head and the URL of each request. Dropping it ends it.
pub(super) struct OrdersApi {
    /// The URL of the orders.
    pub(super) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl OrdersApi {
    /// An API for tokens of this issuer with the audience `downstream-api`.
    pub(super) async fn start(issuer: &str) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = format!("http://localhost:{port}/orders");
        let resource = ProtectedResource::new(&url).authorization_server(issuer);
        let resource = resource.scopes(["downstream:read"]);
        let provider = IdentityProvider::new(issuer, false).expect("a provider");
        let provider = provider.audiences(&["downstream-api".to_owned()]);
        let verifier = TokenVerifier::new().trust(provider.trusted_issuer(&resource));
        let challenge = Challenge::bearer("orders").for_resource(&resource);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let record = from_fn(move |request: Request, next: Next| {
            let head = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
            seen.lock().unwrap().push(head);
            next.run(request)
        });
        let app = Router::new()
            .route("/orders", get(orders))
            .route_layer(BearerAuth::new(verifier, challenge))
            .merge(resource.routes())
            .layer(record);
        let task = tokio::spawn(async { axum::serve(listener, app).await.expect("it serves") });
        Self { url, requests, task }
    }

    /// The heads of all requests, `Authorization` among them.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for OrdersApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn orders(Extension(caller): Extension<Principal>) -> Result<Json<Value>, InsufficientScope> {
    let required = ScopeSet::from(["downstream:read"]);
    if !caller.scopes.grants_all(&required) {
        return Err(InsufficientScope { required });
    }
    Ok(Json(json!({
        "customer": caller.display_name,
        "orders": [{"number": "1001", "item": "a book", "status": "shipped"}],
    })))
}
