//! The security headers of the pages.
//!
//! Specs: CSP Level 3 (script and style by hash, `connect-src`, `frame-ancestors`), Trusted Types, RFC 9700 section
//! 4.2.4 (`Referrer-Policy`).

use askama::Template;
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use url::Url;

use super::STYLE;

/// A page whose only script is `script`, and which may send requests to its own server and to `servers`.
pub(super) fn html(template: &impl Template, script: &str, servers: &[&str]) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "cannot render the page");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    let policy = HeaderValue::try_from(policy(script, servers)).expect("an origin is plain ASCII");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    let fixed: [(HeaderName, &str); 4] = [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn policy(script: &str, servers: &[&str]) -> String {
    let origins = servers.iter().filter_map(|server| {
        let origin = Url::parse(server).ok()?.origin();
        origin.is_tuple().then(|| format!(" {}", origin.ascii_serialization()))
    });
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; connect-src 'self'{}; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
        hash(script),
        hash(STYLE),
        origins.collect::<String>(),
    )
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_connect_to_the_given_servers_only() {
        let policy = policy("x", &["https://id.example.com/realms/a", "not a url", "data:x"]);
        assert!(policy.contains("connect-src 'self' https://id.example.com;"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        // `printf x | openssl dgst -sha256 -binary | base64`
        let hash = "script-src 'sha256-LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE='";
        assert!(policy.contains(hash), "{policy}");
    }
}
