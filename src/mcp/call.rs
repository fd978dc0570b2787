//! One call of a method: what its handler receives, what it returns, and the response that the client gets.

pub(in crate::mcp) mod content;
pub mod response;
mod user_meta;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    jsonrpc::{ErrorObject, FORBIDDEN, Params},
    principal::{AuthenticationRequired, InsufficientScope, Principal},
};

/// One call of a method, as its handler sees it.
#[derive(Debug, Clone, Default)]
pub struct CallContext {
    /// `params`; empty when the message has none.
    pub params: Params,
    /// The verified caller; `None` where no authentication middleware protects the endpoint.
    pub principal: Option<Principal>,
    /// `clientCapabilities`, which every request carries since 2026-07-28; `None` in the legacy era.
    pub client_capabilities: Option<Box<RawValue>>,
}

/// What a method returns: its result, or why there is none.
pub type MethodResult<T> = Result<T, MethodError>;

/// Why a method returned no result.
#[derive(Debug)]
pub struct MethodError {
    /// What the client receives.
    pub error: ErrorObject,
    /// The missing scope: the answer is a 403, to which the authentication middleware adds its challenge.
    pub insufficient_scope: Option<InsufficientScope>,
    /// There is no caller: the authentication middleware answers with 401 instead.
    pub authentication_required: Option<AuthenticationRequired>,
}

impl MethodError {
    /// Whether the caller may not do this.
    pub fn is_forbidden(&self) -> bool {
        self.error.code == FORBIDDEN
    }
}

impl From<ErrorObject> for MethodError {
    fn from(error: ErrorObject) -> Self {
        Self { error, insufficient_scope: None, authentication_required: None }
    }
}

/// `resultType` of a result (MCP 2026-07-28 basic, "ResultType").
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultType {
    /// The request is answered.
    Complete,
    /// The client has to send the request again, with what the result asks for.
    InputRequired,
}

/// The result of a method: it serializes as a JSON object.
pub trait ResultBody: Serialize {
    /// `complete`, unless the client has to send more.
    fn result_type(&self) -> ResultType {
        ResultType::Complete
    }
}
