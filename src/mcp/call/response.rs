//! The response to a request: the typed result of a method, and what the endpoint adds to it, serialized in one go.
//!
//! Specs: JSON-RPC 2.0 section 5; MCP 2026-07-28 basic ("ResultType", "_meta"), server/utilities/caching.

use std::io;

use serde::Serialize;

use crate::{
    jsonrpc::{ErrorObject, Id, Version},
    mcp::protocol::Implementation,
    principal::Principal,
};

use super::{MethodResult, ResultBody, ResultType, user_meta::UserMeta};

/// How long a result may be cached, and by whom (MCP 2026-07-28 server/utilities/caching).
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::mcp) struct CacheHint {
    pub(in crate::mcp) ttl_ms: u32,
    pub(in crate::mcp) cache_scope: CacheScope,
}

/// Whether a cached result may be served to other callers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::mcp) enum CacheScope {
    Public,
    Private,
}

/// A response without its result: the id, and the fields that the endpoint adds to any result.
#[derive(Debug)]
pub struct Envelope {
    id: Id,
    max_bytes: usize,
    /// Results of 2026-07-28 say whether they are complete.
    pub(in crate::mcp) has_result_type: bool,
    pub(in crate::mcp) cache: Option<CacheHint>,
    pub(in crate::mcp) server_info: Option<Implementation>,
    /// The caller whom `_meta` names.
    pub(in crate::mcp) user: Option<Principal>,
}

impl Envelope {
    /// The response to request `id`, of at most `max_bytes`, with nothing added to its result.
    pub fn new(id: Id, max_bytes: usize) -> Self {
        Self { id, max_bytes, has_result_type: false, cache: None, server_info: None, user: None }
    }

    /// The whole response as JSON.
    ///
    /// # Errors
    /// -32603 if the result is too large, or cannot be serialized.
    pub(in crate::mcp) fn serialize(&self, body: &impl ResultBody) -> MethodResult<Vec<u8>> {
        let has_meta = self.server_info.is_some() || self.user.is_some();
        let meta = has_meta.then(|| ResultMeta {
            server_info: self.server_info,
            user: self.user.as_ref().map(UserMeta::from),
        });
        let result = ResultFields {
            body,
            result_type: self.has_result_type.then(|| body.result_type()),
            cache: self.cache,
            meta,
        };
        let response = Response { jsonrpc: Version, id: &self.id, result };
        let mut writer = BoundedWriter { bytes: Vec::with_capacity(512), limit: self.max_bytes };
        match serde_json::to_writer(&mut writer, &response) {
            Ok(()) => Ok(writer.bytes),
            Err(error) if error.is_io() => {
                Err(ErrorObject::result_too_large(self.max_bytes).into())
            }
            Err(error) => {
                tracing::error!(%error, "cannot serialize a result");
                Err(ErrorObject::internal().into())
            }
        }
    }
}

#[derive(Serialize)]
struct Response<'a, T: Serialize> {
    jsonrpc: Version,
    id: &'a Id,
    result: ResultFields<'a, T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultFields<'a, T: Serialize> {
    #[serde(flatten)]
    body: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_type: Option<ResultType>,
    #[serde(flatten)]
    cache: Option<CacheHint>,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<ResultMeta<'a>>,
}

#[derive(Serialize)]
struct ResultMeta<'a> {
    #[serde(
        rename = "io.modelcontextprotocol/serverInfo",
        skip_serializing_if = "Option::is_none"
    )]
    server_info: Option<Implementation>,
    #[serde(rename = "com.example.mcp-auth/user", skip_serializing_if = "Option::is_none")]
    user: Option<UserMeta<'a>>,
}

/// Fails instead of growing beyond its limit, so that no caller can make the server hold an answer of any size.
struct BoundedWriter {
    bytes: Vec<u8>,
    limit: usize,
}

impl io::Write for BoundedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    /// serde_json writes every string in three parts: here they cost no loop.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support;

    #[derive(Serialize)]
    struct Text {
        text: String,
    }

    impl ResultBody for Text {}

    fn text(length: usize) -> Text {
        Text { text: "x".repeat(length) }
    }

    #[test]
    fn a_response_has_the_result_and_what_the_endpoint_adds() {
        let mut envelope = Envelope::new(7.into(), 1000);
        let json = |envelope: &Envelope| {
            String::from_utf8(envelope.serialize(&text(2)).expect("a response")).expect("UTF-8")
        };
        assert_eq!(json(&envelope), r#"{"jsonrpc":"2.0","id":7,"result":{"text":"xx"}}"#);
        envelope.has_result_type = true;
        envelope.cache = Some(CacheHint { ttl_ms: 5, cache_scope: CacheScope::Private });
        envelope.user = Some(test_support::principal("alice", "mcp:read", &[]));
        assert_eq!(
            json(&envelope),
            r#"{"jsonrpc":"2.0","id":7,"result":{"text":"xx","resultType":"complete","ttlMs":5,"cacheScope":"private","_meta":{"com.example.mcp-auth/user":{"name":"alice","subject":"user_alice","scopes":["mcp:read"]}}}}"#
        );
    }

    #[test]
    fn a_result_beyond_the_limit_is_an_error_that_names_the_setting() {
        let envelope = Envelope::new(7.into(), 100);
        assert!(envelope.serialize(&text(50)).is_ok());
        let error = envelope.serialize(&text(100)).expect_err("too large").error;
        assert_eq!(error.code, crate::jsonrpc::INTERNAL_ERROR);
        assert_eq!(
            error.message,
            "the result is larger than 100 bytes; ask for less, or raise --max-result-size"
        );
    }
}
