//! The compatibility matrix of MCP 2026-07-28 versioning, from the servers' side: clients of each era against a server
//! of the older era (step 8) and one of both (step 9). A server of the newer era alone is not among the steps.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{stateless, token};
use crate::support::{Answer, Ask, Server, message};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Client {
    Modern,
    DualEra,
    Legacy,
}

/// How a conversation went.
#[derive(Debug, PartialEq)]
enum Outcome {
    WorksModern,
    WorksLegacy(&'static str),
    Fails,
}

/// A JSON-RPC error by which a client knows a modern server (transports/streamable-http, "Backward Compatibility").
fn is_modern_error(answer: &Answer) -> bool {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    let code = body["error"]["code"].as_i64();
    matches!(code, Some(-32022..=-32020)) || (answer.status == 404 && code == Some(-32601))
}

async fn modern(server: &Server, token: &str) -> Result<Outcome, Answer> {
    let answer = stateless(server, token, "tools/list", Value::Null).answer().await;
    if answer.status != 200 {
        return Err(answer);
    }
    assert_eq!(answer.result()["resultType"], "complete");
    Ok(Outcome::WorksModern)
}

async fn legacy(server: &Server, token: &str, version: &'static str) -> Outcome {
    let hello = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let answer = server.rpc(token, "initialize", hello).await;
    if answer.result()["protocolVersion"] != version {
        return Outcome::Fails;
    }
    let session = answer.header("mcp-session-id").to_owned();
    let send = |body: String| {
        let request = server.mcp(token, body).header("mcp-protocol-version", version);
        let id = Some(&session).filter(|id| !id.is_empty());
        id.map(|id| request.try_clone().unwrap().header("mcp-session-id", id)).unwrap_or(request)
    };
    let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(send(note.to_owned()).answer().await.status, 202);
    let answer = send(message("tools/list", Value::Null)).answer().await;
    let result = answer.result();
    assert!(result["tools"].is_array());
    // Served by the revision that was negotiated: nothing of the newer one is in it.
    for member in ["resultType", "ttlMs", "cacheScope"] {
        assert_eq!(result.get(member), None, "{version}");
    }
    Outcome::WorksLegacy(version)
}

async fn converse(client: Client, server: &Server, version: &'static str) -> Outcome {
    let token = token(server, "alice");
    match client {
        Client::Modern => modern(server, &token).await.unwrap_or(Outcome::Fails),
        Client::Legacy => legacy(server, &token, version).await,
        Client::DualEra => match modern(server, &token).await {
            Ok(outcome) => outcome,
            Err(refusal) => {
                assert!((400..500).contains(&refusal.status), "{refusal:?}");
                assert!(!is_modern_error(&refusal), "{refusal:?}");
                legacy(server, &token, version).await
            }
        },
    }
}

#[tokio::test]
async fn the_compatibility_matrix_holds() {
    let (older, both) = (Server::start("step8"), Server::start("step9"));
    for (client, server, version, expected) in [
        (Client::Modern, &older, "", Outcome::Fails),
        (Client::Modern, &both, "", Outcome::WorksModern),
        (Client::DualEra, &older, "2025-11-25", Outcome::WorksLegacy("2025-11-25")),
        (Client::DualEra, &both, "2025-11-25", Outcome::WorksModern),
        (Client::Legacy, &older, "2025-11-25", Outcome::WorksLegacy("2025-11-25")),
        (Client::Legacy, &both, "2025-11-25", Outcome::WorksLegacy("2025-11-25")),
        (Client::Legacy, &both, "2025-06-18", Outcome::WorksLegacy("2025-06-18")),
        (Client::Legacy, &both, "2025-03-26", Outcome::WorksLegacy("2025-03-26")),
    ] {
        let outcome = converse(client, server, version).await;
        assert_eq!(outcome, expected, "{client:?} {version} at {}", server.url);
    }
}

#[tokio::test]
async fn one_endpoint_serves_both_eras_at_the_same_time() {
    let server = Arc::new(Server::start("step9"));
    let mut conversations = JoinSet::new();
    for client in [Client::Modern, Client::Legacy, Client::DualEra].repeat(8) {
        let server = Arc::clone(&server);
        conversations.spawn(async move { converse(client, &server, "2025-11-25").await });
    }
    let outcomes = conversations.join_all().await;
    assert_eq!(outcomes.iter().filter(|o| **o == Outcome::WorksModern).count(), 16);
    let older = Outcome::WorksLegacy("2025-11-25");
    assert_eq!(outcomes.iter().filter(|o| **o == older).count(), 8);
}
