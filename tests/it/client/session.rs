//! MCP sessions: protocol eras, pages, input requests, and servers that violate the rules.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    mock::{ACCESS, Facts, Hit, Mock, ok},
    run::headless,
};

pub(super) fn method(hit: &Hit) -> &str {
    hit.json["method"].as_str().unwrap_or_default()
}

pub(super) fn result(hit: &Hit, result: Value) -> Response {
    ok(json!({"jsonrpc": "2.0", "id": hit.json["id"], "result": result}))
}

fn error(hit: &Hit, status: StatusCode, code: i64, data: Value) -> Response {
    let error = json!({"code": code, "message": "no", "data": data});
    (status, ok(json!({"jsonrpc": "2.0", "id": hit.json["id"], "error": error}))).into_response()
}

/// An MCP server that needs no token; `answer` handles its requests.
pub(super) async fn open(answer: impl Fn(&Hit) -> Response + Send + Sync + 'static) -> Mock {
    Mock::start(move |hit: &Hit, _: &Facts| (hit.path == "/mcp").then(|| answer(hit))).await
}

/// A legacy server, apart from its response to `server/discover`.
pub(super) fn legacy(hit: &Hit) -> Response {
    match method(hit) {
        "initialize" => {
            let answer = result(
                hit,
                json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "old"}}),
            );
            ([("mcp-session-id", "s1")], answer).into_response()
        }
        "notifications/initialized" => StatusCode::ACCEPTED.into_response(),
        "tools/list" => result(
            hit,
            json!({"tools": [{"name": "t", "inputSchema": {"type": "object", "x": 1.50}}]}),
        ),
        "tools/call" => result(hit, json!({"content": []})),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

#[tokio::test]
async fn a_legacy_server_is_recognized_by_any_response() {
    let responses: [fn(&Hit) -> Response; 6] = [
        |_| StatusCode::BAD_REQUEST.into_response(),
        |_| (StatusCode::BAD_REQUEST, "bad header").into_response(),
        |_| StatusCode::NOT_FOUND.into_response(),
        |hit| error(hit, StatusCode::OK, -32601, Value::Null),
        |hit| error(hit, StatusCode::BAD_REQUEST, -32600, Value::Null),
        |hit| error(hit, StatusCode::BAD_REQUEST, -32022, json!({"supported": ["2025-06-18"]})),
    ];
    for response in responses {
        let mock = open(
            move |hit| if method(hit) == "server/discover" { response(hit) } else { legacy(hit) },
        )
        .await;
        let run = headless(&mock, &["--call", "t={}"]).await;
        run.succeeded();
        assert_eq!(run.results[0]["protocol"], "2025-06-18", "the server's version counts");
        assert_eq!(run.results[0]["server"]["name"], "old");
        assert_eq!(mock.hits("/mcp").last().unwrap().method, "DELETE", "the session is ended");
    }
}

#[tokio::test]
async fn an_error_of_a_stateless_server_is_no_reason_to_fall_back() {
    for (code, data, why) in [
        (-32020, Value::Null, "error -32020"),
        (-32021, json!({"requiredCapabilities": {"roots": {}}}), "error -32021"),
        (-32022, json!({"supported": ["2030-01-01"]}), "error -32022"),
        (-32022, json!({"supported": ["2026-07-28"]}), "but rejects it"),
    ] {
        let mock = open(move |hit| error(hit, StatusCode::BAD_REQUEST, code, data.clone())).await;
        headless(&mock, &[]).await.failed(why);
        assert!(mock.hits("/mcp").iter().all(|hit| method(hit) == "server/discover"), "{why}");
    }
    let mock = open(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()).await;
    headless(&mock, &[]).await.failed("returned 500");
}

#[tokio::test]
async fn a_server_with_an_unsupported_version_is_rejected() {
    let mock = open(|hit| match method(hit) {
        "initialize" => result(hit, json!({"protocolVersion": "1999-01-01", "capabilities": {}})),
        _ => StatusCode::BAD_REQUEST.into_response(),
    })
    .await;
    headless(&mock, &[]).await.failed("supports 1999-01-01, this client does not");
}

#[tokio::test]
async fn a_session_that_has_ended_is_opened_again() {
    let mock = open(|hit| match (method(hit), hit.earlier) {
        ("server/discover", _) => StatusCode::BAD_REQUEST.into_response(),
        ("tools/call", 0..=4) => StatusCode::NOT_FOUND.into_response(),
        _ => legacy(hit),
    })
    .await;
    headless(&mock, &["--call", "t={}"]).await.succeeded();
    let initialized = mock.hits("/mcp").iter().filter(|hit| method(hit) == "initialize").count();
    assert_eq!(initialized, 2);
}

