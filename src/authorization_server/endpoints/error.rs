//! Errors of the endpoints for programs: JSON with `error` and `error_description`.
//!
//! Specs: RFC 6749 section 5.2 (token), RFC 7591 section 3.2.2 (registration), RFC 8707 section 2 (`invalid_target`).

use std::borrow::Cow;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::auth::dpop::DpopError;

/// An error of the token, registration or revocation endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct OAuthError {
    pub(super) error: &'static str,
    /// For the client's developer; never contains anything from the request.
    pub(super) error_description: Cow<'static, str>,
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    retry_after: Option<u64>,
    #[serde(skip)]
    challenge: bool,
}

impl OAuthError {
    pub(super) fn new(error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            error,
            error_description: description.into(),
            status: StatusCode::BAD_REQUEST,
            retry_after: None,
            challenge: false,
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

    /// 401 even without an `Authorization` header, which RFC 6749, 5.2, allows: clients in the field register again on
    /// that status only. A challenge is sent only to a client that used the header, as it makes browsers ask for a
    /// password.
    pub(super) fn invalid_client(description: &'static str, used_authorization: bool) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            challenge: used_authorization,
            ..Self::new("invalid_client", description)
        }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The request may succeed after `seconds` (RFC 6585, 4).
    pub(super) fn temporarily_unavailable(description: &'static str, seconds: u64) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(seconds),
            ..Self::new("temporarily_unavailable", description)
        }
    }
}

/// RFC 9449, 5: the proof of a token request is not accepted.
impl From<DpopError> for OAuthError {
    fn from(error: DpopError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        tracing::debug!(error = self.error, description = %self.error_description, "request rejected");
        let (status, retry_after, challenge) = (self.status, self.retry_after, self.challenge);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if challenge {
            let basic = HeaderValue::from_static("Basic realm=\"authorization server\"");
            headers.insert(header::WWW_AUTHENTICATE, basic);
        }
        response
    }
}
