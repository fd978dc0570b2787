//! Public and protected tools on one endpoint: who sends no token may use what a rule allows to everyone, and nothing else.

use axum::{
    Extension, Router,
    body::Body,
    http::{Request, header},
    response::IntoResponse,
    routing::{MethodRouter, post},
};
use http_body_util::BodyExt;
use mcp_auth::{
    auth::{
        bearer::BearerAuth,
        challenge::Challenge,
        metadata::ProtectedResource,
        verify::{TokenVerifier, TrustedIssuer},
    },
    mcp::{
        dispatcher::Dispatcher,
        endpoint::Endpoint,
        lifecycle::ServerInfo,
        policy::{Policy, layer::PolicyLayer},
        tools::Tools,
    },
    principal::{AuthenticationRequired, InsufficientScope, Principal, ScopeSet},
    tutorial,
};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{OURS, set, support, with};

fn auth() -> BearerAuth {
    let issuer = TrustedIssuer::new("mcp-simple-auth", ["mcp-server"], &support::key_pair().jwks());
    let resource = ProtectedResource::new("https://mcp.example.com/mcp").scopes(["mcp:tools"]);
    let challenge = Challenge::bearer("test").for_resource(&resource);
    BearerAuth::new(TokenVerifier::new().trust(issuer), challenge)
}

/// What every 401 without a token says (RFC 6750, 3.1: no error code).
const CHALLENGE: &str = "Bearer realm=\"test\", resource_metadata=\"https://mcp.example.com/.well-known/oauth-protected-resource/mcp\", scope=\"mcp:tools\"";

/// `echo` is public, `get_time` is for every caller, `whoami` needs a scope.
fn tool_policy() -> Policy {
    Policy::new().allow_anonymous(["echo"]).allow_authenticated(["get_time"]).require_any_scope(
        "whoami",
        ["mcp:tools"],
        "tool execution",
    )
}

/// Our own endpoint with both protocol eras, with this policy for methods.
fn endpoint(policy: Policy) -> MethodRouter {
    let tools = Tools::from([tutorial::echo(), tutorial::get_time(), tutorial::whoami()])
        .with_policy(tool_policy());
    let methods = Dispatcher::new().merge(tools.methods()).with_policy(policy);
    Endpoint::dual_era(methods, &ServerInfo::new("test").enable_tools(), &tools).routes()
}

/// A server that answers everything, behind the policy layer.
fn behind_layer(policy: Policy) -> MethodRouter {
    let server = post(|body: String| async { body });
    server.get(|| async { "stream" }).layer(PolicyLayer::new(policy).tools(tool_policy()))
}

fn public_methods() -> Policy {
    Policy::new()
        .allow_anonymous(["initialize", "server/discover", "tools/list", "tools/call"])
        .allow_authenticated(["ping"])
}

fn app(routes: MethodRouter, auth: BearerAuth) -> Router {
    Router::new().route("/mcp", routes.layer(auth))
}

struct Answer {
    status: u16,
    challenge: String,
    session: String,
    body: Value,
}

async fn send(app: &Router, request: axum::http::request::Builder, body: Value) -> Answer {
    let request = request.uri("/mcp").header(header::CONTENT_TYPE, "application/json");
    let response =
        app.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    let text = |name| {
        let value = response.headers().get(name);
        value
            .map(|value: &header::HeaderValue| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    let (status, challenge, session) = (
        response.status().as_u16(),
        text(header::WWW_AUTHENTICATE),
        text(header::HeaderName::from_static("mcp-session-id")),
    );
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, challenge, session, body: serde_json::from_slice(&body).unwrap_or_default() }
}

async fn call(app: &Router, token: Option<&str>, message: &Value) -> Answer {
    let request = Request::post("/mcp");
    let request = match token {
        Some(token) => request.header(header::AUTHORIZATION, token),
        None => request,
    };
    send(app, request, message.clone()).await
}

fn message(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

fn tool(name: &str) -> Value {
    message("tools/call", &json!({"name": name, "arguments": {"message": "hi"}}))
}

fn initialize() -> Value {
    let client = json!({"name": "test", "version": "1"});
    message(
        "initialize",
        &json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}),
    )
}

