//! The authorization request: what a client, through the user's browser, asks for.
//!
//! Specs: RFC 6749 sections 4.1.1 and 4.1.2.1, RFC 7636 section 4.3 (S256 only), RFC 8707 section 2, RFC 9207 section 2
//! (`iss` in every response, errors included), RFC 9449 section 10 (`dpop_jkt`), OAuth 2.1 section 7.12.2 (no open redirector).

use std::sync::Arc;

use super::parameters::Parameters;
use crate::{
    authorization_server::{
        app_state::AppState,
        pages::{error_page::ErrorPage, request_view::RequestView},
        redirect_uri,
        scopes::{ADMIN, OFFLINE_ACCESS},
        state::clients::{Client, Provenance},
    },
    principal::ScopeSet,
};

/// Longer requests are rejected.
const MAX_QUERY_BYTES: usize = 8192;

/// A valid request, ready to be shown to the user.
#[derive(Debug)]
pub(super) struct AuthorizationRequest {
    pub(super) client: Arc<Client>,
    /// Exactly as the client sent it, with its port.
    pub(super) redirect_uri: String,
    pub(super) scopes: ScopeSet,
    pub(super) resources: Vec<String>,
    pub(super) challenge: String,
    /// The key that the code is bound to (RFC 9449, 10).
    pub(super) dpop_jkt: Option<String>,
    state: Option<String>,
    issuer: String,
    /// The query as it came, for the forms that continue the request. It is validated again each time.
    pub(super) query: String,
}

/// Why a request is not shown to the user.
#[derive(Debug)]
pub(crate) enum AuthorizationError {
    /// There is no redirect URI that an error could be sent to: the user gets a page.
    Page(ErrorPage),
    /// The client gets the error at this URL.
    Redirect(String),
}

impl AuthorizationRequest {
    pub(super) async fn parse(state: &AppState, query: &str) -> Result<Self, AuthorizationError> {
        if query.len() > MAX_QUERY_BYTES {
            return Err(AuthorizationError::Page(ErrorPage::too_long()));
        }
        let parameters = Parameters::parse(query.as_bytes());
        let missing = |name| AuthorizationError::Page(ErrorPage::missing_parameter(name));
        let client_id = parameters.one("client_id").ok_or_else(|| missing("client_id"))?;
        let client = state.client(client_id).await.map_err(|error| {
            AuthorizationError::Page(ErrorPage::client_lookup(client_id, &error))
        })?;
        let redirect_uri = match (parameters.one("redirect_uri"), client.redirect_uris.as_slice()) {
            (Some(uri), _) if client.allows_redirect(uri) => uri.to_owned(),
            (Some(uri), _) => {
                return Err(AuthorizationError::Page(ErrorPage::unregistered_redirect(
                    &client.name,
                    uri,
                )));
            }
            // RFC 6749, 3.1.2.3: it may be left out if only one is registered. A document can change at any time, so
            // its clients must say where the code goes (OAuth 2.1, 4.1.1).
            (None, [only])
                if client.provenance != Provenance::MetadataDocument
                    && parameters.all("redirect_uri").next().is_none() =>
            {
                only.clone()
            }
            (None, _) => return Err(missing("redirect_uri")),
        };
        let mut request = Self {
            client,
            redirect_uri,
            scopes: ScopeSet::default(),
            resources: Vec::new(),
            challenge: String::new(),
            dpop_jkt: parameters
                .one("dpop_jkt")
                .filter(|_| state.dpop.is_some())
                .map(str::to_owned),
            state: parameters.one("state").map(str::to_owned),
            issuer: state.issuer.clone(),
            query: query.to_owned(),
        };
        match request.validate(state, &parameters) {
            Ok(()) => Ok(request),
            Err((error, description)) => Err(request.rejection(error, description)),
        }
    }

    /// Before the user has logged in, nobody is redirected to a site that registered itself: a link to this server must
    /// not lead there (RFC 9700, 4.11.2; MCP authorization, "Open Redirection"). A page shows where it would go.
    fn rejection(&self, error: &str, description: &str) -> AuthorizationError {
        let url = self.error_url(error, description);
        let trusted = self.client.provenance == Provenance::BuiltIn;
        if trusted || redirect_uri::is_loopback(&self.redirect_uri) {
            return AuthorizationError::Redirect(url);
        }
        let destination = redirect_uri::origin(&self.redirect_uri);
        let page = ErrorPage::client_error(&self.client.name, description, destination, url);
        AuthorizationError::Page(page)
    }

