//! Each caller against each tool, prompt and resource, in both eras.

use serde_json::{Value, json};

use super::{CALLERS, Era, token};
use crate::support::{Answer, Server};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    /// 200 and a result.
    Yes,
    /// Allowed, but a person would have to be asked, which this client cannot do.
    Asks,
    /// 403 and a challenge that asks for this scope.
    Needs(&'static str),
    /// 403 and no challenge: no scope would help.
    Never,
    /// 401 and a challenge.
    Who,
}

use Outcome::{Asks, Needs, Never, Who, Yes};

const ECHO: Outcome = Needs("mcp:tools:echo");
const TIME: Outcome = Needs("mcp:tools:get_time");
const PROMPTS: Outcome = Needs("mcp:prompts");
const READ: Outcome = Needs("mcp:read");

/// A method, its parameters, and what alice, bob, admin, guest and nobody get.
fn matrix() -> Vec<(&'static str, Value, [Outcome; 5])> {
    let echo = json!({"name": "echo", "arguments": {"message": "hi"}});
    let call = |name: &str| json!({"name": name, "arguments": {}});
    let greeting = json!({"name": "greeting", "arguments": {}});
    let echo_prompt = json!({"name": "echo_prompt", "arguments": {"message": "hi"}});
    let uri = |uri: &str| json!({"uri": uri});
    let complete = |reference: Value, name: &str| json!({"ref": reference, "argument": {"name": name, "value": ""}});
    let style = complete(json!({"type": "ref/prompt", "name": "greeting"}), "style");
    let tool = complete(json!({"type": "ref/resource", "uri": "tutorial://tools/{name}"}), "name");
    vec![
        ("tools/list", Value::Null, [Yes, Yes, Yes, Yes, Who]),
        ("tools/call", call("whoami"), [Yes, Yes, Yes, Yes, Who]),
        ("tools/call", echo, [Yes, ECHO, Yes, ECHO, Who]),
        ("tools/call", call("get_time"), [Yes, TIME, Yes, TIME, Who]),
        ("tools/call", call("recent_calls"), [Never, Never, Yes, Never, Who]),
        ("tools/call", call("clear_call_log"), [Never, Never, Asks, Never, Who]),
        ("prompts/list", Value::Null, [Yes, Yes, Yes, PROMPTS, Who]),
        ("prompts/get", greeting, [Yes, Yes, Yes, PROMPTS, Who]),
        ("prompts/get", call("help"), [Yes, Yes, Yes, PROMPTS, Who]),
        ("prompts/get", echo_prompt, [Yes, Yes, Yes, PROMPTS, Who]),
        ("resources/list", Value::Null, [Yes, Yes, Yes, READ, Who]),
        ("resources/templates/list", Value::Null, [Yes, Yes, Yes, READ, Who]),
        ("resources/read", uri("tutorial://me"), [Yes, Yes, Yes, READ, Who]),
        ("resources/read", uri("tutorial://guide"), [Yes, Yes, Yes, READ, Who]),
        ("resources/read", uri("tutorial://tools/whoami"), [Yes, Yes, Yes, READ, Who]),
        ("completion/complete", style, [Yes, Yes, Yes, PROMPTS, Who]),
        ("completion/complete", tool, [Yes, Yes, Yes, PROMPTS, Who]),
    ]
}

fn check(answer: &Answer, expected: Outcome, era: Era, case: &str) {
    let challenge = answer.header("www-authenticate").to_owned();
    match expected {
        Yes => {
            assert!(answer.result().is_object(), "{case}");
            assert_eq!(challenge, "", "{case}");
        }
        Asks if era == Era::Legacy => assert_eq!(answer.result()["isError"], true, "{case}"),
        Asks => assert_eq!((answer.status, answer.error().0), (400, -32021), "{case}"),
        Needs(scope) => {
            let code = if era == Era::Legacy { -32001 } else { 403 };
            assert_eq!((answer.status, answer.error().0), (403, code), "{case}");
            assert!(challenge.contains(r#"error="insufficient_scope""#), "{case}: {challenge}");
            assert!(challenge.contains(&format!(r#"scope="{scope}""#)), "{case}: {challenge}");
            assert!(challenge.contains("resource_metadata="), "{case}: {challenge}");
        }
        Never => {
            let detail = answer.json()["error"]["data"]["detail"].clone();
            assert_eq!((answer.status, challenge.as_str()), (403, ""), "{case}");
            let detail = detail.as_str().unwrap_or_default();
            assert!(detail.ends_with(" requires the role admin"), "{case}: {detail}");
        }
        Who => {
            assert_eq!(
                (answer.status, answer.detail().as_str()),
                (401, "Authorization header missing"),
                "{case}"
            );
            assert!(challenge.contains("resource_metadata="), "{case}: {challenge}");
        }
    }
    if answer.status != 401 {
        assert_eq!(answer.json()["id"], 1, "{case}");
    }
}

#[tokio::test]
async fn each_caller_may_do_what_the_policy_says_in_both_eras() {
    let server = Server::start("step9");
    for era in Era::BOTH {
        for (method, params, expected) in matrix() {
            for ((name, _), expected) in CALLERS.iter().zip(expected) {
                let answer = era.ask(&server, &token(&server, name), method, params.clone()).await;
                check(&answer, expected, era, &format!("{era:?} {name} {method} {params}"));
            }
        }
    }
}

#[tokio::test]
async fn lists_show_only_what_the_caller_may_use() {
    let server = Server::start("step9");
    for era in Era::BOTH {
        for (name, expected) in [
            ("alice", &["echo", "get_time", "whoami"][..]),
            ("bob", &["whoami"]),
            ("admin", &["echo", "get_time", "whoami", "recent_calls", "clear_call_log"]),
            ("guest", &["whoami"]),
        ] {
            let answer = era.ask(&server, &token(&server, name), "tools/list", Value::Null).await;
            let tools = answer.result()["tools"].clone();
            let names: Vec<_> =
                tools.as_array().unwrap().iter().map(|t| t["name"].clone()).collect();
            assert_eq!(names, expected, "{era:?} {name}");
        }
    }
}

#[tokio::test]
async fn a_scope_for_one_tool_allows_it_alone_and_mcp_tools_allows_all() {
    let server = Server::start("step9");
    let echo = json!({"name": "echo", "arguments": {"message": "hi"}});
    let time = json!({"name": "get_time"});
    for (scope, echoes, tells) in [
        ("mcp:tools:echo", 200, 403),
        ("mcp:tools:get_time", 403, 200),
        ("mcp:tools", 200, 200),
        ("mcp", 403, 403),
        ("mcp:toolsmith", 403, 403),
        ("mcp:tools:echoes", 403, 403),
        ("MCP:TOOLS", 403, 403),
    ] {
        let token = server.token("carol", scope);
        for era in Era::BOTH {
            for (params, expected) in [(&echo, echoes), (&time, tells)] {
                let answer = era.ask(&server, &token, "tools/call", params.clone()).await;
                assert_eq!(answer.status, expected, "{era:?} {scope} {params}");
            }
        }
    }
}
