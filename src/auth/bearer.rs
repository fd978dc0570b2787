//! Bearer authentication middleware: every request needs a valid access token.
//!
//! [`BearerAuth`] is a [`tower::Layer`] and works in front of any HTTP service. The token comes from the
//! `Authorization` header only, never from a query or a form. Tokens that are bound to a key of the client are accepted
//! with a proof, see [`BearerAuth::dpop`].
//!
//! Specs: RFC 6750 section 2.1 (the header) and section 3 (401 and 403), RFC 9449 section 7 (`DPoP`), RFC 9110
//! section 11.6.2; MCP 2025-11-25 authorization, "Token Handling" and "Scope Challenge Handling".

mod layer;
mod rejection;

use std::sync::Arc;

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, Method, Request, Response, header},
};
use tower::Service;

use crate::principal::{AuthenticationRequired, InsufficientScope, Principal};

use super::{
    challenge::Challenge,
    dpop::{BoundToken, DpopVerifier},
    verify::{TokenError, TokenVerifier},
};

use self::rejection::{AuthRejection, Challenges};

pub use layer::BearerService;

/// Lets requests with a valid access token pass, and rejects all others with a challenge.
///
/// The inner service finds the caller as [`Principal`] in the request's extensions. When
/// its response has an [`InsufficientScope`] among the extensions, the challenge of a 403 is added.
#[derive(Debug, Clone)]
pub struct BearerAuth(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    verifier: Arc<TokenVerifier>,
    challenges: Challenges,
    dpop: Option<DpopVerifier>,
    allows_anonymous: bool,
}

/// The authentication scheme of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scheme {
    Bearer,
    Dpop,
}

impl BearerAuth {
    /// Accepts the tokens that `verifier` accepts; rejections carry `challenge`.
    pub fn new(verifier: TokenVerifier, challenge: Challenge) -> Self {
        let challenges = Challenges::bearer(challenge);
        let verifier = Arc::new(verifier);
        Self(Arc::new(Inner { verifier, challenges, dpop: None, allows_anonymous: false }))
    }

    /// Lets requests without an `Authorization` header pass, without a [`Principal`]; any other header must still have a valid
    /// token. What such a request may do is then up to the inner service: a policy that says so, such as
    /// `Policy::allow_anonymous`, or a handler with `Option<Extension<Principal>>`. Where that answers with
    /// [`AuthenticationRequired`] or [`InsufficientScope`], the client gets the 401 with the challenge. **An inner service
    /// without a policy that does not look at the caller is open to everyone.**
    #[must_use]
    pub fn allow_anonymous(self) -> Self {
        Self(Arc::new(Inner { allows_anonymous: true, ..Arc::unwrap_or_clone(self.0) }))
    }

    /// Also accepts tokens that are bound to a key of the client, in the scheme `DPoP` with a proof for a URL of this
    /// server (RFC 9449, 7). As bearer tokens they are rejected, with this and without it.
    #[must_use]
    pub fn dpop(self, public_url: impl Into<String>) -> Self {
        self.dpop_verifier(DpopVerifier::new(public_url))
    }

    /// The same with a verifier that requires nonces, or is shared.
    #[must_use]
    pub fn dpop_verifier(self, dpop: DpopVerifier) -> Self {
        let inner = Arc::unwrap_or_clone(self.0);
        let challenges = inner.challenges.with_dpop();
        Self(Arc::new(Inner { challenges, dpop: Some(dpop), ..inner }))
    }

    /// Calls `inner` if the request has a valid token.
    async fn authenticate<S, RequestBody, ResponseBody>(
        self,
        mut inner: S,
        mut request: Request<RequestBody>,
    ) -> Result<Response<Body>, S::Error>
    where
        S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
        ResponseBody: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (headers, method, path) = (request.headers(), request.method(), request.uri().path());
        if self.0.allows_anonymous && !headers.contains_key(header::AUTHORIZATION) {
            let mut response = inner.call(request).await?;
            let extensions = response.extensions_mut();
            let denied = extensions.remove::<AuthenticationRequired>().is_some()
                | extensions.remove::<InsufficientScope>().is_some();
            return Ok(match denied {
                true => self.0.reject(Scheme::Bearer, AuthRejection::Missing),
                false => response.map(Body::new),
            });
        }
        let (scheme, principal) = match self.0.verify(headers, method, path).await {
            Ok((scheme, principal)) => {
                request.extensions_mut().insert(principal.clone());
                (scheme, principal)
            }
            Err((scheme, rejection)) => return Ok(self.0.reject(scheme, rejection)),
        };
        let mut response = inner.call(request).await?;
        if let Some(InsufficientScope { required }) = response.extensions_mut().remove() {
            rejection::count("insufficient_scope");
            let description = "the token lacks a scope that this operation needs";
            // In the words of the authorization server that the client uses.
            let advertised = self.0.verifier.requested_scopes(&principal);
            let challenges = self.0.challenges.clone().required_scopes(&required, advertised);
            let challenges = challenges.error(scheme, "insufficient_scope", description);
            challenges.write(response.headers_mut());
        }
        Ok(response.map(Body::new))
    }
}

