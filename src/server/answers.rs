//! Answers of the server itself, in words and with the id of the request.
//!
//! Rules: RFC 9110 sections 10.2.3 (`Retry-After`), 15.5.5, 15.5.6, 15.5.9 and 15.6.4.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header, uri::PathAndQuery},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::telemetry::RequestId;

/// An error in words.
#[derive(Debug, Serialize)]
struct Problem {
    detail: &'static str,
    /// What to look for in the log.
    request_id: String,
}

pub(super) fn problem(status: StatusCode, detail: &'static str, id: &RequestId) -> Response {
    (status, Json(Problem { detail, request_id: id.to_string() })).into_response()
}

/// The server cannot or will not work on this request any longer. Later it may.
pub(super) fn refused(status: StatusCode, reason: &'static str, id: &RequestId) -> Response {
    metrics::counter!("http_requests_rejected_total", "reason" => reason).increment(1);
    let (detail, name, value) = match status {
        StatusCode::REQUEST_TIMEOUT => ("The request took too long", header::CONNECTION, "close"),
        _ => ("Overloaded, try again", header::RETRY_AFTER, "1"),
    };
    tracing::debug!(reason, "request given up");
    let mut response = problem(status, detail, id);
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

/// The router answers 404 and 405 without a word; says what is wrong, and forgives a trailing slash.
pub(super) fn explained(response: Response, bare: Option<String>, id: &RequestId) -> Response {
    let detail = match response.status() {
        StatusCode::NOT_FOUND => "Not Found",
        StatusCode::METHOD_NOT_ALLOWED => "Method Not Allowed",
        _ => return response,
    };
    if response.headers().contains_key(header::CONTENT_TYPE) {
        return response;
    }
    if let Some(bare) = bare.filter(|_| response.status() == StatusCode::NOT_FOUND) {
        return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, bare)]).into_response();
    }
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, Json(Problem { detail, request_id: id.to_string() })).into_response()
}

/// `/mcp/` is `/mcp`; `//evil.example/` is left alone, because as a location it would be another host.
pub(super) fn without_trailing_slash(target: Option<&PathAndQuery>) -> Option<String> {
    let target = target?;
    let bare =
        target.path().strip_suffix('/').filter(|bare| bare.len() > 1 && !bare.starts_with("//"))?;
    Some(target.query().map_or_else(|| bare.to_owned(), |query| format!("{bare}?{query}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_never_leads_to_another_host() {
        for (target, expected) in [
            ("/mcp/", Some("/mcp")),
            ("/a/b/?x=1", Some("/a/b?x=1")),
            ("/", None),
            ("//", None),
            ("//evil.com/", None),
            ("/mcp", None),
        ] {
            let uri: PathAndQuery = target.parse().unwrap();
            assert_eq!(without_trailing_slash(Some(&uri)).as_deref(), expected, "{target}");
        }
    }
}
