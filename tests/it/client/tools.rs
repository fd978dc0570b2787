//! Results of an unknown type, tools that may be destructive, and URLs that are no MCP endpoint.

use axum::{http::StatusCode, response::IntoResponse};
use serde_json::{Value, json};

use super::{
    mock::{Facts, Hit, Mock},
    run::{Home, finish, headless},
    session::{legacy, method, open, result},
};

#[tokio::test]
async fn an_unknown_result_type_is_an_error() {
    let typed = |kind: Value| {
        open(move |hit| match method(hit) {
            "server/discover" => result(
                hit,
                json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}),
            ),
            "tools/list" => result(hit, json!({"tools": [{"name": "t", "inputSchema": {}}]})),
            _ => result(hit, json!({"resultType": kind, "content": []})),
        })
    };
    // 2026-07-28 basic, "Result types": absent means complete, anything unknown is invalid.
    for complete in [json!("complete"), Value::Null] {
        headless(&typed(complete).await, &["--call", "t={}"]).await.succeeded();
    }
    for unknown in ["partial", "Complete", ""] {
        let mock = typed(json!(unknown)).await;
        headless(&mock, &["--call", "t={}"]).await.failed("unknown resultType");
    }
}

#[tokio::test]
async fn tools_that_may_be_destructive_are_called_only_on_request() {
    let tools = json!({"tools": [
        {"name": "unannotated", "inputSchema": {}},
        {"name": "nothing_said", "inputSchema": {}, "annotations": null},
        {"name": "writing", "inputSchema": {}, "annotations": {"readOnlyHint": false}},
        {"name": "destructive", "inputSchema": {}, "annotations": {"destructiveHint": true}},
        {"name": "reading", "inputSchema": {}, "annotations": {"readOnlyHint": true}},
        {"name": "adding", "inputSchema": {}, "annotations": {"destructiveHint": false}},
    ]});
    // 2025-06-18 and later, `ToolAnnotations`: destructiveHint defaults to true, readOnlyHint to false.
    for (flags, expected) in [
        (&["--call-all"][..], &["reading", "adding"][..]),
        (
            &["--call-all", "--include-destructive"],
            &["unannotated", "nothing_said", "writing", "destructive", "reading", "adding"],
        ),
    ] {
        let tools = tools.clone();
        let mock = open(move |hit| match method(hit) {
            "server/discover" => StatusCode::BAD_REQUEST.into_response(),
            "tools/list" => result(hit, tools.clone()),
            _ => legacy(hit),
        })
        .await;
        let run = headless(&mock, flags).await;
        run.succeeded();
        let called: Vec<_> =
            run.results[1..].iter().map(|call| call["name"].as_str().unwrap()).collect();
        assert_eq!(called, expected);
        assert_eq!(run.progress.contains("unannotated is not called"), expected.len() == 2);
    }
}

#[tokio::test]
async fn a_url_that_is_no_mcp_endpoint_gets_a_hint() {
    let mock = Mock::start(|hit: &Hit, _: &Facts| {
        (hit.path == "/mcp").then(|| StatusCode::METHOD_NOT_ALLOWED.into_response())
    })
    .await;
    let run = headless(&mock, &[]).await;
    run.failed("is not an MCP endpoint: initialize returned 405");
    run.failed(&format!("an MCP endpoint is often at /mcp: try {}/mcp", mock.facts.url));

    let home = Home::new();
    let port = mock.facts.url.rsplit(':').next().unwrap();
    for (url, hint) in [
        (format!("localhost:{port}/mcp"), format!("http://localhost:{port}/mcp for this machine")),
        (format!("https://localhost:{port}/mcp"), "on this machine use http://".to_owned()),
    ] {
        let run = finish(home.program(["--headless", &url]).spawn().unwrap()).await;
        run.failed(&hint);
    }
}

#[tokio::test]
async fn an_input_request_is_answered_and_its_state_echoed() {
    let modern = |call: fn(&Hit) -> Value| {
        open(move |hit| match method(hit) {
            "server/discover" => result(
                hit,
                json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}),
            ),
            "tools/list" => {
                result(hit, json!({"tools": [{"name": "t", "inputSchema": {"type": "object"}}]}))
            }
            _ => result(hit, call(hit)),
        })
    };
    let mock = modern(|hit| match hit.json["params"].get("requestState") {
        None => json!({"resultType": "input_required", "requestState": " opaque \" ", "inputRequests": {"q": {
            "method": "elicitation/create",
            "params": {"message": "?", "requestedSchema": {"type": "object", "properties": {"n": {"type": "integer", "default": 7}}}}}}}),
        Some(_) => json!({"resultType": "complete", "content": []}),
    })
    .await;
    headless(&mock, &["--call", "t={}", "--elicitation", "accept-defaults"]).await.succeeded();
    let (asked, retried) = (&mock.hits("/mcp")[2].json, &mock.hits("/mcp")[3].json);
    assert_ne!(asked["id"], retried["id"]);
    assert_eq!(retried["params"]["requestState"], " opaque \" ");
    assert_eq!(
        retried["params"]["inputResponses"],
        json!({"q": {"action": "accept", "content": {"n": 7}}})
    );
    let declared = &asked["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    assert_eq!(declared, &json!({"elicitation": {"form": {}}}), "no URLs without a user");

    // A question that we never offered to answer, and one that never ends.
    let mock = modern(|_| json!({"resultType": "input_required", "inputRequests": {"q": {"method": "sampling/createMessage"}}})).await;
    headless(&mock, &["--call", "t={}"])
        .await
        .failed("sent sampling/createMessage, for which the client declared no capability");
    let mock = modern(|_| json!({"resultType": "input_required", "requestState": "again"})).await;
    headless(&mock, &["--call", "t={}"]).await.failed("was not complete after 20 round trips");
    assert!(mock.count("/mcp") < 25);
}
