//! `POST /auth/revoke` (RFC 7009).

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use mcp_auth::auth::verify::TokenError;
use serde_json::json;

use super::support::{TestResponse, TestServer, encode, rejected};

async fn revoke(server: &TestServer, form: &[(&str, &str)]) -> TestResponse {
    let request = Request::post("/auth/revoke")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    server.send(request.body(Body::from(encode(form))).unwrap()).await
}

#[tokio::test]
async fn either_token_revokes_the_whole_grant_and_no_other() {
    let server = TestServer::new();
    let other = server.exchange(&server.code("alice", &[]).await).await.json();
    for kind in ["refresh_token", "access_token"] {
        let tokens = server.exchange(&server.code("alice", &[]).await).await.json();
        let form = [("client_id", "mcp-test-client"), ("token", tokens[kind].as_str().unwrap())];
        let response = revoke(&server, &form).await;
        assert_eq!((response.status, &*response.text), (StatusCode::OK, ""), "{kind}");
        assert_eq!(server.verify(&tokens).await, Err(TokenError::Revoked), "{kind}");
        // Also when the access tokens have expired, and with them what is kept about their revocation.
        server.advance(1000);
        let refresh = server.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        rejected(&refresh, "invalid_grant", kind);
        assert_eq!(revoke(&server, &form).await.status, StatusCode::OK, "again: {kind}");
    }
    let refreshed = server.refresh(other["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refreshed.status, StatusCode::OK, "another grant of the same user and client");
}

#[tokio::test]
async fn the_previous_refresh_token_revokes_the_grant_when_its_successor_was_lost() {
    let server = TestServer::new();
    let tokens = server.exchange(&server.code("alice", &[]).await).await.json();
    let previous = tokens["refresh_token"].as_str().unwrap();
    let successor = server.refresh(previous).await.json();
    let form = [("client_id", "mcp-test-client"), ("token", previous)];
    assert_eq!(revoke(&server, &form).await.status, StatusCode::OK);
    assert_eq!(server.verify(&successor).await, Err(TokenError::Revoked));
    let refresh = server.refresh(successor["refresh_token"].as_str().unwrap()).await;
    rejected(&refresh, "invalid_grant", "the successor");
}

#[tokio::test]
async fn a_client_revokes_only_its_own_tokens() {
    let server = TestServer::new();
    let metadata =
        json!({"redirect_uris": ["http://localhost/cb"], "token_endpoint_auth_method": "none"});
    let other = server.register(metadata).await["client_id"].as_str().unwrap().to_owned();
    let tokens = server.exchange(&server.code("alice", &[]).await).await.json();
    for kind in ["refresh_token", "access_token"] {
        let form = [("client_id", &*other), ("token", tokens[kind].as_str().unwrap())];
        rejected(&revoke(&server, &form).await, "invalid_grant", kind);
    }
    assert_eq!(server.verify(&tokens).await, Ok(()));
    for token in ["unknown", "a.b", "a.b.c"] {
        let form = [("client_id", "mcp-test-client"), ("token", token)];
        assert_eq!(revoke(&server, &form).await.status, StatusCode::OK, "{token} (RFC 7009, 2.2)");
    }
    rejected(&revoke(&server, &[("token", "x")]).await, "invalid_request", "no client");
    rejected(&revoke(&server, &[("client_id", &other)]).await, "invalid_request", "no token");
    let unknown = [("client_id", "nobody"), ("token", "x")];
    rejected(&revoke(&server, &unknown).await, "invalid_client", "unknown client");
}
