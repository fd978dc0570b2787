//! Bearer authentication middleware: every request needs a valid access token.
//!
//! [`BearerAuth`] is a [`tower::Layer`] and works in front of any HTTP service. The token comes from the
//! `Authorization` header only, never from a query or a form.
//!
//! Specification: RFC 6750 section 2.1 (the header) and section 3 (401 and 403), RFC 9110 section 11.6.2; MCP
//! 2025-11-25 authorization, "Token Handling" and "Scope Challenge Handling".

mod layer;

use std::sync::Arc;

use axum::{
    BoxError, Json,
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;
use tower::Service;

use crate::principal::InsufficientScope;

use super::{
    challenge::Challenge,
    verify::{TokenError, TokenVerifier},
};

pub use layer::BearerService;

/// Lets requests with a valid access token pass, and rejects all others with a challenge.
///
/// The inner service finds the caller as [`Principal`](crate::principal::Principal) in the request's extensions. When
/// its response has an [`InsufficientScope`] among the extensions, the challenge of a 403 is added.
#[derive(Debug, Clone)]
pub struct BearerAuth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    verifier: TokenVerifier,
    challenge: Challenge,
}

impl BearerAuth {
    /// Accepts the tokens that `verifier` accepts; rejections carry `challenge`.
    pub fn new(verifier: TokenVerifier, challenge: Challenge) -> Self {
        Self(Arc::new(Inner { verifier, challenge }))
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
        let Inner { verifier, challenge } = &*self.0;
        let verified = match bearer_token(request.headers()) {
            Ok(token) => verifier.verify(token).await.map_err(AuthRejection::Token),
            Err(rejection) => Err(rejection),
        };
        match verified {
            Ok(principal) => _ = request.extensions_mut().insert(principal),
            Err(rejection) => return Ok(rejection.into_response(challenge)),
        }
        let mut response = inner.call(request).await?;
        if let Some(InsufficientScope { required }) = response.extensions_mut().remove() {
            count_rejection("insufficient_scope");
            let description = "the token lacks a scope that this operation needs";
            let challenge = challenge.clone().required_scopes(&required);
            let challenge = challenge.error("insufficient_scope", description);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header_value(&challenge));
        }
        Ok(response.map(Body::new))
    }
}

/// The token of an `Authorization` header: `"Bearer" 1*SP b64token` (RFC 6750, 2.1).
fn bearer_token(headers: &HeaderMap) -> Result<&str, AuthRejection> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(AuthRejection::Missing)?;
    // A proxy may have looked at the other one.
    if values.next().is_some() {
        return Err(AuthRejection::DuplicateHeader);
    }
    let value = value.to_str().map_err(|_| AuthRejection::Token(TokenError::Malformed))?;
    let (scheme, token) = value.split_once(' ').ok_or(AuthRejection::Missing)?;
    let token = token.trim_start_matches(' ');
    if scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty() {
        Ok(token)
    } else {
        Err(AuthRejection::Missing)
    }
}

/// Why a request does not reach the inner service.
#[derive(Debug, PartialEq)]
enum AuthRejection {
    Missing,
    DuplicateHeader,
    Token(TokenError),
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    detail: &'a str,
}

impl AuthRejection {
    fn into_response(self, challenge: &Challenge) -> Response<Body> {
        let challenge = challenge.clone();
        let (status, detail, challenge) = match &self {
            // No error code for a request without credentials (RFC 6750, 3.1).
            Self::Missing => (StatusCode::UNAUTHORIZED, "Authorization header missing", challenge),
            Self::DuplicateHeader => {
                let detail = "more than one Authorization header";
                (StatusCode::BAD_REQUEST, detail, challenge.error("invalid_request", detail))
            }
            // The token may be valid: a challenge would make the client request another one.
            Self::Token(TokenError::Unavailable(unavailable)) => {
                tracing::warn!(reason = %unavailable.cause, "cannot verify token: provider unavailable");
                let retry = [(header::RETRY_AFTER, HeaderValue::from(unavailable.retry_after))];
                let body = ErrorBody { detail: &unavailable.to_string() };
                return (StatusCode::SERVICE_UNAVAILABLE, retry, Json(body)).into_response();
            }
            Self::Token(error) => {
                tracing::warn!(reason = %error, "access token rejected");
                let detail = error.public_message();
                (StatusCode::UNAUTHORIZED, detail, challenge.error("invalid_token", detail))
            }
        };
        count_rejection(match &self {
            Self::Missing => "missing_token",
            Self::DuplicateHeader => "duplicate_authorization",
            Self::Token(error) => error.label(),
        });
        let challenge = [(header::WWW_AUTHENTICATE, header_value(&challenge))];
        (status, challenge, Json(ErrorBody { detail })).into_response()
    }
}

fn count_rejection(reason: &'static str) {
    metrics::counter!("http_requests_rejected_total", "reason" => reason).increment(1);
}

fn header_value(challenge: &Challenge) -> HeaderValue {
    challenge.to_string().try_into().expect("realm, scopes and descriptions are printable ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(values: &[&str]) -> Result<String, AuthRejection> {
        let headers = values
            .iter()
            .map(|v| (header::AUTHORIZATION, HeaderValue::from_bytes(v.as_bytes()).unwrap()))
            .collect();
        bearer_token(&headers).map(str::to_owned)
    }

    #[test]
    fn the_header_is_parsed_as_rfc_6750_defines_it() {
        for (values, expected) in [
            (&["Bearer a.b.c"][..], Ok("a.b.c")),
            (&["bEARER a.b.c"], Ok("a.b.c")),
            // `1*SP` of RFC 6750, 2.1: CONTRACT.md overrules its recorded row.
            (&["Bearer  a.b.c"], Ok("a.b.c")),
            (&[], Err(AuthRejection::Missing)),
            (&["Bearer"], Err(AuthRejection::Missing)),
            (&["Bearer "], Err(AuthRejection::Missing)),
            (&["Bearer   "], Err(AuthRejection::Missing)),
            (&["Basic a.b.c"], Err(AuthRejection::Missing)),
            (&["a.b.c"], Err(AuthRejection::Missing)),
            (&["Bearer \u{e9}"], Err(AuthRejection::Token(TokenError::Malformed))),
            (&["Bearer a", "Bearer a"], Err(AuthRejection::DuplicateHeader)),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(token(values), expected, "{values:?}");
        }
    }
}
