//! SIGTERM: whoever has been let in is served, under load as well as in the quiet.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::support::Server;

use super::wire::{HEALTH, PING, Wire, head};

#[test]
fn a_request_in_flight_is_finished_and_its_connection_closed() {
    let mut server = Server::start("step2");
    let mut working = Wire::open(&server);
    working.send(&head(PING.len()));
    let mut idle = Wire::open(&server);
    idle.send(HEALTH);
    assert!(idle.answer().starts_with("HTTP/1.1 200"));

    server.signal("TERM");
    server.wait_for_log("shutting down");
    assert_eq!(idle.end().1, "", "an idle connection is closed without a word");
    working.send(PING);
    let answer = working.answer();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(working.end().1, "");
    assert!(server.wait().success());
    assert!(TcpStream::connect(&server.address).is_err(), "nobody listens any more");
}

#[test]
fn a_request_that_never_ends_does_not_keep_the_server_alive() {
    let mut server = Server::start_with("step2", ["--shutdown-timeout", "1"]);
    let mut working = Wire::open(&server);
    working.send(&head(PING.len()));
    working.send("{");
    server.signal("TERM");
    assert!(server.wait().success());
    server.wait_for_log("gave up on requests that still ran");
}

#[test]
fn at_shutdown_under_load_every_accepted_request_is_answered() {
    let mut server = Server::start("step2");
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..24)
        .map(|number| {
            let (address, answered) = (server.address.clone(), Arc::clone(&answered));
            // Half of them keep their connections, half open a new one for every request.
            thread::spawn(move || client(&address, number % 2 == 0, &answered))
        })
        .collect();
    while answered.load(Ordering::Relaxed) < 2_000 {
        thread::sleep(Duration::from_millis(1));
    }
    server.signal("TERM");
    let unanswered = clients.into_iter().map(|client| client.join().unwrap());
    let (lost, late) = unanswered.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    assert!(server.wait().success());
    assert_eq!(lost, 0, "of {} requests", answered.load(Ordering::Relaxed));
    // Between the last look into the queue and its end the operating system may put somebody there.
    assert!(late <= 2, "{late} of 24 clients were left in the queue");
}

/// Sends pings until nobody listens; how many were sent on an open connection and never answered, and whether there
/// was one more, the first on its connection, after which nobody listened any more.
fn client(address: &str, keep: bool, answered: &AtomicUsize) -> (usize, usize) {
    let request = head(PING.len()) + PING;
    let (mut lost, mut late) = (0, 0);
    'connections: while let Ok(mut stream) = TcpStream::connect(address) {
        lost += std::mem::take(&mut late);
        let mut first = true;
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        loop {
            let mut answer = Vec::new();
            let mut buffer = [0; 2048];
            let whole =
                |answer: &[u8]| answer.ends_with(b"}") && answer.starts_with(b"HTTP/1.1 200");
            let sent = stream.write_all(request.as_bytes());
            while sent.is_ok() && !whole(&answer) {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(size) => answer.extend(&buffer[..size]),
                }
            }
            if !whole(&answer) {
                *(if first && answer.is_empty() { &mut late } else { &mut lost }) += 1;
                continue 'connections;
            }
            first = false;
            answered.fetch_add(1, Ordering::Relaxed);
            let closing = String::from_utf8_lossy(&answer).contains("connection: close");
            if closing || !keep {
                continue 'connections;
            }
        }
    }
    (lost, late)
}
