//! `GET /docs`: a page for people about this server. The protected resource's metadata points to it (RFC 9728, 2,
//! `resource_documentation`).

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};

use crate::{about::About, config::Config};

/// What the page tells.
#[derive(Debug, Clone)]
pub struct Guide(Arc<Page>);

#[derive(Debug, Template)]
#[template(path = "docs.html", config = "src/askama.toml")]
struct Page {
    about: About,
    base: String,
    tools: Vec<String>,
    prompts: Vec<String>,
    scopes: Vec<String>,
}

impl Guide {
    /// A page about the server of this configuration.
    pub fn new(config: &Config, tools: &[&str], prompts: &[&str], scopes: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self(Arc::new(Page {
            about: config.about.clone(),
            base: config.public_url.to_string(),
            tools: owned(tools),
            prompts: owned(prompts),
            scopes: owned(scopes),
        }))
    }
}

/// Nothing from elsewhere, no frames, no scripts.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
);

/// `GET /docs`
pub async fn page(State(Guide(page)): State<Guide>) -> Response {
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    match page.render() {
        Ok(html) => (headers, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the page cannot be rendered");
            axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
