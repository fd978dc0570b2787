//! A tool that asks the user for confirmation (MCP 2026-07-28 basic/patterns/mrtr); the request state is signed for one
//! caller.

use serde_json::{Value, json};

use super::{Era, meta, stateless, token};
use crate::support::{Answer, Ask, Server};

/// A call of `clear_call_log` by a client with these capabilities, and what it brings along.
async fn forget(server: &Server, token: &str, capabilities: Value, more: Value) -> Answer {
    let mut params = json!({"name": "clear_call_log", "arguments": {}, "_meta": meta()});
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    for (member, value) in more.as_object().unwrap() {
        params[member] = value.clone();
    }
    stateless(server, token, "tools/call", params).answer().await
}

fn forms() -> Value {
    json!({"elicitation": {"form": {}}})
}

async fn recorded(server: &Server, token: &str) -> usize {
    let params = json!({"name": "recent_calls", "arguments": {"limit": 100}});
    let result = Era::Stateless.ask(server, token, "tools/call", params).await.result();
    result["structuredContent"]["calls"].as_array().unwrap().len()
}

fn said(action: &str, confirm: Value) -> Value {
    json!({"confirm": {"action": action, "content": {"confirm": confirm}}})
}

#[tokio::test]
async fn a_call_is_carried_out_after_the_user_has_confirmed_it() {
    let server = Server::start("step9");
    let admin = token(&server, "admin");
    let question = forget(&server, &admin, forms(), json!({})).await.result();
    assert_eq!(question["resultType"], "input_required");
    assert_eq!((question.get("ttlMs"), question.get("content")), (None, None));
    let request = &question["inputRequests"]["confirm"];
    assert_eq!(request["method"], "elicitation/create");
    assert!(request["params"]["message"].as_str().unwrap().contains("cannot be undone"));
    let state = &question["requestState"];

    let refused =
        json!({"inputResponses": {"confirm": {"action": "decline"}}, "requestState": state});
    let result = forget(&server, &admin, forms(), refused).await.result();
    assert_eq!((&result["resultType"], &result["isError"]), (&json!("complete"), &json!(true)));
    assert!(recorded(&server, &admin).await > 1);

    let agreed = json!({"inputResponses": said("accept", json!(true)), "requestState": state});
    // The state was consumed by the answer above, and nobody changes their mind with it (basic/patterns/mrtr: what must
    // be consumed at most once is enforced by the server).
    let answer = forget(&server, &admin, forms(), agreed).await;
    assert_eq!(answer.error().0, -32602);
    let question = forget(&server, &admin, forms(), json!({})).await.result();
    let state = &question["requestState"];
    let agreed = json!({"inputResponses": said("accept", json!(true)), "requestState": state});
    let result = forget(&server, &admin, forms(), agreed.clone()).await.result();
    assert_eq!((&result["resultType"], &result["isError"]), (&json!("complete"), &json!(false)));
    assert!(result["structuredContent"]["deleted"].as_u64().unwrap() >= 3, "{result}");
    // The call itself is the first of the new list.
    assert_eq!(recorded(&server, &admin).await, 1);
    let answer = forget(&server, &admin, forms(), agreed).await;
    assert_eq!(answer.error().0, -32602, "a confirmation is for one call");
    assert!(recorded(&server, &admin).await > 1);
}

#[tokio::test]
async fn a_client_without_form_elicitation_gets_missing_capability() {
    let server = Server::start("step9");
    let admin = token(&server, "admin");
    for (capabilities, asked) in [
        (json!({}), false),
        (json!({"elicitation": {"url": {}}}), false),
        (json!({"sampling": {}}), false),
        (json!({"elicitation": {}}), true),
        (forms(), true),
    ] {
        let answer = forget(&server, &admin, capabilities.clone(), json!({})).await;
        if asked {
            assert_eq!(answer.result()["resultType"], "input_required", "{capabilities}");
        } else {
            assert_eq!((answer.status, answer.error().0), (400, -32021), "{capabilities}");
            let required = &answer.json()["error"]["data"]["requiredCapabilities"];
            assert_eq!(required, &forms());
        }
    }
    // The older revisions ask in another way, which we do not offer: a model reads so.
    let params = json!({"name": "clear_call_log"});
    let result = Era::Legacy.ask(&server, &admin, "tools/call", params).await.result();
    assert_eq!((&result["isError"], result.get("resultType")), (&json!(true), None));
    assert!(result["content"][0]["text"].as_str().unwrap().contains("2026-07-28"), "{result}");
    assert!(recorded(&server, &admin).await > 1);
}

