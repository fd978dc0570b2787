//! Serves an application over HTTP/1.1 with limits, logs, metrics and a graceful shutdown.
//!
//! Specs: RFC 9110 sections 15.5.5 and 15.5.6 (404, and 405 with `Allow`), RFC 9112 section 9 (connections). The smallest
//! program with it is `src/bin/step1.rs`.

mod body_drain;
mod connections;
mod error_response;
mod service;
mod unsent;
mod write_timeout;

use std::{
    io::{ErrorKind, Write},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use anyhow::Context;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::Redirect,
    routing::get,
};
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::{
    config::{Cli, Config, Limits, PublicUrl},
    health,
    origin::{self, AllowedOrigins},
    program::ProgramInfo,
    telemetry::{self, Prometheus},
};

pub use connections::serve;
pub use service::AppService;

/// Builds the application with its configuration and serves it until SIGTERM or Ctrl-C.
///
/// Prints one line for programs, `listening on http://ADDRESS:PORT`, and the URLs and commands to try next.
///
/// # Errors
/// Never: when a setting is wrong, the port is taken or the application cannot be built, it prints the error and ends
/// the process with status 1.
pub async fn run<F>(program: ProgramInfo, app: impl FnOnce(Config) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Router>>,
{
    if let Err(error) = start(program, app).await {
        // Returned from `main`, it would bring 30 frames with RUST_BACKTRACE=1, and a wrong setting is no bug.
        let _ = writeln!(std::io::stderr(), "Error: {error:#}");
        std::process::exit(1);
    }
    Ok(())
}

async fn start<F>(program: ProgramInfo, app: impl FnOnce(Config) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Router>>,
{
    let cli = Cli::read(&program);
    if cli.check_health {
        return health::check_remote(cli.host, cli.port).await;
    }
    telemetry::init(&cli.log, cli.log_format)?;
    cli.file.log();
    // Before the application is built, whose parts register their counters.
    let metrics = match cli.metrics_port {
        Some(port) => {
            Some((Prometheus::install()?, bind(Ipv4Addr::LOCALHOST, port, "metrics-port").await?))
        }
        None => None,
    };
    let listener = bind(cli.host, cli.port, "port").await?;
    let address = listener.local_addr()?;
    let config = cli.into_config(program, address.port());
    let (program, public_url, limits) =
        (config.program.clone(), config.public_url.clone(), config.limits.clone());
    let app = app(config).await?;
    let urls = reader_urls(&app, &public_url).await;
    let http_metrics = metrics.as_ref().map(|(prometheus, _)| prometheus.http.clone());
    let service = AppService::new(mount(app, &public_url).await, &limits, http_metrics);

    // Signals count from here on: a program that reads the next line may send one at once.
    let shutdown = shutdown_signal()?;
    let mut text = format!("{}\nlistening on http://{address}\n", program.title);
    let commands = [
        ("adds:", program.adds.clone()),
        ("try:", program.example.clone()),
        ("next:", program.next.map_or_else(String::new, |next| format!("cargo run --bin {next}"))),
    ];
    for (label, line) in urls.into_iter().chain(commands).filter(|(_, line)| !line.is_empty()) {
        text.push_str(&format!("{label:<8} {line}\n"));
    }
    if let Some((prometheus, listener)) = metrics {
        text.push_str(&format!("metrics: http://{}/metrics\n", listener.local_addr()?));
        tokio::spawn(serve_metrics(prometheus, listener, limits));
    }
    // The output may be piped into a program that ends early, such as `head`; that must not end the server.
    let _ = std::io::stdout().write_all(text.as_bytes());
    serve(listener, service, shutdown).await;
    Ok(())
}

async fn bind(host: impl Into<IpAddr>, port: u16, setting: &str) -> anyhow::Result<TcpListener> {
    let host = host.into();
    TcpListener::bind((host, port)).await.map_err(|error| {
        let another = match error.kind() {
            ErrorKind::AddrNotAvailable => "an address of this machine with --host".to_owned(),
            _ => format!("another port with --{setting}"),
        };
        anyhow::Error::new(error)
            .context(format!("cannot listen on {host}:{port}; choose {another}"))
    })
}

/// Whether the application has a route for this path, found out without running its handler.
async fn has_route(app: &Router, path: &str, public_url: &PublicUrl) -> bool {
    let request = Request::builder()
        .method(Method::PATCH)
        .uri(path)
        .header(header::HOST, "localhost")
        .header(header::ORIGIN, public_url.origin())
        .body(Body::empty())
        .expect("a valid request");
    let Ok(response) = app.clone().oneshot(request).await;
    response.status() != StatusCode::NOT_FOUND
}

/// What a reader opens or runs next, as far as the application has it.
async fn reader_urls(app: &Router, public_url: &PublicUrl) -> Vec<(&'static str, String)> {
    let mcp = public_url.join("/mcp");
    let metadata = format!("/.well-known/oauth-protected-resource{}/mcp", public_url.path());
    let mut urls = Vec::new();
    for (path, label, text) in [
        ("/mcp", "mcp:", mcp.clone()),
        ("/docs", "guide:", public_url.join("/docs")),
        (&*metadata, "client:", format!("cargo run --bin step11 -- {mcp}")),
    ] {
        if has_route(app, path, public_url).await {
            urls.push((label, text));
        }
    }
    urls
}

/// The application at its place: `/` leads to the guide, and with a path in the public URL every route is there below
/// that path, too, whether a proxy in front strips the path or not.
async fn mount(mut app: Router, public_url: &PublicUrl) -> Router {
    if has_route(&app, "/docs", public_url).await && !has_route(&app, "/", public_url).await {
        let guide = Redirect::temporary(&public_url.join("/docs"));
        app = app.route("/", get(async move || guide));
    }
    match public_url.path() {
        "" => app,
        path => Router::new().nest(path, app.clone()).merge(app),
    }
}

/// `GET /metrics`, on a port of its own that only this machine reaches.
async fn serve_metrics(prometheus: Arc<Prometheus>, listener: TcpListener, limits: Limits) {
    let page = async |State(prometheus): State<Arc<Prometheus>>| {
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        ([(header::CONTENT_TYPE, content_type)], prometheus.render())
    };
    let own_url = "http://127.0.0.1".parse().expect("a URL");
    let app = Router::new()
        .route("/metrics", get(page).with_state(prometheus))
        .layer(origin::layer(&AllowedOrigins::new(Vec::new(), &own_url)));
    serve(listener, AppService::new(app, &limits, None), std::future::pending()).await;
}

/// Completes on Ctrl-C or SIGTERM. They are caught from the call on, not only from the first poll.
#[cfg(unix)]
fn shutdown_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| signal(kind).context("cannot listen for signals");
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    })
}

/// Completes on Ctrl-C.
#[cfg(not(unix))]
fn shutdown_signal() -> anyhow::Result<impl Future<Output = ()>> {
    Ok(async { tokio::signal::ctrl_c().await.expect("Ctrl-C can be listened for") })
}
