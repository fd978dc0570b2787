//! A session with an MCP server: the protocol version, the server's capabilities, and requests with retries.
//!
//! Specs: MCP 2026-07-28 basic (`_meta`, `resultType`), Streamable HTTP "Request Metadata" and patterns/mrtr (multi
//! round-trip requests); MCP 2025-11-25 transports "Session Management"; MCP authorization "Error Handling".

mod input;
pub(crate) mod versions;

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName};
use serde_json::{Value, json, value::RawValue};

use self::versions::NEWEST_LEGACY;
use crate::{
    client::{
        context::{
            client::Client, credentials::AccessToken, error::ClientError, options::ProtocolVersion,
            reporter::Stage,
        },
        mcp::{
            elicitation, param_headers,
            transport::{Reply, STATELESS, Transport},
        },
        oauth::{
            token,
            unauthorized::{AuthChallenge, Authorizer},
        },
    },
    jsonrpc::{self, ErrorObject, Object, Request},
};

const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// Challenges to one request that are answered with a new token.
const MAX_CHALLENGES: u32 = 3;
const MAX_ROUND_TRIPS: u32 = 20;

/// A session with one server.
#[derive(Debug)]
pub struct Session<A> {
    pub(crate) client: Arc<Client>,
    authorizer: A,
    transport: Transport,
    version: &'static str,
    pub(crate) capabilities: Object,
    pub(crate) server_info: Value,
    next_id: i64,
    /// Whether a 403 is worth asking the user for more scopes.
    pub(crate) step_up: bool,
    listener: Option<tokio::task::JoinHandle<()>>,
}

/// The result of a method, or the error that it returned.
pub(crate) type MethodResult = Result<Box<RawValue>, ErrorObject>;

impl<A: Authorizer> Session<A> {
    /// \[1\]: calls the server for the first time. When it requires a token, `authorizer` gets one.
    ///
    /// # Errors
    /// When the server cannot be reached, rejects the request for good, or supports no known protocol version.
    pub async fn open(client: Arc<Client>, authorizer: A) -> Result<Self, ClientError> {
        let stored = token::load_stored(&client)?.filter(|token| !token.expires_soon());
        let title = match &stored {
            Some(_) => "Call the server with the stored token (--logout deletes it)",
            None => "Call the server without a token",
        };
        client.reporter.stage(Stage::FirstRequest, title);
        let mut session = Self {
            transport: Transport::new(client.clone(), stored),
            client,
            authorizer,
            version: STATELESS,
            capabilities: Object::new(),
            server_info: Value::Null,
            next_id: 0,
            step_up: true,
            listener: None,
        };
        match session.client.options.protocol_version {
            ProtocolVersion::Auto => {
                if !session.discover(true).await? {
                    session.initialize(NEWEST_LEGACY).await?;
                }
            }
            ProtocolVersion::V2026_07_28 => {
                session.discover(false).await?;
            }
            ProtocolVersion::V2025_11_25 => session.initialize(NEWEST_LEGACY).await?,
            ProtocolVersion::V2025_06_18 => session.initialize("2025-06-18").await?,
            ProtocolVersion::V2025_03_26 => session.initialize("2025-03-26").await?,
        }
        Ok(session)
    }

