//! Connections: accepted up to a bound, given up when they keep us waiting, ended in good order.
//!
//! Rules: RFC 9112 section 9 (connections; 9.6: an answer that closes says so).

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use axum::{
    http::{HeaderValue, header},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::TokioIo,
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::telemetry::measurements::OpenConnection;

use super::{
    gate::Gate,
    leftovers::Leftovers,
    patience::{Pace, Paced, Times},
};

/// Files that are not connections: the log, keys, requests of our own to an identity provider.
const OTHER_FILES: usize = 64;

/// How long everything goes on as before after the signal to stop, but that answers close their connections: once
/// for new connections, and once more for those that came last. Whoever sends a request just when an idle connection
/// is closed would not know whether it was heard.
const LAST_CALL: Duration = Duration::from_millis(200);

/// How many clients can be told at the same time that there is no room for them, and be listened to until they have
/// heard it.
const DOORWAY: usize = 32;

/// Serves until `stop` is done, then lets requests in work finish.
pub async fn serve(listener: TcpListener, gate: Gate, stop: impl Future<Output = ()>) {
    let shutdown_timeout = gate.limits().shutdown_timeout;
    let house = House::new(gate);
    house.accept_until(&listener, stop).await;
    tracing::info!("stopping, requests in work may finish");
    house.gate.stop();
    house.accept_until(&listener, house.empty(LAST_CALL)).await;
    // Whoever stands in the queue of the operating system has been promised an answer as well.
    if let Ok(queue) = listener.into_std() {
        while let Ok((stream, _)) = queue.accept() {
            let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            stream.map_or_else(|_| (), |stream| house.admit(stream));
        }
    }
    house.empty(LAST_CALL).await;
    if tokio::time::timeout(shutdown_timeout, house.connections.shutdown()).await.is_err() {
        tracing::warn!(seconds = shutdown_timeout.as_secs(), "gave up on requests that still ran");
    }
}

/// Where connections live.
struct House {
    gate: Gate,
    http: http1::Builder,
    rooms: Arc<Semaphore>,
    doorway: Arc<Semaphore>,
    connections: GracefulShutdown,
}

impl House {
    fn new(gate: Gate) -> Self {
        let limits = gate.limits();
        let mut http = http1::Builder::new();
        // Answers are small: head and body in one buffer go out by a cheaper system call than two buffers do.
        http.max_header_size(limits.max_header_size).writev(false);
        let mut connections = limits.max_connections;
        if let Some(files) = open_files_limit().filter(|&files| files < connections + OTHER_FILES) {
            connections = files.saturating_sub(OTHER_FILES).max(1);
            tracing::warn!(
                files,
                connections,
                "this process may open fewer files than --max-connections needs; try ulimit -n"
            );
        }
        Self {
            gate,
            http,
            rooms: Arc::new(Semaphore::new(connections)),
            doorway: Arc::new(Semaphore::new(DOORWAY)),
            connections: GracefulShutdown::new(),
        }
    }

    async fn accept_until(&self, listener: &TcpListener, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut end => return,
            };
            match accepted {
                Ok((stream, _)) => self.admit(stream),
                Err(error) => {
                    // Out of file descriptors, most likely: waiting helps, giving up does not.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Waits until there is no connection, but no longer than this.
    async fn empty(&self, patience: Duration) {
        let end = Instant::now() + patience;
        while self.connections.count() > 0 && Instant::now() < end {
            tokio::time::sleep(patience / 20).await;
        }
    }

    fn admit(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        match Arc::clone(&self.rooms).try_acquire_owned() {
            Ok(room) => self.host(stream, room, self.connections.watcher()),
            Err(_) => self.turn_away(stream),
        }
    }

    fn host(&self, stream: TcpStream, room: OwnedSemaphorePermit, watcher: Watcher) {
        let limits = self.gate.limits();
        let times = Times {
            head: limits.header_read_timeout,
            request: limits.request_timeout,
            rest: limits.idle_timeout,
        };
        let pace = Pace::new();
        let paced = TokioIo::new(Paced { stream, pace: pace.clone() });
        let seat =
            Seat { gate: self.gate.clone(), pace: pace.clone(), leftovers: Leftovers::default() };
        // One reference for all that a request needs: nothing that connections share is touched.
        let seat = Arc::new(seat);
        let service = service_fn(move |request| Arc::clone(&seat).serve(request));
        let connection = watcher.watch(self.http.serve_connection(paced, service));
        tokio::spawn(async move {
            let _counted = OpenConnection::new();
            match pace.watch(connection, times).await {
                Some(Ok(())) => {}
                Some(Err(error)) => tracing::debug!(%error, "connection ended"),
                None => tracing::debug!("connection closed: nothing came or went for too long"),
            }
            drop(room);
        });
    }

    /// 503 at once, without waiting for a request: there is no room to wait in.
    fn turn_away(&self, mut stream: TcpStream) {
        const ANSWER: &str = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\n\
            content-type: application/json\r\ncontent-length: 34\r\n\r\n{\"detail\":\"Overloaded, try again\"}";
        metrics::counter!("http_requests_rejected_total", "reason" => "connections").increment(1);
        tracing::debug!("connection turned away: --max-connections are open");
        let Ok(place) = Arc::clone(&self.doorway).try_acquire_owned() else {
            let _ = stream.try_write(ANSWER.as_bytes());
            return;
        };
        tokio::spawn(async move {
            let goodbye = async {
                stream.write_all(ANSWER.as_bytes()).await?;
                stream.shutdown().await?;
                // Closing with something unread would reset the connection, and the answer would be lost.
                let mut unread = [0; 1024];
                while stream.read(&mut unread).await? > 0 {}
                io::Result::Ok(())
            };
            let _ = tokio::time::timeout(LAST_CALL, goodbye).await;
            drop(place);
        });
    }
}

/// What the requests of one connection share.
struct Seat {
    gate: Gate,
    pace: Pace,
    leftovers: Leftovers,
}

impl Seat {
    async fn serve(
        self: Arc<Self>,
        request: hyper::Request<Incoming>,
    ) -> Result<Response, Infallible> {
        self.pace.working();
        let mut request = self.leftovers.watch(request);
        let mut response = self.gate.answer(&mut request, self.pace.overdue()).await;
        if !self.leftovers.read().await {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        self.pace.answered();
        Ok(response)
    }
}

/// How many files this process may open, where the system tells.
fn open_files_limit() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
