//! Sessions of the older revisions (MCP 2025-11-25 transports, "Session Management").

use serde_json::{Value, json};

use super::{stateless, token};
use crate::support::{Answer, Ask, Server, message};

async fn list(server: &Server, token: &str, session: &str) -> Answer {
    let request = server.mcp(token, message("tools/list", Value::Null));
    request.header("mcp-session-id", session).answer().await
}

async fn begin(server: &Server, token: &str) -> String {
    let answer = server.rpc(token, "initialize", json!({"protocolVersion": "2025-11-25"})).await;
    let id = answer.header("mcp-session-id").to_owned();
    assert!(id.len() >= 32 && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
    id
}

#[tokio::test]
async fn a_session_is_valid_until_its_caller_deletes_it() {
    let server = Server::start("step9");
    let (alice, bob) = (token(&server, "alice"), token(&server, "bob"));
    let id = begin(&server, &alice).await;
    assert_ne!(id, begin(&server, &alice).await);
    assert_eq!(list(&server, &alice, &id).await.status, 200);

    // In other hands it is worth nothing, and nobody learns that it exists.
    for (token, session) in [(&bob, id.as_str()), (&alice, "made-up"), (&alice, "")] {
        let answer = list(&server, token, session).await;
        assert_eq!(answer.status, 404, "{session}");
        assert_eq!(answer.detail(), "session not found; send initialize without Mcp-Session-Id");
    }
    let end = |token: &str, id: &str| {
        let request = server.request("DELETE", "/mcp").bearer_auth(token);
        request.header("mcp-session-id", id.to_owned()).answer()
    };
    assert_eq!(end(&bob, &id).await.status, 404);
    for version in ["2026-07-28", "1999-01-01"] {
        let request = server.request("DELETE", "/mcp").bearer_auth(&alice);
        let request = request.header("mcp-session-id", &id).header("mcp-protocol-version", version);
        assert_eq!(request.answer().await.status, 400, "{version} has no sessions");
    }
    assert_eq!(list(&server, &alice, &id).await.status, 200);

    assert_eq!(end(&alice, &id).await.status, 204);
    assert_eq!(list(&server, &alice, &id).await.status, 404);
    assert_eq!(end(&alice, &id).await.status, 404);
    // Notifications belong to sessions as well.
    let note = server.mcp(&alice, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert_eq!(note.header("mcp-session-id", &id).answer().await.status, 404);
}

#[tokio::test]
async fn sessions_are_optional_and_the_stateless_era_ignores_them() {
    let server = Server::start("step9");
    let alice = token(&server, "alice");
    assert_eq!(server.rpc(&alice, "tools/list", Value::Null).await.status, 200);
    let request = stateless(&server, &alice, "tools/list", Value::Null);
    let answer = request.header("mcp-session-id", "made-up").answer().await;
    assert_eq!((answer.status, answer.header("mcp-session-id")), (200, ""));
    // Without a session there is nothing to delete: GET and DELETE are not of the newer era.
    for method in ["GET", "DELETE"] {
        let answer = server.request(method, "/mcp").bearer_auth(&alice).answer().await;
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.header("allow").contains("POST"), "{method}: {:?}", answer.headers);
    }
}

#[tokio::test]
async fn a_failed_initialize_creates_no_session() {
    let server = Server::start("step9");
    let alice = token(&server, "alice");
    let answer = server.rpc(&alice, "initialize", json!({"protocolVersion": 5})).await;
    assert_eq!((answer.error().0, answer.header("mcp-session-id")), (-32602, ""));
}

#[tokio::test]
async fn a_session_is_no_authentication() {
    let server = Server::start("step9");
    let id = begin(&server, &token(&server, "alice")).await;
    assert_eq!(list(&server, "", &id).await.status, 401);
    let end = server.request("DELETE", "/mcp").header("mcp-session-id", &id);
    assert_eq!(end.answer().await.status, 401);
}

#[tokio::test]
async fn replicas_that_share_a_secret_share_sessions_and_others_do_not() {
    let secret = "0123456789abcdef0123456789abcdef";
    let [one, two, other] = [&["--signing-secret", secret][..], &["--signing-secret", secret], &[]]
        .map(|more| Server::start_with("step9", more));
    let (alice, bob) = (token(&one, "alice"), token(&one, "bob"));
    let id = begin(&one, &alice).await;
    assert_eq!(list(&two, &alice, &id).await.status, 200);
    assert_eq!(list(&two, &bob, &id).await.status, 404, "in other hands");
    assert_eq!(list(&other, &alice, &id).await.status, 404);
}

#[tokio::test]
async fn tokens_without_a_subject_share_no_session() {
    // They share the name `unknown` too (MCP security best practices, "Session Hijacking": bind a session to the user).
    let server = Server::start("step9");
    let [one, other] = ["one", "other"].map(|id| {
        let mut claims = crate::support::claims("alice", "mcp:tools");
        claims["jti"] = json!(id);
        let claims = claims.as_object_mut().expect("an object");
        claims.remove("sub");
        claims.remove("preferred_username");
        crate::support::key_pair().sign("JWT", &claims).expect("a token")
    });
    let id = begin(&server, &one).await;
    assert_eq!(list(&server, &one, &id).await.status, 200);
    assert_eq!(list(&server, &other, &id).await.status, 404);
}