    /// The negotiated protocol version.
    pub fn version(&self) -> &'static str {
        self.version
    }

    pub(crate) fn is_stateless(&self) -> bool {
        self.version == STATELESS
    }

    pub(crate) fn token(&self) -> Option<Arc<AccessToken>> {
        self.transport.token()
    }

    /// Ends the session on the server, if there is one.
    pub async fn close(mut self) {
        if let Some(listener) = self.listener.take() {
            listener.abort();
        }
        self.transport.end_session().await;
    }

    fn client_capabilities(&self) -> Object {
        let with_modes = self.is_stateless() || self.version == NEWEST_LEGACY;
        let elicitation = elicitation::capability(&self.client, with_modes);
        elicitation.map(|value| ("elicitation".to_owned(), value)).into_iter().collect()
    }

    /// One request, and as many round trips as the server needs for its own questions.
    pub(crate) async fn request(
        &mut self,
        method: &str,
        params: Object,
        headers: HeaderMap,
    ) -> Result<MethodResult, ClientError> {
        let mut current = params.clone();
        for _ in 0..MAX_ROUND_TRIPS {
            let outcome = match self.send(method, current, headers.clone()).await? {
                Reply::Message { outcome, .. } => outcome,
                Reply::SessionNotFound => {
                    self.client.reporter.note("the session has ended; a new one is opened");
                    self.initialize(self.version).await?;
                    current = params.clone();
                    continue;
                }
                other => return Err(self.unexpected(method, &other)),
            };
            let result = match outcome {
                Ok(result) => result,
                error => return Ok(error),
            };
            match self.required_input(&result).await? {
                None => return Ok(Ok(result)),
                Some(input) => {
                    current = params.clone();
                    current.extend(input);
                }
            }
        }
        Err(ClientError::Protocol(format!(
            "{method} was not complete after {MAX_ROUND_TRIPS} round trips"
        )))
    }

    /// Sends one request. After a challenge it is sent again with the token of the authorizer.
    async fn send(
        &mut self,
        method: &str,
        params: Object,
        headers: HeaderMap,
    ) -> Result<Reply, ClientError> {
        self.refresh_expiring_token().await?;
        for challenges in 0.. {
            let (request, mut all) = self.prepare(method, params.clone());
            all.extend(headers.clone());
            let challenge = match self.transport.request(&request, &all).await? {
                Reply::Unauthorized(challenge) => challenge,
                reply => return Ok(reply),
            };
            if challenge.status == 403 && !self.step_up {
                let needs = challenge.scopes().unwrap_or_default().to_string();
                return Err(ClientError::Forbidden { method: method.to_owned(), needs });
            }
            // Counted before the user is asked: a token that is never used helps nobody.
            if challenges == MAX_CHALLENGES {
                break;
            }
            self.announce(&challenge);
            let token = self.authorizer.authorize(&self.client, &challenge).await?;
            self.transport.set_token(token);
            self.client.reporter.stage(Stage::Request, "Call the server with the token");
        }
        Err(ClientError::RetryLimit(format!(
            "{method} was rejected after {MAX_CHALLENGES} authorizations"
        )))
    }

    /// Why the stages from the challenge on are repeated.
    fn announce(&self, challenge: &AuthChallenge) {
        let why = match (challenge.status, &challenge.token) {
            (_, None) => return,
            (403, _) => {
                let scopes = challenge.scopes().unwrap_or_default();
                format!(
                    "Step up: the request needs the scope {:?}; back to stage 2",
                    scopes.to_string()
                )
            }
            _ => "The server does not accept the token any more; back to stage 2".to_owned(),
        };
        self.client.reporter.repeat(&why);
    }

    /// Before it expires, not after.
    async fn refresh_expiring_token(&mut self) -> Result<(), ClientError> {
        let expiring = self.token().filter(|t| t.expires_soon() && t.refresh_token.is_some());
        if let Some(token) = expiring {
            self.client.reporter.repeat("The token expires soon; back to stage 2");
            let challenge = AuthChallenge::expiring(token);
            let new = self.authorizer.authorize(&self.client, &challenge).await?;
            self.transport.set_token(new);
        }
        Ok(())
    }

    fn prepare(&mut self, method: &str, mut params: Object) -> (Request, HeaderMap) {
        let mut headers = HeaderMap::new();
        if self.is_stateless() {
            headers.insert(METHOD, param_headers::encode(method));
            let name = match method {
                "tools/call" | "prompts/get" => params.get("name"),
                "resources/read" => params.get("uri"),
                _ => None,
            };
            let name = name.and_then(Value::as_str).map(param_headers::encode);
            headers.extend(name.map(|name| (NAME, name)));
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": STATELESS,
                "io.modelcontextprotocol/clientInfo": client_info(),
                "io.modelcontextprotocol/clientCapabilities": self.client_capabilities(),
            });
            params.insert("_meta".to_owned(), meta);
        }
        self.next_id += 1;
        (Request::new(self.next_id, method, params), headers)
    }

    fn unexpected(&self, method: &str, reply: &Reply) -> ClientError {
        match reply {
            Reply::NotJsonRpc(status) => ClientError::NotAnMcpEndpoint {
                url: self.client.url.to_string(),
                method: method.to_owned(),
                status: status.as_u16(),
            },
            _ => ClientError::Protocol(format!("the session ended during {method}")),
        }
    }
}

fn client_info() -> Value {
    json!({"name": "mcp-auth-step-by-step", "version": env!("CARGO_PKG_VERSION")})
}

pub(crate) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(result: &RawValue) -> Result<T, ClientError> {
    serde_json::from_str(result.get())
        .map_err(|e| ClientError::Protocol(format!("a result is invalid: {e}")))
}

pub(crate) fn rpc(method: &str, error: jsonrpc::ErrorObject) -> ClientError {
    ClientError::Rpc { method: method.to_owned(), error: Box::new(error) }
}
