//! The pages for the user: login, consent, error.
//!
//! Specs: RFC 6749 section 10.13 and RFC 9700 section 4.16 (clickjacking), CSP Level 3; MCP authorization, "Localhost
//! Redirect URI Risks" (show where the code goes, warn when that is this machine). The templates escape all text; there
//! are no scripts, images, fonts, or anything from other sites.

pub(super) mod error_page;
pub(super) mod request_view;

use std::{borrow::Cow, sync::Arc};

use askama::Template;
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use self::request_view::RequestView;
use super::{
    redirect_uri,
    scopes::{ADMIN, OFFLINE_ACCESS, description},
    state::{accounts::Account, clients::Provenance},
};

#[derive(Template)]
#[template(path = "authorization_server/templates/login.html", config = "src/askama.toml")]
struct LoginPage<'a> {
    request: &'a RequestView<'a>,
    csrf_token: &'a str,
    accounts: &'a [Arc<Account>],
    failure: Option<LoginFailure<'a>>,
}

/// A wrong name or password. The page does not say which.
pub(super) struct LoginFailure<'a> {
    /// As the user typed it.
    pub(super) username: &'a str,
}

#[derive(Template)]
#[template(path = "authorization_server/templates/consent.html", config = "src/askama.toml")]
struct ConsentPage<'a> {
    request: &'a RequestView<'a>,
    csrf_token: &'a str,
    account: &'a Account,
    /// Where the code goes (MCP authorization: the hostname of the redirect URI must be displayed).
    host: String,
    loopback: bool,
    scopes: Vec<Choice<'a>>,
}

impl ConsentPage<'_> {
    fn is_self_registered(&self) -> bool {
        self.request.client.provenance == Provenance::SelfRegistered
    }

    fn is_document(&self) -> bool {
        self.request.client.provenance == Provenance::MetadataDocument
    }

    fn can_choose(&self) -> bool {
        self.scopes.iter().any(|choice| choice.held)
    }
}

/// A scope on the consent page.
struct Choice<'a> {
    scope: &'a str,
    description: Cow<'static, str>,
    /// Whether the user can grant it.
    held: bool,
}

impl Choice<'_> {
    /// Whether the user need not tick it. The most powerful scope is granted only by somebody who has read its line.
    fn is_ticked(&self) -> bool {
        self.held && self.scope != ADMIN
    }
}

/// The login page.
pub(super) fn login(
    request: &RequestView<'_>,
    csrf_token: &str,
    accounts: &[Arc<Account>],
    failure: Option<LoginFailure<'_>>,
) -> Response {
    page(StatusCode::OK, &LoginPage { request, csrf_token, accounts, failure }, "'self'")
}

/// The consent page.
pub(super) fn consent(request: &RequestView<'_>, csrf_token: &str, account: &Account) -> Response {
    let holds_any = request.scopes.iter().any(|scope| account.can_grant(scope));
    let held = |scope| account.can_grant(scope) || (scope == OFFLINE_ACCESS && holds_any);
    let choice = |scope| Choice { scope, description: description(scope), held: held(scope) };
    let mut scopes: Vec<_> = request.scopes.iter().map(choice).collect();
    scopes.sort_by_key(|choice| (!choice.held, choice.scope == OFFLINE_ACCESS));
    let host = redirect_uri::host(request.redirect_uri);
    let loopback = redirect_uri::is_this_machine(request.redirect_uri);
    let consent = ConsentPage { request, csrf_token, account, host, loopback, scopes };
    // Browsers apply form-action also to the redirects after the form, and it cannot name IPv6 addresses.
    page(StatusCode::OK, &consent, "'self' http: https:")
}

/// `GET /auth/style.css`
pub(super) async fn style() -> Response {
    let css = include_str!("../templates/style.css");
    (
        [
            (header::CONTENT_TYPE, "text/css; charset=utf-8"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        css,
    )
        .into_response()
}

fn page(status: StatusCode, template: &impl Template, form_action: &str) -> Response {
    let html = template.render().expect("the template renders");
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("the policy is plain ASCII");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    let fixed: [(HeaderName, &str); 4] = [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        // Not no-referrer: browsers would send the forms with `Origin: null`.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