impl Inner {
    fn reject(&self, scheme: Scheme, rejection: AuthRejection) -> Response<Body> {
        let nonce = self.dpop.as_ref().and_then(DpopVerifier::nonce);
        rejection.into_response(scheme, &self.challenges, nonce)
    }

    /// The caller of a request with these headers, and the scheme that it used.
    async fn verify(
        &self,
        headers: &HeaderMap,
        method: &Method,
        path: &str,
    ) -> Result<(Scheme, Principal), (Scheme, AuthRejection)> {
        let credentials = credentials(headers).map_err(|rejection| (Scheme::Bearer, rejection))?;
        let (scheme, token) = credentials;
        let principal = match (scheme, &self.dpop) {
            (Scheme::Bearer, _) => self.verifier.verify(token).await.map_err(AuthRejection::Token),
            (Scheme::Dpop, Some(dpop)) => self
                .verifier
                .verify_sender_constrained(token)
                .await
                .map_err(AuthRejection::Token)
                .and_then(|principal| {
                    let thumbprint = principal.key_thumbprint.as_deref().unwrap_or_default();
                    let bound = BoundToken { token, thumbprint };
                    let proof = dpop.verify(headers, method, path, Some(bound));
                    proof.map(|_| principal).map_err(AuthRejection::Dpop)
                }),
            (Scheme::Dpop, None) => return Err((Scheme::Bearer, AuthRejection::Missing)),
        };
        principal.map(|principal| (scheme, principal)).map_err(|rejection| (scheme, rejection))
    }
}

/// Scheme and token of an `Authorization` header: `"Bearer" 1*SP b64token` (RFC 6750, 2.1), or the same with `DPoP` (RFC
/// 9449, 7.1).
fn credentials(headers: &HeaderMap) -> Result<(Scheme, &str), AuthRejection> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(AuthRejection::Missing)?;
    // A proxy may have looked at the other one.
    if values.next().is_some() {
        return Err(AuthRejection::DuplicateHeader);
    }
    let value = value.to_str().map_err(|_| AuthRejection::Token(TokenError::Malformed))?;
    let (scheme, token) = value.split_once(' ').ok_or(AuthRejection::Missing)?;
    let token = token.trim_start_matches(' ');
    let schemes = [("Bearer", Scheme::Bearer), ("DPoP", Scheme::Dpop)];
    let scheme = schemes.into_iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name));
    match scheme {
        Some((_, scheme)) if !token.is_empty() => Ok((scheme, token)),
        _ => Err(AuthRejection::Missing),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn token(values: &[&str]) -> Result<(Scheme, String), AuthRejection> {
        let headers = values
            .iter()
            .map(|v| (header::AUTHORIZATION, HeaderValue::from_bytes(v.as_bytes()).unwrap()))
            .collect();
        credentials(&headers).map(|(scheme, token)| (scheme, token.to_owned()))
    }

    #[test]
    fn the_header_is_parsed_as_rfc_6750_defines_it() {
        for (values, expected) in [
            (&["Bearer a.b.c"][..], Ok((Scheme::Bearer, "a.b.c"))),
            (&["bEARER a.b.c"], Ok((Scheme::Bearer, "a.b.c"))),
            (&["dpop a.b.c"], Ok((Scheme::Dpop, "a.b.c"))),
            (&["DPoP "], Err(AuthRejection::Missing)),
            // `1*SP` of RFC 6750, 2.1: CONTRACT.md overrules its recorded row.
            (&["Bearer  a.b.c"], Ok((Scheme::Bearer, "a.b.c"))),
            (&[], Err(AuthRejection::Missing)),
            (&["Bearer"], Err(AuthRejection::Missing)),
            (&["Bearer "], Err(AuthRejection::Missing)),
            (&["Bearer   "], Err(AuthRejection::Missing)),
            (&["Basic a.b.c"], Err(AuthRejection::Missing)),
            (&["a.b.c"], Err(AuthRejection::Missing)),
            (&["Bearer \u{e9}"], Err(AuthRejection::Token(TokenError::Malformed))),
            (&["Bearer a", "Bearer a"], Err(AuthRejection::DuplicateHeader)),
        ] {
            let expected = expected.map(|(scheme, token)| (scheme, token.to_owned()));
            assert_eq!(token(values), expected, "{values:?}");
        }
    }
}
