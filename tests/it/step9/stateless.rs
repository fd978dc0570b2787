//! What 2026-07-28 asks of every request.

use serde_json::{Value, json};

use super::{meta, token};
use crate::support::{Ask, Server, message, schema::STATELESS};

pub(super) const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT: &str = "io.modelcontextprotocol/clientInfo";

/// `_meta` with one member set, or taken away by null.
pub(super) fn meta_with(key: &str, value: Value) -> Value {
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
async fn a_request_needs_its_revision_client_and_capabilities() {
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
            (400, -32600),
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
            "the method in Base64, which only names and parameters may be in",
            &[("mcp-protocol-version", STATELESS), ("mcp-method", "=?base64?dG9vbHMvbGlzdA==?=")],
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
async fn mcp_headers_must_equal_the_body() {
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
    // Which of two would count must not depend on who reads.
    let version = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#;
    let twice = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{{{version},{version}}}}}}}"#
    );
    let answer = server.mcp(&alice, twice).answer().await;
    assert_eq!((answer.status, answer.error().0), (400, -32600), "{answer:?}");
}

#[tokio::test]
async fn a_header_that_contradicts_the_body_is_rejected_in_every_revision() {
    // Revisions before 2026-07-28 do not know these headers, but a proxy may act on them all the same ("Server
    // Validation": different components must not rely on different sources of truth).
    let server = Server::start("step9");
    let alice = token(&server, "alice");
    let echo = json!({"name": "echo", "arguments": {"message": "hi"}});
    for version in [None, Some("2025-06-18"), Some("2025-11-25")] {
        for (method, name, status) in [
            (None, None, 200),
            (Some("tools/call"), Some("echo"), 200),
            (Some("tools/call"), None, 200),
            (Some("ping"), None, 400),
            (Some("tools/call"), Some("whoami"), 400),
            (None, Some("=?base64?!?="), 400),
        ] {
            let mut request = server.mcp(&alice, message("tools/call", echo.clone()));
            for (header, value) in
                [("mcp-protocol-version", version), ("mcp-method", method), ("mcp-name", name)]
            {
                if let Some(value) = value {
                    request = request.header(header, value);
                }
            }
            let answer = request.answer().await;
            assert_eq!(answer.status, status, "{version:?} {method:?} {name:?}: {answer:?}");
            if status == 400 {
                assert_eq!((answer.error().0, &answer.json()["id"]), (-32020, &json!(1)));
            }
        }
    }
}
