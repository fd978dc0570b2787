//! Which client is at the token endpoint, and whether it can prove it.
//!
//! Rules: RFC 6749 section 2.3.1 (`client_secret_basic`, `client_secret_post`) and 3.2.1 (public clients say who they
//! are), section 5.2 (`invalid_client`).

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;

use super::{
    clients::Client, documents::RETRY_AFTER, error::OAuthError, parameters::Parameters,
    state::Server,
};

/// The client of a token request.
///
/// # Errors
/// `invalid_request` when it says two things at once, `invalid_client` when it is unknown or its secret is wrong or
/// missing; `temporarily_unavailable` with 429 when somebody guesses, with 503 when its document cannot be read now.
pub(super) async fn authenticate(
    server: &Server,
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<Arc<Client>, OAuthError> {
    let basic = headers.get(header::AUTHORIZATION);
    let refuse = |description: &'static str| {
        let error = OAuthError::new("invalid_client", description);
        if basic.is_some() { error.with_status(StatusCode::UNAUTHORIZED) } else { error }
    };
    let credentials = match basic {
        Some(value) => Some(value.to_str().ok().and_then(read_basic).ok_or_else(|| {
            refuse("the Authorization header must be Basic with client_id and client_secret")
        })?),
        None => None,
    };
    let (id, secret) = match (&credentials, form.one("client_id"), form.one("client_secret")) {
        (Some(_), _, Some(_)) => {
            return Err(OAuthError::invalid_request(
                "the client authenticates in two ways at once",
            ));
        }
        (Some((id, _)), Some(other), _) if id != other => {
            return Err(OAuthError::invalid_request(
                "client_id is not the one of the Authorization header",
            ));
        }
        (Some((id, secret)), _, None) => (id.as_str(), Some(secret.as_str())),
        (None, Some(id), secret) => (id, secret),
        (None, None, _) => return Err(OAuthError::invalid_request("client_id is missing")),
    };
    let now = server.clock.now();
    let client = server.client(id).await.map_err(|none| {
        if none.is_passing() {
            OAuthError::wait("the client's document cannot be read now", RETRY_AFTER)
                .with_status(StatusCode::SERVICE_UNAVAILABLE)
        } else {
            refuse("this client is not known here; it must register again")
        }
    })?;
    match (&client.secret, secret.filter(|secret| !secret.is_empty())) {
        (None, None) => {}
        (None, Some(_)) => return Err(refuse("this client registered without a secret")),
        (Some(_), None) => return Err(refuse("this client must authenticate with its secret")),
        (Some(kept), Some(secret)) => {
            // Whoever guesses keeps the client out for a moment, which must not look as if it were unknown.
            let wait = |seconds| OAuthError::wait("too many attempts with this client_id", seconds);
            server.secrets.attempt(&client.id, now).map_err(wait)?;
            if !kept.matches(secret) {
                tracing::warn!(client_id = %client.id, "wrong client secret");
                return Err(refuse("the client secret is wrong"));
            }
            server.secrets.forget(&client.id, now);
        }
    }
    Ok(client)
}

/// `Basic base64(id:secret)`, where both were form-encoded first (RFC 6749, 2.3.1).
fn read_basic(value: &str) -> Option<(String, String)> {
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let credentials = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = credentials.split_once(':')?;
    let decode = |text: &str| {
        Some(percent_decode_str(&text.replace('+', " ")).decode_utf8().ok()?.into_owned())
    };
    Some((decode(id)?, decode(secret)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_decoded_twice() {
        let header = |credentials: &str| format!("basic {}", STANDARD.encode(credentials));
        let read = |credentials: &str| read_basic(&header(credentials));
        assert_eq!(read("id:se%3Acret+x"), Some(("id".to_owned(), "se:cret x".to_owned())));
        assert_eq!(
            read("https%3A%2F%2Fapp.example%2F:"),
            Some(("https://app.example/".to_owned(), String::new()))
        );
        for bad in ["Bearer abc", "Basic", "Basic ***", &header("no colon"), &header("id:%ff")] {
            assert_eq!(read_basic(bad), None, "{bad}");
        }
    }
}
