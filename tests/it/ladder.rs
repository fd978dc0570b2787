//! What the steps have in common, rung by rung: each answers what its predecessor did, and one thing more.

use serde_json::{Value, json};

use super::support::{Ask, Server};

const STEPS: [&str; 9] =
    ["step1", "step2", "step3", "step4", "step5", "step6", "step7", "step8", "step9"];

#[tokio::test]
async fn every_step_is_healthy_and_says_on_start_what_it_adds() {
    for step in STEPS {
        let server = Server::start(step);
        let request = server.request("GET", "/health").header("origin", "https://evil.example.com");
        let answer = request.answer().await;
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("healthy")), "{step}");
        let title = format!("Step {}: ", step.trim_start_matches("step"));
        for text in [&title, "listening on http://127.0.0.1:", "adds: ", "try:  ", &server.url] {
            server.wait_for_log(text);
        }
    }
}

#[tokio::test]
async fn each_step_keeps_the_properties_of_health_and_server_info() {
    let (mut health, mut info) = (json!({}), json!({}));
    for step in STEPS {
        let server = Server::start(step);
        let told = server.get("/health").await.json();
        assert_keeps(step, &health, &told);
        health = told;
        if step >= "step4" {
            let token = server.token("alice", "mcp:read mcp:tools");
            let result = server.rpc(&token, "initialize", Value::Null).await.result();
            assert_eq!(result["serverInfo"]["name"], "mcp-echo", "{step}");
            assert_keeps(step, &info, &result["serverInfo"]);
            info = result["serverInfo"].clone();
        }
    }
    for member in ["tools", "jwt_enabled", "jwks_available", "auth_required", "scope_based_auth"] {
        assert!(health.get(member).is_some(), "{member}");
    }
    for member in ["jwt_enabled", "authenticatedUser", "userScopes", "userRoles", "oauth_metadata"]
    {
        assert!(info.get(member).is_some(), "{member}");
    }
}

/// Every member of the earlier answer is in the later one. URLs name another port, and lists may grow.
fn assert_keeps(step: &str, before: &Value, after: &Value) {
    for (member, value) in before.as_object().expect("an object") {
        let kept = &after[member];
        let same = match value {
            Value::Array(list) => {
                list.iter().all(|v| kept.as_array().is_some_and(|k| k.contains(v)))
            }
            Value::Object(inner) => inner.keys().all(|key| kept.get(key).is_some()),
            value => kept == value,
        };
        assert!(same, "{step} lost {member}: {value} became {kept}");
    }
}

#[tokio::test]
async fn steps_1_and_2_require_an_origin_and_every_step_validates_it() {
    for step in STEPS {
        let server = Server::start(step);
        let required = step <= "step2";
        let token = server.token("alice", "mcp:tools");
        for (origin, allowed) in [
            (None, !required),
            (Some("http://localhost"), true),
            (Some("http://localhost:6274"), true),
            (Some("http://[::1]:3000"), true),
            (Some("http://localhost.evil.com"), false),
            (Some("https://localhost"), false),
            (Some("null"), false),
        ] {
            let mut request = server.mcp(&token, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let answer = request.answer().await;
            assert_eq!(answer.status != 403, allowed, "{step} {origin:?}: {answer:?}");
            if !allowed {
                let shown = origin.unwrap_or("None");
                let text = format!(
                    "Origin '{shown}' is not allowed. Only localhost and 127.0.0.1 are permitted."
                );
                assert_eq!(answer.detail(), text, "{step}");
            }
        }
    }
}

#[tokio::test]
async fn unknown_paths_are_404_and_other_methods_405_with_a_detail() {
    for step in STEPS {
        let server = Server::start(step);
        let ask = |method, path| {
            server.request(method, path).header("origin", "http://localhost").answer()
        };
        let missing = ask("GET", "/nothing").await;
        assert_eq!((missing.status, missing.detail().as_str()), (404, "Not Found"), "{step}");
        let verb = ask("POST", "/health").await;
        assert_eq!((verb.status, verb.detail().as_str()), (405, "Method Not Allowed"), "{step}");
        assert_eq!(verb.header("allow"), "GET,HEAD", "{step}");
        if step >= "step2" {
            // From step 9 on a session can be ended.
            let sessions = step >= "step9";
            let (others, allow): (&[_], _) = if sessions {
                (&["GET", "PUT", "PATCH"], "POST,DELETE")
            } else {
                (&["GET", "PUT", "PATCH", "DELETE"], "POST")
            };
            for method in others {
                let answer = ask(method, "/mcp").await;
                assert_eq!(
                    (answer.status, answer.header("allow")),
                    (405, allow),
                    "{step} {method}"
                );
                assert!(answer.detail().starts_with("Method Not Allowed"), "{step} {method}");
            }
            // Not a redirect: some clients follow one without the token.
            let (slash, plain) = (ask("POST", "/mcp/").await, ask("POST", "/mcp").await);
            assert_eq!((slash.status, slash.body), (plain.status, plain.body), "{step}");
        }
    }
}

#[tokio::test]
async fn a_token_is_required_from_step_6_on() {
    for step in &STEPS[1..] {
        let server = Server::start(step);
        let request = server.mcp("", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        let answer = request.header("origin", "http://localhost").answer().await;
        assert_eq!(answer.status == 401, *step >= "step6", "{step}: {answer:?}");
        if answer.status == 401 {
            assert_eq!(answer.detail(), "Authorization header missing");
            let challenge = answer.header("www-authenticate");
            assert!(challenge.starts_with(r#"Bearer realm="mcp-server""#), "{challenge}");
            assert!(
                !challenge.contains("error="),
                "nothing was sent that could be wrong: {challenge}"
            );
        }
    }
}
