//! What 2026-07-28 asks of every request, and what it adds to every answer.

use serde_json::{Value, json};

use super::{meta, stateless, token};
use crate::support::{Ask, Server, message, schema::STATELESS};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT: &str = "io.modelcontextprotocol/clientInfo";

/// `_meta` with one member set, or taken away by null.
fn meta_with(key: &str, value: Value) -> Value {
    let mut meta = meta();
    match value {
        Value::Null => drop(meta.as_object_mut().unwrap().shift_remove(key)),
        value => meta[key] = value,
    }
    meta
}

type Headers = &'static [(&'static str, &'static str)];

const LIST: Headers = &[("mcp-protocol-version", STATELESS), ("mcp-method", "tools/list")];
const CALL: Headers =
    &[("mcp-protocol-version", STATELESS), ("mcp-method", "tools/call"), ("mcp-name", "get_time")];

/// A call of `get_time` with these headers beside those that it always needs.
fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [CALL, more].concat()
}

#[tokio::test]
async fn a_request_says_what_it_is_or_is_refused() {
    let server = Server::start("step9");
    let alice = token(&server, "alice");
    let list = |meta: Value| message("tools/list", json!({"_meta": meta}));
    let of = |version: &str| list(meta_with(VERSION, json!(version)));
    let none: Headers = &[];
    for (name, headers, body, expected) in [
        ("all is there", LIST, list(meta()), (200, 0)),
        ("no clientInfo", LIST, list(meta_with(CLIENT, Value::Null)), (200, 0)),
        (
            "header names in another case",
            &[("MCP-PROTOCOL-VERSION", STATELESS), ("MCP-Method", "tools/list")],
            list(meta()),
            (200, 0),
        ),
        ("no _meta", LIST, message("tools/list", json!({})), (400, -32602)),
        (
            "_meta that is no object",
            LIST,
            message("tools/list", json!({"_meta": 1})),
            (400, -32602),
        ),
        ("no version in _meta", LIST, list(meta_with(VERSION, Value::Null)), (400, -32602)),
        ("no version at all", none, list(meta_with(VERSION, Value::Null)), (400, -32602)),
        ("a version that is no text", LIST, list(meta_with(VERSION, json!(2026))), (400, -32602)),
        ("no capabilities", LIST, list(meta_with(CAPABILITIES, Value::Null)), (400, -32602)),
        ("capabilities in a list", LIST, list(meta_with(CAPABILITIES, json!([]))), (400, -32602)),
        (
            "clientInfo without a name",
            LIST,
            list(meta_with(CLIENT, json!({"version": "1"}))),
            (400, -32602),
        ),
        (
            "an unknown log level",
            LIST,
            list(meta_with("io.modelcontextprotocol/logLevel", json!("loud"))),
            (400, -32602),
        ),
        ("no version header", &[("mcp-method", "tools/list")], list(meta()), (400, -32020)),
        (
            "another version in the header",
            &[("mcp-protocol-version", "2025-11-25"), ("mcp-method", "tools/list")],
            list(meta()),
            (400, -32020),
        ),
        (
            "two version headers",
            &[
                ("mcp-protocol-version", STATELESS),
                ("mcp-protocol-version", STATELESS),
                ("mcp-method", "tools/list"),
            ],
            list(meta()),
            (400, -32020),
        ),
        ("an older version in _meta alone", LIST, of("2025-11-25"), (400, -32020)),
        (
            "a version of the future",
            &[("mcp-protocol-version", "2999-01-01")],
            of("2999-01-01"),
            (400, -32022),
        ),
        ("a version of the future, in _meta alone", none, of("2999-01-01"), (400, -32022)),
        (
            "a version of the future, in the header alone",
            &[("mcp-protocol-version", "2999-01-01")],
            message("tools/list", Value::Null),
            (400, -32022),
        ),
        ("no method header", &[("mcp-protocol-version", STATELESS)], list(meta()), (400, -32020)),
        (
            "another method in the header",
            &[("mcp-protocol-version", STATELESS), ("mcp-method", "tools/call")],
            list(meta()),
            (400, -32020),
        ),
        (
            "the method in capitals",
            &[("mcp-protocol-version", STATELESS), ("mcp-method", "TOOLS/LIST")],
            list(meta()),
            (400, -32020),
        ),
        (
            "two method headers",
            &[
                ("mcp-protocol-version", STATELESS),
                ("mcp-method", "tools/list"),
                ("mcp-method", "tools/list"),
            ],
            list(meta()),
            (400, -32020),
        ),
        (
            "a page that there is not",
            LIST,
            message("tools/list", json!({"_meta": meta(), "cursor": "2"})),
            (400, -32602),
        ),
        ("a message that cannot be read", LIST, "{".to_owned(), (400, -32700)),
        ("a batch", LIST, "[]".to_owned(), (400, -32600)),
    ] {
        let request = headers.iter().fold(server.mcp(&alice, body), |r, (k, v)| r.header(*k, *v));
        let answer = request.answer().await;
        let code = answer.json()["error"]["code"].as_i64().unwrap_or(0);
        assert_eq!((answer.status, code), expected, "{name}: {answer:?}");
        if code != -32700 && code != -32600 {
            assert_eq!(answer.json()["id"], 1, "{name}");
        }
    }
}

