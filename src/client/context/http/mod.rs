//! HTTP requests with limits on time, size and destination; each one is reported to the user.
//!
//! Specs: MCP authorization "Communication Security" (https, or this machine); MCP Security Best Practices,
//! "Server-Side Request Forgery".

mod json;
mod route;
mod ssrf;

use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, LOCATION},
};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use crate::client::context::{
    error::ClientError,
    http::{json::parse_object, route::Routes},
    reporter::{Reporter, redact::form_lines},
    urls,
};

/// No metadata document, registration or token response is larger (the largest seen have 10 KB).
const MAX_DOCUMENT_BYTES: usize = 512 * 1024;
const MAX_REDIRECTS: usize = 3;

/// Sends requests. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    routes: Routes,
    timeout: Duration,
    reporter: Reporter,
}

/// A response whose body has been read.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// Parses the body as a JSON object; `what` names it in an error.
    pub(crate) fn json<T: DeserializeOwned>(&self, what: &'static str) -> Result<T, ClientError> {
        parse_object(&self.body).map_err(|why| ClientError::Malformed {
            what,
            url: self.url.clone(),
            why,
        })
    }
}

impl Http {
    /// For the MCP server at `url` and the servers that it names. Only a server in a private network may name others
    /// there. A proxy is used only if the user trusts it.
    pub(crate) async fn new(
        url: &Url,
        timeout: Duration,
        trust_proxy: bool,
        reporter: Reporter,
    ) -> Result<Self, ClientError> {
        let routes = Routes::new(Matcher::from_system(), url, timeout, trust_proxy)
            .await
            .map_err(|source| ClientError::Unreachable { url: url.to_string(), source })?;
        Ok(Self { routes, timeout, reporter })
    }

    /// `GET` of a public document. Redirects are followed within one origin.
    pub(crate) async fn document(&self, url: &str) -> Result<Response, ClientError> {
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.exchange(Method::GET, &url, accept_json(), None).await?;
            let Some(to) = redirect(&response)? else {
                return Ok(response);
            };
            let (from_origin, to_origin) = (Url::parse(&url).map(|u| u.origin()), to.origin());
            if from_origin != Ok(to_origin) {
                return Err(ClientError::Redirected { from: url, to: to.to_string() });
            }
            url = to.to_string();
        }
        Err(ClientError::Redirected { from: url, to: "more places than are followed".to_owned() })
    }

    /// `GET` as a browser sends it. The caller decides on redirects.
    pub(crate) async fn page(&self, url: &str, cookies: &str) -> Result<Response, ClientError> {
        let mut headers = HeaderMap::new();
        let accept = "text/html,application/xhtml+xml,*/*;q=0.8";
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        if let Ok(cookies) = HeaderValue::from_str(cookies)
            && !cookies.is_empty()
        {
            headers.insert(COOKIE, cookies);
        }
        self.exchange(Method::GET, url, headers, None).await
    }

    /// `POST` of a form to an authorization server. Secrets in it are shortened in the report.
    pub(crate) async fn form(
        &self,
        url: &str,
        mut headers: HeaderMap,
        form: &[(&str, String)],
    ) -> Result<Response, ClientError> {
        headers.extend(accept_json());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.exchange(Method::POST, url, headers, Some((body, form_lines(form)))).await
    }

    /// `POST` of a JSON document to an authorization server.
    pub(crate) async fn json(
        &self,
        url: &str,
        document: &impl Serialize,
    ) -> Result<Response, ClientError> {
        let mut headers = accept_json();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = serde_json::to_string(document).expect("a wire document is serializable");
        self.exchange(Method::POST, url, headers, Some((body.clone(), body))).await
    }

    /// Sends a request and returns before the body of the response has been read.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Option<String>,
    ) -> Result<reqwest::Response, ClientError> {
        let target = urls::secure(url)?;
        let mut request = self.routes.to(&target)?.request(method, target).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        request
            .send()
            .await
            .map_err(|source| ClientError::Unreachable { url: url.to_owned(), source })
    }

    /// Refuses a URL that must not be opened in a browser: the rules are those of requests.
    pub(crate) async fn check_browser_url(&self, url: &str) -> Result<(), ClientError> {
        self.routes.check_browser_url(&urls::secure(url)?).await
    }

    async fn exchange(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Option<(String, String)>,
    ) -> Result<Response, ClientError> {
        let (body, shown) = body.unzip();
        // Documents and pages are public; the response to a POST may contain a secret.
        let confidential = body.is_some();
        self.reporter.request(method.as_str(), url, &headers, shown.as_deref());
        let exchange = async {
            let response = self.send(method, url, headers, body).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            self.reporter.response(status, &headers);
            let body = read_body(response, url, MAX_DOCUMENT_BYTES).await?;
            let text = String::from_utf8_lossy(&body);
            match confidential {
                true => self.reporter.confidential_body(&text),
                false => self.reporter.body(&text),
            }
            Ok(Response { url: url.to_owned(), status, headers, body })
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(response) => response,
            Err(_) => {
                Err(ClientError::TimedOut { url: url.to_owned(), seconds: self.timeout.as_secs() })
            }
        }
    }
}

fn accept_json() -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))])
}

/// Reads a body up to `limit` bytes.
pub(crate) async fn read_body(
    mut response: reqwest::Response,
    url: &str,
    limit: usize,
) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    let broken = |source| ClientError::Unreachable { url: url.to_owned(), source };
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > limit {
            return Err(ClientError::TooLarge { url: url.to_owned(), limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The target of a redirect, if the response is one.
fn redirect(response: &Response) -> Result<Option<Url>, ClientError> {
    let location = response.headers.get(LOCATION).filter(|_| response.status.is_redirection());
    let Some(location) = location else {
        return Ok(None);
    };
    let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
    let to = Url::parse(&response.url).and_then(|base| base.join(&location));
    match to.ok().and_then(|to| urls::secure(to.as_str()).ok()) {
        Some(to) => Ok(Some(to)),
        None => Err(ClientError::Redirected { from: response.url.clone(), to: location }),
    }
}
