//! The authorization request: what a client, by way of a browser, asks a person for.
//!
//! Rules: RFC 6749 section 4.1.1 and 4.1.2.1, RFC 7636 section 4.3 (S256 and nothing else), RFC 8707 section 2,
//! RFC 9207 section 2 (`iss` in every answer, errors too), OAuth 2.1 section 7.12.2 (never redirect to a stranger).

use std::sync::Arc;

use super::{
    clients::{Client, Provenance},
    pages::Problem,
    parameters::Parameters,
    redirect_uri,
    state::Server,
};
use crate::principal::ScopeSet;

/// Bytes of a request: what is longer is not a client at work.
const LONGEST: usize = 8192;

/// A request that may be put before a person.
#[derive(Debug)]
pub(super) struct AuthorizationRequest {
    pub(super) client: Arc<Client>,
    /// Exactly as the client gave it, port included.
    pub(super) redirect_uri: String,
    pub(super) scopes: ScopeSet,
    pub(super) resources: Vec<String>,
    pub(super) challenge: String,
    state: Option<String>,
    issuer: String,
    /// The request as it came, for the forms that continue it. It is read anew each time.
    pub(super) query: String,
}

/// Why a request is not put before a person.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Nobody is known to whom an answer could be sent: a page for the person.
    Page(Problem),
    /// The client gets its answer at this URL.
    Redirect(String),
}

impl AuthorizationRequest {
    pub(super) async fn read(server: &Server, query: &str) -> Result<Self, Refusal> {
        if query.len() > LONGEST {
            return Err(Refusal::Page(Problem::too_long()));
        }
        let parameters = Parameters::parse(query.as_bytes());
        let client_id = parameters
            .one("client_id")
            .ok_or_else(|| Refusal::Page(Problem::missing("client_id")))?;
        let client = server.client(client_id).await;
        let client = client.map_err(|none| Refusal::Page(none.page(client_id)))?;
        let redirect_uri = match (parameters.one("redirect_uri"), client.redirect_uris.as_slice()) {
            (Some(uri), _) if client.may_redirect_to(uri) => uri.to_owned(),
            (Some(uri), _) => {
                return Err(Refusal::Page(Problem::foreign_redirect(&client.name, uri)));
            }
            // RFC 6749, 3.1.2.3: without the parameter only when there is nothing to choose from.
            (None, [only]) if parameters.all("redirect_uri").next().is_none() => only.clone(),
            (None, _) => return Err(Refusal::Page(Problem::missing("redirect_uri"))),
        };
        let mut request = Self {
            client,
            redirect_uri,
            scopes: ScopeSet::default(),
            resources: Vec::new(),
            challenge: String::new(),
            state: parameters.one("state").map(str::to_owned),
            issuer: server.issuer.clone(),
            query: query.to_owned(),
        };
        match request.fill(server, &parameters) {
            Ok(()) => Ok(request),
            Err((error, description)) => Err(request.refusal(error, description)),
        }
    }

    /// Before anybody has logged in, nobody is sent to where a stranger wants them by following a link to us (RFC 9700,
    /// 4.11.2; MCP authorization, "Open Redirection"): they are told where it would go, and may.
    fn refusal(&self, error: &str, description: &str) -> Refusal {
        let url = self.error(error, description);
        let trusted = self.client.provenance == Provenance::Known;
        if trusted || redirect_uri::is_loopback(&self.redirect_uri) {
            return Refusal::Redirect(url);
        }
        let destination = redirect_uri::origin(&self.redirect_uri);
        Refusal::Page(Problem::mistake(&self.client.name, description, destination, url))
    }

    /// From here on the client can be answered. Descriptions keep to the characters of RFC 6749, 4.1.2.1.
    fn fill(
        &mut self,
        server: &Server,
        parameters: &Parameters,
    ) -> Result<(), (&'static str, &'static str)> {
        if parameters.has_duplicates() {
            return Err(("invalid_request", "a parameter comes twice"));
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
        let challenge = parameters
            .one("code_challenge")
            .ok_or(("invalid_request", "code_challenge is missing: PKCE is required"))?;
        // An absent method means plain (RFC 7636, 4.3), which protects from nobody who can see the request.
        if parameters.one("code_challenge_method") != Some("S256") {
            return Err(("invalid_request", "code_challenge_method must be S256"));
        }
        if challenge.len() != 43
            || !challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        {
            return Err(("invalid_request", "code_challenge must be 43 characters of base64url"));
        }
        self.challenge = challenge.to_owned();
        self.resources = server.resources(parameters.all("resource")).ok_or((
            "invalid_target",
            "this resource is not protected by this authorization server",
        ))?;
        self.scopes = self.wanted_scopes(parameters.one("scope"))?;
        Ok(())
    }

    /// What is asked for: nothing beyond what the client registered, and without a word all of that.
    fn wanted_scopes(&self, scope: Option<&str>) -> Result<ScopeSet, (&'static str, &'static str)> {
        let registered = &self.client.scopes;
        // A client that can refresh may always ask to: many decide so after they registered.
        let wanted = ScopeSet::parse(scope.unwrap_or_default());
        let (refresh, wanted): (Vec<_>, ScopeSet) = if wanted.is_empty() {
            (
                Vec::new(),
                registered.iter().filter(|scope| *scope != super::OFFLINE_ACCESS).collect(),
            )
        } else {
            (
                wanted
                    .iter()
                    .filter(|scope| *scope == super::OFFLINE_ACCESS && self.client.refreshes)
                    .map(str::to_owned)
                    .collect(),
                wanted.iter().filter(|scope| *scope != super::OFFLINE_ACCESS).collect(),
            )
        };
        if !registered.holds_all(&wanted) {
            return Err((
                "invalid_scope",
                "a scope is unknown or beyond those that this client registered with",
            ));
        }
        Ok(wanted.union(&refresh.into_iter().collect()))
    }

    /// The URL that takes the person back with a code.
    pub(super) fn success(&self, code: &str) -> String {
        self.answer(&[("code", code)])
    }

    /// The URL that takes the person back with an error.
    pub(super) fn error(&self, error: &str, description: &str) -> String {
        self.answer(&[("error", error), ("error_description", description)])
    }

    fn answer(&self, answer: &[(&str, &str)]) -> String {
        let state = self.state.as_deref().map(|state| ("state", state));
        let parameters: Vec<_> =
            answer.iter().copied().chain(state).chain([("iss", self.issuer.as_str())]).collect();
        redirect_uri::with_parameters(&self.redirect_uri, &parameters)
    }
}