#[tokio::test]
async fn headers_must_say_what_the_body_says() {
    let server = Server::start("step9");
    let alice = token(&server, "alice");
    let call = |arguments: Value| {
        message("tools/call", json!({"name": "get_time", "arguments": arguments, "_meta": meta()}))
    };
    let zone = |zone: &str| call(json!({"timezone": zone}));
    let plain: Headers = &[("mcp-protocol-version", STATELESS), ("mcp-method", "tools/call")];
    for (name, headers, body, expected) in [
        ("the name", with(&[]), call(json!({})), 200),
        (
            "the name in Base64",
            [plain, &[("mcp-name", "=?base64?Z2V0X3RpbWU=?=")]].concat(),
            call(json!({})),
            200,
        ),
        (
            "blanks around the name",
            [plain, &[("mcp-name", "  get_time ")]].concat(),
            call(json!({})),
            200,
        ),
        ("no name", plain.to_vec(), call(json!({})), 400),
        ("another name", [plain, &[("mcp-name", "echo")]].concat(), call(json!({})), 400),
        (
            "the name in capitals",
            [plain, &[("mcp-name", "GET_TIME")]].concat(),
            call(json!({})),
            400,
        ),
        ("the name twice", with(&[("mcp-name", "get_time")]), call(json!({})), 400),
        (
            "a name, and none in the body",
            with(&[]),
            message("tools/call", json!({"_meta": meta()})),
            400,
        ),
        (
            "a parameter",
            with(&[("mcp-param-timezone", "Europe/Berlin")]),
            zone("Europe/Berlin"),
            200,
        ),
        (
            "a parameter in Base64",
            with(&[("mcp-param-timezone", "=?base64?RXVyb3BlL0Jlcmxpbg==?=")]),
            zone("Europe/Berlin"),
            200,
        ),
        ("a parameter left out", with(&[]), zone("Europe/Berlin"), 400),
        (
            "another parameter",
            with(&[("mcp-param-timezone", "Europe/Paris")]),
            zone("Europe/Berlin"),
            400,
        ),
        (
            "a parameter twice",
            with(&[("mcp-param-timezone", "UTC"), ("mcp-param-timezone", "UTC")]),
            zone("UTC"),
            400,
        ),
        (
            "a parameter, and none in the body",
            with(&[("mcp-param-timezone", "UTC")]),
            call(json!({})),
            400,
        ),
        ("a parameter that is null", with(&[]), call(json!({"timezone": null})), 200),
        ("bad padding", with(&[("mcp-param-timezone", "=?base64?VVRD=?=")]), zone("UTC"), 400),
        ("bad characters", with(&[("mcp-param-timezone", "=?base64?VV!D?=")]), zone("UTC"), 400),
        (
            "marks that are part of the text",
            with(&[("mcp-param-timezone", "=?base64?VVRD")]),
            zone("=?base64?VVRD"),
            200,
        ),
        (
            "a parameter that no tool has",
            with(&[("mcp-param-unheard-of", "x")]),
            call(json!({})),
            200,
        ),
    ] {
        let request = headers.iter().fold(server.mcp(&alice, body), |r, (k, v)| r.header(*k, *v));
        let answer = request.answer().await;
        assert_eq!(answer.status, expected, "{name}: {answer:?}");
        if expected == 400 {
            assert_eq!(answer.error().0, -32020, "{name}");
        }
    }
    let bytes = server.mcp(&alice, zone("UTC")).header("mcp-param-timezone", &b"\xc3\xa9"[..]);
    let request = CALL.iter().fold(bytes, |r, (k, v)| r.header(*k, *v));
    assert_eq!(request.answer().await.error().0, -32020);
    // The older revisions know nothing of such headers.
    let request = server.mcp(&alice, message("tools/call", json!({"name": "get_time"})));
    assert_eq!(request.header("mcp-name", "echo").answer().await.status, 200);
}

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
    let missing = json!({"uri": "tutorial://guide/99"});
    let newer = stateless(&server, &admin, "resources/read", missing.clone()).answer().await;
    let older = server.rpc(&admin, "resources/read", missing.clone()).await;
    assert_eq!((newer.status, newer.error().0, older.error().0), (200, -32602, -32002));
    for answer in [newer, older] {
        assert_eq!(answer.json()["error"]["data"], missing);
    }
}

#[tokio::test]
async fn discovery_tells_what_the_server_can_do() {
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
async fn results_are_complete_and_say_how_long_they_keep() {
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
async fn a_notification_is_accepted_without_a_word() {
    let server = Server::start("step9");
    let alice = token(&server, "alice");
    let note = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1, "_meta": meta()}});
    let request = server.mcp(&alice, note.to_string()).header("mcp-protocol-version", STATELESS);
    let answer = request.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (202, ""));
}
