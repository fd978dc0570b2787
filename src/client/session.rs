//! A conversation with the server: which revision, what it offers, and every request answered or explained.
//!
//! Rules: MCP 2026-07-28 versioning ("Backward Compatibility"), server/discover, patterns/mrtr, pagination; MCP
//! 2025-11-25 lifecycle.

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    Client, elicitation,
    error::ClientError,
    mirror,
    options::Protocol,
    refusal::{Authorize, Credential, Refusal},
    report::Stage,
    wire::{Reply, Wire},
};
use crate::jsonrpc::{self, ErrorObject, METHOD_NOT_FOUND, Notification, Object, Request};

/// The newest revision: every request stands for itself.
pub(crate) const MODERN: &str = "2026-07-28";
const NEWEST_SESSION: &str = "2025-11-25";
/// The revisions with an `initialize` that we know.
const LEGACY: [&str; 3] = [NEWEST_SESSION, "2025-06-18", "2025-03-26"];
/// Errors that only servers of the modern era give (2026-07-28 basic, "Error Codes").
pub(crate) const HEADER_MISMATCH: i64 = -32020;
const MISSING_CAPABILITY: i64 = -32021;
const UNSUPPORTED_VERSION: i64 = -32022;

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
    pub(crate) wire: Wire,
    version: &'static str,
    pub(crate) capabilities: Object,
    pub(crate) server: Value,
    next_id: i64,
    listener: Option<tokio::task::JoinHandle<()>>,
}

/// What a method gave, or why not.
pub(crate) type Outcome = Result<Box<RawValue>, ErrorObject>;

impl<A: Authorize> Session<A> {
    /// [1]: asks the server what it is. Whatever it refuses is put right by `authorizer`.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses for good, or speaks no revision that we know.
    pub async fn open(client: Arc<Client>, authorizer: A) -> Result<Self, ClientError> {
        let stored = client.store.credential(&client.url)?.filter(|stored| !stored.expires_soon());
        match &stored {
            Some(_) => client
                .report
                .stage(Stage::Ask, "Ask, with the token of the last run (--forget to start over)"),
            None => client.report.stage(Stage::Ask, "Ask without a token"),
        }
        let wire = Wire::new(client.clone(), stored);
        let mut session = Self {
            client,
            authorizer,
            wire,
            version: MODERN,
            capabilities: Object::new(),
            server: Value::Null,
            next_id: 0,
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

    pub(crate) fn credential(&self) -> Option<Arc<Credential>> {
        self.wire.credential()
    }

    /// Ends the session, where there is one.
    pub async fn close(mut self) {
        if let Some(listener) = self.listener.take() {
            listener.abort();
        }
        self.wire.end().await;
    }

    /// Asks a server of the modern era what it is; `false` when it is of the other era and we may fall back.
    async fn discover(&mut self, may_fall_back: bool) -> Result<bool, ClientError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Discovered {
            #[serde(default)]
            supported_versions: Vec<String>,
            #[serde(default)]
            capabilities: Object,
            #[serde(default, rename = "_meta")]
            meta: Object,
        }
        self.wire.speak(Some(MODERN), None);
        for _ in 0..2 {
            let reply = self.send("server/discover", Object::new(), HeaderMap::new()).await?;
            let (status, outcome) = match reply {
                Reply::Answered { status, outcome, .. } => (status, outcome),
                Reply::Foreign(status) if may_fall_back && !status.is_server_error() => {
                    return Ok(false);
                }
                other => return Err(foreign("server/discover", &other)),
            };
            match outcome {
                Ok(result) => {
                    let mut found: Discovered = parse(&result)?;
                    if !found.supported_versions.iter().any(|version| version == MODERN)
                        && may_fall_back
                    {
                        return Ok(false);
                    }
                    self.capabilities = found.capabilities;
                    self.server =
                        found.meta.remove("io.modelcontextprotocol/serverInfo").unwrap_or_default();
                    return Ok(true);
                }
                // It says which revisions it speaks: with ours among them it is worth another try.
                Err(error) if error.code == UNSUPPORTED_VERSION => {
                    let supported =
                        error.data.as_ref().and_then(|data| data["supported"].as_array());
                    let speaks = |version: &str| {
                        supported.is_some_and(|all| all.iter().any(|v| *v == version))
                    };
                    if speaks(MODERN) {
                        continue;
                    }
                    if may_fall_back && LEGACY.iter().any(|version| speaks(version)) {
                        return Ok(false);
                    }
                    return Err(rpc("server/discover", error));
                }
                Err(error) if matches!(error.code, HEADER_MISMATCH | MISSING_CAPABILITY) => {
                    return Err(rpc("server/discover", error));
                }
                // Not a modern error, so not a modern server. With 2026-07-28 wished for, the method may be all that
                // is missing.
                Err(_) if may_fall_back => return Ok(false),
                Err(error) if error.code == METHOD_NOT_FOUND || status.is_success() => {
                    return Ok(true);
                }
                Err(error) => return Err(rpc("server/discover", error)),
            }
        }
        Err(ClientError::Protocol(format!("the server supports {MODERN} and refuses it")))
    }

    async fn initialize(&mut self, version: &'static str) -> Result<(), ClientError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Initialized {
            protocol_version: String,
            #[serde(default)]
            capabilities: Object,
            #[serde(default)]
            server_info: Value,
        }
        self.version = version;
        self.wire.speak(None, None);
        let params = json!({
            "protocolVersion": version,
            "capabilities": self.own_capabilities(),
            "clientInfo": client_info(),
        });
        let reply = self.send("initialize", object(params), HeaderMap::new()).await?;
        let Reply::Answered { outcome, session, .. } = reply else {
            return Err(foreign("initialize", &reply));
        };
        let result: Initialized = parse(&outcome.map_err(|error| rpc("initialize", error))?)?;
        let spoken = LEGACY
            .into_iter()
            .find(|known| *known == result.protocol_version)
            .ok_or_else(|| {
                ClientError::Protocol(format!(
                    "the server speaks {}, which we do not",
                    result.protocol_version
                ))
            })?;
        self.version = spoken;
        self.capabilities = result.capabilities;
        self.server = result.server_info;
        self.wire.speak(Some(spoken), session);
        self.wire.tell(&Notification::new("notifications/initialized", Object::new())).await?;
        if let Some(before) = self.listener.take() {
            before.abort();
        }
        // Questions may come on a stream of their own. Who cannot be asked need not listen.
        if elicitation::capability(&self.client, true).is_some() {
            self.listener = self.wire.listen().await;
        }
        Ok(())
    }

