//! One message out, one answer in: MCP over Streamable HTTP, in both eras.
//!
//! Rules: MCP 2025-11-25 transports (sessions, streams, resumption); MCP 2026-07-28 Streamable HTTP (request metadata,
//! no sessions); MCP authorization "Access Token Usage" (in the header, on every request); RFC 9449 section 7.

mod sse;
mod stream;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use reqwest::{
    Method, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use tokio::time::{Instant, timeout_at};

use crate::{
    client::{
        context::{client::Client, error::ClientError, http},
        oauth::{
            token::DPOP,
            unauthorized::{AccessToken, AuthChallenge},
        },
    },
    jsonrpc::{ErrorObject, Id, Request},
};

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// One message, or one event of a stream, is not larger.
pub(crate) const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

/// The connection to one server. Cheap to clone; all clones share the session and the credential.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    pub(crate) client: Arc<Client>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    credential: Option<Arc<AccessToken>>,
    /// The credential was accepted at least once.
    proven: bool,
    version: Option<&'static str>,
    session: Option<HeaderValue>,
}

/// A message of the server. Results stay text until somebody knows what they are.
#[derive(Debug, Deserialize)]
pub(crate) struct Incoming {
    pub(crate) id: Option<Id>,
    pub(crate) method: Option<String>,
    #[serde(default)]
    pub(crate) params: Value,
    pub(crate) result: Option<Box<RawValue>>,
    pub(crate) error: Option<ErrorObject>,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Refused(AuthChallenge),
    Answered {
        status: StatusCode,
        outcome: Result<Box<RawValue>, ErrorObject>,
        session: Option<HeaderValue>,
    },
    /// The session has ended (404; 2025-11-25 "Session Management").
    SessionGone,
    /// An answer that is no message of JSON-RPC.
    NotJsonRpc(StatusCode),
}

impl Transport {
    pub(crate) fn new(client: Arc<Client>, credential: Option<AccessToken>) -> Self {
        // A token of an earlier run was good once: when it is refused, it is old, not wrong.
        let state = State {
            proven: credential.is_some(),
            credential: credential.map(Arc::new),
            ..State::default()
        };
        Self { client, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics in here")
    }

    pub(crate) fn credential(&self) -> Option<Arc<AccessToken>> {
        self.state().credential.clone()
    }

    pub(crate) fn authorize(&self, credential: AccessToken) {
        let mut state = self.state();
        state.credential = Some(Arc::new(credential));
        state.proven = false;
    }

    /// The revision for the header of all requests from now on, and the session that the server opened.
    pub(crate) fn set_version(&self, version: Option<&'static str>, session: Option<HeaderValue>) {
        let mut state = self.state();
        state.version = version;
        state.session = session;
    }

    pub(crate) fn version(&self) -> Option<&'static str> {
        self.state().version
    }

