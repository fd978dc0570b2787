//! A server with a clock that is turned by hand, and a browser that keeps cookies and does not follow redirects.

use std::{
    collections::BTreeMap,
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
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use mcp_auth::{
    auth::{
        keys::KeyPair,
        metadata::ProtectedResource,
        verify::{TokenError, TokenVerifier},
    },
    authorization_server::{AuthorizationServer, DocumentPolicy},
};
use serde_json::Value;
use tower::ServiceExt;

pub(crate) const ISSUER: &str = "http://localhost:9000";
pub(crate) const RESOURCE: &str = "http://localhost:9000/mcp";
pub(crate) const CALLBACK: &str = "http://127.0.0.1:3760/callback";
/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const STATE: &str = "a state & more";

/// One pair for all tests: making it is the slow part.
pub(crate) fn keys() -> &'static KeyPair {
    static KEYS: OnceLock<KeyPair> = OnceLock::new();
    KEYS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        KeyPair::create(folder.path()).unwrap()
    })
}

pub(crate) fn authorization_server() -> AuthorizationServer {
    let resource =
        ProtectedResource::new(RESOURCE).scopes(["mcp:read", "mcp:tools", "mcp:prompts"]);
    AuthorizationServer::new(Ipv4Addr::LOCALHOST.into(), ISSUER, keys())
        .unwrap()
        .resource(&resource)
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The parameters of the URL that we are sent to, which must begin so.
    pub(crate) fn redirect(&self, to: &str) -> BTreeMap<String, String> {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        let location = self.header("location");
        let (place, query) = location.split_once('?').expect("an answer has parameters");
        assert_eq!(place, to);
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// The value of a hidden field.
    pub(crate) fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let value =
            self.text.split(&start).nth(1).unwrap_or_else(|| panic!("no {name} in {self:?}"));
        value.split('"').next().unwrap().to_owned()
    }
}

/// A server at a time of its own.
#[derive(Clone)]
pub(crate) struct World {
    app: Router,
    clock: Arc<AtomicU64>,
    verifier: Arc<TokenVerifier>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(DocumentPolicy::default())
    }

    pub(crate) fn with(documents: DocumentPolicy) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let clock = Arc::new(AtomicU64::new(now));
        let hand = Arc::clone(&clock);
        let server = authorization_server()
            .client_documents(documents)
            .clock(move || hand.load(Ordering::SeqCst));
        let verifier = TokenVerifier::new().trust(server.trusted_issuer());
        Self { app: server.routes(), clock, verifier: Arc::new(verifier) }
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes: Bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.into()).unwrap(),
        }
    }

    pub(crate) async fn post_json(&self, path: &str, body: impl ToString) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(body.to_string().into()).unwrap()).await
    }

    /// The token endpoint, with what `mcp-test-client` needs unless `form` says otherwise.
    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> Answer {
        self.token_with(&[], form).await
    }

    pub(crate) async fn token_with(
        &self,
        headers: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::post("/auth/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(encode(form).into()).unwrap()).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        self.token(&redemption(code)).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", "mcp-test-client"),
            ("refresh_token", token),
        ])
        .await
    }

    /// Whether the wall of the protected resource would let this token in.
    pub(crate) async fn is_let_in(&self, tokens: &Value) -> Result<(), TokenError> {
        let token = tokens["access_token"].as_str().unwrap();
        self.verifier.verify(token).await.map(drop)
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { world: self.clone(), cookie: None }
    }

    /// A code for `mcp-test-client`, by way of a person who allows everything.
    pub(crate) async fn code(&self, name: &str, changes: &[(&str, &str)]) -> String {
        let query = query(changes);
        let mut browser = self.browser();
        browser.log_in(&query, name).await;
        let answer = browser.allow_all(&query).await;
        answer.redirect(CALLBACK)["code"].clone()
    }
}

/// The form that redeems a code of `mcp-test-client`.
pub(crate) fn redemption(code: &str) -> [(&str, &str); 5] {
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

/// A good request of `mcp-test-client`, with `changes`: an empty value takes a parameter out.
pub(crate) fn query(changes: &[(&str, &str)]) -> String {
    let good = [
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
        good.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let all: Vec<_> =
        unchanged.chain(changes).copied().filter(|(_, value)| !value.is_empty()).collect();
    encode(&all)
}

/// What a person sits at.
pub(crate) struct Browser {
    world: World,
    pub(crate) cookie: Option<String>,
}

impl Browser {
    async fn send(&mut self, method: Method, url: &str, body: String) -> Answer {
        let mut request = Request::builder().method(method).uri(url);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let answer = self.world.send(request.body(body.into()).unwrap()).await;
        if let Some(set) = answer.headers.get(header::SET_COOKIE) {
            self.cookie = set.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        answer
    }

    pub(crate) async fn open(&mut self, query: &str) -> Answer {
        self.send(Method::GET, &format!("/auth/authorize?{query}"), String::new()).await
    }

    pub(crate) async fn submit(
        &mut self,
        door: &str,
        query: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        self.send(Method::POST, &format!("/auth/{door}?{query}"), encode(form)).await
    }

    pub(crate) async fn try_login(&mut self, query: &str, name: &str, password: &str) -> Answer {
        let proof = self.open(query).await.field("proof");
        self.submit(
            "login",
            query,
            &[("proof", &proof), ("username", name), ("password", password)],
        )
        .await
    }

    /// Logs in and comes to the question.
    pub(crate) async fn log_in(&mut self, query: &str, name: &str) -> Answer {
        let answer = self.try_login(query, name, &format!("{name}123")).await;
        answer.redirect("authorize");
        self.open(query).await
    }

    pub(crate) async fn decide(&mut self, query: &str, decision: &str, scopes: &[&str]) -> Answer {
        let proof = self.open(query).await.field("proof");
        let mut form = vec![("proof", proof.as_str()), ("decision", decision)];
        form.extend(scopes.iter().map(|scope| ("scope", *scope)));
        self.submit("consent", query, &form).await
    }

    pub(crate) async fn allow_all(&mut self, query: &str) -> Answer {
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
