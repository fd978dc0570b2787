//! A tool: its definition, derived from the types of its code, and how it runs.
//!
//! Specs: MCP 2025-11-25 server/tools, "Tool", "Structured Content", "Tool annotations"; JSON Schema 2020-12.

use std::{fmt, pin::Pin};

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use crate::{
    jsonrpc::{self, ErrorObject},
    mcp::call::{MethodError, MethodResult, content::Content},
    principal::{AuthenticationRequired, InsufficientScope, Principal, ScopeSet},
};

/// The definition of a tool, as `tools/list` returns it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// What programs call it.
    pub name: &'static str,
    /// What users see.
    pub title: &'static str,
    /// What it does, for the model.
    pub description: &'static str,
    /// The JSON Schema of its arguments.
    pub input_schema: Value,
    /// The JSON Schema of its structured content.
    pub output_schema: Value,
    annotations: Annotations,
}

/// What clients may assume of a tool; hints, not promises.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    title: &'static str,
    read_only_hint: bool,
    destructive_hint: bool,
    idempotent_hint: bool,
    open_world_hint: bool,
}

/// What a tool returns: structured content as it serializes, text as it displays.
pub trait Output: Serialize + JsonSchema + fmt::Display {}

impl<T: Serialize + JsonSchema + fmt::Display> Output for T {}

/// Why a tool failed, for the model that called it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ToolError(pub String);

type ToolFuture = Pin<Box<dyn Future<Output = CallToolResult> + Send>>;
/// Takes the arguments as JSON, and the caller.
type Run = Box<dyn Fn(&str, Option<Principal>) -> ToolFuture + Send + Sync>;

/// A tool: its definition and the code behind it.
pub struct Tool {
    pub(super) definition: Definition,
    /// The definition, serialized once.
    pub(super) listed: Box<RawValue>,
    /// What the user has to confirm before it runs.
    pub(super) question: Option<&'static str>,
    required_scopes: ScopeSet,
    pub(super) run: Run,
}

impl Tool {
    /// A tool whose schemas are derived from the types of its arguments and of its output. It is announced as read-only.
    pub fn new<A, O, F, Fut>(
        name: &'static str,
        title: &'static str,
        description: &'static str,
        run: F,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        O: Output,
        F: Fn(A, Option<Principal>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, ToolError>> + Send + 'static,
    {
        let annotations = Annotations {
            title,
            read_only_hint: true,
            destructive_hint: false,
            idempotent_hint: true,
            open_world_hint: false,
        };
        let (input_schema, output_schema) = (schema::<A>(), schema::<O>());
        let definition =
            Definition { name, title, description, input_schema, output_schema, annotations };
        let run = move |arguments: &str, principal| match serde_json::from_str::<A>(arguments) {
            Ok(arguments) => {
                let output = run(arguments, principal);
                Box::pin(async move { CallToolResult::new(output.await) }) as ToolFuture
            }
            Err(error) => {
                let error = jsonrpc::error_text(&error, arguments);
                let message = format!("invalid arguments for {name}: {error}; see its inputSchema");
                Box::pin(async { CallToolResult::error(message) })
            }
        };
        let listed = to_raw_value(&definition).expect("a definition is serializable");
        let required_scopes = ScopeSet::default();
        Self { definition, listed, question: None, required_scopes, run: Box::new(run) }
    }

    /// Runs only for callers whose token has all these scopes, beside what a policy requires. All callers see the tool:
    /// a call without them is a 403 that names them, so that clients can ask the user for them.
    #[must_use]
    pub fn require_scopes(self, scopes: &ScopeSet) -> Self {
        Self { required_scopes: scopes.clone(), ..self }
    }

    /// Checks that the caller's token has the scopes of this tool.
    ///
    /// # Errors
    /// -32001, with all of them; without a caller, with none, as a policy does.
    pub(super) fn authorize(&self, principal: Option<&Principal>) -> MethodResult<()> {
        let required = &self.required_scopes;
        if required.is_empty() || principal.is_some_and(|c| c.scopes.grants_all(required)) {
            return Ok(());
        }
        if principal.is_none() {
            let error = ErrorObject::forbidden("authentication required".to_owned());
            let authentication_required = Some(AuthenticationRequired);
            return Err(MethodError { authentication_required, ..error.into() });
        }
        let name = self.definition.name;
        let error = ErrorObject::forbidden(format!("Insufficient permissions for {name}"));
        let insufficient_scope = Some(InsufficientScope { required: required.clone() });
        Err(MethodError { insufficient_scope, ..error.into() })
    }

    /// Runs only after the user confirmed `question`; the tool is announced as destructive.
    #[must_use]
    pub fn with_confirmation(mut self, question: &'static str) -> Self {
        self.question = Some(question);
        self.definition.annotations.read_only_hint = false;
        self.definition.annotations.destructive_hint = true;
        self.listed = to_raw_value(&self.definition).expect("a definition is serializable");
        self
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.definition.fmt(f)
    }
}

fn schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

/// The result of a tool.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallToolResult {
    content: [Content; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_content: Option<Box<RawValue>>,
    is_error: bool,
}

impl CallToolResult {
    fn new(output: Result<impl Output, ToolError>) -> Self {
        match output {
            Ok(output) => {
                let text = output.to_string();
                match to_raw_value(&output) {
                    Ok(output) => Self {
                        content: [Content::text(text)],
                        structured_content: Some(output),
                        is_error: false,
                    },
                    Err(error) => Self::error(error.to_string()),
                }
            }
            Err(error) => Self::error(error.to_string()),
        }
    }

    pub(super) fn error(message: String) -> Self {
        Self { content: [Content::text(message)], structured_content: None, is_error: true }
    }
}
