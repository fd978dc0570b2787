//! The authorization request, and what counts as its answer.
//!
//! Rules: RFC 6749 section 4.1, RFC 7636, RFC 8707 section 2.1, RFC 9207 section 2.4; MCP authorization "Authorization
//! Response Validation" and "Authorization Code Protection".

use subtle::ConstantTimeEq;
use url::form_urlencoded;

use crate::client::{
    context::{
        client::Client,
        error::{ClientError, OAuthError},
        reporter::Stage,
        secret::Secret,
        urls,
    },
    oauth::{
        browser::Browser,
        discovery,
        pkce::{self, Pkce},
        registration::ClientInformation,
        step_up::AccessRequest,
    },
};

/// An authorization code, and the proof that it is ours.
#[derive(Debug)]
pub struct AuthorizationCode {
    pub(crate) code: Secret,
    pub(crate) verifier: Secret,
}

/// What we remember of a request while the person is away: its answer is held against this.
#[derive(Debug)]
pub(crate) struct PendingAuthorization {
    state: Secret,
    /// From the validated metadata, before the person was sent there (RFC 9207).
    issuer: String,
    issuer_promised: bool,
    pub(crate) redirect_uri: String,
}

/// \[8\], \[9\]: sends the person to the authorization server and waits for the code.
///
/// # Errors
/// When the server offers no PKCE, the person or the server refuses, or the answer is not to be trusted.
pub async fn ask(
    client: &Client,
    access: &AccessRequest,
    app: &ClientInformation,
    browser: Browser,
) -> Result<AuthorizationCode, ClientError> {
    let (report, server) = (&client.report, &access.server);
    report.stage(Stage::Authorization, "The person decides (authorization code, PKCE)");
    if discovery::offers_s256(server) {
        report.verified("the server does PKCE with S256: a stolen code is of no use");
    } else {
        if !client.options.assume_s256 {
            return Err(ClientError::NoPkce { issuer: server.issuer.clone() });
        }
        report.warn("this authorization server does not say that it does PKCE; without it codes can be stolen");
    }
    let endpoint =
        server.authorization_endpoint.as_deref().ok_or_else(|| ClientError::NoEndpoint {
            issuer: server.issuer.clone(),
            endpoint: "authorization_endpoint",
        })?;
    client.count_authorization()?;
    let pkce = Pkce::new();
    let pending = PendingAuthorization::new(access, app);
    let params = params(access, app, &pending, &pkce);
    for (name, value) in &params {
        report.note(&format!("{name:<22} {value}   ({})", meaning(name)));
    }
    let url = urls::with_query(endpoint, &params);
    let promised = pending.issuer_promised;
    let code = browser.visit(client, url, pending).await?;
    report.stage(Stage::AuthorizationCode, "The code");
    report.verified("`state` is ours: this is the answer to our request");
    if promised {
        report.verified("`iss` is the server that was asked (RFC 9207)");
    }
    report
        .note(&format!("{} (good for one use, with the verifier that only we know)", code.hint()));
    Ok(AuthorizationCode { code, verifier: pkce.verifier })
}

/// Whether the authorization server still knows a registration of an earlier run. Asked before a person is: they would
/// end on an error page, and we would wait for an answer that never comes.
pub(crate) async fn still_known(
    client: &Client,
    access: &AccessRequest,
    app: &ClientInformation,
) -> bool {
    let Some(endpoint) = access.server.authorization_endpoint.as_deref() else {
        return true;
    };
    let (pending, pkce) = (PendingAuthorization::new(access, app), Pkce::new());
    let mut params = params(access, app, &pending, &pkce);
    params.retain(|(name, _)| *name != "prompt");
    // No page, please; whoever does not know the word shows the first one (OpenID Connect Core 1.0, 3.1.2.1).
    params.push(("prompt", "none".to_owned()));
    let answer = client.http.page(&urls::with_query(endpoint, &params), "").await;
    !answer.is_ok_and(|answer| answer.status.is_client_error())
}

fn params(
    access: &AccessRequest,
    app: &ClientInformation,
    pending: &PendingAuthorization,
    pkce: &Pkce,
) -> Vec<(&'static str, String)> {
    let mut params = vec![
        ("response_type", "code".to_owned()),
        ("client_id", app.client_id.clone()),
        ("redirect_uri", app.redirect_uri.clone()),
        ("state", pending.state.expose().to_owned()),
        ("code_challenge", pkce.challenge.clone()),
        ("code_challenge_method", "S256".to_owned()),
        ("resource", access.resource.clone()),
    ];
    if !access.scopes.is_empty() {
        params.push(("scope", access.scopes.to_string()));
    }
    // OpenID providers grant offline access only after asking (OpenID Connect Core 1.0, 11).
    if access.scopes.iter().any(|scope| scope == "offline_access") {
        params.push(("prompt", "consent".to_owned()));
    }
    params
}

fn meaning(param: &str) -> &'static str {
    match param {
        "response_type" => "a code, no token in an address bar",
        "client_id" => "who asks",
        "redirect_uri" => "where the answer goes",
        "state" => "comes back with the answer, or it is not ours",
        "code_challenge" => "the hash of a secret that only we know, RFC 7636",
        "code_challenge_method" => "SHA-256",
        "resource" => "for which server, RFC 8707",
        "scope" => "to do what",
        _ => "ask, even if asked before",
    }
}

impl PendingAuthorization {
    fn new(access: &AccessRequest, app: &ClientInformation) -> Self {
        let server = &access.server;
        Self {
            state: Secret::from(pkce::random()),
            issuer: server.issuer.clone(),
            issuer_promised: server.authorization_response_iss_parameter_supported == Some(true),
            redirect_uri: app.redirect_uri.clone(),
        }
    }

