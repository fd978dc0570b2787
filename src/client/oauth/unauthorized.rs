//! A 401 or 403 response: what the server requires before it serves the request.
//!
//! Specs: RFC 6750 section 3, RFC 9110 section 11.6.1, RFC 9449 section 7.1; MCP authorization "Error Handling".

use std::{future::Future, sync::Arc};

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

use crate::{
    auth::challenge::Challenge,
    client::context::{client::Client, credentials::AccessToken, error::ClientError},
    principal::ScopeSet,
};

/// Gets an access token when the server requires one. The step file implements it, stage by stage.
pub trait Authorizer {
    /// Gets a token that satisfies the challenge.
    fn authorize(
        &mut self,
        client: &Client,
        challenge: &AuthChallenge,
    ) -> impl Future<Output = Result<AccessToken, ClientError>>;
}

/// Why a request was rejected, or will be because its token expires.
#[derive(Debug)]
pub struct AuthChallenge {
    pub(crate) status: u16,
    challenges: Vec<Challenge>,
    /// What is wrong with the `WWW-Authenticate` header; what is wrong is not used.
    pub(crate) problems: Vec<String>,
    /// The token that the request carried.
    pub(crate) token: Option<Arc<AccessToken>>,
    /// The token has never been accepted.
    pub(crate) is_new_token: bool,
}

/// Longer headers are ignored. The longest honest ones have a few hundred bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;

impl AuthChallenge {
    /// Reads the challenges of a 401 or 403 response.
    ///
    /// # Errors
    /// A 403 without `insufficient_scope`: no other token will help.
    pub(crate) fn from_response(
        status: u16,
        headers: &HeaderMap,
        token: Option<Arc<AccessToken>>,
        is_new_token: bool,
    ) -> Result<Self, ClientError> {
        let mut challenge =
            Self { status, challenges: Vec::new(), problems: Vec::new(), token, is_new_token };
        challenge.parse(headers);
        match status {
            403 if challenge.param("error") != Some("insufficient_scope") => {
                Err(ClientError::Denied)
            }
            _ => Ok(challenge),
        }
    }

    /// The token expires soon; no request was rejected yet.
    pub(crate) fn expiring(token: Arc<AccessToken>) -> Self {
        Self {
            status: 401,
            challenges: Vec::new(),
            problems: Vec::new(),
            token: Some(token),
            is_new_token: false,
        }
    }

    fn parse(&mut self, headers: &HeaderMap) {
        let values = headers.get_all(WWW_AUTHENTICATE);
        if values.iter().map(|value| value.len()).sum::<usize>() > MAX_HEADER_BYTES {
            self.problems.push(format!("WWW-Authenticate has more than {MAX_HEADER_BYTES} bytes"));
            return;
        }
        for value in values {
            // Latin-1: a stray byte in one challenge must not hide the others.
            let text: String = value.as_bytes().iter().map(|&b| char::from(b)).collect();
            match Challenge::parse_all(&text) {
                Ok(challenges) => self.challenges.extend(challenges),
                Err(error) => self.problems.push(error.to_string()),
            }
        }
        for name in ["resource_metadata", "scope", "error"] {
            if self.values(name).next().is_some() && self.param(name).is_none() {
                self.problems.push(format!("`{name}` is given with different values"));
            }
        }
    }

    pub(crate) fn challenges(&self) -> impl Iterator<Item = &Challenge> {
        self.challenges.iter()
    }

    /// A parameter of the Bearer and DPoP challenges. `None` if they contradict each other: neither can be trusted.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let mut values = self.values(name);
        let first = values.next()?;
        values.all(|value| value == first).then_some(first)
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let for_tokens =
            |c: &&Challenge| ["bearer", "dpop"].iter().any(|s| c.scheme().eq_ignore_ascii_case(s));
        self.challenges.iter().filter(for_tokens).filter_map(move |c| c.param(name))
    }

    /// The scopes that the rejected request needs, if the server names them.
    pub(crate) fn scopes(&self) -> Option<ScopeSet> {
        self.param("scope").map(ScopeSet::parse).filter(|scopes| !scopes.is_empty())
    }

    /// Whether the server accepts DPoP-bound tokens only.
    pub(crate) fn requires_dpop(&self) -> bool {
        let offers =
            |scheme: &str| self.challenges.iter().any(|c| c.scheme().eq_ignore_ascii_case(scheme));
        offers("dpop") && !offers("bearer")
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn challenge(status: u16, values: &[&str]) -> Result<AuthChallenge, ClientError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(value).unwrap());
        }
        AuthChallenge::from_response(status, &headers, None, false)
    }

    #[test]
    fn parameters_are_those_of_the_challenge_that_asks_for_a_token() {
        let challenge = challenge(
            401,
            &[
                r#"Basic realm="x", scope="no""#,
                r#"bearer scope="a b", resource_metadata="http://h/a,b?c=\"d""#,
            ],
        )
        .unwrap();
        assert_eq!(challenge.scopes(), Some(ScopeSet::parse("b a")));
        assert_eq!(challenge.param("resource_metadata"), Some("http://h/a,b?c=\"d"));
        assert!(!challenge.requires_dpop());
        assert_eq!(challenge.problems, [""; 0]);
    }

    #[test]
    fn only_insufficient_scope_makes_a_403_worth_another_token() {
        assert!(challenge(403, &[r#"Bearer error="insufficient_scope", scope="a""#]).is_ok());
        for final_403 in [&[r#"Bearer error="invalid_token""#][..], &[], &["Bearer error=\"open"]] {
            assert!(matches!(challenge(403, final_403), Err(ClientError::Denied)));
        }
        assert!(challenge(401, &[]).is_ok(), "the well-known locations are left to try");
    }

    #[test]
    fn what_is_wrong_with_a_challenge_is_said_and_not_used() {
        let long = format!("Bearer scope=\"a\", x=\"{}\"", "a".repeat(MAX_HEADER_BYTES));
        for (name, values, problem) in [
            ("not closed", &["Bearer resource_metadata=\"https://h/a"][..], "malformed"),
            (
                "no comma between parameters",
                &[r#"Bearer scope="a" resource_metadata="https://h/a""#],
                "malformed",
            ),
            (
                "given twice in one challenge",
                &[r#"Bearer resource_metadata="https://h/a", resource_metadata="https://h/b""#],
                "`resource_metadata` twice",
            ),
            (
                "given twice in two challenges",
                &[
                    r#"Bearer resource_metadata="https://h/a""#,
                    r#"DPoP resource_metadata="https://h/b""#,
                ],
                "different values",
            ),
            ("far too long", &[&long], "more than 16384 bytes"),
        ] {
            let found = challenge(401, values).unwrap();
            assert_eq!(found.param("resource_metadata"), None, "{name}");
            assert!(found.problems[0].contains(problem), "{name}: {:?}", found.problems);
        }
        let agreeing = [r#"Bearer resource_metadata="https://h/a""#; 2];
        let found = challenge(401, &agreeing).unwrap();
        assert_eq!(found.param("resource_metadata"), Some("https://h/a"));
    }
}
