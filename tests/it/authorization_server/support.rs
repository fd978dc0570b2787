//! A server whose clock the test sets, and a browser that keeps cookies and does not follow redirects.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Method, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use mcp_auth::{
    auth::{
        keys::KeyPair,
        metadata::ProtectedResource,
        verify::{TokenError, TokenVerifier},
    },
    authorization_server::{AuthorizationServer, ClientMetadataPolicy},
};
use serde_json::Value;
use tower::ServiceExt;

pub(crate) use super::response::{TestResponse, rejected};

pub(crate) const ISSUER: &str = "http://localhost:9000";
pub(crate) const RESOURCE: &str = "http://localhost:9000/mcp";
pub(crate) const CALLBACK: &str = "http://127.0.0.1:3760/callback";
/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const STATE: &str = "a state & more";

/// One pair for all tests, because generating it is slow.
pub(crate) fn keys() -> &'static KeyPair {
    static KEYS: OnceLock<KeyPair> = OnceLock::new();
    KEYS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        KeyPair::create(folder.path()).unwrap()
    })
}

pub(crate) fn authorization_server() -> AuthorizationServer {
    let resource =
        ProtectedResource::new(RESOURCE).scopes(["mcp:read", "mcp:tools", "mcp:prompts"]).dpop();
    AuthorizationServer::new(Ipv4Addr::LOCALHOST.into(), ISSUER, keys())
        .unwrap()
        .resource(&resource)
        .tools(["echo", "get_time"])
}

/// A server with its own clock.
#[derive(Clone)]
pub(crate) struct TestServer {
    app: Router,
    clock: Arc<AtomicU64>,
    verifier: Arc<TokenVerifier>,
}

impl TestServer {
    pub(crate) fn new() -> Self {
        Self::with(|server| server)
    }

    pub(crate) fn with_policy(policy: ClientMetadataPolicy) -> Self {
        Self::with(|server| server.client_metadata_policy(policy))
    }

    pub(crate) fn with(configure: impl FnOnce(AuthorizationServer) -> AuthorizationServer) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let clock = Arc::new(AtomicU64::new(now));
        let time = Arc::clone(&clock);
        let server = configure(authorization_server()).clock(move || time.load(Ordering::SeqCst));
        let verifier = TokenVerifier::new().trust(server.trusted_issuer());
        Self { app: server.routes(), clock, verifier: Arc::new(verifier) }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> TestResponse {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes: Bytes = body.collect().await.unwrap().to_bytes();
        TestResponse {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.into()).unwrap(),
        }
    }

    pub(crate) async fn post_json(&self, path: &str, body: impl ToString) -> TestResponse {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(body.to_string().into()).unwrap()).await
    }

    /// The token endpoint, with what `mcp-test-client` needs unless `form` says otherwise.
    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> TestResponse {
        self.token_with(&[], form).await
    }

    pub(crate) async fn token_with(
        &self,
        headers: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> TestResponse {
        let mut request = Request::post("/auth/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(encode(form).into()).unwrap()).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> TestResponse {
        self.token(&code_form(code)).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> TestResponse {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", "mcp-test-client"),
            ("refresh_token", token),
        ])
        .await
    }

    /// Whether the protected resource accepts this access token.
    pub(crate) async fn verify(&self, tokens: &Value) -> Result<(), TokenError> {
        let token = tokens["access_token"].as_str().unwrap();
        self.verifier.verify(token).await.map(drop)
    }

    /// The same for a token that is bound to a key; its proof is not checked.
    pub(crate) async fn verify_sender_constrained(&self, tokens: &Value) -> Result<(), TokenError> {
        let token = tokens["access_token"].as_str().unwrap();
        self.verifier.verify_sender_constrained(token).await.map(drop)
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { server: self.clone(), cookie: None }
    }

    /// Registers a client and returns the response.
    pub(crate) async fn register(&self, metadata: Value) -> Value {
        let response = self.post_json("/auth/register", metadata).await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
        response.json()
    }

    /// A code for `mcp-test-client`, from a user who allows everything.
    pub(crate) async fn code(&self, name: &str, changes: &[(&str, &str)]) -> String {
        let query = query(changes);
        let mut browser = self.browser();
        browser.log_in(&query, name).await;
        let response = browser.allow_all(&query).await;
        response.redirect(CALLBACK)["code"].clone()
    }
}

