//! A provider without usable keys: what clients, `/health` and the log are told.

use std::time::Duration;

use jsonwebtoken::Algorithm::RS256;
use mcp_auth::test_support::{Provider, Reply, SigningKey};
use serde_json::json;
use tokio::time::timeout;

use super::keys::{ping, step10, token};
use crate::support::Server;

#[tokio::test]
async fn without_keys_the_response_is_503_and_says_what_is_missing() {
    let key = SigningKey::new(RS256, "current");
    let elsewhere = Provider::start(&[&key]).await;
    let moved = format!("{}/stolen", elsewhere.origin);
    for (name, reply, expected) in [
        ("an error", Reply::Status(500), "answered with status 500"),
        ("a page", Reply::Text("<html>".to_owned()), "is not a JWK Set"),
        ("no keys", Reply::Json(json!({"keys": []})), "publishes no signing key"),
        ("no list", Reply::Json(json!({"keys": {"kid": "current"}})), "is not a JWK Set"),
        ("too much", Reply::Endless, "is too large"),
        ("another host", Reply::Redirect(moved), "redirects elsewhere"),
        ("a circle", Reply::Redirect("/realms/test/keys".to_owned()), "redirects elsewhere"),
    ] {
        let provider = Provider::start(&[&key]).await;
        provider.set_keys(reply);
        let server = step10(&provider);
        let answer = ping(&server, &token(&provider, &key, 0)).await;
        assert_eq!(answer.status, 503, "{name}: {answer:?}");
        assert!(answer.detail().contains(expected), "{name}: {}", answer.detail());
        assert_eq!(answer.header("retry-after"), "5", "{name}");
        assert_eq!(answer.header("www-authenticate"), "", "{name}: the token may be good");
        let health = server.get("/health").await;
        assert_eq!(
            (health.status, &health.json()["jwks_available"]),
            (200, &json!(false)),
            "{name}"
        );
        assert!(
            health.json()["providers"][0]["error"].as_str().unwrap().contains(expected),
            "{name}"
        );
    }
    assert_eq!(elsewhere.count("/stolen"), 0);
}

#[tokio::test]
async fn an_unreachable_provider_is_503_and_health_is_200() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let issuer = format!("http://127.0.0.1:{}/realms/test", closed.port());
    let server = Server::start_with("step10", ["--issuer", &issuer]);
    let health = server.get("/health").await;
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("healthy")));
    let key = SigningKey::new(RS256, "any");
    let claims = json!({"iss": issuer, "aud": "echo-mcp-server", "exp": u32::MAX});
    let answer = ping(&server, &key.sign(&claims)).await;
    assert_eq!(answer.status, 503);
    // Neither the address nor the operating system's error.
    assert_eq!(answer.detail(), "cannot verify the token: the identity provider cannot be reached");
    server.wait_for_log(&format!("cannot reach http://127.0.0.1:{}", closed.port()));
    // Without a token no key is missing.
    assert_eq!(ping(&server, "").await.status, 401);
}

#[tokio::test]
async fn a_provider_that_hangs_from_the_start_does_not_delay_health() {
    let provider = Provider::start(&[]).await;
    provider.set_keys(Reply::Slow(Duration::from_secs(60), Box::new(Reply::Status(503))));
    let server = step10(&provider);
    // The provider would take a minute.
    let health = timeout(Duration::from_secs(30), server.get("/health")).await.expect("an answer");
    assert_eq!((health.status, &health.json()["jwks_available"]), (200, &json!(false)));
}

#[tokio::test]
async fn neither_health_nor_rejections_show_internal_urls() {
    let provider = Provider::start(&[]).await;
    let (path, secret) = ("/realms/test/keys", "api_key=s3cret");
    let keys = format!("{}{path}?{secret}", provider.origin);
    provider.set_keys(Reply::Status(500));
    let issuer = provider.issuer();
    let server = Server::start_with("step10", ["--issuer", &issuer, "--jwks-url", &keys]);
    let key = SigningKey::new(RS256, "current");
    let rejected = ping(&server, &token(&provider, &key, 0)).await;
    assert_eq!(
        rejected.detail(),
        "cannot verify the token: the identity provider answered with status 500"
    );
    let health = server.get("/health").await;
    assert_eq!(
        health.json()["providers"][0]["error"],
        "the identity provider answered with status 500"
    );
    for text in [health.body, server.log()] {
        assert!(!text.contains(secret), "{text}");
    }
    server.wait_for_log(&format!("{path} answered with status 500"));
}
