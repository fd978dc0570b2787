//! Assertions that are refused, each with the error of the text that says so: RFC 7523, 3.1 (`invalid_grant`), RFC 8707, 2
//! (`invalid_target`), RFC 6749, 5.2 (`invalid_scope`, `unauthorized_client`).

use axum::http::StatusCode;
use jsonwebtoken::{Algorithm, Header};
use mcp_auth::test_support::SigningKey;
use serde_json::json;

use super::{
    super::support::{ISSUER, RESOURCE, rejected},
    Enterprise, JWT_BEARER,
};

#[tokio::test]
async fn an_assertion_that_breaks_a_rule_is_refused() {
    let enterprise = Enterprise::new().await;
    let now = enterprise.server.now();
    let foreign = "https://other.example";
    for (what, changes, error) in [
        ("another audience", json!({"aud": foreign}), "invalid_grant"),
        ("the token endpoint", json!({"aud": format!("{ISSUER}/auth/token")}), "invalid_grant"),
        ("a second audience", json!({"aud": [ISSUER, foreign]}), "invalid_grant"),
        ("the same audience twice", json!({"aud": [ISSUER, ISSUER]}), "invalid_grant"),
        ("an empty list of audiences", json!({"aud": []}), "invalid_grant"),
        ("another client", json!({"client_id": "mcp-test-client"}), "invalid_grant"),
        ("another issuer", json!({"iss": foreign}), "invalid_grant"),
        ("this server as issuer", json!({"iss": ISSUER}), "invalid_grant"),
        ("expired", json!({"iat": now - 60, "exp": now - 5}), "invalid_grant"),
        ("too old, whatever exp is", json!({"iat": now - 305, "exp": now + 9}), "invalid_grant"),
        ("issued in the future", json!({"iat": now + 6}), "invalid_grant"),
        ("not yet valid", json!({"nbf": now + 6}), "invalid_grant"),
        ("an empty subject", json!({"sub": ""}), "invalid_grant"),
        ("an empty id", json!({"jti": ""}), "invalid_grant"),
        ("bound to a certificate", json!({"cnf": {"x5t#S256": "x"}}), "invalid_grant"),
        ("bound to a key, without proof", json!({"cnf": {"jkt": "x"}}), "invalid_grant"),
        ("another resource", json!({"resource": foreign}), "invalid_target"),
        ("a second resource", json!({"resource": [RESOURCE, foreign]}), "invalid_target"),
        ("an empty list of resources", json!({"resource": []}), "invalid_target"),
        ("no scope", json!({"scope": null}), "invalid_scope"),
        ("an unknown scope", json!({"scope": "mcp:everything"}), "invalid_scope"),
        ("roles", json!({"scope": "mcp:admin offline_access"}), "invalid_scope"),
        ("beyond the registration", json!({"scope": "mcp:prompts"}), "invalid_scope"),
        ("a scope of the wrong type", json!({"scope": 7}), "invalid_grant"),
    ] {
        rejected(&enterprise.redeem(&enterprise.assertion(&changes)).await, error, what);
    }
    for claim in ["iss", "sub", "aud", "client_id", "jti", "exp", "iat", "resource"] {
        let assertion = enterprise.assertion(&json!({claim: null}));
        rejected(&enterprise.redeem(&assertion).await, "invalid_grant", claim);
    }
    let good = enterprise.assertion(&json!({"aud": [ISSUER], "resource": [RESOURCE]}));
    assert_eq!(enterprise.redeem(&good).await.status, StatusCode::OK, "lists of one");
    rejected(&enterprise.redeem(&good).await, "invalid_grant", "used before");
    enterprise.server.advance(304);
    rejected(&enterprise.redeem(&good).await, "invalid_grant", "used before, and almost too old");
}

#[tokio::test]
async fn only_the_keys_of_the_provider_prove_an_assertion() {
    let enterprise = Enterprise::new().await;
    let claims = || enterprise.claims(&json!({}));
    let header = enterprise.header();
    let typed = |typ: Option<&str>| {
        let header = Header { typ: typ.map(str::to_owned), ..header.clone() };
        enterprise.key.sign_as(&header, &claims())
    };
    let other = SigningKey::new(Algorithm::ES256, "key-1");
    let unknown = SigningKey::new(Algorithm::ES256, "key-2");
    let unsigned = enterprise.key.sign_text(r#"{"alg":"none","typ":"oauth-id-jag+jwt"}"#, "{}");
    let (start, _) = unsigned.rsplit_once('.').unwrap();
    for (what, assertion) in [
        ("an access token", typed(Some("at+jwt"))),
        ("an ID token", typed(Some("JWT"))),
        ("no type", typed(None)),
        ("the key of somebody else under the same name", other.sign_as(&header, &claims())),
        (
            "an unknown key",
            unknown.sign_as(&Header { kid: Some("key-2".to_owned()), ..header.clone() }, &claims()),
        ),
        ("no signature", format!("{start}.")),
        (
            "a shared secret",
            jsonwebtoken::encode(
                &Header { alg: Algorithm::HS256, ..header.clone() },
                &claims(),
                &jsonwebtoken::EncodingKey::from_secret(b"key-1"),
            )
            .unwrap(),
        ),
        ("no JWT", "x".to_owned()),
    ] {
        rejected(&enterprise.redeem(&assertion).await, "invalid_grant", what);
    }
    let response = enterprise.redeem(&typed(Some("application/oauth-id-jag+jwt"))).await;
    assert_eq!(response.status, StatusCode::OK, "RFC 7515, 4.1.9: {response:?}");
}

#[tokio::test]
async fn only_confidential_clients_that_registered_for_it_may_use_it() {
    let enterprise = Enterprise::new().await;
    let server = &enterprise.server;
    let public = [
        ("grant_type", JWT_BEARER),
        ("client_id", "mcp-test-client"),
        ("assertion", &*enterprise.assertion(&json!({"client_id": "mcp-test-client"}))),
    ];
    rejected(&server.token(&public).await, "unauthorized_client", "public");
    let machine = server.register(json!({"grant_types": ["client_credentials"]})).await;
    let text = |member: &str| machine[member].as_str().unwrap();
    let other = [
        ("grant_type", JWT_BEARER),
        ("client_id", text("client_id")),
        ("client_secret", text("client_secret")),
        ("assertion", &*enterprise.assertion(&json!({"client_id": text("client_id")}))),
    ];
    rejected(&server.token(&other).await, "unauthorized_client", "not registered for it");
    let metadata = json!({"token_endpoint_auth_method": "none", "grant_types": [JWT_BEARER]});
    let response = server.post_json("/auth/register", metadata).await;
    assert_eq!(response.json()["error"], "invalid_client_metadata", "{response:?}");
    rejected(&enterprise.redeem("").await, "invalid_request", "no assertion");
    let mut form = other;
    form[2] = ("client_secret", "wrong");
    rejected(&server.token(&form).await, "invalid_client", "a wrong secret");
}
