//! The endpoints for the user's browser: log in, consent, go back to the client.
//!
//! Specs: RFC 6749 sections 3.1 and 4.1.2, RFC 9700 section 4.12 (303, never 307: a browser must not send the password
//! on), Fetch Metadata Request Headers, MCP security best practices, "Confused Deputy" (consent for every client, every time).

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    authorization_request::{AuthorizationError, AuthorizationRequest},
    parameters::Parameters,
};
use crate::{
    authorization_server::{
        app_state::AppState,
        pages::{self, LoginFailure, error_page::ErrorPage},
        scopes::OFFLINE_ACCESS,
        secret,
        state::{
            accounts,
            grants::{Code, Grant},
            sessions::Session,
        },
    },
    principal::ScopeSet,
};

/// `GET /auth/authorize`: the login page, or for a user who is logged in, the consent page.
pub(crate) async fn authorize(
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, AuthorizationError> {
    validate_navigation(&headers)?;
    let request = AuthorizationRequest::parse(&state, &query.unwrap_or_default()).await?;
    let session = state.sessions.of(&headers, state.clock.now());
    let view = request.view();
    let csrf_token = state.sessions.csrf_token(&session, &view.fingerprint());
    let page = match &session.account {
        None => pages::login(&view, &csrf_token, &state.accounts, None),
        Some(account) => pages::consent(&view, &csrf_token, account),
    };
    Ok(with_cookie(&state, &session, page))
}

/// `POST /auth/login`: name and password.
pub(crate) async fn log_in(
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Bytes,
) -> Result<Response, AuthorizationError> {
    let VerifiedForm { request, session, form, now } =
        VerifiedForm::read(&state, query, &headers, &form).await?;
    let field = |name| form.one(name).unwrap_or_default();
    let username = field("username");
    if let Some(account) = accounts::authenticate(&state.accounts, username, field("password")) {
        tracing::info!(account = account.name, "logged in");
        state.sessions.log_out(&session, now);
        let session = state.sessions.log_in(Arc::clone(account), now);
        return Ok(with_cookie(&state, &session, to_authorize(&request)));
    }
    // Without the name: users type passwords into the wrong field.
    tracing::warn!("login failed");
    if let Err(seconds) = state.login_failures.hold_back(now).await {
        return Err(AuthorizationError::Page(ErrorPage::too_many_failures(seconds)));
    }
    let view = request.view();
    let csrf_token = state.sessions.csrf_token(&session, &view.fingerprint());
    let failure = LoginFailure { username };
    let mut page = pages::login(&view, &csrf_token, &state.accounts, Some(failure));
    *page.status_mut() = StatusCode::FORBIDDEN;
    Ok(page)
}

/// `POST /auth/logout`: use another account.
pub(crate) async fn log_out(
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Bytes,
) -> Result<Response, AuthorizationError> {
    let form = VerifiedForm::read(&state, query, &headers, &form).await?;
    state.sessions.log_out(&form.session, form.now);
    Ok(to_authorize(&form.request))
}

/// `POST /auth/consent`: the user's decision, with which the browser goes back to the client.
pub(crate) async fn consent(
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Bytes,
) -> Result<Response, AuthorizationError> {
    let VerifiedForm { request, session, form, now } =
        VerifiedForm::read(&state, query, &headers, &form).await?;
    let Some(account) = session.account else {
        return Ok(to_authorize(&request));
    };
    let client = &request.client;
    if form.one("decision") != Some("allow") {
        tracing::info!(account = account.name, client_id = %client.id, "consent denied");
        let url = request.error_url("access_denied", "the user denied the request");
        return Ok(Redirect::to(&url).into_response());
    }
    // Requested, ticked and held: a forged form field grants nothing.
    let ticked = |scope: &&str| form.all("scope").any(|ticked| ticked == *scope);
    let ticked: ScopeSet = request.scopes.iter().filter(ticked).collect();
    let scopes: ScopeSet = ticked.iter().filter(|scope| account.can_grant(scope)).collect();
    tracing::info!(account = account.name, client_id = %client.id, %scopes, "consent given");
    let grant = Grant {
        id: secret::random(),
        client_id: client.id.clone(),
        account,
        // A refresh token without any scope would be of no use.
        offline: !scopes.is_empty() && ticked.iter().any(|scope| scope == OFFLINE_ACCESS),
        resources: request.resources.clone(),
        scopes,
    };
    state.mark_used(client, now);
    let code = Code {
        grant: Arc::new(grant),
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        dpop_jkt: request.dpop_jkt.clone(),
    };
    let url = request.success_url(&state.grants.issue_code(code, now));
    Ok(Redirect::to(&url).into_response())
}

/// A form that this browser got from this server, and that still says what the user saw.
struct VerifiedForm {
    request: AuthorizationRequest,
    session: Session,
    form: Parameters,
    now: u64,
}

impl VerifiedForm {
    async fn read(
        state: &AppState,
        query: Option<String>,
        headers: &HeaderMap,
        form: &[u8],
    ) -> Result<Self, AuthorizationError> {
        validate_navigation(headers)?;
        let request = AuthorizationRequest::parse(state, &query.unwrap_or_default()).await?;
        let now = state.clock.now();
        let session = state.sessions.of(headers, now);
        let form = Parameters::parse(form);
        let shown = request.view().fingerprint();
        if !state.sessions.verify_csrf(&session, &shown, form.one("csrf_token")) {
            tracing::warn!("form with an invalid csrf_token");
            return Err(AuthorizationError::Page(ErrorPage::csrf_failed(&request.query)));
        }
        Ok(Self { request, session, form, now })
    }
}

/// A browser that says what it wants a response for must want to show it to the user as a page (Fetch Metadata Request
/// Headers, 2.1). Else an `<img>` on any page makes every visitor's browser start requests here, and each can make this
/// server fetch a document. `Sec-Fetch-Mode` is no criterion: Node's `fetch` sends it, too.
fn validate_navigation(headers: &HeaderMap) -> Result<(), AuthorizationError> {
    match headers.get("sec-fetch-dest").is_none_or(|destination| destination == "document") {
        true => Ok(()),
        false => Err(AuthorizationError::Page(ErrorPage::not_a_navigation())),
    }
}

fn to_authorize(request: &AuthorizationRequest) -> Response {
    // Relative, so that it works behind a proxy that adds a prefix to the path.
    Redirect::to(&format!("authorize?{}", request.query)).into_response()
}

fn with_cookie(state: &AppState, session: &Session, mut response: Response) -> Response {
    if let Some(cookie) = state.sessions.cookie(session) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

impl IntoResponse for AuthorizationError {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => page.into_response(),
            Self::Redirect(url) => Redirect::to(&url).into_response(),
        }
    }
}
