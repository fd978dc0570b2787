//! Client authentication at the token endpoint.
//!
//! Specs: RFC 6749 section 2.3.1 (`client_secret_basic`, `client_secret_post`), RFC 7523 section 2.2 and OpenID
//! Connect Core 1.0 section 9 (`private_key_jwt`); RFC 8414 section 2 (an absent list means `client_secret_basic`).

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde::Serialize;
use url::form_urlencoded::byte_serialize;

use crate::client::{
    context::{
        client::Client,
        credentials::{AuthMethod, ClientInformation, secret::Secret, unix_now},
        error::ClientError,
    },
    oauth::authorization::pkce,
};

/// The best method that the server supports and the client can use. Without a secret of its own the client prefers to be
/// public: a program on a user's machine cannot keep a secret.
pub(crate) fn choose_method(
    supported: Option<&[String]>,
    has_secret: bool,
    has_key: bool,
) -> AuthMethod {
    use AuthMethod::{ClientSecretBasic, ClientSecretPost, None, PrivateKeyJwt};
    let default = ["client_secret_basic".to_owned()];
    let supported = supported.unwrap_or(&default);
    let preferred: &[AuthMethod] = match (has_key, has_secret) {
        (true, _) => &[PrivateKeyJwt],
        (false, true) => &[ClientSecretBasic, ClientSecretPost],
        (false, false) => &[None, ClientSecretBasic, ClientSecretPost],
    };
    let is_supported = |method: &AuthMethod| supported.iter().any(|name| name == method.name());
    preferred.iter().copied().find(is_supported).unwrap_or(preferred[0])
}

/// Adds the client's id and authentication to a token request. `audience` is the issuer.
pub(crate) fn authenticate(
    client: &Client,
    registered: &ClientInformation,
    audience: &str,
    headers: &mut HeaderMap,
    form: &mut Vec<(&'static str, String)>,
) -> Result<(), ClientError> {
    let secret = || {
        registered.client_secret.as_ref().ok_or_else(|| {
            ClientError::Usage(format!(
                "{} needs a secret: pass --client-secret @FILE or set MCP_CLIENT_SECRET",
                registered.method.name()
            ))
        })
    };
    // With Basic, too, where it is redundant: some servers look the client up by the form alone.
    form.push(("client_id", registered.client_id.clone()));
    match registered.method {
        AuthMethod::None => {}
        AuthMethod::ClientSecretBasic => {
            headers.insert(AUTHORIZATION, basic(&registered.client_id, secret()?));
        }
        AuthMethod::ClientSecretPost => form.push(("client_secret", secret()?.expose().to_owned())),
        AuthMethod::PrivateKeyJwt => {
            form.push((
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
            ));
            form.push(("client_assertion", assertion(client, &registered.client_id, audience)?));
        }
    }
    Ok(())
}

/// The id and the secret are form-encoded before they are joined (RFC 6749, 2.3.1).
fn basic(id: &str, secret: &Secret) -> HeaderValue {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let joined = format!("{}:{}", encode(id), encode(secret.expose()));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(joined)))
        .expect("base64 is ASCII");
    value.set_sensitive(true);
    value
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: u64,
    exp: u64,
}

const ASSERTION_TTL_SECS: u64 = 60;

fn assertion(client: &Client, client_id: &str, audience: &str) -> Result<String, ClientError> {
    let options = &client.options;
    let cannot_sign = |e: jsonwebtoken::errors::Error| ClientError::Key(e.to_string());
    let pem = options.private_key.as_ref().ok_or_else(|| {
        ClientError::Usage("private_key_jwt needs a key: pass --private-key @FILE (PEM)".to_owned())
    })?;
    let pem = pem.expose().as_bytes();
    let key = match options.signing_alg {
        Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(pem),
        _ => EncodingKey::from_rsa_pem(pem),
    }
    .map_err(cannot_sign)?;
    let mut header = Header::new(options.signing_alg);
    header.kid = options.key_id.clone();
    let iat = unix_now();
    let claims = Assertion {
        iss: client_id,
        sub: client_id,
        aud: audience,
        jti: pkce::random(),
        iat,
        exp: iat + ASSERTION_TTL_SECS,
    };
    jsonwebtoken::encode(&header, &claims, &key).map_err(cannot_sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_method_that_both_support_is_used() {
        let list = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
        for (supported, secret, key, expected) in [
            (None, false, false, "client_secret_basic"),
            (None, true, false, "client_secret_basic"),
            (Some(list(&["none", "client_secret_basic"])), false, false, "none"),
            (Some(list(&["client_secret_post"])), false, false, "client_secret_post"),
            (Some(list(&["none", "client_secret_post"])), true, false, "client_secret_post"),
            (
                Some(list(&["private_key_jwt", "client_secret_basic"])),
                false,
                true,
                "private_key_jwt",
            ),
            (Some(list(&["tls_client_auth"])), false, false, "none"),
        ] {
            let method = choose_method(supported.as_deref(), secret, key);
            assert_eq!(method.name(), expected, "{supported:?} {secret} {key}");
        }
    }

    #[test]
    fn basic_credentials_are_form_encoded_first() {
        let value = basic("a:b", &Secret::from("p w+ü".to_owned()));
        let decoded =
            STANDARD.decode(value.to_str().unwrap().strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(decoded, b"a%3Ab:p+w%2B%C3%BC");
    }
}
