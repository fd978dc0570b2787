//! What is said twice, and what is said by somebody who only looks like a proxy: two readers must not understand two
//! things (RFC 9700 4.13; RFC 9110 5.3; MCP 2026-07-28 transports, headers that repeat the body; RFC 8259 4).

use serde_json::json;

use crate::support::Server;

use super::{attacks, ping, post, refused, statuses, still_alive};

const STATELESS: [&str; 3] =
    ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: whoami"];

/// The header line of a person who may call tools.
fn alice(server: &Server) -> String {
    format!("Authorization: Bearer {}", server.token("alice", "mcp:tools"))
}

/// A `tools/call` of the newer era with these members written out, and with a header that says `whoami`.
fn call(server: &Server, members: &str) -> String {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "x", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{members},"arguments":{{}},"_meta":{meta}}}}}"#
    );
    let line = alice(server);
    server.raw(post("/mcp", &[&STATELESS[..], &[&line]].concat(), &body))
}

attacks! { "step9";
    identity_headers_of_a_proxy: |server| {
        let token = format!("X-Forwarded-Access-Token: {}", server.token("admin", "mcp:tools"));
        for line in [
            "X-Authenticated-User: admin", "X-Forwarded-User: admin", "X-Remote-User: admin", "Remote-User: admin",
            "X-Forwarded-Email: admin@example.com", "X-SSL-Client-Verify: SUCCESS", "X-Forwarded-For: 127.0.0.1",
            "Proxy-Authorization: Basic YWRtaW46YWRtaW4xMjM=", "Authorization: Basic YWRtaW46YWRtaW4xMjM=", &token,
        ] {
            refused(server, ping(&[line]), 401);
        }
    };
    identity_headers_beside_a_valid_token: |server| {
        let answer = server.raw(ping(&[&alice(server), "X-Authenticated-User: admin", "X-Forwarded-User: admin"]));
        assert_eq!(statuses(&answer), [200], "{answer}");
        assert!(answer.to_lowercase().contains("x-authenticated-user: alice"), "{answer}");
        assert!(!answer.contains("admin"), "{answer}")
    };
    two_session_id_headers: |server| {
        let begin = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#;
        let answer = server.raw(post("/mcp", &[&alice(server)], begin));
        let id = answer.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).expect("a session");
        let (good, bad) = (format!("Mcp-Session-Id: {id}"), "Mcp-Session-Id: made-up");
        assert_eq!(statuses(&server.raw(ping(&[&alice(server), &good]))), [200]);
        refused(server, ping(&[&alice(server), &good, bad]), 404);
        refused(server, ping(&[&alice(server), bad, &good]), 404);
        refused(server, ping(&[&alice(server), &format!("{good}, made-up")]), 404)
    };
    two_protocol_version_headers: |server| {
        let (new, old) = ("MCP-Protocol-Version: 2026-07-28", "MCP-Protocol-Version: 2025-11-25");
        for lines in [[new, old], [old, new], [old, old]] {
            refused(server, ping(&[&[alice(server).as_str()], &lines[..]].concat()), 400);
        }
    };
    two_content_type_headers: |server| {
        refused(server, ping(&[&alice(server), "Content-Type: text/plain"]), 415);
        let first = ping(&[&alice(server), "Content-Type: application/json"]);
        refused(server, first.replacen("application/json", "text/plain", 1), 415)
    };
    an_mcp_name_header_for_another_tool: |server| {
        let answer = call(server, r#""name":"echo""#);
        assert_eq!(statuses(&answer), [400], "{answer}")
    };
    a_duplicate_tool_name: |server| {
        // Whoever reads the first and whoever reads the last would each see another tool.
        for members in [r#""name":"whoami","name":"echo""#, r#""name":"echo","name":"whoami""#, r#""name":"whoami","n\u0061me":"echo""#] {
            let answer = call(server, members);
            assert_eq!(statuses(&answer), [400], "{members}: {answer}");
        }
        assert_eq!(statuses(&call(server, r#""name":"whoami""#)), [200])
    };
    a_duplicate_argument: |server| {
        let line = format!("Authorization: Bearer {}", server.token("alice", "mcp:tools mcp:prompts"));
        for (method, params, said) in [
            ("prompts/get", r#"{"name":"greeting","arguments":{"name":"ann","n\u0061me":"bob"}}"#, "-32602"),
            ("tools/call", r#"{"name":"echo","arguments":{"message":"a","message":"b"}}"#, "duplicate field `message`"),
        ] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
            let answer = server.raw(post("/mcp", &[&line], &body));
            assert!(answer.contains(said), "{params}: {answer}");
        }
        let once = r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"greeting","arguments":{"name":"ann"}}}"#;
        let answer = server.raw(post("/mcp", &[&line], once));
        assert!(answer.contains("messages"), "{answer}")
    };
    a_batch_that_begins_with_a_harmless_call: |server| {
        let body = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo"}}]"#;
        refused(server, post("/mcp", &[&alice(server)], body), 400)
    };
    a_second_message_after_the_first: |server| {
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        for between in ["", "\n", ",", "\u{1e}"] {
            refused(server, post("/mcp", &[&alice(server)], &format!("{ping}{between}{ping}")), 400);
        }
    };
    a_compressed_body: |server| {
        for coding in ["gzip", "deflate", "br", "zstd", "identity, gzip"] {
            // Not unpacked by anybody: what arrives is what is read, and that is no JSON.
            let lines = [alice(server), format!("Content-Encoding: {coding}")];
            let request = post("/mcp", &[&lines[0], &lines[1]], "\u{1f}\u{8b}\u{8}AAAAAAAAAA");
            let answer = server.raw(request);
            assert!(matches!(statuses(&answer)[..], [400 | 415]), "{coding}: {answer}");
        }
        still_alive(server)
    };
    a_message_in_another_encoding: |server| {
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let wide: Vec<u8> = ping.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let head = post("/mcp", &[&alice(server)], "").replace("Content-Length: 0", &format!("Content-Length: {}", wide.len()));
        refused(server, [head.as_bytes(), &wide].concat(), 400);
        let seven = r#"{"jsonrpc":"2.0","id":1,"method":"+AHAAaQBuAGc-"}"#;
        let answer = server.raw(post("/mcp", &[&alice(server)], seven).replace("application/json", "application/json; charset=utf-7"));
        assert!(!answer.contains("\"result\""), "{answer}");
        still_alive(server)
    };
}
