//! Why a request does not reach the inner service, and the response that says so.
//!
//! Specs: RFC 6750 section 3 (`Bearer`), RFC 9449 sections 7.1 and 9 (`DPoP`, nonces), RFC 9110 section 11.6.1
//! (several challenges).

use axum::{
    Json,
    body::Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;

use super::Scheme;
use crate::{
    auth::{
        challenge::Challenge,
        dpop::{DPOP_NONCE, DpopError},
        verify::TokenError,
    },
    principal::ScopeSet,
};

/// Why a request does not reach the inner service.
#[derive(Debug, PartialEq)]
pub(super) enum AuthRejection {
    Missing,
    DuplicateHeader,
    Token(TokenError),
    Dpop(DpopError),
}

/// A challenge for each scheme that is accepted.
#[derive(Debug, Clone)]
pub(super) struct Challenges {
    bearer: Challenge,
    dpop: Option<Challenge>,
}

impl Challenges {
    pub(super) fn bearer(challenge: Challenge) -> Self {
        Self { bearer: challenge, dpop: None }
    }

    pub(super) fn with_dpop(self) -> Self {
        Self { dpop: Some(self.bearer.for_dpop()), ..self }
    }

    /// The scopes that an operation needs, as one of `advertised`, or else of those of the challenge, names them.
    pub(super) fn required_scopes(
        self,
        required: &ScopeSet,
        advertised: Option<&ScopeSet>,
    ) -> Self {
        let names = |challenge: Challenge| match advertised {
            Some(advertised) => challenge.scopes(advertised).required_scopes(required),
            None => challenge.required_scopes(required),
        };
        Self { bearer: names(self.bearer), dpop: self.dpop.map(names) }
    }

    /// The error belongs to the scheme that the request used.
    pub(super) fn error(self, scheme: Scheme, code: &str, description: &str) -> Self {
        match scheme {
            Scheme::Bearer => Self { bearer: self.bearer.error(code, description), ..self },
            Scheme::Dpop => {
                Self { dpop: self.dpop.map(|dpop| dpop.error(code, description)), ..self }
            }
        }
    }

    /// One header line each, since not all clients find the second challenge in a line.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(header::WWW_AUTHENTICATE, header_value(&self.bearer));
        if let Some(dpop) = &self.dpop {
            headers.append(header::WWW_AUTHENTICATE, header_value(dpop));
        }
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    detail: &'a str,
}

impl AuthRejection {
    /// The response to a request with this scheme. `nonce` is for the next proof.
    pub(super) fn into_response(
        self,
        scheme: Scheme,
        challenges: &Challenges,
        nonce: Option<String>,
    ) -> Response<Body> {
        let challenges = challenges.clone();
        let text;
        let (status, detail, challenges) = match &self {
            // No error code for a request without credentials (RFC 6750, 3.1).
            Self::Missing => (StatusCode::UNAUTHORIZED, "Authorization header missing", challenges),
            Self::DuplicateHeader => {
                let detail = "more than one Authorization header";
                let challenges = challenges.error(scheme, "invalid_request", detail);
                (StatusCode::BAD_REQUEST, detail, challenges)
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
                (
                    StatusCode::UNAUTHORIZED,
                    detail,
                    challenges.error(scheme, "invalid_token", detail),
                )
            }
            Self::Dpop(error) => {
                tracing::warn!(reason = %error, "DPoP proof rejected");
                text = error.to_string();
                let challenges = challenges.error(scheme, error.code(), &text);
                (StatusCode::UNAUTHORIZED, text.as_str(), challenges)
            }
        };
        count(match &self {
            Self::Missing => "missing_token",
            Self::DuplicateHeader => "duplicate_authorization",
            Self::Token(error) => error.label(),
            Self::Dpop(error) => error.code(),
        });
        let mut response = (status, Json(ErrorBody { detail })).into_response();
        challenges.write(response.headers_mut());
        if let Some(nonce) = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
            response.headers_mut().insert(DPOP_NONCE, nonce);
        }
        response
    }
}

pub(super) fn count(reason: &'static str) {
    metrics::counter!("http_requests_rejected_total", "reason" => reason).increment(1);
}

fn header_value(challenge: &Challenge) -> HeaderValue {
    challenge.to_string().try_into().expect("realm, scopes and descriptions are printable ASCII")
}
