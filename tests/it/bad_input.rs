//! What people and programs send by mistake or with intent: each gets a status, and a body that says what is wrong.

use serde_json::json;

use super::support::{Ask, Server};

const PARSE: i64 = -32700;
const INVALID: i64 = -32600;

#[tokio::test]
async fn a_body_that_is_no_message_is_a_400_with_the_code_of_its_fault() {
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

/// Members of `params` are text until a method reads them, and the method says what is wrong with them.
#[tokio::test]
async fn what_a_method_cannot_read_is_refused_in_words() {
    let server = Server::start("step4");
    let ask = async |params: &str| {
        let message = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"#;
        server.mcp("", format!("{message}{params}}}")).answer().await
    };
    for (params, expected) in [
        (r#"{"name":7}"#, "Invalid params: invalid type: integer `7`, expected a string"),
        (r#"{"arguments":{}}"#, "Invalid params: missing field `name`"),
        (r#"{"name":"echo","arguments":["hi"]}"#, "Invalid params: arguments must be an object"),
        (r#"{"name":"echo","arguments":"hi"}"#, "Invalid params: arguments must be an object"),
    ] {
        let answer = ask(params).await;
        assert_eq!(
            (answer.status, answer.error()),
            (200, (-32602, expected.to_owned())),
            "{params}"
        );
    }
    // From these a model can learn.
    for (arguments, expected) in [
        ("null", "missing field `message`"),
        (r#"{"message":7}"#, "invalid type: integer `7`, expected a string"),
        (r#"{"message":"a","message":"b"}"#, "duplicate field `message`"),
    ] {
        let answer = ask(&format!(r#"{{"name":"echo","arguments":{arguments}}}"#)).await;
        let result = &answer.json()["result"];
        assert_eq!(result["isError"], true, "{arguments}: {answer:?}");
        let text = format!("invalid arguments for echo: {expected}; see its inputSchema");
        assert_eq!(result["content"][0]["text"], text, "{arguments}");
    }
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
async fn what_can_be_read_is_answered_and_what_wants_no_answer_gets_none() {
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

#[tokio::test]
async fn parameters_that_do_not_fit_are_explained_with_200() {
    let server = Server::start("step4");
    for (method, params) in [
        ("tools/call", json!(null)),
        ("tools/call", json!({})),
        ("tools/call", json!({"name": 7})),
        ("tools/call", json!({"name": "nope"})),
        ("tools/call", json!({"name": "echo", "arguments": [1]})),
        ("prompts/get", json!(null)),
        ("prompts/get", json!({"name": "nope"})),
        ("prompts/get", json!({"name": "greeting"})),
        ("prompts/get", json!({"name": "greeting", "arguments": {"name": 7}})),
        ("initialize", json!({"protocolVersion": 7})),
    ] {
        let answer = server.rpc("", method, params.clone()).await;
        assert_eq!(
            (answer.status, answer.error().0),
            (200, -32602),
            "{method} {params}: {answer:?}"
        );
    }
    for arguments in [
        json!({}),
        json!({"message": null}),
        json!({"message": 7}),
        json!({"message": "a", "repeat_count": 0}),
        json!({"message": "a", "repeat_count": 11}),
        json!({"message": "a", "repeat_count": -1}),
        json!({"message": "a", "repeat_count": 1.5}),
        json!({"message": "a", "repeat_count": "many"}),
        json!({"message": "a", "repeat_count": null}),
    ] {
        let params = json!({"name": "echo", "arguments": arguments});
        let result = server.rpc("", "tools/call", params).await.result();
        assert_eq!(result["isError"], true, "{arguments}: {result}");
        assert_eq!(result.get("structuredContent"), None, "{arguments}");
        let text = result["content"][0]["text"].as_str().expect("a text");
        assert!(text.starts_with("invalid arguments for echo: "), "{text}");
    }
}

#[tokio::test]
async fn the_content_type_is_json_or_not_said() {
    let server = Server::start("step4");
    for (content_type, status) in [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=application/json", 415),
        ("application/jsonp", 415),
        ("", 415),
    ] {
        let request = server.request("POST", "/mcp").header("content-type", content_type);
        let request = request.body(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        let answer = request.answer().await;
        assert_eq!(answer.status, status, "{content_type}: {answer:?}");
        if status == 415 {
            assert!(answer.detail().contains("application/json"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn lists_have_one_page() {
    let server = Server::start("step4");
    for method in ["tools/list", "prompts/list"] {
        for (params, expected) in [
            (json!({}), None),
            (json!({"cursor": null}), None),
            (json!({"cursor": "made up"}), Some(-32602)),
            (json!({"cursor": 5}), Some(-32602)),
        ] {
            let answer = server.rpc("", method, params.clone()).await;
            let code = answer.json()["error"]["code"].as_i64();
            assert_eq!((answer.status, code), (200, expected), "{method} {params}");
        }
    }
}

#[tokio::test]
async fn a_revision_that_we_do_not_speak_is_a_400_that_names_those_that_we_do() {
    let server = Server::start("step4");
    for (version, status) in [
        ("2025-03-26", 200),
        ("2025-06-18", 200),
        ("2025-11-25", 200),
        ("1999-01-01", 400),
        ("", 400),
    ] {
        let request = server.mcp("", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        let answer = request.header("mcp-protocol-version", version).answer().await;
        assert_eq!(answer.status, status, "{version:?}: {answer:?}");
        if status == 400 {
            assert!(answer.body.contains("2025-11-25"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_lone_surrogate_is_named_by_where_it_is() {
    let server = Server::start("step4");
    let reason = "is not valid Unicode text: it contains an unpaired surrogate escape";
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"\ud800"}}}"#;
    // The tests cannot read the method of such a request, so its result is not held against a schema.
    let response = server.mcp("", body).send().await.expect("an answer");
    let response: serde_json::Value =
        serde_json::from_str(&response.text().await.unwrap()).unwrap();
    let result = &response["result"];
    let text = result["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(result["isError"] == true && text.contains(&format!("message {reason}")), "{text}");
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"echo_prompt","arguments":{"message":"\ud800"}}}"#;
    let answer = server.mcp("", body).answer().await;
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!((answer.error().0, message), (-32602, format!("Invalid params: message {reason}")));
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#;
    let answer = server.mcp("", body).answer().await;
    let detail = answer.json()["error"]["data"]["detail"].as_str().unwrap().to_owned();
    assert_eq!((answer.status, detail), (400, format!("method {reason}")));
}
