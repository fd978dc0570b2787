//! Untrusted text where people read it: on pages, in headers, in the log.

use serde_json::json;

use crate::{
    support::{Server, claims, private_pem},
    tokens::forge::Forge,
};

use super::{attacks, get, ping, post, statuses, still_alive};

/// A text that would be seen wherever it is not escaped.
const SCRIPT: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";

/// `%XX` for every byte, so that it arrives whole.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The answer is a page or an error, and what was put into it is no part of it as markup.
#[track_caller]
fn harmless(server: &Server, request: &str) {
    let answer = server.raw(request);
    assert_eq!(statuses(&answer).len(), 1, "{answer}");
    let html = answer.to_lowercase().contains("content-type: text/html");
    assert!(!html || !answer.contains("<script>alert"), "{answer}");
    assert!(!html || !answer.contains("<img src=x"), "{answer}");
    assert!(!html || answer.contains("content-security-policy"), "{answer}");
    let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
    assert!(location.is_none_or(|to| !to.contains('<') && !to.contains('"')), "{answer}");
    still_alive(server);
}

/// Untrusted text starts no line of the log, and contains no terminal control characters.
#[track_caller]
fn one_line_each(server: &Server) {
    let log = server.log();
    assert!(!log.lines().any(|line| line.trim_start().starts_with("FORGED")), "{log}");
    assert!(!log.contains('\u{1b}') && !log.contains('\u{9b}'), "an escape sequence: {log}");
    assert!(!log.contains('\u{202e}'), "a change of direction: {log}");
}

/// What tries to begin a line of its own, to move a cursor, or to turn the reading direction.
const LINES: &str = "x\r\nFORGED level=INFO \u{1b}[2J\u{9b}2J\u{202e}";

