//! `recent_calls`: what the server records about each call.

use serde_json::{Value, json};

use super::{Era, token};
use crate::support::{Server, claims, key_pair};

#[tokio::test]
async fn recent_calls_show_user_target_and_result_but_no_token() {
    let server = Server::start("step9");
    let (alice, bob, admin) =
        (token(&server, "alice"), token(&server, "bob"), token(&server, "admin"));
    let echo = json!({"name": "echo", "arguments": {"message": "a secret"}});
    Era::Legacy.ask(&server, &alice, "tools/call", echo.clone()).await;
    Era::Stateless.ask(&server, &bob, "tools/call", echo).await;
    Era::Stateless.ask(&server, &bob, "tools/call", json!({"name": "made up"})).await;
    // A name where none belongs, and one that nobody has looked at.
    Era::Legacy.ask(&server, &bob, "ping", json!({"name": "made up"})).await;
    let nothing = server.token("carol", "");
    Era::Stateless.ask(&server, &nothing, "resources/read", json!({"uri": "made up"})).await;
    let params = json!({"name": "recent_calls", "arguments": {"limit": 5}});
    let answer = Era::Stateless.ask(&server, &admin, "tools/call", params).await;
    let calls = answer.result()["structuredContent"]["calls"].clone();
    let told: Vec<_> = calls
        .as_array()
        .unwrap()
        .iter()
        .map(|call| (call["user"].clone(), call["target"].clone(), call["result"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!("carol"), Value::Null, json!("refused")),
            (json!("bob"), Value::Null, json!("answered")),
            (json!("bob"), Value::Null, json!("failed")),
            (json!("bob"), json!("echo"), json!("refused")),
            (json!("alice"), json!("echo"), json!("answered")),
        ]
    );
    for secret in [alice.as_str(), &bob, "a secret", "made up"] {
        assert!(!answer.body.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_call_log_shows_names_on_one_short_line() {
    let server = Server::start("step9");
    let mut claims = claims("eve\n2026-01-01T00:00:00Z admin tools/call", "mcp:tools");
    claims["client_id"] = json!("x".repeat(4000));
    let eve = key_pair().sign("JWT", &claims).expect("a token");
    Era::Stateless.ask(&server, &eve, "tools/call", json!({"name": "whoami"})).await;
    let admin = token(&server, "admin");
    let params = json!({"name": "recent_calls"});
    let result = Era::Stateless.ask(&server, &admin, "tools/call", params).await.result();
    let call = &result["structuredContent"]["calls"][0];
    assert_eq!(call["user"], "eve\u{fffd}2026-01-01T00:00:00Z admin tools/call");
    assert_eq!(call["client"].as_str().map(str::len), Some(100));
    assert_eq!(result["content"][0]["text"].as_str().unwrap().lines().count(), 1);
}

#[tokio::test]
async fn recent_calls_accepts_the_limits_that_its_schema_allows() {
    let server = Server::start("step9");
    let admin = token(&server, "admin");
    for (limit, expected) in [
        // A call is listed when it has ended, so that the first one sees nothing.
        (json!(200), Ok(0)),
        (json!(200), Ok(1)),
        (json!("1"), Ok(1)),
        (json!(0), Err("limit must be a whole number from 1 to 200")),
        (json!(201), Err("limit must be a whole number from 1 to 200")),
        (json!(255), Err("limit must be a whole number from 1 to 200")),
        (json!(1.5), Err("limit must be a whole number from 1 to 200")),
    ] {
        let params = json!({"name": "recent_calls", "arguments": {"limit": limit}});
        let result = Era::Stateless.ask(&server, &admin, "tools/call", params).await.result();
        let text = result["content"][0]["text"].as_str().unwrap();
        match expected {
            Ok(count) => {
                let calls = result["structuredContent"]["calls"].as_array().unwrap();
                assert_eq!(calls.len(), count, "{limit}: {result}");
            }
            Err(why) => assert!(result["isError"] == true && text.contains(why), "{limit}: {text}"),
        }
    }
}