#[tokio::test]
async fn schemas_are_passed_on_byte_for_byte() {
    let mock = open(|hit| match method(hit) {
        "server/discover" => StatusCode::BAD_REQUEST.into_response(),
        "tools/list" => {
            let tools = r#"{"tools":[{"name":"t","inputSchema":{"type":"object","z":1,"a":1.50,"big":123456789012345678901234567890}}]}"#;
            ([(header::CONTENT_TYPE, "application/json")], format!(r#"{{"jsonrpc":"2.0","id":{},"result":{tools}}}"#, hit.json["id"]))
                .into_response()
        }
        _ => legacy(hit),
    })
    .await;
    let run = headless(&mock, &[]).await;
    let schema = r#"{"type":"object","z":1,"a":1.50,"big":123456789012345678901234567890}"#;
    assert!(run.output.contains(schema), "{}", run.output);
}

#[tokio::test]
async fn lists_have_pages_within_limits() {
    let pages = |next: fn(usize) -> Value| {
        open(move |hit| match method(hit) {
            "server/discover" => result(
                hit,
                json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}),
            ),
            _ => result(
                hit,
                json!({"tools": [{"name": format!("t{}", hit.earlier), "inputSchema": {}}], "nextCursor": next(hit.earlier)}),
            ),
        })
    };
    let mock =
        pages(|number| if number < 3 { json!(format!("c{number}")) } else { Value::Null }).await;
    let run = headless(&mock, &[]).await;
    run.succeeded();
    assert_eq!(run.results[0]["tools"].as_array().unwrap().len(), 3);
    assert_eq!(mock.hits("/mcp")[2].json["params"]["cursor"], "c1");

    let mock = pages(|_| json!("same")).await;
    headless(&mock, &[]).await.failed("repeats a cursor");
    let mock = pages(|number| json!(number.to_string())).await;
    headless(&mock, &[]).await.failed("more than 100 pages");
    assert!(mock.count("/mcp") <= 101);

    // All pages together are bounded, not only each of them.
    let mock = open(|hit| match method(hit) {
        "server/discover" => result(
            hit,
            json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}),
        ),
        _ => result(
            hit,
            json!({"tools": [{"name": "t", "description": "x".repeat(3 << 20)}], "nextCursor": hit.earlier.to_string()}),
        ),
    })
    .await;
    headless(&mock, &["--quiet"]).await.failed("sent more than 16777216 bytes");
    assert!(mock.count("/mcp") <= 7, "{}", mock.count("/mcp"));
}

#[tokio::test]
async fn rejected_parameter_headers_are_read_again_and_sent_once_more() {
    let mock = open(|hit| match (method(hit), hit.earlier) {
        ("server/discover", _) => result(hit, json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})),
        ("tools/list", earlier) => {
            let name = if earlier < 2 { "Old" } else { "New" };
            let schema = json!({"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": name}}});
            let broken = json!({"type": "object", "properties": {"a": {"type": "number", "x-mcp-header": "N"}}});
            result(hit, json!({"tools": [{"name": "t", "inputSchema": schema}, {"name": "broken", "inputSchema": broken}]}))
        }
        (_, 2) => error(hit, StatusCode::BAD_REQUEST, -32020, Value::Null),
        _ => result(hit, json!({"content": []})),
    })
    .await;
    let run =
        headless(&mock, &["--call", r#"t={"a": "é"}"#, "--call-all", "--include-destructive"])
            .await;
    run.succeeded();
    assert!(
        run.results[0]["invalid_tools"][0].as_str().unwrap().starts_with("broken: "),
        "{}",
        run.results[0]
    );
    let hits = mock.hits("/mcp");
    assert_eq!(hits[2].headers["mcp-param-old"], "=?base64?w6k=?=");
    assert_eq!(hits[4].headers["mcp-param-new"], "=?base64?w6k=?=");
    assert_eq!(
        (&hits[4].headers["mcp-method"], &hits[4].headers["mcp-name"]),
        (&"tools/call".parse().unwrap(), &"t".parse().unwrap())
    );
    assert_eq!(run.results.len(), 3, "the broken tool is not called");
}

#[tokio::test]
async fn a_failed_call_has_an_exit_code_of_its_own() {
    for (answer, code) in [
        (json!({"result": {"content": [], "isError": true}}), 4),
        (json!({"error": {"code": -32602, "message": "no"}}), 4),
        (json!({"result": {"content": [], "isError": false}}), 0),
    ] {
        let mock = open(move |hit| match method(hit) {
            "tools/call" => {
                let mut message = json!({"jsonrpc": "2.0", "id": hit.json["id"]});
                message.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
                ok(message)
            }
            "server/discover" => StatusCode::BAD_REQUEST.into_response(),
            _ => legacy(hit),
        })
        .await;
        assert_eq!(headless(&mock, &["--call", "t={}"]).await.code, Some(code));
    }
}

#[tokio::test]
async fn invalid_messages_are_rejected() {
    for (why, body) in [
        ("no JSON-RPC message", "not JSON"),
        ("no JSON-RPC message", r#"{"jsonrpc": "2.0", "id": 1}"#),
        ("for another request", r#"{"jsonrpc": "2.0", "id": 99, "result": {}}"#),
        (
            "a result is invalid",
            r#"{"jsonrpc": "2.0", "id": 1, "result": {"supportedVersions": "x"}}"#,
        ),
    ] {
        let mock =
            open(move |_| ([(header::CONTENT_TYPE, "application/json")], body).into_response())
                .await;
        headless(&mock, &["--protocol-version", "2026-07-28"]).await.failed(why);
    }
    let stream = |body: &'static str| {
        open(move |_| ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response())
    };
    headless(&stream("data: x\n\n").await, &[]).await.failed("is not a JSON-RPC message");
    headless(&stream("id: 1\ndata:\n\n").await, &[]).await.failed("ended before the response");
}

#[tokio::test]
async fn a_token_is_sent_to_the_mcp_server_only() {
    let mock = Mock::honest().await;
    headless(&mock, &["--call", "t={}"]).await.succeeded();
    for path in ["/authorize", "/token", "/register", "/.well-known/oauth-authorization-server"] {
        assert!(mock.hits(path).iter().all(|hit| !hit.authorization.contains(ACCESS)), "{path}");
    }
    let with_token =
        mock.hits("/mcp").iter().filter(|hit| hit.authorization.contains(ACCESS)).count();
    assert_eq!(with_token, mock.count("/mcp") - 1, "on every request but the first");
}
