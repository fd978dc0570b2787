//! A listening socket, and everything that is the same for whatever is served on it.
//!
//! Rules: RFC 9110 sections 15.5.5 and 15.5.6 (404, and 405 with `Allow`), RFC 9112 section 9 (connections).
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use mcp_auth::{program::ProgramInfo, config::Config, health::{self, Health}, server};
//!
//! #[tokio::main]
//! async fn main() -> anyhow::Result<()> {
//!     server::run(ProgramInfo::parse("//! A server of my own."), app).await
//! }
//!
//! async fn app(_config: Config) -> anyhow::Result<Router> {
//!     Ok(Router::new().route("/health", get(health::check).with_state(Health::new())))
//! }
//! ```

mod answers;
mod connections;
mod gate;
mod leftovers;
mod patience;

use std::{
    io::Write,
    net::{IpAddr, Ipv4Addr},
};

use anyhow::Context;
use axum::{Router, extract::State, http::header, routing::get};
use tokio::net::TcpListener;

use crate::{
    config::{Cli, Config, Limits},
    health,
    origin::{self, AllowedOrigins},
    program::ProgramInfo,
    telemetry::{self, Numbers, measurements},
};

pub use connections::serve;
pub use gate::Gate;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Builds the application with its configuration and serves it until SIGTERM or Ctrl-C.
///
/// Prints one line that programs can read, `listening on http://ADDRESS:PORT`, and what to try next.
///
/// # Errors
/// When a setting is wrong, the port is taken, or the application cannot be built.
pub async fn run<F>(program: ProgramInfo, app: impl FnOnce(Config) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Router>>,
{
    let settings = Cli::read(&program);
    if settings.check_health {
        return health::probe(settings.host, settings.port).await;
    }
    telemetry::init(&settings.log, settings.log_format)?;
    settings.file.log();
    // Before anything is built that counts.
    let metrics = match settings.metrics_port {
        Some(port) => {
            Some((measurements::start()?, bind(Ipv4Addr::LOCALHOST, port, "metrics-port").await?))
        }
        None => None,
    };
    let listener = bind(settings.host, settings.port, "port").await?;
    let address = listener.local_addr()?;
    let config = settings.into_config(program, address.port());
    let (program, public_url, limits) =
        (config.program.clone(), config.public_url.clone(), config.limits.clone());
    let gate = Gate::new(app(config).await?, &limits);

    // From here on a signal ends the server in good order: whoever reads the next line may send one at once.
    let stop = stop_signal()?;
    // A reader who pipes the output into `head` must not end the server.
    let _ = writeln!(
        std::io::stdout(),
        "{}\nlistening on http://{address}\nadds: {}\ntry:  {}",
        program.title,
        program.adds,
        program.example_for(public_url.as_str())
    );
    if let Some((numbers, listener)) = metrics {
        let _ = writeln!(std::io::stdout(), "metrics: http://{}/metrics", listener.local_addr()?);
        tokio::spawn(publish(numbers, listener, limits));
    }
    serve(listener, gate, stop).await;
    Ok(())
}

async fn bind(host: impl Into<IpAddr>, port: u16, setting: &str) -> anyhow::Result<TcpListener> {
    let host = host.into();
    TcpListener::bind((host, port)).await.with_context(|| {
        format!("cannot listen on {host}:{port}; choose another port with --{setting}")
    })
}

/// `GET /metrics`, on a port of its own that only this machine reaches.
async fn publish(numbers: Numbers, listener: TcpListener, limits: Limits) {
    let page = async |State(numbers): State<Numbers>| {
        let text = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        ([(header::CONTENT_TYPE, text)], numbers.render())
    };
    let here = "http://127.0.0.1".parse().expect("a URL");
    let app = Router::new()
        .route("/metrics", get(page).with_state(numbers))
        .layer(origin::validate(&AllowedOrigins::new(Vec::new(), &here)));
    serve(listener, Gate::uncounted(app, &limits), std::future::pending()).await;
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
