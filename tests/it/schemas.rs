//! What servers say, against the official schemas: every method of every server, and proof that faults are found.

use serde_json::{Value, json};

use super::support::{
    Ask, Server, message,
    schema::{self, LEGACY, STATELESS, faults},
};

/// Each method with parameters that every server from the fourth on answers somehow.
fn requests() -> [(&'static str, Value); 14] {
    [
        (
            "initialize",
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}),
        ),
        ("initialize", Value::Null),
        ("ping", Value::Null),
        ("tools/list", json!({})),
        ("tools/call", json!({"name": "echo", "arguments": {"message": "hi"}})),
        ("tools/call", json!({"name": "echo", "arguments": {}})),
        ("tools/call", json!({"name": "get_time"})),
        ("tools/call", json!({"name": "unheard_of"})),
        ("prompts/list", json!({})),
        ("prompts/get", json!({"name": "greeting", "arguments": {"name": "Ada"}})),
        ("prompts/get", json!({"name": "unheard_of"})),
        ("resources/list", json!({})),
        ("resources/read", json!({"uri": "tutorial://me"})),
        ("unheard_of", json!({})),
    ]
}

#[tokio::test]
async fn every_step_conforms_to_each_older_revision() {
    for step in ["step2", "step3", "step4", "step5", "step6", "step7", "step8", "step9"] {
        let server = Server::start(step);
        for token in [server.token("admin", ""), server.token("guest", ""), String::new()] {
            for revision in LEGACY {
                for (method, params) in requests() {
                    // `answer` holds the message against the schema.
                    let request = server.mcp(&token, message(method, params));
                    let request = request.header("origin", "http://localhost");
                    request.header("mcp-protocol-version", revision).answer().await;
                }
            }
        }
        for body in ["{", "[]", r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#] {
            let token = server.token("admin", "");
            let request = server.mcp(&token, body).header("origin", "http://localhost");
            assert_eq!(request.answer().await.status, 400, "{step} {body}");
        }
    }
}

#[test]
fn the_schema_check_finds_what_a_revision_does_not_allow() {
    if schema::folder().is_none() {
        return; // said aloud there
    }
    let answer = |result: Value| json!({"jsonrpc": "2.0", "id": 1, "result": result});
    let list = json!({"tools": [], "resultType": "complete", "ttlMs": 1, "cacheScope": "private"});
    let without = |member: &str| {
        let mut list = list.clone();
        list.as_object_mut().unwrap().remove(member);
        list
    };
    for (name, revision, method, message, good) in [
        ("complete", STATELESS, "tools/list", answer(list.clone()), true),
        ("no resultType", STATELESS, "tools/list", answer(without("resultType")), false),
        ("no ttlMs", STATELESS, "tools/list", answer(without("ttlMs")), false),
        ("no cacheScope", STATELESS, "tools/list", answer(without("cacheScope")), false),
        ("no tools", "2025-06-18", "tools/list", answer(json!({})), false),
        ("an unknown method", "2025-06-18", "server/discover", answer(json!({})), false),
        (
            "a null id",
            "2025-11-25",
            "ping",
            json!({"jsonrpc": "2.0", "id": null, "result": {}}),
            false,
        ),
        (
            "a code that is text",
            "2025-03-26",
            "ping",
            json!({"jsonrpc": "2.0", "id": 1, "error": {"code": "x", "message": ""}}),
            false,
        ),
        (
            "no versions",
            STATELESS,
            "ping",
            json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32022, "message": ""}}),
            false,
        ),
    ] {
        let found = if method == "server/discover" && revision != STATELESS {
            vec!["DiscoverResult is not of this revision".to_owned()]
        } else {
            faults(revision, method, &message)
        };
        assert_eq!(found.is_empty(), good, "{name}: {found:?}");
    }
}