    /// Sends a request and reads until its answer has come.
    pub(crate) async fn request(
        &self,
        request: &Request,
        extra: &HeaderMap,
    ) -> Result<Reply, ClientError> {
        let body = serde_json::to_string(request).expect("a request is JSON");
        let mut deadline = self.deadline();
        let response = self.post(body, extra, deadline).await?;
        let status = response.status();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return self.refused(response, deadline).await;
        }
        let session = response.headers().get(SESSION).cloned();
        let in_session = self.state().session.is_some();
        if status == StatusCode::NOT_FOUND && in_session {
            return Ok(Reply::SessionGone);
        }
        self.state().proven = true;
        let answered = |incoming: Incoming| {
            let outcome = match (incoming.result, incoming.error) {
                (_, Some(error)) => Err(error),
                (Some(result), None) => Ok(result),
                (None, None) => return Reply::NotJsonRpc(status),
            };
            Reply::Answered { status, outcome, session: session.clone() }
        };
        if kind(&response) == "text/event-stream" && status.is_success() {
            return self.follow(response, &request.id, &mut deadline).await.map(answered);
        }
        let body = self
            .in_time(deadline, http::read(response, self.client.url.as_str(), MESSAGE_LIMIT))
            .await??;
        let text = String::from_utf8_lossy(&body);
        self.client.report.body(&text);
        match serde_json::from_str::<Incoming>(&text) {
            Ok(incoming) if incoming.id.as_ref().is_none_or(|id| *id == request.id) => {
                Ok(answered(incoming))
            }
            Ok(_) => {
                Err(ClientError::Protocol("the answer is to another request than ours".to_owned()))
            }
            Err(_) => Ok(Reply::NotJsonRpc(status)),
        }
    }

    /// Sends something that is not answered: a notification or an answer of ours. A server that minds is told of by
    /// what comes next.
    pub(crate) async fn notify(&self, message: &impl Serialize) -> Result<(), ClientError> {
        let body = serde_json::to_string(message).expect("a message is JSON");
        self.post(body, &HeaderMap::new(), self.deadline()).await.map(drop)
    }

    /// Ends the session, if the server opened one.
    pub(crate) async fn end(&self) {
        if self.state().session.is_none() {
            return;
        }
        let send = self.send(Method::DELETE, HeaderMap::new(), None);
        // A courtesy: the server may refuse it (405), and we are leaving.
        let _ = timeout_at(Instant::now() + Duration::from_secs(2), send).await;
    }

    async fn post(
        &self,
        body: String,
        extra: &HeaderMap,
        deadline: Instant,
    ) -> Result<Response, ClientError> {
        let mut headers = extra.clone();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.in_time(deadline, async {
            let response = self.send(Method::POST, headers.clone(), Some(body.clone())).await?;
            // Once more with the server's nonce in the proof (RFC 9449, 9).
            let nonce = response.status() == StatusCode::UNAUTHORIZED
                && AuthChallenge::read(401, response.headers(), None)?.param("error")
                    == Some("use_dpop_nonce");
            if nonce { self.send(Method::POST, headers, Some(body)).await } else { Ok(response) }
        })
        .await?
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        mut headers: HeaderMap,
        body: Option<String>,
    ) -> Result<Response, ClientError> {
        let client = &self.client;
        let url = client.url.as_str();
        {
            let state = self.state();
            headers
                .extend(state.version.map(|version| (VERSION, HeaderValue::from_static(version))));
            headers.extend(state.session.clone().map(|session| (SESSION, session)));
            if let Some(credential) = &state.credential {
                let scheme = if credential.proof_key.is_some() { "DPoP" } else { "Bearer" };
                let value =
                    HeaderValue::try_from(format!("{scheme} {}", credential.token.expose()));
                let mut value = value.map_err(|_| {
                    ClientError::Protocol("the token is no header value".to_owned())
                })?;
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
                if let Some(key) = &credential.proof_key {
                    let nonce = client.nonces.of(url);
                    let proof = key.proof(method.as_str(), url, nonce, Some(&credential.token))?;
                    headers.insert(DPOP, HeaderValue::try_from(proof).expect("a JWT is ASCII"));
                }
            }
        }
        client.report.request(method.as_str(), url, &headers, body.as_deref());
        let response = client.http.send(method, url, headers, body).await?;
        client.report.answer(response.status(), response.headers());
        client.nonces.note(url, response.headers());
        Ok(response)
    }

    async fn refused(&self, response: Response, deadline: Instant) -> Result<Reply, ClientError> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = self
            .in_time(deadline, http::read(response, self.client.url.as_str(), MESSAGE_LIMIT))
            .await?;
        if let Ok(body) = body {
            self.client.report.body(&String::from_utf8_lossy(&body));
        }
        let (credential, proven) = {
            let state = self.state();
            (state.credential.clone(), state.proven)
        };
        let mut refusal = AuthChallenge::read(status, &headers, credential)?;
        refusal.brand_new = !proven;
        // A 403 takes the token for what it is; it is only not enough.
        if status == 403 {
            self.state().proven = true;
        }
        Ok(Reply::Refused(refusal))
    }

    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.client.options.timeout)
    }

    pub(crate) async fn in_time<T>(
        &self,
        deadline: Instant,
        work: impl Future<Output = T>,
    ) -> Result<T, ClientError> {
        timeout_at(deadline, work).await.map_err(|_| ClientError::TimedOut {
            url: self.client.url.to_string(),
            seconds: self.client.options.timeout,
        })
    }
}

/// The media type, without parameters.
pub(crate) fn kind(response: &Response) -> &str {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.split(';').next()).unwrap_or_default().trim()
}
