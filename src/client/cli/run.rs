//! Lists what the server offers, then does what the options say.
//!
//! Specs: MCP server/tools, server/prompts, server/resources (2025-06-18 and later).

use reqwest::header::HeaderMap;
use serde_json::{json, value::RawValue};

use super::output::{Listing, Output};
use crate::{
    client::{
        context::{
            error::ClientError,
            options::values::{self, Call},
            reporter::Stage,
        },
        mcp::{
            session::{Session, object},
            tools::Tool,
        },
        oauth::unauthorized::Authorizer,
    },
    jsonrpc::Object,
};

/// \[13\]: lists tools, prompts and resources, then does what the options say. Returns whether a call has failed; an error
/// is what ends the run.
pub(super) async fn run<A: Authorizer>(session: &mut Session<A>) -> Result<bool, ClientError> {
    let options = session.client.options.clone();
    let (tools, invalid) = session.tools().await?;
    let prompts = list_if_allowed(session, "prompts", !options.prompt.is_empty()).await?;
    let resources =
        list_if_allowed(session, "resources", !options.read_resource.is_empty()).await?;
    session.client.reporter.stage(Stage::Results, "Results");
    let mut output = Output::new(options.format);
    let token = session.token();
    let listing = Listing {
        protocol: session.version(),
        server: &session.server_info,
        issuer: token.as_ref().map(|token| token.issuer.as_str()),
        resource: token.as_ref().map(|token| token.resource.as_str()),
        scopes: token.as_ref().map(|token| token.scopes.to_string()),
        tools: tools.iter().filter_map(|tool| tool.raw.as_deref()).collect(),
        invalid_tools: invalid,
        prompts,
        resources,
    };
    output.listing(&listing, &tools);

    let mut calls = options.call;
    calls.extend(options.call_file.into_iter().flat_map(|calls| calls.0));
    if options.call_all {
        calls.extend(all_calls(session, &tools));
    } else if calls.is_empty() && options.prompt.is_empty() && options.read_resource.is_empty() {
        prompt_loop(session, &mut output, &tools).await?;
    }
    for call in calls {
        let outcome = session.call_tool(&tools, &call).await?;
        output.result("call", &call.name, &call.arguments, outcome);
    }
    for prompt in options.prompt {
        let params = json!({"name": prompt.name, "arguments": prompt.arguments});
        let outcome = session.request("prompts/get", object(params), HeaderMap::new()).await?;
        output.result("prompt", &prompt.name, &prompt.arguments, outcome);
    }
    for uri in options.read_resource {
        let params = object(json!({"uri": uri}));
        let outcome = session.request("resources/read", params, HeaderMap::new()).await?;
        output.result("read", &uri, &Object::new(), outcome);
    }
    Ok(output.has_failures())
}

/// A call of every tool, except those that may be destructive, unless they are included.
fn all_calls<A: Authorizer>(session: &Session<A>, tools: &[Tool]) -> Vec<Call> {
    let (reporter, options) = (&session.client.reporter, &session.client.options);
    let (skipped, called): (Vec<_>, Vec<_>) =
        tools.iter().partition(|tool| tool.may_be_destructive() && !options.include_destructive);
    for tool in skipped {
        reporter.warn(&format!(
            "{} is not called: it may be destructive; --include-destructive calls it",
            tool.name
        ));
    }
    called.into_iter().map(Tool::example_call).collect()
}

/// Calls what the user types, if there is a user who has asked for nothing else.
async fn prompt_loop<A: Authorizer>(
    session: &mut Session<A>,
    output: &mut Output,
    tools: &[Tool],
) -> Result<(), ClientError> {
    let client = session.client.clone();
    if output.is_json() || client.options.quiet || !client.terminal.is_interactive() {
        return Ok(());
    }
    loop {
        client.reporter.essential("call a tool? NAME or NAME={\"argument\": ..}, Enter to leave");
        let line = client.terminal.line().await.unwrap_or_default();
        let call = match (line.trim(), tools.iter().find(|tool| tool.name == line.trim())) {
            ("", _) => return Ok(()),
            (_, Some(tool)) => tool.example_call(),
            (typed, None) => match values::call(typed) {
                Ok(call) => call,
                Err(why) => {
                    client.reporter.warn(&why);
                    continue;
                }
            },
        };
        let outcome = session.call_tool(tools, &call).await?;
        output.result("call", &call.name, &call.arguments, outcome);
    }
}

/// A list for which the user is not asked to log in again, unless they want something of it.
async fn list_if_allowed<A: Authorizer>(
    session: &mut Session<A>,
    kind: &str,
    wanted: bool,
) -> Result<Vec<Box<RawValue>>, ClientError> {
    session.step_up = wanted;
    let list = session.list(kind).await;
    session.step_up = true;
    match list {
        Err(error @ ClientError::Forbidden { .. }) => {
            session.client.reporter.note(&format!("{kind} are left out: {error}"));
            Ok(Vec::new())
        }
        list => list,
    }
}