    /// What can be reported to the client. Descriptions keep to the characters of RFC 6749, 4.1.2.1.
    fn validate(
        &mut self,
        state: &AppState,
        parameters: &Parameters,
    ) -> Result<(), (&'static str, &'static str)> {
        if parameters.has_duplicates() {
            return Err(("invalid_request", "a parameter is repeated"));
        }
        for (name, error) in
            [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")]
        {
            if parameters.one(name).is_some() {
                return Err((error, "request objects are not supported"));
            }
        }
        match parameters.one("response_type") {
            Some("code") => {}
            Some(_) => return Err(("unsupported_response_type", "response_type must be code")),
            None => return Err(("invalid_request", "response_type is missing")),
        }
        if !self.client.allows_grant_type("authorization_code") {
            return Err(("unauthorized_client", "this client is not registered for codes"));
        }
        let challenge = parameters
            .one("code_challenge")
            .ok_or(("invalid_request", "code_challenge is missing: PKCE is required"))?;
        // An absent method means plain (RFC 7636, 4.3), which does not protect a request that somebody can read.
        if parameters.one("code_challenge_method") != Some("S256") {
            return Err(("invalid_request", "code_challenge_method must be S256"));
        }
        if !is_sha256(challenge) {
            return Err(("invalid_request", "code_challenge must be 43 characters of base64url"));
        }
        if !self.dpop_jkt.as_deref().is_none_or(is_sha256) {
            return Err(("invalid_request", "dpop_jkt must be 43 characters of base64url"));
        }
        self.challenge = challenge.to_owned();
        self.resources = state.resources(parameters.all("resource")).ok_or((
            "invalid_target",
            "this resource is not protected by this authorization server",
        ))?;
        self.scopes = self.requested_scopes(state, parameters.one("scope"))?;
        Ok(())
    }

    /// Nothing beyond what the client registered for. Without `scope`, all of that except what must be asked for by name.
    fn requested_scopes(
        &self,
        state: &AppState,
        scope: Option<&str>,
    ) -> Result<ScopeSet, (&'static str, &'static str)> {
        let registered = &self.client.scopes;
        let Some(scope) = scope else {
            let by_name = [ADMIN, OFFLINE_ACCESS];
            return Ok(registered.iter().filter(|scope| !by_name.contains(scope)).collect());
        };
        let wanted = ScopeSet::parse(scope);
        // Many clients decide to ask for a refresh token after they registered.
        let refreshes = self.client.allows_grant_type("refresh_token");
        let wanted: ScopeSet =
            wanted.iter().filter(|scope| refreshes || *scope != OFFLINE_ACCESS).collect();
        let allowed = |scope: &str| {
            scope == OFFLINE_ACCESS || (state.scopes.contains(scope) && registered.grants(scope))
        };
        if !wanted.iter().all(allowed) {
            return Err((
                "invalid_scope",
                "a scope is unknown or beyond those that this client registered for",
            ));
        }
        Ok(wanted)
    }

    /// What the pages show.
    pub(super) fn view(&self) -> RequestView<'_> {
        RequestView {
            client: &self.client,
            redirect_uri: &self.redirect_uri,
            scopes: &self.scopes,
            resources: &self.resources,
            query: &self.query,
        }
    }

    /// The URL that takes the user back to the client with a code.
    pub(super) fn success_url(&self, code: &str) -> String {
        self.response_url(&[("code", code)])
    }

    /// The URL that takes the user back to the client with an error.
    pub(super) fn error_url(&self, error: &str, description: &str) -> String {
        self.response_url(&[("error", error), ("error_description", description)])
    }

    fn response_url(&self, response: &[(&str, &str)]) -> String {
        let state = self.state.as_deref().map(|state| ("state", state));
        let parameters: Vec<_> =
            response.iter().copied().chain(state).chain([("iss", self.issuer.as_str())]).collect();
        redirect_uri::with_parameters(&self.redirect_uri, &parameters)
    }
}

/// Whether this is a SHA-256 hash in base64url without padding.
fn is_sha256(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