#[tokio::test]
async fn without_a_token_only_public_names_are_allowed_and_all_else_is_401() {
    let no_scope = format!("Bearer {}", OURS.token(&set("scope", json!("mcp:read"))));
    let good = format!("Bearer {}", OURS.token(&with(|_| {})));
    for (name, routes) in [
        ("our dispatcher", endpoint as fn(Policy) -> MethodRouter),
        ("the policy layer", behind_layer),
    ] {
        let app = app(routes(public_methods()), auth().allow_anonymous());
        for (message, anonymous, unscoped, scoped) in [
            (initialize(), 200, 200, 200),
            (message("tools/list", &json!({})), 200, 200, 200),
            (tool("echo"), 200, 200, 200),
            (tool("get_time"), 401, 200, 200),
            (tool("whoami"), 401, 403, 200),
            (message("ping", &json!({})), 401, 200, 200),
        ] {
            for (token, status) in
                [(None, anonymous), (Some(&*no_scope), unscoped), (Some(&*good), scoped)]
            {
                let answer = call(&app, token, &message).await;
                assert_eq!(answer.status, status, "{name}: {message} {token:?}");
                if status == 401 {
                    assert_eq!(answer.challenge, CHALLENGE, "{name}");
                    assert_eq!(answer.body["detail"], "Authorization header missing", "{name}");
                }
            }
        }
        // What there is not, is not told either.
        for unknown in [tool("drop_tables"), message("secrets/read", &json!({})), tool("Echo")] {
            assert_eq!(call(&app, None, &unknown).await.status, 401, "{name}: {unknown}");
        }
        for bad in ["Bearer x", "Bearer ", "Basic YTpi", "x"] {
            let answer = call(&app, Some(bad), &tool("echo")).await;
            assert_eq!(answer.status, 401, "{name}: {bad}");
        }
        let answer = call(&app, Some("Bearer x"), &tool("echo")).await;
        assert!(answer.challenge.contains(r#"error="invalid_token""#), "{name}");
    }
}

/// Fail closed: a middleware that lets everybody pass is not enough, a rule must say so, too.
#[tokio::test]
async fn a_policy_without_public_names_denies_everything_without_a_token() {
    let policy = || {
        Policy::new()
            .allow_authenticated(["initialize", "ping", "server/discover", "tools/list"])
            .require_any_scope("tools/call", ["mcp:tools"], "tool execution")
            .grant_all_to_role("admin")
    };
    let discover = json!({
        "jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }},
    });
    let behind = app(behind_layer(policy()), auth().allow_anonymous());
    let ours = app(endpoint(policy()), auth().allow_anonymous());
    for app in [&behind, &ours] {
        for message in [initialize(), message("ping", &json!({})), tool("echo"), tool("none")] {
            let answer = call(app, None, &message).await;
            assert_eq!((answer.status, &*answer.challenge), (401, CHALLENGE), "{message}");
        }
        let request = Request::post("/mcp")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "server/discover");
        assert_eq!(send(app, request, discover.clone()).await.status, 401);
    }
}

#[tokio::test]
async fn what_belongs_to_a_session_needs_a_token_behind_the_layer() {
    let app = app(behind_layer(public_methods()), auth().allow_anonymous());
    let good = format!("Bearer {}", OURS.token(&with(|_| {})));
    let note = |method: &str| json!({"jsonrpc": "2.0", "method": method});
    let response = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
    for (message, status) in [
        // Whoever may initialize must say that it is done (MCP 2025-11-25 lifecycle).
        (note("notifications/initialized"), 200),
        (note("notifications/cancelled"), 401),
        (note("notifications/roots/list_changed"), 401),
        (note("tools/list"), 200),
        (note("ping"), 401),
        (response, 401),
    ] {
        assert_eq!(call(&app, None, &message).await.status, status, "{message}");
        assert_eq!(call(&app, Some(&good), &message).await.status, 200, "{message}");
    }
    for method in ["GET", "DELETE"] {
        let request = Request::builder().method(method);
        assert_eq!(send(&app, request, Value::Null).await.status, 405, "{method}");
    }
    let request = Request::get("/mcp").header(header::AUTHORIZATION, good);
    assert_eq!(send(&app, request, Value::Null).await.status, 200);
}

#[tokio::test]
async fn lists_show_what_everyone_may_use_and_a_session_may_go_on_with_a_token() {
    let app = app(endpoint(public_methods()), auth().allow_anonymous());
    let good = format!("Bearer {}", OURS.token(&with(|_| {})));
    let list = message("tools/list", &json!({}));
    let names = |answer: &Answer| {
        let tools = answer.body["result"]["tools"].as_array().unwrap().clone();
        tools.into_iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&call(&app, None, &list).await), ["echo"]);
    assert_eq!(names(&call(&app, Some(&good), &list).await), ["echo", "get_time", "whoami"]);

    let session = call(&app, None, &initialize()).await.session;
    let continued = |token: Option<&str>| {
        let request = Request::post("/mcp").header("mcp-session-id", &session);
        match token {
            Some(token) => request.header(header::AUTHORIZATION, token),
            None => request,
        }
    };
    assert_eq!(send(&app, continued(None), tool("whoami")).await.status, 401);
    let answer = send(&app, continued(Some(&good)), tool("whoami")).await;
    assert_eq!(answer.body["result"]["structuredContent"]["name"], "alice");
    // The other way round it is somebody's session.
    let request = Request::post("/mcp").header(header::AUTHORIZATION, &good);
    let session = send(&app, request, initialize()).await.session;
    let request = Request::post("/mcp").header("mcp-session-id", session);
    assert_eq!(send(&app, request, tool("echo")).await.status, 404);
}

#[tokio::test]
async fn handlers_of_plain_routes_can_require_a_caller() {
    let handler = |caller: Option<Extension<Principal>>, body: String| async move {
        match (caller, &*body) {
            (caller, "\"name\"") => {
                Ok(caller.map_or("nobody".to_owned(), |c| c.display_name.clone()))
            }
            (None, "\"caller\"") => Err(AuthenticationRequired.into_response()),
            (caller, _) => {
                let required = ScopeSet::from(["notes:write"]);
                let granted = caller.is_some_and(|caller| caller.scopes.grants_all(&required));
                if granted {
                    Ok(String::new())
                } else {
                    Err(InsufficientScope { required }.into_response())
                }
            }
        }
    };
    let good = format!("Bearer {}", OURS.token(&with(|_| {})));
    let open = app(post(handler), auth().allow_anonymous());
    for (body, token, status) in [
        ("name", None, 200),
        ("name", Some(&*good), 200),
        ("caller", None, 401),
        ("write", None, 401),
        ("write", Some(&*good), 403),
    ] {
        let answer = call(&open, token, &json!(body)).await;
        assert_eq!(answer.status, status, "{body} {token:?}");
        match status {
            401 => assert_eq!(answer.challenge, CHALLENGE),
            403 => assert!(
                answer.challenge.contains(r#"scope="notes:write", error="insufficient_scope""#)
            ),
            _ => assert_eq!(answer.challenge, ""),
        }
    }
    // Nothing changes for a server that does not ask for it.
    let closed = app(post(handler), auth());
    assert_eq!(call(&closed, None, &json!("name")).await.status, 401);
}
