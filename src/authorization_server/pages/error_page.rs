//! Errors that are shown to the user, because no client can be told.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::page;
use crate::authorization_server::{
    app_state::ClientLookupError,
    client_metadata::documents::{DocumentError, RETRY_AFTER},
};

/// An error page.
#[derive(Debug, Template)]
#[template(path = "authorization_server/templates/error.html", config = "src/askama.toml")]
pub(crate) struct ErrorPage {
    status: StatusCode,
    /// In seconds.
    retry_after: Option<u64>,
    title: &'static str,
    text: String,
    /// The query of a request that the user can start again.
    retry_query: Option<String>,
    /// Where the user can go on: the origin, and the URL.
    continue_link: Option<(String, String)>,
}

impl ErrorPage {
    fn new(title: &'static str, text: impl Into<String>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        let (retry_query, continue_link) = (None, None);
        Self { status, retry_after: None, title, text: text.into(), retry_query, continue_link }
    }

    /// The client sent an invalid request. It can be told at `url`.
    pub(crate) fn client_error(client: &str, reason: &str, origin: String, url: String) -> Self {
        Self {
            continue_link: Some((origin, url)),
            ..Self::new(
                "Invalid request",
                format!("The application “{client}” sent an invalid request: {reason}."),
            )
        }
    }

    pub(crate) fn missing_parameter(name: &str) -> Self {
        Self::new(
            "Invalid request",
            format!(
                "The request has no {name}, or more than one. Go back to the application and try again."
            ),
        )
    }

    pub(crate) fn too_long() -> Self {
        Self {
            status: StatusCode::URI_TOO_LONG,
            ..Self::new("The request is too long", "Go back to the application and try again.")
        }
    }

    pub(crate) fn client_lookup(client_id: &str, error: &ClientLookupError) -> Self {
        match error {
            ClientLookupError::NotRegistered => Self::new(
                "Unknown application",
                format!(
                    "No application is registered as “{}”. Registrations are kept in memory: after a restart of this server the application must register again.",
                    printable(client_id)
                ),
            ),
            ClientLookupError::Document(reason) => {
                let (status, retry_after) = match reason {
                    DocumentError::RateLimited => {
                        (StatusCode::SERVICE_UNAVAILABLE, Some(RETRY_AFTER))
                    }
                    _ => (StatusCode::BAD_REQUEST, None),
                };
                let client_id = printable(client_id);
                let text =
                    format!("The application says that {client_id} describes it, but {reason}.");
                let title = "The application cannot be identified";
                Self { status, retry_after, ..Self::new(title, text) }
            }
        }
    }

    pub(crate) fn unregistered_redirect(client: &str, uri: &str) -> Self {
        Self::new(
            "Unregistered redirect URI",
            format!(
                "The application “{client}” did not register {}, so you were not sent there. If you followed a link, do not trust it.",
                printable(uri)
            ),
        )
    }

    /// RFC 6585, 4.
    pub(crate) fn too_many_failures(seconds: u64) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(seconds),
            ..Self::new(
                "Too many wrong passwords",
                "Wait a moment, go back and try again. With the right password you are not kept waiting.",
            )
        }
    }

    pub(crate) fn not_a_navigation() -> Self {
        Self::new(
            "Not opened as a page",
            "A login is a page of its own. Another page has requested it as an image, in a frame or from a script.",
        )
    }

    pub(crate) fn csrf_failed(query: &str) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            retry_query: Some(query.to_owned()),
            ..Self::new(
                "This page has expired",
                "The application has changed what it asks for, or the form belongs to another browser, or cookies are off, or this server was restarted.",
            )
        }
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        tracing::warn!(
            status = self.status.as_u16(),
            error = self.title,
            "authorization request rejected"
        );
        let mut response = page(self.status, &self, "'self'");
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// An identifier of a link as it may stand in a sentence of ours: its author must not be able to write the sentence.
fn printable(identifier: &str) -> &str {
    let is_plain =
        identifier.len() <= 200 && identifier.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain { identifier } else { "an identifier with unusual characters" }
}
