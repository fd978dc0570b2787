//! Attacks by untrusted parties, one test per row, on the real programs: each is rejected, no secret is logged, and the
//! server keeps running.
//!
//! Rules: RFC 8725 (tokens), RFC 9700 (OAuth), RFC 9112 section 11 (smuggling), MCP "Security Best Practices".
//! Each module is a table. Bytes are sent exactly as written here; no HTTP library corrects them.

mod browsers;
mod doubles;
mod framing;
mod injection;
mod paths;
mod secrets;
mod tokens;

use crate::support::{Server, binary};

/// The head and body of a `ping` with these header lines (`Name: value`), and the end of its connection.
fn ping(lines: &[&str]) -> String {
    post("/mcp", lines, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
}

fn post(target: &str, lines: &[&str], body: &str) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{lines}\r\n{body}",
        body.len()
    )
}

fn get(target: &str, lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n")
}

/// Every status that a server gave on one connection; none when it hung up.
fn statuses(answer: &str) -> Vec<u16> {
    answer.split("HTTP/1.1 ").skip(1).map(|rest| rest[..3].parse().expect("a status")).collect()
}

/// Sends bytes to a server and holds it to everything that every attack must meet: exactly one answer, with this
/// status, and a server that is still there for others.
#[track_caller]
fn refused(server: &Server, bytes: impl AsRef<[u8]>, status: u16) -> String {
    let answer = server.raw(bytes);
    assert_eq!(statuses(&answer), [status], "{answer}");
    assert!(!answer.contains("jsonrpc\":\"2.0\",\"id\":1,\"result"), "{answer}");
    still_alive(server);
    answer
}

#[track_caller]
fn still_alive(server: &Server) {
    assert_eq!(statuses(&server.raw(get("/health", &[]))), [200]);
}

/// One test for each row: `name: |server| checks`. The server is of this step and logs everything that it ever does.
macro_rules! attacks {
    ($step:literal; $($(#[$meta:meta])* $name:ident: |$server:ident| $check:expr;)+) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            let $server = &crate::support::Server::start_with($step, ["--log", "trace"]);
            $check;
        }
    )+};
}
use attacks;

#[test]
fn the_attacks_run_against_a_server_that_accepts_valid_requests() {
    assert!(binary("step9").exists());
    let server = Server::start("step9");
    let token = server.token("alice", "mcp:tools");
    let answer = server.raw(ping(&[&format!("Authorization: Bearer {token}")]));
    assert_eq!(statuses(&answer), [200], "what all rows would look like if they came in: {answer}");
}
