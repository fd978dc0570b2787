//! Client authentication: secrets, and assertions that the client signs.

use axum::http::StatusCode;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{
    metadata_host::MetadataHost,
    support::{CALLBACK, ISSUER, TestServer, VERIFIER, claims, query, rejected},
};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn code_request(code: &str) -> [(&str, &str); 3] {
    [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)]
}

#[tokio::test]
async fn a_client_can_send_its_secret_in_the_header_or_in_the_form() {
    let server = TestServer::new();
    let client = server.register(json!({"redirect_uris": [CALLBACK]})).await;
    let id = client["client_id"].as_str().unwrap();
    let secret = client["client_secret"].as_str().unwrap();
    let basic = |secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let code = || async { server.code("alice", &[("client_id", id), ("scope", "mcp:read")]).await };

    let first = code().await;
    let response =
        server.token_with(&[("authorization", &basic(secret))], &code_request(&first)).await;
    assert_eq!(response.status, StatusCode::OK, "{response:?}");
    let second = code().await;
    let posted =
        [&code_request(&second)[..], &[("client_id", id), ("client_secret", secret)]].concat();
    assert_eq!(server.token(&posted).await.status, StatusCode::OK);

    let response = server.token(&[&code_request("x")[..], &[("client_id", id)]].concat()).await;
    rejected(&response, "invalid_client", "no secret");
    assert_eq!(response.header("www-authenticate"), "", "it used no Authorization header");
    let both = server.token_with(&[("authorization", &basic(secret))], &posted).await;
    rejected(&both, "invalid_request", "two ways at once");
    let other = [&code_request("x")[..], &[("client_id", "mcp-test-client")]].concat();
    let other = server.token_with(&[("authorization", &basic(secret))], &other).await;
    rejected(&other, "invalid_request", "two clients at once");
}

/// A secret of 256 bits cannot be guessed, so wrong ones are not counted: anybody could lock the client out.
#[tokio::test]
async fn the_right_secret_works_after_many_wrong_ones() {
    let server = TestServer::new();
    let client = server.register(json!({"redirect_uris": [CALLBACK]})).await;
    let id = client["client_id"].as_str().unwrap();
    let secret = client["client_secret"].as_str().unwrap();
    let basic = |secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    for _ in 0..75 {
        let wrong = [("authorization", &*basic("wrong"))];
        let response = server.token_with(&wrong, &code_request("x")).await;
        rejected(&response, "invalid_client", "wrong secret");
        assert!(response.header("www-authenticate").starts_with("Basic "));
    }
    let response =
        server.token_with(&[("authorization", &basic(secret))], &code_request("x")).await;
    rejected(&response, "invalid_grant", "the secret is right, the code is not");
}

/// The key of a client: RFC 8037, appendix A.
fn ed25519_key() -> (EncodingKey, Value) {
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(URL_SAFE_NO_PAD.decode(SEED).unwrap());
    let public = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "use": "sig",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    (EncodingKey::from_ed_der(&der), public)
}

struct Machine {
    id: String,
    key: EncodingKey,
}

impl Machine {
    async fn register(server: &TestServer) -> Self {
        let (key, public) = ed25519_key();
        let client = server
            .register(json!({
                "token_endpoint_auth_method": "private_key_jwt",
                "grant_types": ["client_credentials"],
                "jwks": {"keys": [{"kty": "unknown"}, public]},
                "scope": "mcp:read"
            }))
            .await;
        assert_eq!(client.get("client_secret"), None, "{client}");
        Self { id: client["client_id"].as_str().unwrap().to_owned(), key }
    }

    fn claims(&self, server: &TestServer, jti: &str) -> Value {
        json!({"iss": self.id, "sub": self.id, "aud": ISSUER, "jti": jti, "exp": server.now() + 60})
    }

    fn sign(&self, header: Header, claims: &Value) -> String {
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }

    async fn send(&self, server: &TestServer, assertion: &str) -> super::support::TestResponse {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion),
        ];
        server.token(&form).await
    }
}

fn header() -> Header {
    Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::EdDSA) }
}

#[tokio::test]
async fn a_client_can_sign_an_assertion_that_works_once() {
    let server = TestServer::new();
    let machine = Machine::register(&server).await;
    let assertion = machine.sign(header(), &machine.claims(&server, "1"));
    let tokens = machine.send(&server, &assertion).await.json();
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["sub"], machine.id.as_str());
    let replay = machine.send(&server, &assertion).await;
    rejected(&replay, "invalid_client", "used before");
    let plain = [("grant_type", "client_credentials"), ("client_id", &*machine.id)];
    rejected(&server.token(&plain).await, "invalid_client", "no assertion");
    for audience in [json!([ISSUER]), json!(format!("{ISSUER}/auth/token"))] {
        let mut claims = machine.claims(&server, &audience.to_string());
        claims["aud"] = audience;
        let response = machine.send(&server, &machine.sign(header(), &claims)).await;
        assert_eq!(response.status, StatusCode::OK, "{response:?}");
    }
}

