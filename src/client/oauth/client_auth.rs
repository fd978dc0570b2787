//! Client authentication at the token endpoint.
//!
//! Rules: RFC 6749 section 2.3.1 (`client_secret_basic`, `client_secret_post`), RFC 7523 section 2.2 and OpenID Connect
//! Core 1.0 section 9 (`private_key_jwt`); RFC 8414 section 2 (an absent list means `client_secret_basic`).

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use url::form_urlencoded::byte_serialize;

use crate::client::{
    context::{client::Client, error::ClientError, secret::Secret},
    oauth::{pkce, registration::ClientInformation},
};

/// How a client proves to be itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Method {
    #[serde(rename = "none")]
    None,
    #[serde(rename = "client_secret_basic")]
    Basic,
    #[serde(rename = "client_secret_post")]
    Post,
    #[serde(rename = "private_key_jwt")]
    PrivateKey,
}

impl Method {
    const ALL: [Self; 4] = [Self::None, Self::Basic, Self::Post, Self::PrivateKey];

    /// The registered name (RFC 7591, 2).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::PrivateKey => "private_key_jwt",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// The best of what the server supports and we hold. Without a secret of our own we would rather be public than
    /// be given one: a secret on a person's machine is none.
    pub(crate) fn choose(supported: Option<&[String]>, secret: bool, key: bool) -> Self {
        let default = ["client_secret_basic".to_owned()];
        let supported = supported.unwrap_or(&default);
        let has = |method: &Self| supported.iter().any(|name| name == method.name());
        let order: &[Self] = match (key, secret) {
            (true, _) => &[Self::PrivateKey],
            (false, true) => &[Self::Basic, Self::Post],
            (false, false) => &[Self::None, Self::Basic, Self::Post],
        };
        order.iter().copied().find(has).unwrap_or(order[0])
    }
}

/// Adds the client's name and proof to a token request. `audience` is the issuer.
pub(crate) fn authenticate(
    client: &Client,
    app: &ClientInformation,
    audience: &str,
    headers: &mut HeaderMap,
    form: &mut Vec<(&'static str, String)>,
) -> Result<(), ClientError> {
    let secret = || {
        app.client_secret.as_ref().ok_or_else(|| {
            ClientError::Usage(format!(
                "{} needs a secret: pass --client-secret @FILE or set MCP_CLIENT_SECRET",
                app.method.name()
            ))
        })
    };
    // With Basic, too, where it says nothing new: some servers look the client up by the form alone.
    form.push(("client_id", app.client_id.clone()));
    match app.method {
        Method::None => {}
        Method::Basic => {
            headers.insert(AUTHORIZATION, basic(&app.client_id, secret()?));
        }
        Method::Post => form.push(("client_secret", secret()?.expose().to_owned())),
        Method::PrivateKey => {
            form.push((
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
            ));
            form.push(("client_assertion", assertion(client, &app.client_id, audience)?));
        }
    }
    Ok(())
}

/// Id and secret are form-encoded before they are joined (RFC 6749, 2.3.1).
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

const ASSERTION_SECONDS: u64 = 60;

fn assertion(client: &Client, client_id: &str, audience: &str) -> Result<String, ClientError> {
    let options = &client.options;
    let unusable = |e: jsonwebtoken::errors::Error| ClientError::Key(e.to_string());
    let pem = options.private_key.as_ref().ok_or_else(|| {
        ClientError::Usage("private_key_jwt needs a key: pass --private-key @FILE (PEM)".to_owned())
    })?;
    let pem = pem.expose().as_bytes();
    let key = match options.signing_alg {
        Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(pem),
        _ => EncodingKey::from_rsa_pem(pem),
    }
    .map_err(unusable)?;
    let mut header = Header::new(options.signing_alg);
    header.kid = options.key_id.clone();
    let iat = now();
    let claims = Assertion {
        iss: client_id,
        sub: client_id,
        aud: audience,
        jti: pkce::random(),
        iat,
        exp: iat + ASSERTION_SECONDS,
    };
    jsonwebtoken::encode(&header, &claims, &key).map_err(unusable)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_is_the_best_of_what_both_have() {
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
            let method = Method::choose(supported.as_deref(), secret, key);
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
