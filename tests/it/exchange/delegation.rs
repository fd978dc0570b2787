//! What is sent to whom, and for whom.

use serde_json::{Value, json};

use super::{Reply, SECRET, Scene, Server, TOKEN_ENDPOINT, flags};
use crate::support::{Ask, message};

#[tokio::test]
async fn the_api_gets_a_token_of_its_own_and_never_the_users() {
    let scene = Scene::new().await;
    let user_token = scene.user_token("mcp:tools downstream:read");
    for _ in 0..3 {
        let result = scene.list_orders(&user_token).await.result();
        assert_eq!(result["structuredContent"]["customer"], "mcp-user");
        assert_eq!(result["content"][0]["text"], "Orders of mcp-user: 1\n1001: a book, shipped");
    }
    let exchanges = scene.provider.requests(TOKEN_ENDPOINT);
    assert_eq!(exchanges.len(), 1, "the exchanged token is cached");
    assert!(exchanges[0].1.contains(&format!("subject_token={user_token}")));

    let exchanged = scene.exchanged_token.clone();
    let requests = scene.api.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert!(request.starts_with("GET /orders "), "{request}");
        assert!(request.contains(&format!("Bearer {exchanged}")), "{request}");
        assert!(!request.contains(&user_token), "{request}");
    }
    // Neither can be used in place of the other.
    let answer = scene.server.rpc(&exchanged, "ping", Value::Null).await;
    assert_eq!((answer.status, &*answer.detail()), (401, "Invalid token audience"));
    let request = crate::support::client().get(&scene.api.url).bearer_auth(&user_token);
    assert_eq!(request.answer().await.status, 401);
    for token in [&user_token, &exchanged, &SECRET.to_owned()] {
        assert!(!scene.server.log().contains(token), "{}", scene.server.log());
    }
}

#[tokio::test]
async fn each_user_gets_a_token_of_their_own() {
    let scene = Scene::new().await;
    for scope in ["mcp:tools downstream:read", "mcp:read mcp:tools downstream:read"] {
        scene.list_orders(&scene.user_token(scope)).await.result();
    }
    assert_eq!(scene.provider.count(TOKEN_ENDPOINT), 2);
}

#[tokio::test]
async fn a_user_without_the_scope_is_asked_for_it_and_nothing_is_sent() {
    let scene = Scene::new().await;
    let token = scene.user_token("mcp:tools");
    let tools = scene.server.rpc(&token, "tools/list", json!({})).await.result();
    assert!(tools["tools"].as_array().unwrap().iter().any(|tool| tool["name"] == "list_orders"));

    let answer = scene.list_orders(&token).await;
    assert_eq!((answer.status, answer.error().0), (403, -32001));
    let stateless = scene
        .server
        .mcp(
            &token,
            message(
                "tools/call",
                json!({
                    "name": "list_orders", "arguments": {}, "_meta": {
                        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                        "io.modelcontextprotocol/clientCapabilities": {},
                    },
                }),
            ),
        )
        .header("MCP-Protocol-Version", "2026-07-28")
        .header("Mcp-Method", "tools/call")
        .header("Mcp-Name", "list_orders")
        .answer()
        .await;
    assert_eq!((stateless.status, stateless.error().0), (403, 403));
    for answer in [answer, stateless] {
        let challenge = answer.header("www-authenticate");
        for part in
            [r#"error="insufficient_scope""#, r#"scope="downstream:read""#, "resource_metadata="]
        {
            assert!(challenge.contains(part), "{challenge}");
        }
    }
    assert_eq!((scene.provider.count(TOKEN_ENDPOINT), scene.api.requests().len()), (0, 0));

    // The step-up: another token of the same user.
    let token = scene.user_token("mcp:tools downstream:read");
    scene.list_orders(&token).await.result();
    // The policy of the methods still counts.
    let answer = scene.list_orders(&scene.user_token("downstream:read")).await;
    assert!(answer.header("www-authenticate").contains(r#"scope="mcp:tools""#), "{answer:?}");
}

#[tokio::test]
async fn without_the_settings_there_is_no_tool_and_with_some_of_them_no_server() {
    let scene = Scene::new().await;
    let health = scene.server.get("/health").await.json();
    assert_eq!(health["tools"], json!(["echo", "get_time", "whoami", "list_orders"]));
    // The guide draws the API as a fourth participant.
    assert!(scene.server.get("/docs").await.body.contains("Other API"));
    let document = scene.server.get("/.well-known/oauth-protected-resource/mcp").await.json();
    let issuer = scene.provider.issuer();
    let plain = Server::start_with("step10", [format!("--issuer={issuer}")]);
    assert_eq!(plain.get("/health").await.json()["tools"], json!(["echo", "get_time", "whoami"]));
    assert!(!plain.get("/docs").await.body.contains("Other API"));
    let other = plain.get("/.well-known/oauth-protected-resource/mcp").await.json();
    assert_eq!(document["scopes_supported"], other["scopes_supported"], "asked for when needed");

    let all = flags(&issuer, "http://localhost:1/orders");
    for missing in &all[1..] {
        let some = all.iter().filter(|flag| *flag != missing);
        let Err(log) = Server::try_start("step10", some) else {
            panic!("it starts without {missing}");
        };
        assert!(log.contains(missing.split('=').next().unwrap()), "{log}");
        assert!(!log.contains(SECRET), "{log}");
    }
    let log = Server::try_start("step10", flags(&issuer, "http://orders.example.com/")).err();
    let log = log.expect("no token is sent in clear");
    assert!(log.contains("http://orders.example.com/: use https"), "{log}");
}

#[tokio::test]
async fn a_token_that_the_user_revoked_is_not_exchanged_again() {
    let scene = Scene::new().await;
    let token = scene.user_token("mcp:tools downstream:read");
    let refused = json!({"error": "invalid_request", "error_description": "Invalid token"});
    scene.provider.set(TOKEN_ENDPOINT, Reply::Error(400, refused));
    for _ in 0..3 {
        let text = super::tool_error(&scene.list_orders(&token).await);
        assert!(
            text.ends_with("your login has ended at the identity provider; log in again"),
            "{text}"
        );
    }
    assert_eq!(scene.provider.count(TOKEN_ENDPOINT), 1);
    assert_eq!(scene.api.requests().len(), 0);
    scene.server.wait_for_log("the user has logged out");
}
