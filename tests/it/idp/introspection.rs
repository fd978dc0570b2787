//! Opaque tokens: introspection (RFC 7662).

use std::{sync::Arc, time::Duration};

use mcp_auth::{
    auth::{
        provider::ProviderClient,
        verify::{
            TokenVerifier, TrustedIssuer,
            introspection::Introspection,
            remote_jwks::{JwksCacheConfig, RemoteJwks},
        },
    },
    test_support::{Provider, Reply},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Server, now};

const ENDPOINT: &str = "/realms/test/introspect";

fn active(more: Value) -> Value {
    let mut answer = json!({
        "active": true, "client_id": "l238", "username": "jdoe", "scope": "mcp:tools", "sub": "Z5O3",
        "aud": "echo-mcp-server", "exp": now() + 300, "iat": now(), "token_type": "Bearer",
    });
    answer.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    answer
}

fn step10(provider: &Provider) -> Server {
    Server::start_with(
        "step10",
        [
            "--issuer",
            &provider.issuer(),
            "--introspection-client-id",
            "mcp server",
            "--introspection-client-secret",
            "a+b:c%",
        ],
    )
}

#[tokio::test]
async fn an_opaque_token_is_introspected_with_the_servers_credentials() {
    let provider = Provider::start(&[]).await;
    provider.set(ENDPOINT, Reply::Json(active(json!({}))));
    let server = step10(&provider);
    for _ in 0..5 {
        let result = server.rpc("2YotnFZFEjr1zCsicMWpAA", "initialize", json!({})).await.result();
        assert_eq!(result["serverInfo"]["authenticatedUser"], "jdoe");
        assert_eq!(result["serverInfo"]["userScopes"], json!(["mcp:tools"]));
    }
    let requests = provider.requests(ENDPOINT);
    assert_eq!(requests.len(), 1, "the response is cached");
    // form-urlencoded before base64 (RFC 6749, 2.3.1): mcp+server:a%2Bb%3Ac%25
    assert_eq!(requests[0].0, "Basic bWNwK3NlcnZlcjphJTJCYiUzQWMlMjU=");
    assert_eq!(requests[0].1, "token=2YotnFZFEjr1zCsicMWpAA&token_type_hint=access_token");
    assert!(!server.log().contains("a+b") && !server.log().contains("2YotnFZ"));
}

#[tokio::test]
async fn the_response_has_to_pass_the_same_checks() {
    for (name, answer, status, detail) in [
        ("not active", json!({"active": false}), 401, "Invalid token"),
        ("active as text", active(json!({"active": "true"})), 401, "Invalid token"),
        ("expired", active(json!({"exp": now() - 10})), 401, "Token has expired"),
        ("not yet", active(json!({"nbf": now() + 60})), 401, "Token is not yet valid"),
        ("for somebody else", active(json!({"aud": "other"})), 401, "Invalid token audience"),
        ("for whom, is not said", active(json!({"aud": null})), 401, "Invalid token"),
        ("of somebody else", active(json!({"iss": "https://x"})), 401, "Invalid token issuer"),
        ("a refresh token", active(json!({"typ": "Refresh"})), 401, "Invalid token"),
        ("bound to a key", active(json!({"token_type": "DPoP"})), 401, "Invalid token"),
        // RFC 9449, 6.2 and RFC 8705, 3.2
        ("bound by cnf", active(json!({"cnf": {"jkt": "x"}})), 401, "Token is bound to a key"),
        ("no answer", json!(["active"]), 503, "cannot verify the token: "),
    ] {
        let provider = Provider::start(&[]).await;
        provider.set(ENDPOINT, Reply::Json(answer));
        let answer = step10(&provider).rpc("opaque", "ping", json!({})).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert!(answer.detail().starts_with(detail), "{name}: {answer:?}");
    }
}

/// Anybody can send a token that makes the endpoint fail.
#[tokio::test]
async fn a_failure_about_one_token_does_not_affect_others_and_is_not_requested_again_at_once() {
    for (name, reply) in [
        ("not understood", Reply::Status(400)),
        // A firewall may dislike this one token.
        ("forbidden", Reply::Status(403)),
        ("an error of the server", Reply::Status(500)),
        ("a page", Reply::Text("<html>".to_owned())),
        ("too much", Reply::Endless),
    ] {
        let provider = Provider::start(&[]).await;
        let server = step10(&provider);
        provider.set(ENDPOINT, reply);
        for _ in 0..3 {
            let answer = server.rpc("strange", "ping", json!({})).await;
            assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{name}");
        }
        assert_eq!(provider.count(ENDPOINT), 1, "{name}");
        provider.set(ENDPOINT, Reply::Json(active(json!({}))));
        assert_eq!(server.rpc("good", "ping", json!({})).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn an_endpoint_that_fails_for_all_tokens_is_503_and_not_requested_again_at_once() {
    for (name, reply, expected) in [
        ("credentials", Reply::Status(401), "rejects this server's credentials"),
        ("rate limit", Reply::Status(429), "answered with status 429"),
        (
            "another origin",
            Reply::Redirect("http://127.0.0.1:1/".to_owned()),
            "redirects elsewhere",
        ),
    ] {
        let provider = Provider::start(&[]).await;
        provider.set(ENDPOINT, reply);
        let server = step10(&provider);
        for number in 0..5 {
            let answer = server.rpc(&format!("opaque{number}"), "ping", json!({})).await;
            assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{name}");
            assert!(answer.detail().contains(expected), "{name}: {}", answer.detail());
        }
        assert_eq!(provider.count(ENDPOINT), 1, "{name}");
    }
}

#[tokio::test]
async fn many_requests_with_one_token_are_one_introspection() {
    let provider = Provider::start(&[]).await;
    let answer = Box::new(Reply::Json(active(json!({}))));
    provider.set(ENDPOINT, Reply::Slow(Duration::from_millis(200), answer));
    let idp = ProviderClient::new(&provider.issuer(), false).unwrap();
    let keys = RemoteJwks::new(&idp, None, JwksCacheConfig::default());
    let introspection = Introspection::new(&idp, None, "me", "secret");
    let issuer = TrustedIssuer::from_remote(&keys, ["echo-mcp-server"]);
    let verifier = Arc::new(TokenVerifier::new().trust(issuer.with_introspection(&introspection)));
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let verifier = Arc::clone(&verifier);
        requests.spawn(async move { verifier.verify("opaque").await.is_ok() });
    }
    while let Some(good) = requests.join_next().await {
        assert!(good.unwrap());
    }
    assert_eq!(provider.count(ENDPOINT), 1);
}

#[tokio::test]
async fn without_the_setting_opaque_tokens_are_rejected_without_a_request() {
    let provider = Provider::start(&[]).await;
    let server = Server::start_with("step10", ["--issuer", &provider.issuer()]);
    let answer = server.rpc("ya29.a0AfB_opaque", "ping", json!({})).await;
    assert_eq!((answer.status, answer.detail().as_str()), (401, "Invalid token"));
    assert_eq!(provider.count(ENDPOINT), 0);
    server.wait_for_log("opaque tokens need --introspection-client-id");
}
