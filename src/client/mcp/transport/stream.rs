//! Event streams: responses in pieces, requests of the server in between, and resumption.
//!
//! Specs: MCP 2025-11-25 transports, "Sending Messages to the Server" (6), "Listening for Messages from the Server"
//! and "Resumability and Redelivery"; MCP 2026-07-28 Streamable HTTP, "Receiving Messages" (no resumption).

use std::time::Duration;

use reqwest::{
    Method, Response,
    header::{ACCEPT, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{Incoming, MAX_MESSAGE_BYTES, Transport, media_type, sse::EventStream};
use crate::{
    client::{context::error::ClientError, mcp::elicitation},
    jsonrpc::{self, ErrorObject, Id},
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const MAX_RECONNECTIONS: u32 = 5;
/// If the server does not say how long to wait.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);
const OPEN_TIMEOUT: Duration = Duration::from_secs(2);
const LISTEN_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

impl Transport {
    /// Reads a stream until the response to `id`, resuming it where it was cut if the server supports that.
    pub(crate) async fn follow(
        &self,
        response: Response,
        id: &Id,
        deadline: &mut Instant,
    ) -> Result<Incoming, ClientError> {
        let mut events = EventStream::default();
        let mut response = Some(response);
        for _ in 0..=MAX_RECONNECTIONS {
            if let Some(open) = response.take()
                && let Some(response) = self.read(open, &mut events, Some(id), deadline).await?
            {
                return Ok(response);
            }
            let Some(last) = events.last_id.clone().filter(|_| self.is_legacy()) else {
                return Err(ClientError::Protocol(
                    "the stream ended before the response".to_owned(),
                ));
            };
            let wait = events.retry.unwrap_or(DEFAULT_RETRY);
            self.client.reporter.note(&format!(
                "the stream ended; resuming after event {last} in {} ms",
                wait.as_millis()
            ));
            self.within(*deadline, tokio::time::sleep(wait)).await?;
            let reopened = self.within(*deadline, self.open(Some(&last))).await??;
            response = Some(reopened).filter(|r| r.status().is_success());
            events = events.reopened();
        }
        Err(ClientError::Protocol(format!(
            "the stream was cut {MAX_RECONNECTIONS} times before the response"
        )))
    }

    /// Reads a stream to its end or to the response to `id`. Requests of the server are served on the way.
    async fn read(
        &self,
        mut response: Response,
        events: &mut EventStream,
        id: Option<&Id>,
        deadline: &mut Instant,
    ) -> Result<Option<Incoming>, ClientError> {
        loop {
            // A cut connection counts as an end: what is missing may be fetched by resuming.
            let Ok(Some(piece)) = self.within(*deadline, response.chunk()).await? else {
                return Ok(None);
            };
            for data in events.feed(&piece) {
                self.client.reporter.body(&data);
                let Ok(incoming) = serde_json::from_str::<Incoming>(&data) else {
                    return Err(ClientError::Protocol(
                        "an event of the stream is not a JSON-RPC message".to_owned(),
                    ));
                };
                match (&incoming.method, &incoming.id) {
                    (None, Some(response_id)) if Some(response_id) == id => {
                        return Ok(Some(incoming));
                    }
                    (Some(_), Some(_)) if self.is_legacy() => {
                        self.serve(incoming, deadline).await?;
                    }
                    _ => {}
                }
            }
            if events.buffered_bytes() > MAX_MESSAGE_BYTES {
                return Err(ClientError::TooLarge {
                    url: self.client.url.to_string(),
                    limit: MAX_MESSAGE_BYTES,
                });
            }
        }
    }

    /// Serves a request of the server (2025-11-25 and earlier). The time limit is extended by the time that the user needs,
    /// and by nothing else.
    async fn serve(&self, incoming: Incoming, deadline: &mut Instant) -> Result<(), ClientError> {
        let (id, method) = (incoming.id, incoming.method.unwrap_or_default());
        let outcome = match method.as_str() {
            "ping" => Ok(Value::Object(jsonrpc::Object::new())),
            "elicitation/create" => {
                let start = Instant::now();
                let response = elicitation::respond(&self.client, &incoming.params).await;
                *deadline += start.elapsed();
                Ok(response)
            }
            _ => Err(ErrorObject::method_not_found(&method)),
        };
        self.within(*deadline, self.notify(&jsonrpc::Response::new(id, outcome))).await?
    }

    async fn open(&self, last_event: Option<&str>) -> Result<Response, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(last) = last_event.and_then(|last| HeaderValue::from_str(last).ok()) {
            headers.insert(LAST_EVENT_ID, last);
        }
        self.send(Method::GET, headers, None).await
    }

    /// Opens the stream for requests and notifications of the server and reads it in the background. Returns as soon as the
    /// server has accepted or declined (405).
    pub(crate) async fn listen(&self) -> Option<tokio::task::JoinHandle<()>> {
        let open = timeout_at(Instant::now() + OPEN_TIMEOUT, self.open(None)).await;
        let Ok(Ok(response)) = open else {
            return None;
        };
        if !response.status().is_success() || media_type(&response) != "text/event-stream" {
            return None;
        }
        let transport = self.clone();
        Some(tokio::spawn(async move {
            let mut response = response;
            let mut events = EventStream::default();
            for _ in 0..MAX_RECONNECTIONS {
                let mut deadline = Instant::now() + LISTEN_TIMEOUT;
                if transport.read(response, &mut events, None, &mut deadline).await.is_err() {
                    return;
                }
                tokio::time::sleep(events.retry.unwrap_or(DEFAULT_RETRY)).await;
                events = events.reopened();
                match transport.open(events.last_id.as_deref()).await {
                    Ok(reopened) if reopened.status().is_success() => response = reopened,
                    _ => return,
                }
            }
        }))
    }
}
