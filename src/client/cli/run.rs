//! What a person wants of a session: lists, calls, prompts, resources; and how the results are shown.
//!
//! Rules: MCP server/tools, server/prompts, server/resources, utilities/pagination (2025-06-18 and later).

use std::collections::HashSet;

use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    client::{
        cli::output::Listing,
        context::{
            error::ClientError,
            options::{self, Call},
            reporter::Stage,
        },
        mcp::{
            example_args,
            param_headers::ParamHeaders,
            session::{Outcome, Session, object, parse, rpc, versions::HEADER_MISMATCH},
        },
        oauth::unauthorized::Authorizer,
    },
    jsonrpc::{ErrorObject, INVALID_PARAMS, METHOD_NOT_FOUND, Object},
};

/// A server that never stops naming things is stopped.
const PAGES: usize = 100;

/// How it went, when nothing stopped us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// Everything was answered.
    Done,
    /// A call was answered with an error.
    CallFailed,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Tool {
    pub(crate) name: String,
    #[serde(default, rename = "inputSchema")]
    schema: Value,
    #[serde(default)]
    annotations: Value,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(skip)]
    param_headers: ParamHeaders,
    /// The definition as it came, for the output.
    #[serde(skip)]
    raw: Option<Box<RawValue>>,
}

impl<A: Authorizer> Session<A> {
    /// \[13\]: lists what there is, then does what the options say.
    ///
    /// # Errors
    /// When the server refuses for good or breaks the protocol. A call that is answered with an error is no such case:
    /// see [`Ending`].
    pub async fn work(&mut self) -> Result<RunOutcome, ClientError> {
        let (tools, dropped) = self.tools().await?;
        let prompts =
            self.list_if_allowed("prompts", !self.client.options.prompt.is_empty()).await?;
        let resources =
            self.list_if_allowed("resources", !self.client.options.read.is_empty()).await?;
        self.client.report.stage(Stage::Result, "What the server offers");
        let credential = self.credential();
        let listing = Listing {
            protocol: self.version(),
            server: &self.server,
            issuer: credential.as_ref().map(|c| c.issuer.as_str()),
            resource: credential.as_ref().map(|c| c.resource.as_str()),
            scopes: credential.as_ref().map(|c| c.scopes.to_string()),
            tools: tools.iter().filter_map(|tool| tool.raw.as_deref()).collect(),
            dropped,
            prompts,
            resources,
        };
        self.show_listing(&listing, &tools);
        let options = self.client.options.clone();
        let mut calls = options.call;
        calls.extend(options.call_file.into_iter().flat_map(|calls| calls.0));
        if options.call_all {
            calls.extend(
                tools
                    .iter()
                    .filter(|tool| tool.annotations["destructiveHint"] != true)
                    .map(Tool::sample),
            );
        }
        let mut ending = RunOutcome::Done;
        if calls.is_empty() && options.prompt.is_empty() && options.read.is_empty() {
            return self.converse(&tools).await;
        }
        for call in calls {
            let outcome = self.call(&tools, &call).await?;
            self.show("call", &call.name, &call.arguments, outcome, &mut ending);
        }
        for prompt in options.prompt {
            let params = json!({"name": prompt.name, "arguments": prompt.arguments});
            let outcome = self.request("prompts/get", object(params), HeaderMap::new()).await?;
            self.show("prompt", &prompt.name, &prompt.arguments, outcome, &mut ending);
        }
        for uri in options.read {
            let outcome = self
                .request("resources/read", object(json!({"uri": uri})), HeaderMap::new())
                .await?;
            self.show("read", &uri, &Object::new(), outcome, &mut ending);
        }
        Ok(ending)
    }

    /// Calls what the person types, if there is a person who has asked for nothing else.
    async fn converse(&mut self, tools: &[Tool]) -> Result<RunOutcome, ClientError> {
        let mut ending = RunOutcome::Done;
        if self.for_programs()
            || self.client.options.quiet
            || !self.client.terminal.is_interactive()
        {
            return Ok(ending);
        }
        loop {
            self.client
                .report
                .essential("call a tool? NAME or NAME={\"argument\": ..}, Enter to leave");
            let line = self.client.terminal.line().await.unwrap_or_default();
            let call = match (line.trim(), tools.iter().find(|tool| tool.name == line.trim())) {
                ("", _) => return Ok(ending),
                (_, Some(tool)) => tool.sample(),
                (typed, None) => match options::call(typed) {
                    Ok(call) => call,
                    Err(why) => {
                        self.client.report.warn(&why);
                        continue;
                    }
                },
            };
            let outcome = self.call(tools, &call).await?;
            self.show("call", &call.name, &call.arguments, outcome, &mut ending);
        }
    }

