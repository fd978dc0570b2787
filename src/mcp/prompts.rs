//! What a person can start from here: prompts, their arguments, and the messages that they turn into.
//!
//! Rules: MCP 2025-11-25 server/prompts (an unknown prompt or a missing argument is -32602).

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::jsonrpc::ErrorObject;

use super::{
    dispatcher::{Call, MethodError},
    tools::Content,
};

/// What clients are told of a prompt.
#[derive(Debug, Clone, Serialize)]
pub struct Definition {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    arguments: Vec<Argument>,
}

/// One argument of a prompt.
#[derive(Debug, Clone, Serialize)]
pub struct Argument {
    name: &'static str,
    description: &'static str,
    required: bool,
}

/// The arguments that a client gave.
#[derive(Debug, Default, Deserialize)]
pub struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// The argument of this name, if it was given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// A prompt: its definition and what it says.
pub struct Prompt {
    definition: Definition,
    text: Box<dyn Fn(&Arguments) -> String + Send + Sync>,
}

impl Prompt {
    /// A prompt without arguments that says its own description, until told otherwise.
    pub fn new(name: &'static str, title: &'static str, description: &'static str) -> Self {
        let definition = Definition { name, title, description, arguments: Vec::new() };
        Self { definition, text: Box::new(move |_| description.to_owned()) }
    }

    /// One more argument, without which the prompt makes no sense.
    #[must_use]
    pub fn required(self, name: &'static str, description: &'static str) -> Self {
        self.argument(Argument { name, description, required: true })
    }

    /// One more argument that may be left out.
    #[must_use]
    pub fn optional(self, name: &'static str, description: &'static str) -> Self {
        self.argument(Argument { name, description, required: false })
    }

    /// What it says to the model.
    #[must_use]
    pub fn says(self, text: impl Fn(&Arguments) -> String + Send + Sync + 'static) -> Self {
        Self { text: Box::new(text), ..self }
    }

    fn argument(mut self, argument: Argument) -> Self {
        self.definition.arguments.push(argument);
        self
    }

    fn missing(&self, given: &Arguments) -> Option<&'static str> {
        let mut required = self.definition.arguments.iter().filter(|argument| argument.required);
        required.find(|argument| given.get(argument.name).is_none()).map(|argument| argument.name)
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.definition.fmt(f)
    }
}

/// The prompts of a server, in the order in which they are listed.
#[derive(Debug, Clone, Default)]
pub struct Prompts(Arc<Vec<Arc<Prompt>>>);

impl Prompts {
    /// No prompts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more prompt.
    #[must_use]
    pub fn with(mut self, prompt: Prompt) -> Self {
        Arc::make_mut(&mut self.0).push(Arc::new(prompt));
        self
    }

    /// Their names.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|prompt| prompt.definition.name).collect()
    }
}

/// The answer to `prompts/list`.
#[derive(Debug, Serialize)]
pub struct ListPromptsResult {
    prompts: Vec<Definition>,
}

/// `prompts/list`
pub async fn list(prompts: Prompts, _: Call) -> Result<ListPromptsResult, MethodError> {
    Ok(ListPromptsResult {
        prompts: prompts.0.iter().map(|prompt| prompt.definition.clone()).collect(),
    })
}

#[derive(Deserialize)]
struct GetPromptParams {
    name: String,
    #[serde(default)]
    arguments: Option<Arguments>,
}

/// The answer to `prompts/get`.
#[derive(Debug, Serialize)]
pub struct GetPromptResult {
    description: &'static str,
    messages: [PromptMessage; 1],
}

#[derive(Debug, Serialize)]
struct PromptMessage {
    role: &'static str,
    content: Content,
}

/// `prompts/get`
pub async fn get(prompts: Prompts, mut call: Call) -> Result<GetPromptResult, MethodError> {
    let GetPromptParams { name, arguments } = call.params()?;
    let prompt = prompts.0.iter().find(|prompt| prompt.definition.name == name);
    let prompt =
        prompt.ok_or_else(|| ErrorObject::invalid_params(format!("Unknown prompt: {name}")))?;
    let arguments = arguments.unwrap_or_default();
    if let Some(missing) = prompt.missing(&arguments) {
        return Err(ErrorObject::invalid_params(format!(
            "Prompt {name} needs the argument `{missing}`"
        ))
        .into());
    }
    let content = Content::text((prompt.text)(&arguments));
    let messages = [PromptMessage { role: "user", content }];
    Ok(GetPromptResult { description: prompt.definition.description, messages })
}
