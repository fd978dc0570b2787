//! The metadata of a request in `_meta`: which revision it is of, and what its client is and can do.
//!
//! Specs: MCP 2026-07-28 basic, "_meta"; versioning; transports/streamable-http, "Protocol Version Header".

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    jsonrpc::{self, CowStr, ErrorObject, Message, RawObject},
    mcp::{
        protocol,
        transport::{McpRequest, TransportError, single_header},
    },
};

use super::repeated::{header_mismatch, mismatch, missing};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

const LOG_LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// Whether a message is of 2026-07-28: it carries the metadata, or its header names no legacy revision.
pub(in crate::mcp) fn is_stateless(request: &McpRequest) -> bool {
    let meta = match &request.message {
        Message::Request(request) => &request.params.meta,
        Message::Notification(notification) => &notification.params.meta,
        Message::Response => return false,
    };
    let header = || request.headers.get(protocol::VERSION_HEADER);
    let is_legacy = |version: &str| protocol::LEGACY_VERSIONS.contains(&version);
    match meta.get(VERSION).map(jsonrpc::text) {
        // A client of the legacy era may name its revision here too.
        Some(Some(version)) if is_legacy(&version) => {
            header().is_some_and(|header| header != version.as_ref())
        }
        Some(_) => true,
        None if [CLIENT_INFO, CLIENT_CAPABILITIES].iter().any(|key| meta.get(key).is_some()) => {
            true
        }
        None => header().is_some_and(|header| !header.to_str().is_ok_and(is_legacy)),
    }
}

/// What the client declares that it can do.
pub(super) fn client_capabilities(meta: &RawObject) -> Option<&RawValue> {
    meta.get(CLIENT_CAPABILITIES)
}

/// Checks the revision, and the metadata that every request must carry.
///
/// # Errors
/// -32602, -32020 or -32022.
pub(super) fn check(headers: &HeaderMap, meta: &RawObject) -> Result<(), ErrorObject> {
    check_version(headers, meta)?;
    match client_capabilities(meta) {
        Some(capabilities) if capabilities.get().starts_with('{') => {}
        Some(_) => return Err(invalid(CLIENT_CAPABILITIES, "must be an object")),
        None => return Err(invalid(CLIENT_CAPABILITIES, "is missing")),
    }
    if meta.get(CLIENT_INFO).is_some_and(|info| !is_implementation(info)) {
        return Err(invalid(CLIENT_INFO, "must have a name and a version"));
    }
    let is_level = |level: &RawValue| {
        jsonrpc::text(level).is_some_and(|level| LOG_LEVELS.contains(&level.as_ref()))
    };
    if meta.get(LOG_LEVEL).is_some_and(|level| !is_level(level)) {
        return Err(invalid(LOG_LEVEL, "is not a log level"));
    }
    Ok(())
}

/// Checks the revision of a notification. This revision has none from clients, and no other rules for their headers
/// (transports/streamable-http, "Sending Messages", 5).
///
/// # Errors
/// 400
pub(super) fn check_notification(headers: &HeaderMap) -> Result<(), TransportError> {
    match single_header(headers, protocol::VERSION_HEADER) {
        Ok(None | Some(protocol::STATELESS_VERSION)) => Ok(()),
        _ => {
            let supported: Vec<_> = protocol::all_versions().collect();
            Err(TransportError::UnsupportedVersion(supported.join(", ")))
        }
    }
}

fn check_version(headers: &HeaderMap, meta: &RawObject) -> Result<(), ErrorObject> {
    const HEADER: &str = "MCP-Protocol-Version";
    let header = single_header(headers, protocol::VERSION_HEADER);
    let header = header.map_err(|error| header_mismatch(format!("{HEADER} {error}")))?;
    let meta = match meta.get(VERSION).map(jsonrpc::text) {
        Some(None) => return Err(invalid(VERSION, "must be a string")),
        version => version.flatten(),
    };
    match (header, meta.as_deref()) {
        (Some(header), Some(meta)) if header != meta => Err(mismatch(HEADER, header, meta)),
        (Some(version), _) | (None, Some(version)) if version != protocol::STATELESS_VERSION => {
            Err(unsupported_version(version))
        }
        (_, None) => Err(invalid(VERSION, "is missing")),
        (None, Some(meta)) => Err(missing(HEADER, meta)),
        (Some(_), Some(_)) => Ok(()),
    }
}

/// `Implementation` of the schema: an object with a name and a version at least.
fn is_implementation(info: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Implementation<'a> {
        #[serde(borrow, rename = "name")]
        _name: CowStr<'a>,
        #[serde(borrow, rename = "version")]
        _version: CowStr<'a>,
    }

    // serde would read a list as the fields in their order.
    let info = info.get();
    info.starts_with('{') && serde_json::from_str::<Implementation>(info).is_ok()
}

fn invalid(key: &str, reason: &str) -> ErrorObject {
    ErrorObject::invalid_params(format!("Invalid params: _meta[\"{key}\"] {reason}"))
}

fn unsupported_version(requested: &str) -> ErrorObject {
    #[derive(Serialize)]
    struct Data<'a> {
        supported: Vec<&'static str>,
        requested: &'a str,
    }

    let supported = protocol::all_versions().collect();
    ErrorObject::new(protocol::UNSUPPORTED_VERSION, "Unsupported protocol version")
        .with_data(&Data { supported, requested })
}