    /// The tools, and those that are left out with the reason why.
    async fn tools(&mut self) -> Result<(Vec<Tool>, Vec<Value>), ClientError> {
        let (mut tools, mut dropped) = (Vec::new(), Vec::new());
        for raw in self.list("tools").await? {
            let read = serde_json::from_str::<Tool>(raw.get()).map_err(|e| e.to_string());
            let checked = read.and_then(|mut tool| {
                // Without the annotation's revision it is a word like any other.
                if self.is_modern() {
                    tool.param_headers = ParamHeaders::of(&tool.schema)
                        .map_err(|why| format!("{}: {why}", tool.name))?;
                }
                Ok(tool)
            });
            match checked {
                Ok(tool) => tools.push(Tool { raw: Some(raw), ..tool }),
                Err(why) => {
                    self.client.report.warn(&format!("a tool is left out: {why}"));
                    dropped.push(Value::from(why));
                }
            }
        }
        Ok((tools, dropped))
    }

    /// A list that nobody is bothered for, unless something of it is wanted.
    async fn list_if_allowed(
        &mut self,
        kind: &str,
        wanted: bool,
    ) -> Result<Vec<Box<RawValue>>, ClientError> {
        self.step_up = wanted;
        let list = self.list(kind).await;
        self.step_up = true;
        match list {
            Err(error @ ClientError::Forbidden { .. }) => {
                self.client.report.note(&format!("{kind} are left out: {error}"));
                Ok(Vec::new())
            }
            list => list,
        }
    }

    /// All pages of a list; nothing when the server does not have it.
    async fn list(&mut self, kind: &str) -> Result<Vec<Box<RawValue>>, ClientError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(alias = "tools", alias = "prompts", alias = "resources")]
            items: Vec<Box<RawValue>>,
            #[serde(default, rename = "nextCursor")]
            next: Option<String>,
        }
        // A server that declares nothing is asked for its tools all the same.
        if !self.capabilities.contains_key(kind)
            && (kind != "tools" || !self.capabilities.is_empty())
        {
            return Ok(Vec::new());
        }
        let method = format!("{kind}/list");
        let (mut items, mut cursors, mut params) = (Vec::new(), HashSet::new(), Object::new());
        for _ in 0..PAGES {
            let page: Page = match self.request(&method, params.clone(), HeaderMap::new()).await? {
                Ok(result) => parse(&result)?,
                Err(error) if error.code == METHOD_NOT_FOUND => return Ok(items),
                Err(error) => return Err(rpc(&method, error)),
            };
            items.extend(page.items);
            let Some(next) = page.next else {
                return Ok(items);
            };
            if !cursors.insert(next.clone()) {
                break;
            }
            params.insert("cursor".to_owned(), next.into());
        }
        Err(ClientError::Protocol(format!("{method} never comes to an end")))
    }

    async fn call(&mut self, tools: &[Tool], call: &Call) -> Result<Outcome, ClientError> {
        let refuse =
            |why: String| Ok(Err(ErrorObject::new(INVALID_PARAMS, format!("not sent: {why}"))));
        let mut param_headers =
            tools.iter().find(|tool| tool.name == call.name).map(|tool| tool.param_headers.clone());
        let params = object(json!({"name": call.name, "arguments": call.arguments}));
        for last in [false, true] {
            let headers = match param_headers
                .as_ref()
                .map_or(Ok(HeaderMap::new()), |m| m.headers(&call.arguments))
            {
                Ok(headers) => headers,
                Err(why) => return refuse(why),
            };
            match self.request("tools/call", params.clone(), headers).await? {
                // The definition has changed: read it again, and try once more (2026-07-28, "Client Behavior").
                Err(error) if error.code == HEADER_MISMATCH && !last && self.is_modern() => {
                    let (tools, _) = self.tools().await?;
                    param_headers = tools
                        .into_iter()
                        .find(|tool| tool.name == call.name)
                        .map(|tool| tool.param_headers);
                }
                outcome => return Ok(outcome),
            }
        }
        refuse("the server keeps refusing the headers".to_owned())
    }
}

impl Tool {
    fn sample(&self) -> Call {
        Call { name: self.name.clone(), arguments: object(example_args::value(&self.schema)) }
    }
}
