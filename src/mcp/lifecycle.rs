//! `initialize` and `ping`, and what a server reports about itself.
//!
//! Specs: MCP 2025-11-25 lifecycle; utilities/ping (the result is empty: what these steps report of the caller is in its
//! `_meta`, because clients refuse other properties there).

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    jsonrpc::Object,
    principal::{Principal, ScopeSet},
};

use super::{
    call::{CallContext, MethodResult, ResultBody},
    dispatcher::{Dispatcher, WithState},
    protocol::{self, Implementation},
};

/// Name, version and capabilities of a server.
#[derive(Debug, Clone)]
pub struct ServerInfo {
    implementation: Implementation,
    capabilities: Capabilities,
    /// More properties of `serverInfo` and of a ping's `_meta`, in which the tutorial shows its progress.
    details: Arc<Object>,
}

/// `ServerCapabilities` of the schema.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Capabilities {
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<FixedList>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompts: Option<FixedList>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<FixedList>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completions: Option<Enabled>,
}

/// A list that never changes while the server runs.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct FixedList {
    list_changed: bool,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Enabled {}

impl ServerInfo {
    /// A server of this name, in the version of this crate.
    pub fn new(name: &'static str) -> Self {
        let implementation = Implementation::new(name);
        Self { implementation, capabilities: Capabilities::default(), details: Arc::default() }
    }

    /// Announces tools.
    #[must_use]
    pub fn enable_tools(mut self) -> Self {
        self.capabilities.tools = Some(FixedList::default());
        self
    }

    /// Announces prompts.
    #[must_use]
    pub fn enable_prompts(mut self) -> Self {
        self.capabilities.prompts = Some(FixedList::default());
        self
    }

    /// Announces resources.
    #[must_use]
    pub fn enable_resources(mut self) -> Self {
        self.capabilities.resources = Some(FixedList::default());
        self
    }

    /// Announces completion of the arguments of prompts and resource templates.
    #[must_use]
    pub fn enable_completions(mut self) -> Self {
        self.capabilities.completions = Some(Enabled {});
        self
    }

    /// Adds the properties of `details` to `serverInfo` and to the `_meta` of a ping.
    ///
    /// # Panics
    /// If `details` does not serialize as a JSON object.
    #[must_use]
    pub fn with_details(mut self, details: &impl Serialize) -> Self {
        match serde_json::to_value(details) {
            Ok(Value::Object(details)) => Arc::make_mut(&mut self.details).extend(details),
            other => panic!("the details of a server are an object, not {other:?}"),
        }
        self
    }

    /// `initialize` and `ping`.
    pub fn methods(&self) -> Dispatcher {
        Dispatcher::new()
            .method("initialize", initialize.with_state(self))
            .method("ping", detailed_ping.with_state(self))
    }

    pub(super) fn implementation(&self) -> Implementation {
        self.implementation
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        self.capabilities
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InitializeParams {
    protocol_version: Option<String>,
}

/// The result of `initialize`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InitializeResult {
    protocol_version: &'static str,
    capabilities: Capabilities,
    server_info: DetailedServerInfo,
}

impl ResultBody for InitializeResult {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DetailedServerInfo {
    #[serde(flatten)]
    implementation: Implementation,
    #[serde(flatten)]
    details: Object,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated_user: Option<String>,
    #[serde(flatten)]
    permissions: Option<Permissions>,
}

/// What the caller's token permits.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Permissions {
    user_scopes: ScopeSet,
    user_roles: Vec<String>,
}

impl From<&Principal> for Permissions {
    fn from(principal: &Principal) -> Self {
        let user_roles = principal.roles.iter().cloned().collect();
        Self { user_scopes: principal.scopes.clone(), user_roles }
    }
}

/// `initialize`. The clients of the posts send it without parameters, so none are required.
pub(super) async fn initialize(
    server: ServerInfo,
    call: CallContext,
) -> MethodResult<InitializeResult> {
    let requested = call.params.read::<InitializeParams>()?.protocol_version;
    let principal = call.principal.as_ref();
    Ok(InitializeResult {
        protocol_version: protocol::negotiate(requested.as_deref()),
        capabilities: server.capabilities,
        server_info: DetailedServerInfo {
            implementation: server.implementation,
            details: Arc::unwrap_or_clone(server.details),
            authenticated_user: principal.map(|principal| principal.display_name.clone()),
            permissions: principal.map(Permissions::from),
        },
    })
}

/// The result of `ping`: empty, but for a `_meta` about an authenticated caller.
#[derive(Debug, Serialize)]
pub struct PingResult {
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<PingMeta>,
}

impl ResultBody for PingResult {}

#[derive(Debug, Serialize)]
struct PingMeta {
    pong: bool,
    /// Seconds since 1970-01-01T00:00:00Z.
    timestamp: f64,
    user: String,
    authenticated: bool,
    #[serde(flatten)]
    permissions: Permissions,
    #[serde(flatten)]
    details: Object,
}

/// `ping`
pub async fn ping(call: CallContext) -> MethodResult<PingResult> {
    let meta = call.principal.as_ref().map(|principal| PingMeta {
        pong: true,
        timestamp: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |elapsed| elapsed.as_secs_f64()),
        user: principal.display_name.clone(),
        authenticated: true,
        permissions: principal.into(),
        details: Object::new(),
    });
    Ok(PingResult { meta })
}

async fn detailed_ping(server: ServerInfo, call: CallContext) -> MethodResult<PingResult> {
    let mut result = ping(call).await?;
    if let Some(meta) = &mut result.meta {
        meta.details = Arc::unwrap_or_clone(server.details);
    }
    Ok(result)
}

/// `ping` with an entirely empty result, as the specification has it.
pub(super) async fn empty_ping(_: CallContext) -> MethodResult<PingResult> {
    Ok(PingResult { meta: None })
}
