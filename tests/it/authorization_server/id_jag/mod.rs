//! Identity assertions of an enterprise identity provider (draft-ietf-oauth-identity-assertion-authz-grant, MCP extension
//! "Enterprise-Managed Authorization").

mod refused;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use jsonwebtoken::{Algorithm, Header};
use mcp_auth::{
    auth::identity_provider::IdentityProvider,
    authorization_server::Settings,
    test_support::{Provider, Reply, SigningKey},
};
use serde_json::{Value, json};

use super::support::{ISSUER, RESOURCE, TestResponse, TestServer, claims, rejected};
use crate::support::dpop::ProofKey;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An authorization server, the enterprise identity provider that it trusts, and a client that both know.
struct Enterprise {
    server: TestServer,
    provider: Provider,
    key: SigningKey,
    client: Value,
}

impl Enterprise {
    async fn new() -> Self {
        let key = SigningKey::new(Algorithm::ES256, "key-1");
        let provider = Provider::start(&[&key]).await;
        let trusted = IdentityProvider::new(&provider.issuer(), false).unwrap();
        let settings = Settings { enterprise_provider: Some(trusted), ..Settings::default() };
        let server = TestServer::with(|server| server.settings(&settings));
        let client = server
            .register(json!({
                "token_endpoint_auth_method": "client_secret_post",
                "grant_types": [JWT_BEARER],
                "scope": "mcp:read mcp:tools mcp:admin offline_access",
            }))
            .await;
        Self { server, provider, key, client }
    }

    fn client_id(&self) -> &str {
        self.client["client_id"].as_str().unwrap()
    }

    /// The claims of a valid assertion, with `changes`: null removes a claim.
    fn claims(&self, changes: &Value) -> Value {
        let mut claims = json!({
            "iss": self.provider.issuer(),
            "sub": "8f0c",
            "aud": ISSUER,
            "client_id": self.client_id(),
            "jti": format!("{:x}", rand::random::<u128>()),
            "iat": self.server.now(),
            "exp": self.server.now() + 300,
            "resource": RESOURCE,
            "scope": "mcp:read mcp:tools",
            "email": "ada@corp.example",
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }

    fn header(&self) -> Header {
        Header { typ: Some("oauth-id-jag+jwt".to_owned()), ..self.key.header() }
    }

    fn assertion(&self, changes: &Value) -> String {
        self.key.sign_as(&self.header(), &self.claims(changes))
    }

    async fn redeem_with(
        &self,
        headers: &[(&str, &str)],
        assertion: &str,
        more: &[(&str, &str)],
    ) -> TestResponse {
        let form = [
            ("grant_type", JWT_BEARER),
            ("assertion", assertion),
            ("client_id", self.client_id()),
            ("client_secret", self.client["client_secret"].as_str().unwrap()),
        ];
        self.server.token_with(headers, &[&form, more].concat()).await
    }

    async fn redeem(&self, assertion: &str) -> TestResponse {
        self.redeem_with(&[], assertion, &[]).await
    }
}

async fn metadata(server: &TestServer) -> Value {
    let path = "/.well-known/oauth-authorization-server";
    server.send(Request::get(path).body(Body::empty()).unwrap()).await.json()
}

#[tokio::test]
async fn an_assertion_gives_a_token_for_its_user_and_no_refresh_token() {
    let enterprise = Enterprise::new().await;
    let metadata = metadata(&enterprise.server).await;
    assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!(JWT_BEARER)));
    assert_eq!(
        metadata["authorization_grant_profiles_supported"],
        json!(["urn:ietf:params:oauth:grant-profile:id-jag"])
    );
    assert!(!metadata.to_string().contains(&enterprise.provider.origin), "draft, section 9.4");

    let response = enterprise.redeem(&enterprise.assertion(&json!({}))).await;
    assert_eq!(response.status, StatusCode::OK, "{response:?}");
    assert_eq!(response.header("cache-control"), "no-store");
    let tokens = response.json();
    assert_eq!(
        (&tokens["token_type"], &tokens["scope"]),
        (&json!("Bearer"), &json!("mcp:read mcp:tools"))
    );
    assert_eq!(tokens.get("refresh_token"), None, "draft, section 4.4.3");
    assert_eq!(enterprise.server.verify(&tokens).await, Ok(()));
    let claims = claims(tokens["access_token"].as_str().unwrap());
    // `sub` of two issuers may be equal: an account of this server never is.
    assert_eq!(claims["sub"], format!("{}|8f0c", enterprise.provider.issuer()));
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!(RESOURCE)));
    assert_eq!(claims["client_id"], enterprise.client["client_id"]);
    assert_eq!(claims["preferred_username"], "ada@corp.example");
    assert_eq!((claims.get("roles"), claims.get("cnf")), (None, None));
}

