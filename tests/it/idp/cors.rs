//! Clients in a browser: CORS headers, and preflight requests, which carry no token.

use serde_json::json;

use crate::support::{Answer, Ask, Server};

async fn preflight(server: &Server, path: &str, origin: &str) -> Answer {
    let request = server.request("OPTIONS", path).header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    let headers = "authorization,content-type,mcp-protocol-version";
    request.header("access-control-request-headers", headers).answer().await
}

#[tokio::test]
async fn a_preflight_needs_no_token_and_is_answered_for_exact_origins_only() {
    let server = Server::start_with("step10", ["--allow-origin", "https://app.example.com"]);
    let own = server.url.clone();
    let sibling = own.replace("localhost", "127.0.0.1");
    for (origin, status) in [
        ("http://localhost", 200),
        ("http://127.0.0.1", 200),
        ("http://localhost:6274", 200),
        (own.as_str(), 200),
        (sibling.as_str(), 200),
        ("https://app.example.com", 200),
        ("http://localhost:5173", 400),
        ("http://localhost:62740", 400),
        ("https://localhost:6274", 403),
        ("http://evil.example.com", 403),
        ("http://localhost.evil.com", 403),
        ("null", 403),
    ] {
        for path in ["/mcp", "/health"] {
            let answer = preflight(&server, path, origin).await;
            // Anybody may talk to `/health`, but not everybody may read what it says.
            let expected = if path == "/health" && status == 403 { 400 } else { status };
            assert_eq!(answer.status, expected, "{path} {origin}");
            let readable = answer.header("access-control-allow-origin");
            assert_eq!(readable, if status == 200 { origin } else { "" }, "{path} {origin}");
            if status == 200 {
                assert_eq!(
                    answer.header("access-control-allow-headers"),
                    "authorization,content-type,mcp-protocol-version"
                );
                assert_eq!(answer.header("access-control-allow-methods"), "POST");
                assert_eq!(answer.header("access-control-allow-credentials"), "true");
                assert_eq!(answer.header("access-control-max-age"), "600");
                assert!(answer.header("vary").contains("origin"));
            }
        }
    }
}

#[tokio::test]
async fn an_allowed_origin_can_read_the_challenge_and_any_origin_the_metadata() {
    let server = Server::start("step10");
    let origin = "http://localhost:6274";
    let refused = server.mcp("", "{}").header("origin", origin).answer().await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("access-control-allow-origin"), origin);
    let exposed = refused.header("access-control-expose-headers");
    for header in ["www-authenticate", "mcp-protocol-version", "mcp-session-id", "retry-after"] {
        assert!(exposed.split(',').any(|name| name == header), "{header} in {exposed}");
    }
    let other = server.mcp("", "{}").header("origin", "http://localhost:5173").answer().await;
    assert_eq!((other.status, other.header("access-control-allow-origin")), (401, ""));
    for path in
        ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]
    {
        let request = server.request("GET", path).header("origin", "http://localhost:5173");
        let document = request.answer().await;
        assert_eq!(document.header("access-control-allow-origin"), "*", "{path}");
        for (origin, readable) in [("http://localhost:5173", "*"), (origin, origin)] {
            let answer = preflight(&server, path, origin).await;
            assert_eq!(answer.status, 200, "{path} {origin}");
            assert_eq!(answer.header("access-control-allow-origin"), readable, "{path} {origin}");
        }
    }
    // No page asks here, so it is a verb like any other.
    let options = server.request("OPTIONS", "/mcp").answer().await;
    assert_eq!((options.status, options.header("allow")), (405, "POST,DELETE"));
    assert_eq!(options.header("vary"), "origin");
    assert_eq!(server.rpc("", "ping", json!({})).await.status, 401);
}
