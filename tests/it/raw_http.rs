//! Headers that no HTTP library would send, byte by byte.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use super::support::Server;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// A `POST /mcp` with these header lines and no others but the length and the wish to be done afterwards.
fn ping(server: &Server, headers: &str) -> String {
    server.raw(format!(
        "POST /mcp HTTP/1.1\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{PING}",
        PING.len()
    ))
}

/// The number in the status line.
fn status(answer: &str) -> u16 {
    let number = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

#[test]
fn origin_and_host_are_compared_byte_for_byte_as_sent() {
    let server = Server::start("step4");
    for (name, headers, expected) in [
        ("plain", "Host: localhost\r\n", 200),
        ("a host with a port", "Host: 127.0.0.1:9000\r\n", 200),
        ("no host", "", 400),
        ("two hosts", "Host: localhost\r\nHost: localhost\r\n", 400),
        ("a host that is no text", "Host: \u{e9}\r\n", 400),
        ("a strange host", "Host: evil.example.com\r\n", 403),
        ("an empty host", "Host: \r\n", 403),
        ("a host with another behind it", "Host: localhost:9000:evil.com\r\n", 403),
        (
            "two origins",
            "Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://localhost\r\n",
            403,
        ),
        (
            "two origins in one",
            "Host: localhost\r\nOrigin: http://localhost, http://evil.com\r\n",
            403,
        ),
        ("an empty origin", "Host: localhost\r\nOrigin:\r\n", 403),
        ("an origin that is no text", "Host: localhost\r\nOrigin: http://\u{e9}\r\n", 403),
        ("an origin with a path", "Host: localhost\r\nOrigin: http://localhost/x\r\n", 403),
        ("a header without a colon", "Host: localhost\r\nOrigin\r\n", 400),
        ("a blank before the colon", "Host: localhost\r\nOrigin : http://localhost\r\n", 400),
        ("a folded header", "Host: localhost\r\nOrigin: http://localhost\r\n evil\r\n", 400),
    ] {
        let answer = ping(&server, headers);
        assert_eq!(status(&answer), expected, "{name}: {answer}");
    }
    let long = format!("Host: localhost\r\nOrigin: http://{}\r\n", "x".repeat(4_000));
    let answer = ping(&server, &long);
    assert_eq!(status(&answer), 403);
    assert!(answer.len() < 1_000, "what is refused is not repeated at length");
}

#[test]
fn a_host_in_the_request_line_takes_precedence() {
    let server = Server::start("step1");
    let get = |target: &str| {
        server.raw(format!(
            "GET {target} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: close\r\n\r\n"
        ))
    };
    assert_eq!(status(&get("http://localhost/mcp")), 404);
    assert_eq!(status(&get("http://evil.example.com/mcp")), 403);
    assert_eq!(status(&get("/%2e%2e/health")), 404, "paths are not decoded and walked");
}

#[test]
fn credentials_are_one_header_with_one_token() {
    let server = Server::start("step6");
    let token = server.token("alice", "mcp:tools");
    let missing = "Authorization header missing";
    for (name, lines, expected, detail) in [
        ("good", format!("Authorization: Bearer {token}\r\n"), 200, ""),
        ("any case", format!("authorization: bEaReR {token}\r\n"), 200, ""),
        ("none", String::new(), 401, missing),
        ("empty", "Authorization:\r\n".to_owned(), 401, missing),
        ("the scheme alone", "Authorization: Bearer\r\n".to_owned(), 401, missing),
        ("another scheme", format!("Authorization: Basic {token}\r\n"), 401, missing),
        ("no scheme", format!("Authorization: {token}\r\n"), 401, missing),
        (
            "a tab in place of the blank",
            format!("Authorization: Bearer\t{token}\r\n"),
            401,
            missing,
        ),
        // RFC 6750, 2.1: `"Bearer" 1*SP b64token`.
        ("two blanks", format!("Authorization: Bearer  {token}\r\n"), 200, ""),
        ("two tokens", format!("Authorization: Bearer {token} {token}\r\n"), 401, "Invalid token"),
        (
            "a comma",
            format!("Authorization: Bearer {token}, Bearer {token}\r\n"),
            401,
            "Invalid token",
        ),
        ("in quotes", format!("Authorization: Bearer \"{token}\"\r\n"), 401, "Invalid token"),
        ("no text", "Authorization: Bearer \u{e9}\r\n".to_owned(), 401, "Invalid token"),
        (
            "two headers",
            format!("Authorization: Bearer {token}\r\n").repeat(2),
            400,
            "more than one Authorization header",
        ),
        (
            "the second is bad",
            format!("Authorization: Bearer {token}\r\nAuthorization: x\r\n"),
            400,
            "more than one Authorization header",
        ),
        ("in a cookie", format!("Cookie: access_token={token}\r\n"), 401, missing),
    ] {
        let answer = ping(&server, &format!("Host: localhost\r\n{lines}"));
        assert_eq!(status(&answer), expected, "{name}: {answer}");
        if expected != 200 {
            assert!(answer.contains(&format!(r#"{{"detail":"{detail}"}}"#)), "{name}: {answer}");
            assert!(
                answer.to_lowercase().contains("www-authenticate: bearer realm="),
                "{name}: {answer}"
            );
        }
        assert!(!answer.contains(&token), "{name}: the token comes back");
    }
    let query = server.raw(format!(
        "POST /mcp?access_token={token} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{PING}",
        PING.len()
    ));
    assert_eq!(status(&query), 401, "a token in a URL is never read");
    let log = server.log();
    assert!(!log.contains(&token), "the token is in the log:\n{log}");
    let signature = token.rsplit('.').next().expect("a signature");
    assert!(!log.contains(signature) && !log.contains("panic"), "{log}");
}

#[test]
fn invalid_http_is_a_400_and_the_server_keeps_running() {
    let server = Server::start("step1");
    for bytes in [
        &b"hello\r\n\r\n"[..],
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /hea lth HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    ] {
        let answer = server.raw(bytes);
        assert!(answer.starts_with("HTTP/1.1 400"), "{}: {answer}", bytes.escape_ascii());
    }
    let answer = server.raw("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&answer), 200);
}

#[test]
fn a_request_rejected_by_its_head_leaves_the_connection_usable() {
    let server = Server::start("step6");
    let head = |length: usize, more: &str| {
        format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\n{more}Content-Length: {length}\r\n\r\n")
    };
    let next = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    // The body comes a moment after the head, as Python's clients send it; then another request.
    for _ in 0..20 {
        let mut stream = TcpStream::connect(&server.address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        stream.write_all(head(PING.len(), "").as_bytes()).expect("sent");
        thread::sleep(Duration::from_millis(5));
        stream.write_all(PING.as_bytes()).expect("sent");
        stream.write_all(next.as_bytes()).expect("sent");
        let mut answers = String::new();
        stream.read_to_string(&mut answers).expect("two answers");
        assert_eq!(status(&answers), 401, "{answers}");
        assert!(answers.contains("HTTP/1.1 200 OK"), "the next request is heard: {answers}");
    }
    // More than is worth reading, or nothing until we ask for it: then the answer says that it is the last.
    for (name, length, more) in [
        ("a large body", 1_000_000, ""),
        ("a body that waits to be asked for", 10, "Expect: 100-continue\r\n"),
        ("a body that never comes", 10, ""),
    ] {
        let answer = server.raw(head(length, more));
        assert_eq!(status(&answer), 401, "{name}: {answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{name}: {answer}");
    }
}
