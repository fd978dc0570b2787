//! The listener that the browser comes back to: one answer, one friendly page, and it is gone.
//!
//! Rules: RFC 8252 section 7.3. Anybody on this machine can knock: only an answer that carries our `state` counts, all
//! others are turned away and the wait goes on.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    Router,
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, sync::mpsc};
use url::Url;

use crate::client::{
    context::{error::ClientError, reporter::Reporter, secret::Secret},
    oauth::authorization::PendingAuthorization,
};

type Outcome = Result<Secret, ClientError>;

struct CallbackState {
    pending: Arc<PendingAuthorization>,
    report: Reporter,
    outcome: mpsc::Sender<Outcome>,
}

/// Waits for the answer to our request.
pub(crate) async fn wait(
    listener: TcpListener,
    pending: Arc<PendingAuthorization>,
    report: &Reporter,
) -> Outcome {
    let path =
        Url::parse(&pending.redirect_uri).map(|url| url.path().to_owned()).unwrap_or_default();
    let (outcome, mut arrived) = mpsc::channel(1);
    let desk = CallbackState { pending, report: report.clone(), outcome };
    // Exactly one path; a fallback instead of a route, because a path may hold what a route would take for a pattern.
    let app = Router::new().fallback(get(callback)).with_state(Arc::new((path, desk)));
    let (done, closing) = tokio::sync::oneshot::channel::<()>();
    let served = axum::serve(listener, app).with_graceful_shutdown(async move {
        let _ = closing.await;
    });
    let server = tokio::spawn(served.into_future());
    let outcome = arrived.recv().await.unwrap_or(Err(ClientError::NoCode));
    // The page is on its way to the browser: let it arrive, but wait for nobody's open connection.
    let _ = done.send(());
    let _ = tokio::time::timeout(Duration::from_millis(500), server).await;
    outcome
}

async fn callback(
    State(state): State<Arc<(String, CallbackState)>>,
    uri: axum::http::Uri,
    RawQuery(query): RawQuery,
) -> Response {
    let (path, desk) = &*state;
    if uri.path() != path {
        return StatusCode::NOT_FOUND.into_response();
    }
    let outcome = desk.pending.evaluate(&query.unwrap_or_default());
    if let Err(error @ ClientError::StateMismatch) = &outcome {
        desk.report.warn(&format!("{error}; it was turned away, the wait goes on"));
        return page(StatusCode::BAD_REQUEST, "Not for us", &error.to_string());
    }
    let answer = match &outcome {
        Ok(_) => page(
            StatusCode::OK,
            "You are in",
            "The program has what it needs. You can close this page and go back to the terminal.",
        ),
        Err(error) => page(StatusCode::OK, "That did not work", &error.to_string()),
    };
    // Full or closed: an answer is there already, and one is enough.
    let _ = desk.outcome.try_send(outcome);
    answer
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
  body { font: 1.1rem/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0 1.5rem; color: #1c2430; background: #f6f7f9; }
  main { max-width: 34rem; padding: 2rem 2.5rem; background: #fff; border-radius: .75rem; box-shadow: 0 1px 8px #0002; }
  h1 { margin: 0 0 .5rem; font-size: 1.5rem; }
  @media (prefers-color-scheme: dark) { body { color: #e8eaee; background: #14181f; } main { background: #1f2630; } }
</style>
<main><h1>{{ title }}</h1><p>{{ text }}</p></main>
</html>
"#
)]
struct Page<'a> {
    title: &'a str,
    text: &'a str,
}

fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let html = Page { title, text }.render().unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        // The address bar holds the code: it goes nowhere from here (RFC 9700, 4.2.4).
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ];
    (status, headers, html).into_response()
}
