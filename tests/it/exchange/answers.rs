//! What the user reads when there is no token for the API, or no answer of it.

use std::time::Duration;

use serde_json::json;

use super::{Reply, Scene, TOKEN_ENDPOINT, tool_error};

#[tokio::test]
async fn a_refused_exchange_is_a_result_that_says_whom_to_ask_and_the_log_says_what_to_change() {
    let refusal = |status, error: &str, description: &str| {
        Reply::Error(status, json!({"error": error, "error_description": description}))
    };
    let ask = "the identity provider issues no token for this; the server's log says why";
    for (name, reply, expected, logged) in [
        (
            "the client is not in aud",
            refusal(403, "access_denied", "Client is not within the token audience"),
            ask,
            "EXCHANGE_CLIENT_ID must be in the `aud`",
        ),
        ("credentials", refusal(401, "invalid_client", "no"), ask, "EXCHANGE_CLIENT_SECRET"),
        (
            "the audience is unknown",
            refusal(400, "invalid_client", "Audience not found"),
            ask,
            "check DOWNSTREAM_AUDIENCE",
        ),
        (
            "the scope is not granted",
            refusal(400, "invalid_scope", "Invalid scopes: downstream:read"),
            "the identity provider does not grant downstream:read to you",
            "check DOWNSTREAM_SCOPE",
        ),
        (
            "an error of the provider",
            Reply::Status(500),
            "the identity provider answered with status 500; try again later",
            "with status 500",
        ),
        ("a page", Reply::Text("<html>".to_owned()), ask, "is no token exchange response"),
        (
            "elsewhere",
            Reply::Redirect("http://127.0.0.1:1/".to_owned()),
            "the identity provider redirects elsewhere; try again later",
            "redirects to another origin",
        ),
        (
            "no end",
            Reply::Endless,
            "a response of the identity provider is too large; try again later",
            "is larger than",
        ),
        (
            "no answer",
            Reply::Slow(Duration::from_secs(60), Reply::Status(200).into()),
            "the identity provider cannot be reached; try again later",
            "(timeout)",
        ),
    ] {
        let scene = Scene::new().await;
        scene.provider.set(TOKEN_ENDPOINT, reply);
        let answer = scene.list_orders(&scene.user_token("mcp:tools downstream:read")).await;
        assert_eq!(tool_error(&answer), format!("cannot read your orders: {expected}"), "{name}");
        scene.server.wait_for_log(logged);
        assert_eq!(scene.api.requests().len(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_wider_scope_than_was_asked_for_is_not_used() {
    let scene = Scene::new().await;
    let mut response = scene.response();
    response["scope"] = "downstream:read downstream:write".into();
    scene.provider.set(TOKEN_ENDPOINT, Reply::Json(response));
    tool_error(&scene.list_orders(&scene.user_token("mcp:tools downstream:read")).await);
    scene.server.wait_for_log("take the default scopes from the client");
    assert_eq!(scene.api.requests().len(), 0);
}

#[tokio::test]
async fn the_provider_is_down() {
    let scene = Scene::new().await;
    let token = scene.user_token("mcp:tools downstream:read");
    // The keys are known, so the token is valid; its exchange needs the provider.
    scene.list_orders(&token).await.result();
    let other = scene.user_token("mcp:read mcp:tools downstream:read");
    drop(scene.provider);
    let params = json!({"name": "list_orders", "arguments": {}});
    let answer = scene.server.rpc(&other, "tools/call", params.clone()).await;
    assert!(tool_error(&answer).contains("the identity provider cannot be reached"), "{answer:?}");
    scene.server.rpc(&token, "tools/call", params).await.result();
}

#[tokio::test]
async fn an_answer_of_the_api_that_is_of_no_use_is_a_result_that_says_so() {
    for (name, reply, expected, logged) in [
        (
            "401",
            Reply::Status(401),
            "the API does not accept this server; the server's log says why",
            "must trust the same provider and accept the audience downstream-api",
        ),
        ("403", Reply::Status(403), "the API does not allow this to you", "refuses the user (403)"),
        ("500", Reply::Status(500), "the API answered with status 500", "with status 500"),
        // A redirect could lead the token to another server.
        (
            "302",
            Reply::Redirect("http://127.0.0.1:1/".to_owned()),
            "the API answered with status 302",
            "with status 302",
        ),
        (
            "a page",
            Reply::Text("<html>".to_owned()),
            "the answer of the API is not the JSON that was expected",
            "line 1, column 1",
        ),
        (
            "other JSON",
            Reply::Json(json!({"customer": "secret of the user", "orders": 7})),
            "the answer of the API is not the JSON that was expected",
            "is not the JSON that was expected",
        ),
        ("no end", Reply::Endless, "the answer of the API is too large", "is larger than"),
    ] {
        let scene = Scene::with_api(Some(reply)).await;
        let answer = scene.list_orders(&scene.user_token("mcp:tools downstream:read")).await;
        assert_eq!(tool_error(&answer), format!("cannot read your orders: {expected}"), "{name}");
        scene.server.wait_for_log(logged);
        assert!(!scene.server.log().contains("secret of the user"), "{name}");
    }
}

#[tokio::test]
async fn a_token_that_the_api_rejects_is_exchanged_anew() {
    let scene = Scene::with_api(Some(Reply::Status(401))).await;
    let token = scene.user_token("mcp:tools downstream:read");
    for _ in 0..2 {
        tool_error(&scene.list_orders(&token).await);
    }
    assert_eq!(scene.provider.count(TOKEN_ENDPOINT), 2);
    let orders = json!({"customer": "mcp-user", "orders": []});
    scene.provider.set("/orders", Reply::Json(orders.clone()));
    assert_eq!(scene.list_orders(&token).await.result()["structuredContent"], orders);
}

#[tokio::test]
async fn the_api_is_down() {
    let scene = Scene::new().await;
    drop(scene.api);
    let params = json!({"name": "list_orders", "arguments": {}});
    let token = scene.key.sign(&scene.provider.claims("mcp:tools downstream:read"));
    let answer = scene.server.rpc(&token, "tools/call", params).await;
    assert!(tool_error(&answer).contains("the API cannot be reached"), "{answer:?}");
    scene.server.wait_for_log("check DOWNSTREAM_URL");
}
