//! Answers that depend on who asks, and what they say of the caller.

use serde_json::{Value, json};

use super::{Era, meta, stateless, token};
use crate::support::{Ask, Server, claims, key_pair, message};

const USER: &str = "com.example.mcp-auth/user";

#[tokio::test]
async fn whoami_returns_the_claims_of_the_token() {
    let server = Server::start("step9");
    let mut claims = claims("alice", "mcp:read mcp:tools");
    claims["client_id"] = json!("inspector");
    let alice = key_pair().sign("JWT", &claims).expect("a token");
    for era in Era::BOTH {
        let answer = era.ask(&server, &alice, "tools/call", json!({"name": "whoami"})).await;
        let mut who = answer.result()["structuredContent"].clone();
        let left = who.as_object_mut().unwrap().shift_remove("expires_in").unwrap();
        assert!((3500..=3600).contains(&left.as_u64().unwrap()), "{left}");
        assert_eq!(
            who,
            json!({
                "name": "alice",
                "subject": "user_alice",
                "client": "inspector",
                "issuer": "mcp-simple-auth",
                "scopes": ["mcp:read", "mcp:tools"],
                "roles": ["user"],
            })
        );
        let text = answer.result()["content"][0]["text"].as_str().unwrap().to_owned();
        assert!(
            text.starts_with("You are alice. Your token was issued by mcp-simple-auth"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn results_use_the_name_of_the_caller() {
    let server = Server::start("step9");
    for name in ["alice", "admin"] {
        let token = token(&server, "admin").clone();
        let token = if name == "admin" {
            token
        } else {
            server.token(name, "mcp:read mcp:tools mcp:prompts")
        };
        for era in Era::BOTH {
            let echo = json!({"name": "echo", "arguments": {"message": "hi", "repeat_count": 2}});
            let result = era.ask(&server, &token, "tools/call", echo).await.result();
            assert_eq!(result["content"][0]["text"], "hihi");
            assert_eq!(result["structuredContent"], json!({"text": "hihi", "from": name}));

            for (arguments, expected) in [
                (json!({}), format!("Please write a friendly greeting for {name}.")),
                (
                    json!({"name": "Ada", "style": "formal"}),
                    "Please write a formal greeting for Ada.".to_owned(),
                ),
            ] {
                let params = json!({"name": "greeting", "arguments": arguments});
                let result = era.ask(&server, &token, "prompts/get", params).await.result();
                assert_eq!(result["messages"][0]["content"]["text"], expected.as_str());
            }

            let params = json!({"uri": "tutorial://me"});
            let result = era.ask(&server, &token, "resources/read", params).await.result();
            let text = result["contents"][0]["text"].as_str().unwrap();
            let profile: Value = serde_json::from_str(text).unwrap();
            assert_eq!(profile["subject"], format!("user_{name}"));
        }
    }
}

#[tokio::test]
async fn get_time_uses_the_requested_time_zone() {
    let server = Server::start("step9");
    let alice = token(&server, "alice");
    let ask = async |zone: &str| {
        let params = json!({"name": "get_time", "arguments": {"timezone": zone}});
        let request = stateless(&server, &alice, "tools/call", params);
        request.header("mcp-param-timezone", zone).answer().await.result()
    };
    let kolkata = ask("Asia/Kolkata").await;
    assert_eq!(kolkata["isError"], false);
    assert!(
        kolkata["structuredContent"]["time"].as_str().unwrap().ends_with("+05:30"),
        "{kolkata}"
    );
    let nowhere = ask("Atlantis/Center").await;
    assert_eq!(nowhere["isError"], true);
    let text = nowhere["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("Europe/Berlin"), "{text}");
    let list = stateless(&server, &alice, "tools/list", Value::Null).answer().await.result();
    let clock = list["tools"].as_array().unwrap().iter().find(|t| t["name"] == "get_time").unwrap();
    let timezone = &clock["inputSchema"]["properties"]["timezone"];
    assert_eq!(
        (&timezone["type"], &timezone["x-mcp-header"], timezone.get("default")),
        (&json!("string"), &json!("Timezone"), None)
    );
    assert_eq!(clock["inputSchema"].get("required"), None);
}

#[tokio::test]
async fn every_result_names_its_user() {
    let server = Server::start("step9");
    let alice = token(&server, "alice");
    let user =
        json!({"name": "alice", "subject": "user_alice", "scopes": ["mcp:read", "mcp:tools"]});
    for era in Era::BOTH {
        let answer = era.ask(&server, &alice, "tools/list", Value::Null).await;
        assert_eq!(answer.result()["_meta"][USER], user, "{era:?}");
        assert_eq!(answer.header("x-authenticated-user"), "alice");
        // Errors and refusals name the caller to proxies as well.
        for params in [json!({"name": "unheard_of"}), json!({"name": "recent_calls"})] {
            let answer = era.ask(&server, &alice, "tools/call", params).await;
            assert_eq!(answer.header("x-authenticated-user"), "alice");
        }
    }
    // An empty result stays empty.
    assert_eq!(server.rpc(&alice, "ping", Value::Null).await.result(), json!({}));
    // A name that fits no header travels in Base64, so it can forge none.
    let zoë = server.token("zoë\r\nset-cookie: a=b", "");
    let answer = server.rpc(&zoë, "ping", Value::Null).await;
    assert_eq!(answer.header("x-authenticated-user"), "=?base64?em/Dqw0Kc2V0LWNvb2tpZTogYT1i?=");
    assert_eq!(answer.header("set-cookie"), "");
    // Without a token there is no caller.
    assert_eq!(server.rpc("", "ping", Value::Null).await.header("x-authenticated-user"), "");
}

#[tokio::test]
async fn the_guide_to_a_tool_needs_the_permission_to_call_the_tool() {
    let server = Server::start("step9");
    let (alice, bob) = (token(&server, "alice"), token(&server, "bob"));
    let read = async |token: &str, uri: &str| {
        let answer =
            Era::Stateless.ask(&server, token, "resources/read", json!({"uri": uri})).await;
        answer.json()["result"]["contents"][0]["text"].as_str().map(str::to_owned)
    };
    let guide = read(&bob, "tutorial://guide").await.expect("the guide");
    assert!(guide.starts_with("# Step 9: "), "{guide}");
    let echo = read(&alice, "tutorial://tools/echo").await.expect("a guide");
    assert!(echo.starts_with("# echo\n") && echo.contains("`repeat_count`: "), "{echo}");
    assert!(read(&bob, "tutorial://tools/whoami").await.is_some());
    for uri in [
        "tutorial://tools/echo", // bob may not use it
        "tutorial://tools/recent_calls",
        "tutorial://tools/unheard_of",
        "tutorial://tools/",
        "tutorial://tools/whoami/",
        "tutorial://tools/../me",
        "tutorial://tools/who%61mi",
        "file:///etc/passwd",
        "",
    ] {
        assert_eq!(read(&bob, uri).await, None, "{uri}");
    }
}

#[tokio::test]
async fn completion_needs_the_permission_to_use_the_prompt_or_resource() {
    let server = Server::start("step9");
    let admin = token(&server, "admin");
    let prompt = |name: &str| json!({"type": "ref/prompt", "name": name});
    let guide = json!({"type": "ref/resource", "uri": "tutorial://tools/{name}"});
    for era in Era::BOTH {
        let complete = async |token: &str, reference: &Value, name: &str, value: &str| {
            let params = json!({"ref": reference, "argument": {"name": name, "value": value}});
            era.ask(&server, token, "completion/complete", params).await
        };
        for (reference, name, value, expected) in [
            (prompt("greeting"), "style", "F", json!(["formal", "friendly"])),
            (
                prompt("greeting"),
                "style",
                "",
                json!(["casual", "cheerful", "formal", "friendly", "poetic"]),
            ),
            (prompt("greeting"), "name", "a", json!(["admin"])),
            (prompt("help"), "topic", "to", json!(["tools"])),
            (prompt("echo_prompt"), "message", "", json!([])),
            (guide.clone(), "name", "who", json!(["whoami"])),
            (guide.clone(), "name", "c", json!(["clear_call_log"])),
        ] {
            let completion =
                complete(&admin, &reference, name, value).await.result()["completion"].clone();
            assert_eq!(completion["values"], expected, "{reference} {name} {value}");
            assert_eq!(completion["total"], expected.as_array().unwrap().len());
            assert_eq!(completion["hasMore"], false);
        }
        for (reference, name) in [
            (prompt("unheard_of"), "style"),
            (prompt("greeting"), "unheard_of"),
            (json!({"type": "ref/resource", "uri": "tutorial://unheard_of/{x}"}), "x"),
            (guide.clone(), "unheard_of"),
            (json!({"type": "ref/unheard_of"}), "x"),
        ] {
            assert_eq!(
                complete(&admin, &reference, name, "").await.error().0,
                -32602,
                "{reference}"
            );
        }
        // Whoever may not read the guide gets no suggestions for it, and learns which scope would help.
        let prompter = server.token("carol", "mcp:prompts");
        assert_eq!(complete(&prompter, &prompt("help"), "topic", "").await.status, 200);
        let refusal = complete(&prompter, &guide, "name", "").await;
        assert_eq!(refusal.status, 403);
        assert!(refusal.header("www-authenticate").contains(r#"scope="mcp:read""#));
    }
}

#[tokio::test]
async fn a_trace_is_continued_in_the_log_and_nothing_else_gets_there() {
    let server = Server::start_with("step9", ["--log", "debug"]);
    let alice = token(&server, "alice");
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let ask = async |traceparent: &str| {
        let mut meta = meta();
        meta["traceparent"] = json!(traceparent);
        meta["tracestate"] = json!("intruder=1");
        let params = json!({"name": "whoami", "_meta": meta});
        stateless(&server, &alice, "tools/call", params).answer().await.result();
    };
    ask(&format!("00-{trace}-00f067aa0ba902b7-01")).await;
    server.wait_for_log(trace);
    ask("00-intruder\n2026-01-01 ERROR all is lost").await;
    let last = message("prompts/list", Value::Null);
    server.mcp(&alice, last).answer().await;
    server.wait_for_log("prompts/list");
    assert!(!server.log().contains("intruder"), "{}", server.log());
    assert!(!server.log().contains(&alice));
}
