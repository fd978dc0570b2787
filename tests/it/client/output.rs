//! What of a server's text reaches standard output and standard error.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    mock::{ACCESS, Facts, Hit, Mock, ok},
    run::headless,
    session::{legacy, method, open},
};

/// An answer whose result is this text, as it stands.
fn verbatim(hit: &Hit, result: &str) -> Response {
    let message = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, hit.json["id"]);
    ([(header::CONTENT_TYPE, "application/json")], message).into_response()
}

#[tokio::test]
async fn results_are_one_document_per_line() {
    for (name, answer, expected) in [
        (
            "a record of its own",
            "{\n\"content\":[\n{\"type\":\"text\"}\n]}",
            r#"{"content":[{"type":"text"}]}"#,
        ),
        ("8-bit escape", "{\"content\": [\"\u{9b}2J\"]}", r#"{"content":["\u009b2J"]}"#),
        ("direction", "{\"\u{202e}\":\r1.50}", r#"{"\u202e":1.50}"#),
    ] {
        let mock = open(move |hit| match method(hit) {
            "server/discover" => StatusCode::BAD_REQUEST.into_response(),
            "tools/call" => verbatim(hit, answer),
            _ => legacy(hit),
        })
        .await;
        let run = headless(&mock, &["--call", "t={}"]).await;
        run.succeeded();
        assert_eq!(run.output.lines().count(), 2, "{name}: {}", run.output);
        let line = run.output.lines().nth(1).unwrap();
        assert!(line.ends_with(&format!(r#""result":{expected}}}"#)), "{name}: {line}");
    }
}

#[tokio::test]
async fn an_error_message_stays_on_one_line() {
    let mock = open(|hit| match method(hit) {
        "server/discover" => StatusCode::BAD_REQUEST.into_response(),
        "tools/list" => {
            let error = json!({"code": -1, "message": "no\n\nopen a page?\u{9b}2J"});
            ok(json!({"jsonrpc": "2.0", "id": hit.json["id"], "error": error}))
        }
        _ => legacy(hit),
    })
    .await;
    headless(&mock, &[]).await.failed("error -1: no\\n\\nopen a page?\\u{9b}2J");
}

#[tokio::test]
async fn a_token_response_that_is_not_json_is_not_shown() {
    for (name, path, body) in [
        ("a form", "/token", format!("access_token={ACCESS}&token_type=bearer")),
        (
            "behind a byte order mark",
            "/token",
            format!("\u{feff}{{\"access_token\": \"{ACCESS}\"}}"),
        ),
        ("a page", "/token", format!("<p>{ACCESS}</p>")),
        ("a string", "/token", format!("\"access_token={ACCESS}\"")),
        ("cut off", "/token", format!("{{\"access_token\": \"{ACCESS}\"")),
        ("a list", "/token", format!("[\"{ACCESS}\"]")),
        ("a registration", "/register", format!("client_secret={ACCESS}")),
    ] {
        let mock = Mock::start(move |hit: &Hit, _: &Facts| {
            (hit.path == path).then(|| body.clone().into_response())
        })
        .await;
        for flags in [&[][..], &["-v"]] {
            let run = headless(&mock, flags).await;
            run.failed("bytes, not JSON)");
            assert!(!run.progress.contains(ACCESS), "{name}: {}", run.progress);
        }
    }
}
