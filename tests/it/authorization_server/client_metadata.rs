//! Client metadata documents, fetched from a real https server on this machine.

use std::time::Duration;

use axum::http::StatusCode;
use mcp_auth::authorization_server::ClientMetadataPolicy;
use serde_json::json;

use super::{
    metadata_host::MetadataHost,
    support::{CALLBACK, TestResponse, TestServer, claims, code_form, query},
};

pub(super) async fn open(server: &TestServer, client_id: &str) -> TestResponse {
    server.browser().open(&query(&[("client_id", client_id)])).await
}

/// A page that names the reason, without a redirect.
#[track_caller]
pub(super) fn rejected(response: &TestResponse, reason: &str, what: &str) {
    assert_eq!(
        (response.status, response.header("location")),
        (StatusCode::BAD_REQUEST, ""),
        "{what}: {response:?}"
    );
    assert!(response.text.contains(reason), "{what}: {response:?}");
}

#[tokio::test]
async fn a_client_with_a_document_gets_its_token() {
    let host = MetadataHost::open().await;
    host.publish(json!({}), "Cache-Control: max-age=300\r\n");
    let (server, id) = (host.server(), host.id());
    let query = query(&[("client_id", &id)]);
    let mut browser = server.browser();
    let page = browser.log_in(&query, "alice").await.text;
    assert!(
        page.contains("An app with a document")
            && page.contains("Described at")
            && page.contains(&id),
        "{page}"
    );
    let code = browser.allow_all(&query).await.redirect(CALLBACK)["code"].clone();
    let mut form = code_form(&code);
    form[1] = ("client_id", &id);
    let tokens = server.token(&form).await.json();
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["client_id"], id.as_str());
    assert_eq!(host.hits(), 1, "cached as HTTP says");
    server.advance(300);
    assert_eq!(open(&server, &id).await.status, StatusCode::OK);
    assert_eq!(host.hits(), 2, "and no longer than that");

    let foreign = server
        .browser()
        .open(&super::support::query(&[
            ("client_id", &id),
            ("redirect_uri", "https://evil.example/"),
        ]))
        .await;
    rejected(&foreign, "did not register", "foreign redirect");
}

#[tokio::test]
async fn an_invalid_document_is_rejected_and_not_cached() {
    let host = MetadataHost::open().await;
    let (server, id) = (host.server(), host.id());
    let json = "Content-Type: application/json\r\n";
    for (what, status, headers, body, reason) in [
        ("not found", "404 Not Found", json, "{}", "the response status was 404"),
        (
            "a redirect",
            "302 Found",
            "Location: https://localhost/other.json\r\n",
            "",
            "the response status was 302",
        ),
        ("too large", "200 OK", json, &"x".repeat(5121), "more than 5120 bytes"),
        ("a page", "200 OK", "Content-Type: text/html\r\n", "<html>", "not application/json"),
        ("no type", "200 OK", "", "{}", "not application/json"),
        ("no JSON", "200 OK", json, "client", "not a JSON object"),
        ("no id", "200 OK", json, "{}", "not a JSON object"),
    ] {
        host.respond(status, headers, body);
        rejected(&open(&server, &id).await, reason, what);
    }
    for (what, changes, reason) in [
        ("another id", json!({"client_id": "https://localhost/client.json"}), "another client_id"),
        ("a secret", json!({"client_secret": "x"}), "contains a client secret"),
        (
            "asks for a secret",
            json!({"token_endpoint_auth_method": "client_secret_post"}),
            "contains a client secret",
        ),
        (
            "no keys",
            json!({"token_endpoint_auth_method": "private_key_jwt"}),
            "private_key_jwt needs jwks or jwks_uri",
        ),
        ("no name", json!({"client_name": null}), "not a JSON object"),
        ("no redirect", json!({"redirect_uris": []}), "redirect_uris must list"),
        ("plain http", json!({"redirect_uris": ["http://app.example/cb"]}), "must use https"),
    ] {
        host.publish(changes, "Cache-Control: max-age=300\r\n");
        rejected(&open(&server, &id).await, reason, what);
    }
    *host.response.lock().unwrap() = "slow".to_owned();
    let hurried = host.server_with_timeout(Duration::from_millis(200));
    rejected(&open(&hurried, &id).await, "took too long", "slow");
    host.publish(json!({}), "Cache-Control: no-store\r\n");
    for _ in 0..2 {
        let before = host.hits();
        assert_eq!(open(&server, &id).await.status, StatusCode::OK);
        assert_eq!(host.hits(), before + 1, "no-store");
    }
}