attacks! { "step9";
    markup_in_a_path: |server| {
        for path in ["/", "/docs/", "/docs/callback/", "/auth/", "/.well-known/"] {
            harmless(server, &get(&format!("{path}{}", encoded(SCRIPT)), &[]));
            harmless(server, &get(&format!("{path}?x={}", encoded(SCRIPT)), &[]));
        }
    };
    markup_in_an_authorization_request: |server| {
        for name in ["client_id", "redirect_uri", "state", "scope", "resource", "code_challenge", "response_type", "error", "login_hint", "prompt", SCRIPT] {
            let query = format!("{}={}", encoded(name), encoded(SCRIPT));
            harmless(server, &get(&format!("/auth/authorize?{query}"), &[]));
            let good = "response_type=code&client_id=mcp-test-client&code_challenge_method=S256\
                &redirect_uri=http%3A%2F%2F127.0.0.1%3A3760%2Fcallback&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
            harmless(server, &get(&format!("/auth/authorize?{good}&{query}"), &[]));
        }
    };
    markup_in_a_login: |server| {
        let body = format!("username={0}&password={0}&user={0}&proof={0}", encoded(SCRIPT));
        let form = post("/auth/login", &["Origin: http://localhost"], &body)
            .replace("application/json", "application/x-www-form-urlencoded");
        harmless(server, &form)
    };
    markup_in_a_registration: |server| {
        let client = json!({"client_name": SCRIPT, "client_uri": SCRIPT, "logo_uri": SCRIPT, "redirect_uris": ["http://127.0.0.1:3760/callback"]});
        let answer = server.raw(post("/auth/register", &[], &client.to_string()));
        let id = answer.split("\"client_id\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let query = format!(
            "response_type=code&client_id={}&code_challenge_method=S256\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A3760%2Fcallback&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            id.unwrap_or_default()
        );
        harmless(server, &get(&format!("/auth/authorize?{query}"), &[]))
    };
    markup_in_an_origin_and_a_host: |server| {
        harmless(server, &get("/docs", &[&format!("Origin: {SCRIPT}")]));
        harmless(server, &get("/docs", &[]).replace("Host: localhost", &format!("Host: {SCRIPT}")))
    };
    markup_in_a_message_stays_text: |server| {
        let token = format!("Authorization: Bearer {}", server.token("alice", "mcp:tools"));
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": SCRIPT}).to_string();
        let answer = server.raw(post("/mcp", &[&token], &body)).to_lowercase();
        assert!(answer.contains("content-type: application/json"), "{answer}")
    };
    a_header_in_a_redirect: |server| {
        let answer = server.raw(get("/x%0d%0aSet-Cookie:%20a=b/", &[]));
        assert!(!answer.to_lowercase().contains("\nset-cookie"), "{answer}")
    };
    line_breaks_in_an_origin: |server| {
        for origin in ["x\tFORGED", "x\u{9b}2J", "x\u{202e}FORGED"] {
            server.raw(ping(&[&format!("Origin: {origin}")]));
            server.raw(ping(&[]).replace("Host: localhost", &format!("Host: {origin}")));
        }
        assert_eq!(statuses(&server.raw(ping(&[&format!("Origin: {LINES}")]))), [400]);
        one_line_each(server)
    };
    line_breaks_in_a_path: |server| {
        server.raw(get(&format!("/{}", encoded(LINES)), &[]));
        server.raw(get("/\u{202e}FORGED\u{9b}", &[]));
        one_line_each(server)
    };
    line_breaks_in_a_user_name: |server| {
        let mut claims = claims("x", "mcp:tools mcp:read");
        for claim in ["preferred_username", "sub", "azp", "name"] {
            claims[claim] = json!(LINES);
        }
        let token = Forge::new(private_pem()).token(&claims);
        let line = format!("Authorization: Bearer {token}");
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami", "arguments": {}}});
        let answer = server.raw(post("/mcp", &[&line], &body.to_string()));
        assert_eq!(statuses(&answer), [200], "{answer}");
        one_line_each(server)
    };
    line_breaks_in_rejected_claims: |server| {
        for (claim, value) in [("iss", json!(LINES)), ("aud", json!([LINES])), ("scope", json!(7))] {
            let mut claims = claims("x", "");
            claims[claim] = value;
            let token = Forge::new(private_pem()).token(&claims);
            server.raw(ping(&[&format!("Authorization: Bearer {token}")]));
        }
        let token = Forge::new(private_pem()).rs256(&json!({"alg": "RS256", "kid": LINES, "typ": LINES}).to_string(), &claims("x", ""));
        server.raw(ping(&[&format!("Authorization: Bearer {token}")]));
        one_line_each(server)
    };
    line_breaks_in_messages: |server| {
        let token = format!("Authorization: Bearer {}", server.token("alice", "mcp:tools mcp:read mcp:prompts"));
        for message in [
            json!({"jsonrpc": "2.0", "id": LINES, "method": LINES}),
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": LINES, "arguments": {"message": LINES}}}),
            json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": LINES}}),
            json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": LINES, "capabilities": {}, "clientInfo": {"name": LINES, "version": LINES}}}),
        ] {
            server.raw(post("/mcp", &[&token], &message.to_string()));
        }
        one_line_each(server)
    };
    line_breaks_in_a_registration: |server| {
        let client = json!({"client_name": LINES, "redirect_uris": [LINES, "http://127.0.0.1:1/cb"], "scope": LINES});
        server.raw(post("/auth/register", &[], &client.to_string()));
        let form = post("/auth/token", &[], &format!("grant_type={0}&client_id={0}&code={0}", encoded(LINES)));
        server.raw(form.replace("application/json", "application/x-www-form-urlencoded"));
        server.raw(get(&format!("/auth/authorize?client_id={0}&state={0}", encoded(LINES)), &[]));
        one_line_each(server)
    };
    line_breaks_in_a_request_id: |server| {
        server.raw(get("/mcp", &["X-Request-Id: a\tFORGED", "traceparent: 00-\tFORGED"]));
        one_line_each(server)
    };
}
