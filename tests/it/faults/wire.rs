//! One connection, byte by byte.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::support::Server;

/// A connection that a test holds in its hand.
pub(super) struct Wire(pub(super) TcpStream);

impl Wire {
    pub(super) fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(&server.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        Self(stream)
    }

    pub(super) fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).expect("the server reads");
    }

    /// One answer: its head and as much body as `content-length` says. Empty when the connection ended first.
    pub(super) fn answer(&mut self) -> String {
        let mut text = Vec::new();
        let mut byte = [0];
        let wanted = loop {
            match self.0.read(&mut byte) {
                Ok(1) => text.push(byte[0]),
                Ok(_) => return String::new(),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return String::new(),
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&text)),
            }
            if text.ends_with(b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&text).to_lowercase();
                let length =
                    head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
                break length.map_or(0, |length| length.parse::<usize>().expect("a length"));
            }
        };
        let mut body = vec![0; wanted];
        self.0.read_exact(&mut body).expect("a whole body");
        text.extend(body);
        String::from_utf8(text).expect("text")
    }

    /// How long it takes until the server ends the connection, and what it says before.
    pub(super) fn end(&mut self) -> (Duration, String) {
        let start = Instant::now();
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection does not end: {error}"),
        }
        (start.elapsed(), String::from_utf8_lossy(&rest).into_owned())
    }
}

/// The head of a `POST /mcp` of so many bytes.
pub(super) fn head(length: usize) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

pub(super) const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
pub(super) const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
