//! Machine clients (RFC 6749, 4.4).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::support::{ISSUER, RESOURCE, TestResponse, TestServer, claims, query, rejected};

async fn machine(server: &TestServer, scope: Option<&str>) -> Value {
    let metadata = json!({
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["client_credentials"],
        "scope": scope
    });
    server.register(metadata).await
}

async fn token(server: &TestServer, client: &Value, form: &[(&str, &str)]) -> TestResponse {
    let credentials = [
        ("grant_type", "client_credentials"),
        ("client_id", client["client_id"].as_str().unwrap()),
        ("client_secret", client["client_secret"].as_str().unwrap_or_default()),
    ];
    server.token(&[&credentials, form].concat()).await
}

#[tokio::test]
async fn a_machine_gets_a_token_of_its_own() {
    let server = TestServer::new();
    let client = machine(&server, Some("mcp:read mcp:tools")).await;
    let response = token(&server, &client, &[]).await;
    assert_eq!(response.status, StatusCode::OK, "{response:?}");
    let tokens = response.json();
    assert_eq!(tokens.get("refresh_token"), None, "RFC 6749, 4.4.3");
    assert_eq!(server.verify(&tokens).await, Ok(()));
    let claims = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(claims["sub"], client["client_id"], "RFC 9068, 2.2");
    assert_eq!(claims["client_id"], client["client_id"]);
    assert_eq!(
        (&claims["scope"], &claims["aud"]),
        (&json!("mcp:read mcp:tools"), &json!(RESOURCE))
    );
    for absent in ["preferred_username", "roles"] {
        assert_eq!(claims.get(absent), None, "no user is there");
    }
}

#[tokio::test]
async fn a_machine_gets_nothing_beyond_its_registration() {
    let server = TestServer::new();
    let narrow = machine(&server, Some("mcp:read mcp:admin offline_access")).await;
    let broad = machine(&server, None).await;
    for (what, client, form, expected) in [
        ("registered", &narrow, &[][..], Ok("mcp:read")),
        ("without what is for users", &broad, &[], Ok("mcp:prompts mcp:read mcp:tools")),
        ("fewer", &broad, &[("scope", "mcp:tools:echo")], Ok("mcp:tools:echo")),
        ("another resource", &broad, &[("resource", ISSUER)], Ok("mcp:prompts mcp:read mcp:tools")),
        ("more", &narrow, &[("scope", "mcp:tools")], Err("invalid_scope")),
        ("roles", &broad, &[("scope", "mcp:admin")], Err("invalid_scope")),
        ("none", &broad, &[("scope", "offline_access")], Err("invalid_scope")),
        ("invented", &broad, &[("scope", "mcp:tools:unknown")], Err("invalid_scope")),
        ("foreign", &broad, &[("resource", "https://evil.example")], Err("invalid_target")),
    ] {
        let response = token(&server, client, form).await;
        match expected {
            Ok(scope) => assert_eq!(response.json()["scope"], scope, "{what}"),
            Err(error) => rejected(&response, error, what),
        }
    }
    let form = [("grant_type", "client_credentials"), ("client_id", "mcp-test-client")];
    rejected(&server.token(&form).await, "unauthorized_client", "a public client");
    let user_client = server.register(json!({"redirect_uris": ["http://localhost/cb"]})).await;
    rejected(&token(&server, &user_client, &[]).await, "unauthorized_client", "not registered");
}

#[tokio::test]
async fn only_a_confidential_client_registers_for_it_and_users_cannot_log_in_there() {
    let server = TestServer::new();
    let public =
        json!({"token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]});
    let response = server.post_json("/auth/register", public).await;
    assert_eq!(response.json()["error"], "invalid_client_metadata", "{response:?}");
    let client = machine(&server, None).await;
    let query = query(&[("client_id", client["client_id"].as_str().unwrap())]);
    assert_eq!(server.browser().open(&query).await.status, StatusCode::BAD_REQUEST);
}
