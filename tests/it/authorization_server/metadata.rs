//! What it says of itself, and that all of it is true.

use axum::{body::Body, http::Request};
use mcp_auth::authorization_server::AuthorizationServer;
use serde_json::json;

use super::support::{ISSUER, World, keys};

#[tokio::test]
async fn both_documents_say_the_same_and_the_issuer_is_exact() {
    let world = World::new();
    let get = |path: &'static str| world.send(Request::get(path).body(Body::empty()).unwrap());
    let document = get("/.well-known/oauth-authorization-server").await;
    assert_eq!(document.header("content-type"), "application/json");
    assert_eq!(document.text, get("/.well-known/openid-configuration").await.text);
    let metadata = document.json();
    for (member, expected) in [
        ("issuer", json!(ISSUER)),
        ("authorization_endpoint", json!("http://localhost:9000/auth/authorize")),
        ("token_endpoint", json!("http://localhost:9000/auth/token")),
        ("registration_endpoint", json!("http://localhost:9000/auth/register")),
        ("jwks_uri", json!("http://localhost:9000/.well-known/jwks.json")),
        ("response_types_supported", json!(["code"])),
        ("grant_types_supported", json!(["authorization_code", "refresh_token"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        (
            "token_endpoint_auth_methods_supported",
            json!(["none", "client_secret_basic", "client_secret_post"]),
        ),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("client_id_metadata_document_supported", json!(true)),
        ("scopes_supported", json!(["mcp:prompts", "mcp:read", "mcp:tools", "offline_access"])),
    ] {
        assert_eq!(metadata[member], expected, "{member}");
    }
}

#[tokio::test]
async fn programs_in_browsers_may_ask_and_pages_of_others_may_not() {
    let world = World::new();
    for (path, method, expected) in [
        ("/.well-known/oauth-authorization-server", "GET", "*"),
        ("/.well-known/openid-configuration", "GET", "*"),
        ("/auth/token", "POST", "*"),
        ("/auth/register", "POST", "*"),
        ("/auth/authorize", "GET", ""),
        ("/auth/login", "POST", ""),
        ("/auth/consent", "POST", ""),
        ("/unheard-of", "POST", ""),
    ] {
        let preflight = Request::options(path)
            .header("origin", "http://localhost:6274")
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "mcp-protocol-version,content-type");
        let answer = world.send(preflight.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.header("access-control-allow-origin"), expected, "{path}");
        assert_eq!(answer.status == 404, path == "/unheard-of", "{path}: {answer:?}");
        if expected == "*" {
            let headers = answer.header("access-control-allow-headers");
            assert!(headers == "*" || headers.contains("mcp-protocol-version"), "{path}");
        }
    }
    let form = [("grant_type", "authorization_code")];
    let refused = world.token_with(&[("origin", "http://localhost:6274")], &form).await;
    assert_eq!(refused.header("access-control-allow-origin"), "*", "errors can be read, too");
}

#[test]
fn it_does_not_open_where_other_machines_could_reach_it() {
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
