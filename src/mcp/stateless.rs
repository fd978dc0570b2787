//! Revision 2026-07-28: every request says itself what others learn from a handshake, and headers repeat part of it.
//!
//! Rules: MCP 2026-07-28 basic ("_meta", "Error Codes", "ResultType"); versioning; transports/streamable-http
//! ("Request Metadata", "Server Validation"); server/utilities/caching. Handlers know nothing of all this: what they
//! read is checked before, and what they give is completed after.

use std::{borrow::Cow, fmt::Write};

use axum::http::{HeaderMap, HeaderName, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{
    jsonrpc::{self, ErrorObject, META, Members, Request},
    principal::Principal,
};

use super::{
    caller, confirmation,
    headers::{self, Unreadable},
    mirrors::Mirrors,
    protocol, resources,
    transport::TransportError,
};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// A header that repeats a part of the body, its name as the specification writes it, and how its value is read.
struct Repetition(HeaderName, &'static str, fn(&str) -> Result<Cow<'_, str>, Unreadable>);

/// A method has no form but its own (transports/streamable-http, "Server Validation", names those that may be encoded).
const METHOD: Repetition =
    Repetition(HeaderName::from_static("mcp-method"), "Mcp-Method", |value| Ok(value.into()));
const NAME: Repetition =
    Repetition(HeaderName::from_static("mcp-name"), "Mcp-Name", headers::decode);

/// The headers do not repeat what the body says.
const HEADER_MISMATCH: i64 = -32020;
/// A revision that we do not speak.
const UNSUPPORTED_VERSION: i64 = -32022;
/// The caller may not do this. The codes from -32000 to -32019, where the tutorial's own lies, are not for new use.
const FORBIDDEN: i64 = 403;

/// Methods that this revision has given up.
const REMOVED: [&str; 5] =
    ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

/// Methods that only this revision has.
pub(super) const ADDED: [&str; 1] = ["server/discover"];

/// Lists that could have pages.
const PAGED: [&str; 4] =
    ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];

/// What may be cached, for how many milliseconds, and by whom. Lists show what the caller may use, so they are private.
const CACHEABLE: [(&str, u32, &str); 6] = [
    ("server/discover", 3_600_000, "public"),
    ("tools/list", 300_000, "private"),
    ("prompts/list", 300_000, "private"),
    ("resources/list", 300_000, "private"),
    ("resources/templates/list", 300_000, "private"),
    ("resources/read", 60_000, "private"),
];

const LOG_LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// Whether a request is of this revision's kind: it carries the metadata, or its header names no older revision.
pub(super) fn is_stateless(meta: &Members, headers: &HeaderMap) -> bool {
    let header = || headers.get(protocol::VERSION_HEADER);
    let older = |version: &str| protocol::VERSIONS.contains(&version);
    match meta.get(VERSION).map(jsonrpc::text) {
        // A client of the older kind may name its revision here too.
        Some(Some(version)) if older(&version) => {
            header().is_some_and(|header| header != version.as_ref())
        }
        Some(_) => true,
        None if [CLIENT_INFO, CLIENT_CAPABILITIES].iter().any(|key| meta.get(key).is_some()) => {
            true
        }
        None => header().is_some_and(|header| !header.to_str().is_ok_and(older)),
    }
}

/// What the client can do, as the request says.
pub(super) fn client_capabilities(meta: &Members) -> Option<&RawValue> {
    meta.get(CLIENT_CAPABILITIES)
}

/// Checks what a request says of itself, in the body and in its headers.
///
/// # Errors
/// -32602, -32020 or -32022, all of them with HTTP 400; -32601 for what this revision does not have.
pub(super) fn check(
    headers: &HeaderMap,
    request: &Request,
    mirrors: &Mirrors,
) -> Result<(), ErrorObject> {
    check_version(headers, &request.params.meta)?;
    check_meta(&request.params.meta)?;
    repeats(headers, &METHOD, &request.method)?;
    if REMOVED.contains(&request.method.as_str()) {
        return Err(ErrorObject::method_not_found(&request.method));
    }
    if PAGED.contains(&request.method.as_str()) {
        protocol::first_page(&request.params)?;
    }
    if let Some(member) = protocol::named(&request.method) {
        // Without a name there is nothing to repeat; the method itself will ask for it.
        let name = request.params.text(member).unwrap_or_default();
        repeats(headers, &NAME, &name)?;
        if request.method == "tools/call" {
            mirrors.check(&name, request.params.get("arguments"), headers).map_err(mismatch)?;
        }
    }
    Ok(())
}

/// Checks what a notification says of itself. The revision has none from clients, and no rules for their headers; one
/// that names a revision which we do not have is not accepted ("Sending Messages", 5).
///
/// # Errors
/// 400
pub(super) fn check_notification(headers: &HeaderMap) -> Result<(), TransportError> {
    match headers::single(headers, protocol::VERSION_HEADER) {
        Ok(None | Some(protocol::STATELESS_VERSION)) => Ok(()),
        _ => {
            let ours: Vec<_> = protocol::all().collect();
            Err(TransportError::UnsupportedVersion(ours.join(", ")))
        }
    }
}

