//! `completion/complete`: suggestions for the arguments of prompts and the variables of resource templates.
//!
//! Specs: MCP 2026-07-28 server/utilities/completion (at most 100 values; an unknown reference is -32602). Callers who may
//! not use a prompt or a resource get no suggestions for it: the same policy is asked.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::jsonrpc::ErrorObject;

use super::{
    call::{CallContext, MethodResult, ResultBody},
    dispatcher::{Dispatcher, WithState},
    policy::Policy,
    prompts::Prompts,
    resources::Resources,
};

/// How many values a result may have.
const MAX_VALUES: usize = 100;

/// Where suggestions come from, and who may see them.
#[derive(Debug, Clone)]
pub struct Completions {
    prompts: Prompts,
    resources: Resources,
    policy: Arc<Policy>,
}

impl Completions {
    /// Suggestions for these prompts and templates, for callers whom `policy` allows `prompts/get` and `resources/read`.
    pub fn new(prompts: &Prompts, resources: &Resources, policy: &Policy) -> Self {
        let (prompts, resources) = (prompts.clone(), resources.clone());
        Self { prompts, resources, policy: Arc::new(policy.clone()) }
    }

    /// `completion/complete`.
    pub fn methods(&self) -> Dispatcher {
        Dispatcher::new().method("completion/complete", complete.with_state(self))
    }
}

#[derive(Deserialize)]
struct CompleteParams {
    r#ref: Reference,
    argument: Argument,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Reference {
    #[serde(rename = "ref/prompt")]
    Prompt { name: String },
    #[serde(rename = "ref/resource")]
    Resource { uri: String },
}

#[derive(Deserialize)]
struct Argument {
    name: String,
    value: String,
}

/// The result of `completion/complete`.
#[derive(Debug, Serialize)]
struct CompleteResult {
    completion: Completion,
}

impl ResultBody for CompleteResult {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Completion {
    values: Vec<String>,
    total: usize,
    has_more: bool,
}

async fn complete(completions: Completions, call: CallContext) -> MethodResult<CompleteResult> {
    let CompleteParams { r#ref, argument } = call.params.read()?;
    let principal = call.principal.as_ref();
    let candidates = match &r#ref {
        Reference::Prompt { name } => {
            completions.policy.authorize("prompts/get", principal)?;
            completions.prompts.completions(name, &argument.name, principal).ok_or_else(|| {
                let argument = &argument.name;
                ErrorObject::invalid_params(format!(
                    "Unknown prompt or argument: {name}, {argument}"
                ))
            })?
        }
        Reference::Resource { uri } => {
            completions.policy.authorize("resources/read", principal)?;
            let mut templates = completions.resources.templates();
            let values =
                templates.find_map(|template| template.completions(uri, &argument.name, principal));
            values.ok_or_else(|| {
                let argument = &argument.name;
                ErrorObject::invalid_params(format!(
                    "Unknown template or argument: {uri}, {argument}"
                ))
            })?
        }
    };
    Ok(CompleteResult { completion: matching(candidates, &argument.value) })
}

/// The candidates that begin with what was typed, in upper or lower case.
fn matching(candidates: Vec<String>, typed: &str) -> Completion {
    let typed = typed.to_lowercase();
    let mut values: Vec<_> =
        candidates.into_iter().filter(|value| value.to_lowercase().starts_with(&typed)).collect();
    let total = values.len();
    values.truncate(MAX_VALUES);
    Completion { has_more: total > values.len(), total, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_begin_with_what_was_typed_and_are_limited() {
        let numbers: Vec<String> = (0..150).map(|number| format!("N{number}")).collect();
        for (typed, shown, total, more) in
            [("", 100, 150, true), ("n14", 11, 11, false), ("14", 0, 0, false)]
        {
            let completion = matching(numbers.clone(), typed);
            assert_eq!(
                (completion.values.len(), completion.total, completion.has_more),
                (shown, total, more),
                "{typed}"
            );
        }
    }
}
