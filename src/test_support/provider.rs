//! An identity provider that records requests and answers as configured.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::{Value, json};

use super::{now, signing_key::SigningKey};

/// The response at a path.
#[derive(Debug, Clone)]
pub enum Reply {
    /// 200 with this document.
    Json(Value),
    /// This status with this document.
    Error(u16, Value),
    /// This status, without a body.
    Status(u16),
    /// 200 with this text.
    Text(String),
    /// 302 to this URL.
    Redirect(String),
    /// The response after a while.
    Slow(Duration, Box<Reply>),
    /// More than a client should read, without a length.
    Endless,
}

#[derive(Debug, Default)]
struct Shared {
    replies: Mutex<HashMap<String, Reply>>,
    requests: Mutex<Vec<(String, String, Bytes)>>,
}

/// A provider on a free port of this machine, over http. Dropping it ends it. Without a reply for a path it answers 404.
///
/// # Panics
/// Its methods panic when the machine has no free port, or when a test that shares the provider has panicked.
#[derive(Debug)]
pub struct Provider {
    /// `http://localhost:PORT`
    pub origin: String,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

impl Provider {
    /// A provider with the issuer `ORIGIN/realms/test`, its metadata where OpenID Connect puts them, and this key.
    pub async fn start(keys: &[&SigningKey]) -> Self {
        let provider = Self::empty().await;
        let issuer = provider.issuer();
        provider.set(
            "/realms/test/.well-known/openid-configuration",
            Reply::Json(json!({
                "issuer": issuer,
                "jwks_uri": provider.keys_url(),
                "introspection_endpoint": format!("{issuer}/introspect"),
                "token_endpoint": format!("{issuer}/token"),
            })),
        );
        provider.publish(keys);
        provider
    }

    /// A provider without any document.
    pub async fn empty() -> Self {
        let shared = Arc::new(Shared::default());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async { axum::serve(listener, app).await.expect("it serves") });
        Self { origin: format!("http://localhost:{port}"), shared, task }
    }

    /// Its issuer identifier.
    pub fn issuer(&self) -> String {
        format!("{}/realms/test", self.origin)
    }

    /// The URL of its JWKS.
    pub fn keys_url(&self) -> String {
        format!("{}/realms/test/keys", self.origin)
    }

    /// Answers requests for `path` with `reply` from now on.
    pub fn set(&self, path: &str, reply: Reply) {
        self.shared.replies.lock().unwrap().insert(path.to_owned(), reply);
    }

    /// Answers requests for the JWKS with `reply` from now on.
    pub fn set_keys(&self, reply: Reply) {
        self.set("/realms/test/keys", reply);
    }

    /// Publishes exactly these keys from now on: new ones are a rotation.
    pub fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| &key.jwk).collect();
        self.set_keys(Reply::Json(json!({ "keys": keys })));
    }

    /// How often a path was requested.
    pub fn count(&self, path: &str) -> usize {
        self.requests(path).len()
    }

    /// How often the JWKS was requested.
    pub fn fetches(&self) -> usize {
        self.count("/realms/test/keys")
    }

    /// The `Authorization` and the body of each request for a path.
    pub fn requests(&self, path: &str) -> Vec<(String, String)> {
        let requests = self.shared.requests.lock().unwrap();
        let those = requests.iter().filter(|(asked, ..)| asked == path);
        those
            .map(|(_, who, body)| (who.clone(), String::from_utf8_lossy(body).into_owned()))
            .collect()
    }

    /// The claims of a valid token for the audience `echo-mcp-server`, as Keycloak writes them.
    pub fn claims(&self, scope: &str) -> Value {
        json!({
            "iss": self.issuer(),
            "aud": ["echo-mcp-server", "account"],
            "sub": "8f0c",
            "typ": "Bearer",
            "azp": "mcp-test-client",
            "iat": now(),
            "exp": now() + 300,
            "scope": scope,
            "preferred_username": "mcp-user",
        })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let who = parts.headers.get(header::AUTHORIZATION);
    let who = who.map_or("", |value| value.to_str().unwrap()).to_owned();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    shared.requests.lock().unwrap().push((path.clone(), who, body));
    let mut reply = shared.replies.lock().unwrap().get(&path).cloned();
    if let Some(Reply::Slow(time, then)) = reply {
        tokio::time::sleep(time).await;
        reply = Some(*then);
    }
    match reply.unwrap_or(Reply::Status(404)) {
        Reply::Json(value) => axum::Json(value).into_response(),
        Reply::Error(status, value) => {
            (StatusCode::from_u16(status).unwrap(), axum::Json(value)).into_response()
        }
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Text(text) => text.into_response(),
        Reply::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Reply::Endless => Body::from_stream(stream::iter(blanks())).into_response(),
        Reply::Slow(..) => unreachable!("one wait is enough"),
    }
}

/// 64 MB of blanks, in chunks.
fn blanks() -> impl Iterator<Item = Result<Bytes, Infallible>> {
    std::iter::repeat_with(|| Ok(Bytes::from_static(&[b' '; 64 * 1024]))).take(1_000)
}
