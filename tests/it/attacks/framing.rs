//! Messages whose end is a matter of opinion, and other shapes that a proxy may read differently (RFC 9112, 11.2).

use super::{attacks, get, ping, refused, statuses, still_alive};

/// What an attacker hides behind a request: if it were answered, the next person's request would be.
const HIDDEN: &str = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

const HEAD: &str = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

/// At most one answer, which is no success, and the hidden request is not heard.
#[track_caller]
fn not_smuggled(server: &crate::support::Server, request: &str) {
    let answer = server.raw(request);
    let statuses = statuses(&answer);
    assert!(statuses.len() <= 1 && !statuses.contains(&200), "{statuses:?}: {answer}");
    still_alive(server);
}

attacks! { "step8";
    content_length_with_chunked_encoding: |server| {
        let body = format!("0\r\n\r\n{HIDDEN}");
        let length = body.len();
        not_smuggled(server, &format!("{HEAD}Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n{body}"));
        not_smuggled(server, &format!("{HEAD}Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n{body}"))
    };
    chunked_encoding_with_a_shorter_content_length: |server| {
        let body = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
        not_smuggled(server, &format!("{HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{body}"))
    };
    two_content_length_headers: |server| {
        not_smuggled(server, &format!("{HEAD}Content-Length: 0\r\nContent-Length: {}\r\n\r\n{HIDDEN}", HIDDEN.len()))
    };
    content_lengths_that_are_no_numbers: |server| {
        for length in ["+0", "-1", "0x0", "0, 44", "18446744073709551616", "", "0 0", "\"0\""] {
            not_smuggled(server, &format!("{HEAD}Content-Length: {length}\r\n\r\n{HIDDEN}"));
        }
    };
    transfer_codings_that_do_not_end_in_chunks: |server| {
        for coding in ["xchunked", "chunked, identity", "identity", "gzip", "\u{b}chunked", "chunked;x", "\"chunked\""] {
            not_smuggled(server, &format!("{HEAD}Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n{HIDDEN}"));
        }
    };
    two_transfer_codings: |server| {
        let codings = "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n";
        not_smuggled(server, &format!("{HEAD}{codings}\r\n0\r\n\r\n{HIDDEN}"))
    };
    chunks_in_http_1_0: |server| {
        let head = HEAD.replace("HTTP/1.1", "HTTP/1.0");
        not_smuggled(server, &format!("{head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"))
    };
    invalid_chunk_sizes: |server| {
        for size in ["-1", "0x5", "fffffffffffffffff", "g", "", " 0", "0 ; x"] {
            let answer = server.raw(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{size}\r\n\r\n{HIDDEN}"));
            assert!(!statuses(&answer).contains(&200), "{size}: {answer}");
        }
        still_alive(server)
    };
    bare_line_feeds: |server| {
        not_smuggled(server, &format!("{HEAD}X: a\nContent-Length: 0\r\n\r\n"));
        not_smuggled(server, "GET /mcp HTTP/1.1\nHost: localhost\nConnection: close\n\n")
    };
    a_carriage_return_or_nul_in_a_value: |server| {
        for value in ["a\rX: b", "a\0b"] {
            refused(server, get("/mcp", &[&format!("X-A: {value}")]), 400);
        }
    };
    invalid_header_names: |server| {
        for line in ["X A: b", "X(A): b", ": b", "X-A"] {
            refused(server, get("/mcp", &[line]), 400);
        }
    };
    two_hosts: |server| {
        refused(server, get("/mcp", &["Host: localhost"]), 400)
    };
    no_host: |server| {
        refused(server, "GET /mcp HTTP/1.1\r\nConnection: close\r\n\r\n", 400)
    };
    another_server_in_the_request_line: |server| {
        refused(server, get("http://evil.example/mcp", &[]), 403)
    };
    an_unknown_protocol: |server| {
        for request in ["GET /mcp HTTP/9.9\r\nHost: localhost\r\n\r\n", "GET /mcp\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"] {
            not_smuggled(server, request);
        }
    };
    the_preface_of_http_2: |server| {
        not_smuggled(server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    };
    an_upgrade_to_http_2: |server| {
        refused(server, ping(&["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"]), 401)
    };
    a_connect_request: |server| {
        let answer = server.raw("CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:22\r\n\r\n");
        assert!(!statuses(&answer).contains(&200), "{answer}");
        still_alive(server)
    };
    a_trace_request: |server| {
        let request = get("/mcp", &["Authorization: Bearer s3cret"]).replace("GET", "TRACE");
        let answer = refused(server, request, 405);
        assert!(!answer.contains("s3cret"), "{answer}")
    };
    a_method_override_header: |server| {
        for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"] {
            refused(server, get("/mcp", &[&format!("{name}: POST")]), 405);
            refused(server, ping(&[&format!("{name}: GET")]), 401);
        }
    };
    a_method_override_in_the_query: |server| {
        refused(server, get("/mcp?_method=POST", &[]), 405)
    };
    an_unknown_method: |server| {
        for method in ["post", "PO", "POSTX", "P\u{f6}ST"] {
            let answer = server.raw(ping(&[]).replacen("POST", method, 1));
            assert!(matches!(statuses(&answer)[..], [400 | 401 | 405]), "{answer}");
            assert!(!answer.contains("result"), "{answer}");
        }
        still_alive(server)
    };
    a_body_that_is_cut_short: |server| {
        let request = ping(&[]).replace("Content-Length: 40", "Content-Length: 4000");
        refused(server, request, 401)
    };
    an_endless_head: |server| {
        let answer = server.raw(format!("GET /mcp HTTP/1.1\r\nHost: localhost\r\n{}", "X-A: b\r\n".repeat(20_000)));
        assert_eq!(statuses(&answer), [431], "{answer}");
        still_alive(server)
    };
    a_thousand_requests_at_once_on_one_connection: |server| {
        let answer = server.raw(HIDDEN.repeat(999) + &get("/health", &[]));
        assert_eq!(statuses(&answer), [200; 1000]);
        still_alive(server)
    };
}
