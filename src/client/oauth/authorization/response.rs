//! The authorization response, and whether it can be trusted.
//!
//! Specs: RFC 6749 sections 4.1.2 and 10.12 (`state`), RFC 9207 section 2.4 (`iss`); MCP authorization
//! "Authorization Response Validation".

use subtle::ConstantTimeEq;
use url::form_urlencoded;

use crate::{
    auth::metadata::AuthorizationServerMetadata,
    client::{
        context::{
            credentials::secret::Secret,
            error::{ClientError, oauth::OAuthError},
        },
        oauth::authorization::pkce,
    },
};

/// What is kept of a request while the user is away: the response is compared with it.
#[derive(Debug)]
pub(crate) struct PendingAuthorization {
    state: Secret,
    /// From the validated metadata.
    issuer: String,
    expects_issuer: bool,
    redirect_uri: String,
}

impl PendingAuthorization {
    pub(crate) fn new(server: &AuthorizationServerMetadata, redirect_uri: &str) -> Self {
        Self {
            state: Secret::from(pkce::random()),
            issuer: server.issuer.clone(),
            expects_issuer: server.authorization_response_iss_parameter_supported == Some(true),
            redirect_uri: redirect_uri.to_owned(),
        }
    }

    pub(crate) fn state(&self) -> &str {
        self.state.expose()
    }

    /// Whether the authorization server advertises `iss` in its responses.
    pub(crate) fn expects_issuer(&self) -> bool {
        self.expects_issuer
    }

    pub(crate) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Validates the query of a response and returns the code.
    ///
    /// # Errors
    /// [`ClientError::StateMismatch`] if it is not the response to this request; other errors end the request.
    pub(crate) fn validate_response(&self, query: &str) -> Result<Secret, ClientError> {
        let mut states =
            form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "state");
        let is_ours = |state: &str| bool::from(state.as_bytes().ct_eq(self.state().as_bytes()));
        match (states.next(), states.next()) {
            (Some((_, state)), None) if is_ours(&state) => {}
            // Checked first: without the state nobody can end the wait.
            _ => return Err(ClientError::StateMismatch),
        }
        let response = Parameters::parse(query)?;
        match &response.iss {
            // Decoded, then compared byte for byte, without normalization.
            Some(iss) if *iss != self.issuer => {
                return Err(ClientError::ResponseIssuerMismatch { issuer: self.issuer.clone() });
            }
            None if self.expects_issuer => {
                return Err(ClientError::ResponseIssuerMissing { issuer: self.issuer.clone() });
            }
            _ => {}
        }
        // After `iss`: an error of another issuer is neither shown nor acted on.
        if let Some(error) = response.error {
            let error = OAuthError { error, error_description: response.error_description };
            return Err(ClientError::OAuth { endpoint: "authorization endpoint", error });
        }
        response.code.filter(|code| !code.is_empty()).map(Secret::from).ok_or(ClientError::NoCode)
    }

    /// The query of `url`, if it is the redirect URI.
    pub(crate) fn query_of<'a>(&self, url: &'a str) -> Option<&'a str> {
        let (target, query) = url.split_once('?')?;
        let query = query.split('#').next().unwrap_or_default();
        match self.redirect_uri.split_once('?') {
            None => (target == self.redirect_uri).then_some(query),
            Some((own_target, own_query)) => {
                (target == own_target && query.starts_with(own_query)).then_some(query)
            }
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
    /// Parameters must not be repeated (RFC 6749, 3.1); unknown ones are ignored.
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
                    "the authorization response repeats {name}"
                )));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(expects_issuer: bool) -> PendingAuthorization {
        PendingAuthorization {
            state: Secret::from("s".to_owned()),
            issuer: "https://as.example.com".to_owned(),
            expects_issuer,
            redirect_uri: "http://127.0.0.1:1/callback".to_owned(),
        }
    }

    fn validate(expects_issuer: bool, query: &str) -> String {
        match pending(expects_issuer).validate_response(query) {
            Ok(code) => code.expose().to_owned(),
            Err(error) => format!("{error:?}").split([' ', '(']).next().unwrap().to_owned(),
        }
    }

    #[test]
    fn the_issuer_of_a_response_is_validated_as_in_rfc_9207() {
        let iss = "iss=https%3A%2F%2Fas.example.com";
        for (expects_issuer, query, expected) in [
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
            (false, "error=access_denied&state=s".to_owned(), "OAuth"),
            (true, "error=access_denied&state=s".to_owned(), "ResponseIssuerMissing"),
        ] {
            assert_eq!(validate(expects_issuer, &query), expected, "{expects_issuer} {query}");
        }
    }

    #[test]
    fn a_response_without_the_state_is_not_the_response_to_this_request() {
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
            assert_eq!(validate(false, query), expected, "{query}");
        }
    }

    #[test]
    fn a_response_arrives_at_the_redirect_uri_only() {
        let pending = pending(false);
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
