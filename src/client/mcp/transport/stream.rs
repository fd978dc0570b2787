//! Streams: answers that come in pieces, questions in between, and going on where a stream was cut.
//!
//! Rules: MCP 2025-11-25 transports, "Sending Messages to the Server" (6), "Listening for Messages from the Server" and
//! "Resumability and Redelivery"; MCP 2026-07-28 Streamable HTTP, "Receiving Messages" (no resumption).

use std::time::Duration;

use reqwest::{
    Method, Response,
    header::{ACCEPT, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::{
    client::{
        context::error::ClientError,
        mcp::{
            elicitation,
            transport::{Incoming, MESSAGE_LIMIT, Transport, kind, sse::Events},
        },
    },
    jsonrpc::{self, ErrorObject, Id},
};

const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const RECONNECTIONS: u32 = 5;

impl Transport {
    /// Reads a stream until the answer to `id`, going on where it was cut if the server allows that.
    pub(crate) async fn follow(
        &self,
        response: Response,
        id: &Id,
        deadline: &mut Instant,
    ) -> Result<Incoming, ClientError> {
        let mut events = Events::default();
        let mut response = Some(response);
        for _ in 0..=RECONNECTIONS {
            if let Some(open) = response.take()
                && let Some(answer) = self.drain(open, &mut events, Some(id), deadline).await?
            {
                return Ok(answer);
            }
            let Some(last) = events.last_id.clone().filter(|_| self.is_legacy()) else {
                return Err(ClientError::Protocol("the stream ended before the answer".to_owned()));
            };
            let wait = events.retry.unwrap_or(Duration::from_secs(1));
            self.client.report.note(&format!(
                "the stream ended; going on after event {last} in {} ms",
                wait.as_millis()
            ));
            self.in_time(*deadline, tokio::time::sleep(wait)).await?;
            let reopened = self.in_time(*deadline, self.open(Some(&last))).await??;
            response = Some(reopened).filter(|r| r.status().is_success());
            events = events.reopened();
        }
        Err(ClientError::Protocol(format!(
            "the stream was cut {RECONNECTIONS} times before the answer"
        )))
    }

    /// Reads what a stream has to say; questions are answered, remarks are shown. Gives the answer to `id`, if it comes.
    async fn drain(
        &self,
        mut response: Response,
        events: &mut Events,
        id: Option<&Id>,
        deadline: &mut Instant,
    ) -> Result<Option<Incoming>, ClientError> {
        loop {
            // A cut connection ends the stream like a proper end: what is missing may be fetched.
            let Ok(Some(piece)) = self.in_time(*deadline, response.chunk()).await? else {
                return Ok(None);
            };
            for data in events.feed(&piece) {
                self.client.report.body(&data);
                let Ok(incoming) = serde_json::from_str::<Incoming>(&data) else {
                    return Err(ClientError::Protocol(
                        "an event of the stream is no message".to_owned(),
                    ));
                };
                match (&incoming.method, &incoming.id) {
                    (None, Some(answered)) if Some(answered) == id => return Ok(Some(incoming)),
                    (Some(_), Some(_)) if self.is_legacy() => {
                        self.serve(incoming, deadline).await?;
                    }
                    _ => {}
                }
            }
            if events.held() > MESSAGE_LIMIT {
                return Err(ClientError::TooLarge {
                    url: self.client.url.to_string(),
                    limit: MESSAGE_LIMIT,
                });
            }
        }
    }

    /// Answers a request of the server (2025-11-25 and earlier). The time that a person takes is not the server's, all
    /// other time is.
    async fn serve(&self, incoming: Incoming, deadline: &mut Instant) -> Result<(), ClientError> {
        let (id, method) = (incoming.id, incoming.method.unwrap_or_default());
        let outcome = match method.as_str() {
            "ping" => Ok(Value::Object(jsonrpc::Object::new())),
            "elicitation/create" => {
                let asked = Instant::now();
                let answer = elicitation::answer(&self.client, &incoming.params).await;
                *deadline += asked.elapsed();
                Ok(answer)
            }
            _ => Err(ErrorObject::method_not_found(&method)),
        };
        self.in_time(*deadline, self.notify(&jsonrpc::Response::new(id, outcome))).await?
    }

    fn is_legacy(&self) -> bool {
        self.version() != Some(crate::client::mcp::session::MODERN)
    }

    async fn open(&self, last_event: Option<&str>) -> Result<Response, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(last) = last_event.and_then(|last| HeaderValue::from_str(last).ok()) {
            headers.insert(LAST_EVENT, last);
        }
        self.send(Method::GET, headers, None).await
    }

    /// Opens the stream for what the server says of its own accord, and listens until this is dropped. Comes back as
    /// soon as the server has agreed or declined (405).
    pub(crate) async fn listen(&self) -> Option<tokio::task::JoinHandle<()>> {
        let open = timeout_at(Instant::now() + Duration::from_secs(2), self.open(None)).await;
        let Ok(Ok(response)) = open else {
            return None;
        };
        if !response.status().is_success() || kind(&response) != "text/event-stream" {
            return None;
        }
        let wire = self.clone();
        Some(tokio::spawn(async move {
            let mut response = response;
            let mut events = Events::default();
            for _ in 0..RECONNECTIONS {
                let mut deadline = Instant::now() + Duration::from_secs(24 * 3600);
                if wire.drain(response, &mut events, None, &mut deadline).await.is_err() {
                    return;
                }
                tokio::time::sleep(events.retry.unwrap_or(Duration::from_secs(1))).await;
                events = events.reopened();
                match wire.open(events.last_id.as_deref()).await {
                    Ok(reopened) if reopened.status().is_success() => response = reopened,
                    _ => return,
                }
            }
        }))
    }
}
