//! Responses to requests whose `Origin` or `Host` is not allowed.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

const MAX_LOGGED_CHARS: usize = 200;

#[derive(Debug, Serialize)]
pub(super) struct Rejection {
    #[serde(skip)]
    status: StatusCode,
    pub(super) detail: String,
}

impl Rejection {
    pub(super) fn origin(origin: &str) -> Self {
        let origin: String = origin.chars().take(MAX_LOGGED_CHARS).collect();
        metrics::counter!("http_requests_rejected_total", "reason" => "origin").increment(1);
        tracing::warn!(?origin, "origin rejected");
        Self {
            status: StatusCode::FORBIDDEN,
            detail: format!(
                "Origin '{origin}' is not allowed. Only localhost and 127.0.0.1 are permitted."
            ),
        }
    }

    pub(super) fn host(host: &str) -> Self {
        let host: String = host.chars().take(MAX_LOGGED_CHARS).collect();
        metrics::counter!("http_requests_rejected_total", "reason" => "host").increment(1);
        tracing::warn!(?host, "host rejected");
        Self {
            status: StatusCode::FORBIDDEN,
            detail: format!(
                "Host '{host}' is not allowed. Use localhost, or start with --public-url or --allow-host."
            ),
        }
    }

    /// RFC 9112, 3.2: such a request MUST be answered with 400.
    pub(super) fn invalid_host() -> Self {
        Self { status: StatusCode::BAD_REQUEST, detail: "Send exactly one Host header.".to_owned() }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}
