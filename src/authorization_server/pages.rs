//! The pages, and the headers that keep other sites from playing with them.
//!
//! Rules: RFC 6749 section 10.13 and RFC 9700 section 4.16 (clickjacking), CSP Level 3; MCP authorization,
//! "Localhost Redirect URI Risks" (show where the answer goes, warn when that is only this machine). All text from
//! strangers is escaped by the templates; no script, no picture, no font, nothing from elsewhere.

use askama::Template;
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::{
    OFFLINE_ACCESS,
    accounts::{ACCOUNTS, Account},
    clients::Provenance,
    documents::RETRY_AFTER,
    redirect_uri,
    request::AuthorizationRequest,
};

#[derive(Template)]
#[template(path = "authorization_server/templates/login.html", config = "src/askama.toml")]
struct LoginPage<'a> {
    request: &'a AuthorizationRequest,
    proof: &'a str,
    error: Option<&'a str>,
    accounts: &'static [Account],
}

#[derive(Template)]
#[template(path = "authorization_server/templates/consent.html", config = "src/askama.toml")]
struct ConsentPage<'a> {
    request: &'a AuthorizationRequest,
    proof: &'a str,
    account: &'static Account,
    destination: &'a str,
    loopback: bool,
    scopes: Vec<Choice<'a>>,
}

impl ConsentPage<'_> {
    fn is_self_registered(&self) -> bool {
        self.request.client.provenance == Provenance::SelfRegistered
    }

    fn is_document(&self) -> bool {
        self.request.client.provenance == Provenance::Document
    }

    fn can_choose(&self) -> bool {
        self.scopes.iter().any(|choice| choice.held)
    }
}

/// One line of the question.
struct Choice<'a> {
    scope: &'a str,
    meaning: &'static str,
    /// Whether this person may give it away.
    held: bool,
}

#[derive(Template)]
#[template(path = "authorization_server/templates/problem.html", config = "src/askama.toml")]
struct ProblemPage<'a> {
    problem: &'a Problem,
}

/// A failure that is told to the person, because no client can be told.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    title: &'static str,
    text: String,
    /// A query with which to begin again.
    again: Option<String>,
    /// A place to go on to, and the URL there.
    onward: Option<(String, String)>,
}

impl Problem {
    fn new(title: &'static str, text: impl Into<String>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self { status, title, text: text.into(), again: None, onward: None }
    }

    /// The client's mistake, which it may hear of at `url`.
    pub(super) fn mistake(client: &str, why: &str, destination: String, url: String) -> Self {
        Self {
            onward: Some((destination, url)),
            ..Self::new(
                "This application made a mistake",
                format!("“{client}” asked for something that cannot be: {why}."),
            )
        }
    }

    pub(super) fn missing(parameter: &str) -> Self {
        Self::new(
            "Something is missing",
            format!(
                "The application did not say its {parameter}, or said it twice. Go back to it and try again."
            ),
        )
    }

    pub(super) fn too_long() -> Self {
        Self {
            status: StatusCode::URI_TOO_LONG,
            ..Self::new(
                "This request is too long",
                "No application needs that much. Go back and try again.",
            )
        }
    }

    pub(super) fn unknown_client(client_id: &str) -> Self {
        Self::new(
            "Unknown application",
            format!(
                "No application is registered as “{client_id}”. Registrations are kept in memory: if this server was restarted, the application must register again."
            ),
        )
    }

    pub(super) fn document(client_id: &str, reason: &str) -> Self {
        Self::new(
            "This application cannot be identified",
            format!("It says that {client_id} describes it, but {reason}."),
        )
    }

    pub(super) fn foreign_redirect(client: &str, uri: &str) -> Self {
        Self::new(
            "This address is not the application’s",
            format!(
                "“{client}” did not register {uri}, so you were not sent there. If a link brought you here, be careful with it."
            ),
        )
    }

    pub(super) fn stale_form(query: &str) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            again: Some(query.to_owned()),
            ..Self::new(
                "This page is out of date",
                "The form was not made for this browser, or cookies are off, or this server was restarted.",
            )
        }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        tracing::warn!(
            status = self.status.as_u16(),
            problem = self.title,
            "authorization request refused"
        );
        let mut page = page(self.status, &ProblemPage { problem: &self }, "'self'");
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            page.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER.into());
        }
        page
    }
}

/// Name and password, please.
pub(super) fn login(request: &AuthorizationRequest, proof: &str, error: Option<&str>) -> Response {
    let accounts = &ACCOUNTS;
    page(StatusCode::OK, &LoginPage { request, proof, error, accounts }, "'self'")
}

/// May this client do that?
pub(super) fn consent(
    request: &AuthorizationRequest,
    proof: &str,
    account: &'static Account,
) -> Response {
    let destination = redirect_uri::origin(&request.redirect_uri);
    let holds_any = request.scopes.iter().any(|scope| account.holds(scope));
    let holds = |scope| account.holds(scope) || (scope == OFFLINE_ACCESS && holds_any);
    let choice = |scope| Choice { scope, meaning: meaning(scope), held: holds(scope) };
    let mut scopes: Vec<_> = request.scopes.iter().map(choice).collect();
    scopes.sort_by_key(|choice| (!choice.held, choice.scope == OFFLINE_ACCESS));
    let loopback = redirect_uri::is_this_machine(&request.redirect_uri);
    let consent =
        ConsentPage { request, proof, account, destination: &destination, loopback, scopes };
    // Browsers apply form-action to the redirect that follows the form, and to those after it, and IPv6 addresses
    // cannot be named there.
    page(StatusCode::OK, &consent, "'self' http: https:")
}

/// `GET /auth/style.css`
pub(super) async fn style() -> Response {
    let css = include_str!("templates/style.css");
    (
        [
            (header::CONTENT_TYPE, "text/css; charset=utf-8"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        css,
    )
        .into_response()
}

fn meaning(scope: &str) -> &'static str {
    match scope {
        "mcp:read" => "See what is there: tools, prompts, resources",
        "mcp:tools" => "Use the tools",
        "mcp:prompts" => "Use the prompts",
        OFFLINE_ACCESS => "Stay connected without asking you again",
        _ => "",
    }
}

fn page(status: StatusCode, template: &impl Template, form_action: &str) -> Response {
    let html = template.render().expect("a template of ours renders");
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("a policy is plain ASCII");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    let fixed: [(HeaderName, &str); 4] = [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        // Not no-referrer: with that, browsers send our own forms with `Origin: null`.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
