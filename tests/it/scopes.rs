//! Step 8: who may do what, cell by cell.

use serde_json::{Value, json};

use super::support::{Server, claims, key_pair};

const METHODS: [&str; 4] = ["tools/list", "tools/call", "prompts/list", "prompts/get"];

fn params(method: &str) -> Value {
    match method {
        "tools/call" => json!({"name": "echo", "arguments": {"message": "hi"}}),
        "prompts/get" => json!({"name": "echo_prompt", "arguments": {"message": "hi"}}),
        _ => Value::Null,
    }
}

#[tokio::test]
async fn each_scope_allows_its_own_methods_and_a_challenge_names_the_missing_one() {
    let server = Server::start("step8");
    // An empty cell means allowed; otherwise it has the scope that the challenge asks for.
    let (read, tools, prompts) = ("mcp:read", "mcp:tools", "mcp:prompts");
    for (scopes, roles, expected) in [
        ("", json!(["user"]), [read, tools, prompts, prompts]),
        ("mcp:read", json!(["user"]), ["", tools, "", ""]),
        ("mcp:tools", json!(["user"]), ["", "", prompts, prompts]),
        ("mcp:prompts", json!(["user"]), [read, tools, "", ""]),
        ("mcp:read mcp:tools", json!(["user"]), ["", "", "", ""]),
        ("mcp:read mcp:prompts", json!(["user"]), ["", tools, "", ""]),
        ("", json!(["user", "admin"]), ["", "", "", ""]),
        ("", json!("admin"), [read, tools, prompts, prompts]),
        ("", json!({"admin": true}), [read, tools, prompts, prompts]),
        ("", json!(null), [read, tools, prompts, prompts]),
        ("", json!(["administrator", "Admin", "admin "]), [read, tools, prompts, prompts]),
        ("xmcp:toolsmith MCP:TOOLS mcp mcp: mcp:* *", json!([]), [read, tools, prompts, prompts]),
    ] {
        let mut claims = claims("someone", scopes);
        claims["roles"] = roles.clone();
        let token = key_pair().sign("JWT", &claims).expect("a token");
        for (method, needed) in METHODS.into_iter().zip(expected) {
            let answer = server.rpc(&token, method, params(method)).await;
            let cell = format!("{scopes:?} {roles} {method}: {answer:?}");
            if needed.is_empty() {
                assert_eq!((answer.status, answer.json().get("error")), (200, None), "{cell}");
                continue;
            }
            assert_eq!((answer.status, answer.json()["id"].clone()), (403, json!(1)), "{cell}");
            let what = match method {
                "tools/list" => "tools access",
                "tools/call" => "tool execution",
                _ => "prompts access",
            };
            let error = json!({
                "code": -32001,
                "message": "Forbidden",
                "data": {"detail": format!("Insufficient permissions for {what}")},
            });
            assert_eq!(answer.json()["error"], error, "{cell}");
            let document = format!("{}/.well-known/oauth-protected-resource/mcp", server.url);
            let challenge = format!(
                "Bearer realm=\"mcp-server\", resource_metadata=\"{document}\", scope=\"{needed}\", \
                 error=\"insufficient_scope\", \
                 error_description=\"the token lacks a scope that this operation needs\""
            );
            assert_eq!(answer.header("www-authenticate"), challenge, "{cell}");
        }
    }
}

#[tokio::test]
async fn scopes_given_as_a_list_count_and_a_string_in_their_place_does_not() {
    let server = Server::start("step8");
    for (scopes, status) in [
        (json!(["mcp:tools"]), 200),
        (json!("mcp:tools"), 403),
        (json!({"mcp:tools": true}), 403),
        (json!(null), 403),
    ] {
        let mut claims = claims("alice", "");
        claims.as_object_mut().expect("an object").remove("scope");
        claims["scopes"] = scopes.clone();
        let token = key_pair().sign("JWT", &claims).expect("a token");
        let answer = server.rpc(&token, "tools/list", Value::Null).await;
        assert_eq!(answer.status, status, "{scopes}: {answer:?}");
    }
}

#[tokio::test]
async fn a_token_without_scopes_may_ping_and_an_unknown_method_is_no_403() {
    let server = Server::start("step8");
    let guest = server.token("guest", "");
    let pong = server.rpc(&guest, "ping", Value::Null).await.result();
    assert_eq!(pong["_meta"]["user"], "guest");
    assert_eq!(pong["_meta"]["userScopes"], json!([]));
    assert_eq!(pong["_meta"]["userRoles"], json!(["user"]));
    assert_eq!(pong["_meta"]["oauth_metadata_available"], true);
    assert_eq!(pong.as_object().expect("an object").len(), 1, "nothing beside _meta: {pong}");
    let hello = server.rpc(&guest, "initialize", Value::Null).await.result();
    assert_eq!(hello["serverInfo"]["authenticatedUser"], "guest");
    let answer = server.rpc(&guest, "nope", Value::Null).await;
    assert_eq!((answer.status, answer.error().0), (200, -32601));
}