/// The form that redeems a code of `mcp-test-client`.
pub(crate) fn code_form(code: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", "mcp-test-client"),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", CALLBACK),
    ]
}

pub(crate) fn encode(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// A valid request of `mcp-test-client`, with `changes`: an empty value removes a parameter.
pub(crate) fn query(changes: &[(&str, &str)]) -> String {
    let valid = [
        ("response_type", "code"),
        ("client_id", "mcp-test-client"),
        ("redirect_uri", CALLBACK),
        ("scope", "mcp:read mcp:tools offline_access"),
        ("state", STATE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", RESOURCE),
    ];
    let unchanged =
        valid.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let all: Vec<_> =
        unchanged.chain(changes).copied().filter(|(_, value)| !value.is_empty()).collect();
    encode(&all)
}

/// The user's browser.
pub(crate) struct Browser {
    server: TestServer,
    pub(crate) cookie: Option<String>,
}

impl Browser {
    async fn send(&mut self, method: Method, url: &str, body: String) -> TestResponse {
        let mut request = Request::builder().method(method).uri(url);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let response = self.server.send(request.body(body.into()).unwrap()).await;
        if let Some(set) = response.headers.get(header::SET_COOKIE) {
            self.cookie = set.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        response
    }

    pub(crate) async fn open(&mut self, query: &str) -> TestResponse {
        self.send(Method::GET, &format!("/auth/authorize?{query}"), String::new()).await
    }

    pub(crate) async fn submit(
        &mut self,
        path: &str,
        query: &str,
        form: &[(&str, &str)],
    ) -> TestResponse {
        self.send(Method::POST, &format!("/auth/{path}?{query}"), encode(form)).await
    }

    pub(crate) async fn try_login(
        &mut self,
        query: &str,
        name: &str,
        password: &str,
    ) -> TestResponse {
        let csrf_token = self.open(query).await.field("csrf_token");
        self.submit(
            "login",
            query,
            &[("csrf_token", &csrf_token), ("username", name), ("password", password)],
        )
        .await
    }

    /// Logs in, which leads to the consent page.
    pub(crate) async fn log_in(&mut self, query: &str, name: &str) -> TestResponse {
        let response = self.try_login(query, name, &format!("{name}123")).await;
        response.redirect("authorize");
        self.open(query).await
    }

    pub(crate) async fn decide(
        &mut self,
        query: &str,
        decision: &str,
        scopes: &[&str],
    ) -> TestResponse {
        let csrf_token = self.open(query).await.field("csrf_token");
        let mut form = vec![("csrf_token", csrf_token.as_str()), ("decision", decision)];
        form.extend(scopes.iter().map(|scope| ("scope", *scope)));
        self.submit("consent", query, &form).await
    }

    pub(crate) async fn allow_all(&mut self, query: &str) -> TestResponse {
        self.decide(query, "allow", &["mcp:read", "mcp:tools", "mcp:prompts", "offline_access"])
            .await
    }
}

/// The claims of an access token, after its signature was checked with the published key.
pub(crate) fn claims(token: &str) -> Value {
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    assert_eq!(header.kid.as_deref(), Some("mcp-key-1"));
    let jwk = serde_json::to_value(keys().jwks()).unwrap()["keys"][0].clone();
    let key = jsonwebtoken::DecodingKey::from_rsa_components(
        jwk["n"].as_str().unwrap(),
        jwk["e"].as_str().unwrap(),
    )
    .unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode(token, &key, &validation).unwrap().claims
}
