//! The wall: no valid token, no entry. And the only place that writes `WWW-Authenticate`.
//!
//! Rules: RFC 6750 section 2.1 (the header), section 3 (401 and 403), RFC 9110 section 11.6.2; MCP 2025-11-25
//! authorization, "Token Handling" and "Scope Challenge Handling". Tokens in a query or a form are never read.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::principal::InsufficientScope;

use super::{
    challenge::Challenge,
    remote_jwks::Unavailable,
    verifier::{TokenError, TokenVerifier},
};

/// Bearer authentication for whatever stands behind it.
#[derive(Debug, Clone)]
pub struct BearerAuth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    verifier: TokenVerifier,
    challenge: Challenge,
}

impl BearerAuth {
    /// Believes `verifier`, and answers refusals with `challenge`.
    pub fn new(verifier: TokenVerifier, challenge: Challenge) -> Self {
        Self(Arc::new(Inner { verifier, challenge }))
    }
}

/// Lets a request with a valid token pass, with its [`Principal`](crate::principal::Principal) on board. On the way
/// out, an [`InsufficientScope`] becomes the challenge of a 403.
///
/// # Errors
/// A [`Refusal`], which is a 401 or a 400 with a challenge, or a 503 when tokens cannot be checked.
pub async fn authenticate(
    State(wall): State<BearerAuth>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let refuse = |reason| Refusal { reason, wall: wall.clone() };
    let token = bearer_token(request.headers()).map_err(refuse)?;
    let principal =
        wall.0.verifier.verify(token).await.map_err(|error| refuse(Reason::Token(error)))?;
    request.extensions_mut().insert(principal);

    let mut response = next.run(request).await;
    if let Some(InsufficientScope { required }) = response.extensions_mut().remove() {
        metrics::counter!("requests_refused_total", "reason" => "insufficient_scope").increment(1);
        let challenge = wall
            .0
            .challenge
            .clone()
            .scopes(&required)
            .error("insufficient_scope", "the token lacks a scope that this operation needs");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header_value(&challenge));
    }
    Ok(response)
}

/// The token of an `Authorization` header (RFC 6750, 2.1).
fn bearer_token(headers: &HeaderMap) -> Result<&str, Reason> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Reason::Missing)?;
    // Which of two would count must not depend on who reads: a proxy may have looked at the other one.
    if values.next().is_some() {
        return Err(Reason::Repeated);
    }
    let value = value.to_str().map_err(|_| Reason::Token(TokenError::Malformed))?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty() => {
            Ok(token)
        }
        _ => Err(Reason::Missing),
    }
}

#[derive(Debug)]
enum Reason {
    Missing,
    Repeated,
    Token(TokenError),
}

impl Reason {
    /// The reason as a label of a counter.
    fn label(&self) -> &'static str {
        match self {
            Self::Missing => "no_token",
            Self::Repeated => "two_tokens",
            Self::Token(error) => error.label(),
        }
    }
}

/// A request turned away at the wall.
#[derive(Debug)]
pub struct Refusal {
    reason: Reason,
    wall: BearerAuth,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Reason::Token(TokenError::Unavailable(unavailable)) = &self.reason {
            return out_of_order(unavailable);
        }
        let challenge = self.wall.0.challenge.clone();
        let (status, detail, challenge) = match &self.reason {
            // No error code for a request without credentials (RFC 6750, 3.1).
            Reason::Missing => {
                (StatusCode::UNAUTHORIZED, "Authorization header missing", challenge)
            }
            Reason::Repeated => {
                let detail = "more than one Authorization header";
                (StatusCode::BAD_REQUEST, detail, challenge.error("invalid_request", detail))
            }
            Reason::Token(error) => (
                StatusCode::UNAUTHORIZED,
                error.detail(),
                challenge.error("invalid_token", error.detail()),
            ),
        };
        metrics::counter!("requests_refused_total", "reason" => self.reason.label()).increment(1);
        match &self.reason {
            Reason::Token(error) => tracing::warn!(reason = %error, "token refused"),
            _ => tracing::debug!(detail, "request refused"),
        }
        (status, [(header::WWW_AUTHENTICATE, header_value(&challenge))], Json(Body { detail }))
            .into_response()
    }
}

/// The token may be good: a challenge would send its holder away for another one.
fn out_of_order(unavailable: &Unavailable) -> Response {
    tracing::warn!(reason = %unavailable, "no decision about a token");
    let retry = [(header::RETRY_AFTER, HeaderValue::from(unavailable.retry_after))];
    let detail = &unavailable.to_string();
    (StatusCode::SERVICE_UNAVAILABLE, retry, Json(Body { detail })).into_response()
}

#[derive(Serialize)]
struct Body<'a> {
    detail: &'a str,
}

fn header_value(challenge: &Challenge) -> HeaderValue {
    challenge.to_string().try_into().expect("a challenge is made of our own texts")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(values: &[&str]) -> Result<String, String> {
        let headers = values
            .iter()
            .map(|v| (header::AUTHORIZATION, HeaderValue::from_bytes(v.as_bytes()).unwrap()))
            .collect();
        bearer_token(&headers).map(str::to_owned).map_err(|reason| format!("{reason:?}"))
    }

    #[test]
    fn the_header_is_read_as_rfc_6750_writes_it() {
        for (values, expected) in [
            (&["Bearer a.b.c"][..], Ok("a.b.c")),
            (&["bEARER a.b.c"], Ok("a.b.c")),
            (&["Bearer  a.b.c"], Ok(" a.b.c")),
            (&[], Err("Missing")),
            (&["Bearer"], Err("Missing")),
            (&["Bearer "], Err("Missing")),
            (&["Basic a.b.c"], Err("Missing")),
            (&["a.b.c"], Err("Missing")),
            (&["Bearer \u{e9}"], Err("Token(Malformed)")),
            (&["Bearer a", "Bearer a"], Err("Repeated")),
        ] {
            assert_eq!(
                token(values).as_deref(),
                expected.map_err(str::to_owned).as_deref(),
                "{values:?}"
            );
        }
    }
}
