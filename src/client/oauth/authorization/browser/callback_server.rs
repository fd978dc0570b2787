//! The callback server: it receives the authorization response from the browser, shows a page and stops.
//!
//! Specs: RFC 8252 section 7.3. Any program on this machine can send requests here, so only a response with the
//! right `state` ends the wait.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    Router,
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use url::Url;

use crate::client::{
    context::{credentials::secret::Secret, error::ClientError, reporter::Reporter},
    oauth::authorization::response::PendingAuthorization,
};

/// The page is given this long to reach the browser.
const PAGE_TIMEOUT: Duration = Duration::from_millis(500);

struct CallbackState {
    path: String,
    /// The query of a request, and where its page comes from.
    queries: mpsc::Sender<(String, oneshot::Sender<Response>)>,
}

/// Waits for the response to the pending request.
pub(super) async fn wait(
    listener: TcpListener,
    pending: &PendingAuthorization,
    reporter: Reporter,
) -> Result<Secret, ClientError> {
    let path =
        Url::parse(pending.redirect_uri()).map(|url| url.path().to_owned()).unwrap_or_default();
    let (queries, mut requests) = mpsc::channel(1);
    // A fallback instead of a route, because the path may contain what a route takes for a pattern.
    let app =
        Router::new().fallback(get(callback)).with_state(Arc::new(CallbackState { path, queries }));
    let (done, closing) = oneshot::channel::<()>();
    let served = axum::serve(listener, app).with_graceful_shutdown(async move {
        let _ = closing.await;
    });
    let server = tokio::spawn(served.into_future());
    let outcome = loop {
        let Some((query, page)) = requests.recv().await else {
            break Err(ClientError::NoCode);
        };
        let outcome = pending.validate_response(&query);
        let _ = page.send(page_for(&outcome));
        match outcome {
            Err(error @ ClientError::StateMismatch) => {
                reporter.warn(&format!("{error}; still waiting"));
            }
            outcome => break outcome,
        }
    };
    let _ = done.send(());
    // Not longer: another connection may stay open.
    let _ = tokio::time::timeout(PAGE_TIMEOUT, server).await;
    outcome
}

async fn callback(
    State(state): State<Arc<CallbackState>>,
    uri: axum::http::Uri,
    RawQuery(query): RawQuery,
) -> Response {
    if uri.path() != state.path {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (page, rendered) = oneshot::channel();
    let _ = state.queries.send((query.unwrap_or_default(), page)).await;
    // Not rendered: another response has ended the wait.
    rendered.await.unwrap_or_else(|_| StatusCode::GONE.into_response())
}

fn page_for(outcome: &Result<Secret, ClientError>) -> Response {
    match outcome {
        Ok(_) => page(
            StatusCode::OK,
            "Login successful",
            "The program has received the authorization code. You can close this page and return to the terminal.",
        ),
        Err(error @ ClientError::StateMismatch) => {
            page(StatusCode::BAD_REQUEST, "Unexpected response", &error.to_string())
        }
        Err(error) => page(StatusCode::OK, "Login failed", &error.to_string()),
    }
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
        // The address bar contains the code: no other site may see it (RFC 9700, 4.2.4).
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ];
    (status, headers, html).into_response()
}
