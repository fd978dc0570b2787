//! `GET /docs`: a page for people, which explains this server and lets them try it. The protected resource's metadata
//! points to it (RFC 9728, 2, `resource_documentation`).
//!
//! Rules: CSP Level 3 (only our own script and style, by their hash; no frames), RFC 9700 section 4.2.4 (no page
//! that has seen a code tells others where it was). One page and nothing else: no fonts, pictures or scripts from
//! anywhere. It learns what the server can do by asking it, see [`Facts`].

mod facts;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::from_fn_with_state,
    response::{Html, IntoResponse, Response},
    routing::get,
};

use self::facts::Facts;
use crate::{about::About, config::Config, origin};

/// The page about `app`, for mounting at a path of its own.
pub fn guide(config: &Config, app: Router) -> Router {
    let guide = Guide { config: Arc::new(config.clone()), app };
    Router::new()
        .route("/", get(page).with_state(guide))
        .layer(from_fn_with_state(config.origins.clone(), origin::validate))
}

#[derive(Debug, Clone)]
struct Guide {
    config: Arc<Config>,
    app: Router,
}

#[derive(Debug, Template)]
#[template(path = "docs/page.html", config = "src/askama.toml")]
struct Page<'a> {
    about: &'a About,
    base: &'a str,
    facts: &'a Facts,
}

/// Nothing from elsewhere, no frames, no scripts.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

async fn page(State(Guide { config, app }): State<Guide>) -> Response {
    let facts = Facts::of(&app, &config.public_url).await;
    let page = Page { about: &config.about, base: config.public_url.as_str(), facts: &facts };
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    match page.render() {
        Ok(html) => (headers, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the page cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
