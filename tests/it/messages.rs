//! JSON-RPC messages: which bodies are messages, which ids are valid, and what gets no response.

use serde_json::json;

use super::support::{Ask, Server};

const PARSE: i64 = -32700;
const INVALID: i64 = -32600;

#[tokio::test]
async fn a_body_that_is_no_message_is_a_400_with_its_json_rpc_code() {
    let server = Server::start("step4");
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":{open}{close}}}}}"#)
    };
    let too_deep = nested(100);
    let bottomless = "[".repeat(1_000_000);
    let objects = r#"{"a":"#.repeat(170_000);
    let members: Vec<_> = (0..50_000).map(|number| format!(r#""{number}":1"#)).collect();
    let crowd =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{{}}}}}"#, members.join(","));
    let rows: &[(&str, &[u8], i64)] = &[
        ("nothing", b"", PARSE),
        ("blanks", b" \r\n\t", PARSE),
        ("half of an object", b"{\"jsonrpc\":", PARSE),
        ("a comma too many", br#"{"jsonrpc":"2.0","id":1,"method":"ping",}"#, PARSE),
        ("single quotes", b"{'jsonrpc':'2.0'}", PARSE),
        ("NaN", b"NaN", PARSE),
        ("two messages", br#"{"jsonrpc":"2.0","id":1,"method":"ping"}{}"#, PARSE),
        ("invalid UTF-8", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", PARSE),
        ("UTF-16", b"\xff\xfe{\0", PARSE),
        (
            "a byte order mark",
            b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
            PARSE,
        ),
        ("a lone surrogate", br#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#, PARSE),
        (
            "half of an escape in params",
            br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\udc"}}"#,
            PARSE,
        ),
        (
            "a lone surrogate as a name in params",
            br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"\udc00":1}}"#,
            PARSE,
        ),
        ("a control character", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\x01\"}", PARSE),
        ("a batch", br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, INVALID),
        ("an empty batch", b"[]", INVALID),
        ("a string", br#""ping""#, INVALID),
        ("null", b"null", INVALID),
        ("an empty object", b"{}", INVALID),
        ("no jsonrpc", br#"{"id":1,"method":"ping"}"#, INVALID),
        ("another jsonrpc", br#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, INVALID),
        ("jsonrpc is a number", br#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, INVALID),
        ("no method", br#"{"jsonrpc":"2.0","id":1}"#, INVALID),
        ("method is null", br#"{"jsonrpc":"2.0","id":1,"method":null}"#, INVALID),
        ("method is a number", br#"{"jsonrpc":"2.0","id":1,"method":7}"#, INVALID),
        (
            "method twice",
            br#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#,
            INVALID,
        ),
        ("params is a list", br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, INVALID),
        (
            "params is a string",
            br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":"a"}"#,
            INVALID,
        ),
        (
            "a member of params twice, once in disguise",
            br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1,"\u0061":2}}"#,
            INVALID,
        ),
        ("params without end", crowd.as_bytes(), INVALID),
        ("nested too deep", too_deep.as_bytes(), INVALID),
        ("lists without a bottom", bottomless.as_bytes(), INVALID),
        ("objects without a bottom", objects.as_bytes(), INVALID),
    ];
    for (name, body, code) in rows {
        let request = server.request("POST", "/mcp").header("content-type", "application/json");
        let answer = request.body(body.to_vec()).answer().await;
        assert_eq!((answer.status, answer.error().0), (400, *code), "{name}: {answer:?}");
        let message = if *code == PARSE { "Parse error" } else { "Invalid Request" };
        assert_eq!(answer.error().1, message, "{name}");
        let body = answer.json();
        assert!(
            body["error"]["data"]["detail"].as_str().is_some_and(|text| !text.is_empty()),
            "{name}"
        );
        assert_eq!((body.get("id"), &body["jsonrpc"]), (None, &json!("2.0")), "{name}");
    }
    assert_eq!(server.mcp("", nested(50)).answer().await.status, 200, "deep, but not too deep");
    assert!(!server.log().contains("panic"), "{}", server.log());
}

#[tokio::test]
async fn an_id_is_a_string_or_an_integer_and_comes_back_as_it_was_written() {
    let server = Server::start("step4");
    for (id, legal) in [
        ("1", true),
        ("0", true),
        ("-1", true),
        ("9007199254740993", true),
        ("1180591620717411303424", true),
        (r#""abc""#, true),
        (r#""""#, true),
        (r#""ünï\u00e9\n""#, true),
        (r#"" 1 ""#, true),
        ("null", false),
        ("true", false),
        ("false", false),
        ("1.5", false),
        ("1.0", false),
        ("1e3", false),
        ("[1]", false),
        (r#"{"a":1}"#, false),
        (r#""\ud800""#, false),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let answer = server.mcp("", body).answer().await;
        if legal {
            assert_eq!(answer.body, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
        } else {
            assert_eq!((answer.status, answer.error().0), (400, INVALID), "{id}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn requests_are_answered_and_notifications_and_responses_get_202() {
    let server = Server::start("step4");
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","extra":[{}],"x":null}"#,
        r#"  {"jsonrpc":"2.0","id":1,"method":"ping"}  "#,
        r#"{"method":"ping","id":1,"jsonrpc":"2.0"}"#,
    ] {
        let answer = server.mcp("", body).answer().await;
        assert_eq!(answer.body, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "{body}");
    }
    for body in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"nope"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"no"}}"#,
    ] {
        let answer = server.mcp("", body).answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (202, ""), "{body}");
    }
}
