//! An identity provider as seen from here: what it says of itself, fetched with limits on time, size and detours.
//!
//! Rules: RFC 8414 section 3 (where the metadata is; the issuer in it must be the one that was asked for), OpenID
//! Connect Discovery 1.0 section 4, MCP 2025-11-25 authorization, "Authorization Server Metadata Discovery" (all three
//! places, in this order).

mod address;
mod error;

use std::{sync::Arc, time::Duration};

use reqwest::{Client, RequestBuilder, StatusCode, header, redirect};
use serde_json::{Map, Value};

use super::metadata::AuthorizationServerMetadata;

use address::{is_loopback, places, secure};

pub use error::ProviderError;

/// Longest time for a connection, and for one document from the first byte sent to the last one read.
const CONNECT: Duration = Duration::from_secs(2);
const DOCUMENT: Duration = Duration::from_secs(4);

/// Largest document, in bytes. The key sets of large providers have some 20 kB.
const MAX_DOCUMENT: usize = 512 * 1024;

/// Detours that one request may make, all on the same host.
const MAX_REDIRECTS: usize = 3;

/// Somebody else who signs tokens, known by its issuer identifier.
#[derive(Debug, Clone)]
pub struct Provider(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: String,
    plain_http: bool,
    http: Client,
}

impl Provider {
    /// The provider of this issuer; nothing is fetched yet. `plain_http` allows http to other machines.
    ///
    /// # Errors
    /// When the issuer is no URL that documents can be fetched from, or is known to issue no tokens for others.
    pub fn new(issuer: &str, plain_http: bool) -> Result<Self, ProviderError> {
        // `tokeninfo` is no RFC 7662, and tells only for which application of Google a token was made.
        if issuer.trim_end_matches('/') == "https://accounts.google.com" {
            return Err(ProviderError::Google);
        }
        let url = secure(issuer, plain_http)?;
        if url.query().is_some() {
            return Err(ProviderError::Url {
                url: issuer.to_owned(),
                why: "an issuer has no query",
            });
        }
        let mut http = Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(DOCUMENT)
            .redirect(redirect::Policy::custom(stay_on_host));
        if is_loopback(&url) {
            // A proxy for the outside world does not know the way to this machine.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| ProviderError::of_request(issuer, &error))?;
        Ok(Self(Arc::new(Inner { issuer: issuer.to_owned(), plain_http, http })))
    }

    /// `iss`, byte for byte.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// What the provider says of itself, from the first of the three places that has it.
    ///
    /// # Errors
    /// When no place has it, or it is about another issuer.
    pub(crate) async fn metadata(&self) -> Result<AuthorizationServerMetadata, ProviderError> {
        let issuer = self.issuer();
        let mut error = None;
        for place in places(issuer) {
            let document = match self.get(&place).await {
                Ok(document) => document,
                Err(failure @ ProviderError::Unreachable { .. }) => return Err(failure),
                // Not here, but perhaps at the next place.
                Err(failure) => {
                    error.get_or_insert(failure);
                    continue;
                }
            };
            // By way of an object: a list would do for a struct as well.
            let object: Result<Map<String, Value>, _> = serde_json::from_slice(&document);
            match object.and_then(|object| serde_json::from_value(Value::Object(object))) {
                Ok(metadata) if metadata.issuer == issuer => return Ok(metadata),
                Ok(AuthorizationServerMetadata { issuer: found, .. }) if !found.is_empty() => {
                    let issuer = issuer.to_owned();
                    error = Some(ProviderError::WrongIssuer { url: place, issuer, found });
                }
                _ => error = Some(ProviderError::Garbage { url: place, what: "metadata" }),
            }
        }
        Err(error.expect("there is a place to look at"))
    }

    /// A document.
    ///
    /// # Errors
    /// When it cannot be had within the limits.
    pub(crate) async fn get(&self, url: &str) -> Result<Vec<u8>, ProviderError> {
        let request = self.0.http.get(secure(url, self.0.plain_http)?);
        let (status, body) = self.send(url, request).await?;
        if status == StatusCode::OK {
            Ok(body)
        } else {
            Err(ProviderError::Status { url: url.to_owned(), status: status.as_u16() })
        }
    }

    /// The start of a request with credentials in it; sent by [`Provider::send`].
    pub(crate) fn post(&self, url: &str) -> Result<RequestBuilder, ProviderError> {
        Ok(self.0.http.post(secure(url, self.0.plain_http)?))
    }

    pub(crate) async fn send(
        &self,
        url: &str,
        request: RequestBuilder,
    ) -> Result<(StatusCode, Vec<u8>), ProviderError> {
        let unreachable = |error: reqwest::Error| ProviderError::of_request(url, &error);
        let too_large = || ProviderError::TooLarge { url: url.to_owned() };
        let request = request.header(header::ACCEPT, "application/json");
        let mut response = request.send().await.map_err(unreachable)?;
        if response.content_length().is_some_and(|length| length > MAX_DOCUMENT as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_DOCUMENT {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status(), body))
    }
}

fn stay_on_host(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let first = attempt.previous().first();
    if first.is_none_or(|first| first.origin() != attempt.url().origin()) {
        attempt.error("it leads to another host")
    } else if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error("it leads in a circle")
    } else {
        attempt.follow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn google_is_refused_with_a_way_out() {
        let message = Provider::new("https://accounts.google.com", false).unwrap_err().to_string();
        assert!(message.contains("RFC 7662") && message.contains("broker"), "{message}");
    }
}
