//! Which revision is spoken: a request of the modern era first, `initialize` when the server is of the other.
//!
//! Rules: MCP 2026-07-28 versioning ("Backward Compatibility with Initialization-Based Versions"), server/discover and
//! Streamable HTTP "Backward Compatibility"; MCP 2025-11-25 lifecycle.

use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    client::{
        context::error::ClientError,
        mcp::{
            elicitation,
            session::{MODERN, Session, client_info, foreign, object, parse, rpc},
            transport::Reply,
        },
        oauth::unauthorized::Authorizer,
    },
    jsonrpc::{METHOD_NOT_FOUND, Notification, Object},
};

pub(crate) const NEWEST_SESSION: &str = "2025-11-25";
/// The revisions with an `initialize` that we know.
const LEGACY: [&str; 3] = [NEWEST_SESSION, "2025-06-18", "2025-03-26"];
/// Errors that only servers of the modern era give (2026-07-28 basic, "Error Codes").
pub(crate) const HEADER_MISMATCH: i64 = -32020;
const MISSING_CAPABILITY: i64 = -32021;
const UNSUPPORTED_VERSION: i64 = -32022;

impl<A: Authorizer> Session<A> {
    /// Asks a server of the modern era what it is; `false` when it is of the other era and we may fall back.
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
        self.wire.set_version(Some(MODERN), None);
        for _ in 0..2 {
            let reply = self.send("server/discover", Object::new(), HeaderMap::new()).await?;
            let (status, outcome) = match reply {
                Reply::Answered { status, outcome, .. } => (status, outcome),
                Reply::NotJsonRpc(status) if may_fall_back && !status.is_server_error() => {
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
        self.wire.set_version(None, None);
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
        self.wire.set_version(Some(spoken), session);
        self.wire.notify(&Notification::new("notifications/initialized", Object::new())).await?;
        if let Some(before) = self.listener.take() {
            before.abort();
        }
        // Questions may come on a stream of their own. Who cannot be asked need not listen.
        if elicitation::capability(&self.client, true).is_some() {
            self.listener = self.wire.listen().await;
        }
        Ok(())
    }
}
