//! What the token endpoint answers.

use std::sync::Arc;

use reqwest::StatusCode;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::principal::{AccessToken, ScopeSet};

use super::{ACCESS_TOKEN, ExchangeConfig, ExchangeError, ExchangedToken};

/// As long as the longest token that this crate accepts itself.
const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// What of a refusal's text is shown.
const MAX_REASON_LENGTH: usize = 200;
const MAX_WORD_LENGTH: usize = 60;

/// RFC 8693, 2.2.1. A `refresh_token` is not read: the user's own token is there while it is needed.
#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    issued_token_type: String,
    token_type: String,
    expires_in: Option<u64>,
    scope: Option<String>,
}

/// RFC 6749, 5.2
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorResponse {
    error: String,
    error_description: String,
}

/// The exchanged token, or why there is none. `sent_at` is when the request was sent, in seconds since 1970.
pub(super) fn read_response(
    status: StatusCode,
    body: &[u8],
    config: &ExchangeConfig,
    subject: &AccessToken,
    sent_at: u64,
) -> Result<ExchangedToken, ExchangeError> {
    if status != StatusCode::OK {
        return Err(refusal(status, body, config, subject));
    }
    let invalid = |why| Err(ExchangeError::InvalidResponse(why));
    let Some(response) = object::<TokenResponse>(body) else {
        return invalid("it is not JSON with access_token, issued_token_type and token_type");
    };
    if response.issued_token_type != ACCESS_TOKEN {
        return invalid("issued_token_type is not an access token");
    }
    // Case-insensitive (RFC 6749, 5.1). `DPoP` would need proofs, and `N_A` is no access token (RFC 8693, 2.2.1).
    if !response.token_type.eq_ignore_ascii_case("Bearer") {
        return invalid("token_type is not Bearer");
    }
    if !is_token(&response.access_token) {
        return invalid("access_token is not a token (RFC 6750, 2.1)");
    }
    if response.access_token == subject.expose() {
        return invalid("access_token is the caller's own token");
    }
    // Without `scope` it is what was asked for.
    if let Some(scope) = &response.scope {
        let granted = ScopeSet::parse(scope);
        if granted != config.scopes {
            return Err(ExchangeError::OtherScope {
                requested: config.scopes.to_string(),
                granted: shown(scope),
                client_id: config.client_id.clone(),
            });
        }
    }
    Ok(ExchangedToken {
        token: Arc::new(response.access_token.into()),
        expires_at: response.expires_in.map(|seconds| sent_at.saturating_add(seconds)),
    })
}

/// By `error` (RFC 6749, 5.2; RFC 8693, 2.2.2), and where Keycloak uses one for several reasons by its description.
fn refusal(
    status: StatusCode,
    body: &[u8],
    config: &ExchangeConfig,
    subject: &AccessToken,
) -> ExchangeError {
    let ErrorResponse { error, error_description } = object(body).unwrap_or_default();
    let has = |text: &str| error_description.contains(text);
    let client_id = config.client_id.clone();
    let (audience, scopes) = (config.audience.clone(), config.scopes.clone());
    match error.as_str() {
        _ if has("Client is not within the token audience") => {
            ExchangeError::NotInAudience { client_id }
        }
        _ if has("Audience not found") => ExchangeError::UnknownAudience { audience },
        _ if has("Requested audience not available") => {
            ExchangeError::AudienceNotAvailable { audience, scopes }
        }
        _ if has("Public client is not allowed") || has("exchange is not enabled") => {
            ExchangeError::NotEnabled { client_id }
        }
        _ if has("Sender-constrained") => ExchangeError::SenderConstrained,
        "invalid_request" if has("Invalid token") || has("invalid access token") => {
            ExchangeError::SubjectToken
        }
        "invalid_grant" => ExchangeError::SubjectToken,
        "invalid_target" => ExchangeError::UnknownAudience { audience },
        "invalid_scope" => ExchangeError::InvalidScope { scopes, client_id },
        "unauthorized_client" if status != StatusCode::UNAUTHORIZED => {
            ExchangeError::NotEnabled { client_id }
        }
        "unsupported_grant_type" => ExchangeError::Unsupported,
        "invalid_client" | "unauthorized_client" => ExchangeError::Credentials { client_id },
        _ if status == StatusCode::UNAUTHORIZED => ExchangeError::Credentials { client_id },
        _ => {
            let reason = format!("{error} {error_description}");
            let secrets = [subject.expose(), config.client_secret.expose_secret()];
            let says_secret = secrets.iter().any(|secret| reason.contains(secret));
            let reason = if says_secret { String::new() } else { shown(&reason) };
            ExchangeError::Refused { status: status.as_u16(), reason }
        }
    }
}

/// By way of a map: serde would also read a struct from a list.
fn object<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Option<T> {
    let object: Map<String, Value> = serde_json::from_slice(body).ok()?;
    serde_json::from_value(Value::Object(object)).ok()
}

/// `b64token` (RFC 6750, 2.1): nothing that could end a header.
fn is_token(text: &str) -> bool {
    let is_b64 = |c: u8| c.is_ascii_alphanumeric() || b"-._~+/=".contains(&c);
    (1..=MAX_TOKEN_LENGTH).contains(&text.len()) && text.bytes().all(is_b64)
}

/// The start of a text, as a log may show it: without words that are as long as tokens.
fn shown(text: &str) -> String {
    let words = text.split_ascii_whitespace().filter(|word| word.len() <= MAX_WORD_LENGTH);
    let text = words.collect::<Vec<_>>().join(" ");
    text.chars().filter(|c| matches!(c, ' '..='~')).take(MAX_REASON_LENGTH).collect()
}