#[tokio::test]
async fn a_confirmation_is_valid_only_for_the_call_that_was_shown() {
    let server = Server::start("step9");
    let admin = token(&server, "admin");
    let question = forget(&server, &admin, forms(), json!({})).await.result();
    let state = question["requestState"].as_str().unwrap();
    let yes = said("accept", json!(true));
    let mut claims = crate::support::claims("eve", "");
    claims["roles"] = json!(["admin"]);
    let eve = crate::support::key_pair().sign("JWT", &claims).expect("a token");
    let mut claims = crate::support::claims("admin", "mcp:read mcp:tools mcp:prompts");
    claims["client_id"] = json!("another-client");
    let other_client = crate::support::key_pair().sign("JWT", &claims).expect("a token");
    let nameless = |name: &str| {
        let mut claims = crate::support::claims(name, "");
        claims["roles"] = json!(["admin"]);
        claims.as_object_mut().unwrap().remove("sub");
        crate::support::key_pair().sign("JWT", &claims).expect("a token")
    };
    let (carol, dave) = (nameless("carol"), nameless("dave"));
    let carols = forget(&server, &carol, forms(), json!({})).await.result()["requestState"].clone();
    let mut altered = state.to_owned();
    let last = if altered.pop() == Some('A') { 'E' } else { 'A' };
    altered.push(last);

    for (name, token, more) in [
        ("another caller", &eve, json!({"inputResponses": yes, "requestState": state})),
        (
            "another caller, neither with a subject",
            &dave,
            json!({"inputResponses": yes, "requestState": carols}),
        ),
        ("another client", &other_client, json!({"inputResponses": yes, "requestState": state})),
        (
            "other arguments",
            &admin,
            json!({"arguments": {"all": 1}, "inputResponses": yes, "requestState": state}),
        ),
        ("an altered state", &admin, json!({"inputResponses": yes, "requestState": altered})),
        ("a state of another kind", &admin, json!({"inputResponses": yes, "requestState": 7})),
        ("an empty state", &admin, json!({"inputResponses": yes, "requestState": ""})),
    ] {
        let answer = forget(&server, token, forms(), more).await;
        assert_eq!(answer.error().0, -32602, "{name}");
    }
    // Without an answer that can be read the question is asked again, and so it is without a state.
    for (name, more) in [
        ("no state", json!({"inputResponses": yes})),
        ("no answer", json!({"requestState": state})),
        (
            "another answer",
            json!({"inputResponses": {"else": {"action": "accept"}}, "requestState": state}),
        ),
        (
            "no word in the answer",
            json!({"inputResponses": said("accept", json!("yes")), "requestState": state}),
        ),
        (
            "an unknown action",
            json!({"inputResponses": said("perhaps", json!(true)), "requestState": state}),
        ),
    ] {
        let result = forget(&server, &admin, forms(), more).await.result();
        assert_eq!(result["resultType"], "input_required", "{name}");
    }
    let no = json!({"inputResponses": said("accept", json!(false)), "requestState": state});
    assert_eq!(forget(&server, &admin, forms(), no).await.result()["isError"], true);
    assert!(recorded(&server, &admin).await > 5, "nothing was forgotten");
    // What is not asked about is not asked: an ordinary tool ignores answers.
    let params = json!({"name": "whoami", "inputResponses": yes, "requestState": "x"});
    let result = Era::Stateless.ask(&server, &admin, "tools/call", params).await.result();
    assert_eq!(result["resultType"], "complete");
}
