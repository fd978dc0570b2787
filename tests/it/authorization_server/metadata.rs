//! The metadata document: its values, and who may read it.

use axum::{body::Body, http::Request};
use mcp_auth::{auth::metadata::ProtectedResource, authorization_server::AuthorizationServer};
use serde_json::json;
use tower::ServiceExt;

use super::support::{ISSUER, TestServer, keys, query};

#[tokio::test]
async fn the_document_is_complete_and_the_issuer_is_exact() {
    let server = TestServer::new();
    let get = |path: &'static str| server.send(Request::get(path).body(Body::empty()).unwrap());
    let document = get("/.well-known/oauth-authorization-server").await;
    assert_eq!(document.header("content-type"), "application/json");
    // Incomplete without ID tokens (OpenID Connect Discovery 1.0, 3), so it is not served.
    assert_eq!(get("/.well-known/openid-configuration").await.status, 404);
    let metadata = document.json();
    for (property, expected) in [
        ("issuer", json!(ISSUER)),
        ("authorization_endpoint", json!("http://localhost:9000/auth/authorize")),
        ("token_endpoint", json!("http://localhost:9000/auth/token")),
        ("registration_endpoint", json!("http://localhost:9000/auth/register")),
        ("jwks_uri", json!("http://localhost:9000/.well-known/jwks.json")),
        ("response_types_supported", json!(["code"])),
        ("revocation_endpoint", json!("http://localhost:9000/auth/revoke")),
        (
            "grant_types_supported",
            json!(["authorization_code", "refresh_token", "client_credentials"]),
        ),
        ("code_challenge_methods_supported", json!(["S256"])),
        (
            "token_endpoint_auth_methods_supported",
            json!(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]),
        ),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("client_id_metadata_document_supported", json!(true)),
        (
            "scopes_supported",
            json!(["mcp:admin", "mcp:prompts", "mcp:read", "mcp:tools", "offline_access"]),
        ),
    ] {
        assert_eq!(metadata[property], expected, "{property}");
    }
}

#[tokio::test]
async fn clients_in_browsers_can_read_responses_and_other_pages_cannot() {
    let server = TestServer::new();
    for (path, method, expected) in [
        ("/.well-known/oauth-authorization-server", "GET", "*"),
        ("/auth/revoke", "POST", "*"),
        ("/auth/token", "POST", "*"),
        ("/auth/register", "POST", "*"),
        ("/auth/authorize", "GET", ""),
        ("/auth/login", "POST", ""),
        ("/auth/consent", "POST", ""),
        ("/unknown", "POST", ""),
    ] {
        let preflight = Request::options(path)
            .header("origin", "http://localhost:6274")
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "mcp-protocol-version,content-type");
        let response = server.send(preflight.body(Body::empty()).unwrap()).await;
        assert_eq!(response.header("access-control-allow-origin"), expected, "{path}");
        assert_eq!(response.status == 404, path == "/unknown", "{path}: {response:?}");
        if expected == "*" {
            let headers = response.header("access-control-allow-headers");
            assert!(headers == "*" || headers.contains("mcp-protocol-version"), "{path}");
        }
    }
    let form = [("grant_type", "authorization_code")];
    let rejected = server.token_with(&[("origin", "http://localhost:6274")], &form).await;
    assert_eq!(rejected.header("access-control-allow-origin"), "*", "errors can be read, too");
}

#[test]
fn only_a_loopback_address_is_accepted() {
    for (host, expected) in [
        ("127.0.0.1", true),
        ("::1", true),
        ("0.0.0.0", false),
        ("::", false),
        ("192.168.1.5", false),
    ] {
        let made = AuthorizationServer::new(host.parse().unwrap(), ISSUER, keys());
        assert_eq!(made.is_ok(), expected, "{host}");
    }
}

/// RFC 8414, 3.1: the path of the issuer follows the well-known path. A resource that is the issuer itself would be
/// shared with everything else on that host, so it counts only without a path.
#[tokio::test]
async fn an_issuer_with_a_path_has_its_document_there_and_is_no_resource() {
    for (issuer, path, is_resource) in
        [("http://localhost:9000", "", true), ("http://localhost:9000/team-a", "/team-a", false)]
    {
        let resource = ProtectedResource::new(format!("{issuer}/mcp")).scopes(["mcp:read"]);
        let server = AuthorizationServer::new("127.0.0.1".parse().unwrap(), issuer, keys());
        let routes = server.unwrap().resource(&resource).routes();
        let get = |path: String| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            routes.clone().oneshot(request)
        };
        let document = format!("/.well-known/oauth-authorization-server{path}");
        assert_eq!(get(document).await.unwrap().status(), 200, "{issuer}");
        let query = query(&[("resource", issuer), ("scope", "mcp:read")]);
        let response = get(format!("/auth/authorize?{query}")).await.unwrap();
        assert_eq!(response.status() == 200, is_resource, "{issuer}");
    }
}
