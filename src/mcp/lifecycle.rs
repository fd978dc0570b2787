//! How a conversation begins and is kept alive: `initialize` and `ping`; and `server/discover`, for those who need no
//! beginning.
//!
//! Rules: MCP 2025-11-25 lifecycle, and utilities/ping (the answer to a ping is an empty result; what we have to say
//! is in its `_meta`, because clients refuse unknown members there); MCP 2026-07-28 server/discover.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{jsonrpc::Object, principal::Principal};

use super::{
    dispatcher::{Call, MethodError},
    protocol,
};

/// Who we are and what we can do, as `initialize` tells it.
#[derive(Debug, Clone)]
pub struct Server(Arc<Description>);

#[derive(Debug, Clone)]
struct Description {
    info: Object,
    capabilities: Object,
}

impl Server {
    /// A server of this name, in the version of this crate.
    pub fn new(name: &str) -> Self {
        let info = [("name", name), ("version", env!("CARGO_PKG_VERSION"))];
        let info = info.map(|(member, value)| (member.to_owned(), value.into()));
        Self(Arc::new(Description { info: Map::from_iter(info), capabilities: Map::new() }))
    }

    /// Offers `tools`, `prompts` or `resources`; the list never changes while we run.
    #[must_use]
    pub fn offering(mut self, feature: &str) -> Self {
        let fixed = Value::Object(Map::from_iter([("listChanged".to_owned(), false.into())]));
        Arc::make_mut(&mut self.0).capabilities.insert(feature.to_owned(), fixed);
        self
    }

    /// Completes the arguments of prompts and of resource templates.
    #[must_use]
    pub fn completing(mut self) -> Self {
        let nothing_more = Value::Object(Map::new());
        Arc::make_mut(&mut self.0).capabilities.insert("completions".to_owned(), nothing_more);
        self
    }

    /// Name and version, as JSON.
    pub(super) fn identity(&self) -> String {
        let identity =
            ["name", "version"].map(|member| (member.to_owned(), self.0.info[member].clone()));
        Value::Object(Map::from_iter(identity)).to_string()
    }

    /// One more member of `serverInfo`; the tutorial shows its progress there.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("a member is serializable");
        Arc::make_mut(&mut self.0).info.insert(member.to_owned(), value);
        self
    }

    /// The fields of an object as further members of `serverInfo`.
    #[must_use]
    pub fn with_details(mut self, details: &impl Serialize) -> Self {
        let details = serde_json::to_value(details).expect("details are serializable");
        let Value::Object(details) = details else { panic!("details are an object") };
        Arc::make_mut(&mut self.0).info.extend(details);
        self
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InitializeParams {
    protocol_version: Option<String>,
}

/// The answer to `initialize`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeResult {
    protocol_version: &'static str,
    capabilities: Object,
    server_info: Object,
}

/// `initialize`. The posts' clients send it without parameters, so none are required.
pub async fn initialize(server: Server, call: Call) -> Result<InitializeResult, MethodError> {
    let wanted = call.params.read::<InitializeParams>()?.protocol_version;
    let mut server_info = server.0.info.clone();
    if let Some(principal) = &call.principal {
        server_info.insert("authenticatedUser".to_owned(), principal.name.clone().into());
        server_info.extend(grants(principal));
    }
    Ok(InitializeResult {
        protocol_version: protocol::negotiate(wanted.as_deref()),
        capabilities: server.0.capabilities.clone(),
        server_info,
    })
}

/// The answer to `server/discover`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoverResult {
    supported_versions: Vec<&'static str>,
    capabilities: Object,
}

/// `server/discover`
pub async fn discover(server: Server, _: Call) -> Result<DiscoverResult, MethodError> {
    let capabilities = server.0.capabilities.clone();
    Ok(DiscoverResult { supported_versions: protocol::all().collect(), capabilities })
}

/// The answer to `ping`: nothing, and in `_meta` who asked.
#[derive(Debug, Serialize)]
pub struct PingResult {
    #[serde(rename = "_meta", skip_serializing_if = "Map::is_empty")]
    meta: Object,
}

/// `ping`
pub async fn ping(call: Call) -> Result<PingResult, MethodError> {
    let mut meta = Map::new();
    if let Some(principal) = &call.principal {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |elapsed| elapsed.as_secs_f64());
        meta.insert("pong".to_owned(), true.into());
        meta.insert("timestamp".to_owned(), now.into());
        meta.insert("user".to_owned(), principal.name.clone().into());
        meta.insert("authenticated".to_owned(), true.into());
        meta.extend(grants(principal));
    }
    Ok(PingResult { meta })
}

/// What a ping says beside who asked: the tutorial's servers boast of their features there.
#[derive(Debug, Clone, Default)]
pub struct Pong(Arc<Object>);

impl Pong {
    /// Nothing more.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("a member is serializable");
        Arc::make_mut(&mut self.0).insert(member.to_owned(), value);
        self
    }
}

/// `ping` with more to say.
pub async fn ping_with(pong: Pong, call: Call) -> Result<PingResult, MethodError> {
    let mut result = ping(call).await?;
    result.meta.extend(Object::clone(&pong.0));
    Ok(result)
}

/// `ping`, answered as bare as the text has it; whoever wants to know who they are has `whoami`.
pub async fn bare_ping(_: Call) -> Result<PingResult, MethodError> {
    Ok(PingResult { meta: Map::new() })
}

fn grants(principal: &Principal) -> [(String, Value); 2] {
    let scopes = principal.scopes.iter().map(Value::from).collect();
    let roles = principal.roles.iter().cloned().map(Value::from).collect();
    [("userScopes".to_owned(), Value::Array(scopes)), ("userRoles".to_owned(), Value::Array(roles))]
}
