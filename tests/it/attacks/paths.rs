//! Other spellings of a protected path: none gets past bearer authentication or the origin check.

use super::{attacks, get, post, refused, statuses, still_alive};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// No spelling gets the response that the real path gives to a request with a token.
#[track_caller]
fn no_access(server: &crate::support::Server, targets: &[&str]) {
    for target in targets {
        let answer = server.raw(post(target, &[], PING));
        let [status] = statuses(&answer)[..] else { panic!("{target}: {answer}") };
        assert!([400, 401, 404, 405].contains(&status), "{target}: {answer}");
        assert!(!answer.contains("\r\nlocation: "), "{target}: {answer}");
    }
    still_alive(server);
}

/// `/health` alone is open to pages from elsewhere, and nothing that only looks like it.
#[track_caller]
fn not_open(server: &crate::support::Server, targets: &[&str]) {
    for target in targets {
        refused(server, get(target, &["Origin: http://evil.example"]), 403);
    }
}

attacks! { "step8";
    two_slashes: |server| no_access(server, &["//mcp", "/mcp//", "///mcp", "//mcp//"]);
    a_trailing_slash: |server| no_access(server, &["/mcp/", "/mcp/?x=1"]);
    dot_segments: |server| no_access(server, &["/./mcp", "/mcp/.", "/x/../mcp", "/mcp/../mcp", "/../mcp", "/health/../mcp"]);
    encoded_dots: |server| no_access(server, &["/%2e/mcp", "/x/%2e%2e/mcp", "/health/%2e%2e/mcp", "/health/..%2fmcp", "/health/..%5cmcp"]);
    encoded_letters: |server| no_access(server, &["/%6dcp", "/mc%70", "/%6D%63%70"]);
    an_encoded_slash: |server| no_access(server, &["/%2fmcp", "/mcp%2f", "%2fmcp"]);
    double_encoding: |server| no_access(server, &["/%256dcp", "/%252e%252e/mcp"]);
    encoded_control_characters_and_delimiters: |server| no_access(server, &["/mcp%00", "/mcp%20", "/mcp%0d%0a", "/mcp%23", "/mcp%3fx"]);
    path_parameters: |server| no_access(server, &["/mcp;x=1", "/mcp;/", "/;/mcp", "/mcp,x"]);
    upper_case: |server| no_access(server, &["/MCP", "/Mcp", "/mCP"]);
    backslashes: |server| no_access(server, &["/x\\..\\mcp", "\\mcp", "/\\mcp"]);
    unicode_lookalikes: |server| no_access(server, &["/\u{ff4d}cp", "/mcp\u{2215}"]);
    a_host_in_the_path: |server| no_access(server, &["//evil.example/", "//evil.example//", "/\\evil.example/", "http://localhost//evil.example/"]);
    a_fragment: |server| no_access(server, &["/health#/mcp", "/mcp#x"]);
    paths_to_files: |server| no_access(server, &["/../../etc/passwd", "/docs/../../Cargo.toml", "/docs/%2e%2e/keys", "/keys/mcp_private_key.pem", "/.git/config", "/.env"]);
    // `/health/` and `//health` are `/health` itself: slashes are trimmed before routing and before the origin check.
    paths_that_resemble_health: |server| not_open(server, &["/health/x", "/health/../mcp", "/health%2f", "/health;x", "/HEALTH", "/Health"]);
    health_with_a_query: |server| {
        // The query is no part of the path: this is `/health` itself, which tells nothing.
        let answer = server.raw(get("/health?x=/mcp", &["Origin: http://evil.example"]));
        assert_eq!(statuses(&answer), [200], "{answer}");
        assert!(!answer.to_lowercase().contains("access-control-allow-origin"), "{answer}")
    };
}
