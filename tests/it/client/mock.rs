//! A mock MCP server and authorization server on one free port, honest unless a test overrides a response.
//!
//! A test passes a closure that sees each request first and may respond to it; every request is recorded.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// A recorded request.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) form: BTreeMap<String, String>,
    pub(crate) json: Value,
    pub(crate) authorization: String,
    pub(crate) headers: HeaderMap,
    /// How many requests to this path came before.
    pub(crate) earlier: usize,
}

type Override = dyn Fn(&Hit, &Facts) -> Option<Response> + Send + Sync;

/// What a closure needs to know.
#[derive(Debug)]
pub(crate) struct Facts {
    /// `http://localhost:PORT`
    pub(crate) url: String,
    tokens: AtomicU32,
}

impl Facts {
    /// The metadata of an honest authorization server.
    pub(crate) fn metadata(&self) -> Value {
        let url = &self.url;
        json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "registration_endpoint": format!("{url}/register"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    /// A token response with new tokens.
    pub(crate) fn tokens(&self, expires_in: u64) -> Value {
        let number = self.tokens.fetch_add(1, Ordering::Relaxed);
        json!({
            "access_token": format!("{ACCESS}{number}"),
            "refresh_token": format!("{REFRESH}{number}"),
            "token_type": "Bearer",
            "expires_in": expires_in,
        })
    }

    pub(crate) fn challenge(&self) -> String {
        format!(
            r#"Bearer resource_metadata="{}/.well-known/oauth-protected-resource/mcp", scope="a""#,
            self.url
        )
    }
}

/// How every access token begins; long enough to be found where it must not be.
pub(crate) const ACCESS: &str = "access-token-that-nobody-may-see-";
/// How every refresh token begins.
pub(crate) const REFRESH: &str = "refresh-token-that-nobody-may-see-";
/// The authorization code.
pub(crate) const CODE: &str = "code-that-nobody-may-see-in-full";

/// The running mock. Its tasks end with the test's runtime.
#[derive(Clone)]
pub(crate) struct Mock {
    pub(crate) facts: Arc<Facts>,
    hits: Arc<Mutex<Vec<Hit>>>,
    override_with: Arc<Override>,
}

impl Mock {
    /// An honest server.
    pub(crate) async fn honest() -> Self {
        Self::start(|_, _| None).await
    }

    /// A server that responds with what `override_with` returns, if anything.
    pub(crate) async fn start(
        override_with: impl Fn(&Hit, &Facts) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://localhost:{}", listener.local_addr().expect("an address").port());
        let mock = Self {
            facts: Arc::new(Facts { url, tokens: AtomicU32::new(0) }),
            hits: Arc::default(),
            override_with: Arc::new(override_with),
        };
        let app = Router::new().fallback(answer).with_state(mock.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        mock
    }

    /// The MCP endpoint.
    pub(crate) fn mcp(&self) -> String {
        format!("{}/mcp", self.facts.url)
    }

    /// The requests to a path, so far.
    pub(crate) fn hits(&self, path: &str) -> Vec<Hit> {
        self.hits.lock().unwrap().iter().filter(|hit| hit.path == path).cloned().collect()
    }

    /// How many requests came to a path.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.hits(path).len()
    }
}

async fn answer(
    State(mock): State<Mock>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let pairs = |text: &[u8]| url::form_urlencoded::parse(text).into_owned().collect();
    let hit = Hit {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: pairs(uri.query().unwrap_or_default().as_bytes()),
        form: pairs(&body),
        json: serde_json::from_slice(&body).unwrap_or_default(),
        authorization: headers
            .get(header::AUTHORIZATION)
            .map_or("", |v| v.to_str().unwrap())
            .to_owned(),
        headers: headers.clone(),
        earlier: mock.count(uri.path()),
    };
    mock.hits.lock().unwrap().push(hit.clone());
    (mock.override_with)(&hit, &mock.facts).unwrap_or_else(|| honest(&hit, &mock.facts))
}

/// The response of an honest server.
pub(crate) fn honest(hit: &Hit, facts: &Facts) -> Response {
    match hit.path.as_str() {
        "/.well-known/oauth-protected-resource/mcp" => ok(json!({
            "resource": format!("{}/mcp", facts.url),
            "authorization_servers": [facts.url],
            "scopes_supported": ["a", "b"],
        })),
        "/.well-known/oauth-authorization-server" => ok(facts.metadata()),
        "/register" => {
            let mut client = hit.json.clone();
            client["client_id"] = json!(format!("client-{}", hit.earlier));
            (StatusCode::CREATED, ok(client)).into_response()
        }
        "/authorize" => redirect(&format!(
            "{}?code={CODE}&state={}&iss={}",
            hit.query["redirect_uri"],
            hit.query["state"],
            encode(&facts.url)
        )),
        "/token" => ok(facts.tokens(3600)),
        "/mcp" if hit.method == "GET" => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        "/mcp" if !hit.authorization.starts_with(&format!("Bearer {ACCESS}")) => {
            unauthorized(facts)
        }
        "/mcp" => mcp(hit),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The response of an honest MCP server to a request with a token.
pub(crate) fn mcp(hit: &Hit) -> Response {
    let result = match hit.json["method"].as_str() {
        Some("server/discover") => {
            json!({"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
        }
        Some("tools/list") => {
            json!({"resultType": "complete", "tools": [{"name": "t", "inputSchema": {"type": "object"}}]})
        }
        Some("tools/call") => {
            json!({"resultType": "complete", "content": [{"type": "text", "text": "done"}]})
        }
        _ => {
            return ok(
                json!({"jsonrpc": "2.0", "id": hit.json["id"], "error": {"code": -32601, "message": "no"}}),
            );
        }
    };
    ok(json!({"jsonrpc": "2.0", "id": hit.json["id"], "result": result}))
}

pub(crate) fn ok(document: Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

pub(crate) fn redirect(to: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
}

pub(crate) fn unauthorized(facts: &Facts) -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, facts.challenge())]).into_response()
}

pub(crate) fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A body that never ends: `piece` again and again, as fast as it is taken.
pub(crate) fn endless(content_type: &'static str, piece: &'static str) -> Response {
    struct Endless(Bytes);
    impl axum::body::HttpBody for Endless {
        type Data = Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(self.0.clone()))))
        }
    }
    let body = Body::new(Endless(Bytes::from(piece.repeat(1024))));
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// A response that begins and never continues.
pub(crate) fn stuck(content_type: &'static str) -> Response {
    struct Stuck;
    impl axum::body::HttpBody for Stuck {
        type Data = Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Pending
        }
    }
    ([(header::CONTENT_TYPE, content_type)], Body::new(Stuck)).into_response()
}
