//! Lists with pages, and tool calls.
//!
//! Specs: MCP server/tools, utilities/pagination; MCP 2026-07-28 Streamable HTTP "Client Behavior" (a rejected
//! header).

use std::collections::HashSet;

use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    client::{
        context::{error::ClientError, options::values::Call},
        mcp::{
            example_args,
            param_headers::ParamHeaders,
            session::{MethodResult, Session, object, parse, rpc, versions::HEADER_MISMATCH},
        },
        oauth::unauthorized::Authorizer,
    },
    jsonrpc::{ErrorObject, INVALID_PARAMS, METHOD_NOT_FOUND, Object},
};

const MAX_PAGES: usize = 100;
/// All pages of a list together.
const MAX_LIST_BYTES: usize = 16 * 1024 * 1024;

/// A tool, as the server lists it.
#[derive(Debug, Deserialize)]
pub(crate) struct Tool {
    pub(crate) name: String,
    #[serde(default, rename = "inputSchema")]
    input_schema: Value,
    #[serde(default)]
    annotations: Option<Annotations>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(skip)]
    param_headers: ParamHeaders,
    /// The definition as the server sent it.
    #[serde(skip)]
    pub(crate) raw: Option<Box<RawValue>>,
}

/// What the server says about a tool's effects. Absent values have the defaults of the specification, which assume the
/// worst.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Annotations {
    read_only_hint: Option<bool>,
    destructive_hint: Option<bool>,
}

impl Tool {
    /// Whether a call may delete or overwrite something (`destructiveHint` defaults to true).
    pub(crate) fn may_be_destructive(&self) -> bool {
        let hints = self.annotations.unwrap_or_default();
        hints.read_only_hint != Some(true) && hints.destructive_hint != Some(false)
    }

    /// A call with arguments made from the tool's schema.
    pub(crate) fn example_call(&self) -> Call {
        let arguments = object(example_args::value(&self.input_schema));
        Call { name: self.name.clone(), arguments }
    }
}

impl<A: Authorizer> Session<A> {
    /// The tools, and the reasons why others are left out.
    pub(crate) async fn tools(&mut self) -> Result<(Vec<Tool>, Vec<String>), ClientError> {
        let (mut tools, mut invalid) = (Vec::new(), Vec::new());
        for raw in self.list("tools").await? {
            match self.parse_tool(&raw) {
                Ok(tool) => tools.push(Tool { raw: Some(raw), ..tool }),
                Err(why) => {
                    self.client.reporter.warn(&format!("a tool is left out: {why}"));
                    invalid.push(why);
                }
            }
        }
        Ok((tools, invalid))
    }

    fn parse_tool(&self, raw: &RawValue) -> Result<Tool, String> {
        let mut tool: Tool = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
        // Earlier versions have no such headers.
        if self.is_stateless() {
            tool.param_headers = ParamHeaders::of(&tool.input_schema)
                .map_err(|why| format!("{}: {why}", tool.name))?;
        }
        Ok(tool)
    }

    /// All pages of a list; nothing if the server does not have it.
    pub(crate) async fn list(&mut self, kind: &str) -> Result<Vec<Box<RawValue>>, ClientError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(alias = "tools", alias = "prompts", alias = "resources")]
            items: Vec<Box<RawValue>>,
            #[serde(default, rename = "nextCursor")]
            next: Option<String>,
        }
        // A server that declares no capability at all is asked for its tools nevertheless.
        if !self.capabilities.contains_key(kind)
            && (kind != "tools" || !self.capabilities.is_empty())
        {
            return Ok(Vec::new());
        }
        let method = format!("{kind}/list");
        let (mut items, mut cursors, mut params) = (Vec::new(), HashSet::new(), Object::new());
        let mut bytes = 0;
        for _ in 0..MAX_PAGES {
            let result = match self.request(&method, params.clone(), HeaderMap::new()).await? {
                Ok(result) => result,
                Err(error) if error.code == METHOD_NOT_FOUND => return Ok(items),
                Err(error) => return Err(rpc(&method, error)),
            };
            bytes += result.get().len();
            if bytes > MAX_LIST_BYTES {
                let url = self.client.url.to_string();
                return Err(ClientError::TooLarge { url, limit: MAX_LIST_BYTES });
            }
            let page: Page = parse(&result)?;
            items.extend(page.items);
            let Some(next) = page.next else {
                return Ok(items);
            };
            if !cursors.insert(next.clone()) {
                return Err(ClientError::Protocol(format!("{method} repeats a cursor")));
            }
            params.insert("cursor".to_owned(), next.into());
        }
        Err(ClientError::Protocol(format!("{method} has more than {MAX_PAGES} pages")))
    }

    /// Calls a tool. If the server rejects the parameter headers, the tool's definition has changed: it is read again, and
    /// the call is sent once more.
    pub(crate) async fn call_tool(
        &mut self,
        tools: &[Tool],
        call: &Call,
    ) -> Result<MethodResult, ClientError> {
        let not_sent =
            |why: String| Ok(Err(ErrorObject::new(INVALID_PARAMS, format!("not sent: {why}"))));
        let mut param_headers = headers_of(tools, &call.name);
        let params = object(json!({"name": call.name, "arguments": call.arguments}));
        for is_retry in [false, true] {
            let headers = match param_headers.headers(&call.arguments) {
                Ok(headers) => headers,
                Err(why) => return not_sent(why),
            };
            match self.request("tools/call", params.clone(), headers).await? {
                Err(error) if error.code == HEADER_MISMATCH && !is_retry && self.is_stateless() => {
                    let (tools, _) = self.tools().await?;
                    param_headers = headers_of(&tools, &call.name);
                }
                outcome => return Ok(outcome),
            }
        }
        not_sent("the server rejects the parameter headers".to_owned())
    }
}

fn headers_of(tools: &[Tool], name: &str) -> ParamHeaders {
    let tool = tools.iter().find(|tool| tool.name == name);
    tool.map(|tool| tool.param_headers.clone()).unwrap_or_default()
}
