//! What a page from elsewhere can make a browser do: rebind a name, send across origins, ask what it may (Fetch, MCP
//! transports "Security Warning").

use crate::support::Server;

use super::{attacks, get, ping, refused, statuses};

/// A request with a good token, so that nothing else can be the reason.
fn with_token(server: &Server, lines: &[&str]) -> String {
    let token = format!("Authorization: Bearer {}", server.token("alice", "mcp:tools"));
    ping(&[lines, &[&token]].concat())
}

/// Refused for this `Host`, which a rebound name would send.
#[track_caller]
fn rebound(server: &Server, host: &str) {
    let request = with_token(server, &[]).replace("Host: localhost", &format!("Host: {host}"));
    refused(server, request, 403);
}

/// Refused for this `Origin`.
#[track_caller]
fn foreign_origin(server: &Server, origin: &str) {
    let answer = refused(server, with_token(server, &[&format!("Origin: {origin}")]), 403);
    assert!(!answer.to_lowercase().contains("access-control-allow"), "{answer}");
}

/// A page may not learn that it may come: no preflight is answered with leave.
#[track_caller]
fn no_leave(server: &Server, path: &str) {
    let request = format!(
        "OPTIONS {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: http://evil.example\r\n\
         Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type\r\n\r\n"
    );
    let answer = server.raw(request).to_lowercase();
    assert!(!answer.contains("access-control-allow-credentials"), "{path}: {answer}");
    assert!(
        !answer.contains("access-control-allow-origin: http://evil.example"),
        "{path}: {answer}"
    );
    if path == "/mcp" {
        assert!(!answer.contains("access-control-allow-origin"), "{path}: {answer}");
        assert_eq!(statuses(&answer.replace("http/1.1", "HTTP/1.1")), [403], "{answer}");
    }
}

attacks! { "step9";
    a_name_that_was_rebound: |server| rebound(server, "evil.example");
    a_name_that_was_rebound_with_our_port: |server| {
        rebound(server, &format!("evil.example:{}", server.address.rsplit(':').next().unwrap()))
    };
    a_name_that_begins_like_ours: |server| rebound(server, "localhost.evil.example");
    a_name_that_ends_like_ours: |server| rebound(server, "evil-localhost");
    a_name_that_resolves_to_us: |server| rebound(server, "127.0.0.1.nip.example");
    a_number_that_is_us: |server| {
        for host in ["2130706433", "0x7f.1", "127.1", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]"] {
            rebound(server, host);
        }
    };
    a_user_before_the_host: |server| rebound(server, "localhost@evil.example");
    a_port_that_hides_a_host: |server| rebound(server, "localhost:80:evil.example");
    a_host_that_a_proxy_would_set: |server| {
        for name in ["X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded"] {
            let request = with_token(server, &[&format!("{name}: localhost")]);
            refused(server, request.replacen("Host: localhost", "Host: evil.example", 1), 403);
        }
    };
    a_page_from_elsewhere: |server| foreign_origin(server, "http://evil.example");
    a_page_whose_name_begins_like_ours: |server| foreign_origin(server, "http://localhost.evil.example");
    a_page_with_a_user_like_us: |server| foreign_origin(server, "http://localhost@evil.example");
    a_page_of_another_scheme: |server| {
        for origin in ["https://localhost", "file://", "chrome-extension://abc", "javascript:alert(1)", "data:text/html,x"] {
            foreign_origin(server, origin);
        }
    };
    a_page_in_a_sandbox: |server| foreign_origin(server, "null");
    a_page_that_is_nowhere: |server| foreign_origin(server, "");
    two_pages_at_once: |server| {
        refused(server, with_token(server, &["Origin: http://localhost", "Origin: http://evil.example"]), 403);
        foreign_origin(server, "http://localhost, http://evil.example");
        foreign_origin(server, "http://localhost http://evil.example")
    };
    a_page_in_another_spelling: |server| {
        for origin in ["HTTP://LOCALHOST", "http://localhost/", "http://localhost:0x50", "http://127.1", "http://loc%61lhost", "http://\u{ff4c}ocalhost"] {
            foreign_origin(server, origin);
        }
    };
    a_page_that_asks_for_leave: |server| {
        for path in ["/mcp", "/auth/authorize", "/auth/login", "/auth/consent", "/.well-known/oauth-protected-resource/mcp"] {
            no_leave(server, path);
        }
    };
    a_form_that_needs_no_leave: |server| {
        // A browser sends these three types across origins without asking.
        for content in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            let request = with_token(server, &[]).replace("application/json", content);
            refused(server, request, 415);
        }
    };
    a_login_from_another_page: |server| {
        let body = "user=alice&password=alice123";
        let request = format!(
            "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: http://evil.example\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = refused(server, request, 403);
        assert!(!answer.to_lowercase().contains("set-cookie"), "{answer}")
    };
    a_page_that_frames_ours: |server| {
        for path in ["/docs", "/auth/authorize"] {
            let answer = server.raw(get(path, &[])).to_lowercase();
            assert!(answer.contains("frame-ancestors 'none'"), "{path}: {answer}");
            assert!(answer.contains("x-content-type-options: nosniff"), "{path}: {answer}");
        }
    };
}
