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
fn no_cors_permission(server: &Server, path: &str) {
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
    a_rebound_host_name: |server| rebound(server, "evil.example");
    a_rebound_host_name_with_the_servers_port: |server| {
        rebound(server, &format!("evil.example:{}", server.address.rsplit(':').next().unwrap()))
    };
    a_host_name_that_begins_with_localhost: |server| rebound(server, "localhost.evil.example");
    a_host_name_that_ends_with_localhost: |server| rebound(server, "evil-localhost");
    a_host_name_that_resolves_to_loopback: |server| rebound(server, "127.0.0.1.nip.example");
    loopback_written_as_a_number: |server| {
        for host in ["2130706433", "0x7f.1", "127.1", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]"] {
            rebound(server, host);
        }
    };
    a_user_before_the_host: |server| rebound(server, "localhost@evil.example");
    a_port_that_hides_a_host: |server| rebound(server, "localhost:80:evil.example");
    forwarded_host_headers: |server| {
        for name in ["X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded"] {
            let request = with_token(server, &[&format!("{name}: localhost")]);
            refused(server, request.replacen("Host: localhost", "Host: evil.example", 1), 403);
        }
    };
    a_foreign_origin: |server| foreign_origin(server, "http://evil.example");
    an_origin_that_begins_with_localhost: |server| foreign_origin(server, "http://localhost.evil.example");
    an_origin_with_localhost_as_user_name: |server| foreign_origin(server, "http://localhost@evil.example");
    an_origin_with_another_scheme: |server| {
        for origin in ["https://localhost", "file://", "chrome-extension://abc", "javascript:alert(1)", "data:text/html,x"] {
            foreign_origin(server, origin);
        }
    };
    a_sandboxed_page_with_origin_null: |server| foreign_origin(server, "null");
    an_empty_origin: |server| foreign_origin(server, "");
    two_origin_headers: |server| {
        refused(server, with_token(server, &["Origin: http://localhost", "Origin: http://evil.example"]), 403);
        foreign_origin(server, "http://localhost, http://evil.example");
        foreign_origin(server, "http://localhost http://evil.example")
    };
    an_origin_in_another_spelling: |server| {
        for origin in ["HTTP://LOCALHOST", "http://localhost/", "http://localhost:0x50", "http://127.1", "http://loc%61lhost", "http://\u{ff4c}ocalhost"] {
            foreign_origin(server, origin);
        }
    };
    a_preflight_of_a_foreign_origin: |server| {
        for path in ["/mcp", "/auth/authorize", "/auth/login", "/auth/consent", "/.well-known/oauth-protected-resource/mcp"] {
            no_cors_permission(server, path);
        }
    };
    a_form_post_without_a_preflight: |server| {
        // A browser sends these three types across origins without asking.
        for content in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            let request = with_token(server, &[]).replace("application/json", content);
            refused(server, request, 415);
        }
    };
    a_login_form_on_another_page: |server| {
        let body = "user=alice&password=alice123";
        let request = format!(
            "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: http://evil.example\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = refused(server, request, 403);
        assert!(!answer.to_lowercase().contains("set-cookie"), "{answer}")
    };
    a_page_in_a_foreign_frame: |server| {
        for path in ["/docs", "/auth/authorize"] {
            let answer = server.raw(get(path, &[])).to_lowercase();
            assert!(answer.contains("frame-ancestors 'none'"), "{path}: {answer}");
            assert!(answer.contains("x-content-type-options: nosniff"), "{path}: {answer}");
        }
    };
}
