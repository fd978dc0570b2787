//! Accepts connections up to a limit, and drains them at shutdown.
//!
//! Specs: RFC 9112 section 9 (9.6: the last response on a connection says `close`).
//!
//! `axum::serve` was tried: it has no limit on connections or on the time for a head, and at SIGTERM it lost 12 of 2,013
//! requests that clients sent while it closed their idle connections (`faults::stopping`).

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use axum::{
    http::{HeaderValue, header},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{
    body_drain::share_body, service::AppService, unsent::CHUNK_BYTES, write_timeout::WriteTimeout,
};

/// File descriptors that are not connections: log, keys, requests to an identity provider.
const RESERVED_FDS: usize = 64;

/// How long connections are still accepted after the signal to stop, and how long idle ones then stay open. Their
/// responses say `close`. Without it a request that is sent while its connection is being closed would be lost.
const DRAIN_GRACE: Duration = Duration::from_millis(200);

/// How many connections above the limit are answered at the same time and kept until the client has read the response.
const MAX_REJECTS: usize = 32;

/// Serves until `shutdown` completes, then waits for requests in flight.
pub async fn serve(listener: TcpListener, service: AppService, shutdown: impl Future<Output = ()>) {
    let shutdown_timeout = service.0.limits.shutdown_timeout;
    let manager = ConnectionManager::new(service);
    manager.accept_until(&listener, shutdown).await;
    tracing::info!("shutting down, draining requests");
    // From now on every response closes its connection.
    manager.service.0.draining.store(true, std::sync::atomic::Ordering::Relaxed);
    manager.accept_until(&listener, manager.wait_until_empty(DRAIN_GRACE)).await;
    // The operating system has accepted the connections in its queue, so their clients expect a response.
    if let Ok(queue) = listener.into_std() {
        while let Ok((stream, _)) = queue.accept() {
            let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                manager.accept(stream);
            }
        }
    }
    manager.wait_until_empty(DRAIN_GRACE).await;
    if tokio::time::timeout(shutdown_timeout, manager.connections.shutdown()).await.is_err() {
        tracing::warn!(seconds = shutdown_timeout.as_secs(), "gave up on requests that still ran");
    }
}

struct ConnectionManager {
    service: AppService,
    http: http1::Builder,
    connection_permits: Arc<Semaphore>,
    reject_permits: Arc<Semaphore>,
    connections: GracefulShutdown,
}

impl ConnectionManager {
    fn new(service: AppService) -> Self {
        let limits = &service.0.limits;
        let mut http = http1::Builder::new();
        // Without writev, head and body are copied into one buffer: cheaper for small responses.
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.header_read_timeout)
            .max_header_size(limits.max_header_size)
            // Beside its own share of the budget, a response takes this much until the client has taken it.
            .max_buf_size(limits.max_header_size.max(CHUNK_BYTES))
            .writev(false);
        let mut connections = limits.max_connections;
        if let Some(files) = open_files_limit().filter(|&files| files < connections + RESERVED_FDS)
        {
            connections = files.saturating_sub(RESERVED_FDS).max(1);
            tracing::warn!(
                files,
                connections,
                "this process may open fewer files than --max-connections needs; try ulimit -n"
            );
        }
        Self {
            service,
            http,
            connection_permits: Arc::new(Semaphore::new(connections)),
            reject_permits: Arc::new(Semaphore::new(MAX_REJECTS)),
            connections: GracefulShutdown::new(),
        }
    }

    async fn accept_until(&self, listener: &TcpListener, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            match tokio::select! { next = listener.accept() => next, () = &mut end => return } {
                Ok((stream, _)) => self.accept(stream),
                Err(error) => {
                    // Probably out of file descriptors, which is a temporary condition.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Waits until there is no connection, at most for `timeout`.
    async fn wait_until_empty(&self, timeout: Duration) {
        let end = Instant::now() + timeout;
        while self.connections.count() > 0 && Instant::now() < end {
            tokio::time::sleep(timeout / 20).await;
        }
    }

    fn accept(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        match Arc::clone(&self.connection_permits).try_acquire_owned() {
            Ok(permit) => self.serve_connection(stream, permit),
            Err(_) => self.reject_overloaded(stream),
        }
    }

    fn serve_connection(&self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        let service = self.service.clone();
        let stream = TokioIo::new(WriteTimeout::new(stream, service.0.limits.write_timeout));
        let open = service.0.metrics.as_ref().map(|metrics| metrics.open_connection());
        let respond = service_fn(move |request| respond(service.clone(), request));
        let connection = self.connections.watch(self.http.serve_connection(stream, respond));
        tokio::spawn(async move {
            match connection.await {
                Ok(()) => {}
                Err(error) if error.is_parse_too_large() => {
                    tracing::warn!("request head above --max-header-size or 100 headers: 431");
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::debug!(%error, cause, "connection closed");
                }
            }
            drop((open, permit));
        });
    }

    /// 503 without waiting for a request.
    fn reject_overloaded(&self, mut stream: TcpStream) {
        const RESPONSE: &str = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\n\
            content-type: application/json\r\ncontent-length: 34\r\n\r\n{\"detail\":\"Overloaded, try again\"}";
        metrics::counter!("http_requests_rejected_total", "reason" => "connections").increment(1);
        tracing::debug!("connection rejected: --max-connections are open");
        let Ok(permit) = Arc::clone(&self.reject_permits).try_acquire_owned() else {
            let _ = stream.try_write(RESPONSE.as_bytes());
            return;
        };
        tokio::spawn(async move {
            let respond = async {
                stream.write_all(RESPONSE.as_bytes()).await?;
                stream.shutdown().await?;
                // Closing with unread data resets the connection, and the client could lose the response.
                let mut unread = [0; 1024];
                while stream.read(&mut unread).await? > 0 {}
                io::Result::Ok(())
            };
            let _ = tokio::time::timeout(DRAIN_GRACE, respond).await;
            drop(permit);
        });
    }
}

async fn respond(
    service: AppService,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let (request, unread) = share_body(request);
    let mut response = service.respond(request).await;
    if !unread.drain().await {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// `ulimit -n`, on Linux.
fn open_files_limit() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
