//! Tools: their definitions, and `tools/list` and `tools/call`.
//!
//! Specs: MCP 2025-11-25 server/tools (definitions, "Structured Content", "Error Handling": invalid arguments are a result
//! with `isError`, from which a model can learn; an unknown tool is -32602).

mod confirmation;
mod elicitation;
mod tool;

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{jsonrpc::ErrorObject, principal::Principal};

use super::{
    call::{CallContext, MethodResult, ResultBody, ResultType},
    dispatcher::{Dispatcher, WithState},
    policy::Policy,
    protocol,
};
use confirmation::{Confirmation, Decision, RetryInput};
use elicitation::InputRequiredResult;
use tool::CallToolResult;

pub use tool::{Definition, Output, Tool, ToolError};

/// The tools of a server, in the order in which they are listed, and who may use which.
#[derive(Debug, Clone, Default)]
pub struct Tools(Arc<Inner>);

#[derive(Debug, Clone, Default)]
struct Inner {
    tools: Vec<Arc<Tool>>,
    policy: Option<Policy>,
    confirmation: Arc<Confirmation>,
}

impl Tools {
    /// No tools yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool.
    ///
    /// # Panics
    /// If there is a tool of this name.
    #[must_use]
    pub fn with(mut self, tool: Tool) -> Self {
        let name = tool.definition.name;
        assert!(self.0.find(name).is_none(), "two tools are called {name}");
        Arc::make_mut(&mut self.0).tools.push(Arc::new(tool));
        self
    }

    /// Adds several tools, or one that is only there with some setting.
    ///
    /// # Panics
    /// If two tools have the same name.
    #[must_use]
    pub fn with_all(self, tools: impl IntoIterator<Item = Tool>) -> Self {
        tools.into_iter().fold(self, Self::with)
    }

    /// Asks `policy`, by the name of the tool, before a tool is called, and lists to each caller the tools that they may
    /// use. A tool without a rule is hidden from everyone.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        Arc::make_mut(&mut self.0).policy = Some(policy);
        self
    }

    /// Signs the state of confirmations with this secret, so that replicas which share it can complete each other's.
    #[must_use]
    pub fn signing_secret(mut self, secret: Option<&str>) -> Self {
        Arc::make_mut(&mut self.0).confirmation = Arc::new(Confirmation::new(secret));
        self
    }

    /// `tools/list` and `tools/call`.
    pub fn methods(&self) -> Dispatcher {
        Dispatcher::new()
            .method("tools/list", list.with_state(self))
            .method("tools/call", call.with_state(self))
    }

    /// Their names.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.tools.iter().map(|tool| tool.definition.name).collect()
    }

    /// The definitions of the tools that the caller may use.
    pub fn definitions_for(
        &self,
        principal: Option<&Principal>,
    ) -> impl Iterator<Item = &Definition> {
        self.0.allowed(principal).map(|tool| &tool.definition)
    }

    /// Their names and the schemas of their arguments.
    pub(super) fn input_schemas(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.tools.iter().map(|tool| (tool.definition.name, &tool.definition.input_schema))
    }
}

impl<const N: usize> From<[Tool; N]> for Tools {
    /// # Panics
    /// If two of them have the same name.
    fn from(tools: [Tool; N]) -> Self {
        Self::new().with_all(tools)
    }
}

impl Inner {
    fn find(&self, name: &str) -> Option<&Arc<Tool>> {
        self.tools.iter().find(|tool| tool.definition.name == name)
    }

    fn allowed(&self, principal: Option<&Principal>) -> impl Iterator<Item = &Arc<Tool>> {
        let policy = self.policy.as_ref();
        self.tools.iter().filter(move |tool| {
            policy.is_none_or(|policy| policy.is_allowed(tool.definition.name, principal))
        })
    }
}

/// The result of `tools/list`.
#[derive(Debug, Serialize)]
struct ListToolsResult {
    tools: Vec<Box<RawValue>>,
}

impl ResultBody for ListToolsResult {}

async fn list(Tools(inner): Tools, call: CallContext) -> MethodResult<ListToolsResult> {
    protocol::check_cursor(&call.params)?;
    let allowed = inner.allowed(call.principal.as_ref());
    Ok(ListToolsResult { tools: allowed.map(|tool| tool.listed.clone()).collect() })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallToolParams<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    arguments: Option<&'a RawValue>,
    input_responses: Option<&'a RawValue>,
    request_state: Option<Value>,
}

