//! Clients that keep us waiting: each in its way, each for as long as a setting allows.

use std::{thread, time::Duration};

use crate::support::Server;

use super::wire::{HEALTH, PING, Wire, head};

/// Limits are whole seconds, so nothing ends earlier than after one; a busy machine may take longer to notice.
const SECOND: Duration = Duration::from_millis(990);
const LATE: Duration = Duration::from_secs(8);

#[test]
fn a_client_that_sends_no_head_or_a_slow_one_is_disconnected() {
    let server = Server::start_with("step2", ["--header-read-timeout", "1"]);
    let mut silent = Wire::open(&server);
    let mut dripping = Wire::open(&server);
    let dripper = thread::spawn(move || {
        for byte in "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Filler: ".bytes() {
            dripping.send(std::str::from_utf8(&[byte]).unwrap());
            thread::sleep(Duration::from_millis(10));
        }
        dripping.end()
    });
    let (waited, said) = silent.end();
    assert!(waited > SECOND && waited < LATE && said.is_empty(), "{waited:?} {said}");
    let (waited, said) = dripper.join().unwrap();
    assert!(waited < LATE && said.is_empty(), "{waited:?} {said}");
}

/// hyper has one timer for both: `--help` says that a head's time counts from the previous response.
#[test]
fn the_header_timeout_starts_after_the_previous_response() {
    let server = Server::start_with("step1", ["--header-read-timeout", "2"]);
    let mut wire = Wire::open(&server);
    for _ in 0..4 {
        wire.send(HEALTH);
        assert!(wire.answer().starts_with("HTTP/1.1 200"));
        thread::sleep(Duration::from_millis(700)); // in all more than one head may take
    }
    wire.send(HEALTH);
    assert!(wire.answer().starts_with("HTTP/1.1 200"));
    wire.send("GET /health");
    let (waited, said) = wire.end();
    assert!(waited > SECOND && waited < LATE && said.is_empty(), "{waited:?} {said}");
}

#[test]
fn a_connection_without_a_request_is_closed() {
    let server = Server::start_with("step1", ["--header-read-timeout", "1"]);
    let mut wire = Wire::open(&server);
    wire.send(HEALTH);
    assert!(wire.answer().starts_with("HTTP/1.1 200"));
    let (waited, said) = wire.end();
    assert!(waited > SECOND && waited < LATE && said.is_empty(), "{waited:?} {said}");
}

#[test]
fn a_body_that_never_arrives_is_a_408_with_the_request_id() {
    let server = Server::start_with("step2", ["--request-timeout", "1"]);
    let mut wire = Wire::open(&server);
    wire.send(&head(PING.len()).replace("\r\n\r\n", "\r\nX-Request-Id: slow-1\r\n\r\n"));
    wire.send(&PING[..10]);
    let (waited, answer) = wire.end();
    assert!(waited > SECOND && waited < LATE, "{waited:?}");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("x-request-id: slow-1\r\n"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    let body = r#"{"detail":"The request took too long","request_id":"slow-1"}"#;
    assert!(answer.ends_with(body), "{answer}");
}

#[test]
fn the_request_timeout_starts_with_each_request() {
    let server = Server::start_with("step2", ["--request-timeout", "1"]);
    let mut wire = Wire::open(&server);
    for _ in 0..2 {
        wire.send(&head(PING.len()));
        wire.send(&PING[..10]);
        thread::sleep(SECOND / 5);
        wire.send(&PING[10..]);
        assert!(wire.answer().starts_with("HTTP/1.1 200"));
        thread::sleep(SECOND * 2); // a rest takes nothing from the next request
    }
    wire.send(&head(PING.len()));
    let (waited, answer) = wire.end();
    assert!(waited > SECOND && waited < LATE, "{waited:?}");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[test]
fn a_body_is_not_read_before_the_token_is_verified() {
    let server = Server::start("step6");
    let mut wire = Wire::open(&server);
    wire.send(&head(PING.len()));
    let (waited, answer) = wire.end();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(waited < LATE, "{waited:?}");
}

#[test]
fn a_client_that_reads_no_response_or_reads_slowly_is_disconnected() {
    for reads in [false, true] {
        let server = Server::start_with("step7", ["--write-timeout", "1", "--log", "debug"]);
        let mut wire = Wire::open(&server);
        wire.0.set_nonblocking(true).unwrap();
        // Requests for pages until the server takes no more, because nobody reads its responses.
        let page = "GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
        let mut stuck = 0;
        while stuck < 20 {
            match std::io::Write::write(&mut wire.0, page.as_bytes()) {
                Ok(_) => stuck = 0,
                Err(_) => {
                    stuck += 1;
                    thread::sleep(Duration::from_millis(20));
                }
            }
            if reads {
                let _ = std::io::Read::read(&mut wire.0, &mut [0]);
            }
        }
        server.wait_for_log("the client did not take the response within --write-timeout");
    }
}

/// Limits are exact to the second. Two timers of one server tell it, whatever the speed of the machine.
#[test]
fn the_shorter_of_two_timeouts_ends_the_request() {
    let flags = ["--request-timeout", "2", "--header-read-timeout", "3"];
    let server = Server::start_with("step2", flags);
    let mut unfinished = Wire::open(&server);
    unfinished.send(&head(PING.len()));
    let mut silent = Wire::open(&server);
    assert_eq!(silent.end().1, "");
    unfinished.0.set_nonblocking(true).unwrap();
    let answer = unfinished.end().1;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}
