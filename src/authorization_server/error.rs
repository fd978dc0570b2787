//! Refusals for programs: JSON with `error` and `error_description`.
//!
//! Rules: RFC 6749 section 5.2 (token), RFC 7591 section 3.2.2 (registration), RFC 8707 section 2 (`invalid_target`).

use std::borrow::Cow;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// An error of the token or registration endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct OAuthError {
    pub(super) error: &'static str,
    /// For the client's developer; never holds what a stranger sent.
    pub(super) error_description: Cow<'static, str>,
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl OAuthError {
    pub(super) fn new(error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            error,
            error_description: description.into(),
            status: StatusCode::BAD_REQUEST,
            retry_after: None,
        }
    }

    pub(super) fn invalid_request(description: &'static str) -> Self {
        Self::new("invalid_request", description)
    }

    pub(super) fn invalid_grant(description: &'static str) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(super) fn invalid_target() -> Self {
        Self::new(
            "invalid_target",
            "this resource is not one that the request may ask for; see resource in the protected resource metadata",
        )
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Come back in so many seconds: it says nothing about the client (RFC 6585, 4).
    pub(super) fn wait(description: &'static str, seconds: u64) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(seconds),
            ..Self::new("temporarily_unavailable", description)
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        tracing::debug!(error = self.error, description = %self.error_description, "refused");
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6749, 5.2: a client that used the Authorization header learns which scheme would do.
            let basic = HeaderValue::from_static("Basic realm=\"authorization server\"");
            headers.insert(header::WWW_AUTHENTICATE, basic);
        }
        response
    }
}
