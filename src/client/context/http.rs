//! The client's HTTP: bounded in time and size, no redirect followed on trust, every exchange told to the reader.
//!
//! Rules: MCP authorization "Communication Security" (https, or this machine); MCP security best practices, "Server-Side
//! Request Forgery" (a public server must not send us to private addresses).

use std::{net::IpAddr, sync::Arc, time::Duration};

use reqwest::{
    Client, Method, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, LOCATION},
    redirect::Policy,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Host, Url};

use crate::client::context::{error::ClientError, redact::form_lines, reporter::Reporter, urls};

/// No metadata document, registration or token answer is larger (the largest seen have 10 KB).
const DOCUMENT_LIMIT: usize = 512 * 1024;
const REDIRECTS: usize = 3;

/// Sends requests. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client,
    guard: Guard,
    timeout: Duration,
    pub(crate) report: Reporter,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Reads the body as a JSON object.
    pub(crate) fn json<T: DeserializeOwned>(&self, what: &'static str) -> Result<T, ClientError> {
        let malformed = |why: String| ClientError::Malformed { what, url: self.url.clone(), why };
        // serde would read an array into a struct, too.
        if self.body.trim_ascii_start().first() != Some(&b'{') {
            return Err(malformed("it is no JSON object".to_owned()));
        }
        serde_json::from_slice(&self.body).map_err(|e| malformed(e.to_string()))
    }
}

impl Http {
    /// For talking with the server at `url` and whoever it names. Only a server that is itself at a private address
    /// may name others there.
    pub(crate) async fn new(
        url: &Url,
        timeout: Duration,
        report: Reporter,
    ) -> Result<Self, ClientError> {
        let guard = Guard { allow_private: reaches_private(url).await };
        let mut client = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            .dns_resolver(Arc::new(guard))
            .user_agent(concat!("mcp-auth-step-by-step/", env!("CARGO_PKG_VERSION")));
        if urls::is_loopback(url) {
            client = client.no_proxy();
        }
        let client = client
            .build()
            .map_err(|source| ClientError::Unreachable { url: url.to_string(), source })?;
        Ok(Self { client, guard, timeout, report })
    }

    /// `GET` of a public document. Redirects are followed within one origin.
    pub(crate) async fn document(&self, url: &str) -> Result<Answer, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut url = url.to_owned();
        for _ in 0..=REDIRECTS {
            let answer = self.exchange(Method::GET, &url, headers.clone(), None).await?;
            let Some(to) = redirect(&answer)? else {
                return Ok(answer);
            };
            let (from_origin, to_origin) = (Url::parse(&url).map(|u| u.origin()), to.origin());
            if from_origin != Ok(to_origin) {
                return Err(ClientError::Redirected { from: url, to: to.to_string() });
            }
            url = to.to_string();
        }
        Err(ClientError::Redirected { from: url, to: "ever more places".to_owned() })
    }

    /// `GET` as a browser would send it. Redirects are the caller's to judge.
    pub(crate) async fn page(&self, url: &str, cookies: &str) -> Result<Answer, ClientError> {
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

    /// `POST` of a form to an authorization server. Secrets in it are shortened for the reader.
    pub(crate) async fn form(
        &self,
        url: &str,
        mut headers: HeaderMap,
        form: &[(&str, String)],
    ) -> Result<Answer, ClientError> {
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.exchange(Method::POST, url, headers, Some((body, form_lines(form)))).await
    }

    /// `POST` of a JSON document to an authorization server.
    pub(crate) async fn json(&self, url: &str, document: &Value) -> Result<Answer, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = document.to_string();
        self.exchange(Method::POST, url, headers, Some((body.clone(), body))).await
    }

    /// Sends, and gives the answer back before its body has been read.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Option<String>,
    ) -> Result<Response, ClientError> {
        let target = urls::secure(url)?;
        self.guard.check(&target)?;
        let mut request = self.client.request(method, target).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        request
            .send()
            .await
            .map_err(|source| ClientError::Unreachable { url: url.to_owned(), source })
    }

    async fn exchange(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Option<(String, String)>,
    ) -> Result<Answer, ClientError> {
        let (body, shown) = body.unzip();
        // Documents and pages are public; what is asked for with a body may be answered with a secret.
        let confidential = body.is_some();
        self.report.request(method.as_str(), url, &headers, shown.as_deref());
        let exchange = async {
            let response = self.send(method, url, headers, body).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            self.report.answer(status, &headers);
            let body = read(response, url, DOCUMENT_LIMIT).await?;
            let text = String::from_utf8_lossy(&body);
            if confidential {
                self.report.confidential_body(&text)
            } else {
                self.report.body(&text)
            }
            Ok(Answer { url: url.to_owned(), status, headers, body })
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(answer) => answer,
            Err(_) => {
                Err(ClientError::TimedOut { url: url.to_owned(), seconds: self.timeout.as_secs() })
            }
        }
    }
}

/// Reads a body up to `limit` bytes.
pub(crate) async fn read(
    mut response: Response,
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

/// Where an answer sends us: an address that may be used, or an error that says where it wanted us.
fn redirect(answer: &Answer) -> Result<Option<Url>, ClientError> {
    let location = answer.headers.get(LOCATION).filter(|_| answer.status.is_redirection());
    let Some(location) = location else {
        return Ok(None);
    };
    let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
    let to = Url::parse(&answer.url).and_then(|base| base.join(&location));
    match to.ok().and_then(|to| urls::secure(to.as_str()).ok()) {
        Some(to) => Ok(Some(to)),
        None => Err(ClientError::Redirected { from: answer.url.clone(), to: location }),
    }
}

/// Keeps a public server from sending us to private addresses, by number or by name.
#[derive(Debug, Clone, Copy)]
struct Guard {
    allow_private: bool,
}

impl Guard {
    fn refuses(self, ip: IpAddr) -> bool {
        !self.allow_private && urls::is_private(ip)
    }

    fn check(self, url: &Url) -> Result<(), ClientError> {
        let refused = match url.host() {
            Some(Host::Ipv4(ip)) => self.refuses(ip.into()),
            Some(Host::Ipv6(ip)) => self.refuses(ip.into()),
            _ => false,
        };
        if refused {
            return Err(ClientError::UnusableUrl {
                url: url.to_string(),
                why: "a public server named a private address",
            });
        }
        Ok(())
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.iter().any(|found| guard.refuses(found.ip())) {
                return Err("a public server named a host with a private address".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

async fn reaches_private(url: &Url) -> bool {
    let port = url.port_or_known_default().unwrap_or(443);
    match url.host() {
        Some(Host::Ipv4(ip)) => urls::is_private(ip.into()),
        Some(Host::Ipv6(ip)) => urls::is_private(ip.into()),
        Some(Host::Domain(name)) => match tokio::net::lookup_host((name, port)).await {
            Ok(mut found) => found.any(|found| urls::is_private(found.ip())),
            Err(_) => false,
        },
        None => false,
    }
}
