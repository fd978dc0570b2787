//! A conversation with the server: which revision, what it offers, and every request answered or explained.
//!
//! Rules: MCP 2026-07-28 basic (`_meta`), Streamable HTTP "Request Metadata" and patterns/mrtr; MCP 2025-11-25 transports
//! "Session Management"; MCP authorization "Error Handling".

pub(crate) mod versions;

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use crate::{
    client::{
        context::{client::Client, error::ClientError, options::Protocol, reporter::Stage},
        mcp::{
            elicitation, param_headers,
            session::versions::NEWEST_SESSION,
            transport::{Reply, Transport},
        },
        oauth::{
            token,
            unauthorized::{AccessToken, AuthChallenge, Authorizer},
        },
    },
    jsonrpc::{self, ErrorObject, Object, Request},
};

/// The newest revision: every request stands for itself.
pub(crate) const MODERN: &str = "2026-07-28";
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// Refusals of one request that are answered before it is given up.
const REFUSALS: u32 = 4;
const ROUND_TRIPS: u32 = 20;

/// A conversation with one server.
#[derive(Debug)]
pub struct Session<A> {
    pub(crate) client: Arc<Client>,
    authorizer: A,
    pub(crate) wire: Transport,
    pub(crate) version: &'static str,
    pub(crate) capabilities: Object,
    pub(crate) server: Value,
    next_id: i64,
    /// Whether a request is worth asking the person for more scopes.
    pub(crate) step_up: bool,
    pub(crate) listener: Option<tokio::task::JoinHandle<()>>,
}

/// What a method gave, or why not.
pub(crate) type Outcome = Result<Box<RawValue>, ErrorObject>;

impl<A: Authorizer> Session<A> {
    /// \[1\]: asks the server what it is. Whatever it refuses is put right by `authorizer`.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses for good, or speaks no revision that we know.
    pub async fn open(client: Arc<Client>, authorizer: A) -> Result<Self, ClientError> {
        let stored = token::stored(&client)?.filter(|stored| !stored.expires_soon());
        match &stored {
            Some(_) => client
                .report
                .stage(Stage::Ask, "Ask, with the token of the last run (--forget to start over)"),
            None => client.report.stage(Stage::Ask, "Ask without a token"),
        }
        let wire = Transport::new(client.clone(), stored);
        let mut session = Self {
            client,
            authorizer,
            wire,
            version: MODERN,
            capabilities: Object::new(),
            server: Value::Null,
            next_id: 0,
            step_up: true,
            listener: None,
        };
        let wished = session.client.options.protocol;
        match wished {
            Protocol::Auto => {
                if !session.discover(true).await? {
                    session.initialize(NEWEST_SESSION).await?;
                }
            }
            Protocol::V2026_07_28 => {
                session.discover(false).await?;
            }
            Protocol::V2025_11_25 => session.initialize(NEWEST_SESSION).await?,
            Protocol::V2025_06_18 => session.initialize("2025-06-18").await?,
        }
        Ok(session)
    }