    fn own_capabilities(&self) -> Object {
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
    async fn send(
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
                Reply::Refused(refusal) => {
                    let credential = self.authorizer.authorize(&refusal).await?;
                    self.wire.authorize(credential);
                    self.client.report.stage(Stage::Session, "The request again, with the token");
                }
                reply => return Ok(reply),
            }
        }
        Err(ClientError::GivenUp(format!("{method} was refused {REFUSALS} times")))
    }

    /// Before the end of a token that can be renewed, not after.
    async fn renew(&mut self) -> Result<(), ClientError> {
        let expiring = self.credential().filter(|c| c.expires_soon() && c.refresh_token.is_some());
        if let Some(credential) = expiring {
            self.client.report.note("the token expires soon");
            let renewed = self.authorizer.authorize(&Refusal::expiring(credential)).await?;
            self.wire.authorize(renewed);
        }
        Ok(())
    }

    fn prepare(&mut self, method: &str, mut params: Object) -> (Request, HeaderMap) {
        let mut headers = HeaderMap::new();
        if self.is_modern() {
            headers.insert(METHOD, mirror::encode(method));
            let name = match method {
                "tools/call" | "prompts/get" => params.get("name"),
                "resources/read" => params.get("uri"),
                _ => None,
            };
            headers.extend(name.and_then(Value::as_str).map(|name| (NAME, mirror::encode(name))));
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

fn client_info() -> Value {
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

fn foreign(method: &str, reply: &Reply) -> ClientError {
    match reply {
        Reply::Foreign(status) => ClientError::Protocol(format!(
            "{method} was answered with {status} and no message of JSON-RPC"
        )),
        _ => ClientError::Protocol(format!("{method} was answered by the end of the session")),
    }
}
