//! Messages with invalid content: each is answered with a status or an error that says what is wrong.

use serde_json::json;

use super::support::{Ask, Server};

/// Members of `params` are text until a method reads them, and the method says what is wrong with them.
#[tokio::test]
async fn invalid_params_are_explained_by_property() {
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
async fn invalid_params_are_a_json_rpc_error_with_status_200() {
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
async fn the_content_type_is_json_or_absent() {
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
async fn an_unsupported_revision_is_a_400_that_names_the_supported_ones() {
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
async fn an_unpaired_surrogate_is_reported_with_its_argument() {
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
