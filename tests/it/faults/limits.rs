//! Too much: of a body, of a head, of requests, of connections. Refused at once and in words.

use std::time::{Duration, Instant};

use crate::support::{Ask, Server};

use super::wire::{HEALTH, PING, Wire, head};

#[tokio::test]
async fn a_body_beyond_the_limit_is_a_413_with_or_without_content_length() {
    let server = Server::start_with("step4", ["--max-body-size", "1000"]);
    for (size, status) in [(900, 200), (1100, 413)] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#,
            "x".repeat(size - 60)
        );
        let answer = server.mcp("", body.clone()).answer().await;
        assert_eq!(answer.status, status, "{size}");
        let chunked = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        let answer = server.raw(&chunked);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{size}: {answer}");
        if status == 413 {
            assert!(answer.contains("--max-body-size"), "{answer}");
        }
    }
}

/// RFC 9110, 10.1.1: the final status instead of `100 Continue`, which would invite the body.
#[test]
fn a_body_beyond_the_limit_is_rejected_before_anything_of_it_is_read() {
    let server = Server::start_with("step6", ["--max-body-size", "1000"]);
    let token = server.token("alice", "mcp:tools");
    for (length, expected) in [("999", "HTTP/1.1 100"), ("10737418240", "HTTP/1.1 413")] {
        let mut wire = Wire::open(&server);
        wire.send(&format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\
             Expect: 100-continue\r\n\r\n"
        ));
        let answer = wire.answer();
        assert!(answer.starts_with(expected), "{length}: {answer}");
        if expected.ends_with("413") {
            assert!(answer.contains("connection: close\r\n"), "{answer}");
        }
    }
}

#[test]
fn a_request_head_beyond_the_limit_is_a_431() {
    let server = Server::start_with("step1", ["--max-header-size", "8192"]);
    for (name, head, status) in [
        ("small", "X-A: b\r\n".repeat(50), 200),
        ("one long header", format!("X-A: {}\r\n", "b".repeat(9_000)), 431),
        ("many headers", "X-A: b\r\n".repeat(150), 431),
        ("a long target", String::new(), 414),
    ] {
        let path = if name == "a long target" { "x".repeat(70_000) } else { "health".to_owned() };
        let request =
            format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\n");
        let answer = server.raw(&request);
        let refused = status == 414 && answer.starts_with("HTTP/1.1 431");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) || refused, "{name}: {answer}");
    }
    server.wait_for_log("request head above --max-header-size");
}

#[test]
fn a_request_beyond_the_concurrency_limit_gets_503_at_once() {
    let server = Server::start_with("step2", ["--max-concurrent-requests", "1"]);
    let start = Instant::now();
    let (mut first, refused) = loop {
        // It holds the only place as soon as its head is read, unless the question below was there before it.
        let mut first = Wire::open(&server);
        first.send(&head(PING.len()));
        std::thread::sleep(Duration::from_millis(50));
        let answer = server.raw(HEALTH.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
        if answer.starts_with("HTTP/1.1 503") {
            break (first, answer);
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{answer}");
    };
    assert!(refused.contains("retry-after: 1\r\n"), "{refused}");
    assert!(refused.contains(r#"{"detail":"Overloaded, try again","request_id":""#), "{refused}");
    first.send(PING);
    assert!(first.answer().starts_with("HTTP/1.1 200"));
    assert!(Wire::open(&server).healthy());
}

#[test]
fn a_connection_beyond_the_limit_gets_503_at_once() {
    let server = Server::start_with("step1", ["--max-connections", "2"]);
    let mut guests = [Wire::open(&server), Wire::open(&server)];
    for guest in &mut guests {
        assert!(guest.healthy());
    }
    for greeting in ["", HEALTH] {
        let mut third = Wire::open(&server);
        third.send(greeting);
        third.0.shutdown(std::net::Shutdown::Write).unwrap();
        let (waited, answer) = third.end();
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.ends_with(r#"{"detail":"Overloaded, try again"}"#), "{answer}");
        assert!(waited < Duration::from_secs(5), "{waited:?}");
    }
    let [first, mut second] = guests;
    assert!(second.healthy(), "those who are in stay in");
    drop(first);
    let start = Instant::now();
    while !Wire::open(&server).healthy() {
        assert!(start.elapsed() < Duration::from_secs(10), "a place becomes free again");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_connection_of_any_kind_leaves_a_file_open() {
    let server = Server::start_with("step6", ["--max-connections", "30", "--log", "debug"]);
    let files = || std::fs::read_dir(format!("/proc/{}/fd", server.process())).unwrap().count();
    assert!(Wire::open(&server).healthy());
    let settle = || {
        let start = Instant::now();
        let mut before = files();
        loop {
            std::thread::sleep(Duration::from_millis(300));
            let after = files();
            if after == before || start.elapsed() > Duration::from_secs(10) {
                return after;
            }
            before = after;
        }
    };
    let before = settle();
    for round in 0..40 {
        let mut wires: Vec<_> = (0..20).map(|_| Wire::open(&server)).collect();
        for (index, wire) in wires.iter_mut().enumerate() {
            match (round + index) % 5 {
                0 => {}
                1 => wire.send("GET /hea"),
                2 => wire.send(&head(100)),
                3 => wire.send("\0\0\0"),
                _ => wire.send(HEALTH),
            }
        }
    }
    let after = settle();
    assert!(after <= before, "{before} files before, {after} after");
    assert!(Wire::open(&server).healthy());
}

#[cfg(target_os = "linux")]
#[test]
fn a_low_limit_on_open_files_lowers_the_number_of_connections_and_is_logged() {
    let server = Server::try_start_in_shell("step1", "ulimit -n 80", [] as [&str; 0]).unwrap();
    server.wait_for_log("try ulimit -n");
    let mut wires: Vec<_> = (0..100).map(|_| Wire::open(&server)).collect();
    let served = wires.iter_mut().filter_map(|wire| wire.healthy().then_some(())).count();
    assert_eq!(served, 80 - 64, "{}", server.log());
}

impl Wire {
    /// Whether `GET /health` is answered with 200; the connection stays open.
    fn healthy(&mut self) -> bool {
        use std::io::Write;
        let _ = self.0.write_all(HEALTH.as_bytes());
        self.answer().starts_with("HTTP/1.1 200")
    }
}

/// Each would keep its response in memory for --write-timeout.
#[tokio::test]
async fn slow_readers_of_large_responses_share_a_budget_and_lock_out_nobody_else() {
    let sizes = ["--max-body-size", "20000000", "--max-result-size", "40000000"];
    let server = Server::start_with("step4", sizes);
    let echo = |length: usize| {
        let message = "x".repeat(length);
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","arguments":{{"message":"{message}"}}}}}}"#
        )
    };
    // The response is twice as large as the request, and the budget is 64 MiB.
    let (larger, large) = (echo(19_000_000), echo(15_000_000));
    let mut slow_reader = Wire::open(&server);
    slow_reader.send(&head(larger.len()));
    slow_reader.send(&larger);
    let mut status = [0; 12];
    std::io::Read::read_exact(&mut slow_reader.0, &mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    let answer = server.mcp("", large.clone()).answer().await;
    // It was carried out: a client that tried again would do the same work twice.
    assert_eq!((answer.status, answer.header("retry-after")), (503, ""));
    assert_eq!(server.mcp("", echo(10_000)).answer().await.status, 200, "a small one passes");
    drop(slow_reader);
    let start = Instant::now();
    while server.mcp("", large.clone()).answer().await.status != 200 {
        assert!(start.elapsed() < Duration::from_secs(20), "the budget is free again");
    }
}
