//! What 2026-07-28 has and what it has not, and what it adds to every answer.

use serde_json::{Value, json};

use super::{
    meta, stateless,
    stateless::{VERSION, meta_with},
    token,
};
use crate::support::{Ask, Server, message, schema::STATELESS};

#[tokio::test]
async fn each_era_has_its_methods_and_no_others() {
    let server = Server::start("step9");
    let admin = token(&server, "admin");
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "subscriptions/listen",
        "unheard/of",
    ] {
        let answer = stateless(&server, &admin, method, Value::Null).answer().await;
        assert_eq!((answer.status, answer.error().0), (404, -32601), "{method}");
    }
    for method in ["server/discover", "subscriptions/listen", "unheard/of"] {
        let answer = server.rpc(&admin, method, Value::Null).await;
        assert_eq!((answer.status, answer.error().0), (200, -32601), "{method}");
    }
    let missing = json!({"uri": "tutorial://tools/unheard_of"});
    let newer = stateless(&server, &admin, "resources/read", missing.clone()).answer().await;
    let older = server.rpc(&admin, "resources/read", missing.clone()).await;
    assert_eq!((newer.status, newer.error().0, older.error().0), (200, -32602, -32002));
    for answer in [newer, older] {
        assert_eq!(answer.json()["error"]["data"], missing);
    }
}

#[tokio::test]
async fn server_discover_returns_revisions_and_capabilities() {
    let server = Server::start("step9");
    let guest = token(&server, "guest");
    let result = stateless(&server, &guest, "server/discover", Value::Null).answer().await.result();
    assert_eq!(
        result,
        json!({
            "supportedVersions": ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"],
            "capabilities": {
                "tools": {"listChanged": false},
                "prompts": {"listChanged": false},
                "resources": {"listChanged": false},
                "completions": {},
            },
            "resultType": "complete",
            "ttlMs": 3_600_000,
            "cacheScope": "public",
            // Public, so nothing in it says who asked.
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "mcp-echo", "version": env!("CARGO_PKG_VERSION")}},
        })
    );
    // An unknown version is answered with the same list.
    let params = json!({"_meta": meta_with(VERSION, json!("1900-01-01"))});
    let request = server.mcp(&guest, message("server/discover", params));
    let answer = request.header("mcp-protocol-version", "1900-01-01").answer().await;
    let data = answer.json()["error"]["data"].clone();
    assert_eq!(data, json!({"supported": result["supportedVersions"], "requested": "1900-01-01"}));
    // A version of the older kind in `_meta` is a request of the older kind.
    let params = json!({"_meta": {VERSION: "2025-11-25"}});
    let request = server.mcp(&guest, message("tools/list", params));
    let result = request.header("mcp-protocol-version", "2025-11-25").answer().await.result();
    assert_eq!(result.get("resultType"), None);
}

#[tokio::test]
async fn results_have_a_result_type_and_cache_hints() {
    let server = Server::start("step9");
    let admin = token(&server, "admin");
    let completion = json!({"ref": {"type": "ref/prompt", "name": "greeting"}, "argument": {"name": "style", "value": "f"}});
    for (method, params, hint) in [
        ("tools/list", Value::Null, Some(300_000)),
        ("prompts/list", Value::Null, Some(300_000)),
        ("resources/list", Value::Null, Some(300_000)),
        ("resources/templates/list", Value::Null, Some(300_000)),
        ("resources/read", json!({"uri": "tutorial://guide"}), Some(60_000)),
        ("tools/call", json!({"name": "whoami"}), None),
        ("prompts/get", json!({"name": "help"}), None),
        ("completion/complete", completion, None),
    ] {
        let result = stateless(&server, &admin, method, params).answer().await.result();
        assert_eq!(result["resultType"], "complete", "{method}");
        assert_eq!(result.get("ttlMs").and_then(Value::as_u64), hint, "{method}");
        let scope = hint.map(|_| "private");
        assert_eq!(result.get("cacheScope").and_then(Value::as_str), scope, "{method}");
        let info = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert_eq!(info["name"], "mcp-echo", "{method}");
    }
}

#[tokio::test]
async fn a_notification_gets_202_without_a_body() {
    let server = Server::start("step9");
    let alice = token(&server, "alice");
    let note = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1, "_meta": meta()}});
    let request = server.mcp(&alice, note.to_string()).header("mcp-protocol-version", STATELESS);
    let answer = request.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (202, ""));
}

#[tokio::test]
async fn a_notification_of_an_unknown_revision_is_rejected() {
    let server = Server::start("step9");
    let alice = token(&server, "alice");
    let plain = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let mut modern = plain.clone();
    modern["params"] = json!({"_meta": meta()});
    for (name, note, versions, expected) in [
        ("none named", &plain, &[][..], 202),
        ("one of the older ones", &plain, &["2025-06-18"], 202),
        ("the newer one", &plain, &[STATELESS], 202),
        ("the newer one, in the body alone", &modern, &[], 202),
        ("another one", &plain, &["1999-01-01"], 400),
        ("another one than in the body", &modern, &["1999-01-01"], 400),
        ("two of them", &plain, &[STATELESS, "1999-01-01"], 400),
        ("the same twice", &plain, &[STATELESS, STATELESS], 400),
    ] {
        let request =
            versions.iter().fold(server.mcp(&alice, note.to_string()), |request, version| {
                request.header("mcp-protocol-version", *version)
            });
        let answer = request.answer().await;
        assert_eq!(answer.status, expected, "{name}: {answer:?}");
        if expected == 400 {
            assert!(answer.detail().contains(STATELESS), "{name}: {answer:?}");
        }
    }
}
