//! What an operator sees of a request: its id, its log line, its numbers.

use serde_json::Value;

use crate::support::{Ask, Server};

#[tokio::test]
async fn every_response_has_the_request_id() {
    let server = Server::start("step8");
    let token = server.token("alice", "mcp:tools");
    for (name, path, token, sent, taken) in [
        ("health", "/health", "", "abc-1", true),
        ("no token", "/mcp", "", "abc-2", true),
        ("a bad token", "/mcp", "x.y.z", "abc-3", true),
        ("unknown path", "/nowhere", "", "abc-4", true),
        ("a good request", "/mcp", &token, "abc-5", true),
        ("an id that could forge a log line", "/health", "", "a\tlevel=ERROR", false),
        ("an endless id", "/health", "", &"x".repeat(300), false),
    ] {
        let method = if path == "/mcp" { "POST" } else { "GET" };
        let request = server
            .request(method, path)
            .bearer_auth(token)
            .header("x-request-id", sent)
            .body(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        let answer = request.answer().await;
        let id = answer.header("x-request-id");
        assert_eq!(id == sent, taken, "{name}: {answer:?}");
        assert!(!id.is_empty(), "{name}");
    }
    let unknown = server.request("GET", "/nowhere").header("x-request-id", "abc-6").answer().await;
    assert_eq!(unknown.json()["request_id"], "abc-6");
}

#[tokio::test]
async fn log_lines_have_request_id_and_trace_id_as_text_and_as_json() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for format in ["text", "json"] {
        let flags = ["--log-format", format, "--log", "info,access=debug"];
        let server = Server::start_with("step6", flags);
        let request = server
            .mcp("not-a-token", "{}")
            .header("x-request-id", "find-me")
            .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
        assert_eq!(request.answer().await.status, 401);
        server.wait_for_log("answered");
        let log = server.log();
        let lines: Vec<_> = log.lines().filter(|line| line.contains("find-me")).collect();
        assert_eq!(lines.len(), 2, "a refusal and an answer: {log}");
        for line in lines {
            if format == "text" {
                assert!(line.ends_with(&format!(" request_id=find-me trace_id={trace}")), "{line}");
                assert!(!line.contains('\u{1b}'), "no colours where no terminal is: {line}");
            } else {
                let line: Value = serde_json::from_str(line).expect(line);
                assert_eq!(
                    (&line["request_id"], &line["trace_id"]),
                    (&"find-me".into(), &trace.into())
                );
                assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
            }
        }
        assert!(!log.contains("not-a-token"), "{log}");
    }
}

#[tokio::test]
async fn metrics_are_on_a_port_of_their_own_and_count_what_happened() {
    let server = Server::start_with("step8", ["--metrics-port", "0"]);
    let alice = server.token("alice", "mcp:read");
    for (token, method, times) in [
        ("", "ping", 1),
        ("x.y.z", "ping", 2),
        (&*alice, "tools/list", 3),
        (&*alice, "tools/call", 1),
    ] {
        for _ in 0..times {
            server.rpc(token, method, serde_json::json!({"name": "echo"})).await;
        }
    }
    server.request("GET", "/health").header("origin", "http://evil.example").answer().await;
    server.request("BREW", "/mcp").header("host", "evil.example").answer().await;

    let url = &server.metrics_url();
    let client = crate::support::client();
    let numbers = client.get(url).answer().await;
    assert_eq!(
        (numbers.status, numbers.header("content-type")),
        (200, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    for line in [
        r#"http_requests_total{method="POST",status="200"} 3"#,
        r#"http_requests_total{method="POST",status="401"} 3"#,
        r#"http_requests_total{method="POST",status="403"} 1"#,
        r#"http_requests_total{method="GET",status="200"} 1"#,
        r#"http_requests_total{method="other",status="403"} 1"#,
        r#"http_requests_rejected_total{reason="missing_token"} 1"#,
        r#"http_requests_rejected_total{reason="malformed"} 2"#,
        r#"http_requests_rejected_total{reason="insufficient_scope"} 1"#,
        r#"http_requests_rejected_total{reason="host"} 1"#,
        r#"token_validations_total{outcome="verified"} 1"#,
        r#"token_validations_total{outcome="cached"} 3"#,
        r#"token_validations_total{outcome="rejected"} 2"#,
        "http_request_duration_seconds_count 9",
    ] {
        assert!(numbers.body.lines().any(|number| number == line), "{line} in:\n{}", numbers.body);
    }
    // The port is not one of the application's, and a page that rebinds its name does not reach it.
    assert_eq!(server.get("/metrics").await.status, 404);
    assert_eq!(client.get(url).header("host", "evil.example").answer().await.status, 403);
    assert_eq!(client.get(url).header("origin", "http://evil.example").answer().await.status, 403);
}

#[tokio::test]
async fn without_metrics_port_there_are_no_metrics() {
    let server = Server::start("step8");
    assert!(!server.log().contains("metrics"));
    assert_eq!(server.get("/metrics").await.status, 404);
}

#[tokio::test]
async fn rejections_beyond_the_log_limit_are_only_counted() {
    const REFUSED: usize = 400;
    let server = Server::start_with("step6", ["--log", "info"]);
    let start = std::time::Instant::now();
    for _ in 0..REFUSED {
        assert_eq!(server.mcp("x.y.z", "{}").answer().await.status, 401);
    }
    let seconds = start.elapsed().as_secs() as usize;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    server.mcp("x.y.z", "{}").header("x-request-id", "the-last").answer().await;
    server.wait_for_log("the-last");

    let log = server.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("access token rejected")).collect();
    let suppressed =
        |line: &&str| line.rsplit_once("suppressed=").map(|(_, count)| count.parse().ok());
    let counted: usize = lines.iter().filter_map(suppressed).map(|count| count.unwrap_or(0)).sum();
    assert_eq!(lines.len() + counted, REFUSED + 1, "every refusal is written or counted");
    assert!(lines.len() <= 100 * (seconds + 1) + 1, "{} lines in {seconds} s", lines.len());
}