    /// Judges an answer by its query. First whether it is one to our request, then from whom, then what it says.
    pub(crate) fn evaluate(&self, query: &str) -> Result<Secret, ClientError> {
        let mut states =
            form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "state");
        let ours = |state: &str| bool::from(state.as_bytes().ct_eq(self.state.expose().as_bytes()));
        match (states.next(), states.next()) {
            (Some((_, state)), None) if ours(&state) => {}
            // Before anything else is looked at: whoever does not know our state ends nothing.
            _ => return Err(ClientError::StateMismatch),
        }
        let answer = Parameters::parse(query)?;
        match &answer.iss {
            // Byte for byte, as it was decoded: no slash more or less.
            Some(iss) if *iss != self.issuer => {
                return Err(ClientError::ResponseIssuerMismatch { issuer: self.issuer.clone() });
            }
            None if self.issuer_promised => {
                return Err(ClientError::ResponseIssuerMissing { issuer: self.issuer.clone() });
            }
            _ => {}
        }
        if let Some(error) = answer.error {
            let error = OAuthError { error, error_description: answer.error_description };
            return Err(ClientError::Refused { at: "authorization endpoint", error });
        }
        answer.code.filter(|code| !code.is_empty()).map(Secret::from).ok_or(ClientError::NoCode)
    }

    /// The query of an answer, if `url` is where we wait for it.
    pub(crate) fn query_of<'a>(&self, url: &'a str) -> Option<&'a str> {
        let (place, query) = url.split_once('?')?;
        let query = query.split('#').next().unwrap_or_default();
        match self.redirect_uri.split_once('?') {
            None => (place == self.redirect_uri).then_some(query),
            Some((own_place, own_query)) => {
                (place == own_place && query.starts_with(own_query)).then_some(query)
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn for_test(issuer_promised: bool) -> Self {
        Self {
            state: Secret::from("s".to_owned()),
            issuer: "https://as.example.com".to_owned(),
            issuer_promised,
            redirect_uri: "http://127.0.0.1:1/callback".to_owned(),
        }
    }
}

#[derive(Default)]
struct Parameters {
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Parameters {
    /// Parameters come once each (RFC 6749, 3.1); unknown ones are ignored.
    fn parse(query: &str) -> Result<Self, ClientError> {
        let mut found = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*name {
                "code" => &mut found.code,
                "iss" => &mut found.iss,
                "error" => &mut found.error,
                "error_description" => &mut found.error_description,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(ClientError::Protocol(format!(
                    "the authorization answer gives {name} twice"
                )));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluate(promised: bool, query: &str) -> String {
        match PendingAuthorization::for_test(promised).evaluate(query) {
            Ok(code) => code.expose().to_owned(),
            Err(error) => format!("{error:?}").split([' ', '(']).next().unwrap().to_owned(),
        }
    }

    #[test]
    fn an_answer_is_trusted_by_the_table_of_rfc_9207() {
        let iss = "iss=https%3A%2F%2Fas.example.com";
        for (promised, query, expected) in [
            (true, format!("code=c&state=s&{iss}"), "c"),
            (false, format!("code=c&state=s&{iss}"), "c"),
            (false, "code=c&state=s".to_owned(), "c"),
            (true, "code=c&state=s".to_owned(), "ResponseIssuerMissing"),
            (true, format!("code=c&state=s&{iss}%2F"), "ResponseIssuerMismatch"),
            (false, format!("code=c&state=s&{iss}%2F"), "ResponseIssuerMismatch"),
            (
                false,
                "code=c&state=s&iss=HTTPS%3A%2F%2Fas.example.com".to_owned(),
                "ResponseIssuerMismatch",
            ),
            (false, "error=access_denied&state=s&iss=evil".to_owned(), "ResponseIssuerMismatch"),
            (false, "error=access_denied&state=s".to_owned(), "Refused"),
            (true, "error=access_denied&state=s".to_owned(), "ResponseIssuerMissing"),
        ] {
            assert_eq!(evaluate(promised, &query), expected, "{promised} {query}");
        }
    }

    #[test]
    fn an_answer_without_our_state_is_nobodys_answer() {
        for (query, expected) in [
            ("code=c", "StateMismatch"),
            ("code=c&state=", "StateMismatch"),
            ("code=c&state=S", "StateMismatch"),
            ("code=c&state=ss", "StateMismatch"),
            ("error=access_denied", "StateMismatch"),
            ("", "StateMismatch"),
            ("state=s", "NoCode"),
            ("code=&state=s", "NoCode"),
            ("code=c&code=d&state=s", "Protocol"),
            ("code=c&state=x&state=s", "StateMismatch"),
            ("code=c&state=s&state=s", "StateMismatch"),
            ("code=c&code=d&state=x", "StateMismatch"),
            ("iss=a&iss=b", "StateMismatch"),
            ("iss=a&iss=b&state=s", "Protocol"),
        ] {
            assert_eq!(evaluate(false, query), expected, "{query}");
        }
    }

    #[test]
    fn an_answer_arrives_at_our_address_and_nowhere_else() {
        let pending = PendingAuthorization::for_test(false);
        for (url, expected) in [
            ("http://127.0.0.1:1/callback?code=c", Some("code=c")),
            ("http://127.0.0.1:1/callback?code=c#f", Some("code=c")),
            ("http://127.0.0.1:1/callback/?code=c", None),
            ("http://127.0.0.1:1/callback.evil.com?code=c", None),
            ("http://127.0.0.1:1@evil.com/callback?code=c", None),
            ("http://localhost:1/callback?code=c", None),
            ("https://evil.example.com/callback?code=c", None),
            ("http://127.0.0.1:1/callback", None),
        ] {
            assert_eq!(pending.query_of(url), expected, "{url}");
        }
    }
}
