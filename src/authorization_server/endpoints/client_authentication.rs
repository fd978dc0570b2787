//! Client authentication at the token and revocation endpoints.
//!
//! Specs: RFC 6749 sections 2.3.1 (`client_secret_basic`, `client_secret_post`), 3.2.1 (a public client sends its
//! `client_id`) and 5.2 (`invalid_client`); RFC 7523 section 2.2 (`private_key_jwt`).

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;

use super::{client_assertion, error::OAuthError, parameters::Parameters};
use crate::authorization_server::{
    app_state::AppState,
    client_metadata::documents::RETRY_AFTER,
    state::clients::{Authentication, Client},
};

/// The client that sent a request.
///
/// # Errors
/// `invalid_request` when the request is ambiguous, `invalid_client` when the client is unknown or cannot prove who it
/// is, `temporarily_unavailable` when its metadata document or keys cannot be fetched now.
pub(super) async fn authenticate(
    state: &AppState,
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<Arc<Client>, OAuthError> {
    let used_authorization = headers.contains_key(header::AUTHORIZATION);
    let invalid = |description| OAuthError::invalid_client(description, used_authorization);
    let basic = match headers.get(header::AUTHORIZATION) {
        Some(value) => Some(value.to_str().ok().and_then(parse_basic).ok_or_else(|| {
            invalid("the Authorization header must be Basic with client_id and client_secret")
        })?),
        None => None,
    };
    let assertion = client_assertion::from_form(form)?;
    let secrets = [basic.as_ref().map(|(_, secret)| secret.as_str()), form.one("client_secret")];
    let used = secrets.iter().flatten().count() + usize::from(assertion.is_some());
    if used > 1 {
        return Err(OAuthError::invalid_request("the client authenticates in two ways at once"));
    }
    let ids = [
        form.one("client_id"),
        basic.as_ref().map(|(id, _)| id.as_str()),
        assertion.as_ref().map(|(_, subject)| subject.as_str()),
    ];
    let mut ids = ids.into_iter().flatten();
    let id = ids.next().ok_or(OAuthError::invalid_request("client_id is missing"))?;
    if ids.any(|other| other != id) {
        return Err(OAuthError::invalid_request(
            "client_id is not the one that the client authenticates with",
        ));
    }
    let unavailable = || {
        OAuthError::temporarily_unavailable(
            "the client's metadata document or keys cannot be fetched now",
            RETRY_AFTER,
        )
        .with_status(StatusCode::SERVICE_UNAVAILABLE)
    };
    let client = state.client(id).await.map_err(|error| {
        if error.is_transient() {
            unavailable()
        } else {
            invalid("this client is unknown; it must register again")
        }
    })?;
    let secret = secrets.into_iter().flatten().find(|secret| !secret.is_empty());
    match (&client.authentication, secret, &assertion) {
        (Authentication::None | Authentication::NoneOrPrivateKeyJwt(_), None, None) => {}
        // 256 random bits cannot be guessed, so a wrong secret is not counted: that would let anybody lock the client.
        (Authentication::Secret(hash), Some(secret), _) if hash.matches(secret) => {}
        (Authentication::Secret(_), Some(_), _) => {
            tracing::warn!(client_id = %client.id, "wrong client secret");
            return Err(invalid("the client secret is wrong"));
        }
        (
            Authentication::PrivateKeyJwt(keys) | Authentication::NoneOrPrivateKeyJwt(keys),
            None,
            Some((assertion, _)),
        ) => {
            let keys = state.documents.keys(keys, assertion, state.clock.now()).await;
            let keys = keys.map_err(|error| match error.is_transient() {
                true => unavailable(),
                false => invalid("the client's jwks_uri gives no JWK Set"),
            })?;
            client_assertion::verify(state, &client, &keys, assertion).map_err(invalid)?;
        }
        (Authentication::None | Authentication::NoneOrPrivateKeyJwt(_), Some(_), _) => {
            return Err(invalid("this client is registered without a secret"));
        }
        (Authentication::Secret(_), None, _) => {
            return Err(invalid("this client must authenticate with its secret"));
        }
        (Authentication::PrivateKeyJwt(_), ..) => {
            return Err(invalid("this client must authenticate with a client_assertion"));
        }
        (Authentication::None, None, Some(_)) => {
            return Err(invalid("this client is registered without keys"));
        }
    }
    Ok(client)
}

/// `Basic base64(id:secret)`, where both are form-encoded first (RFC 6749, 2.3.1).
fn parse_basic(value: &str) -> Option<(String, String)> {
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
        let parse = |credentials: &str| parse_basic(&header(credentials));
        assert_eq!(parse("id:se%3Acret+x"), Some(("id".to_owned(), "se:cret x".to_owned())));
        assert_eq!(
            parse("https%3A%2F%2Fapp.example%2F:"),
            Some(("https://app.example/".to_owned(), String::new()))
        );
        for invalid in ["Bearer abc", "Basic", "Basic ***", &header("no colon"), &header("id:%ff")]
        {
            assert_eq!(parse_basic(invalid), None, "{invalid}");
        }
    }
}