    /// The revision that is spoken.
    pub fn version(&self) -> &'static str {
        self.version
    }

    pub(crate) fn is_modern(&self) -> bool {
        self.version == MODERN
    }

    pub(crate) fn credential(&self) -> Option<Arc<AccessToken>> {
        self.wire.credential()
    }

    /// Ends the session, where there is one.
    pub async fn close(mut self) {
        if let Some(listener) = self.listener.take() {
            listener.abort();
        }
        self.wire.end().await;
    }

    pub(crate) fn own_capabilities(&self) -> Object {
        let modes = self.is_modern() || self.version == NEWEST_SESSION;
        let elicitation = elicitation::capability(&self.client, modes);
        elicitation.map(|value| ("elicitation".to_owned(), value)).into_iter().collect()
    }

    /// One request, and as many round trips as the server needs to ask back (2026-07-28 MRTR).
    pub(crate) async fn request(
        &mut self,
        method: &str,
        params: Object,
        headers: HeaderMap,
    ) -> Result<Outcome, ClientError> {
        let mut current = params.clone();
        for _ in 0..ROUND_TRIPS {
            let outcome = match self.send(method, current, headers.clone()).await? {
                Reply::Answered { outcome, .. } => outcome,
                Reply::SessionGone => {
                    self.client.report.note("the session has ended; a new one is opened");
                    self.initialize(self.version).await?;
                    current = params.clone();
                    continue;
                }
                other => return Err(foreign(method, &other)),
            };
            let result = match outcome {
                Ok(result) => result,
                refused => return Ok(refused),
            };
            match self.asked_back(&result).await? {
                None => return Ok(Ok(result)),
                Some(answers) => {
                    current = params.clone();
                    current.extend(answers);
                }
            }
        }
        Err(ClientError::Protocol(format!("{method} was not done after {ROUND_TRIPS} round trips")))
    }

    /// The members that a retry carries, when the result is a question instead of an answer.
    async fn asked_back(&self, result: &RawValue) -> Result<Option<Object>, ClientError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct InputRequired {
            result_type: Option<String>,
            input_requests: Option<Map<String, Value>>,
            request_state: Option<Value>,
        }
        if !self.is_modern() || !result.get().contains("input_required") {
            return Ok(None);
        }
        let asked: InputRequired = parse(result)?;
        // No type at all is a complete result.
        if asked.result_type.as_deref() != Some("input_required") {
            return Ok(None);
        }
        let mut retry = Object::new();
        if let Some(requests) = asked.input_requests {
            let mut responses = Object::new();
            for (key, request) in requests {
                let response = match request["method"].as_str() {
                    Some("elicitation/create") => {
                        elicitation::answer(&self.client, &request["params"]).await
                    }
                    other => {
                        let method = other.unwrap_or("nothing").to_owned();
                        return Err(ClientError::Protocol(format!(
                            "the server asks for {method}, which we did not offer"
                        )));
                    }
                };
                responses.insert(key, response);
            }
            retry.insert("inputResponses".to_owned(), Value::Object(responses));
        }
        retry.extend(asked.request_state.map(|state| ("requestState".to_owned(), state)));
        Ok(Some(retry))
    }

    /// Sends one request. A refusal goes to the authorizer, and the request goes out again.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        params: Object,
        headers: HeaderMap,
    ) -> Result<Reply, ClientError> {
        self.renew().await?;
        for _ in 0..REFUSALS {
            let (request, mut all) = self.prepare(method, params.clone());
            all.extend(headers.clone());
            match self.wire.request(&request, &all).await? {
                Reply::Refused(refusal) if refusal.status == 403 && !self.step_up => {
                    let needs = refusal.scopes().unwrap_or_default().to_string();
                    return Err(ClientError::Forbidden { method: method.to_owned(), needs });
                }
                Reply::Refused(refusal) => {
                    let credential = self.authorizer.authorize(&refusal).await?;
                    self.wire.authorize(credential);
                    self.client.report.stage(Stage::Session, "The request again, with the token");
                }
                reply => return Ok(reply),
            }
        }
        Err(ClientError::RetryLimit(format!("{method} was refused {REFUSALS} times")))
    }

    /// Before the end of a token that can be renewed, not after.
    async fn renew(&mut self) -> Result<(), ClientError> {
        let expiring = self.credential().filter(|c| c.expires_soon() && c.refresh_token.is_some());
        if let Some(credential) = expiring {
            self.client.report.note("the token expires soon");
            let renewed = self.authorizer.authorize(&AuthChallenge::expiring(credential)).await?;
            self.wire.authorize(renewed);
        }
        Ok(())
    }

    fn prepare(&mut self, method: &str, mut params: Object) -> (Request, HeaderMap) {
        let mut headers = HeaderMap::new();
        if self.is_modern() {
            headers.insert(METHOD, param_headers::encode(method));
            let name = match method {
                "tools/call" | "prompts/get" => params.get("name"),
                "resources/read" => params.get("uri"),
                _ => None,
            };
            headers.extend(
                name.and_then(Value::as_str).map(|name| (NAME, param_headers::encode(name))),
            );
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": client_info(),
                "io.modelcontextprotocol/clientCapabilities": self.own_capabilities(),
            });
            params.insert("_meta".to_owned(), meta);
        }
        self.next_id += 1;
        (Request::new(self.next_id, method, params), headers)
    }
}

pub(crate) fn client_info() -> Value {
    json!({"name": "mcp-auth-step-by-step", "version": env!("CARGO_PKG_VERSION")})
}

pub(crate) fn object(value: Value) -> Object {
    match value {
        Value::Object(members) => members,
        _ => Object::new(),
    }
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(result: &RawValue) -> Result<T, ClientError> {
    serde_json::from_str(result.get())
        .map_err(|e| ClientError::Protocol(format!("a result cannot be read: {e}")))
}

pub(crate) fn rpc(method: &str, error: jsonrpc::ErrorObject) -> ClientError {
    ClientError::Rpc { method: method.to_owned(), error: Box::new(error) }
}

pub(crate) fn foreign(method: &str, reply: &Reply) -> ClientError {
    match reply {
        Reply::NotJsonRpc(status) => ClientError::Protocol(format!(
            "{method} was answered with {status} and no message of JSON-RPC"
        )),
        _ => ClientError::Protocol(format!("{method} was answered by the end of the session")),
    }
}
