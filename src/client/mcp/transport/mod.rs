//! MCP over Streamable HTTP, in both eras: one message out, one response in.
//!
//! Specs: MCP 2025-11-25 transports (sessions, streams, resumption); MCP 2026-07-28 Streamable HTTP (request
//! metadata, no sessions); MCP authorization "Access Token Usage" (in the header of every request); RFC 9449 section 7.

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
        context::{client::Client, credentials::AccessToken, error::ClientError, http},
        oauth::{dpop::ProofKey, token::endpoint::DPOP, unauthorized::AuthChallenge},
    },
    jsonrpc::{ErrorObject, Id, Request},
};

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// The version without sessions: every request stands by itself.
pub(crate) const STATELESS: &str = "2026-07-28";
const END_TIMEOUT: Duration = Duration::from_secs(2);
/// No message, and no event of a stream, is larger.
pub(crate) const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// The connection to one server. Cheap to clone; all clones share the session and the token.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    pub(crate) client: Arc<Client>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Arc<AccessToken>>,
    /// The token was accepted at least once.
    accepted: bool,
    version: Option<&'static str>,
    session: Option<HeaderValue>,
}

/// A message of the server. Results stay text until their type is known.
#[derive(Debug, Deserialize)]
pub(crate) struct Incoming {
    pub(crate) id: Option<Id>,
    pub(crate) method: Option<String>,
    #[serde(default)]
    pub(crate) params: Value,
    pub(crate) result: Option<Box<RawValue>>,
    pub(crate) error: Option<ErrorObject>,
}

/// What a request led to.
#[derive(Debug)]
pub(crate) enum Reply {
    Unauthorized(AuthChallenge),
    Message {
        status: StatusCode,
        outcome: Result<Box<RawValue>, ErrorObject>,
        session: Option<HeaderValue>,
    },
    /// The session has ended (404; 2025-11-25 "Session Management").
    SessionNotFound,
    /// A response that is not a JSON-RPC message.
    NotJsonRpc(StatusCode),
}

impl Transport {
    pub(crate) fn new(client: Arc<Client>, token: Option<AccessToken>) -> Self {
        // A stored token was accepted in an earlier run: if it is rejected now, it is outdated, not wrong.
        let state =
            State { accepted: token.is_some(), token: token.map(Arc::new), ..State::default() };
        Self { client, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    pub(crate) fn token(&self) -> Option<Arc<AccessToken>> {
        self.state().token.clone()
    }

    pub(crate) fn set_token(&self, token: AccessToken) {
        let mut state = self.state();
        state.token = Some(Arc::new(token));
        state.accepted = false;
    }

    /// Sets the version header and the session id of all further requests.
    pub(crate) fn set_version(&self, version: Option<&'static str>, session: Option<HeaderValue>) {
        let mut state = self.state();
        state.version = version;
        state.session = session;
    }

    fn is_legacy(&self) -> bool {
        self.state().version != Some(STATELESS)
    }

    /// Sends a request and reads until its response has come.
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
            return self.unauthorized(response, deadline).await;
        }
        let session = response.headers().get(SESSION).cloned();
        let in_session = self.state().session.is_some();
        if status == StatusCode::NOT_FOUND && in_session {
            return Ok(Reply::SessionNotFound);
        }
        self.state().accepted = true;
        let message = |incoming: Incoming| {
            let outcome = match (incoming.result, incoming.error) {
                (_, Some(error)) => Err(error),
                (Some(result), None) => Ok(result),
                (None, None) => return Reply::NotJsonRpc(status),
            };
            Reply::Message { status, outcome, session: session.clone() }
        };
        if media_type(&response) == "text/event-stream" && status.is_success() {
            return self.follow(response, &request.id, &mut deadline).await.map(message);
        }
        let body = self
            .within(
                deadline,
                http::read_body(response, self.client.url.as_str(), MAX_MESSAGE_BYTES),
            )
            .await??;
        let text = String::from_utf8_lossy(&body);
        self.client.reporter.body(&text);
        match serde_json::from_str::<Incoming>(&text) {
            Ok(incoming) if incoming.id.as_ref().is_none_or(|id| *id == request.id) => {
                Ok(message(incoming))
            }
            Ok(_) => Err(ClientError::Protocol("the response is for another request".to_owned())),
            Err(_) => Ok(Reply::NotJsonRpc(status)),
        }
    }

    /// Sends a message that has no response: a notification, or the response to a request of the server.
    pub(crate) async fn notify(&self, message: &impl Serialize) -> Result<(), ClientError> {
        let body = serde_json::to_string(message).expect("a message is JSON");
        self.post(body, &HeaderMap::new(), self.deadline()).await.map(drop)
    }

    /// Ends the session, if the server opened one.
    pub(crate) async fn end_session(&self) {
        if self.state().session.is_none() {
            return;
        }
        let send = self.send(Method::DELETE, HeaderMap::new(), None);
        // The server may reject it (405): not all support it.
        let _ = timeout_at(Instant::now() + END_TIMEOUT, send).await;
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
        self.within(deadline, async {
            let response = self.send(Method::POST, headers.clone(), Some(body.clone())).await?;
            // Once more with the server's nonce in the proof (RFC 9449, 9).
            let wants_nonce = response.status() == StatusCode::UNAUTHORIZED
                && AuthChallenge::from_response(401, response.headers(), None, false)?
                    .param("error")
                    == Some("use_dpop_nonce");
            if wants_nonce {
                self.send(Method::POST, headers, Some(body)).await
            } else {
                Ok(response)
            }
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
            if let Some(token) = &state.token {
                let scheme = if token.proof_key.is_some() { "DPoP" } else { "Bearer" };
                let value = HeaderValue::try_from(format!("{scheme} {}", token.token.expose()));
                let mut value = value.map_err(|_| {
                    ClientError::Protocol(
                        "the token has characters that no header can carry".to_owned(),
                    )
                })?;
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
                if let Some(key) = &token.proof_key {
                    let key = ProofKey::import(key)?;
                    let nonce = client.nonces.get(url);
                    let proof = key.proof(method.as_str(), url, nonce, Some(&token.token))?;
                    headers.insert(DPOP, HeaderValue::try_from(proof).expect("a JWT is ASCII"));
                }
            }
        }
        client.reporter.request(method.as_str(), url, &headers, body.as_deref());
        let response = client.http.send(method, url, headers, body).await?;
        client.reporter.response(response.status(), response.headers());
        client.nonces.update(url, response.headers());
        Ok(response)
    }

    async fn unauthorized(
        &self,
        response: Response,
        deadline: Instant,
    ) -> Result<Reply, ClientError> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = self
            .within(
                deadline,
                http::read_body(response, self.client.url.as_str(), MAX_MESSAGE_BYTES),
            )
            .await?;
        if let Ok(body) = body {
            self.client.reporter.body(&String::from_utf8_lossy(&body));
        }
        let (token, accepted) = {
            let mut state = self.state();
            let accepted = state.accepted;
            // A 403 accepts the token; it is only not enough.
            state.accepted |= status == 403;
            (state.token.clone(), accepted)
        };
        AuthChallenge::from_response(status, &headers, token, !accepted).map(Reply::Unauthorized)
    }

    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.client.options.timeout)
    }

    pub(crate) async fn within<T>(
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
fn media_type(response: &Response) -> &str {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.split(';').next()).unwrap_or_default().trim()
}
