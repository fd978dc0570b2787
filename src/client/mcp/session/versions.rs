//! Version negotiation: `server/discover` of the stateless era first, `initialize` if the server is of the legacy era.
//!
//! Specs: MCP 2026-07-28 versioning ("Backward Compatibility with Initialization-Based Versions"), server/discover
//! and Streamable HTTP "Backward Compatibility"; MCP 2025-11-25 lifecycle.

use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Session, client_info, object, parse, rpc};
use crate::{
    client::{
        context::error::ClientError,
        mcp::{
            elicitation,
            transport::{Reply, STATELESS},
        },
        oauth::unauthorized::Authorizer,
    },
    jsonrpc::{METHOD_NOT_FOUND, Notification, Object},
};

pub(crate) const NEWEST_LEGACY: &str = "2025-11-25";
/// The supported versions with `initialize`.
const LEGACY: [&str; 3] = [NEWEST_LEGACY, "2025-06-18", "2025-03-26"];
/// Errors that only servers of the stateless era return (2026-07-28 basic, "Error Codes").
pub(crate) const HEADER_MISMATCH: i64 = -32020;
const MISSING_CAPABILITY: i64 = -32021;
const UNSUPPORTED_VERSION: i64 = -32022;

impl<A: Authorizer> Session<A> {
    /// Sends `server/discover`; `false` if the server is of the legacy era and falling back is allowed.
    pub(crate) async fn discover(&mut self, may_fall_back: bool) -> Result<bool, ClientError> {
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
        self.transport.set_version(Some(STATELESS), None);
        for _ in 0..2 {
            let reply = self.send("server/discover", Object::new(), HeaderMap::new()).await?;
            let (status, outcome) = match reply {
                Reply::Message { status, outcome, .. } => (status, outcome),
                Reply::NotJsonRpc(status) if may_fall_back && !status.is_server_error() => {
                    return Ok(false);
                }
                other => return Err(self.unexpected("server/discover", &other)),
            };
            match outcome {
                Ok(result) => {
                    let mut found: Discovered = parse(&result)?;
                    if !found.supported_versions.iter().any(|version| version == STATELESS)
                        && may_fall_back
                    {
                        return Ok(false);
                    }
                    self.capabilities = found.capabilities;
                    self.server_info =
                        found.meta.remove("io.modelcontextprotocol/serverInfo").unwrap_or_default();
                    return Ok(true);
                }
                // The error names the supported versions: if ours is one of them, try again.
                Err(error) if error.code == UNSUPPORTED_VERSION => {
                    let supported =
                        error.data.as_ref().and_then(|data| data["supported"].as_array());
                    let supports = |version: &str| {
                        supported.is_some_and(|all| all.iter().any(|v| *v == version))
                    };
                    if supports(STATELESS) {
                        continue;
                    }
                    if may_fall_back && LEGACY.iter().any(|version| supports(version)) {
                        return Ok(false);
                    }
                    return Err(rpc("server/discover", error));
                }
                Err(error) if matches!(error.code, HEADER_MISMATCH | MISSING_CAPABILITY) => {
                    return Err(rpc("server/discover", error));
                }
                // Not an error of the stateless era. If that version was requested, only the method may be missing.
                Err(_) if may_fall_back => return Ok(false),
                Err(error) if error.code == METHOD_NOT_FOUND || status.is_success() => {
                    return Ok(true);
                }
                Err(error) => return Err(rpc("server/discover", error)),
            }
        }
        Err(ClientError::Protocol(format!("the server supports {STATELESS} but rejects it")))
    }

    pub(crate) async fn initialize(&mut self, version: &'static str) -> Result<(), ClientError> {
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
        self.transport.set_version(None, None);
        let params = json!({
            "protocolVersion": version,
            "capabilities": self.client_capabilities(),
            "clientInfo": client_info(),
        });
        let reply = self.send("initialize", object(params), HeaderMap::new()).await?;
        let Reply::Message { outcome, session, .. } = reply else {
            return Err(self.unexpected("initialize", &reply));
        };
        let result: Initialized = parse(&outcome.map_err(|error| rpc("initialize", error))?)?;
        let negotiated = LEGACY
            .into_iter()
            .find(|known| *known == result.protocol_version)
            .ok_or_else(|| {
                ClientError::Protocol(format!(
                    "the server supports {}, this client does not",
                    result.protocol_version
                ))
            })?;
        self.version = negotiated;
        self.capabilities = result.capabilities;
        self.server_info = result.server_info;
        self.transport.set_version(Some(negotiated), session);
        self.transport
            .notify(&Notification::new("notifications/initialized", Object::new()))
            .await?;
        if let Some(previous) = self.listener.take() {
            previous.abort();
        }
        // Requests of the server may come on a stream of their own; without a capability there are none.
        if elicitation::capability(&self.client, true).is_some() {
            self.listener = self.transport.listen().await;
        }
        Ok(())
    }
}