/// RFC 7523, 3, and RFC 8725.
#[tokio::test]
async fn an_assertion_with_anything_wrong_is_rejected() {
    let server = TestServer::new();
    let machine = Machine::register(&server).await;
    let now = server.now();
    for (what, claim, value) in [
        ("another issuer", "iss", json!("somebody")),
        ("another audience", "aud", json!("https://evil.example")),
        ("several audiences", "aud", json!([ISSUER, "https://evil.example"])),
        ("no audience", "aud", Value::Null),
        ("expired", "exp", json!(now - 5)),
        ("without an end", "exp", Value::Null),
        ("valid for days", "exp", json!(now + 100_000)),
        ("valid for ever", "exp", json!(u64::MAX)),
        ("not yet valid", "nbf", json!(now + 60)),
        ("without jti", "jti", Value::Null),
    ] {
        let mut claims = machine.claims(&server, what);
        claims[claim] = value;
        let response = machine.send(&server, &machine.sign(header(), &claims)).await;
        rejected(&response, "invalid_client", what);
    }
    let claims = machine.claims(&server, "headers");
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..header() };
    let unknown = Header { kid: Some("other".to_owned()), ..header() };
    for (what, header) in [("a critical extension", critical), ("an unknown key", unknown)] {
        let response = machine.send(&server, &machine.sign(header, &claims)).await;
        rejected(&response, "invalid_client", what);
    }
    // Signed with the public key as an HMAC secret, by nobody, and by somebody else.
    let (_, public) = ed25519_key();
    let secret = EncodingKey::from_secret(public["x"].as_str().unwrap().as_bytes());
    let symmetric = jsonwebtoken::encode(&Header::default(), &claims, &secret).unwrap();
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    let unsigned = format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
    let valid = machine.sign(header(), &claims);
    let (signed, signature) = valid.rsplit_once('.').unwrap();
    let altered = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    for (what, assertion) in [("HS256", symmetric), ("none", unsigned), ("altered", altered)] {
        rejected(&machine.send(&server, &assertion).await, "invalid_client", what);
    }
    let form = [("grant_type", "client_credentials"), ("client_assertion", &*valid)];
    rejected(&server.token(&form).await, "invalid_request", "no client_assertion_type");
    assert_eq!(machine.send(&server, &valid).await.status, StatusCode::OK, "it was not used up");
}

/// A client with a document and no other method must sign: its keys are fetched like the document, under the same rules.
#[tokio::test]
async fn a_client_with_a_document_signs_with_a_key_of_its_jwks_uri() {
    let host = MetadataHost::open().await;
    let (server, id) = (host.server(), host.id());
    let (key, public) = ed25519_key();
    host.publish(
        json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": id.replace("client.json", "jwks.json"),
        }),
        "Cache-Control: max-age=300\r\n",
    );
    let query = query(&[("client_id", &id), ("scope", "mcp:read")]);
    let mut browser = server.browser();
    browser.log_in(&query, "alice").await;
    let code = browser.allow_all(&query).await.redirect(CALLBACK)["code"].clone();
    let machine = Machine { id: id.clone(), key };
    let sign = |jti: &str, kid: &str| {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        machine.sign(header, &machine.claims(&server, jti))
    };
    let request = |assertion: String| {
        let (server, code) = (server.clone(), code.clone());
        async move {
            let assertion =
                [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &*assertion)];
            server.token(&[&code_request(&code)[..], &assertion].concat()).await
        }
    };
    let plain = [&code_request(&code)[..], &[("client_id", &*id)]].concat();
    rejected(&server.token(&plain).await, "invalid_client", "no assertion");

    let jwks = |keys: Value| {
        let keys = json!({ "keys": keys }).to_string();
        host.respond("200 OK", "Content-Type: application/jwk-set+json\r\n", &keys);
    };
    jwks(json!([]));
    let fetched = host.hits();
    rejected(&request(sign("1", "k")).await, "invalid_client", "not among the keys");
    jwks(json!([public]));
    rejected(&request(sign("2", "k")).await, "invalid_client", "fetched a moment ago");
    assert_eq!(host.hits(), fetched + 1, "an unknown key is no reason to fetch at once");
    server.advance(59);
    rejected(&request(sign("3", "k")).await, "invalid_client", "still the keys from before");
    server.advance(1);
    let response = request(sign("4", "k")).await;
    // The code has expired by now, but the client is known.
    rejected(&response, "invalid_grant", "authenticated");
    assert_eq!(host.hits(), fetched + 2);
}
