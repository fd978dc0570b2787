//! A 401 or a 403 on its way to whoever can answer it, and the credential that comes back.
//!
//! Rules: RFC 6750 section 3, RFC 9449 section 7.1; MCP authorization "Error Handling".

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

use crate::{
    auth::challenge::Challenge,
    client::{
        context::{error::ClientError, secret::Secret},
        oauth::{dpop::ProofKey, registration::ClientInformation},
    },
    principal::ScopeSet,
};

/// Finds the way from a refusal to a credential. The step file holds the one that does it in stages.
pub trait Authorizer {
    /// Answers a refusal.
    fn authorize(
        &mut self,
        refusal: &AuthChallenge,
    ) -> impl Future<Output = Result<AccessToken, ClientError>>;
}

/// A request was refused, or soon will be.
#[derive(Debug)]
pub struct AuthChallenge {
    pub(crate) status: u16,
    challenges: Vec<Challenge>,
    /// The credential that was refused, if one was sent.
    pub(crate) credential: Option<Arc<AccessToken>>,
    /// The credential has never been accepted.
    pub(crate) brand_new: bool,
}

impl AuthChallenge {
    /// Reads the challenges of an answer.
    ///
    /// # Errors
    /// When a challenge is malformed, or a 403 is none of scope.
    pub(crate) fn read(
        status: u16,
        headers: &HeaderMap,
        credential: Option<Arc<AccessToken>>,
    ) -> Result<Self, ClientError> {
        let mut challenges = Vec::new();
        for value in headers.get_all(WWW_AUTHENTICATE) {
            // Latin-1, as HTTP has it: a stray byte in one challenge must not hide the others.
            let text: String = value.as_bytes().iter().map(|&b| char::from(b)).collect();
            challenges.extend(Challenge::parse_all(&text)?);
        }
        let refusal = Self { status, challenges, credential, brand_new: false };
        if status == 403 && refusal.param("error") != Some("insufficient_scope") {
            return Err(ClientError::NoChallenge {
                status,
                why: "a 403 without insufficient_scope is final".to_owned(),
            });
        }
        Ok(refusal)
    }

    /// The credential is about to expire: nobody refused yet.
    pub(crate) fn expiring(credential: Arc<AccessToken>) -> Self {
        Self { status: 401, challenges: Vec::new(), credential: Some(credential), brand_new: false }
    }

    pub(crate) fn challenges(&self) -> impl Iterator<Item = &Challenge> {
        self.challenges.iter()
    }

    /// A parameter of the challenges that ask for tokens.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let tokens =
            |c: &&Challenge| ["bearer", "dpop"].iter().any(|s| c.scheme().eq_ignore_ascii_case(s));
        self.challenges.iter().filter(tokens).find_map(|challenge| challenge.param(name))
    }

    /// The scopes that the refused request needs, if the server says so.
    pub(crate) fn scopes(&self) -> Option<ScopeSet> {
        self.param("scope").map(ScopeSet::parse).filter(|scopes| !scopes.is_empty())
    }

    /// Whether the server takes tokens that are bound to a key, and no others.
    pub(crate) fn wants_dpop(&self) -> bool {
        let offers =
            |scheme: &str| self.challenges.iter().any(|c| c.scheme().eq_ignore_ascii_case(scheme));
        offers("dpop") && !offers("bearer")
    }
}

/// A token and all that is known of it.
#[derive(Debug)]
pub struct AccessToken {
    pub(crate) token: Secret,
    /// Present: the token is bound to this key (RFC 9449).
    pub(crate) proof_key: Option<ProofKey>,
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) refresh_token: Option<Secret>,
    /// The key of a refresh token whose access token is bound to none: a public client shows it again (RFC 9449, 5).
    pub(crate) refresh_key: Option<ProofKey>,
    /// What was granted; what was asked for when the server does not say (RFC 6749, 5.1).
    pub(crate) scopes: ScopeSet,
    pub(crate) issuer: String,
    pub(crate) resource: String,
    /// To whom it was issued; a refresh needs it. None for grants that are repeated instead of refreshed.
    pub(crate) app: Option<ClientInformation>,
}

/// Renewed this long before the end, so that it does not expire on its way.
const MARGIN: Duration = Duration::from_secs(30);

impl AccessToken {
    pub(crate) fn expires_soon(&self) -> bool {
        self.expires_at.is_some_and(|at| at < SystemTime::now() + MARGIN)
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn refusal(status: u16, challenges: &[&'static str]) -> Result<AuthChallenge, ClientError> {
        let mut headers = HeaderMap::new();
        for challenge in challenges {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        AuthChallenge::read(status, &headers, None)
    }

    #[test]
    fn parameters_are_found_in_the_challenge_that_asks_for_a_token() {
        let refusal = refusal(
            401,
            &[
                r#"Basic realm="x", scope="no""#,
                r#"bearer scope="a b", resource_metadata="http://h/a,b?c=\"d""#,
            ],
        )
        .unwrap();
        assert_eq!(refusal.scopes(), Some(ScopeSet::parse("b a")));
        assert_eq!(refusal.param("resource_metadata"), Some("http://h/a,b?c=\"d"));
        assert!(!refusal.wants_dpop());
    }

    #[test]
    fn only_a_challenge_of_scope_makes_a_403_worth_an_answer() {
        assert!(refusal(403, &[r#"Bearer error="insufficient_scope", scope="a""#]).is_ok());
        assert!(refusal(403, &[r#"Bearer error="invalid_token""#]).is_err());
        assert!(refusal(403, &[]).is_err());
        assert!(refusal(401, &[]).is_ok(), "the well-known places are left to try");
        assert!(refusal(401, &["Bearer scope=\"open"]).is_err());
    }
}
