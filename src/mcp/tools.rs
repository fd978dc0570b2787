//! What a model can do here: tools, their definitions, and how they are called.
//!
//! Rules: MCP 2025-11-25 server/tools (definitions, "Structured Content", "Error Handling": arguments that do not fit
//! are an answer with `isError`, from which a model can learn; an unknown tool is -32602).

use std::{borrow::Cow, fmt, pin::Pin, sync::Arc};

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use crate::{
    jsonrpc::{ErrorObject, complaint},
    principal::Principal,
};

use super::{
    confirmation::{Asked, Confirmations, InputRequiredResult, Verdict},
    dispatcher::{Call, MethodError},
    policy::Policy,
    protocol,
};

/// What clients are told of a tool.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    input_schema: Value,
    output_schema: Value,
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

/// What a tool gives back: for programs as it serializes, for people as it displays.
pub trait Output: Serialize + JsonSchema + fmt::Display {}

impl<T: Serialize + JsonSchema + fmt::Display> Output for T {}

/// Why a tool could not do what it was asked for; a model reads it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ToolError(pub String);

type Outcome = Pin<Box<dyn Future<Output = CallToolResult> + Send>>;
/// From the arguments, as they were written, and from who is calling.
type Run = Box<dyn Fn(&str, Option<Principal>) -> Outcome + Send + Sync>;

/// A tool: its definition and the code behind it.
pub struct Tool {
    definition: Definition,
    /// The definition as it is listed, written once.
    listed: Box<RawValue>,
    /// What a person is asked before it runs.
    question: Option<&'static str>,
    run: Run,
}

impl Tool {
    /// A tool whose schemas come from the types of its arguments and of its output. It reads and changes nothing in
    /// the world outside.
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
                let outcome = run(arguments, principal);
                Box::pin(async move { CallToolResult::new(outcome.await) }) as Outcome
            }
            Err(error) => {
                let error = complaint(&error);
                let message = format!("invalid arguments for {name}: {error}; see its inputSchema");
                Box::pin(async { CallToolResult::error(message) })
            }
        };
        let listed = to_raw_value(&definition).expect("a definition is serializable");
        Self { definition, listed, question: None, run: Box::new(run) }
    }

    /// Asks a person before it runs, because it changes something for good.
    #[must_use]
    pub fn asks_first(mut self, question: &'static str) -> Self {
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

/// The tools of a server, in the order in which they are listed, and who may use which.
#[derive(Debug, Clone, Default)]
pub struct Tools(Arc<Inner>);

#[derive(Debug, Clone, Default)]
struct Inner {
    tools: Vec<Arc<Tool>>,
    policy: Option<Policy>,
    confirmations: Arc<Confirmations>,
}

impl Tools {
    /// No tools yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more tool; it takes the place of an earlier one of the same name.
    #[must_use]
    pub fn with(mut self, tool: Tool) -> Self {
        let tools = &mut Arc::make_mut(&mut self.0).tools;
        match tools.iter_mut().find(|known| known.definition.name == tool.definition.name) {
            Some(known) => *known = Arc::new(tool),
            None => tools.push(Arc::new(tool)),
        }
        self
    }

    /// Asks `policy`, by the name of the tool, before one is called, and lists to each caller what it allows them.
    /// What the policy does not mention is hidden from everyone.
    #[must_use]
    pub fn guarded_by(mut self, policy: Policy) -> Self {
        Arc::make_mut(&mut self.0).policy = Some(policy);
        self
    }

    /// Seals its questions to people with this secret, so that replicas that have it too take the answers.
    #[must_use]
    pub fn sealed_with(mut self, secret: Option<&str>) -> Self {
        Arc::make_mut(&mut self.0).confirmations = Arc::new(Confirmations::new(secret));
        self
    }

    /// Their names.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.tools.iter().map(|tool| tool.definition.name).collect()
    }

    /// Their names and the schemas of their arguments.
    pub(super) fn input_schemas(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.tools.iter().map(|tool| (tool.definition.name, &tool.definition.input_schema))
    }
}

/// The answer to `tools/list`.
#[derive(Debug, Serialize)]
pub struct ListToolsResult {
    tools: Vec<Box<RawValue>>,
}

/// `tools/list`
pub async fn list(Tools(inner): Tools, call: Call) -> Result<ListToolsResult, MethodError> {
    protocol::first_page(&call.params)?;
    let Inner { tools, policy, .. } = &*inner;
    let principal = call.principal.as_ref();
    let allowed = tools.iter().filter(|tool| {
        policy.as_ref().is_none_or(|policy| policy.permits(tool.definition.name, principal))
    });
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

/// `tools/call`
pub async fn call(Tools(inner): Tools, call: Call) -> Result<CallToolAnswer, MethodError> {
    let Inner { tools, policy, confirmations } = &*inner;
    let Call { params, principal, capabilities } = call;
    let CallToolParams { name, arguments, input_responses, request_state } = params.read()?;
    let tool = tools.iter().find(|tool| tool.definition.name == name);
    let tool = tool.ok_or_else(|| ErrorObject::invalid_params(format!("Unknown tool: {name}")))?;
    if let Some(policy) = policy {
        policy.check(tool.definition.name, principal.as_ref())?;
    }
    let arguments = arguments.map_or("{}", RawValue::get);
    // A list would be read as the members in their order.
    if !arguments.starts_with('{') {
        let why = "Invalid params: arguments must be an object";
        return Err(ErrorObject::invalid_params(why).into());
    }
    if let Some(question) = tool.question {
        let asked = Asked {
            capabilities: capabilities.as_deref(),
            responses: input_responses,
            state: request_state,
        };
        let what = (tool.definition.name, arguments);
        match confirmations.judge(question, &asked, what, principal.as_ref())? {
            Verdict::Go => {}
            Verdict::Ask(question) => return Ok(CallToolAnswer::InputRequired(question)),
            Verdict::Stop(why) => {
                return Ok(CallToolAnswer::Complete(CallToolResult::error(why.to_owned())));
            }
        }
    }
    Ok(CallToolAnswer::Complete((tool.run)(arguments, principal).await))
}

/// A call is answered, or a person has to be asked first.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum CallToolAnswer {
    /// What the tool gave.
    Complete(CallToolResult),
    /// A question.
    InputRequired(InputRequiredResult),
}

/// The answer to `tools/call`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallToolResult {
    content: [Content; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_content: Option<Box<RawValue>>,
    is_error: bool,
}

impl CallToolResult {
    fn new(outcome: Result<impl Output, ToolError>) -> Self {
        match outcome {
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

    fn error(message: String) -> Self {
        Self { content: [Content::text(message)], structured_content: None, is_error: true }
    }
}

/// A piece of text, as tools and prompts send it.
#[derive(Debug, Clone, Serialize)]
pub struct Content {
    #[serde(rename = "type")]
    kind: &'static str,
    text: String,
}

impl Content {
    /// `{"type": "text", "text": …}`
    pub fn text(text: impl Into<String>) -> Self {
        Self { kind: "text", text: text.into() }
    }
}
