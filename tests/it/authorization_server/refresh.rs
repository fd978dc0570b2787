//! The token endpoint: refresh tokens.

use axum::http::StatusCode;
use mcp_auth::auth::verify::TokenError;
use serde_json::Value;

use super::support::{ISSUER, TestServer, claims, rejected};

async fn refresh(server: &TestServer, tokens: &Value) -> Value {
    let response = server.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(response.status, StatusCode::OK, "{response:?}");
    response.json()
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_replay_revokes_the_grant() {
    let server = TestServer::new();
    let code = server.code("alice", &[]).await;
    let first = server.exchange(&code).await.json();
    let second = server.refresh(first["refresh_token"].as_str().unwrap()).await.json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_ne!(first["access_token"], second["access_token"]);
    assert_eq!(second["scope"], "mcp:read mcp:tools offline_access");
    let third = server.refresh(second["refresh_token"].as_str().unwrap()).await.json();
    rejected(
        &server.refresh(first["refresh_token"].as_str().unwrap()).await,
        "invalid_grant",
        "replay",
    );
    for tokens in [&first, &second, &third] {
        assert_eq!(server.verify(tokens).await, Err(TokenError::Revoked));
    }
    rejected(
        &server.refresh(third["refresh_token"].as_str().unwrap()).await,
        "invalid_grant",
        "the grant is revoked",
    );
}

#[tokio::test]
async fn a_refresh_can_ask_for_less_but_not_for_more() {
    let server = TestServer::new();
    let tokens = server.exchange(&server.code("alice", &[]).await).await.json();
    let mut token = tokens["refresh_token"].as_str().unwrap().to_owned();
    for (name, value, expected) in [
        ("scope", "mcp:read", Ok("mcp:read")),
        ("scope", "mcp:read mcp:prompts", Err("invalid_scope")),
        ("resource", "https://evil.example/mcp", Err("invalid_target")),
        ("resource", ISSUER, Err("invalid_target")),
        ("scope", "mcp:read mcp:tools offline_access", Ok("mcp:read mcp:tools")),
        ("scope", "", Ok("mcp:read mcp:tools")),
    ] {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "mcp-test-client"),
            ("refresh_token", &token),
            (name, value),
        ];
        let response = server.token(&form).await;
        match expected {
            Ok(scope) => {
                let tokens = response.json();
                assert_eq!(claims(tokens["access_token"].as_str().unwrap())["scope"], scope);
                token = tokens["refresh_token"].as_str().unwrap().to_owned();
            }
            Err(error) => rejected(&response, error, value),
        }
    }
    server.advance(14 * 24 * 3600);
    rejected(&server.refresh(&token).await, "invalid_grant", "unused for two weeks");
}

/// CONTRACT: two requests of one client may run in parallel, or a response may get lost. Within the grace period the
/// same token gets the same successor, so the chain does not fork.
#[tokio::test]
async fn a_rotated_refresh_token_gets_the_same_successor_for_ten_seconds() {
    let server = TestServer::new();
    let first = server.exchange(&server.code("alice", &[]).await).await.json();
    let second = refresh(&server, &first).await;
    server.advance(9);
    let again = refresh(&server, &first).await;
    assert_eq!(second["refresh_token"], again["refresh_token"], "no fork");
    for tokens in [&first, &second, &again] {
        assert_eq!(server.verify(tokens).await, Ok(()));
    }
    let third = refresh(&server, &again).await;
    assert_ne!(third["refresh_token"], second["refresh_token"]);
    let replay = server.refresh(first["refresh_token"].as_str().unwrap()).await;
    rejected(&replay, "invalid_grant", "its successor was used");
    let third = server.refresh(third["refresh_token"].as_str().unwrap()).await;
    rejected(&third, "invalid_grant", "the grant is revoked");
}

#[tokio::test]
async fn the_grace_period_ends_and_is_for_the_same_client_only() {
    let other = r#"{"redirect_uris":["http://localhost/cb"],"token_endpoint_auth_method":"none"}"#;
    for (what, grace, seconds, other_client) in [
        ("after the grace period", 10, 10, false),
        ("switched off", 0, 0, false),
        ("another client", 10, 1, true),
    ] {
        let server = TestServer::with(|server| server.refresh_grace(grace));
        let other = server.register(serde_json::from_str(other).unwrap()).await;
        let first = server.exchange(&server.code("alice", &[]).await).await.json();
        let second = refresh(&server, &first).await;
        server.advance(seconds);
        let client_id = match other_client {
            true => other["client_id"].as_str().unwrap(),
            false => "mcp-test-client",
        };
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("refresh_token", first["refresh_token"].as_str().unwrap()),
        ];
        rejected(&server.token(&form).await, "invalid_grant", what);
        assert_eq!(server.verify(&second).await, Err(TokenError::Revoked), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_refreshes_all_get_the_same_successor() {
    let server = TestServer::new();
    let first = server.exchange(&server.code("alice", &[]).await).await.json();
    let requests: Vec<_> = (0..16)
        .map(|_| {
            let (server, first) = (server.clone(), first.clone());
            tokio::spawn(async move { refresh(&server, &first).await })
        })
        .collect();
    let mut successors = Vec::new();
    for request in requests {
        successors.push(request.await.unwrap()["refresh_token"].as_str().unwrap().to_owned());
    }
    successors.dedup();
    assert_eq!(successors.len(), 1, "{successors:?}");
    assert_eq!(server.refresh(&successors[0]).await.status, StatusCode::OK);
}