#[tokio::test]
async fn only_public_addresses_are_fetched_from() {
    let host = MetadataHost::open().await;
    host.publish(json!({}), "");
    let port = host.port;
    let closed = TestServer::with_policy(ClientMetadataPolicy {
        root_certificates: vec![host.certificate.clone()],
        ..ClientMetadataPolicy::default()
    });
    for (host, reason) in [
        ("localhost", "not on the public internet"),
        ("127.0.0.1", "not on the public internet"),
        ("[::1]", "not on the public internet"),
        ("[::ffff:7f00:1]", "not on the public internet"),
        ("10.0.0.1", "not on the public internet"),
        ("169.254.169.254", "not on the public internet"),
        // Other notations of addresses are not what the parser writes.
        ("127.1", "not an https URL"),
        ("2130706433", "not an https URL"),
        ("0x7f.0.0.1", "not an https URL"),
    ] {
        rejected(&open(&closed, &format!("https://{host}:{port}/client.json")).await, reason, host);
    }
    for id in [
        format!("http://localhost:{port}/client.json"),
        "https://localhost/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        rejected(&open(&closed, &id).await, "not an https URL", &id);
    }
    let local = TestServer::with_policy(ClientMetadataPolicy {
        allow_loopback: true,
        ..ClientMetadataPolicy::default()
    });
    for host in ["10.0.0.1", "169.254.169.254"] {
        rejected(
            &open(&local, &format!("https://{host}/client.json")).await,
            "not on the public internet",
            host,
        );
    }
    assert_eq!(host.hits(), 0, "not even a connection");
    rejected(
        &open(&local, &host.id()).await,
        "cannot be fetched",
        "an unknown certificate authority",
    );
    assert_eq!(host.hits(), 1);
}

#[tokio::test]
async fn the_token_endpoint_needs_the_document_too() {
    let host = MetadataHost::open().await;
    host.respond("404 Not Found", "", "");
    let id = host.id();
    let mut form = code_form("x");
    form[1] = ("client_id", &id);
    let visitor = host.server();
    let response = visitor.token(&form).await;
    assert_eq!(
        (response.status, response.json()["error"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("invalid_client"))
    );
    // URLs that are never fetched do not count against the limit.
    form[1] = ("client_id", "https://10.0.0.1/x");
    for _ in 0..100 {
        assert_eq!(visitor.token(&form).await.json()["error"], "invalid_client");
    }
    // The client may exist: it need not register again.
    form[1] = ("client_id", &id);
    for _ in 0..60 {
        visitor.token(&form).await;
    }
    let response = visitor.token(&form).await;
    assert_eq!(
        (response.status, response.json()["error"].as_str(), response.header("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, Some("temporarily_unavailable"), "60")
    );
}

/// The user consents to what the page shows (MCP authorization, "Confused Deputy"): a document that changes between the
/// page and the decision must not send the code somewhere else.
#[tokio::test]
async fn a_document_that_changes_after_the_page_was_shown_gets_no_code() {
    let host = MetadataHost::open().await;
    let (server, id) = (host.server(), host.id());
    let no_store = "Cache-Control: no-store\r\n";
    for (what, changes) in [
        ("name", json!({"client_name": "Another app"})),
        (
            "redirect URIs",
            json!({"redirect_uris": ["https://evil.example/cb", "http://127.0.0.1/callback"]}),
        ),
        ("redirect URIs and no old one", json!({"redirect_uris": ["https://evil.example/cb"]})),
        ("scope", json!({"scope": "mcp:read"})),
    ] {
        host.publish(json!({}), no_store);
        let query = query(&[("client_id", &id), ("scope", "")]);
        let mut browser = server.browser();
        let page = browser.log_in(&query, "alice").await;
        let form = [
            ("csrf_token", &*page.field("csrf_token")),
            ("decision", "allow"),
            ("scope", "mcp:read"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let form: Vec<_> = form.iter().map(|(name, value)| (&**name, &**value)).collect();
        host.publish(changes, no_store);
        let response = browser.submit("consent", &query, &form).await;
        // More redirect URIs change nothing that the user saw, so the code goes where the page said.
        if what == "redirect URIs" {
            assert!(response.redirect(CALLBACK).contains_key("code"), "{what}");
            continue;
        }
        assert_eq!(response.header("location"), "", "{what}: {response:?}");
        assert!(response.status.is_client_error(), "{what}: {response:?}");
    }
}

/// OAuth 2.1, 4.1.1: without `redirect_uri` the document would decide, when the code is sent, where it goes.
#[tokio::test]
async fn a_client_with_a_document_must_name_its_redirect_uri() {
    let host = MetadataHost::open().await;
    host.publish(json!({}), "");
    let query = query(&[("client_id", &host.id()), ("redirect_uri", "")]);
    rejected(&host.server().browser().open(&query).await, "no redirect_uri", "absent");
}

/// OpenID Connect RP Metadata Choices 1.0: one document serves many authorization servers, so what is not supported
/// here is left out.
#[tokio::test]
async fn lists_are_reduced_to_what_both_sides_support() {
    let host = MetadataHost::open().await;
    let server = host.server();
    host.publish(
        json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
            "jwks_uri": "https://app.example/jwks.json",
            "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
            "response_types": ["code", "code id_token"],
            "scope": "openid mcp:read"
        }),
        "Cache-Control: max-age=60\r\n",
    );
    let id = host.id();
    let query = query(&[("client_id", &id), ("scope", "mcp:read")]);
    let mut browser = server.browser();
    browser.log_in(&query, "alice").await;
    let code = browser.allow_all(&query).await.redirect(CALLBACK)["code"].clone();
    let mut form = code_form(&code);
    form[1] = ("client_id", &id);
    let tokens = server.token(&form).await.json();
    assert_eq!(tokens["scope"], "mcp:read", "it lists none, so it needs no assertion: {tokens}");
}