async fn call(Tools(inner): Tools, call: CallContext) -> MethodResult<CallToolResponse> {
    let CallContext { params, principal, client_capabilities } = call;
    let CallToolParams { name, arguments, input_responses, request_state } = params.read()?;
    let tool = inner.find(&name);
    // Which tools there are is not told without a token.
    if let Some(policy) = inner.policy.as_ref().filter(|_| tool.is_some() || principal.is_none()) {
        policy.authorize(&name, principal.as_ref())?;
    }
    let unknown = || ErrorObject::invalid_params(format!("Unknown tool: {name}"));
    let tool = tool.ok_or_else(unknown)?;
    tool.authorize(principal.as_ref())?;
    let arguments = arguments.map_or("{}", RawValue::get);
    // serde would read a list as the fields in their order.
    if !arguments.starts_with('{') {
        let reason = "Invalid params: arguments must be an object";
        return Err(ErrorObject::invalid_params(reason).into());
    }
    if let Some(question) = tool.question {
        let retry = RetryInput {
            capabilities: client_capabilities.as_deref(),
            responses: input_responses,
            state: request_state,
        };
        let call = (tool.definition.name, arguments);
        match inner.confirmation.evaluate(question, &retry, call, principal.as_ref())? {
            Decision::Proceed => {}
            Decision::InputRequired(question) => {
                return Ok(CallToolResponse::InputRequired(question));
            }
            Decision::Deny(reason) => {
                return Ok(CallToolResponse::Complete(CallToolResult::error(reason.to_owned())));
            }
        }
    }
    Ok(CallToolResponse::Complete((tool.run)(arguments, principal).await))
}

/// A call is complete, or the user has to confirm it first.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum CallToolResponse {
    Complete(CallToolResult),
    InputRequired(InputRequiredResult),
}

impl ResultBody for CallToolResponse {
    fn result_type(&self) -> ResultType {
        match self {
            Self::Complete(_) => ResultType::Complete,
            Self::InputRequired(_) => ResultType::InputRequired,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{principal::ScopeSet, test_support};

    fn tools() -> Tools {
        let run = |(): (), _| async { Ok("done".to_owned()) };
        Tools::new().with(Tool::new("t", "T", "A tool", run))
    }

    #[test]
    #[should_panic(expected = "two tools are called t")]
    fn a_tool_is_defined_once() {
        let run = |(): (), _| async { Ok("done".to_owned()) };
        let _ = tools().with(Tool::new("t", "T", "Another tool", run));
    }

    #[tokio::test]
    async fn a_tool_with_scopes_is_listed_to_everyone_and_runs_for_those_who_have_all_of_them() {
        let run = |(): (), _| async { Ok("done".to_owned()) };
        let scopes = ScopeSet::from(["a:read", "b:read"]);
        let tools = Tools::from([Tool::new("t", "T", "A tool", run).require_scopes(&scopes)]);
        assert_eq!(tools.definitions_for(None).count(), 1);
        for (held, expected) in [
            // Who has no token is asked for one, not for a scope (RFC 6750, 3.1).
            (None, Err(None)),
            (Some("mcp:tools"), Err(Some(&scopes))),
            (Some("a:read"), Err(Some(&scopes))),
            (Some("a:read b:read"), Ok(())),
        ] {
            let principal = held.map(|scopes| test_support::principal("alice", scopes, &[]));
            let params = serde_json::from_str(r#"{"name":"t","arguments":{}}"#).unwrap();
            let context = CallContext { params, principal, ..CallContext::default() };
            let result = call(tools.clone(), context).await.map(|_| ());
            let required = result.map_err(|error| {
                assert_eq!(error.authentication_required.is_some(), held.is_none(), "{held:?}");
                error.insufficient_scope.map(|error| error.required)
            });
            assert_eq!(required, expected.map_err(|scopes| scopes.cloned()), "{held:?}");
        }
    }

    #[test]
    fn a_tool_without_a_rule_is_hidden() {
        let names = |tools: &Tools| tools.definitions_for(None).map(|d| d.name).collect::<Vec<_>>();
        assert_eq!(names(&tools()), ["t"]);
        assert!(names(&tools().with_policy(Policy::new())).is_empty());
    }
}
