//! The pages that a person sees: log in, decide, go back to the client.
//!
//! Rules: RFC 6749 section 3.1 and 4.1.2, RFC 9700 section 4.12 (303, never 307: a browser must not send the
//! password on), MCP security best practices, "Confused Deputy" (every client is asked about, every time).

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    OFFLINE_ACCESS,
    accounts::{self, LoginError},
    grants::{Code, Grant},
    pages::{self, Problem},
    parameters::Parameters,
    request::{AuthorizationRequest, Refusal},
    secret,
    session::Session,
    state::Server,
};
use crate::principal::ScopeSet;

/// `GET /auth/authorize`: the login page, or for who has logged in, the question.
pub(super) async fn ask(
    State(server): State<Arc<Server>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let request = AuthorizationRequest::read(&server, &query.unwrap_or_default()).await?;
    let session = server.sessions.of(&headers, server.clock.now());
    let proof = server.sessions.proof(&session);
    let page = match session.account {
        None => pages::login(&request, &proof, None),
        Some(account) => pages::consent(&request, &proof, account),
    };
    Ok(remember(&server, &session, page))
}

/// `POST /auth/login`: name and password, then the question.
pub(super) async fn log_in(
    State(server): State<Arc<Server>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Bytes,
) -> Result<Response, Refusal> {
    let submitted = Submitted::read(&server, query, &headers, &form).await?;
    let field = |name| submitted.form.one(name).unwrap_or_default();
    match accounts::log_in(&server.logins, field("username"), field("password"), submitted.now) {
        Ok(account) => {
            tracing::info!(account = account.name, "logged in");
            server.sessions.end(&submitted.session, submitted.now);
            let session = server.sessions.begin(account, submitted.now);
            Ok(remember(&server, &session, back_to_question(&submitted.request)))
        }
        Err(error) => {
            // Not the name: people type passwords into the wrong field.
            tracing::warn!("login refused");
            let proof = server.sessions.proof(&submitted.session);
            let mut page = pages::login(&submitted.request, &proof, Some(&error.to_string()));
            *page.status_mut() = StatusCode::FORBIDDEN;
            if let LoginError::Wait(seconds) = error {
                *page.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                page.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            Ok(page)
        }
    }
}

/// `POST /auth/logout`: another account, please.
pub(super) async fn log_out(
    State(server): State<Arc<Server>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Bytes,
) -> Result<Response, Refusal> {
    let submitted = Submitted::read(&server, query, &headers, &form).await?;
    server.sessions.end(&submitted.session, submitted.now);
    Ok(back_to_question(&submitted.request))
}

/// `POST /auth/consent`: the decision, which takes the person back to the client.
pub(super) async fn decide(
    State(server): State<Arc<Server>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Bytes,
) -> Result<Response, Refusal> {
    let Submitted { request, session, form, now } =
        Submitted::read(&server, query, &headers, &form).await?;
    let Some(account) = session.account else {
        return Ok(back_to_question(&request));
    };
    let client = &request.client;
    if form.one("decision") != Some("allow") {
        tracing::info!(account = account.name, client_id = %client.id, "access denied by the person");
        let url = request.error("access_denied", "the person said no");
        return Ok(Redirect::to(&url).into_response());
    }
    // Asked for, ticked, and held: a forged form field grants nothing.
    let ticked = |scope: &&str| form.all("scope").any(|ticked| ticked == *scope);
    let chosen: ScopeSet = request.scopes.iter().filter(ticked).collect();
    let scopes: ScopeSet = chosen.iter().filter(|scope| account.holds(scope)).collect();
    let grant = Grant {
        id: secret::random(),
        client_id: client.id.clone(),
        account,
        // To come back for nothing again and again is of no use to anybody.
        offline: !scopes.is_empty() && chosen.iter().any(|scope| scope == OFFLINE_ACCESS),
        resources: request.resources.clone(),
        scopes,
    };
    tracing::info!(account = account.name, client_id = %client.id, scopes = %grant.scopes, "access allowed");
    server.clients.touch(&client.id, now);
    let code = Code {
        grant: Arc::new(grant),
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
    };
    let url = request.success(&server.grants.issue_code(code, now));
    Ok(Redirect::to(&url).into_response())
}

/// A form of ours that came back from the browser that it was made for.
struct Submitted {
    request: AuthorizationRequest,
    session: Session,
    form: Parameters,
    now: u64,
}

impl Submitted {
    async fn read(
        server: &Server,
        query: Option<String>,
        headers: &HeaderMap,
        form: &[u8],
    ) -> Result<Self, Refusal> {
        let request = AuthorizationRequest::read(server, &query.unwrap_or_default()).await?;
        let now = server.clock.now();
        let session = server.sessions.of(headers, now);
        let form = Parameters::parse(form);
        if !server.sessions.is_ours(&session, form.one("proof")) {
            tracing::warn!("a form without the proof that it is ours");
            return Err(Refusal::Page(Problem::stale_form(&request.query)));
        }
        Ok(Self { request, session, form, now })
    }
}

fn back_to_question(request: &AuthorizationRequest) -> Response {
    // Relative, so that it works behind a proxy that puts a prefix before our paths.
    Redirect::to(&format!("authorize?{}", request.query)).into_response()
}

fn remember(server: &Server, session: &Session, mut response: Response) -> Response {
    if let Some(cookie) = server.sessions.cookie(session) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Page(problem) => problem.into_response(),
            Self::Redirect(url) => Redirect::to(&url).into_response(),
        }
    }
}
