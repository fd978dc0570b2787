//! Prompts: their definitions, and `prompts/list` and `prompts/get`.
//!
//! Specs: MCP 2025-11-25 server/prompts (an unknown prompt or a missing argument is -32602).

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    jsonrpc::{ErrorObject, RawObject},
    principal::Principal,
};

use super::{
    call::{CallContext, MethodResult, ResultBody, content::Content},
    dispatcher::{Dispatcher, WithState},
    protocol,
};

/// The definition of a prompt, as `prompts/list` returns it.
#[derive(Debug, Clone, Serialize)]
struct Definition {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    arguments: Vec<Argument>,
}

/// One argument of a prompt.
#[derive(Debug, Clone, Serialize)]
struct Argument {
    name: &'static str,
    description: &'static str,
    required: bool,
}

/// The arguments of a call.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// The value of an argument, if there is one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

type Render = dyn Fn(&Arguments) -> String + Send + Sync;
type CallerValue = dyn Fn(&Principal) -> String + Send + Sync;

/// A prompt: its definition and its text.
pub struct Prompt {
    definition: Definition,
    render: Box<Render>,
    /// Values for arguments that are left out.
    defaults: Vec<(&'static str, Box<CallerValue>)>,
    completions: Vec<(&'static str, &'static [&'static str])>,
}

impl Prompt {
    /// A prompt without arguments whose text is its description, unless [`render`](Self::render) sets another.
    pub fn new(name: &'static str, title: &'static str, description: &'static str) -> Self {
        let definition = Definition { name, title, description, arguments: Vec::new() };
        let render = move |_: &Arguments| description.to_owned();
        Self { definition, render: Box::new(render), defaults: Vec::new(), completions: Vec::new() }
    }

    /// Adds a required argument.
    #[must_use]
    pub fn required(self, name: &'static str, description: &'static str) -> Self {
        self.argument(Argument { name, description, required: true })
    }

    /// Adds an optional argument.
    #[must_use]
    pub fn optional(self, name: &'static str, description: &'static str) -> Self {
        self.argument(Argument { name, description, required: false })
    }

    /// Adds an argument that callers may leave out: its value then depends on who calls, and without a caller it is
    /// required.
    #[must_use]
    pub fn caller_default(
        mut self,
        name: &'static str,
        description: &'static str,
        value: impl Fn(&Principal) -> String + Send + Sync + 'static,
    ) -> Self {
        self.defaults.push((name, Box::new(value)));
        self.optional(name, description)
    }

    /// Values that a client may suggest for an argument.
    #[must_use]
    pub fn complete_with(
        mut self,
        argument: &'static str,
        values: &'static [&'static str],
    ) -> Self {
        self.completions.push((argument, values));
        self
    }

    /// The text of its message.
    #[must_use]
    pub fn render(self, text: impl Fn(&Arguments) -> String + Send + Sync + 'static) -> Self {
        Self { render: Box::new(text), ..self }
    }

    fn argument(mut self, argument: Argument) -> Self {
        self.definition.arguments.push(argument);
        self
    }

    fn default_for(&self, argument: &str, caller: Option<&Principal>) -> Option<String> {
        let (_, value) = self.defaults.iter().find(|(name, _)| *name == argument)?;
        caller.map(value)
    }

    /// Adds the values of arguments that were left out.
    fn apply_defaults(&self, given: &mut Arguments, caller: Option<&Principal>) {
        for (name, value) in &self.defaults {
            if let Some(caller) = caller.filter(|_| given.get(name).is_none()) {
                given.0.insert((*name).to_owned(), value(caller));
            }
        }
    }

    fn missing(&self, given: &Arguments) -> Option<&'static str> {
        let has_default = |name: &str| self.defaults.iter().any(|(known, _)| *known == name);
        let mut needed = self
            .definition
            .arguments
            .iter()
            .filter(|argument| argument.required || has_default(argument.name));
        needed.find(|argument| given.get(argument.name).is_none()).map(|argument| argument.name)
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

    /// Adds a prompt.
    ///
    /// # Panics
    /// If there is a prompt of this name.
    #[must_use]
    pub fn with(mut self, prompt: Prompt) -> Self {
        let name = prompt.definition.name;
        assert!(self.find(name).is_none(), "two prompts are called {name}");
        Arc::make_mut(&mut self.0).push(Arc::new(prompt));
        self
    }

    /// `prompts/list` and `prompts/get`.
    pub fn methods(&self) -> Dispatcher {
        Dispatcher::new()
            .method("prompts/list", list.with_state(self))
            .method("prompts/get", get.with_state(self))
    }

    /// Their names.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|prompt| prompt.definition.name).collect()
    }

    fn find(&self, name: &str) -> Option<&Prompt> {
        self.0.iter().find(|prompt| prompt.definition.name == name).map(AsRef::as_ref)
    }

    /// Values to suggest for an argument of a prompt; `None` if there is no such argument.
    pub(super) fn completions(
        &self,
        prompt: &str,
        argument: &str,
        caller: Option<&Principal>,
    ) -> Option<Vec<String>> {
        let prompt = self.find(prompt)?;
        prompt.definition.arguments.iter().find(|known| known.name == argument)?;
        let fixed = prompt.completions.iter().filter(|(name, _)| *name == argument);
        let fixed = fixed.flat_map(|(_, values)| values.iter().map(|value| (*value).to_owned()));
        Some(prompt.default_for(argument, caller).into_iter().chain(fixed).collect())
    }
}

impl<const N: usize> From<[Prompt; N]> for Prompts {
    /// # Panics
    /// If two of them have the same name.
    fn from(prompts: [Prompt; N]) -> Self {
        prompts.into_iter().fold(Self::new(), Self::with)
    }
}

/// The result of `prompts/list`.
#[derive(Debug, Serialize)]
struct ListPromptsResult {
    prompts: Vec<Definition>,
}

impl ResultBody for ListPromptsResult {}

async fn list(prompts: Prompts, call: CallContext) -> MethodResult<ListPromptsResult> {
    protocol::check_cursor(&call.params)?;
    let prompts = prompts.0.iter().map(|prompt| prompt.definition.clone()).collect();
    Ok(ListPromptsResult { prompts })
}

#[derive(Deserialize)]
struct GetPromptParams {
    name: String,
    arguments: Option<RawObject>,
}

/// The result of `prompts/get`.
#[derive(Debug, Serialize)]
struct GetPromptResult {
    description: &'static str,
    messages: [PromptMessage; 1],
}

impl ResultBody for GetPromptResult {}

#[derive(Debug, Serialize)]
struct PromptMessage {
    role: &'static str,
    content: Content,
}

async fn get(prompts: Prompts, call: CallContext) -> MethodResult<GetPromptResult> {
    let GetPromptParams { name, arguments } = call.params.read()?;
    let unknown = || ErrorObject::invalid_params(format!("Unknown prompt: {name}"));
    let prompt = prompts.find(&name).ok_or_else(unknown)?;
    let mut arguments: Arguments = arguments.unwrap_or_default().read()?;
    prompt.apply_defaults(&mut arguments, call.principal.as_ref());
    if let Some(missing) = prompt.missing(&arguments) {
        let reason = format!("Prompt {name} needs the argument `{missing}`");
        return Err(ErrorObject::invalid_params(reason).into());
    }
    let content = Content::text((prompt.render)(&arguments));
    let messages = [PromptMessage { role: "user", content }];
    Ok(GetPromptResult { description: prompt.definition.description, messages })
}
