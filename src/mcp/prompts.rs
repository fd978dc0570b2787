//! What a person can start from here: prompts, their arguments, and the messages that they turn into.
//!
//! Rules: MCP 2025-11-25 server/prompts (an unknown prompt or a missing argument is -32602). Who asks may change what a
//! prompt says and what is suggested for its arguments.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use serde_json::value::{RawValue, to_raw_value};

use crate::{
    jsonrpc::{ErrorObject, Members},
    principal::Principal,
};

use super::{
    dispatcher::{Call, MethodError},
    protocol,
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
#[serde(transparent)]
pub struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// The argument of this name, if it was given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

type Text = dyn Fn(&Arguments, Option<&Principal>) -> String + Send + Sync;
type Suggestions = dyn Fn(Option<&Principal>) -> Vec<String> + Send + Sync;

/// A prompt: its definition and what it says.
pub struct Prompt {
    definition: Definition,
    text: Box<Text>,
    suggestions: Vec<(&'static str, Box<Suggestions>)>,
}

impl Prompt {
    /// A prompt without arguments that says its own description, until told otherwise.
    pub fn new(name: &'static str, title: &'static str, description: &'static str) -> Self {
        let definition = Definition { name, title, description, arguments: Vec::new() };
        let text = move |_: &Arguments, _: Option<&Principal>| description.to_owned();
        Self { definition, text: Box::new(text), suggestions: Vec::new() }
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

    /// Values that a client may suggest for an argument.
    #[must_use]
    pub fn suggests<const N: usize>(
        self,
        argument: &'static str,
        values: [&'static str; N],
    ) -> Self {
        self.suggests_to(argument, move |_| values.map(str::to_owned).to_vec())
    }

    /// Values that a client may suggest to this caller.
    #[must_use]
    pub fn suggests_to(
        mut self,
        argument: &'static str,
        values: impl Fn(Option<&Principal>) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.suggestions.push((argument, Box::new(values)));
        self
    }

    /// What it says to the model.
    #[must_use]
    pub fn says(self, text: impl Fn(&Arguments) -> String + Send + Sync + 'static) -> Self {
        self.says_to(move |arguments, _| text(arguments))
    }

    /// What it says to the model when this caller asks.
    #[must_use]
    pub fn says_to(
        self,
        text: impl Fn(&Arguments, Option<&Principal>) -> String + Send + Sync + 'static,
    ) -> Self {
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

    /// One more prompt; it takes the place of an earlier one of the same name.
    #[must_use]
    pub fn with(mut self, prompt: Prompt) -> Self {
        let prompts = Arc::make_mut(&mut self.0);
        match prompts.iter_mut().find(|known| known.definition.name == prompt.definition.name) {
            Some(known) => *known = Arc::new(prompt),
            None => prompts.push(Arc::new(prompt)),
        }
        self
    }

    /// What may be suggested for an argument of a prompt; `None` if there is no such argument.
    pub(super) fn suggestions(
        &self,
        prompt: &str,
        argument: &str,
        caller: Option<&Principal>,
    ) -> Option<Vec<String>> {
        let prompt = self.0.iter().find(|known| known.definition.name == prompt)?;
        prompt.definition.arguments.iter().find(|known| known.name == argument)?;
        let values = prompt.suggestions.iter().find(|(name, _)| *name == argument);
        Some(values.map(|(_, values)| values(caller)).unwrap_or_default())
    }

    /// Their names.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|prompt| prompt.definition.name).collect()
    }
}

/// The answer to `prompts/list`.
#[derive(Debug, Serialize)]
pub struct ListPromptsResult {
    prompts: Vec<Box<RawValue>>,
}

/// `prompts/list`
pub async fn list(prompts: Prompts, call: Call) -> Result<ListPromptsResult, MethodError> {
    protocol::first_page(&call.params)?;
    let listed = |prompt: &Arc<Prompt>| {
        to_raw_value(&prompt.definition).expect("a definition is serializable")
    };
    Ok(ListPromptsResult { prompts: prompts.0.iter().map(listed).collect() })
}

#[derive(Deserialize)]
struct GetPromptParams {
    name: String,
    arguments: Option<Members>,
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
pub async fn get(prompts: Prompts, call: Call) -> Result<GetPromptResult, MethodError> {
    let GetPromptParams { name, arguments } = call.params.read()?;
    let prompt = prompts.0.iter().find(|prompt| prompt.definition.name == name);
    let prompt =
        prompt.ok_or_else(|| ErrorObject::invalid_params(format!("Unknown prompt: {name}")))?;
    let arguments: Arguments = arguments.unwrap_or_default().read()?;
    if let Some(missing) = prompt.missing(&arguments) {
        return Err(ErrorObject::invalid_params(format!(
            "Prompt {name} needs the argument `{missing}`"
        ))
        .into());
    }
    let content = Content::text((prompt.text)(&arguments, call.principal.as_ref()));
    let messages = [PromptMessage { role: "user", content }];
    Ok(GetPromptResult { description: prompt.definition.description, messages })
}
