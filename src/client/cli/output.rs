//! Results on standard output: JSON lines for programs, text for people.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{
    client::{
        context::{
            options::Format,
            reporter::redact::{layout, one_line, printable},
        },
        mcp::{session::MethodResult, tools::Tool},
    },
    jsonrpc::{ErrorObject, Object},
};

/// The first document of the output.
#[derive(Debug, Serialize)]
pub(super) struct Listing<'a> {
    pub(super) protocol: &'a str,
    pub(super) server: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scopes: Option<String>,
    pub(super) tools: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) invalid_tools: Vec<String>,
    pub(super) prompts: Vec<Box<RawValue>>,
    pub(super) resources: Vec<Box<RawValue>>,
}

/// The other documents of the output, one for each call.
#[derive(Debug, Serialize)]
struct CallResult<'a> {
    kind: &'a str,
    name: &'a str,
    arguments: &'a Object,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a ErrorObject>,
}

/// Writes results, and remembers whether a call has failed.
#[derive(Debug)]
pub(super) struct Output {
    json: bool,
    failures: bool,
}

impl Output {
    pub(super) fn new(format: Format) -> Self {
        let json = match format {
            Format::Auto => !io::stdout().is_terminal(),
            Format::Json => true,
            Format::Table => false,
        };
        Self { json, failures: false }
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    pub(super) fn has_failures(&self) -> bool {
        self.failures
    }

    pub(super) fn listing(&self, listing: &Listing<'_>, tools: &[Tool]) {
        if self.json {
            return json_line(listing);
        }
        let server = listing.server["name"].as_str().unwrap_or("the server");
        print(&format!("{server}: MCP {}", listing.protocol));
        for tool in tools {
            let description = tool.description.as_deref().unwrap_or_default();
            print(&format!("  tool      {:<20} {description}", tool.name));
        }
        for (kind, identifier, items) in
            [("prompt", "name", &listing.prompts), ("resource", "uri", &listing.resources)]
        {
            for item in items {
                let item: Value = serde_json::from_str(item.get()).unwrap_or_default();
                let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
                print(&format!("  {kind:<9} {:<20} {}", text(identifier), text("description")));
            }
        }
    }

    pub(super) fn result(
        &mut self,
        kind: &str,
        name: &str,
        arguments: &Object,
        outcome: MethodResult,
    ) {
        self.failures |= match &outcome {
            Ok(result) => serde_json::from_str::<Value>(result.get())
                .is_ok_and(|result| result["isError"] == true),
            Err(_) => true,
        };
        if self.json {
            let (result, error) = (outcome.as_deref().ok(), outcome.as_ref().err());
            return json_line(&CallResult { kind, name, arguments, result, error });
        }
        print(&format!("{kind} {name} {}", Value::Object(arguments.clone())));
        match outcome {
            Ok(result) => print_result(&result),
            Err(error) => print(&format!("  error {}: {}", error.code, error.message)),
        }
    }
}

/// Text as text, everything else as JSON.
fn print_result(result: &RawValue) {
    let value: Value = serde_json::from_str(result.get()).unwrap_or_default();
    let texts = value["content"]
        .as_array()
        .map(|all| all.iter().map(|c| c["text"].as_str()).collect::<Vec<_>>());
    match texts {
        Some(texts) if !texts.is_empty() && texts.iter().all(Option::is_some) => {
            let lines = texts.into_iter().flatten().flat_map(str::lines);
            lines.for_each(|line| print(&format!("  {line}")));
        }
        _ => layout(&value).lines().for_each(|line| print(&format!("  {line}"))),
    }
}

fn print(text: &str) {
    // A closed pipe does not stop the run.
    let _ = writeln!(io::stdout().lock(), "{}", printable(text));
}

fn json_line(document: &impl Serialize) {
    let document = serde_json::to_string(document).unwrap_or_default();
    // Raw values keep the line ends between their tokens.
    let _ = writeln!(io::stdout().lock(), "{}", one_line(&document));
}
