//! The token endpoint on the wire.
//!
//! Specs: RFC 6749 sections 5.1 and 5.2; RFC 9449 sections 5 (proofs) and 8 (nonces).

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer};

use crate::client::{
    context::{
        client::{Client, DPOP_NONCE},
        credentials::{ClientInformation, secret::Secret},
        error::{ClientError, oauth::OAuthError},
        http::Response,
    },
    oauth::{client_auth, dpop::ProofKey},
};

pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The parameters of a token request.
pub(crate) type Form = Vec<(&'static str, String)>;

#[derive(Deserialize)]
pub(crate) struct TokenResponse {
    pub(crate) access_token: Secret,
    pub(crate) token_type: String,
    /// In seconds.
    #[serde(default, deserialize_with = "seconds")]
    pub(crate) expires_in: Option<u64>,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) scope: Option<String>,
    pub(crate) issued_token_type: Option<String>,
}

/// Some servers write the number in quotes.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Number(f64),
        Text(String),
    }
    Ok(match Option::<Seconds>::deserialize(deserializer)? {
        Some(Seconds::Number(number)) => Some(number.max(0.0) as u64),
        Some(Seconds::Text(text)) => text.parse().ok(),
        None => None,
    })
}

/// One token request, and a second one if the server requires a nonce in the proof.
pub(crate) async fn post(
    client: &Client,
    endpoint: &str,
    registered: Option<&ClientInformation>,
    audience: &str,
    form: Form,
    proof_key: Option<&ProofKey>,
) -> Result<TokenResponse, ClientError> {
    let mut retried = false;
    loop {
        let (mut headers, mut form) = (HeaderMap::new(), form.clone());
        // Each time: an assertion can be used once.
        if let Some(registered) = registered {
            client_auth::authenticate(client, registered, audience, &mut headers, &mut form)?;
        }
        if let Some(key) = proof_key {
            let proof = key.proof("POST", endpoint, client.nonces.get(endpoint), None)?;
            headers.insert(DPOP, HeaderValue::try_from(proof).expect("a JWT is ASCII"));
        }
        let response = client.http.form(endpoint, headers, &form).await?;
        client.nonces.update(endpoint, &response.headers);
        match parse(&response) {
            Err(ClientError::OAuth { error, .. })
                if error.error == "use_dpop_nonce"
                    && proof_key.is_some()
                    && !std::mem::replace(&mut retried, true)
                    && response.headers.contains_key(DPOP_NONCE) => {}
            outcome => return outcome,
        }
    }
}

fn parse(response: &Response) -> Result<TokenResponse, ClientError> {
    // Some servers return errors with status 200.
    if let Ok(error) = response.json::<OAuthError>("token error") {
        return Err(ClientError::OAuth { endpoint: "token endpoint", error });
    }
    if !response.status.is_success() {
        return Err(ClientError::Status {
            what: "the token endpoint",
            url: response.url.clone(),
            status: response.status.as_u16(),
        });
    }
    response.json("token response")
}
