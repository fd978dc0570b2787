//! A listening socket, and everything that is the same for whatever is served on it.
//!
//! Rules: RFC 9110 sections 15.5.5 and 15.5.6 (404, and 405 with `Allow`), RFC 9112 section 9 (connections).

use std::{any::Any, io::Write, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    BoxError, Extension, Json, Router,
    error_handling::HandleErrorLayer,
    extract::{DefaultBodyLimit, Request},
    http::{StatusCode, header, uri::PathAndQuery},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use serde::Serialize;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

use crate::{
    about::About,
    config::{Config, Limits, Settings},
    health,
    jsonrpc::MaxDepth,
};

/// How long requests in flight may still take after the signal to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Builds the application with its configuration and serves it until SIGTERM or Ctrl-C.
///
/// Prints one line that programs can read, `listening on http://ADDRESS:PORT`, and what to try next.
///
/// # Errors
/// When a setting is wrong, the port is taken, or the application cannot be built.
pub async fn run<F>(about: About, app: impl FnOnce(Config) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Router>>,
{
    let settings = Settings::read(&about);
    if settings.check_health {
        return health::probe(settings.host, settings.port).await;
    }
    init_tracing(&settings.log)?;
    let listener = TcpListener::bind((settings.host, settings.port)).await.with_context(|| {
        format!(
            "cannot listen on {}:{}; choose another port with --port",
            settings.host, settings.port
        )
    })?;
    let address = listener.local_addr()?;
    let config = settings.into_config(about, address.port());
    let (about, public_url, limits) =
        (config.about.clone(), config.public_url.clone(), config.limits.clone());
    let router = with_limits(app(config).await?, &limits);

    // From here on a signal ends the server in good order: whoever reads the next line may send one at once.
    let stop = stop_signal()?;
    // A reader who pipes the output into `head` must not end the server.
    let _ = writeln!(
        std::io::stdout(),
        "{}\nlistening on http://{address}\nadds: {}\ntry:  {}",
        about.title,
        about.adds,
        about.try_at(public_url.as_str())
    );
    serve(listener, router, &limits, stop).await;
    Ok(())
}

fn init_tracing(filter: &str) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .with_context(|| format!("`{filter}` is not a log filter; try --log debug"))?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    Ok(())
}

/// What stands around every application: answers for what it does not serve, and limits on what it accepts.
pub fn with_limits(app: Router, limits: &Limits) -> Router {
    app.layer(
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(overloaded))
            .load_shed()
            // One limit for all routes: each of them gets a copy of these layers.
            .layer(GlobalConcurrencyLimitLayer::new(limits.max_requests))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(explain_empty_answers))
            .layer(TimeoutLayer::with_status_code(
                StatusCode::REQUEST_TIMEOUT,
                limits.request_timeout,
            ))
            .layer(DefaultBodyLimit::max(limits.max_body))
            .layer(Extension(MaxDepth(limits.max_json_depth))),
    )
}

/// An error in words.
#[derive(Debug, Serialize)]
struct Problem {
    detail: &'static str,
}

async fn overloaded(_: BoxError) -> impl IntoResponse {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(header::RETRY_AFTER, "1")],
        Json(Problem { detail: "Overloaded, try again" }),
    )
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, Json(Problem { detail: "Internal Server Error" }))
        .into_response()
}

/// The router answers 404 and 405 without a word; say what is wrong, and forgive a trailing slash.
async fn explain_empty_answers(request: Request, next: Next) -> Response {
    let bare = without_trailing_slash(request.uri().path_and_query());
    let response = next.run(request).await;
    let explained = response.headers().contains_key(header::CONTENT_TYPE);
    let detail = match response.status() {
        StatusCode::NOT_FOUND if !explained => match bare {
            Some(bare) => {
                return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, bare)])
                    .into_response();
            }
            None => "Not Found",
        },
        StatusCode::METHOD_NOT_ALLOWED if !explained => "Method Not Allowed",
        StatusCode::REQUEST_TIMEOUT if !explained => "The request took too long",
        _ => return response,
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, Json(Problem { detail })).into_response()
}

/// `/mcp/` is `/mcp`; `//evil.example/` is left alone, because as a location it would be another host.
fn without_trailing_slash(target: Option<&PathAndQuery>) -> Option<String> {
    let target = target?;
    let bare =
        target.path().strip_suffix('/').filter(|bare| bare.len() > 1 && !bare.starts_with("//"))?;
    Some(target.query().map_or_else(|| bare.to_owned(), |query| format!("{bare}?{query}")))
}

/// Serves until `stop` is done, then lets requests in flight finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    let open = Arc::new(Semaphore::new(limits.max_connections));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, slot) = tokio::select! {
            accepted = accept(&listener, &open) => accepted,
            () = &mut stop => break,
        };
        let service =
            TowerToHyperService::new(router.clone().into_service::<hyper::body::Incoming>());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
            drop(slot);
        });
    }
    drop(listener);
    tracing::info!("stopping, requests in flight may finish");
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!(seconds = GRACE.as_secs(), "gave up on requests that still ran");
    }
}

async fn accept(
    listener: &TcpListener,
    open: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let slot = Arc::clone(open).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                return (stream, slot);
            }
            Err(error) => {
                // Out of file descriptors, most likely: waiting helps, giving up does not.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Ctrl-C or SIGTERM. They are caught from the call on, not only from the first wait.
#[cfg(unix)]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| signal(kind).context("cannot listen for signals");
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    Ok(async { tokio::signal::ctrl_c().await.expect("Ctrl-C can be listened for") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_never_leads_to_another_host() {
        for (target, expected) in [
            ("/mcp/", Some("/mcp")),
            ("/a/b/?x=1", Some("/a/b?x=1")),
            ("/", None),
            ("//", None),
            ("//evil.com/", None),
            ("/mcp", None),
        ] {
            let uri: PathAndQuery = target.parse().unwrap();
            assert_eq!(without_trailing_slash(Some(&uri)).as_deref(), expected, "{target}");
        }
    }
}
