//! JSON bodies of the errors that the server itself reports, each with the id of the request.
//!
//! Specs: RFC 9110 sections 10.2.3 (`Retry-After`), 15.5.5, 15.5.6, 15.5.9, 15.5.14 and 15.6.4.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::telemetry::RequestId;

#[derive(Debug, Serialize)]
struct ErrorBody {
    detail: &'static str,
    /// Finds the log lines.
    request_id: String,
}

pub(super) fn error(status: StatusCode, detail: &'static str, id: &RequestId) -> Response {
    (status, Json(ErrorBody { detail, request_id: id.to_string() })).into_response()
}

const CLOSE: (HeaderName, HeaderValue) = (header::CONNECTION, HeaderValue::from_static("close"));

pub(super) fn timeout(id: &RequestId) -> Response {
    rejected("timeout", CLOSE, error(StatusCode::REQUEST_TIMEOUT, "The request took too long", id))
}

pub(super) fn overloaded(id: &RequestId) -> Response {
    const RETRY: (HeaderName, HeaderValue) = (header::RETRY_AFTER, HeaderValue::from_static("1"));
    rejected("overload", RETRY, error(StatusCode::SERVICE_UNAVAILABLE, "Overloaded, try again", id))
}

pub(super) fn body_too_large(id: &RequestId) -> Response {
    const DETAIL: &str = "the body is larger than this server accepts; see --max-body-size";
    rejected("body_size", CLOSE, error(StatusCode::PAYLOAD_TOO_LARGE, DETAIL, id))
}

fn rejected(reason: &'static str, header: (HeaderName, HeaderValue), error: Response) -> Response {
    metrics::counter!("http_requests_rejected_total", "reason" => reason).increment(1);
    ([header], error).into_response()
}

/// The router answers 404 and 405 without a body; adds one.
pub(super) fn fill_error_body(response: Response, id: &RequestId) -> Response {
    let detail = match response.status() {
        StatusCode::NOT_FOUND => "Not Found",
        StatusCode::METHOD_NOT_ALLOWED => "Method Not Allowed",
        _ => return response,
    };
    if response.headers().contains_key(header::CONTENT_TYPE) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, Json(ErrorBody { detail, request_id: id.to_string() })).into_response()
}
