//! An HTTP client for one identity provider, with limits on time, size and redirects.
//!
//! Specs: RFC 8414 section 3 (where the metadata is; its `issuer` must be the expected one), OpenID Connect
//! Discovery 1.0 section 4, MCP 2025-11-25 authorization, "Authorization Server Metadata Discovery" (all three places,
//! in this order).

use std::{sync::Arc, time::Duration};

use reqwest::{Client, RequestBuilder, Response, StatusCode, header, redirect};
use serde_json::{Map, Value};
use url::{Host, Url};

use crate::auth::{
    metadata::AuthorizationServerMetadata,
    urls::{self, without_query},
};

use super::error::ProviderError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// For one document, from the first byte sent to the last one read.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);

/// The JWKS of large providers have some 20 kB.
const MAX_DOCUMENT_BYTES: usize = 512 * 1024;

const MAX_REDIRECTS: usize = 3;

/// Fetches the documents of one provider. Clones share its connections.
#[derive(Debug, Clone)]
pub struct ProviderClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: String,
    allow_http: bool,
    http: Client,
}

impl ProviderClient {
    /// A client for the provider with this issuer identifier; nothing is fetched yet. `allow_http` allows plain http
    /// to other machines.
    ///
    /// # Errors
    /// When the issuer is no https URL, or is known to issue no tokens for other servers.
    pub fn new(issuer: &str, allow_http: bool) -> Result<Self, ProviderError> {
        // Google's `tokeninfo` is not RFC 7662, and says only for which application of Google a token was made.
        if issuer.trim_end_matches('/') == "https://accounts.google.com" {
            return Err(ProviderError::Google);
        }
        let url = secure(issuer, allow_http)?;
        if url.query().is_some() {
            let url = without_query(issuer).to_owned();
            return Err(ProviderError::Url { url, why: "an issuer has no query (RFC 8414, 2)" });
        }
        let mut http = Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(redirect::Policy::custom(same_origin_only));
        if is_loopback(&url) {
            // A proxy for other networks cannot reach this machine's loopback address.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| ProviderError::of_request(issuer, &error))?;
        Ok(Self(Arc::new(Inner { issuer: issuer.to_owned(), allow_http, http })))
    }

    /// The issuer identifier, byte for byte.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The provider's metadata, from the first of the three well-known places that has it.
    ///
    /// # Errors
    /// When no place has it, or it is about another issuer.
    pub(crate) async fn metadata(&self) -> Result<AuthorizationServerMetadata, ProviderError> {
        let issuer = self.issuer();
        let mut error = None;
        for url in urls::issuer_metadata(issuer) {
            let document = match self.get(&url).await {
                Ok(document) => document,
                Err(failure @ ProviderError::Unreachable { .. }) => return Err(failure),
                // Perhaps it is at the next place.
                Err(failure) => {
                    error.get_or_insert(failure);
                    continue;
                }
            };
            // By way of a map: serde would also read a struct from a list.
            let object: Result<Map<String, Value>, _> = serde_json::from_slice(&document);
            match object.and_then(|object| serde_json::from_value(Value::Object(object))) {
                Ok(metadata) if metadata.issuer == issuer => return Ok(metadata),
                Ok(AuthorizationServerMetadata { issuer: found, .. }) if !found.is_empty() => {
                    let issuer = issuer.to_owned();
                    error = Some(ProviderError::WrongIssuer { url, issuer, found });
                }
                _ => error = Some(ProviderError::InvalidDocument { url, expected: "metadata" }),
            }
        }
        Err(error.expect("there is at least one place"))
    }

    /// A document.
    ///
    /// # Errors
    /// When it cannot be fetched within the limits.
    pub(crate) async fn get(&self, url: &str) -> Result<Vec<u8>, ProviderError> {
        let request = self.0.http.get(secure(url, self.0.allow_http)?);
        match self.send(url, request).await? {
            (StatusCode::OK, body) => Ok(body),
            (status, _) => {
                let url = without_query(url).to_owned();
                Err(ProviderError::Status { url, status: status.as_u16() })
            }
        }
    }

    /// The start of a request with credentials; sent by [`ProviderClient::send`].
    pub(crate) fn post(&self, url: &str) -> Result<RequestBuilder, ProviderError> {
        Ok(self.0.http.post(secure(url, self.0.allow_http)?))
    }

    pub(crate) async fn send(
        &self,
        url: &str,
        request: RequestBuilder,
    ) -> Result<(StatusCode, Vec<u8>), ProviderError> {
        let failed = |error: reqwest::Error| ProviderError::of_request(url, &error);
        let too_large = || ProviderError::TooLarge {
            url: without_query(url).to_owned(),
            limit: MAX_DOCUMENT_BYTES,
        };
        let request = request.header(header::ACCEPT, "application/json");
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let body = read_body(response, MAX_DOCUMENT_BYTES).await.map_err(failed)?;
        Ok((status, body.ok_or_else(too_large)?))
    }
}

/// The body of a response; `None` if it has more than `limit` bytes.
pub(in crate::auth) async fn read_body(
    mut response: Response,
    limit: usize,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Ok(None);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

fn same_origin_only(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let first = attempt.previous().first();
    if first.is_none_or(|first| first.origin() != attempt.url().origin()) {
        attempt.error("redirect to another origin")
    } else if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error("too many redirects")
    } else {
        attempt.follow()
    }
}

/// https, or http to this machine: keys that others can replace on the way prove nothing.
fn secure(url: &str, allow_http: bool) -> Result<Url, ProviderError> {
    let error = |why| ProviderError::Url { url: without_query(url).to_owned(), why };
    let parsed = Url::parse(url).map_err(|_| error("it is no URL"))?;
    match parsed.scheme() {
        "https" => Ok(parsed),
        "http" if allow_http || is_loopback(&parsed) => Ok(parsed),
        "http" => Err(error(
            "http is allowed to this machine only; use https, or pass --allow-http-provider",
        )),
        _ => Err(error("it is not https")),
    }
}

pub(in crate::auth) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn google_is_rejected_with_an_alternative() {
        let error = ProviderClient::new("https://accounts.google.com", false).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("RFC 7662") && message.contains("broker"), "{message}");
    }

    #[test]
    fn documents_come_over_https_or_from_this_machine() {
        for (url, allow_http, expected) in [
            ("https://idp.example.com/realm", false, true),
            ("http://localhost:8080/realms/r", false, true),
            ("http://127.0.0.1:8080", false, true),
            ("http://[::1]:8080", false, true),
            ("http://keycloak:8080/realms/r", false, false),
            ("http://keycloak:8080/realms/r", true, true),
            ("http://localhost.evil.com", false, false),
            ("ftp://localhost", true, false),
            ("file:///etc/passwd", true, false),
        ] {
            assert_eq!(secure(url, allow_http).is_ok(), expected, "{url}");
        }
    }

    #[test]
    fn errors_name_urls_without_their_query() {
        let url = "http://idp.example.com/keys?api_key=s3cret";
        let message = secure(url, false).unwrap_err().to_string();
        assert!(message.starts_with("http://idp.example.com/keys: "), "{message}");
    }
}
