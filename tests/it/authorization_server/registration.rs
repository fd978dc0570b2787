//! Dynamic client registration.

use axum::http::StatusCode;
use serde_json::json;

use super::support::{TestServer, query};

#[tokio::test]
async fn the_response_shows_what_was_registered() {
    let server = TestServer::new();
    let response = server.post_json("/auth/register", json!({"redirect_uris": ["http://localhost:1234/cb"], "client_name": "An editor", "software_version": "7"})).await;
    assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    assert_eq!(response.header("cache-control"), "no-store");
    let client = response.json();
    for (property, expected) in [
        ("redirect_uris", json!(["http://localhost:1234/cb"])),
        ("client_name", json!("An editor")),
        ("application_type", json!("native")),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("grant_types", json!(["authorization_code"])),
        ("response_types", json!(["code"])),
        ("scope", json!("mcp:admin mcp:prompts mcp:read mcp:tools offline_access")),
        ("client_secret_expires_at", json!(0)),
        ("client_id_issued_at", json!(server.now())),
    ] {
        assert_eq!(client[property], expected, "{property}");
    }
    assert_eq!(client["client_secret"].as_str().unwrap().len(), 43);

    let request = json!({
        "redirect_uris": ["https://app.example/cb"], "application_type": "web", "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "scope": "mcp:read openid", "client_name": null
    });
    let client = server.post_json("/auth/register", request).await.json();
    assert_eq!(client["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(
        (client["scope"].as_str(), client["application_type"].as_str()),
        (Some("mcp:read"), Some("web"))
    );
    assert!(
        client.get("client_secret").is_none() && client.get("client_secret_expires_at").is_none()
    );

    // A client can register for what the challenges of the resource ask for.
    let request =
        json!({"redirect_uris": ["http://localhost/cb"], "scope": "mcp:read mcp:tools:echo"});
    let client = server.post_json("/auth/register", request).await.json();
    assert_eq!(client["scope"], "mcp:read mcp:tools:echo");
}

#[tokio::test]
async fn a_private_use_scheme_is_left_out_if_there_are_other_redirect_uris() {
    let server = TestServer::new();
    let allowed =
        ["https://www.cursor.com/agents/mcp/oauth/callback", "http://localhost:8787/callback"];
    let own = "cursor://anysphere.cursor-mcp/oauth/callback";
    for (what, uris, expected) in [
        ("beside others", json!([own, allowed[0], allowed[1]]), Some(json!(allowed))),
        ("alone", json!([own]), None),
        ("beside a script", json!(["javascript:alert(1)", allowed[1]]), None),
        ("beside plain http", json!([own, "http://app.example/cb"]), None),
        ("beside a file", json!(["file:///etc/passwd", allowed[1]]), None),
    ] {
        let body = json!({"redirect_uris": uris, "token_endpoint_auth_method": "none"});
        let response = server.post_json("/auth/register", body).await;
        let status = if expected.is_some() { StatusCode::CREATED } else { StatusCode::BAD_REQUEST };
        assert_eq!(response.status, status, "{what}: {response:?}");
        match expected {
            Some(uris) => assert_eq!(response.json()["redirect_uris"], uris, "{what}"),
            None => assert_eq!(response.json()["error"], "invalid_redirect_uri", "{what}"),
        }
    }
}

#[tokio::test]
async fn invalid_metadata_is_rejected_as_in_rfc_7591() {
    let server = TestServer::new();
    let uri = "http://localhost/cb";
    let many: Vec<_> = (0..21).map(|n| format!("http://localhost/{n}")).collect();
    for (what, body, error) in [
        ("no JSON", json!("text"), "invalid_client_metadata"),
        ("a list", json!([]), "invalid_client_metadata"),
        ("a list in the order of the properties", json!([[uri], "x"]), "invalid_client_metadata"),
        ("wrong type", json!({"redirect_uris": uri}), "invalid_client_metadata"),
        ("nothing", json!({}), "invalid_client_metadata"),
        ("no redirect URI", json!({"redirect_uris": []}), "invalid_client_metadata"),
        ("too many", json!({"redirect_uris": many}), "invalid_client_metadata"),
        ("plain http", json!({"redirect_uris": ["http://app.example/cb"]}), "invalid_redirect_uri"),
        (
            "one of two",
            json!({"redirect_uris": [uri, "http://app.example/cb"]}),
            "invalid_redirect_uri",
        ),
        ("script", json!({"redirect_uris": ["javascript:alert(1)"]}), "invalid_redirect_uri"),
        (
            "fragment",
            json!({"redirect_uris": ["https://app.example/cb#x"]}),
            "invalid_redirect_uri",
        ),
        (
            "web on this machine",
            json!({"redirect_uris": [uri], "application_type": "web"}),
            "invalid_redirect_uri",
        ),
        (
            "web on this machine, with TLS",
            json!({"redirect_uris": ["https://127.0.0.1:8443/cb"], "application_type": "web"}),
            "invalid_redirect_uri",
        ),
        (
            "application_type",
            json!({"redirect_uris": [uri], "application_type": "phone"}),
            "invalid_client_metadata",
        ),
        (
            "auth method",
            json!({"redirect_uris": [uri], "token_endpoint_auth_method": "tls_client_auth"}),
            "invalid_client_metadata",
        ),
        (
            "no keys",
            json!({"redirect_uris": [uri], "token_endpoint_auth_method": "private_key_jwt"}),
            "invalid_client_metadata",
        ),
        (
            "grant",
            json!({"redirect_uris": [uri], "grant_types": ["password"]}),
            "invalid_client_metadata",
        ),
        (
            "response",
            json!({"redirect_uris": [uri], "response_types": ["token"]}),
            "invalid_client_metadata",
        ),
        ("scope", json!({"redirect_uris": [uri], "scope": "root"}), "invalid_client_metadata"),
        (
            "scope of an unknown tool",
            json!({"redirect_uris": [uri], "scope": "mcp:tools:unknown"}),
            "invalid_client_metadata",
        ),
        (
            "name",
            json!({"redirect_uris": [uri], "client_name": "x".repeat(121)}),
            "invalid_client_metadata",
        ),
        (
            "client_uri",
            json!({"redirect_uris": [uri], "client_uri": "javascript:alert(1)"}),
            "invalid_client_metadata",
        ),
        (
            "both jwks",
            json!({"redirect_uris": [uri], "jwks": {}, "jwks_uri": "https://app.example/"}),
            "invalid_client_metadata",
        ),
    ] {
        let response = server.post_json("/auth/register", body).await;
        assert_eq!(
            (response.status, response.json()["error"].as_str()),
            (StatusCode::BAD_REQUEST, Some(error)),
            "{what}: {response:?}"
        );
    }
    let large =
        server.post_json("/auth/register", format!(r#"{{"x":"{}"}}"#, "x".repeat(20_000))).await;
    assert_eq!(
        (large.status, large.json()["error"].as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, Some("invalid_client_metadata"))
    );
}

#[tokio::test]
async fn the_number_and_lifetime_of_registrations_is_bounded() {
    let server = TestServer::new();
    let body = json!({"redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"});
    let register = || async {
        server.post_json("/auth/register", &body).await.json()["client_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let used = register().await;
    server.code("alice", &[("client_id", &used), ("scope", "mcp:read")]).await;
    server.advance(1);
    let unused = register().await;
    server.advance(1);
    for number in 0..999 {
        if number % 100 == 0 {
            server.advance(60);
        }
        register().await;
    }
    for (seconds, client, expected) in [
        (0, &used, StatusCode::OK),
        (0, &unused, StatusCode::BAD_REQUEST),
        (24 * 3600, &used, StatusCode::OK),
        (30 * 24 * 3600, &used, StatusCode::BAD_REQUEST),
    ] {
        server.advance(seconds);
        let response = server.browser().open(&query(&[("client_id", client)])).await;
        assert_eq!(response.status, expected, "{seconds}");
    }
}

#[tokio::test]
async fn a_rejected_token_request_does_not_count_as_use() {
    let server = TestServer::new();
    let body = json!({"redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"});
    let client = server.post_json("/auth/register", body).await.json();
    let id = client["client_id"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", id)];
    assert_eq!(server.token(&form).await.json()["error"], "invalid_grant");
    server.advance(24 * 3600);
    assert_eq!(server.token(&form).await.json()["error"], "invalid_client", "removed");
}

#[tokio::test]
async fn a_flood_of_registrations_is_rate_limited() {
    let server = TestServer::new();
    server.advance(60 - server.now() % 60);
    let body = json!({"redirect_uris": ["http://127.0.0.1/callback"]});
    for _ in 0..100 {
        assert_eq!(server.post_json("/auth/register", &body).await.status, StatusCode::CREATED);
    }
    let response = server.post_json("/auth/register", &body).await;
    assert_eq!(
        (response.status, response.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, "60")
    );
    server.advance(60);
    assert_eq!(server.post_json("/auth/register", &body).await.status, StatusCode::CREATED);
}

/// OpenID Connect RP Metadata Choices 1.0: of the methods that both sides support, one is chosen, and the response names
/// it.
#[tokio::test]
async fn a_supported_authentication_method_is_chosen() {
    let server = TestServer::new();
    for (metadata, expected) in [
        (json!({}), "client_secret_basic"),
        (json!({"token_endpoint_auth_method": "client_secret_post"}), "client_secret_post"),
        (
            json!({"token_endpoint_auth_method": "tls_client_auth", "token_endpoint_auth_methods_supported": ["tls_client_auth", "none"]}),
            "none",
        ),
        (
            json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example/jwks.json"}),
            "private_key_jwt",
        ),
    ] {
        let mut metadata = metadata;
        metadata["redirect_uris"] = json!(["http://localhost/cb"]);
        let client = server.register(metadata).await;
        assert_eq!(client["token_endpoint_auth_method"], expected, "{client}");
        let has_secret = client.get("client_secret").is_some();
        assert_eq!(has_secret, expected.starts_with("client_secret"), "{client}");
    }
}