fn check_version(headers: &HeaderMap, meta: &Members) -> Result<(), ErrorObject> {
    let header = headers::single(headers, protocol::VERSION_HEADER);
    let header = header.map_err(|error| mismatch(format!("MCP-Protocol-Version {error}")))?;
    let meta = match meta.get(VERSION).map(jsonrpc::text) {
        Some(None) => return Err(malformed(VERSION, "must be a string")),
        version => version.flatten(),
    };
    match (header, meta.as_deref()) {
        (Some(header), Some(meta)) if header != meta => {
            Err(differs("MCP-Protocol-Version", header, meta))
        }
        (Some(version), _) | (None, Some(version)) if version != protocol::STATELESS_VERSION => {
            Err(unsupported(version))
        }
        (_, None) => Err(malformed(VERSION, "is missing")),
        (None, Some(meta)) => Err(absent("MCP-Protocol-Version", meta)),
        (Some(_), Some(_)) => Ok(()),
    }
}

fn check_meta(meta: &Members) -> Result<(), ErrorObject> {
    match client_capabilities(meta) {
        Some(capabilities) if capabilities.get().starts_with('{') => {}
        Some(_) => return Err(malformed(CLIENT_CAPABILITIES, "must be an object")),
        None => return Err(malformed(CLIENT_CAPABILITIES, "is missing")),
    }
    if meta.get(CLIENT_INFO).is_some_and(|info| !names_itself(info)) {
        return Err(malformed(CLIENT_INFO, "must have a name and a version"));
    }
    let known = |level: &RawValue| {
        jsonrpc::text(level).is_some_and(|level| LOG_LEVELS.contains(&level.as_ref()))
    };
    if meta.get(LOG_LEVEL).is_some_and(|level| !known(level)) {
        return Err(malformed(LOG_LEVEL, "is not a log level"));
    }
    Ok(())
}

/// `Implementation` of the schema: an object with two strings in it, at the least.
fn names_itself(info: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Implementation<'a> {
        #[serde(borrow, rename = "name")]
        _name: jsonrpc::Text<'a>,
        #[serde(borrow, rename = "version")]
        _version: jsonrpc::Text<'a>,
    }

    let info = info.get();
    info.starts_with('{') && serde_json::from_str::<Implementation>(info).is_ok()
}

/// A header that must be there, with this value.
fn repeats(headers: &HeaderMap, header: &Repetition, value: &str) -> Result<(), ErrorObject> {
    let Repetition(header, name, read) = header;
    let header = headers::single(headers, header).and_then(|header| header.map(read).transpose());
    match header {
        Ok(Some(header)) if header == value => Ok(()),
        Ok(Some(header)) => Err(differs(name, &header, value)),
        Ok(None) if value.is_empty() => Ok(()),
        Ok(None) => Err(absent(name, value)),
        Err(error) => Err(mismatch(format!("{name} {error}"))),
    }
}

/// In the words of the transport's example.
fn differs(name: &str, header: &str, body: &str) -> ErrorObject {
    let (header, body) = (shown(header), shown(body));
    mismatch(format!("{name} header value '{header}' does not match body value '{body}'"))
}

fn absent(name: &str, body: &str) -> ErrorObject {
    mismatch(format!("{name} is missing, and must repeat '{}' of the body", shown(body)))
}

/// Enough to know it again.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

fn mismatch(why: String) -> ErrorObject {
    ErrorObject::new(HEADER_MISMATCH, format!("Header mismatch: {why}"))
}

fn malformed(key: &str, why: &str) -> ErrorObject {
    ErrorObject::invalid_params(format!("Invalid params: _meta[\"{key}\"] {why}"))
}

fn unsupported(requested: &str) -> ErrorObject {
    let supported = protocol::all().map(Value::from).collect();
    let data = [
        ("supported".to_owned(), Value::Array(supported)),
        ("requested".to_owned(), requested.into()),
    ];
    ErrorObject::new(UNSUPPORTED_VERSION, "Unsupported protocol version")
        .with_data(Value::Object(Map::from_iter(data)))
}

/// The error as this revision numbers it, and its HTTP status.
pub(super) fn error(error: ErrorObject) -> (StatusCode, ErrorObject) {
    match error.code {
        jsonrpc::FORBIDDEN => (StatusCode::FORBIDDEN, ErrorObject { code: FORBIDDEN, ..error }),
        jsonrpc::METHOD_NOT_FOUND => (StatusCode::NOT_FOUND, error),
        confirmation::MISSING_CAPABILITY => (StatusCode::BAD_REQUEST, error),
        resources::NOT_FOUND => {
            (StatusCode::OK, ErrorObject { code: jsonrpc::INVALID_PARAMS, ..error })
        }
        _ => (StatusCode::OK, error),
    }
}

/// How `_meta` begins in every result; `server_info` is JSON.
pub(super) fn meta(server_info: &str) -> String {
    format!(r#""{META}":{{"{SERVER_INFO}":{server_info}"#)
}

/// The members that this revision adds to a result; `meta` is the beginning that [`meta`] writes.
pub(super) fn members(
    method: &str,
    result: &RawValue,
    meta: &str,
    caller: Option<&Principal>,
) -> String {
    let mut members = String::with_capacity(512);
    // A question says itself that it is one.
    if !result.get().starts_with(r#"{"resultType":"#) {
        members.push_str(r#""resultType":"complete","#);
    }
    let hint = CACHEABLE.iter().find(|(name, ..)| *name == method);
    if let Some((_, ttl, scope)) = hint {
        let _ = write!(members, r#""ttlMs":{ttl},"cacheScope":"{scope}","#);
    }
    members.push_str(meta);
    // What anyone may keep and hand on must not say who asked.
    let public = hint.is_some_and(|(_, _, scope)| *scope == "public");
    if let Some(caller) = caller.filter(|_| !public) {
        members.push(',');
        members.push_str(caller::member(caller));
    }
    members.push('}');
    members
}
