//! The policy in front of another server: messages as clients and attackers send them.

use axum::{
    Router,
    body::Body,
    http::{Request, Response, header},
    routing::post,
};
use http_body_util::BodyExt;
use mcp_auth::{
    mcp::policy::{Policy, layer::PolicyLayer},
    principal::InsufficientScope,
    test_support,
};
use tower::ServiceExt;

fn app() -> Router {
    let methods = Policy::new().allow_authenticated(["initialize", "tools/call"]);
    let tools = Policy::new().allow_authenticated(["whoami"]).require_any_scope(
        "add",
        ["mcp:tools"],
        "tool execution",
    );
    let layer = PolicyLayer::new(methods).tools(tools).max_body_size(200);
    let server = post(|body: String| async { body }).get(|| async { "stream" });
    Router::new().route("/mcp", server).layer(layer)
}

async fn send(body: &str, scopes: &str) -> Response<Body> {
    let mut request = Request::post("/mcp")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    request.extensions_mut().insert(test_support::principal("alice", scopes, &[]));
    app().oneshot(request).await.unwrap()
}

#[tokio::test]
async fn a_message_reaches_the_server_only_if_a_rule_allows_it() {
    let call = |name: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":{name}}}}}"#)
    };
    let [whoami, add, drop] = [r#""whoami""#, r#""add""#, r#""drop""#].map(call);
    let twice = call(r#""whoami","name":"add""#);
    let long = call(&format!(r#""whoami","arguments":{{"text":"{}"}}"#, "x".repeat(200)));
    for (what, body, scopes, status) in [
        ("a method with a rule", r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#, "", 200),
        ("a method without", r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, "mcp:tools", 403),
        ("a tool for every caller", &whoami, "", 200),
        ("a tool whose scope is held", &add, "mcp:tools", 200),
        ("a tool whose scope is missing", &add, "mcp:read", 403),
        ("a tool without a rule", &drop, "mcp:tools", 403),
        ("no tool", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, "mcp:tools", 403),
        ("a name that is no text", &call("7"), "mcp:tools", 403),
        ("two names", &twice, "mcp:tools", 400),
        ("an escaped second name", &call(r#""whoami","n\u0061me":"add""#), "mcp:tools", 400),
        (
            "two methods",
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","method":"tools/list"}"#,
            "",
            400,
        ),
        ("a batch", &format!("[{whoami}]"), "mcp:tools", 400),
        ("no JSON", "{", "mcp:tools", 400),
        ("a long body", &long, "mcp:tools", 413),
        (
            "a notification of the protocol",
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            "",
            200,
        ),
        ("a call without an id", &whoami.replace(r#""id":1,"#, ""), "", 200),
        ("a forbidden call without an id", &add.replace(r#""id":1,"#, ""), "", 403),
        ("a response", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "", 200),
    ] {
        let response = send(body, scopes).await;
        assert_eq!(response.status(), status, "{what}");
        if status == 200 {
            let received = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(received, body, "{what}");
        }
    }
}

#[tokio::test]
async fn a_missing_scope_is_reported_to_the_bearer_middleware() {
    let add = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add"}}"#;
    let mut response = send(add, "mcp:read").await;
    let missing = response.extensions_mut().remove::<InsufficientScope>().unwrap();
    assert_eq!(missing.required.to_string(), "mcp:tools");
}

#[tokio::test]
async fn a_request_without_a_message_passes() {
    let mut request = Request::get("/mcp").body(Body::empty()).unwrap();
    request.extensions_mut().insert(test_support::principal("alice", "", &[]));
    assert_eq!(app().oneshot(request).await.unwrap().status(), 200);
}