#[tokio::test]
async fn request_assertion_and_registration_must_all_allow_a_scope() {
    let enterprise = Enterprise::new().await;
    for (asserted, requested, expected) in [
        ("mcp:read mcp:tools", "", "mcp:read mcp:tools"),
        ("mcp:read mcp:tools", "mcp:read", "mcp:read"),
        ("mcp:read", "mcp:read mcp:tools mcp:prompts", "mcp:read"),
        ("mcp:read mcp:prompts", "", "mcp:read"),
        ("mcp:tools:echo", "mcp:tools", "mcp:tools:echo"),
        ("mcp:tools", "mcp:tools:echo", "mcp:tools:echo"),
        ("mcp:read mcp:admin", "mcp:read mcp:admin offline_access", "mcp:read"),
    ] {
        let assertion = enterprise.assertion(&json!({"scope": asserted}));
        let response = enterprise.redeem_with(&[], &assertion, &[("scope", requested)]).await;
        assert_eq!(response.json()["scope"], expected, "{asserted} / {requested}: {response:?}");
    }
    let assertion = enterprise.assertion(&json!({}));
    let form = [("scope", "mcp:prompts")];
    rejected(&enterprise.redeem_with(&[], &assertion, &form).await, "invalid_scope", "nothing");
    let form = [("resource", "https://other.example")];
    rejected(&enterprise.redeem_with(&[], &assertion, &form).await, "invalid_target", "elsewhere");
    // The mistakes have not used the assertion up.
    let form = [("scope", "mcp:read"), ("resource", RESOURCE)];
    assert_eq!(enterprise.redeem_with(&[], &assertion, &form).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_proof_binds_the_token_and_a_bound_assertion_needs_its_key() {
    let (enterprise, key) = (Enterprise::new().await, ProofKey::generate());
    let proof = |key: &ProofKey| key.proof("POST", &format!("{ISSUER}/auth/token"), None);
    for changes in [json!({}), json!({"cnf": {"jkt": key.thumbprint()}})] {
        let assertion = enterprise.assertion(&changes);
        let tokens =
            enterprise.redeem_with(&[("DPoP", &proof(&key))], &assertion, &[]).await.json();
        assert_eq!(tokens["token_type"], "DPoP", "{tokens}");
        assert_eq!(enterprise.server.verify_sender_constrained(&tokens).await, Ok(()));
    }
    let assertion = enterprise.assertion(&json!({"cnf": {"jkt": key.thumbprint()}}));
    let thief = [("DPoP", &*proof(&ProofKey::generate()))];
    rejected(&enterprise.redeem_with(&thief, &assertion, &[]).await, "invalid_grant", "stolen");
}

#[tokio::test]
async fn without_a_provider_the_grant_does_not_exist() {
    let server = TestServer::new();
    let metadata = metadata(&server).await;
    assert!(!metadata.to_string().contains("jwt-bearer"), "{metadata}");
    assert_eq!(metadata.get("authorization_grant_profiles_supported"), None);
    let form =
        [("grant_type", JWT_BEARER), ("client_id", "mcp-test-client"), ("assertion", "a.b.c")];
    rejected(&server.token(&form).await, "unsupported_grant_type", "no provider");
    let registration = json!({"grant_types": [JWT_BEARER]});
    let response = server.post_json("/auth/register", registration).await;
    assert_eq!(response.json()["error"], "invalid_client_metadata", "{response:?}");
}

#[tokio::test]
async fn while_the_provider_is_down_an_assertion_is_neither_valid_nor_used() {
    let enterprise = Enterprise::new().await;
    enterprise.provider.set_keys(Reply::Status(500));
    let response = enterprise.redeem(&enterprise.assertion(&json!({}))).await;
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE, "{response:?}");
    assert_eq!(response.json()["error"], "temporarily_unavailable");
    assert!(response.header("retry-after").parse::<u64>().unwrap() > 0);
    assert!(!response.text.contains("localhost"), "no internal URL: {response:?}");
}
